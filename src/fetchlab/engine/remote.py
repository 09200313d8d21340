"""The seam for strategies whose workers are on other machines; ``cluster`` fills it.

The run stays whole where it was started: it numbers and reads the items, keeps keys, cache and journal, and
decides who goes next, what is tried again and when a host may be asked. Only attempts are made elsewhere. An
attempt holds one of the crew's tasks from when the item is chosen until its outcome is back, so there are
more of these than workers; what is recorded is the slot that made it, and its times there.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol

from fetchlab.errors import ConfigError
from fetchlab.model import Request
from fetchlab.policy.keys import host_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from fetchlab.engine.endings import Endings
    from fetchlab.engine.lanes import Lane
    from fetchlab.engine.work import Work
    from fetchlab.model import Response
    from fetchlab.policy.timeout import Timeout
    from fetchlab.transport.client import Client

__all__ = ["CallThere", "FetchThere", "Hooks", "Remote", "RemotePlace", "Remotely", "There", "TrueTimes"]


class FetchThere(NamedTuple):
    """What fetches an item on another machine.

    Attributes:
        kind: the client's transport.
        options: what that is asked to do on the wire.
        parse: makes a value from a response.
        accept: statuses of 400 and above that are no errors.
        timeout: seconds per attempt.
        max_bytes: largest decoded body.
    """

    kind: str
    options: Any
    parse: Callable[[Response], Any]
    accept: frozenset[int]
    timeout: Timeout
    max_bytes: int


class CallThere(NamedTuple):
    """What calls the user's function on another machine.

    Attributes:
        task: the function, plain or async.
        timeout: seconds per attempt, None for no limit.
    """

    task: Callable[[Any], Any]
    timeout: Timeout | None


class There(NamedTuple):
    """How an attempt went on another machine.

    Attributes:
        worker: the slot that made it, numbered over all machines.
        finished: when it ended, by the run's clock.
    """

    worker: int
    finished: float


class Hooks(NamedTuple):
    """What a place may ask of the run, on the loop.

    Attributes:
        hold: have so many items with the place at most.
        left: items that are not with the place yet, None while nobody knows.
        lane: a host's lane, None if it has none.
        resized: the number of workers has changed.
        stop: end the run with an error that is nobody's item's.
    """

    hold: Callable[[int], None]
    left: Callable[[], int | None]
    lane: Callable[[str], Lane | None]
    resized: Callable[[], None]
    stop: Callable[[Exception], None]


class RemotePlace(Protocol):
    """Where attempts are made. All methods are called on the loop, but for ``slots`` and ``resize``."""

    @property
    def slots(self) -> int:
        """Workers on all machines now."""
        ...

    def resize(self, slots: int) -> None:
        """Have so many, from the next chunk on. Safe from any thread."""
        ...

    async def begin(self, hooks: Hooks) -> None:
        """Begin, or go on after the end of a sitting."""
        ...

    async def call(self, work: Work, item: Any, wants: Literal["value", "response", "news"] = "value") -> Any:
        """Make one attempt; note what it saw in ``work``.

        Args:
            work: the item.
            item: what the attempt is made with.
            wants: what to return: the value, or ``(response, value)``; for news the answer 304 has no value.

        Raises:
            Postponed: it was none, the item is to be served again.
        """
        ...

    def pause(self) -> None:
        """Let nothing go out."""
        ...

    def resume(self) -> None:
        """Let it go out again."""
        ...

    def cancel(self) -> None:
        """Give back what has not gone out, and have the rest aborted there."""
        ...

    def close(self) -> None:
        """Let go of everything; :meth:`begin` comes before anything else is asked."""
        ...


class Remote(ABC):
    """A strategy that brings its own place."""

    __slots__ = ()

    @abstractmethod
    def place(self, job: FetchThere | CallThere, *, plain: bool) -> RemotePlace:
        """Return where attempts are made, looked at: whether it can be reached, and fits.

        Args:
            job: what is done with an item there.
            plain: True for a plain function, which keeps a core busy.

        Raises:
            ConfigError: it cannot be used, or the job cannot cross.
        """

    @abstractmethod
    def width(self, *, plain: bool) -> int:
        """Return how many workers it has now.

        Args:
            plain: True for a plain function, which keeps a core busy.

        Raises:
            ConfigError: it cannot be used.
        """


class Remotely:
    """The task of a run whose attempts are made elsewhere.

    Args:
        remote: where.
        build: makes a request from an item; None where items are URLs or requests themselves.
        requests: False if items are the arguments of a function.
    """

    def __init__(
        self, remote: RemotePlace, build: Callable[[Any], Request] | None = None, *, requests: bool = True
    ) -> None:
        self.remote = remote
        self._build = (build or Request.of) if requests else None

    def prepare(self, work: Work) -> None:
        """Make the request, once for all attempts; functions have none, and no host."""
        if self._build is not None:
            request = work.request = self._build(work.item)
            work.method = request.method
            work.host = host_of(request.url)

    async def __call__(self, work: Work) -> Any:
        """Make one attempt."""
        if self._build is not None and work.request is None:
            self.prepare(work)
        return await self.remote.call(work, work.item if self._build is None else work.request)

    async def exchange(
        self, work: Work, request: Request | None, *, asks: bool
    ) -> tuple[Response | None, Any]:
        """Make one attempt with this request; return the response beside the value."""
        if request is None:
            return None, await self(work)
        wants: Literal["news", "response"] = "news" if asks else "response"
        told: tuple[Response, Any] = await self.remote.call(work, request, wants)
        return told

    def close(self) -> None:
        """Let go of the place."""
        self.remote.close()


class TrueTimes:
    """Stands before the endings: who made an attempt, and when it ended, is known from where it was made.

    Args:
        endings: told of it.
    """

    def __init__(self, endings: Endings) -> None:
        self._endings = endings

    def answered(self, work: Work, number: int, finished: float, value: Any) -> None:  # noqa: ARG002
        """Pass on an attempt that brought a value."""
        worker, finished = _there(work, finished)
        self._endings.answered(work, worker, finished, value)

    def failed(self, work: Work, number: int, finished: float, error: Exception) -> None:  # noqa: ARG002
        """Pass on an attempt that failed."""
        worker, finished = _there(work, finished)
        self._endings.failed(work, worker, finished, error)


def _there(work: Work, finished: float) -> There:
    """Return how the attempt went there, worker 0 for what went nowhere: it was cached, or is given back."""
    there: There | None = getattr(work, "there", None)
    work.there = None
    return There(0, finished) if there is None else there


def recipe_of(client: Client) -> tuple[str, Any]:
    """Return a client's recipe.

    Raises:
        ConfigError: it does what is possible in this process only.
    """
    try:
        return client.recipe
    except ConfigError as error:
        raise ConfigError(
            error.knob,
            "of this client works in this process only, and not on a cluster; give an fl.Client without it,"
            " or use workers=…",
        ) from error
