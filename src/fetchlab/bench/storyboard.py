"""The storyboards' tables: scripts and downloads, one by one, by the published schemes, and ours."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from functools import partial
from itertools import count
from typing import TYPE_CHECKING, Any, Literal, Unpack

import polars as pl

from fetchlab.bench.named import Bench, Table
from fetchlab.bench.rounds import Measurement, measure
from fetchlab.bench.storyboard_arms import Film, Waits, moments, rendered, rendered_as_published, written
from fetchlab.bench.storyboard_tables import claims, downloads, loads, schemes, scripts, trade_offs
from fetchlab.testbed import serve

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from fetchlab.bench.measuring import Measuring
    from fetchlab.testbed import Testbed

__all__ = [
    "AT_ONCE",
    "BENCH",
    "CASES",
    "MAIN",
    "QUICK",
    "collected",
    "download_arms",
    "load_arms",
    "scheme_arms",
    "script_arms",
    "seen",
    "several",
    "trade_arms",
    "warm_up",
]

SCENES, VIDEOS, SIZES = (22, 37, 75, 113), (5, 10, 20), (3, 5, 10)
"""The published tables' scenes, videos, and scenes or downloads at a time."""
MAIN = 75
"""The published example, measured more often than its neighbours."""
LATENCY, SHORT, CONTENT, SCALE = 0.4, 0.1, 0.35, 0.1
"""Seconds of a reply where ratios to one by one are measured, and where batches are compared; of a download;
and what the published scheme's case, jobs ready over 60 s and downloads of 1 to 4 s, is scaled by."""
CV = 0.3
AT_ONCE = "all at once"
CASES = {"over a minute": 60.0, AT_ONCE: 0.0}
"""When videos are ready: seconds over which they are spread."""
WAYS = {"published": rendered_as_published, "ours": rendered}
MEGABYTES = 2_000_000
QUICK: dict[str, Any] = {
    "scenes": (4, 12), "videos": (4,), "sizes": (2, 4), "trade_scenes": 12, "latency": 0.02, "short": 0.01,
    "content": 0.05, "scale": 0.004, "draws": 2, "rounds": 2,
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
        f"{videos} videos: {name}": partial(rendered, bed, _prompts(videos), film, most)
        for name, most in (("one by one", 1), ("5 at a time", 5))
    }


def load_arms(bed: Testbed, videos: int = 20, sizes: Sequence[int] = SIZES, content: float = CONTENT) -> Arms:
    """Return downloads of larger files, by how many at a time."""
    film = Film(sent=(content, content), size=MEGABYTES)
    return {
        f"loads: {size} at a time": partial(rendered, bed, _prompts(videos), film, size) for size in sizes
    }


def scheme_arms(bed: Testbed, case: str, videos: int = 20, scale: float = SCALE) -> Arms:
    """Return the published scheme and ours, for videos that are ready as the case says, one of CASES."""
    film = _film(case, scale)
    return {f"ready {case}: {name}": _drawn(bed, videos, film, way) for name, way in WAYS.items()}


def seen(bed: Testbed, case: str, videos: int = 20, scale: float = SCALE) -> pl.DataFrame:
    """Return what the service saw of one more round of both schemes.

    Returns:
        The columns of :func:`~fetchlab.bench.storyboard_arms.moments`, then ``way str``.
    """
    film, prompts = _film(case, scale), _prompts(videos)
    parts = []
    for name, way in WAYS.items():
        way(bed, prompts, film, 5)
        parts.append(moments(bed, prompts).with_columns(way=pl.lit(name)))
    return pl.concat(parts)


def _film(case: str, scale: float) -> Film:
    return Film((0.0, CASES[case] * scale), (1 * scale, 4 * scale))


def _prompts(videos: int, draw: int = 0) -> list[str]:
    return [f"Draw {draw}: scene {scene}" for scene in range(1, videos + 1)]


def _drawn(
    bed: Testbed, videos: int, film: Film, way: Callable[..., Measurement]
) -> Callable[[], Measurement]:
    """Both schemes order the same in the same round, so that they meet the same times."""
    numbers = count()

    def once() -> Measurement:
        return way(bed, _prompts(videos, next(numbers)), film, 5)

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
    draws: int = 6,
    **how: Unpack[Measuring],
) -> pl.DataFrame:
    """Measure all arms.

    Neighbours of the main example are measured half as often as it is. Batches, and downloads that are ready
    at once, are compared on as many ``draws`` of waits.

    Returns:
        Raw rows, ROUNDS schema and what was measured beside it.
    """
    rounds = how.get("rounds", 3)
    often: Measuring = {**how, "rounds": draws}
    seldom: Measuring = {**how, "rounds": max(1, rounds // 2)}
    parts: list[pl.DataFrame] = []
    with serve(port=0) as bed:
        warm_up(bed, max(videos), max(rounds, draws))
        parts += [
            measure(script_arms(bed, number, latency), warmup=0, **(how if number == MAIN else seldom))
            for number in scenes
        ]
        parts += [measure(download_arms(bed, number, content), warmup=0, **how) for number in videos]
        parts.append(measure(load_arms(bed, max(videos), sizes, content), warmup=0, **how))
        for case in CASES:
            measuring = often if case == AT_ONCE else how
            parts.append(measure(scheme_arms(bed, case, max(videos), scale), warmup=0, **measuring))
    with several(draws) as beds:
        parts.append(measure(trade_arms(beds, trade_scenes, sizes, short), warmup=0, **often))
    return pl.concat(parts, how="diagonal")


@contextmanager
def several(count: int) -> Iterator[list[Testbed]]:
    """Serve testbeds that draw different latencies."""
    with ExitStack() as beds:
        yield [beds.enter_context(serve(port=0, seed=seed)) for seed in range(1, count + 1)]


def warm_up(bed: Testbed, videos: int = 20, draws: int = 1) -> None:
    """Do everything once, so that both sides have loaded what they need and every film has been drawn."""
    written(bed, 5, 5, "batch", Waits(0.0))
    for draw in range(draws):
        rendered(bed, _prompts(videos, draw), Film(sent=(0.0, 0.0)), 5)


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
