"""A limit for calls of Dask's that may never return, as when a worker hangs."""

from __future__ import annotations

import threading
from concurrent.futures import Future
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["within"]

T = TypeVar("T")


def within(seconds: float, call: Callable[[], T]) -> T:
    """Return what a blocking call returns.

    Args:
        seconds: to wait for it.
        call: made in a thread of its own, which goes on when the time is over.

    Raises:
        TimeoutError: the call takes longer; else whatever it raises.
    """
    told: Future[T] = Future()

    def make() -> None:
        try:
            told.set_result(call())
        except BaseException as error:
            told.set_exception(error)

    threading.Thread(target=make, name="fetchlab-dask", daemon=True).start()
    return told.result(seconds)
