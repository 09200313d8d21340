"""``strategy=fl.Dask(…)``: the knob, and what is looked at when a call is made with it."""

from __future__ import annotations

import math
import secrets
from dataclasses import dataclass
from typing import Any

from fetchlab.cluster.link import Link, checked, connect, needs_extra
from fetchlab.cluster.machines import Machines
from fetchlab.cluster.parcels import Parcel, packed_job
from fetchlab.cluster.place import Place
from fetchlab.engine.remote import CallThere, FetchThere, Remote
from fetchlab.engine.strategies import DEFAULT_WORKERS
from fetchlab.errors import ConfigError

__all__ = ["Dask"]


@dataclass(frozen=True)
class Dask(Remote):
    """The workers of a Dask cluster; needs ``pip install 'fetchlab[dask]'`` here and there.

    Items go out in chunks, a Dask task each. Everything else stays with the run: order, keys, journal, cache,
    retries, and each host's rules, so that one budget holds over all machines. A machine that dies costs
    nothing but its chunks, which are made again elsewhere. Times in the frame are those of the run's clock;
    that of each machine is compared with it once a second, and is known to half a round trip.

    What crosses is what would cross to worker processes: functions with the globals they read, items and
    values as plain data. It goes through the scheduler, so whoever may look into that may see it,
    credentials too.

    Attributes:
        client: a ``distributed.Client`` (not an asynchronous one), or a scheduler's address.
        chunk: seconds of one machine's time that a chunk takes; results come, and pauses begin, as often.
        workers_per_node: slots in each process of the cluster: 20 unless told, for a plain function given to
            ``map`` as many as that process has threads.

    Raises:
        ConfigError: Dask is not installed, or a value cannot work.
    """

    client: Any
    chunk: float = 1.0
    workers_per_node: int | None = None

    def __post_init__(self) -> None:
        needs_extra()
        if isinstance(self.client, str):
            checked(self.client)
        else:
            _usable(self.client)
        if not isinstance(self.chunk, int | float) or not 0.05 <= self.chunk < math.inf:
            raise ConfigError("strategy", f"Dask(chunk=…) is seconds of 0.05 or more, not {self.chunk!r}")
        slots = self.workers_per_node
        if slots is not None and (not isinstance(slots, int) or isinstance(slots, bool) or slots < 1):
            raise ConfigError(
                "strategy", f"Dask(workers_per_node=…) is a whole number of 1 or more, not {slots!r}"
            )

    def place(self, job: FetchThere | CallThere, *, plain: bool) -> Place:
        """Return where attempts are made: connect, and see whether all fits.

        Raises:
            ConfigError: no scheduler or worker answers, versions differ, or the job cannot cross.
        """
        slots = self._slots(plain=plain)
        parcel = _parcel(job, slots)
        own = isinstance(self.client, str)
        client = connect(self.client) if own else _usable(self.client)
        token = secrets.token_hex(6)
        link = Link(client, token, parcel, own=own)
        try:
            threads = link.check()
        except BaseException:
            if own:
                client.close()
            raise
        return Place(link, token, Machines(threads, slots), self.chunk)

    def width(self, *, plain: bool) -> int:
        """Return how many workers the cluster has now.

        Raises:
            ConfigError: no scheduler or worker answers, or versions differ.
        """
        own = isinstance(self.client, str)
        client = connect(self.client) if own else _usable(self.client)
        try:
            threads = Link(client, "", Parcel(b""), own=own).check()
        finally:
            if own:
                client.close()
        return Machines(threads, self._slots(plain=plain)).slots

    def _slots(self, *, plain: bool) -> int | None:
        return self.workers_per_node or (None if plain else DEFAULT_WORKERS)


def _usable(client: Any) -> Any:
    from distributed import Client

    if not isinstance(client, Client):
        raise ConfigError(
            "strategy",
            f"Dask(…) takes a distributed.Client or a scheduler's address, not {type(client).__name__}",
        )
    if client.asynchronous:
        raise ConfigError(
            "strategy",
            "this Dask client is asynchronous and bound to a loop; give distributed.Client(address)",
        )
    if client.status != "running":
        raise ConfigError("strategy", f"this Dask client is {client.status}; give one that is connected")
    return client


def _parcel(job: FetchThere | CallThere, slots: int | None) -> Parcel:
    if isinstance(job, FetchThere):
        return packed_job("fetch", (slots, *job), names=("", "", "client", "parse", "", "", ""))
    return packed_job("call", (slots, *job), names=("", "task", ""))
