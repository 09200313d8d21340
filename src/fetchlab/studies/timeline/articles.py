"""What a page shows of a post, as rows."""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING, Any

from fetchlab.studies.timeline.rows import Account, Edge, Medium, Post

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["account_shown", "place_of", "post_shown", "video_of"]

_STATUS = re.compile(r"^/(\w+)/status/(\d+)")
_COUNT = re.compile(r"([\d,]+) (repl|repost|like|bookmark|view)")
_NAMES = {"repl": "replies", "repost": "reposts", "like": "likes", "bookmark": "bookmarks", "view": "views"}
_VIDEO = re.compile(r"/amplify_video(?:_thumb)?/(\d+)/")


def place_of(shown: Mapping[str, Any]) -> tuple[str, int] | None:
    """Return a post's author and id by its address, None if it shows none."""
    found = _STATUS.match(shown["path"] or "")
    return None if found is None else (found[1].lower(), int(found[2]))


def video_of(address: str) -> int | None:
    """Return the number of the video that an address belongs to."""
    found = _VIDEO.search(address)
    return None if found is None else int(found[1])


def post_shown(
    shown: Mapping[str, Any],
    user: str,
    playlists: Mapping[int, str],
    *,
    quoted: Post | None = None,
    root: int | None = None,
) -> Post:
    """Make a row of an article.

    A page does not tell what a post answers, nor the id of a repost: there the original is shown.

    Args:
        shown: what stands in the article.
        user: whose timeline it stands in.
        playlists: what was seen on the wire, by the video's number.
        quoted: what it quotes, where that was visited.
        root: the thread that it is known to be in.
    """
    place = place_of(shown)
    assert place is not None  # for the type checker
    author, number = place
    social = shown["social"] or ""
    edges = []
    if quoted is not None:
        edges.append(Edge("quote", quoted.id, quoted.user))
    elif shown["gone"]:
        edges.append(Edge("quote", gone=True))
    counts = {_NAMES[name]: int(count.replace(",", "")) for count, name in _COUNT.findall(shown["counts"])}
    every: dict[str, int | None] = {name: counts.get(name, 0) for name in _NAMES.values()}
    return Post(
        id=number,
        user=author,
        created_at=int(datetime.fromisoformat(shown["time"]).timestamp()),
        language=shown["language"],
        text=shown["text"],
        truncated=shown["folded"],
        kind="quote" if shown["quotes"] or shown["gone"] else "post",
        conversation=root,
        links=tuple(shown["links"]),
        own=author == user and not social.endswith("reposted"),
        pinned=social == "Pinned",
        media=tuple(_medium(one, playlists) for one in shown["media"]),
        edges=tuple(edges),
        **every,
    )


def account_shown(shown: Mapping[str, Any]) -> Account | None:
    """Return what an article shows of its author."""
    place = place_of(shown)
    return None if place is None else Account(user=place[0], name=shown["name"] or None)


def _medium(one: Mapping[str, Any], playlists: Mapping[int, str]) -> Medium:
    if one["kind"] == "photo":
        return Medium("photo", one["url"], one["url"], alt=one["alt"] if one["alt"] != "Image" else None)
    if one["kind"] == "gif":
        return Medium("gif", one["url"], one["poster"])
    number = video_of(one["poster"])
    playlist = None if number is None else playlists.get(number)
    return Medium("video", playlist, one["poster"], playlist, id=number)
