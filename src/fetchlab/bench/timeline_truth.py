"""How complete collected posts are, beside what the testbed's users have really posted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    import polars as pl

__all__ = ["Complete", "complete"]

Rows: TypeAlias = Mapping[int, Mapping[str, Any]]
Media: TypeAlias = Mapping[int, Sequence[Mapping[str, Any]]]


@dataclass(frozen=True, slots=True)
class Complete:
    """What was there to be found as far as somebody read, and what of it was found.

    Attributes:
        posts: of the timelines, threads' middles left out; a repost counts as found where what was reposted
            is there in full, since pages and feeds tell no id of a repost.
        posts_found: of these.
        rows: that are said to be the users' posts.
        wrong: of these, what none of them has posted: advertisements, doubles, inventions.
        visited: threads that the timeline does not show whole.
        threads: posts that only their thread's page shows.
        quotes: posts that quote one which is still there; ``quotes_full`` those whose quote is there with its
            whole text and all its media.
        videos: and GIFs of these posts and their quotes; ``videos_right`` those with an address that plays.
    """

    posts: int = 0
    posts_found: int = 0
    rows: int = 0
    wrong: int = 0
    visited: int = 0
    threads: int = 0
    threads_found: int = 0
    quotes: int = 0
    quotes_full: int = 0
    videos: int = 0
    videos_right: int = 0

    def __add__(self, other: Complete) -> Complete:
        return Complete(*(getattr(self, one.name) + getattr(other, one.name) for one in fields(self)))

    def figures(self) -> dict[str, float]:
        """Return the counts by name."""
        return {one.name: float(getattr(self, one.name)) for one in fields(self)}


def complete(
    truth: Mapping[str, Any], users: Iterable[str], posts: pl.DataFrame, media: pl.DataFrame
) -> Complete:
    """Hold a store against the truth.

    Only what stands in a timeline above the last post that was found counts: a reading may end anywhere. Of a
    thread that it ended in, only what was found: some sources give threads from their end, others not.

    Args:
        truth: ``bed.truth("timeline")``.
        users: whose timelines were read.
        posts: the store's posts (``POSTS`` schema).
        media: its media (``MEDIA`` schema).
    """
    rows = {row["id"]: row for row in posts.iter_rows(named=True)}
    there: dict[int, list[Mapping[str, Any]]] = {}
    for row in media.iter_rows(named=True):
        there.setdefault(row["post"], []).append(row)
    found = Complete()
    for user in users:
        own = {key for key, row in rows.items() if row["own"] and row["user"] == user}
        found += _of(truth["posts"].of(user), own, rows, there)
    return found


def _of(all_posts: Iterable[Mapping[str, Any]], own: set[int], rows: Rows, media: Media) -> Complete:
    known: set[int] = set()
    order: list[Mapping[str, Any]] = []
    hidden: dict[int, list[Mapping[str, Any]]] = {}
    last, beyond = 0, 0
    for post in _as_shown(all_posts):
        known.add(post["id"])
        if post["where"] == "thread":
            hidden.setdefault(post["conversation"], []).append(post)
        if post["where"] != "timeline":
            continue
        order.append(post)
        if post["id"] in own:
            last, beyond = len(order), 0
        beyond += 1
        if own <= known and beyond > _BEYOND:
            break
    cut = order[last - 1]["thread"] if last else ()
    unknown = set(cut) - own
    wanted = [post for post in order[:last] if post["id"] not in unknown]
    visited = {post["conversation"] for post in wanted} & hidden.keys()
    middles = [one for post in wanted for one in hidden.pop(post["conversation"], ())]
    middles = [one for one in middles if one["id"] not in unknown]
    quotes = [post["quote"] for post in (*wanted, *middles) if post["quote"] and not post["quote"]["gone"]]
    films = [
        (post["id"], one)
        for post in (*wanted, *middles, *quotes)
        if post.get("kind") != "repost"
        for one in post["media"]
        if one["kind"] != "photo"
    ]
    return Complete(
        posts=len(wanted),
        posts_found=sum(_is_there(post, own, rows) for post in wanted),
        rows=len(own),
        wrong=len(own - known),
        visited=len(visited),
        threads=len(middles),
        threads_found=sum(post["id"] in own for post in middles),
        quotes=len(quotes),
        quotes_full=sum(_is_full(quote, rows, media) for quote in quotes),
        videos=len(films),
        videos_right=sum(_plays(one, media.get(number, ())) for number, one in films),
    )


def _as_shown(posts: Iterable[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """Posts in the order of a timeline: the newest first, but threads from their first post on."""
    thread: list[Mapping[str, Any]] = []
    for post in posts:
        if thread and post["conversation"] != thread[0]["conversation"]:
            yield from reversed(thread)
            thread = []
        if len(post["thread"]) > 1:
            thread.append(post)
        else:
            yield post
    yield from reversed(thread)


_BEYOND = 60
"""Posts of a timeline, none of which was found, after which its reading is taken to have ended."""


def _is_there(post: Mapping[str, Any], own: set[int], rows: Rows) -> bool:
    if post["id"] in own:
        return True
    reposted = post["repost"]
    return bool(reposted) and reposted["id"] in rows


def _is_full(quote: Mapping[str, Any], rows: Rows, media: Media) -> bool:
    row = rows.get(quote["id"])
    if row is None or len(media.get(quote["id"], ())) != len(quote["media"]):
        return False
    text = quote["text"]
    for link in quote["links"]:  # feeds have links as where they lead
        text = text.replace(link["url"], link["expanded"])
    return row["text"] in (quote["text"], text)


def _plays(one: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> bool:
    right = {one["url"], one["playlist"], *(variant["url"] for variant in one["variants"])} - {None}
    return any(row["url"] in right for row in rows)
