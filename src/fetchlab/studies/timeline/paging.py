"""Sources that are read page by page: the first page of each user, then what each page leads to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import msgspec

from fetchlab.errors import EmptyTimeline

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fetchlab.model import Request, Response, Result
    from fetchlab.studies.timeline.collecting import Collecting
    from fetchlab.studies.timeline.rows import Account, Found

__all__ = ["Ask", "Pages", "Source"]


@dataclass(frozen=True, slots=True)
class Ask:
    """One request.

    Attributes:
        number: which one of this user, from 0.
        account: the user's, where the source needs to know it first.
        cursor: what brings this page, None for the first.
    """

    user: str
    number: int = 0
    account: Account | None = None
    cursor: str | None = None


class Source(Protocol):
    """What knows how to ask for a page, and how to read it.

    Attributes:
        source: its name.
    """

    source: str

    def request(self, ask: Ask) -> Request:
        """Return the request for a page."""
        ...

    def parse(self, response: Response) -> Found:
        """Read an answer."""
        ...


class Pages:
    """Leads from page to page.

    Args:
        source: where pages come from.
        collecting: where what they hold goes.
        asks_first: the source is asked for the account before its posts.
    """

    def __init__(self, source: Source, collecting: Collecting, *, asks_first: bool) -> None:
        self.source = source
        self._collecting = collecting
        self._asks_first = asks_first
        self._came: dict[tuple[str, int], Found] = {}

    def first(self, users: Sequence[str]) -> list[Ask]:
        """The first request of each user."""
        return [Ask(user) if self._asks_first else self._page(Ask(user, -1), None) for user in users]

    def key(self, ask: Ask) -> str:
        """A request's name."""
        return f"{self.source.source}/{ask.user}/{ask.number}"

    def taken(self, ask: Ask, found: Found) -> int:
        """Put an answer by until it is taken in; returns how many posts of the timeline it holds.

        A run holds its values to its end, and nobody reads a page again.
        """
        self._came[ask.user, ask.number] = found
        return len(found.of_timeline())

    def further(self, result: Result) -> list[Ask]:
        """Take in an answer; return what is to be asked next.

        Raises:
            EmptyTimeline: there is no post at all.
        """
        ask = result.item
        found = self._came.pop((ask.user, ask.number))
        if self._asks_first and ask.number == 0:
            (account,) = found.accounts
            self._collecting.added(ask.user, found)
            reading = self._collecting.reading(ask.user)
            if reading.over:
                self._collecting.finish(ask.user)
                return []
            return [self._page(ask, reading.start, account)]
        reading = self._collecting.took(ask.user, _pinned(found, ask.account), last=found.cursor is None)
        if not reading.over:
            return [self._page(ask, found.cursor, ask.account)]
        if not reading.found and not reading.window.posts:
            raise EmptyTimeline(f"{ask.user} has posted nothing")
        self._collecting.finish(ask.user)
        return []

    def _page(self, before: Ask, cursor: str | None, account: Account | None = None) -> Ask:
        if before.number == -1:
            cursor = self._collecting.reading(before.user).start
        return Ask(before.user, before.number + 1, account or before.account, cursor)


def _pinned(found: Found, account: Account | None) -> Found:
    """Mark the post that its author has pinned, where only the account tells which."""
    if account is None or account.pinned is None:
        return found
    found.posts = [
        msgspec.structs.replace(post, pinned=True) if post.own and post.id == account.pinned else post
        for post in found.posts
    ]
    return found
