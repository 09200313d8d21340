"""A task that looks into the cache first, and lets one of many who need the same ask for it.

An item whose entry is good waits for nobody: it needs no host, no rate and no connection. One whose key is
being asked for at this moment, by this run, another one or another process, is joined to that attempt
(:class:`~fetchlab.engine.parking.Postponed`) and holds no worker; when it is over the item is looked at
again.
What an attempt brings is stored after its parser has taken it.
"""

from __future__ import annotations

import logging
import time
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from fetchlab.engine.parking import Postponed
from fetchlab.engine.replay import is_refusal
from fetchlab.engine.together import Together
from fetchlab.errors import ConfigError, ItemError, StoreError
from fetchlab.model import Request
from fetchlab.policy.freshness import conditions, is_partial, weathers
from fetchlab.policy.keys import item_key
from fetchlab.store.entry import Entry
from fetchlab.store.naming import function_name

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from concurrent.futures import Future

    from fetchlab.engine.replay import Replay
    from fetchlab.engine.work import Work
    from fetchlab.model import Response
    from fetchlab.store.leases import Verdict
    from fetchlab.store.tiers import Tiers

__all__ = ["Caching", "by_function", "by_request"]

HELD = 256
"""Entries read when their items are; those of items further ahead are read when it is their turn."""

log = logging.getLogger("fetchlab.cache")


class _Task(Protocol):
    def prepare(self, work: Work) -> None: ...

    async def __call__(self, work: Work) -> Any: ...

    async def exchange(self, work: Work, request: Any, *, asks: bool) -> tuple[Response | None, Any]: ...

    def close(self) -> None: ...


class Caching:
    """Serves an item from the cache, else by a task whose answer it stores.

    Args:
        task: makes attempts.
        tiers: where to look; their mode is not ``"off"``.
        replay: makes values of entries, under the call's rules.
        named: what the cache knows an item by, None for what is not to be cached. It is called after the task
            has prepared the item.
    """

    def __init__(
        self,
        task: _Task,
        tiers: Tiers,
        replay: Replay,
        named: Callable[[Work], str | None],
    ) -> None:
        self._task = task
        self.remote = getattr(task, "remote", None)
        self._tiers = tiers
        self._replay = replay
        self._named = named
        self._since = time.time()
        self._warned = False
        self._lease: Together[Verdict] = Together(self._ask_lead, "mine", self._unwanted)
        self._there: Together[Entry | None] = Together(tiers.fetch, None)
        self._not_there: set[str] = set()  # names whose turn to be asked for has not come yet
        self._held = 0  # entries that wait with their items
        self._refused: dict[str, float] = {}  # when entries were stored that are none for this call

    def prepare(self, work: Work) -> None:
        """Prepare the item for its task, and see whether it needs a request."""
        self._task.prepare(work)
        tiers = self._tiers
        name = work.name = self._named(work)
        work.at_hand = None
        if name is None:
            return
        if self._held < HELD:
            work.at_hand = tiers.good(name, self._since, after=self._refused.get(name, -1.0))
            self._held += work.at_hand is not None
        elif name not in self._refused and tiers.has_good(name, self._since):
            work.at_hand = True
        if work.at_hand is None and (
            name in tiers.lead or tiers.rules.mode == "offline" or self._may_be_there(name)
        ):
            work.at_hand = True

    async def __call__(self, work: Work) -> Any:
        """Answer from the cache, or make one attempt."""
        name = work.name
        if name is None:
            name = work.name = self._named(work)  # raises again what prepare met
            if name is None:
                return await self._task(work)
        tiers = self._tiers
        entry = work.at_hand
        if type(entry) is Entry:
            self._held -= 1
            work.at_hand = True
            return self._replayed(work, name, entry)
        unless_leased = work.at_hand is None and tiers.lead.others
        refused = self._refused.get(name, -1.0)
        entry = tiers.good(name, self._since, memory_only=unless_leased, after=refused)
        if entry is None and work.at_hand and self._may_be_there(name):
            entry = await self._look_there(name)
        if entry is not None:
            return self._replayed(work, name, entry)
        tiers.or_miss(name)
        if not tiers.lead.begin(name):
            raise Postponed(partial(tiers.lead.when_over, name, "mine"))
        try:
            if work.at_hand:  # what was to be had is gone: the item must wait for its host
                raise Postponed
            self._not_there.discard(name)
            verdict = await self._lease(name) if tiers.lead.others else "mine, old"  # which looks there, too
            if verdict == "stored" and not tiers.holds(name, self._since, refused):
                verdict = "mine"  # who waits for what cannot be read waits for ever
            if verdict.startswith("mine"):
                try:
                    return await self._asked(work, name, self._old(name) if verdict != "mine" else None)
                finally:
                    tiers.lead.give_back(name)
        finally:
            tiers.lead.end(name)
        raise Postponed(None if verdict == "stored" else partial(tiers.lead.when_over, name, verdict))

    def rescue(self, work: Work, error: Exception) -> Callable[[], Any] | None:
        """Return what ends an item with an old entry where one may stand in for a failure."""
        name = work.name
        if name is None or self._tiers.rules.stale_if_error is None or not weathers(error):
            return None
        entry = self._tiers.old(name)
        if entry is None or not self._tiers.rules.stands_in(entry.expires, time.time()):
            return None
        try:
            value = self._replay.value(entry)
        except Exception:  # it is not what it was, or the parser is not: the failure stands
            return None

        def taken() -> Any:
            self._tiers.count("stale")
            self._note(work, entry)
            work.cached = True
            return value

        return taken

    def close(self) -> None:
        """Close the task; the cache stays open."""
        self._task.close()

    def _ask_lead(self, names: list[str]) -> Future[list[Verdict]]:
        return self._tiers.lead.ask(names, self._since)

    def _unwanted(self, name: str, verdict: Verdict) -> None:
        if verdict.startswith("mine"):
            self._tiers.lead.give_back(name)

    def _may_be_there(self, name: str) -> bool:
        """Say whether a server that machines share is to be asked, before the item waits for its host."""
        tiers = self._tiers
        if not tiers.reaches or name in self._refused:
            return False
        return name not in self._not_there and name not in tiers.lead

    async def _look_there(self, name: str) -> Entry | None:
        """Return an entry from there to use without asking; what was found is in the tiers here by then."""
        entry = await self._there(name)
        if entry is None or not self._tiers.is_good(entry.stored, entry.expires, self._since):
            self._not_there.add(name)
            return None
        return self._tiers.hit_there(entry)

    async def _asked(self, work: Work, name: str, old: Entry | None) -> Any:
        """Make an attempt and store what it brings; of an old entry, ask whether it still holds."""
        tiers, request = self._tiers, work.request
        extra: Mapping[str, str] = {}
        if old is not None and request is not None:
            extra = conditions(old.headers, request.headers)
            if extra:
                request = _with(request, extra)
        if work.attempt - work.before == 1:  # an asker, however often it is tried again
            tiers.count("misses")
        began = time.perf_counter()
        response, value = await self._task.exchange(work, request, asks=bool(extra))
        now = time.time()
        if old is not None and extra and response is not None and response.status == 304:
            tiers.count("revalidated")
            _, expires = tiers.lasts_until(old.response(), now)
            self._note(work, old)
            renewed = tiers.renew(old, expires)
            try:
                return self._replay.value(renewed)
            except Exception as error:
                if is_refusal(error):  # the next attempt is to bring another body
                    self._refused[name] = renewed.stored
                raise
        self._keep(name, response, value, now, time.perf_counter() - began)
        return value

    def _keep(self, name: str, response: Response | None, value: Any, now: float, seconds: float) -> None:
        keep, expires = self._tiers.lasts_until(response, now)
        if not keep:
            return
        try:
            if response is None:
                entry = Entry.of_value(name, value, stored=now, expires=expires, seconds=seconds)
            else:
                entry = Entry.of_response(name, response, stored=now, expires=expires, seconds=seconds)
        except StoreError as error:
            if not self._warned:
                self._warned = True
                log.warning("%s is not cached: %s", name, error)
            return
        self._tiers.store(entry)

    def _old(self, name: str) -> Entry | None:
        """Return an entry past its time that may be asked about: one that would do if it still held."""
        entry = None if name in self._refused else self._tiers.old(name)
        if entry is not None and entry.head is not None:
            try:
                self._replay.check(entry)
            except ItemError:
                return None
        return entry

    def _replayed(self, work: Work, name: str, entry: Entry) -> Any:
        """End an item with an entry; one that is none for this call is as if it were not there.

        Raises:
            Postponed: it is none; the item has to wait for its host.
            FetchlabError: it is none, and offline there is no other.
        """
        self._note(work, entry)
        try:
            value = self._replay.value(entry)
        except Exception as error:
            if self._tiers.rules.mode == "offline" or not is_refusal(error):
                raise
            self._refused[name] = entry.stored
            self._tiers.take_back(entry)
            raise Postponed from None
        work.cached = True
        return value

    @staticmethod
    def _note(work: Work, entry: Entry) -> None:
        work.status = entry.status
        work.bytes = len(entry.body)


def by_request(
    tiers: Tiers,
    sent: Mapping[str, str],
    *,
    key: Callable[[Any], str] | None = None,
    tells: Callable[[Any], str] | None = None,
) -> Callable[[Work], str | None]:
    """Return what names an item by its request; requests for a part, or with a condition, have no name.

    Args:
        tiers: whose rules hold.
        sent: headers that the client adds to every request.
        key: makes an item's name instead.
        tells: what is added to it, to tell an item from others with the same request.
    """
    methods, keys = frozenset(tiers.rules.methods), tiers.keys

    def named(work: Work) -> str | None:
        request = work.request
        if request is None or request.method not in methods or is_partial(request.headers):
            return None
        name = keys.of_request(request, sent) if key is None else key(work.item)
        return name if tells is None else name + tells(work.item)

    return named


def by_function(task: Callable[[Any], Any], key: Callable[[Any], str] | None) -> Callable[[Work], str]:
    """Return what names an item by the function it is given to and its key.

    Args:
        task: the function.
        key: makes an item's key; None for items that are their own.

    Raises:
        ConfigError: it cannot be told from another one without a ``key``.
    """
    function = function_name(task, keyed=key is not None)

    def named(work: Work) -> str:
        own = item_key(work.item) if key is None else key(work.item)
        if own is None:
            raise ConfigError(
                "key",
                f"with a cache, items of type {type(work.item).__name__} need key=…",
            )
        return f"{function} {own}"

    return named


def _with(request: Request, headers: Mapping[str, str]) -> Request:
    twin = Request.get(request.url)
    twin.method, twin.content = request.method, request.content
    twin.headers = {**(request.headers or {}), **headers}
    return twin
