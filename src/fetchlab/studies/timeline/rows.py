"""What every collector finds, in one form: posts with their media and edges, and accounts.

A field that a source does not carry is None. A post's text is what its author wrote: whole, with links as
``t.co`` and without the addresses that the service appends for media and quotes; a repost has none of its
own.
"""

from __future__ import annotations

from typing import Any

import msgspec
import polars as pl

__all__ = [
    "EDGES",
    "MEDIA",
    "POSTS",
    "USERS",
    "WINDOWS",
    "Account",
    "Edge",
    "Found",
    "Medium",
    "Post",
    "Variant",
]


class Variant(msgspec.Struct, frozen=True):
    """One file of a video. ``bitrate`` is in bits per second, sizes in pixels."""

    url: str
    bitrate: int | None = None
    width: int | None = None
    height: int | None = None


class Medium(msgspec.Struct, frozen=True):
    """One medium of a post.

    Attributes:
        kind: ``photo``, ``gif`` or ``video``.
        url: the photo, or the best that plays: a file, or the playlist where no file was seen. None where the
            source did not say; never guessed.
        picture: the photo, or the still that stands for what moves.
        playlist: a video's master playlist.
        seconds: how long it plays.
        id: the service's own number of it.
        variants: all files of it.
    """

    kind: str
    url: str | None = None
    picture: str | None = None
    playlist: str | None = None
    width: int | None = None
    height: int | None = None
    seconds: float | None = None
    alt: str | None = None
    id: int | None = None
    variants: tuple[Variant, ...] = ()


class Edge(msgspec.Struct, frozen=True):
    """What a post is about: ``quote``, ``reply`` or ``repost`` of another one.

    Attributes:
        other: that post's id, None where the source did not say.
        user: its author's handle.
        gone: it is not to be seen any more.
    """

    kind: str
    other: int | None = None
    user: str | None = None
    gone: bool = False


class Post(msgspec.Struct, frozen=True, kw_only=True):
    """One post.

    Attributes:
        user: its author's handle, lower case.
        created_at: seconds in Unix time.
        truncated: the text is only its beginning.
        kind: ``repost``, ``quote``, ``reply`` (to oneself, too) or ``post``.
        conversation: id of the post that a thread began with.
        links: where the links in the text lead.
        own: it stands in the timeline that was collected; else another post quotes, reposts or answers it.
        pinned: its author has pinned it.
    """

    id: int
    user: str
    created_at: int | None = None
    text: str = ""
    truncated: bool = False
    kind: str = "post"
    user_id: int | None = None
    language: str | None = None
    conversation: int | None = None
    links: tuple[str, ...] | None = None
    replies: int | None = None
    reposts: int | None = None
    quotes: int | None = None
    likes: int | None = None
    bookmarks: int | None = None
    views: int | None = None
    own: bool = False
    pinned: bool = False
    media: tuple[Medium, ...] = ()
    edges: tuple[Edge, ...] = ()


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """One account; ``created_at`` in seconds of Unix time, ``pinned`` the id of a post."""

    user: str
    id: int | None = None
    name: str | None = None
    bio: str | None = None
    created_at: int | None = None
    followers: int | None = None
    following: int | None = None
    posts: int | None = None
    verified: bool | None = None
    protected: bool | None = None
    pinned: int | None = None


class Found(msgspec.Struct):
    """What one answer of a source held.

    Attributes:
        posts: those of the timeline (``own``) in its order, and those that they are about.
        accounts: whose posts these are.
        cursor: what brings the next page, None after the last.
        threads: the latest post of each thread that is not shown whole.
    """

    posts: list[Post] = []
    accounts: list[Account] = []
    cursor: str | None = None
    threads: list[Post] = []

    def of_timeline(self) -> list[Post]:
        """The posts of the timeline itself."""
        return [post for post in self.posts if post.own]


_TIME = pl.Datetime("us", "UTC")
_VARIANT = pl.Struct({"url": pl.String(), "bitrate": pl.Int64(), "width": pl.Int64(), "height": pl.Int64()})
_COUNTS: dict[str, Any] = dict.fromkeys(
    ("replies", "reposts", "quotes", "likes", "bookmarks", "views"), pl.Int64()
)

POSTS = pl.Schema(
    {
        "id": pl.Int64(),
        "user": pl.String(),
        "created_at": _TIME,
        "kind": pl.String(),
        "text": pl.String(),
        "truncated": pl.Boolean(),
        "language": pl.String(),
        "user_id": pl.Int64(),
        "conversation": pl.Int64(),
        "links": pl.List(pl.String()),
        **_COUNTS,
        "own": pl.Boolean(),
        "pinned": pl.Boolean(),
        "source": pl.String(),
        "seen_at": _TIME,
    }
)
"""A row per post; see :class:`Post`. ``source`` is the collector that brought it, ``seen_at`` when."""

MEDIA = pl.Schema(
    {
        "post": pl.Int64(),
        "number": pl.Int64(),
        "kind": pl.String(),
        "url": pl.String(),
        "picture": pl.String(),
        "playlist": pl.String(),
        "width": pl.Int64(),
        "height": pl.Int64(),
        "seconds": pl.Float64(),
        "alt": pl.String(),
        "id": pl.Int64(),
        "variants": pl.List(_VARIANT),
    }
)
"""A row per medium of a post, ``number`` from 0; see :class:`Medium`."""

EDGES = pl.Schema(
    {
        "post": pl.Int64(),
        "kind": pl.String(),
        "other": pl.Int64(),
        "user": pl.String(),
        "gone": pl.Boolean(),
    }
)
"""A row per post and what it is about; see :class:`Edge`."""

USERS = pl.Schema(
    {
        "user": pl.String(),
        "id": pl.Int64(),
        "name": pl.String(),
        "bio": pl.String(),
        "created_at": _TIME,
        "followers": pl.Int64(),
        "following": pl.Int64(),
        "posts": pl.Int64(),
        "verified": pl.Boolean(),
        "protected": pl.Boolean(),
        "pinned": pl.Int64(),
        "seen_at": _TIME,
    }
)
"""A row per account; see :class:`Account`."""

WINDOWS = pl.Schema(
    {
        "user": pl.String(),
        "source": pl.String(),
        "began": _TIME,
        "ended": _TIME,
        "newest": pl.Int64(),
        "oldest": pl.Int64(),
        "posts": pl.Int64(),
        "whole": pl.Boolean(),
        "cursor": pl.String(),
    }
)
"""A row per reading of a timeline: between which posts it is without gaps. ``whole`` is one that was read to
its end; ``cursor`` brings the page after the last one stored. ``source`` is the collector, with
``/no-threads`` behind it where a browser left threads as the timeline shortens them."""
