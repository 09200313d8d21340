"""The storyboards' tables: scripts and downloads, one by one, by the published schemes, and ours."""

from __future__ import annotations

from functools import partial
from itertools import count
from typing import TYPE_CHECKING, Any, Literal, Unpack

import polars as pl

from fetchlab.bench.named import Bench, Table
from fetchlab.bench.rounds import Measurement, measure
from fetchlab.bench.storyboard_arms import Film, Waits, rendered, rendered_as_published, written
from fetchlab.bench.storyboard_tables import claims, downloads, loads, schemes, scripts, trade_offs
from fetchlab.testbed import serve

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from fetchlab.bench.measuring import Measuring
    from fetchlab.testbed import Testbed

__all__ = [
    "BENCH",
    "MAIN",
    "QUICK",
    "collected",
    "download_arms",
    "load_arms",
    "scheme_arms",
    "script_arms",
    "trade_arms",
]

SCENES, VIDEOS, SIZES = (22, 37, 75, 113), (5, 10, 20), (3, 5, 10)
"""The published tables' scenes, videos, and scenes or downloads at a time."""
MAIN = 75
"""The published example, measured more often than its neighbours."""
LATENCY, SHORT, CONTENT, SCALE = 0.4, 0.08, 0.4, 0.1
"""Seconds of a reply where ratios to one by one are measured, and where batches are compared; of a download;
and what the published scheme's case, jobs ready over 60 s and downloads of 1 to 4 s, is scaled by."""
CV = 0.3
MEGABYTES = 2_000_000
QUICK: dict[str, Any] = {
    "scenes": (4, 12), "videos": (4,), "sizes": (2, 4), "trade_scenes": 12, "latency": 0.02, "short": 0.01,
    "content": 0.05, "scale": 0.01, "long_rounds": 2, "rounds": 2,
}  # fmt: skip
"""Settings that show in seconds what is measured."""

Arms = dict[str, "Callable[[], Measurement]"]
Context = Literal["batch", "rolling"]
CONTEXTS: tuple[Context, ...] = ("batch", "rolling")


def script_arms(bed: Testbed, scenes: int, latency: float = LATENCY) -> Arms:
    """Return a script's arms at constant latency: one by one, in batches of five, and rolling."""
    waits = Waits(latency)
    ways: dict[str, tuple[int, Context]] = {"one by one": (1, "batch"), "batch 5": (5, "batch")}
    ways |= {"rolling 5": (5, "rolling")} if scenes == MAIN else {}
    return {
        f"{scenes} scenes: {name}": partial(written, bed, scenes, size, context, waits)
        for name, (size, context) in ways.items()
    }


def trade_arms(
    beds: Sequence[Testbed],
    scenes: int = MAIN,
    sizes: Sequence[int] = SIZES,
    latency: float = SHORT,
    cv: float = CV,
) -> Arms:
    """Return the arms of batches and rolling of each size, at latencies that vary from scene to scene.

    Each round is on another testbed, which draws others; all arms of a round meet the same.
    """
    waits = Waits(latency, cv)
    return {
        f"{scenes} scenes, CV {cv:g}: {context} {size}": _by_round(
            [partial(written, bed, scenes, size, context, waits) for bed in beds]
        )
        for size in sizes
        for context in CONTEXTS
    }


def download_arms(bed: Testbed, videos: int, content: float = CONTENT) -> Arms:
    """Return downloads of videos that are all ready: one by one, and five at a time."""
    film = Film(sent=(content, content))
    return {
        f"{videos} videos: {name}": _anew(bed, f"{videos} {name}", videos, film, most)
        for name, most in (("one by one", 1), ("5 at a time", 5))
    }


def load_arms(bed: Testbed, videos: int = 20, sizes: Sequence[int] = SIZES, content: float = CONTENT) -> Arms:
    """Return downloads of larger files, by how many at a time."""
    film = Film(sent=(content, content), size=MEGABYTES)
    return {f"loads: {size} at a time": _anew(bed, f"loads {size}", videos, film, size) for size in sizes}


def scheme_arms(bed: Testbed, videos: int = 20, scale: float = SCALE) -> Arms:
    """Return the published scheme and ours, for videos that are ready over a minute, and all at once."""
    sent = (1 * scale, 4 * scale)
    cases = {"over a minute": Film((0.0, 60 * scale), sent), "all at once": Film((0.0, 0.0), sent)}
    return {
        f"ready {case}: {name}": _drawn(bed, videos, film, way)
        for case, film in cases.items()
        for name, way in (("published", rendered_as_published), ("ours", rendered))
    }


def _anew(bed: Testbed, name: str, videos: int, film: Film, most: int) -> Callable[[], Measurement]:
    numbers = count()

    def once() -> Measurement:
        number = next(numbers)
        return rendered(bed, [f"{name}, {number}: scene {scene}" for scene in range(videos)], film, most)

    return once


def _drawn(
    bed: Testbed, videos: int, film: Film, way: Callable[..., Measurement]
) -> Callable[[], Measurement]:
    """Both schemes order the same in the same round, so that they meet the same times."""
    numbers = count()

    def once() -> Measurement:
        number = next(numbers)
        return way(bed, [f"Round {number}: scene {scene}" for scene in range(videos)], film, 5)

    return once


def _by_round(ways: Sequence[Callable[[], Measurement]]) -> Callable[[], Measurement]:
    numbers = count()

    def once() -> Measurement:
        return ways[next(numbers) % len(ways)]()

    return once


def collected(
    *,
    scenes: Sequence[int] = SCENES,
    videos: Sequence[int] = VIDEOS,
    sizes: Sequence[int] = SIZES,
    trade_scenes: int = MAIN,
    latency: float = LATENCY,
    short: float = SHORT,
    content: float = CONTENT,
    scale: float = SCALE,
    long_rounds: int = 3,
    **how: Unpack[Measuring],
) -> pl.DataFrame:
    """Measure all arms; see the knobs of :data:`BENCH`. What takes long has ``long_rounds``.

    Returns:
        Raw rows, ROUNDS schema and what was measured beside it.
    """
    rounds = how.get("rounds", 5)
    seldom: Measuring = {**how, "rounds": min(rounds, long_rounds)}
    least: Measuring = {**how, "rounds": max(1, min(rounds, long_rounds) - 1)}
    parts: list[pl.DataFrame] = []
    with serve(port=0) as bed:
        written(bed, 5, 5, "batch", Waits(0.0))  # both sides have loaded what they need
        rendered(bed, ["A first door"], Film(sent=(0.0, 0.0)), 1)
        parts += [
            measure(script_arms(bed, number, latency), warmup=0, **(seldom if number == MAIN else least))
            for number in scenes
        ]
        parts += [measure(download_arms(bed, number, content), warmup=0, **seldom) for number in videos]
        parts.append(measure(load_arms(bed, max(videos), sizes, content), warmup=0, **seldom))
        parts.append(measure(scheme_arms(bed, max(videos), scale), warmup=0, **how))
    beds = [serve(port=0, seed=seed) for seed in range(1, rounds + 1)]
    try:
        parts.append(measure(trade_arms(beds, trade_scenes, sizes, short), warmup=0, **how))
    finally:
        for one in beds:
            one.stop()
    return pl.concat(parts, how="diagonal")


def _tables(rows: pl.DataFrame, **_: Any) -> list[Table]:
    return [
        Table("What was asked for", claims(rows)),
        Table("Scripts, one by one and in batches of five", scripts(rows)),
        Table("Scenes at a time: time and context", trade_offs(rows)),
        Table("Downloads, one by one and five at a time", downloads(rows)),
        Table("Downloads at a time: throughput and load", loads(rows)),
        Table("The published scheme beside ours", schemes(rows)),
    ]


def _notes(
    *,
    latency: float = LATENCY,
    short: float = SHORT,
    content: float = CONTENT,
    scale: float = SCALE,
    **_: Any,
) -> list[str]:
    replies = (
        f"{latency * 1000:g} ms a reply, {short * 1000:g} ms with a CV of {CV:g} where batches are compared"
    )
    films = f"{content * 1000:g} ms a download; 60 s and 1 to 4 s are scaled by {scale:g}"
    return [f"The local testbed serves: {replies}; {films}."]


BENCH = Bench(name="storyboard", collect=collected, tables=_tables, notes=_notes)
"""Scripts and downloads, one by one, by the published schemes, and ours."""
