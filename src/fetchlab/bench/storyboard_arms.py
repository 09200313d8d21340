"""Scripts and video jobs as arms: one by one, the published schemes, and ours, on a testbed.

Waits are scaled down, which leaves their ratios as they are as long as they stay far above a request's own
cost; so the ratios here are a little below those of the real, longer waits.
"""

from __future__ import annotations

import math
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import polars as pl

from fetchlab.bench.bounds import Ideal
from fetchlab.bench.heap import collect_garbage
from fetchlab.bench.rounds import Measurement
from fetchlab.bench.storyboard_scheme import published
from fetchlab.bench.work import ended
from fetchlab.engine.snapshot import process_usage
from fetchlab.errors import StudyError
from fetchlab.studies.storyboard import Storyboard, VideoJobs
from fetchlab.transport.client import Client

if TYPE_CHECKING:
    from collections.abc import Callable

    from fetchlab.engine.run import Run
    from fetchlab.testbed import Testbed

__all__ = ["KEYS", "Film", "Waits", "delays", "moments", "rendered", "rendered_as_published", "written"]

KEYS = ["bench-key-1", "bench-key-2"]
IDEA = "A lighthouse keeper finds a letter in a bottle"
POLL = 0.1
"""Seconds between two looks at a job, as the service advises."""


class Waits(NamedTuple):
    """How long a model takes: seconds of a reply, and the coefficient of variation from scene to scene."""

    latency: float
    jitter: float = 0.0


class Film(NamedTuple):
    """What jobs are like: seconds until one is ready and those of its download, least and most."""

    ready: tuple[float, float] = (0.0, 0.0)
    sent: tuple[float, float] = (0.4, 0.4)
    size: int = 0

    @property
    def settings(self) -> dict[str, Any]:
        """As settings of the testbed."""
        return {
            "latency": 0.0,
            "jitter": 0.0,
            "job_time": self.ready[0],
            "job_spread": self.ready[1] - self.ready[0],
            "content_time": self.sent[0],
            "content_spread": self.sent[1] - self.sent[0],
            "job_size": self.size,
            "poll_after": POLL,
        }


def written(
    bed: Testbed, scenes: int, size: int, context: Literal["batch", "rolling"], waits: Waits
) -> Measurement:
    """Write a script once, scene by scene, whatever its length.

    The ideal is that of batches: bible, outline, and the slowest scene of each batch; of ``rolling`` that
    of as many workers without any order. Where the law is constant it is of the latency alone, else of what
    each request of this script took.
    """
    bed.configure("openai", latency=waits.latency, jitter=waits.jitter, steady=True)
    collect_garbage()
    with Client() as client:
        board = Storyboard(bed.urls["openai"], KEYS, "writer", client=client)
        run = ended(
            board.script(IDEA, scenes=scenes, threshold=0, batch_size=size, context=context, progress=False)
        )
    frame = run.raise_for_errors().frame()
    outline = frame.filter(key="outline")["finished"].item()
    coverage: Any = run.notes["coverage"]
    return Measurement.of(
        run,
        scenes_s=frame["finished"].max() - outline,
        coverage=float(coverage),
        ideal=float(least(_times(run, waits), size, context)),
        at_once=_at_once(run, "scene/"),
    )


def least(times: dict[str, float], size: int, context: str) -> Ideal:
    """Return the least seconds of a script, by the seconds of each part."""
    before = times["bible"] + times["outline"]
    scenes = [times[f"scene/{number}"] for number in range(1, len(times) - 1)]
    if context == "batch":
        batches = [scenes[first : first + size] for first in range(0, len(scenes), size)]
        return Ideal(before + sum(map(max, batches)), "bible, outline, and the slowest scene of each batch")
    share = max(*scenes, sum(scenes) / size)
    return Ideal(before + share, f"bible, outline, and scenes on {size} workers in any order")


def _times(run: Run, waits: Waits) -> dict[str, float]:
    attempts = run.attempts().filter(pl.col("error").is_null())
    taken = attempts.select("key", seconds=pl.col("finished") - pl.col("started"))
    return {key: seconds if waits.jitter else waits.latency for key, seconds in taken.iter_rows()}


def rendered(bed: Testbed, prompts: list[str], film: Film, downloads: int) -> Measurement:
    """Have videos made and downloaded once, as :class:`VideoJobs` does it."""
    bed.configure("openai", **film.settings)
    _fresh(bed)
    with tempfile.TemporaryDirectory(prefix="fetchlab-") as folder, Client() as client:
        jobs = VideoJobs(bed.urls["openai"], KEYS, client=client)
        before = _writes()
        run = ended(jobs.render(prompts, folder, downloads, thumbnails=False, progress=False))
        whole = run.raise_for_errors().result()
        wrote = _writes() - before
        late = delays(bed, dict(whole.select("job", "path").iter_rows()))
    made = run.attempts().filter(pl.col("key").str.starts_with("video/"), pl.col("error").is_null())
    first: Any = made["started"].min()
    last: Any = made["finished"].max()
    return Measurement.of(
        run,
        downloads_s=last - first,
        mb=whole["bytes"].sum() / 1e6,
        at_once=_at_once(run, "video/"),
        connections=float(bed.counters("openai")["connections"]),
        disk_writes=wrote,
        delay_s=sum(late) / len(late),
        longest_delay_s=max(late),
    )


def rendered_as_published(bed: Testbed, prompts: list[str], film: Film, downloads: int) -> Measurement:
    """The same by the published scheme; see :func:`~fetchlab.bench.storyboard_scheme.published`."""
    bed.configure("openai", **film.settings)
    _fresh(bed)
    with tempfile.TemporaryDirectory(prefix="fetchlab-") as folder, Client() as client:
        begun = time.perf_counter()
        files = published(bed.urls["openai"], KEYS[0], prompts, Path(folder), client, downloads, POLL)
        taken = time.perf_counter() - begun
        late = delays(bed, {job: str(path) for job, path in files.items()})
        size = sum(path.stat().st_size for path in files.values())
    if len(late) < len(prompts):
        raise StudyError(f"{len(late)} of {len(prompts)} videos came")
    more = {"mb": size / 1e6, "delay_s": sum(late) / len(late), "longest_delay_s": max(late)}
    count = len(prompts)
    return Measurement(taken, count, count, count, size, *process_usage(), more)


def delays(bed: Testbed, files: dict[str, str]) -> list[float]:
    """Return for each job the seconds from when its video was ready, by the service, until it was whole."""
    ready = {job["id"]: job["ready"] for job in bed.truth("openai")["jobs"]}
    return [Path(path).stat().st_mtime - ready[job] for job, path in files.items()]


def moments(bed: Testbed, prompts: list[str]) -> pl.DataFrame:
    """Return what the service saw of the latest jobs of these prompts.

    Returns:
        Columns ``scene u32, what str`` (``look`` or ``download``)``, start, end f64``: seconds since the
        first of them was ordered.
    """
    latest = {job["prompt"]: job for job in bed.truth("openai")["jobs"] if job["prompt"] in prompts}
    began = min(job["created"] for job in latest.values())
    rows = []
    for scene, prompt in enumerate(prompts, 1):
        job = latest[prompt]
        rows += [(scene, "look", at - began, at - began) for at in job["looks"]]
        rows += [(scene, "download", at - began, at - began + pace) for at, pace in job["sent"]]
    schema = {"scene": pl.UInt32, "what": pl.String, "start": pl.Float64, "end": pl.Float64}
    return pl.DataFrame(rows, schema, orient="row")


def _fresh(bed: Testbed) -> None:
    collect_garbage()
    bed.reset_counters()


def _at_once(run: Run, kind: str) -> float:
    """The most attempts of a kind that were under way at the same time."""
    made = run.attempts().filter(pl.col("key").str.starts_with(kind))
    edges = [(moment, 1) for moment in made["started"]] + [(moment, -1) for moment in made["finished"]]
    most = now = 0
    for _, step in sorted(edges):
        now += step
        most = max(most, now)
    return float(most)


def _writes() -> float:
    """Writes of this process so far, where the system counts them."""
    import psutil

    counters: Callable[[], Any] | None = getattr(psutil.Process(), "io_counters", None)
    return math.nan if counters is None else float(counters().write_count)
