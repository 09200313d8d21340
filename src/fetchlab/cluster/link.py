"""The Dask client's side: what is sent, heard and asked. Dask's words end here.

Dask's own loop lives on a thread of its own, and most of what its client offers waits for that: such calls
are made in threads. News come back on the engine's loop.
"""

from __future__ import annotations

import asyncio
import logging
import time
import warnings
from contextlib import suppress
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from fetchlab import loop
from fetchlab.cluster import node
from fetchlab.cluster.parcels import Part
from fetchlab.cluster.patience import within
from fetchlab.cluster.versions import PACKAGES, mismatches
from fetchlab.engine.threads import Threads
from fetchlab.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from fetchlab.cluster.parcels import Parcel

__all__ = ["Answer", "Link", "checked", "connect", "needs_extra"]

CONNECT_SECONDS = 10.0
ANSWER_SECONDS = 15.0
"""For what all machines are asked at the call."""
CLOCK_SECONDS = 2.0
"""The same while a run goes on, which does not need the answer."""
EXTRA = "needs Dask: pip install 'fetchlab[dask]'"

log = logging.getLogger("fetchlab.cluster")


class Answer(NamedTuple):
    """What became of a chunk's task.

    Attributes:
        kind: ``part`` it is here; ``died`` every worker that Dask gave it to died; ``failed`` it cannot be
            done there; ``unread`` it is here, and cannot be read; ``lost`` nobody knows of it any more.
        part: what came back.
        size: its bytes.
        error: what happened instead.
    """

    kind: Literal["part", "died", "failed", "unread", "lost"]
    part: Part | None = None
    size: int = 0
    error: BaseException | None = None


def needs_extra() -> None:
    """Refuse to go on without Dask.

    Raises:
        ConfigError: it is not installed.
    """
    if find_spec("distributed") is None:
        raise ConfigError("strategy", EXTRA)


def checked(address: str) -> str:
    """Return a scheduler's address, if it may be shown: what connects to it is shown with it.

    Raises:
        ConfigError: it has a user or a password, which no scheduler takes.
    """
    if "@" in address:
        raise ConfigError(
            "strategy", "a Dask scheduler's address has no user and no password; give tcp://HOST:PORT"
        )
    return address.strip()


def connect(address: str) -> Any:
    """Return a Dask client of the scheduler at an address.

    Raises:
        ConfigError: none answers there.
    """
    from distributed import Client

    address = checked(address)
    try:
        # Dask limits the time to connect, and not that of the first words: another program may never answer.
        return within(
            1.2 * CONNECT_SECONDS,
            lambda: Client(address, timeout=CONNECT_SECONDS, set_as_default=False),
        )
    except Exception as error:  # what another program says may be taken for the length of a message
        said = f"{type(error).__name__}: {error}"
        if type(error) is TimeoutError and not str(error):
            said = "something takes the connection and does not answer; the dashboard's port is another one"
        raise ConfigError(
            "strategy",
            f"no Dask scheduler answers at {address} ({said}); start one with 'dask scheduler', or give the"
            " address it prints",
        ) from error


class Link:
    """One run's use of a Dask client.

    Args:
        client: the client, with a loop of its own.
        own: True if it is to be closed at the end.
        token: the run's.
        job: what is done with items.
    """

    def __init__(self, client: Any, token: str, job: Parcel, *, own: bool) -> None:
        self._client = client
        self._own = own
        self._address = client.scheduler.address
        self._closing: asyncio.Future[Any] | None = None
        self._token = token
        self._job = job
        self._job_there: Any = None
        self._threads = Threads()
        self._unfit: dict[str, str] = {}
        self._awaited: set[str] = set()

    # blocking: at the call, before there is a run

    def workers(self) -> dict[str, int]:
        """Return the threads of each of Dask's workers, by its address."""
        found: dict[str, int] = self._client.nthreads()
        return found

    def check(self) -> dict[str, int]:
        """Return the workers, if they fit this process.

        Raises:
            ConfigError: there are none, or they have other versions.
        """
        where = self._client.scheduler.address
        try:
            workers = within(ANSWER_SECONDS, self.workers)
        except OSError as error:
            raise ConfigError(
                "strategy", f"the Dask scheduler at {where} does not answer: {error}"
            ) from error
        try:
            versions = within(ANSWER_SECONDS, lambda: self._client.get_versions(packages=list(PACKAGES)))
        except OSError as error:
            raise ConfigError(
                "strategy",
                f"a worker of the Dask scheduler at {where} does not answer; fetchlab cluster-check {where}"
                " says which",
            ) from error
        if not workers:
            raise ConfigError(
                "strategy", f"the Dask scheduler at {where} has no workers; start some: dask worker {where}"
            )
        there = {address: told["packages"] for address, told in versions["workers"].items()}
        wrong = mismatches(versions["client"]["packages"], there)
        if wrong:
            raise ConfigError("strategy", f"install the same versions on the workers: {'; '.join(wrong)}")
        self._unfit = dict.fromkeys(workers, "")
        return workers

    # on the engine's loop

    async def begin(self, on_closed: Callable[[str, float], None]) -> None:
        """Listen to the machines; connect again if that is over.

        Args:
            on_closed: told, on the loop, of a host that nothing should be sent to now, and for how long.

        Raises:
            ConfigError: there is no scheduler any more.
        """
        if self._closing is not None:
            await self._closing
        if self.over:
            if not self._own:
                raise ConfigError(
                    "strategy", f"this Dask client is {self._client.status}; give one that is connected"
                )
            self._client = await self._threads.call(connect, self._address)

        def heard(event: tuple[float, dict[str, Any]]) -> None:
            _, said = event
            with suppress(RuntimeError):  # the loop has closed
                loop.call_soon(on_closed, said["host"], said["pause"])

        self._client.subscribe_topic(node.topic_of(self._token), heard)

    @property
    def over(self) -> bool:
        """True if the client is not connected."""
        return bool(self._client.status != "running")

    @property
    def has_unfit(self) -> bool:
        """True if the cluster has machines that nothing is sent to, and Dask may yet send something."""
        return any(self._unfit.values())

    def send(
        self,
        number: int,
        address: str,
        chunk: Parcel,
        on_answer: Callable[[Answer], None],
        *,
        only: bool = False,
    ) -> Any:
        """Send a chunk to a machine; Dask gives it to another one if that dies.

        Args:
            number: the chunk's, which makes the task's key: sent twice it is done once.
            address: the machine.
            chunk: what to send.
            on_answer: told on the loop.
            only: this machine or none; if it dies nobody is told.

        Returns:
            What :meth:`abort` takes.
        """
        if self._job_there is None:
            self._job_there = self._submit("job", None, node.job, self._job)
        return self._heard(
            self._submit(str(number), address, node.serve, self._job_there, chunk, only=only), on_answer
        )

    def await_rest(self, number: int, turn: int, address: str, on_answer: Callable[[Answer], None]) -> Any:
        """Ask a machine for what a part left out; who does not know of it tells of nothing."""
        future = self._submit(f"{number}-{turn}", address, node.rest, self._token, number)
        return self._heard(future, on_answer)

    def _submit(
        self,
        name: str,
        address: str | None,
        function: Callable[..., object],
        *args: Any,
        only: bool = False,
    ) -> Any:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # of its size: it is bounded, and needed once
            return self._client.submit(
                function,
                *args,
                key=f"fetchlab-{self._token}-{name}",
                workers=None if address is None else [address],
                allow_other_workers=address is not None and not only,
                pure=False,
            )

    @staticmethod
    def _heard(future: Any, on_answer: Callable[[Answer], None]) -> Any:
        def told(done: Any) -> None:
            answer = _answer(done)
            done.release()  # a part that has come is nothing to be made again when its machine dies
            with suppress(RuntimeError):  # the loop has closed
                loop.call_soon(on_answer, answer)

        future.add_done_callback(told)
        return future

    async def poll(self) -> tuple[dict[str, int], dict[str, tuple[float, float, float]]]:
        """Return the workers that fit, and round trips: when one was asked, its clock, when it was heard."""
        workers = await self._threads.call(lambda _: self.workers(), None)
        self._unfit = {address: why for address, why in self._unfit.items() if address in workers}
        joined = [address for address in workers if address not in self._unfit]
        if joined:
            await self._look_at(joined)
        workers = {address: threads for address, threads in workers.items() if self._unfit.get(address) == ""}
        asked = time.perf_counter()
        clocks = await self._each(list(workers), node.clock, on_error="ignore")
        answered = time.perf_counter()
        return workers, {address: (asked, reading, answered) for address, reading in clocks.items()}

    async def _each(self, workers: list[str], function: Callable[..., Any], **knobs: Any) -> dict[str, Any]:
        """Return what a function returns on workers; nothing if one hangs: until it ends none is asked."""
        asked = [address for address in workers if address not in self._awaited]
        if not asked:
            return {}
        answer = self._threads.call(lambda _: self._client.run(function, workers=asked, **knobs), None)
        try:
            async with asyncio.timeout(CLOCK_SECONDS):
                told: dict[str, Any] = await asyncio.shield(answer)
        except TimeoutError:
            self._awaited.update(asked)
            answer.add_done_callback(lambda _: self._awaited.difference_update(asked))
            self._forget(answer)
            return {}
        return told

    async def _look_at(self, joined: list[str]) -> None:
        """Note which of those that joined fit: one that can do nothing is soon done with everything."""
        from distributed.versions import get_versions

        packages = list(PACKAGES)
        told = await self._each(joined, get_versions, packages=packages, on_error="return")
        own = await self._threads.call(lambda _: get_versions(packages=packages), None)  # it imports
        here = own["packages"]
        for address, one in told.items():
            if isinstance(one, OSError):  # it is gone already, or is asked again
                continue
            why = self._unfit[address] = _misfit(here, address, one)
            if why:
                log.warning("a machine of the cluster is not used: %s", why)

    def hold(self, host: str, below: int) -> None:
        """Have every machine give back what it has of a host, in chunks with a number below this one."""
        self._run(node.hold, host, below)

    def abort(self, sent: Iterable[Any], below: int) -> None:
        """Have chunks aborted, all with a number below this one, and forget them."""
        futures = list(sent)
        if futures:
            self._run(node.cancel, below)
            self.forget(futures)

    def forget(self, futures: list[Any]) -> None:
        """Have the scheduler forget chunks."""
        self._forget(self._threads.call(lambda _: self._client.cancel(futures), None))

    def close(self, below: int) -> None:
        """Have the machines let go of chunks below this number; close the client if it is ours."""
        there, self._job_there = self._job_there, None

        def last(_: object) -> None:
            if not self.over:  # a client that is connecting would wait here for as long as it tries
                with suppress(Exception):
                    self._client.unsubscribe_topic(node.topic_of(self._token))
                with suppress(Exception):
                    self._client.run(node.leave, self._token, below, on_error="ignore")
            if there is not None:
                there.release()
            if self._own:
                with suppress(Exception):
                    self._client.close()

        self._closing = self._threads.call(last, None)
        self._forget(self._closing)
        self._threads.close()

    def _run(self, function: Callable[..., object], *args: Any) -> None:
        """Call a function on all machines; those that do not answer are not waited for."""

        def call(_: object) -> None:
            try:
                self._client.run(function, self._token, *args, on_error="ignore")
            except Exception as error:
                log.info("the cluster was not told: %s: %s", type(error).__name__, error)

        self._forget(self._threads.call(call, None))

    @staticmethod
    def _forget(asked: asyncio.Future[Any]) -> None:
        asked.add_done_callback(lambda future: future.cancelled() or future.exception())


def _misfit(here: dict[str, Any], address: str, told: Any) -> str:
    """Return what keeps a machine from being used, nothing if it fits."""
    if isinstance(told, Exception):
        return f"{address} does not say its versions ({type(told).__name__}: {told})"
    return "; ".join(mismatches(here, {address: told["packages"]}))


def _answer(future: Any) -> Answer:
    """Return what became of a chunk; called in Dask's thread for callbacks."""
    from distributed import KilledWorker
    from distributed.client import FutureCancelledError

    try:
        data = future.result()
    except KilledWorker as error:
        return Answer("died", error=error)
    except (FutureCancelledError, OSError, TimeoutError) as error:
        return Answer("lost", error=error)
    except Exception as error:
        return Answer("failed", error=error)
    try:
        return Answer("part", Part.unpack(data), len(data))
    except Exception as error:
        return Answer("unread", error=error)
