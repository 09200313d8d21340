"""What a library weighs in memory: files held in three ways, and a whole run, each in a process of its own.

``python -m fetchlab.bench.library_memory WHAT PATH URL`` is that process.
"""

from __future__ import annotations

import gc
import json
import sys
import time
from functools import partial
from typing import TYPE_CHECKING

import polars as pl

from fetchlab.bench import child
from fetchlab.bench.ratios import paired_ratio
from fetchlab.bench.rounds import Measurement
from fetchlab.engine.snapshot import process_usage
from fetchlab.errors import StudyError

if TYPE_CHECKING:
    from collections.abc import Callable

    from fetchlab.studies.library.columns import Held

__all__ = ["HELD", "NOTHING", "PROMISED", "WHOLE", "arms", "held", "peaks"]

NOTHING, WHOLE = "imports alone", "scan and match"
HELD = ("columns", "objects", "objects, interned")
PROMISED = {10_000: 100.0, 100_000: 150.0}
"""MB at most in the main process by videos; the first is the published promise."""
MB = 1e6
_PAGE = 4096
_FIXED = 8 + 8 + 1
"""Bytes of a file beside its path: size, time, kind."""


def arms(path: str, url: str, count: int) -> dict[str, Callable[[], Measurement]]:
    """Return what is measured on a library on disk, by what it is."""
    return {what: partial(_arm, what, path, url, count) for what in (NOTHING, *HELD, WHOLE)}


def held(rows: pl.DataFrame) -> pl.DataFrame:
    """Return what a file takes, held in each way.

    Args:
        rows: raw rounds of one library, with arms as in :func:`arms`.

    Returns:
        Columns ``way str, bytes_a_file, ideal, efficiency, ratio, low, high f64`` (of bytes to *columns*,
        paired by round, with its 95 % interval)``, default bool``. The ideal is a path's bytes, eight each
        for size and time, and one for the kind.
    """
    base = _by_round(rows, HELD[0])
    made = []
    for way in HELD:
        found = _by_round(rows, way)
        shared = sorted(found.keys() & base.keys())
        if not shared:
            continue
        ratio = paired_ratio([found[n] for n in shared], [base[n] for n in shared])
        ideal = _middle(rows, way, pl.col("data") / pl.col("files"))
        each = _middle(rows, way, pl.col("held") / pl.col("files"))
        made.append((way, each, ideal, ideal / each, ratio.median, ratio.low, ratio.high, way == HELD[0]))
    columns = ["way", "bytes_a_file", "ideal", "efficiency", "ratio", "low", "high", "default"]
    return pl.DataFrame(made, columns, orient="row")


def peaks(rows: pl.DataFrame, count: int) -> pl.DataFrame:
    """Return the peak of a whole run beside that of the imports alone, which is its floor, in MB.

    Returns:
        Columns ``files u32, peak, ideal, efficiency f64, budget f64?, met str``.
    """
    peak, floor = (_middle(rows, arm, pl.col("rss_peak") / MB) for arm in (WHOLE, NOTHING))
    budget = PROMISED.get(count)
    met = "–" if budget is None else "yes" if peak < budget else "no"
    made = [(count, peak, floor, floor / peak, budget, met)]
    return pl.DataFrame(made, ["files", "peak", "ideal", "efficiency", "budget", "met"], orient="row")


def _by_round(rows: pl.DataFrame, arm: str) -> dict[int, float]:
    kept = rows.filter(~pl.col("warmup"), pl.col("arm") == arm, pl.col("held") > 0)
    return dict(kept.select("round", "held").iter_rows())


def _middle(rows: pl.DataFrame, arm: str, what: pl.Expr) -> float:
    kept = rows.filter(~pl.col("warmup"), pl.col("arm") == arm, pl.col("seconds").is_not_null())
    return float(kept.select(what.median()).item() or 0.0)


def _arm(what: str, path: str, url: str, count: int) -> Measurement:
    done = child.start(what, path, url, module="fetchlab.bench.library_memory")
    if done.returncode:
        raise StudyError(f"the process ended with exit code {done.returncode}: {done.stderr.strip()[-500:]}")
    told = json.loads(done.stdout)
    more = {name: told[name] for name in ("held", "data", "files")}
    return Measurement(told["seconds"], count, count, count, 0, told["cpu_s"], told["peak"], more)


# --- in the process


def main(what: str, path: str, url: str) -> None:
    """Do it, and print one line of JSON."""
    begun = time.perf_counter()
    figures = {"held": 0.0, "data": 0.0, "files": 0.0}
    if what == WHOLE:
        _whole(path, url)
    elif what == NOTHING:
        from fetchlab.studies.library import Library

        _ = Library, pl.DataFrame({"one": [1]})
    else:
        figures = _hold(what, path)
    cpu, peak = process_usage()
    figures |= {"seconds": time.perf_counter() - begun, "cpu_s": cpu, "peak": peak}
    sys.stdout.write(json.dumps(figures) + "\n")


def _whole(path: str, url: str) -> None:
    from fetchlab.studies.library import Library

    Library(path, url, "a key").match(progress=False).raise_for_errors().result()


def _hold(what: str, path: str) -> dict[str, float]:
    from fetchlab.studies.library.columns import Columns, Rows
    from fetchlab.studies.library.walk import Walk

    ways: dict[str, Callable[[], Held]] = {
        "columns": Columns, "objects": Rows, "objects, interned": partial(Rows, interned=True),
    }  # fmt: skip
    files, data = ways[what](), 0
    warm = ways[what]()
    warm.add("", "a", True, 1, 1)
    warm.frame()
    gc.collect()
    before = _resident()
    for listing in Walk(path, mode="sequential"):
        for file in listing.files:
            files.add(listing.folder.inside, *file)
            data += len(listing.folder.inside.encode()) + 1 + len(file[0].encode()) + _FIXED
    gc.collect()
    grown = max(_resident() - before, _PAGE)
    return {"held": float(grown), "data": float(data), "files": float(len(files))}


def _resident() -> int:
    """Bytes of this process in memory now: Linux (proc(5)), elsewhere those of its peak."""
    try:
        with open("/proc/self/status", "rb") as status:  # noqa: PTH123
            return next(int(line.split()[1]) * 1024 for line in status if line.startswith(b"VmRSS:"))
    except OSError:
        return process_usage()[1]


if __name__ == "__main__":
    main(*sys.argv[1:4])
