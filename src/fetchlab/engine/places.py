"""Where a task runs, as the strategy says: on the loop, in threads, in worker processes, on other machines.

On the loop everything is asynchronous. Elsewhere each worker has one item at a time and blocks on it; what
an attempt saw of the wire comes back with its value or error, and is noted on the loop.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from fetchlab.engine.caching import Caching, by_function, by_request
from fetchlab.engine.crossing import pack
from fetchlab.engine.jobs import CallJob, FetchJob, Seen
from fetchlab.engine.processes import Processes
from fetchlab.engine.remote import CallThere, FetchThere, Remote, Remotely, recipe_of
from fetchlab.engine.replay import Replay
from fetchlab.engine.strategies import Processes as InProcesses
from fetchlab.engine.strategies import Threads as InThreads
from fetchlab.engine.tasks import Calling, Fetching, is_plain
from fetchlab.engine.threads import Threads, fit_for_a_coroutine
from fetchlab.errors import ConfigError
from fetchlab.model import Request
from fetchlab.policy.keys import host_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from fetchlab.engine.strategies import Strategy
    from fetchlab.engine.work import Work
    from fetchlab.model import Response
    from fetchlab.policy.timeout import Timeout
    from fetchlab.store.cache import Cache
    from fetchlab.transport.client import Client

__all__ = ["calling_task", "fetching_task", "valued_task"]


def calling_task(
    strategy: Strategy,
    task: Callable[[Any], Any],
    *,
    timeout: Timeout | None,
    cache: Cache | None = None,
    key: Callable[[Any], str] | None = None,
) -> Calling | CallingInProcesses | Remotely | Caching:
    """Return what calls the user's function where the strategy says; with a ``cache`` it looks there first.

    Raises:
        ConfigError: the function cannot cross to a worker process, or another machine.
    """
    inner: Calling | CallingInProcesses | Remotely
    if isinstance(strategy, Remote):
        inner = Remotely(strategy.place(CallThere(task, timeout), plain=is_plain(task)), requests=False)
    elif isinstance(strategy, InProcesses):
        inner = CallingInProcesses(Processes(_packed("task", CallJob(task))), timeout)
    else:
        inner = Calling(task, timeout=timeout)
    if cache is None or cache.rules.mode == "off":
        return inner
    return Caching(inner, cache.tiers, Replay(None), by_function(task, key))


def fetching_task(
    strategy: Strategy,
    client: Client,
    build: Callable[[Any], Request] | None,
    parse: Callable[[Response], Any],
    *,
    accept: Collection[int],
    timeout: Timeout,
    max_bytes: int,
    cache: Cache | None = None,
    key: Callable[[Any], str] | None = None,
    tells: Callable[[Any], str] | None = None,
) -> Fetching | FetchingElsewhere | Remotely | Caching:
    """Return what fetches where the strategy says; see :class:`~fetchlab.engine.tasks.Fetching`.

    With a ``cache`` that is on it looks there first. The cache knows an item by its ``key``, or by its
    request and what ``tells`` it from others with the same one.

    Raises:
        ConfigError: the client or the parser cannot be used there.
    """
    caches = cache is not None and cache.rules.mode != "off"
    inner: Fetching | FetchingElsewhere | Remotely
    if isinstance(strategy, Remote):
        there = FetchThere(*recipe_of(client), parse, frozenset(accept), timeout, max_bytes)
        inner = Remotely(strategy.place(there, plain=False), build)
    elif not isinstance(strategy, InThreads | InProcesses):
        inner = Fetching(client, build, parse, accept=accept, timeout=timeout, max_bytes=max_bytes)
    else:
        kind, options = client.recipe
        accepted = frozenset(accept)
        job = FetchJob(
            kind, options, parse, accept=accepted, timeout=timeout, max_bytes=max_bytes, whole=caches
        )
        if isinstance(strategy, InThreads):
            inner = FetchingElsewhere(_ByThreads(job), build)
        else:
            _packed("parse", parse)  # for the message: of all that crosses it is what may not
            inner = FetchingElsewhere(Processes(_packed("client", job)), build)
    if not caches:
        return inner
    assert cache is not None  # for the type checker
    replay = Replay(parse, accept, max_bytes)
    return Caching(inner, cache.tiers, replay, by_request(cache.tiers, client.headers, key=key, tells=tells))


def valued_task(
    task: Any,
    client: Client,
    build: Callable[[Any], Request],
    *,
    cache: Cache | None,
    tells: Callable[[Any], str],
) -> Any:
    """Return a task that looks for its items' values in a ``cache`` that is on, and keeps them there.

    It is for items that share their requests, so that there is no response which is an item's own.

    Args:
        task: makes attempts.
        client: whose headers are sent.
        build: makes the request that an item would be alone. It names the item, whatever its method.
        cache: where to look, None for nowhere.
        tells: what is added to the name, since under the request's own name there may be a response.
    """
    if cache is None or cache.rules.mode == "off":
        return task
    keys, sent = cache.tiers.keys, client.headers
    return Caching(
        _Valued(task),
        cache.tiers,
        Replay(None),
        lambda work: keys.of_request(build(work.item), sent) + tells(work.item),
    )


class _Valued:
    """A task of which values are kept, and no responses."""

    def __init__(self, task: Any) -> None:
        self._task = task
        self.prepare = task.prepare
        self.close = task.close

    async def __call__(self, work: Work) -> Any:
        """Make one attempt."""
        return await self._task(work)

    async def exchange(self, work: Work, request: Any, *, asks: bool) -> tuple[None, Any]:  # noqa: ARG002
        """Make one attempt; there is no response to return."""
        return None, await self._task(work)


class _Place(Protocol):
    async def call(self, item: Any) -> tuple[Seen, Any, BaseException | None]: ...

    def close(self) -> None: ...


class FetchingElsewhere:
    """Fetches in threads or processes, one blocking request per worker.

    Args:
        place: where.
        build: makes a request from an item; None where items are URLs or requests themselves.
    """

    def __init__(self, place: _Place, build: Callable[[Any], Request] | None) -> None:
        self._place = place
        self._build = build or Request.of

    def prepare(self, work: Work) -> None:
        """Make the request, once for all attempts."""
        request = work.request = self._build(work.item)
        work.method = request.method
        work.host = host_of(request.url)

    async def __call__(self, work: Work) -> Any:
        """Make one attempt."""
        if work.request is None:
            self.prepare(work)
        seen, value, error = await self._place.call(work.request)
        work.status, work.first_byte, work.bytes = seen.status, seen.first_byte, seen.bytes
        if error is not None:
            raise error
        return value

    async def exchange(self, work: Work, request: Request, *, asks: bool) -> tuple[Response, Any]:  # noqa: ARG002
        """Make one attempt with this request; return the response beside the value."""
        seen, told, error = await self._place.call(request)
        work.status, work.first_byte, work.bytes = seen.status, seen.first_byte, seen.bytes
        if error is not None:
            raise error
        response, value = told
        return response, value

    def close(self) -> None:
        """Close connections; threads and processes end after what they are doing."""
        self._place.close()


class CallingInProcesses:
    """Calls the user's function with an item in a worker process.

    Args:
        processes: the workers.
        timeout: seconds per attempt, None for no limit. A worker whose item takes longer is killed.
    """

    def __init__(self, processes: Processes, timeout: Timeout | None) -> None:
        self._processes = processes
        self._timeout = timeout

    def prepare(self, work: Work) -> None:
        """Tasks have no host."""

    async def __call__(self, work: Work) -> Any:
        """Make one attempt."""
        _, value, error = await self._processes.call(work.item, self._timeout)
        if error is not None:
            raise error
        return value

    async def exchange(self, work: Work, request: None, *, asks: bool) -> tuple[None, Any]:  # noqa: ARG002
        """Make one attempt; there is no response to return."""
        return None, await self(work)

    def close(self) -> None:
        """Let the workers end."""
        self._processes.close()


class _ByThreads:
    """Does a job in threads, one item per thread.

    A thread cannot be stopped: an item that is cancelled ends now, its request when the wire is closed at
    the end of the run, or when its timeout passes.
    """

    def __init__(self, job: FetchJob) -> None:
        self._job = job
        self._threads = Threads()

    async def call(self, item: Any) -> tuple[Seen, Any, BaseException | None]:
        """Do the job, and tell what came of it."""
        told: tuple[Seen, Any, BaseException | None] = await self._threads.call(self._do, item)
        return told

    def _do(self, item: Any) -> tuple[Seen, Any, BaseException | None]:
        seen = Seen()
        try:
            return seen, self._job(item, seen), None
        except BaseException as error:
            return seen, None, fit_for_a_coroutine(error)

    def close(self) -> None:
        """Let the threads end, and what they have under way."""
        self._threads.close()
        self._job.close()


def _packed(knob: str, value: Any) -> bytes:
    try:
        return pack(value)
    except Exception as error:
        said = f"{type(error).__name__}: {error}"
        raise ConfigError(
            knob, f"cannot cross to worker processes ({said}); it may use nothing but plain data and modules"
        ) from error
