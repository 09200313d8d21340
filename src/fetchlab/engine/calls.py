"""``fetch`` and ``map``: knobs checked, parts put together, run started."""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import partial
from random import Random
from typing import TYPE_CHECKING, Any, Literal

from fetchlab.engine import remembered
from fetchlab.engine.journal import Journal
from fetchlab.engine.knobs import function, not_one, numbered, statuses, whole
from fetchlab.engine.parse import parser
from fetchlab.engine.places import calling_task, fetching_task
from fetchlab.engine.recorder import Recorder
from fetchlab.engine.remote import Remote
from fetchlab.engine.run import Run
from fetchlab.engine.scheduler import Scheduler
from fetchlab.engine.source import source_of
from fetchlab.engine.strategies import choose, plan_of
from fetchlab.engine.tasks import is_generator, is_plain
from fetchlab.errors import ConfigError
from fetchlab.model import Request
from fetchlab.policy.bounds import Bounds
from fetchlab.policy.keys import item_key, own_key, plain_key, request_key, strict_key, url_key
from fetchlab.policy.rate import RateKnob, RateRules
from fetchlab.policy.retry import Retry
from fetchlab.policy.timeout import Timeout
from fetchlab.store.cache import Cache
from fetchlab.transport.client import Client

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Callable, Collection, Iterable
    from os import PathLike
    from pathlib import Path

    from fetchlab.engine.strategies import Strategy
    from fetchlab.model import Result
    from fetchlab.policy.concurrency import Adaptive

__all__ = ["MAX_BYTES", "fetch", "map", "start"]

MAX_BYTES = 50_000_000
WINDOW = 1024


def fetch(
    requests: Iterable[Any] | AsyncIterable[Any],
    *,
    workers: int | Adaptive | None = None,
    strategy: Strategy | None = None,
    retry: Retry | None = None,
    rate: RateKnob = None,
    timeout: Timeout | float | None = Timeout(),  # noqa: B008  # frozen
    parse: Any = "bytes",
    accept: Collection[int] = (),
    max_bytes: int = MAX_BYTES,
    key: Callable[[Any], str] | None = None,
    order: Literal["completed", "input"] = "completed",
    keep: bool = True,
    follow: Callable[[Result], Iterable[Any]] | None = None,
    priority: Callable[[Any], int] | None = None,
    dedup: bool = False,
    deadline: float | None = None,
    max_error_rate: float | None = None,
    cache: Cache | str | PathLike[str] | None = None,
    journal: Journal | str | Path | None = None,
    client: Any = None,
    progress: bool | None = None,
) -> Run:
    """Fetch URLs or requests, many at a time; start at once and return the run.

    Args:
        requests: an iterable or async iterable of ``str``, ``fl.Request`` or ``httpx.Request``, possibly
            endless; it is read lazily.
        workers: concurrent slots, 20 unless told, or ``fl.Adaptive()`` for as many as each host serves
            well; short for ``strategy=fl.Async(workers)``.
        strategy: how items are put onto workers: ``fl.Async``, ``fl.Sequential``, ``fl.Chunked``,
            ``fl.Batch``, ``fl.Threads``, ``fl.Processes`` or ``fl.Dask``.
        retry: what is tried again, and after what wait; ``fl.Retry()`` unless told.
        rate: ``fl.RateLimit(50, per=1.0)`` for every host, or limits by host. A host's own ``Retry-After``
            and 429 are heeded in any case.
        timeout: seconds per attempt: ``fl.Timeout(connect=5, read=30, total=60)``, a total, or None.
        parse: ``"bytes"``, ``"text"``, ``"json"``, ``"response"``, a type (dataclass, msgspec Struct,
            pydantic model), or a callable of the :class:`Response`.
        accept: statuses of 400 and above that are no errors.
        max_bytes: the largest decoded body, 50 MB unless told.
        key: makes an item's key; method, normalised URL, body hash and the request's own credentials (a
            fingerprint of each) unless told. Give one where tokens or signatures are new every day.
        order: the order of iteration, as results come or as the input stands.
        keep: hold the values. False hands each to one reader and holds none, so that memory stays flat.
        follow: makes further items from a result that is ok; they join the same run.
        priority: an item's priority, a number; lower goes first among those read ahead:
            1,024, of a list 65,536.
        dedup: fetch equal keys once; the others end like the first, without an attempt, and further items
            that were seen before are left out. With ``keep=False`` a late one is left out, too.
        deadline: seconds after which the run stops; what is done is kept.
        max_error_rate: share of failed items, from 0 to 1, above which the run stops, looked at from 200
            items on.
        cache: an ``fl.Cache``, or a file's path or a shared tier's URL for one with its usual knobs. What it
            holds is not asked for again, and takes neither a place at its host nor a share of its rate.
        journal: a file that remembers every item that ended, so that the same call goes on where an earlier
            one was stopped or killed: a path, or ``fl.Journal(…)``. Made again while it goes on, the call
            returns the run that is going on.
        client: an ``fl.Client``, or an async client with httpx's interface; a shared one unless told.
        progress: True shows progress, False does not, None shows it where a person looks.

    Returns:
        The run, running.

    Raises:
        ConfigError: a knob has a value that cannot work.
        JournalError: the journal is in use, or cannot be read and written.
    """
    whole("max_bytes", max_bytes)
    not_one(requests)
    chosen = choose(workers, strategy, plain=False)
    own = None if key is None else own_key(function("key", key))
    fetching = fetching_task(
        chosen,
        Client.of(client),
        None,
        parser(parse),
        accept=statuses(accept),
        timeout=Timeout.of(timeout),
        max_bytes=max_bytes,
        cache=Cache.of(cache),
        key=own,
    )
    return start(
        fetching,
        requests,
        strategy=chosen,
        retry=retry,
        rate=rate,
        priority=priority,
        dedup=dedup,
        deadline=deadline,
        max_error_rate=max_error_rate,
        key=own or _fetch_key,
        order=order,
        keep=keep,
        follow=follow,
        journal=journal,
        call=("fetch", parse, key, follow),
        made_by=("parse", parse),
        progress=progress,
        knob="requests",
    )


def map(  # noqa: A001  # the field's word for it
    task: Callable[[Any], Any],
    items: Iterable[Any] | AsyncIterable[Any],
    *,
    workers: int | Adaptive | None = None,
    strategy: Strategy | None = None,
    retry: Retry | None = None,
    rate: RateKnob = None,
    timeout: Timeout | float | None = None,
    key: Callable[[Any], str] | None = None,
    order: Literal["completed", "input"] = "completed",
    keep: bool = True,
    follow: Callable[[Result], Iterable[Any]] | None = None,
    priority: Callable[[Any], int] | None = None,
    dedup: bool = False,
    deadline: float | None = None,
    max_error_rate: float | None = None,
    cache: Cache | str | PathLike[str] | None = None,
    journal: Journal | str | Path | None = None,
    progress: bool | None = None,
) -> Run:
    """Call a function with every item, many at a time, on the same engine as :func:`fetch`.

    Args:
        task: an async function runs on the engine's loop, a plain one in threads. Raise
            ``fl.errors.Retriable`` in it to have the item tried again.
        items: an iterable or async iterable, possibly endless; it is read lazily.
        workers: concurrent slots; 20 for an async function, ``min(32, 4 × cores)`` threads for a plain one;
            or ``fl.Adaptive()``.
        strategy: how items are put onto workers.
        retry: how often ``Retriable`` and timeouts are tried again, and after what wait.
        rate: ``fl.RateLimit(50, per=1.0)``: calls per second.
        timeout: seconds one attempt may take in all, None for no limit.
        key: makes an item's key; strings are their own, numbers and tuples become JSON. Journal, cache and
            ``dedup`` tell 1 from "1".
        order: the order of iteration, as results come or as the input stands.
        keep: hold the values; see :func:`fetch`.
        follow: makes further items from a result that is ok; they join the same run.
        priority: an item's priority, a number; lower goes first among those read ahead:
            1,024, of a list 65,536.
        dedup: fetch equal keys once; the others end like the first, without an attempt, and further items
            that were seen before are left out. With ``keep=False`` a late one is left out, too.
        deadline: seconds after which the run stops; what is done is kept.
        max_error_rate: share of failed items, from 0 to 1, above which the run stops, looked at from 200
            items on.
        cache: an ``fl.Cache``, or a file's path for one with its usual knobs. Values are known by the
            function's name and source, what it closes over and the item's key, so that a changed function is
            called anew; an item without a key of its own needs ``key``, and so does a function that is bound
            to an object or closes over one without a plain form.
        journal: a file that remembers every item that ended; see :func:`fetch`. Items that are no strings,
            numbers or tuples of them need a ``key``.
        progress: True shows progress, False does not, None shows it where a person looks.

    Returns:
        The run, running.

    Raises:
        ConfigError: a knob has a value that cannot work.
        JournalError: the journal is in use, or cannot be read and written.
    """
    if not callable(task):
        raise ConfigError("task", f"give a function of one item, not {type(task).__name__}")
    if is_generator(task):
        raise ConfigError("task", "is a generator function; return a value instead of yielding")
    plain = is_plain(task)
    chosen = choose(workers, strategy, plain=plain)
    limit = None if timeout is None else Timeout.of(timeout)
    own = None if key is None else own_key(function("key", key))
    return start(
        calling_task(chosen, task, timeout=limit, cache=Cache.of(cache), key=own),
        items,
        strategy=chosen,
        plain=plain,
        retry=retry,
        rate=rate,
        priority=priority,
        dedup=dedup,
        deadline=deadline,
        max_error_rate=max_error_rate,
        key=own or _map_key,
        order=order,
        keep=keep,
        follow=follow,
        journal=journal,
        call=("map", task, key, follow),
        made_by=("task", task),
        progress=progress,
    )


def start(
    task: Any,
    items: Any,
    *,
    strategy: Strategy,
    key: Callable[[Any], str],
    plain: bool = False,
    retry: Retry | None = None,
    rate: RateKnob = None,
    order: str = "completed",
    keep: bool = True,
    follow: Callable[[Result], Iterable[Any]] | None = None,
    priority: Callable[[Any], int] | None = None,
    dedup: bool = False,
    deadline: float | None = None,
    max_error_rate: float | None = None,
    drained: Callable[[], Iterable[Any]] | None = None,
    product: Callable[[Run], Any] | None = None,
    journal: Journal | str | Path | None = None,
    call: object = None,
    made_by: tuple[str, Any] | None = None,
    origin: str | None = None,
    recalls: Callable[[Any], bool] | None = None,
    holds: Callable[[Any, Any], Any] | None = None,
    notes: Callable[[], dict[str, object]] | None = None,
    progress: bool | None = None,
    knob: str = "items",
) -> Run:
    """Put a run together and start it; what :func:`fetch`, :func:`map` and the studies share.

    Args:
        task: makes attempts: a ``Fetching`` or a ``Calling``. Where it has a ``rescue``, that is told of
            every item that fails for good, and may return what makes its value instead.
        items: the input.
        strategy: how items are put onto workers.
        key: an item's key.
        plain: True if the task runs in threads.
        retry: what is tried again.
        rate: rate limits by host.
        order: order of iteration.
        keep: hold values.
        follow: a result's further items.
        priority: an item's priority.
        dedup: serve equal keys once.
        deadline: seconds after which the run stops.
        max_error_rate: share of failed items above which it stops.
        drained: further items once everything ended.
        product: what ``run.result()`` returns.
        journal: remembers every item that ended.
        call: what tells this call from others on the same journal, beside the input.
        made_by: what makes the values, after the knob it is given as; None if they are always of one kind.
        origin: where the items come from, if their keys do not tell.
        recalls: says which items the journal may answer for, None for all.
        holds: given an item and a recorded value, returns it as it holds now, None if it does no more; called
            in a thread.
        notes: what ``run.notes`` are; where a live run is returned its own stay.
        progress: whether to show progress.
        knob: what the user calls the input.
    """
    if order not in ("completed", "input"):
        raise ConfigError("order", f"is 'completed' or 'input', not {order!r}")
    if retry is not None and not isinstance(retry, Retry):
        raise ConfigError("retry", f"give fl.Retry(attempts=…), not {retry!r}")
    if follow is not None:
        function("follow", follow, may_yield=True)
    if priority is not None:
        priority = numbered(function("priority", priority))
    bounds = Bounds(deadline, max_error_rate)
    width_hint = getattr(strategy, "workers", None) or getattr(strategy, "n", None) or 20
    if not isinstance(width_hint, int):
        width_hint = width_hint.max
    remote = getattr(task, "remote", None)
    if isinstance(strategy, Remote):
        if remote is None:
            raise ConfigError("strategy", f"this call does not go out to a cluster; leave {strategy!r} out")
        width_hint = WINDOW
    journal = Journal.of(journal)
    signature = None if journal is None else (call, items, keep, order)
    if journal is not None:
        from fetchlab.engine.earlier import Earlier
        from fetchlab.engine.journaling import Journaling, live_run
        from fetchlab.engine.makers import maker_of

        live = live_run(journal, signature)
        if live is not None:
            task.close()
            return live
    ahead = max(64, 2 * width_hint, 0 if journal is None else WINDOW)
    source = source_of(items, ahead=ahead, knob=knob)
    plan = plan_of(strategy, source.total, plain=plain)
    width = plan.width if remote is None else remote.slots
    rules = RateRules(rate)
    journaling = None
    if journal is not None:
        named, shown = strict_key(key, by_type=key is _map_key), key if key is _map_key else None
        if isinstance(items, Sequence) and len(items):
            named(items[0])
        at_once = follow is not None or not keep
        earlier = Earlier(
            journal.path, named, shown=shown, at_once=at_once, hold=keep, recalls=recalls, holds=holds
        )
        journaling = Journaling(
            journal,
            signature,
            named,
            earlier,
            shown=shown,
            workers=width,
            origin=origin,
            maker=None if made_by is None else maker_of(*made_by),
        )
    now = time.perf_counter()
    recorder = Recorder(
        start=now,
        key_of=key,
        keep=keep,
        window=max(WINDOW, 4 * plan.width),
        follow=follow,
        drained=drained,
        journal=journaling,
    )
    gate = None if keep else recorder.may_pull
    scheduler = Scheduler(
        source,
        task,
        plan,
        retry or Retry(),
        recorder,
        clock=time.perf_counter,
        random=Random(),  # noqa: S311  # jitter
        gate=gate if journaling is None else journaling.gate(gate),
        prepare=task.prepare,
        rescue=getattr(task, "rescue", None),
        rate=rules,
        priority=priority,
        dedup=None if not dedup else _map_identity if key is _map_key else key,
        on_width=lambda: run.resized(),  # noqa: PLW0108  # the run is made below
        earlier=None if journaling is None else journaling.earlier,
        may_begin=None if journaling is None else journaling.has_room,
        remembered=_remembered(plan.adaptive, None if journal is None else journal.path),
        remote=remote,
    )

    def at_end() -> None:
        task.close()
        if plan.adaptive is not None:
            remembered.note(run.stats())

    run = Run(
        scheduler,
        recorder,
        bounds=bounds,
        order=order,
        show=progress,
        product=product,
        at_end=at_end,
        journal=journaling,
    )
    if journaling is not None:
        journaling.bind(run, scheduler, recorder)
        if journaling.older:
            run.notes_from(partial(dict, values_of_another_version=journaling.older))
    if notes is not None:
        run.notes_from(notes)
    recorder.on_change = run.changed
    return run.begin()


def _remembered(adaptive: Adaptive | None, own: Path | None) -> Callable[[str], int | None]:
    """What is remembered of hosts' limits, where that was asked for."""
    if adaptive is None or adaptive.start != "history":
        return lambda _: None
    return partial(remembered.limit_of, known=remembered.limits(remembered.journals(own=own)))


def _fetch_key(item: Any) -> str:
    try:
        if type(item) is str:
            return url_key("GET", item)
        return request_key(item if type(item) is Request else Request.of(item))
    except Exception:  # it fails as an item, under some name
        return plain_key(item) or type(item).__name__


def _map_key(item: Any) -> str:
    return plain_key(item) or type(item).__name__


def _map_identity(item: Any) -> str:
    return item_key(item) or type(item).__name__
