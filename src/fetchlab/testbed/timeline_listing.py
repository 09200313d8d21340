"""Which posts a page of a user's timeline holds, for every wire that shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from fetchlab.testbed import timeline_ids as ids
from fetchlab.testbed.hashing import draws
from fetchlab.testbed.timeline_users import ADVERTISERS

if TYPE_CHECKING:
    from fetchlab.testbed.timeline_data import Archive, Post

__all__ = ["Page", "advertisement", "listed"]


class Page(NamedTuple):
    """Entries, each of a post or of a thread's first and latest; and where the next page begins."""

    entries: list[list[Post]]
    following: int


def listed(archive: Archive, place: int, start: int, count: int, *, replies: bool = False) -> Page:
    """A page, the newest posts first.

    Args:
        archive: where posts come from.
        place: the author's.
        start: index of the newest post on the page; below 0 the page is empty.
        count: entries on the page at most.
        replies: with replies to others, each after the post it answers.
    """
    entries: list[list[Post]] = []
    index = start
    while index >= 0 and len(entries) < count:
        thread = archive.thread(place, index)
        if thread:
            posts = [archive.post(place, one) for one in thread]
            entries.append([post for post in posts if post.where == "timeline"])
            index = thread.start - 1
            continue
        post = archive.post(place, index)
        index -= 1
        if post.answers is None:
            entries.append([post])
        elif replies:
            entries.append([archive.post(*ids.parts(post.answers)), post])
    return Page(entries, index)


def advertisement(archive: Archive, place: int, start: int) -> Post:
    """The post that somebody has paid for to stand on that page."""
    d = draws(b"timeline advert", archive.seed, place << 16 | start)
    return archive.post(ADVERTISERS[d[0] % len(ADVERTISERS)], d[1] % 20_000)
