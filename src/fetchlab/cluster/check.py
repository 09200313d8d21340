"""Is a cluster fit to be used: who answers, what versions, clocks and limits, and does work come back?"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

from fetchlab.bench.checkup import GOOD, MISSING, WARNING, Check
from fetchlab.cluster import node
from fetchlab.cluster.clocks import Offset
from fetchlab.cluster.link import ANSWER_SECONDS, checked, connect, needs_extra
from fetchlab.cluster.patience import within
from fetchlab.cluster.station import TOLERANCE
from fetchlab.cluster.strategy import Dask
from fetchlab.cluster.versions import PACKAGES, mismatches
from fetchlab.engine.calls import map as over
from fetchlab.errors import ConfigError, FetchlabError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["cluster_check"]

FILES = 4096
"""Open files that a thousand connections of a process need, and what else it has open."""
ITEMS = 100
TRIPS = 5
PATIENCE_SECONDS = 60.0


def cluster_check(address: str) -> list[Check]:
    """Look at a Dask cluster, and have it serve a hundred items.

    Args:
        address: the scheduler's.

    Returns:
        What was looked at; nothing comes after what makes the rest pointless. ``needed`` is True for all that
        keeps :class:`~fetchlab.cluster.strategy.Dask` from working.

    Raises:
        ConfigError: Dask is not installed here, or the address has a user or a password.
    """
    needs_extra()
    address = checked(address)
    began = time.perf_counter()
    try:
        client = connect(address)
    except ConfigError as error:
        return [_bad("scheduler", str(error).partition(": ")[2], "start one: dask scheduler")]
    with client:
        found = [_good("scheduler", f"{address} answered after {_s(time.perf_counter() - began)}")]
        try:
            for check in _of(client, address):
                found.append(check)
                if check.state == MISSING:
                    break
        except TimeoutError:
            found.append(_silent(client))
        except OSError as error:
            found.append(_bad("scheduler", f"lost meanwhile: {error}", "see its log"))
        return found


def _of(client: Any, address: str) -> Iterator[Check]:
    workers = within(ANSWER_SECONDS, client.nthreads)
    if not workers:
        yield _bad("workers", "none", f"start some: dask worker {address}")
        return
    yield _good("workers", f"{len(workers)} with {sum(workers.values())} threads")
    yield _versions(client)
    yield _clocks(client)
    yield _files(client)
    yield _probe(client, len(workers))


def _silent(client: Any) -> Check:
    """Name the worker that was not heard of for longest: of all that does not answer it is the likeliest."""
    try:
        heard = within(ANSWER_SECONDS, lambda: client.scheduler_info(n_workers=-1)["workers"])
    except TimeoutError:
        return _bad("scheduler", f"no answer within {_s(ANSWER_SECONDS)}", "restart it")
    address, told = min(heard.items(), key=lambda one: one[1]["last_seen"])
    silent = f"{address} was last heard of {_s(time.time() - told['last_seen'])} ago"
    return _bad("workers", f"not all answer within {_s(ANSWER_SECONDS)}; {silent}", "restart that one")


def _versions(client: Any) -> Check:
    told = within(ANSWER_SECONDS, lambda: client.get_versions(packages=list(PACKAGES)))
    here = told["client"]["packages"]
    wrong = mismatches(here, {address: one["packages"] for address, one in told["workers"].items()})
    if wrong:
        return _bad("versions", "; ".join(wrong), "install the same versions on the workers")
    return _good("versions", f"fetchlab {here['fetchlab']}, Python {here['python'].removesuffix('.final.0')}")


def _clocks(client: Any) -> Check:
    offsets: dict[str, Offset] = {}
    for _ in range(TRIPS):
        asked = time.perf_counter()
        readings = within(ANSWER_SECONDS, lambda: client.run(node.clock))
        answered = time.perf_counter()
        for address, reading in readings.items():
            offsets.setdefault(address, Offset()).saw(asked, reading, answered)
    error = max(offset.error(time.perf_counter()) for offset in offsets.values())
    apart = sum(offset.seconds != 0.0 for offset in offsets.values())
    found = f"known to ±{_s(error)}" + (f"; {apart} of {len(offsets)} are another machine's" if apart else "")
    if error < TOLERANCE / 2:
        return _good("clocks", found)
    return Check(
        "clocks", WARNING, found, purpose="spaced requests that start on time", remedy="a nearer network"
    )


def _files(client: Any) -> Check:
    limits = within(ANSWER_SECONDS, lambda: client.run(node.limits))
    address, least = min(limits.items(), key=lambda one: one[1]["most"])
    if not least["most"]:
        return _good("sockets", "no limit that could be read")
    found = f"{least['open']:,} of {least['most']:,} open on {address}"
    if least["most"] >= FILES:
        return _good("sockets", found)
    return Check(
        "sockets",
        WARNING,
        found,
        purpose="a thousand connections",
        remedy=f"ulimit -n {FILES} before dask worker",
    )


def _probe(client: Any, machines: int) -> Check:
    run = None
    try:
        run = over(_breathe, range(ITEMS), strategy=Dask(client), progress=False)
        run.wait(PATIENCE_SECONDS)
    except (FetchlabError, TimeoutError) as error:
        if run is not None:
            run.cancel()
        return _bad("probe", str(error), "see the logs of scheduler and workers")
    if run.stats().ok < ITEMS:
        message = run.errors()["message"][0]
        return _bad(
            "probe", f"{run.stats().failed} of {ITEMS} items failed: {message}", "see the workers' logs"
        )
    first = float(run.frame()["finished"].min())  # type: ignore[arg-type]
    found = f"{ITEMS} items by {run.frame()['worker'].n_unique()} workers on {machines} machines"
    return _good("probe", f"{found} in {_s(run.stats().elapsed)}, the first after {_s(first)}")


async def _breathe(item: int) -> int:
    await asyncio.sleep(0.01)
    return item


def _good(what: str, found: str) -> Check:
    return Check(what, GOOD, found, needed=True)


def _bad(what: str, found: str, remedy: str) -> Check:
    return Check(what, MISSING, found, needed=True, purpose="strategy=fl.Dask(…)", remedy=remedy)


def _s(seconds: float) -> str:
    return f"{seconds * 1e3:.1f} ms" if seconds < 1 else f"{seconds:.1f} s"
