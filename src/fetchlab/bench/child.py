"""What the benches run in processes of their own: ``python -m fetchlab.bench.child WHAT URL …``.

Memory can only be told in a process that has done nothing else, and an exit only of one that ends. Each
prints one line of JSON, if anything.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

__all__ = ["IMPORTS", "LEAVES", "MEMORY", "WAITS", "start"]

MEMORY, WAITS, LEAVES, IMPORTS = "memory", "waits", "leaves", "imports"
SECONDS = 3600.0


def start(*words: object, module: str = "fetchlab.bench.child") -> subprocess.CompletedProcess[str]:
    """Run this module, or another one, in a new interpreter with some words, and wait for its end."""
    package = str(Path(__file__).resolve().parents[2])
    paths = os.pathsep.join([package, *filter(None, [os.environ.get("PYTHONPATH")])])
    return subprocess.run(  # noqa: S603  # our own words
        [sys.executable, "-P", "-m", module, *map(str, words)],
        env={**os.environ, "PYTHONPATH": paths},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=SECONDS,
    )


def main(what: str, url: str, count: int, workers: int) -> None:
    """Do one of the jobs."""
    import fetchlab as fl

    if what == MEMORY:
        _say(_memory(fl, url, count, workers))
        return
    urls = [f"{url}?n={number}" for number in range(count)]
    if what == WAITS:
        assert fl.fetch(urls, workers=workers, progress=False).wait().stats().ok == count
    elif what == LEAVES:
        for _ in fl.fetch(urls, workers=workers, progress=False):
            break
    else:
        _ = fl.fetch


def _memory(fl: Any, url: str, count: int, workers: int) -> dict[str, float]:
    """Fetch from a generator, take every result as it comes, then make the table of timings."""
    begun = time.perf_counter()
    first, ok = 0.0, 0
    items = (f"{url}?n={number}" for number in range(count))
    run = fl.fetch(items, workers=workers, keep=False, progress=False)
    for result in run:
        first = first or time.perf_counter() - begun
        ok += result.ok
    stats = run.stats()
    rows = run.frame().height
    return {
        "seconds": stats.elapsed,
        "ok": ok if rows == count else 0,
        "bytes": stats.bytes,
        "cpu_s": stats.cpu_s,
        "first_s": first,
        "before": stats.rss_peak,
        "after": _peak(),
    }


def _peak() -> int:
    from fetchlab.engine.snapshot import process_usage

    return process_usage()[1]


def _say(figures: dict[str, float]) -> None:
    sys.stdout.write(json.dumps(figures) + "\n")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
