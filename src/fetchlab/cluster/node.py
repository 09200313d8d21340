"""What Dask calls in a worker's process: serve a chunk, hold a host, cancel, leave, tell the clock.

Each run has a station here (:mod:`~fetchlab.cluster.station`), made with its first chunk; where a process
is several of Dask's workers, each has one. Clients are kept beyond runs, so that connections are. The thread
of a chunk's task only waits, and leaves Dask's pool for that: how much is under way is the run's to say, not
the number of threads.
"""

from __future__ import annotations

import threading
import time
from typing import Any

from fetchlab import loop
from fetchlab.cluster.parcels import Chunk, Parcel, Part
from fetchlab.cluster.station import Station
from fetchlab.engine.crossing import pack, unpack
from fetchlab.engine.tasks import Calling, Fetching
from fetchlab.transport.client import Client

__all__ = ["cancel", "clock", "hold", "job", "leave", "limits", "rest", "serve"]

IDLE_SECONDS = 600.0
"""A station that had no chunk for so long is that of a run that ended without saying so."""
CLIENTS = 4
TOKENS = 1000
"""Runs of which is remembered how far they were cancelled."""

_lock = threading.Lock()  # guards the three: stations are opened by threads of tasks
_stations: dict[tuple[str, str], Station] = {}  # by the run's token and the worker's address
_clients: dict[bytes, Client] = {}  # by their recipe
_users: dict[tuple[str, str], bytes] = {}  # the recipe of each station's
_ended: dict[str, int] = {}  # on the loop only


def job(parcel: Parcel) -> Parcel:
    """Return what is done with items: a task of its own, so that Dask brings it to each machine once."""
    return parcel


def serve(packed: Parcel, parcel: Parcel) -> bytes:
    """Serve a chunk: a Dask task.

    Args:
        packed: the job.
        parcel: the chunk.

    Returns:
        The packed part.
    """
    from distributed import get_worker, secede

    worker = get_worker()
    secede()
    chunk = Chunk.unpack(parcel)
    station = _station(packed, chunk.token, worker)
    return loop.submit(_served(station, chunk)).result().pack()


async def _served(station: Station, chunk: Chunk) -> Part:
    """Serve a chunk, unless the run has cancelled it while it was on its way."""
    if chunk.number < _ended.get(chunk.token, 0):
        places = list(range(len(chunk.entries)))
        return Part("", 0, 0, places, [None] * len(places), [None] * len(places))
    return await station.serve(chunk)


def rest(token: str, number: int) -> bytes:
    """Return a further part of a chunk: a Dask task, for the machine that has the chunk."""
    from distributed import get_worker, secede

    address = get_worker().address
    secede()
    station = _stations.get((token, address))
    if station is None:
        return Part("", 0, 0, [], [], []).pack()
    return loop.submit(station.rest(number)).result().pack()


def hold(token: str, host: str, below: int) -> None:
    """Give back what is untried of a host, in chunks with a number below this one."""
    for station in _stations_of(token):
        loop.call_soon(station.hold, host, below)


def cancel(token: str, below: int) -> None:
    """Abort chunks with a number below this one, and those that are still on their way."""
    loop.call_soon(_end, token, below)


def leave(token: str, below: int) -> None:
    """Let go of a run whose chunks had numbers below this one."""
    loop.call_soon(_end, token, below)
    with _lock:
        gone = [_taken(key) for key in list(_stations) if key[0] == token]
    for station in gone:
        loop.call_soon(station.close)


def _taken(key: tuple[str, str]) -> Station:
    _users.pop(key, None)
    return _stations.pop(key)


def _stations_of(token: str) -> list[Station]:
    return [station for (run, _), station in list(_stations.items()) if run == token]


def _end(token: str, below: int) -> None:
    """On the loop, where chunks begin, so that none slips through between."""
    _ended.pop(token, None)
    _ended[token] = below
    if len(_ended) > TOKENS:
        del _ended[next(iter(_ended))]
    for station in _stations_of(token):
        station.cancel(below)


def clock() -> float:
    """Return this machine's clock."""
    return time.perf_counter()


def limits() -> dict[str, int]:
    """Return how many files and connections this process may have open, and has."""
    import psutil

    process = psutil.Process()
    if not hasattr(process, "rlimit"):
        return {"most": 0, "open": 0}
    return {"most": process.rlimit(psutil.RLIMIT_NOFILE)[0], "open": process.num_fds()}


def _station(packed: Parcel, token: str, worker: Any) -> Station:
    with _lock:
        station = _stations.get((token, worker.address))
        if station is None:
            _forget_idle()
            station = _stations[token, worker.address] = _open(packed, token, worker)
        return station


def _open(packed: Parcel, token: str, worker: Any) -> Station:
    kind, knobs = unpack(packed.data)
    slots, *rest = knobs

    def on_closed(host: str, pause: float) -> None:
        worker.log_event(topic_of(token), {"host": host, "pause": pause})

    task: Any
    if kind == "fetch":
        wire, options, parse, accept, timeout, max_bytes = rest
        client = _client(wire, options, (token, worker.address))
        task = Fetching(client, None, parse, accept=accept, timeout=timeout, max_bytes=max_bytes)
    else:
        function, timeout = rest
        task = Calling(function, timeout=timeout)
    return Station(
        task, worker.address, slots or worker.state.nthreads, fetches=kind == "fetch", on_closed=on_closed
    )


def topic_of(token: str) -> str:
    """Return the topic on which the machines of a run tell it of hosts."""
    return f"fetchlab-{token}"


def _client(kind: Any, options: Any, user: tuple[str, str]) -> Client:
    recipe = _users[user] = pack((kind, options))
    client = _clients.pop(recipe, None) or Client.from_recipe(kind, options)
    _clients[recipe] = client  # the latest is the last
    unused = [one for one in _clients if one not in _users.values()]
    for old in unused[: max(0, len(_clients) - CLIENTS)]:
        threading.Thread(target=_clients.pop(old).close, daemon=True).start()
    return client


def _forget_idle() -> None:
    for key, station in list(_stations.items()):
        if station.idle and time.monotonic() - station.used > IDLE_SECONDS:
            loop.call_soon(_taken(key).close)
