"""A post's text as the service delivers it: escaped, shortened, with addresses of what is attached after it.

Positions count characters of the delivered text.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any, NamedTuple

from fetchlab.testbed import timeline_ids as ids
from fetchlab.testbed.timeline_text import Link, clipped

if TYPE_CHECKING:
    from fetchlab.testbed.timeline_data import Archive, Post

__all__ = ["Delivered", "delivered", "in_full", "media_link", "placed", "quote_link"]

_SHORT = 277
_REPOST = 140


class Delivered(NamedTuple):
    """A text, and the first and last position of what readers are shown of it."""

    text: str
    start: int
    end: int


def delivered(archive: Archive, post: Post) -> Delivered:
    """The short form, which every post has."""
    if post.reposted is not None:
        other = archive.post(*ids.parts(post.reposted))
        text = clipped(f"RT @{other.author.handle}: {delivered(archive, other).text}", _REPOST)
        return Delivered(text, 0, len(text))
    start = _answered(archive, post)
    said = post.said.text
    text = start + escape(clipped(said, _SHORT) if post.long else said, quote=False)
    ends = []
    if post.quoted is not None:
        ends.append(quote_link(archive, post).url)
    if post.media:
        ends.append(media_link(archive, post).url)
    return Delivered(" ".join(filter(None, [text, *ends])), len(start), len(text))


def in_full(post: Post) -> str:
    """The long form of a post that is longer than the limit."""
    return escape(post.said.text, quote=False)


def placed(archive: Archive, post: Post, text: str) -> dict[str, list[tuple[Any, int, int]]]:
    """Links, tags and mentions of a post as far as they stand in a delivered text, with their positions."""
    sought: list[tuple[str, Any, str]] = [("links", link, link.url) for link in post.said.links]
    sought += [("tags", tag, f"#{tag}") for tag in post.said.tags]
    sought += [("mentions", name, f"@{name}") for name in post.said.mentions]
    found: dict[str, list[tuple[Any, int, int]]] = {"links": [], "tags": [], "mentions": []}
    answered = _answered(archive, post)
    if answered and text.startswith(answered):
        found["mentions"].append((answered[1:-1], 0, len(answered) - 1))
    for kind, what, written in sought:
        place = text.rfind(written)
        if place >= 0:
            found[kind].append((what, place, place + len(written)))
    return found


def media_link(archive: Archive, post: Post) -> Link:
    """The address at a text's end that stands for its media."""
    kind = "photo" if post.media[0].kind == "photo" else "video"
    return _link(archive, f"media {post.id}", f"/{post.author.handle}/status/{post.id}/{kind}/1")


def quote_link(archive: Archive, post: Post) -> Link:
    """The address at a text's end that stands for the quoted post."""
    quoted = post.quoted or 0
    return _link(
        archive, f"quote {post.id}", f"/{archive.users[ids.parts(quoted)[0]].handle}/status/{quoted}"
    )


def _answered(archive: Archive, post: Post) -> str:
    """What a reply begins with, out of its readers' sight."""
    if post.kind != "reply" or post.answers is None:
        return ""
    return f"@{archive.users[ids.parts(post.answers)[0]].handle} "


def _link(archive: Archive, what: str, path: str) -> Link:
    short = ids.digest(archive.seed, what, 10).replace("-", "x").replace("_", "y")
    return Link(f"https://t.co/{short}", path)
