"""The timeline's posts, computed from the seed and asked for one at a time: nothing is kept but the latest.

An author's posts have indices, the oldest 0. In every twenty of them there may be one thread, a row of posts
each of which answers the one before; the rest are posts, quotes, reposts and replies to others.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from fetchlab.testbed import timeline_ids as ids
from fetchlab.testbed import timeline_text as texts
from fetchlab.testbed.hashing import draws
from fetchlab.testbed.timeline_media import Media, attached
from fetchlab.testbed.timeline_users import ADVERTISERS, OTHERS, User, users

__all__ = ["Archive", "Counts", "Post", "archive"]

_BLOCK = 20
_LONGEST_THREAD = 12
_SHOWN_OF_THREAD = 3
_SETTLED = 2_000  # before that nobody else has written anything yet


class Counts(NamedTuple):
    """How often a post has been answered and so on."""

    replies: int
    reposts: int
    quotes: int
    likes: int
    bookmarks: int
    views: int


class Post(NamedTuple):
    """One post.

    Attributes:
        nth: its index among its author's posts, the oldest 0.
        kind: ``post``, ``quote``, ``repost``, ``reply`` to somebody else, or ``thread``, a part of one.
        where: what shows it: the ``timeline``, only its ``thread``'s page, or only the timeline with
            ``replies``.
        created: milliseconds in Unix time.
        said: its text; a repost has none of its own.
        quoted, reposted, answers: ids of other posts; None if there is none.
        gone: whether the quoted post has been deleted since.
    """

    id: int
    author: User
    nth: int
    kind: str
    where: str
    created: int
    language: str
    said: texts.Said
    long: bool
    media: tuple[Media, ...]
    quoted: int | None
    gone: bool
    reposted: int | None
    answers: int | None
    conversation: int
    counts: Counts


class Archive:
    """All posts of one seed."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.users = users(seed)
        self._by_handle = {user.handle: user for user in self.users}
        self.post = lru_cache(maxsize=8_192)(self._post)
        self.created = lru_cache(maxsize=65_536)(self._created)
        self.pinned = lru_cache(maxsize=128)(self._pinned)
        self._thread_in = lru_cache(maxsize=8_192)(self._drawn_thread)

    def find(self, number: int) -> Post | None:
        """The post of that id, whether or not churn has brought it yet; None if it is nobody's."""
        place, index = ids.parts(number)
        if not 0 < number < 1 << 63 or place >= len(self.users) or self.users[place].state != "open":
            return None
        return self.post(place, index) if self.id_of(place, index) == number else None

    def named(self, handle: str) -> User:
        """The author of a handle that stands in some post."""
        return self._by_handle[handle]

    def id_of(self, place: int, index: int) -> int:
        """The id of a post."""
        return ids.snowflake(self.created(place, index), place, index)

    def thread(self, place: int, index: int) -> range:
        """The indices of the thread that the post is in; empty if it is in none."""
        found = self._thread_in(place, index // _BLOCK)
        return found if index in found else range(0)

    def _pinned(self, place: int) -> int | None:
        """The index of the post that its author has pinned."""
        author = self.users[place]
        d = draws(b"timeline pin", self.seed, place)
        if author.posts < 30 or d[0] % 4 == 0:
            return None
        first = d[1] % (author.posts - 25)
        return next(
            (one for one in range(first, first + 25) if self.kind(place, one) in ("post", "quote")), None
        )

    def kind(self, place: int, index: int) -> str:
        """What a post is, without making it."""
        if self.thread(place, index):
            return "thread"
        drawn = draws(b"timeline post", self.seed, place << 15 | index)[0] % 100
        if place >= OTHERS.start:
            return "quote" if drawn < 8 and index > _SETTLED and place not in ADVERTISERS else "post"
        return "post" if drawn < 60 else "quote" if drawn < 76 else "repost" if drawn < 90 else "reply"

    def _drawn_thread(self, place: int, block: int) -> range:
        d = draws(b"timeline block", self.seed, place << 12 | block)
        length = 2 + min(d[2], d[3]) * (_LONGEST_THREAD - 1) // 65_536
        start = block * _BLOCK + d[1] % (_BLOCK - length + 1)
        count = self.users[place].posts
        if d[0] % 5 > 1 or place >= OTHERS.start or start + length > count:
            return range(0)
        return range(start, start + length)

    def _created(self, place: int, index: int) -> int:
        author = self.users[place]
        thread = self.thread(place, index)
        base = thread.start if thread else index
        drawn = draws(b"timeline time", self.seed, place << 15 | base)[0] / 65_536
        born = author.created + round((base + 0.1 + 0.8 * drawn) * author.gap)
        return born + (index - base) * 41_000 + (index - base) ** 2 * 500

    def _post(self, place: int, index: int) -> Post:
        author, kind = self.users[place], self.kind(place, index)
        d = draws(b"timeline post", self.seed, place << 15 | index)
        number, created = self.id_of(place, index), self.created(place, index)
        thread = self.thread(place, index)
        shown = not thread or index == thread.start or index > thread[-_SHOWN_OF_THREAD:][0]
        where = "replies" if kind == "reply" else "timeline" if shown else "thread"
        answers = self.id_of(place, index - 1) if thread and index > thread.start else None
        conversation = self.id_of(place, thread.start) if thread else number
        quoted = reposted = None
        if kind in ("quote", "repost", "reply"):
            other = self._earlier(place, created, d)
            if kind == "quote":
                quoted = other
            elif kind == "repost":
                reposted = other
            else:
                answers = conversation = other
        language = author.language if d[1] % 6 else "en"
        counts = _counted(author, d)
        if reposted is not None:
            original = self.post(*ids.parts(reposted))
            said, long, language = texts.Said("", (), (), ()), False, original.language
            counts = Counts(0, original.counts.reposts, 0, 0, 0, 0)
        elif place in ADVERTISERS:
            said, long = texts.advertised(index), False
        else:
            long = d[2] % 16 == 0 and kind in ("post", "quote", "thread")
            mentioned = self.users[d[3] % len(self.users)].handle
            said = texts.composed(self.seed, place << 15 | index, language, mentioned, long=long)
        media = () if kind == "repost" else attached(self.seed, number, d, plain=kind == "post")
        if media and kind == "post" and d[4] % 12 == 0 and not long:
            said, language = texts.Said("", (), (), ()), "zxx"
        return Post(
            number,
            author,
            index,
            kind,
            where,
            created,
            language,
            said,
            long,
            media,
            quoted,
            kind == "quote" and d[5] % 40 == 0,
            reposted,
            answers,
            conversation,
            counts,
        )

    def _earlier(self, place: int, created: int, d: tuple[int, ...]) -> int:
        """A post that existed by then, of somebody else unless only an outsider had written any."""
        outsider = self.users[OTHERS.start + d[6] % (ADVERTISERS.start - OTHERS.start)]
        for other in (self.users[d[6] % len(self.users)], outsider):
            index = self._latest(other, created) - d[7] % 50
            while index >= 0 and (
                self.kind(other.place, index) in ("repost", "reply") or self.thread(other.place, index)
            ):
                index -= 1
            wanted = other is outsider or (other.place not in (place, *ADVERTISERS) and other.state == "open")
            if index >= 0 and wanted:
                break
        return self.id_of(other.place, index)

    def _latest(self, author: User, moment: int) -> int:
        if not author.posts:
            return -1
        index = min(author.posts - 1, (moment - author.created) // author.gap)
        while index >= 0 and self.created(author.place, index) >= moment:
            index -= 1
        return index


@lru_cache(maxsize=4)
def archive(seed: int) -> Archive:
    """The archive of a seed, one for all wires."""
    return Archive(seed)


def _counted(author: User, d: tuple[int, ...]) -> Counts:
    likes = round(author.followers * (d[20] / 65_536) ** 4)
    return Counts(
        d[21] % (2 + likes // 9),
        d[22] % (1 + likes // 4),
        d[23] % (1 + likes // 20),
        likes,
        d[24] % (1 + likes // 10),
        40 + likes * 37 + d[25] % 900,
    )
