"""Numbers and names of posts and media: each leads back to what it stands for, and none can be guessed.

A post's id is a snowflake: milliseconds since the service's epoch above 22 bits. Here those bits are the
author's place (7) and the post's index (15), so that a post is found without any table.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from hashlib import blake2b
from typing import NamedTuple

__all__ = ["EPOCH", "MOST", "Named", "digest", "moment", "name", "named", "parts", "snowflake"]

EPOCH = 1_288_834_974_657
"""Milliseconds in Unix time at which the service's ids begin."""
MOST = 1 << 15
"""Posts of one author at most."""


def snowflake(milliseconds: int, author: int, index: int) -> int:
    """The id of an author's post; `milliseconds` in Unix time."""
    return (milliseconds - EPOCH) << 22 | author << 15 | index


def parts(number: int) -> tuple[int, int]:
    """The author's place and the post's index in an id."""
    return number >> 15 & 127, number & (MOST - 1)


def moment(number: int) -> int:
    """The milliseconds in Unix time in an id."""
    return (number >> 22) + EPOCH


def digest(seed: int, what: str, length: int = 16) -> str:
    """Letters and digits that belong to `what`, as in the names of the service's files."""
    raw = blake2b(f"{seed}\0{what}".encode(), digest_size=length).digest()
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return "".join(letters[byte & 63] for byte in raw)


class Named(NamedTuple):
    """Whose picture it is: a post's id, and which of its media, from 0."""

    post: int
    number: int


def name(seed: int, post: int, number: int) -> str:
    """The fifteen characters that name a picture."""
    packed = (post << 2 | number).to_bytes(9)
    proof = blake2b(packed, digest_size=2, key=f"picture {seed}".encode()).digest()
    return urlsafe_b64encode(proof + _veiled(seed, proof, packed))[:15].decode()


def named(seed: int, text: str) -> Named | None:
    """What a name stands for; None if the service never gave it."""
    try:
        raw = urlsafe_b64decode(f"{text}=")
    except ValueError:
        return None
    if len(raw) != 11:
        return None
    packed = int.from_bytes(_veiled(seed, raw[:2], raw[2:]))
    found = Named(packed >> 2, packed & 3)
    return found if found.post < 1 << 63 and name(seed, *found) == text else None


def _veiled(seed: int, proof: bytes, packed: bytes) -> bytes:
    stream = blake2b(proof, digest_size=9, key=f"stream {seed}".encode()).digest()
    return bytes(a ^ b for a, b in zip(packed, stream, strict=True))
