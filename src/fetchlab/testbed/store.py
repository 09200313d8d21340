"""Prepared bytes, kept up to a limit."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Generic, Protocol, TypeVar

__all__ = ["Shelf"]


class _Sized(Protocol):
    def __len__(self) -> int: ...


K = TypeVar("K", bound=Hashable)
V = TypeVar("V", bound=_Sized)


class Shelf(Generic[K, V]):
    """Things by key; when they grow beyond `room` bytes, the oldest go."""

    def __init__(self, room: int) -> None:
        self._room = room
        self._used = 0
        self._kept: dict[K, V] = {}

    def get(self, key: K) -> V | None:
        """What is kept under `key`."""
        return self._kept.get(key)

    def put(self, key: K, thing: V) -> V:
        """Keep `thing`, unless it alone would fill much of the shelf; gives it back either way."""
        if len(thing) <= self._room // 4:
            self.drop(key)
            self._kept[key] = thing
            self._used += len(thing)
            while self._used > self._room:
                self.drop(next(iter(self._kept)))
        return thing

    def drop(self, key: K) -> None:
        """Forget what is kept under `key`, if anything is."""
        thing = self._kept.pop(key, None)
        if thing is not None:
            self._used -= len(thing)
