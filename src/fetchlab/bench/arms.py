"""Runs of the engine as arms of a comparison: a fresh client each, nothing left over from the arm before."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from fetchlab.bench.heap import collect_garbage
from fetchlab.bench.rounds import Measurement
from fetchlab.engine.calls import fetch
from fetchlab.errors import StudyError
from fetchlab.transport.client import Client

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["fetching"]


def fetching(
    urls: Sequence[str], *, read: bool = False, frame: bool = False, **knobs: Any
) -> Callable[[], Measurement]:
    """Return an arm that fetches URLs, every one of which must succeed.

    Args:
        urls: what to fetch.
        read: take the results as they come, as a ``for`` loop does, instead of waiting for the end.
        frame: make the table of timings too, and count the time for it.
        knobs: of :func:`~fetchlab.engine.calls.fetch`.
    """

    def arm() -> Measurement:
        collect_garbage()
        with Client() as client:
            run = fetch(urls, client=client, progress=False, **knobs)
            taken = sum(result.ok for result in run) if read else len(urls)
            done = Measurement.of(run)
            if frame:
                begun = time.perf_counter()
                run.frame()
                done = replace(done, seconds=done.seconds + time.perf_counter() - begun)
        if min(done.ok, taken) != len(urls):
            raise StudyError(f"{len(urls) - min(done.ok, taken):,} of {len(urls):,} items have no value")
        return done

    return arm
