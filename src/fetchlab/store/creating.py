"""Get what is stored, or create it: one of all who ask, here, in other processes and on other machines."""

from __future__ import annotations

import asyncio
import threading
import time
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from typing import TYPE_CHECKING, Any

from fetchlab import loop
from fetchlab.errors import CacheError, ConfigError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from fetchlab.store.leases import Verdict
    from fetchlab.store.tiers import Tiers

__all__ = ["created", "created_async"]

_creating: ContextVar[frozenset[tuple[int, str]]] = ContextVar("_creating", default=frozenset())
"""What is being created further up in this thread or task."""


def created(tiers: Tiers, name: str, create: Callable[[], Any], ttl: Any) -> Any:
    """Return the value under a name, created if need be; blocks while somebody else creates it.

    Raises:
        CacheMiss: offline, and there is nothing.
        CacheError: ``create`` asks for what it is to create.
    """
    while True:
        entry = tiers.good(name) or (tiers.reach(name) if tiers.rules.mode == "offline" else None)
        if entry is not None:
            return entry.value()
        if tiers.rules.mode == "off":
            return create()
        tiers.or_miss(name)
        verdict: Verdict = "held"
        leads = tiers.lead.begin(name)
        if not leads:
            _check_self(tiers, name)
        if leads:
            try:
                if tiers.lead.others:
                    verdict = tiers.lead.ask([name], far=not loop.on_loop_thread()).result()[0]
                else:
                    verdict = "mine"
                if verdict == "stored":
                    entry = tiers.good(name)
                    if entry is not None:
                        return entry.value()
                    verdict = "mine"  # who waits for what cannot be read waits for ever
                if verdict.startswith("mine"):
                    tiers.count("misses")
                    began = time.perf_counter()
                    with _under_way(tiers, name):
                        value = create()
                    tiers.store_value(name, value, ttl, time.perf_counter() - began)
                    return value
            finally:
                if verdict.startswith("mine"):
                    tiers.lead.give_back(name)
                tiers.lead.end(name)
        if loop.on_loop_thread():
            raise ConfigError(
                "cache",
                "this is the engine's own thread, where waiting would be for ever; use an async function",
            )
        over = threading.Event()
        tiers.lead.when_over(name, verdict if leads else "mine", over.set)
        over.wait()


async def created_async(tiers: Tiers, name: str, create: Callable[[], Awaitable[Any]], ttl: Any) -> Any:
    """Do the same for an async function, on whatever event loop this is awaited."""
    while True:
        entry = tiers.good(name)
        if entry is None and tiers.rules.mode == "offline" and tiers.reaches:
            (entry,) = await asyncio.wrap_future(tiers.fetch([name]))
            entry = entry and tiers.hit_there(entry)
        if entry is not None:
            return entry.value()
        if tiers.rules.mode == "off":
            return await create()
        tiers.or_miss(name)
        verdict: Verdict = "held"
        leads = tiers.lead.begin(name)
        if not leads:
            _check_self(tiers, name)
        if leads:
            try:
                verdict = (
                    (await asyncio.wrap_future(tiers.lead.ask([name])))[0] if tiers.lead.others else "mine"
                )
                if verdict == "stored":
                    entry = tiers.good(name)
                    if entry is not None:
                        return entry.value()
                    verdict = "mine"
                if verdict.startswith("mine"):
                    tiers.count("misses")
                    began = time.perf_counter()
                    with _under_way(tiers, name):
                        value = await create()
                    tiers.store_value(name, value, ttl, time.perf_counter() - began)
                    return value
            finally:
                if verdict.startswith("mine"):
                    tiers.lead.give_back(name)
                tiers.lead.end(name)
        await _over(tiers, name, verdict if leads else "mine")


@contextmanager
def _under_way(tiers: Tiers, name: str) -> Iterator[None]:
    """Know, in whatever is called from here, that a value is being created."""
    token = _creating.set(_creating.get() | {(id(tiers.lead.flights), name)})
    try:
        yield
    finally:
        _creating.reset(token)


def _check_self(tiers: Tiers, name: str) -> None:
    """Refuse to wait for what cannot end before this does.

    Raises:
        CacheError: the value is being created by who asks for it.
    """
    if (id(tiers.lead.flights), name) in _creating.get():
        raise CacheError(
            f"{name} is asked for while the same call creates it, which would wait for ever: a function that"
            " remembers must not call itself with the same arguments, nor create() ask for its own key"
        )


async def _over(tiers: Tiers, name: str, verdict: Verdict) -> None:
    here, over = asyncio.get_running_loop(), asyncio.Event()
    tiers.lead.when_over(name, verdict, partial(here.call_soon_threadsafe, over.set))
    await over.wait()
