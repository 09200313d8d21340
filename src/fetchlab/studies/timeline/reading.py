"""How far a timeline is to be read: decisions without I/O."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fetchlab.studies.timeline.rows import Found

if TYPE_CHECKING:
    from fetchlab.studies.timeline.rows import Post
    from fetchlab.studies.timeline.storing import Window

__all__ = ["Options", "Reading", "begun"]


@dataclass(frozen=True, slots=True)
class Options:
    """What a call of ``collect`` asks for.

    Attributes:
        most: posts of each timeline at most, None for all.
        latest: only what is newer than what is stored.
        resume: go on where an earlier reading stopped.
        anew: read all of it, and put it into the place of what is stored.
        threads: threads in full, also what the timeline leaves out of them.
        pause: seconds from a browser's step to the next, at least and at most.
    """

    most: int | None = None
    latest: bool = False
    resume: bool = True
    anew: bool = False
    threads: bool = True
    pause: tuple[float, float] = (0.5, 1.5)


class Reading:
    """One timeline being read, from the newest post on.

    Args:
        window: as far as it has been read.
        most: posts to find at most.
        until: a post that is stored, as all before it are; None to read to the end.

    Attributes:
        over: why nothing more is to be read: ``end``, ``most`` or ``known``; empty while there is.
        topping: what is new is put upon what is known; until both meet the window stays as it is.
        found: posts of the timeline so far.
    """

    def __init__(self, window: Window, *, most: int | None = None, until: int | None = None) -> None:
        self.window = window
        self.over = ""
        self.found = 0
        self._most = most
        self._until = until
        self._seen: set[int] = set()
        self._pinned: dict[int, Post] = {}
        self.topping = until is not None
        self._stored: tuple[int, int] | None = None
        if not self.topping and window.newest is not None and window.oldest is not None:
            self._stored = window.oldest, window.newest
        if most is not None and window.posts >= most and until is None:
            self.over = "most"

    @property
    def start(self) -> str | None:
        """The cursor to begin with, None for the newest post."""
        return None if self.topping else self.window.cursor

    def take(self, page: Found, *, last: bool = False) -> Found:
        """Take in a page; return what of it is wanted.

        Args:
            page: posts in the order of the timeline.
            last: there is none after it.
        """
        own = page.of_timeline()
        above = self._above(own)
        fresh = self._fresh(own, above, last=last)
        room = len(fresh) if self._most is None else max(0, self._most - self._counted())
        kept = list(fresh.values())[:room]
        self._seen.update(post.id for post in kept)
        self.found = len(self._seen)
        if not self.topping:
            self.window.posts += len(kept)
            self.window.widen(post for post in kept if post is not above)
            if len(kept) == len(fresh):  # else this page is not done with
                self.window.cursor = page.cursor
        if self._most is not None and len(fresh) >= room:
            self.over = "most"
        elif self._until is not None and any(post.id <= self._until for post in own if post is not above):
            self._close()
        elif last:
            self._end([post for post in own if post is not above])
        return _only(page, kept)

    def _above(self, own: list[Post]) -> Post | None:
        """The pinned post that is shown above the others, which may not be in sight yet."""
        if not own or not own[0].pinned:
            return None
        alone = len(own) == 1 and not self._seen
        return own[0] if alone or (len(own) > 1 and own[0].id < own[1].id) else None

    def _fresh(self, own: list[Post], above: Post | None, *, last: bool) -> dict[int, Post]:
        """Posts not seen before, in their order.

        A pinned post that is shown above the others is none of the newest: where only so many are wanted, it
        is kept until its turn comes, or to the end.
        """
        fresh: dict[int, Post] = {}
        for post in own:
            if post.id in self._seen or self._is_stored(post):
                continue
            if post is above and self._most is not None:
                self._pinned[post.id] = post
            else:
                fresh.setdefault(post.id, self._pinned.get(post.id, post))
        if last:
            fresh |= {key: post for key, post in self._pinned.items() if key not in self._seen | fresh.keys()}
        return fresh

    def _is_stored(self, post: Post) -> bool:
        """Whether an earlier call has stored it, of a page that was not done with."""
        if self._stored is None:
            return False
        oldest, newest = self._stored
        return oldest <= post.id <= newest

    def has(self, number: int) -> bool:
        """Whether a post was found and is wanted, by its id."""
        return number in self._seen

    def add(self, conversation: Found) -> Found:
        """Take in more of a thread, of which the timeline has shown a part."""
        fresh = [post for post in conversation.of_timeline() if post.id not in self._seen]
        self._seen.update(post.id for post in fresh)
        self.found = len(self._seen)
        if not self.topping:
            self.window.posts += len(fresh)
        return conversation

    def _counted(self) -> int:
        return self.window.posts if not self.topping else len(self._seen)

    def _close(self) -> None:
        """What is stored has been reached: between it and the newest post nothing is missing now."""
        self.over = "known"
        self.window.posts += sum(number > (self._until or 0) for number in self._seen)
        self.window.newest = max([self.window.newest or 0, *self._seen])

    def _end(self, own: list[Post]) -> None:
        self.over = "end"
        if self.topping:
            self.window.posts = len(self._seen)
            self.window.widen(own)
            self.window.newest = max([self.window.newest or 0, *self._seen])
        self.window.whole = True
        self.window.cursor = None


def begun(window: Window | None, fresh: Window, options: Options) -> Reading:
    """Begin to read a timeline, or go on.

    Args:
        window: the latest reading from the same source, None if there was none.
        fresh: a new one.
        options: what is asked for.
    """
    if window is None or window.newest is None or options.anew or not (options.resume or options.latest):
        return Reading(fresh, most=options.most)
    enough = options.most is not None and window.posts >= options.most
    if window.whole or enough or options.latest:
        return Reading(window, most=options.most, until=window.newest)
    return Reading(window, most=options.most)


def _only(page: Found, kept: list[Post]) -> Found:
    """Leave out all of the timeline but these, and what only the others are about."""
    posts = {post.id: post for post in kept}
    dropped = [post for post in page.posts if post.own and post.id not in posts]
    wanted = {edge.other for post in kept for edge in post.edges}
    unwanted = {edge.other for post in dropped for edge in post.edges} - wanted
    others = {post.id: post for post in page.posts if not post.own and post.id not in unwanted}
    more = [post for number, post in others.items() if number not in posts]
    threads = [post for post in page.threads if post.id in posts]
    return Found([*posts.values(), *more], page.accounts, page.cursor, threads)
