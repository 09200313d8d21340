"""The timeline's users and posts as plain dicts, each made when it is asked for."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import accumulate
from typing import TYPE_CHECKING, Any, overload

from fetchlab.testbed import timeline_ids as ids
from fetchlab.testbed.timeline_users import USERS

if TYPE_CHECKING:
    from fetchlab.testbed.timeline_data import Archive, Post
    from fetchlab.testbed.timeline_media import Media
    from fetchlab.testbed.timeline_users import User

__all__ = ["Posts", "Users", "iso", "post_truth", "user_truth", "when"]


class Users(Sequence[dict[str, Any]]):
    """The hundred users to collect from."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive

    def __len__(self) -> int:
        return USERS

    @overload
    def __getitem__(self, place: int) -> dict[str, Any]: ...
    @overload
    def __getitem__(self, place: slice) -> list[dict[str, Any]]: ...
    def __getitem__(self, place: int | slice) -> dict[str, Any] | list[dict[str, Any]]:
        places = range(USERS)[place]
        if isinstance(places, range):
            return [user_truth(self._archive, self._archive.users[one]) for one in places]
        return user_truth(self._archive, self._archive.users[places])


class Posts(Sequence[dict[str, Any]]):
    """Posts of some users, one user after the other, each user's newest first.

    Args:
        archive: where they come from.
        media: base URL of the wire that serves their media.
        places: whose posts; protected and suspended users have none that anybody sees.
    """

    def __init__(self, archive: Archive, media: str, places: Sequence[int] = range(USERS)) -> None:
        self._archive = archive
        self._media = media
        self._places = [place for place in places if archive.users[place].state == "open"]
        self._ends = list(accumulate(archive.users[place].posts for place in self._places))

    def of(self, handle: str) -> Posts:
        """The posts of one user.

        Raises:
            KeyError: there is no such user.
        """
        places = [user.place for user in self._archive.users[:USERS] if user.handle == handle.lower()]
        if not places:
            raise KeyError(handle)
        return Posts(self._archive, self._media, places)

    def __len__(self) -> int:
        return self._ends[-1] if self._ends else 0

    @overload
    def __getitem__(self, place: int) -> dict[str, Any]: ...
    @overload
    def __getitem__(self, place: slice) -> list[dict[str, Any]]: ...
    def __getitem__(self, place: int | slice) -> dict[str, Any] | list[dict[str, Any]]:
        places = range(len(self))[place]
        if isinstance(places, range):
            return [self._stated(one) for one in places]
        return self._stated(places)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return map(self._stated, range(len(self)))

    def _stated(self, place: int) -> dict[str, Any]:
        whose = bisect_right(self._ends, place)
        index = self._ends[whose] - place - 1
        return post_truth(self._archive, self._archive.post(self._places[whose], index), self._media)


def user_truth(archive: Archive, user: User) -> dict[str, Any]:
    """A user as a dict; ``pinned`` is the id of the pinned post."""
    pinned = archive.pinned(user.place)
    return {
        "id": user.id,
        "handle": user.handle,
        "name": user.name,
        "bio": user.bio,
        "language": user.language,
        "state": user.state,
        "created_at": iso(user.created),
        "posts": user.posts,
        "followers": user.followers,
        "following": user.following,
        "verified": user.verified,
        "pinned": None if pinned is None else archive.id_of(user.place, pinned),
    }


def post_truth(archive: Archive, post: Post, media: str) -> dict[str, Any]:
    """A post as a dict, with what it quotes, reposts and answers; addresses are whole URLs."""
    place = post.author.place
    return {
        **_told(post, media),
        "kind": post.kind,
        "where": post.where,
        "pinned": archive.pinned(place) == post.nth,
        "conversation": post.conversation,
        "answers": post.answers,
        "answers_user": _handle(archive, post.answers),
        "thread": [archive.id_of(place, one) for one in archive.thread(place, post.nth)],
        "quote": _other(archive, post.quoted, media, gone=post.gone),
        "repost": _other(archive, post.reposted, media, gone=False),
        **post.counts._asdict(),
    }


def iso(milliseconds: int) -> str:
    """A moment as the service writes it: whole seconds, and three zeros."""
    return when(milliseconds).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def when(milliseconds: int) -> datetime:
    """A moment, without what is smaller than a second."""
    return datetime.fromtimestamp(milliseconds // 1000, UTC)


def _told(post: Post, media: str) -> dict[str, Any]:
    return {
        "id": post.id,
        "user": post.author.handle,
        "user_id": post.author.id,
        "user_name": post.author.name,
        "created_at": iso(post.created),
        "language": post.language,
        "text": post.said.text,
        "long": post.long,
        "links": [link._asdict() for link in post.said.links],
        "tags": list(post.said.tags),
        "mentions": list(post.said.mentions),
        "media": [_medium(one, media) for one in post.media],
    }


def _medium(one: Media, base: str) -> dict[str, Any]:
    return {
        "kind": one.kind,
        "id": one.id,
        "url": base + one.address,
        "picture": base + one.picture,
        "playlist": base + one.playlist if one.playlist else None,
        "variants": [
            {"url": base + v.path, "width": v.width, "height": v.height, "bitrate": v.bitrate}
            for v in one.variants
        ],
        "width": one.width,
        "height": one.height,
        "seconds": one.seconds,
        "alt": one.alt,
    }


def _other(archive: Archive, number: int | None, media: str, *, gone: bool) -> dict[str, Any] | None:
    if number is None:
        return None
    if gone:
        return {"id": number, "gone": True}
    return {**_told(archive.post(*ids.parts(number)), media), "gone": False}


def _handle(archive: Archive, number: int | None) -> str | None:
    return None if number is None else archive.users[ids.parts(number)[0]].handle
