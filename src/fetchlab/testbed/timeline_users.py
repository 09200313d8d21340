"""The timeline's accounts: a hundred to collect from, and some that are only quoted or advertised."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import NamedTuple

from fetchlab.testbed import catalogue_words as words
from fetchlab.testbed.hashing import draws
from fetchlab.testbed.timeline_ids import digest, snowflake
from fetchlab.testbed.timeline_words import BIOS

__all__ = [
    "ADVERTISERS",
    "NOW",
    "OTHERS",
    "USERS",
    "User",
    "portrait",
    "user_named",
    "user_numbered",
    "users",
]

USERS = 100
OTHERS = range(USERS, 128)
"""Accounts that nobody collects from, with long histories: what is quoted or reposted may be theirs."""
ADVERTISERS = range(124, 128)
NOW = 1_793_491_200_000
"""1 November 2026, in milliseconds: nothing is younger, but what comes by churn."""

#: The first users' posts are round numbers; of the last, 2 each are empty, protected and suspended.
_POSTS = (20_000, 1_000, 1_000, 1_000, 200, 200, 40, 3_500)
_STATES = {94: "empty", 95: "empty", 96: "protected", 97: "protected", 98: "suspended", 99: "suspended"}
_LANGUAGES = ("en", "ja", "es", "en", "de", "pt", "ko", "en", "fr", "ar", "en", "zh", "ru", "tr", "hi", "en")
_YEAR = 31_557_600_000
_PLAIN = re.compile(r"[^A-Za-z]")


class User(NamedTuple):
    """An account. ``state`` is open, empty, protected or suspended; times are milliseconds in Unix time."""

    place: int
    id: int
    handle: str
    name: str
    bio: str
    language: str
    state: str
    created: int
    posts: int
    followers: int
    following: int
    verified: bool

    @property
    def gap(self) -> int:
        """Milliseconds between two of its posts, in the mean."""
        return (NOW - self.created) // (self.posts + 1)


@lru_cache(maxsize=4)
def users(seed: int) -> tuple[User, ...]:
    """Every account by its place; those to collect from come first."""
    made: list[User] = []
    taken: set[str] = set()
    for place in range(OTHERS.stop):
        d = draws(b"timeline user", seed, place)
        first, last = (
            words.FIRST_NAMES[d[0] % len(words.FIRST_NAMES)],
            words.LAST_NAMES[d[1] % len(words.LAST_NAMES)],
        )
        handle = f"{_ascii(first)}_{_ascii(last)}"[:15].lower()
        while handle in taken:
            handle = f"{handle[:12]}{d[2] % 900 + 100 + len(taken)}"
        taken.add(handle)
        emoji = " 🚆" if d[3] % 9 == 0 else ""
        state = _STATES.get(place, "open")
        year = 14 if place >= USERS else 8 if place == 0 else 2 + d[4] % 7
        created = NOW - year * _YEAR - d[5] * 60_000
        made.append(
            User(
                place,
                snowflake(created - 3_600_000, place, 0) if d[6] % 2 else 10_000_000 + place * 7_919 + d[6],
                handle,
                f"{first} {last}{emoji}",
                BIOS[d[7] % len(BIOS)],
                _LANGUAGES[place % len(_LANGUAGES)],
                state,
                created,
                _count(place, state, d),
                40 + d[8] * 3,
                12 + d[9] % 2_000,
                verified=d[10] % 4 == 0,
            )
        )
    return tuple(made)


@lru_cache(maxsize=4)
def _by_handle(seed: int) -> dict[str, User]:
    return {user.handle: user for user in users(seed)}


def user_named(seed: int, handle: str) -> User | None:
    """The account of that handle, in whatever case."""
    return _by_handle(seed).get(handle.lower())


@lru_cache(maxsize=4)
def _by_id(seed: int) -> dict[int, User]:
    return {user.id: user for user in users(seed)}


def user_numbered(seed: int, number: int) -> User | None:
    """The account of that id."""
    return _by_id(seed).get(number)


def portrait(seed: int, user: User) -> str:
    """Path of a user's picture."""
    return f"/profile_images/{user.id}/{digest(seed, f'portrait {user.id}', 8)}_normal.jpg"


def _count(place: int, state: str, d: tuple[int, ...]) -> int:
    if state == "empty":
        return 0
    if place >= USERS:
        return 20_000
    return _POSTS[place] if place < len(_POSTS) else round(200 * 40 ** (d[11] / 65_536))


def _ascii(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text).replace("ø", "o").replace("Ł", "L")
    return _PLAIN.sub("", plain)
