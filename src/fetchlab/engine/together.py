"""What many ask of a store in one turn of the loop is asked in one go, in another thread."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future

__all__ = ["Together"]

T = TypeVar("T")


class Together(Generic[T]):
    """Gathers questions, each of them once; for the loop's thread.

    Args:
        ask: asks all of them, of another thread; the future has an answer per name.
        without: everybody's answer where asking failed.
        unwanted: given an answer that nobody waits for any more.
    """

    def __init__(
        self,
        ask: Callable[[list[str]], Future[list[T]]],
        without: T,
        unwanted: Callable[[str, T], object] = lambda _name, _answer: None,
    ) -> None:
        self._ask = ask
        self._without = without
        self._unwanted = unwanted
        self._asking: list[tuple[str, asyncio.Future[T]]] = []

    def __call__(self, name: str) -> asyncio.Future[T]:
        """Ask with whoever asks in this turn; return the future of the answer."""
        loop = asyncio.get_running_loop()
        if not self._asking:
            loop.call_soon(self._go)
        answer: asyncio.Future[T] = loop.create_future()
        self._asking.append((name, answer))
        return answer

    def _go(self) -> None:
        asking, self._asking = self._asking, []
        names = list(dict.fromkeys(name for name, _ in asking))
        asked = self._ask(names)
        loop = asyncio.get_running_loop()

        def told() -> None:
            try:
                answers = asked.result()
            except Exception:  # the store is in trouble, which it tells itself
                answers = [self._without] * len(names)
            found = dict(zip(names, answers, strict=True))
            for name, future in asking:
                if not future.done():
                    future.set_result(found[name])
                else:  # cancelled meanwhile
                    self._unwanted(name, found[name])

        def tell(_: object) -> None:
            with suppress(RuntimeError):  # the loop is gone
                loop.call_soon_threadsafe(told)

        asked.add_done_callback(tell)
