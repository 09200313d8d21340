"""The servers of this process's caches, each connected to once."""

from __future__ import annotations

import os
import threading
import weakref
from typing import TYPE_CHECKING

from fetchlab.store.shared import Shared

if TYPE_CHECKING:
    from fetchlab.store.shared_address import Address

__all__ = ["shared_at"]

_known: weakref.WeakValueDictionary[Address, Shared] = weakref.WeakValueDictionary()
_known_lock = threading.Lock()  # guards _known and _latest
_latest: Shared | None = None  # kept open, so that the next cell finds what this one had in memory


def shared_at(address: Address) -> Shared:
    """Return the one shared tier of an address, connected to if it was not.

    Raises:
        CacheError: the server does not answer, or does not want us.
        ConfigError: the client is not installed.
    """
    global _latest  # noqa: PLW0603
    with _known_lock:
        shared = _known.get(address)
        if shared is None:
            shared = _known[address] = Shared(address, on_close=_forget)
        else:
            shared.try_anew()
        _latest = shared
        return shared


def _forget(shared: Shared) -> None:
    """Let the next one who names the address connect."""
    global _latest  # noqa: PLW0603
    with _known_lock:
        if _known.get(shared.address) is shared:
            del _known[shared.address]
        if _latest is shared:
            _latest = None


def _after_fork() -> None:
    """A child has none of its parent's threads, and must not touch its connections."""
    global _known_lock  # noqa: PLW0603
    _known_lock = threading.Lock()
    for shared in list(_known.values()):
        shared.leave_to_parent()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
