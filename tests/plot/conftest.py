"""A run as the engine would record it, from a seed."""

from __future__ import annotations

import heapq
import random
from typing import NamedTuple

import polars as pl
import pytest

from fetchlab.frame import ATTEMPTS, TIMINGS


class Recorded(NamedTuple):
    frame: pl.DataFrame
    attempts: pl.DataFrame


def record(rows, workers=20, seed=0, latency=0.05, retried=0.03, failed=0.01, cached=0.02, slow=0.005):
    """Simulate a closed pool: each worker takes the next item, a retried item is parked in between."""
    rng = random.Random(seed)
    items, tries = [], []
    free = [(0.0, worker) for worker in range(workers)]
    parked = []
    fresh = iter(range(rows))
    state = {}
    while True:
        now, worker = heapq.heappop(free)
        if parked and parked[0][0] <= now:
            _, index = heapq.heappop(parked)
        elif (index := next(fresh, None)) is not None:
            state[index] = {
                "queued": max(0.0, now - rng.random() * 0.01),
                "started": now,
                "tries": 0,
                "wait": 0.0,
            }
        elif parked:
            due, index = heapq.heappop(parked)
            now = due
        else:
            break
        item = state[index]
        item["tries"] += 1
        host = f"https://{'api' if index % 5 else 'images'}.example.org"
        label = {"index": index, "key": f"GET {host}/page/{index}", "host": host, "worker": worker}
        if item["tries"] == 1 and rng.random() < cached:
            items.append(done(label, item, now, None, now + 2e-5, cached=True))
            heapq.heappush(free, (now + 3e-5, worker))
            continue
        first = now + latency * rng.lognormvariate(0, 0.25) * (20 if rng.random() < slow else 1)
        end = first + latency * 0.2 * rng.lognormvariate(0, 0.6)
        bad = rng.random() < (retried if item["tries"] == 1 else 0.2)
        lost = bad and (item["tries"] == 4 or rng.random() < failed / max(retried, 1e-9))
        status = 503 if bad else 200
        attempt = {
            "attempt": item["tries"],
            "started": now,
            "first_byte": first,
            "finished": end,
            "status": status,
        }
        again = bad and not lost
        pause = rng.random() * 0.5 if again else 0.0
        error = {"error": "StatusError", "message": "503"} if bad else {"error": None, "message": None}
        tries.append(
            label | attempt | error | {"bytes": 11_000, "wait": pause, "reason": "retry" if again else None}
        )
        if again:
            item["wait"] += pause
            heapq.heappush(parked, (end + pause, index))
        else:
            items.append(done(label, item, now, first, end, status=status, error=error))
        heapq.heappush(free, (end + 1e-4, worker))
    return Recorded(
        pl.DataFrame(items, schema=TIMINGS).sort("index"),
        pl.DataFrame(tries, schema=ATTEMPTS).sort("index", "attempt"),
    )


def done(label, item, now, first, end, status=200, error=None, cached=False):
    error = error or {"error": None, "message": None}
    return {
        **label,
        **error,
        "ok": error["error"] is None,
        "status": status,
        "attempts": item["tries"],
        "cached": cached,
        "session": 1,
        "queued": item["queued"],
        "started": item["started"],
        "first_byte": first,
        "finished": end,
        "wait": item["wait"],
        "elapsed": end - item["started"],
        "bytes": 11_000,
    }


@pytest.fixture(scope="session")
def recorded():
    """5,000 items on 20 workers: retries, failures, cache hits, a slow tail."""
    return record(5000)
