"""Randomness without state: the same seed and the same name always give the same numbers."""

from __future__ import annotations

from hashlib import blake2b, shake_256
from struct import Struct

__all__ = ["DRAWS", "draws", "pool", "share"]

DRAWS = 32
_WORDS = Struct(f"<{DRAWS}H")
_PAIR = Struct("<QQ")
_MASK = 2**64 - 1


def draws(stream: bytes, seed: int, index: int) -> tuple[int, ...]:
    """Thirty-two independent numbers below 65,536 for one thing; `stream` keeps kinds of things apart."""
    packed = _PAIR.pack(seed & _MASK, index)
    return _WORDS.unpack(blake2b(packed, digest_size=_WORDS.size, person=stream).digest())


def pool(name: str, seed: int, size: int) -> bytes:
    """As many random bytes as wanted, in one go: much cheaper than a hash for each."""
    return shake_256(f"{name}:{seed}".encode()).digest(size)


def share(seed: int, key: str, attempt: int) -> float:
    """A number in [0, 1) that belongs to this attempt at this key."""
    text = f"{seed}\0{attempt}\0{key}".encode()
    return int.from_bytes(blake2b(text, digest_size=8).digest()) / 2**64
