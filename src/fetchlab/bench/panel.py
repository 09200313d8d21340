"""What watching costs: the same run in a real kernel with a panel, with a progress line, and unwatched.

The bench plays the page: it drives the kernel over its own sockets and counts what the kernel sends to draw.
"""

from __future__ import annotations

import ast
import contextlib
from functools import partial
from typing import TYPE_CHECKING, Any, Unpack

import polars as pl

from fetchlab.bench import served
from fetchlab.bench.named import Bench, Table
from fetchlab.bench.rounds import Measurement, measure
from fetchlab.bench.speed import speeds
from fetchlab.errors import StudyError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fetchlab.bench.measuring import Measuring

__all__ = ["ARMS", "CPU", "MESSAGES", "SPEED", "busiest", "collect", "table"]

BODY = 64
UNWATCHED, LINE, PANEL = "unwatched", "progress line", "panel"
SPEED, MESSAGES, CPU = 0.9, 30, 0.15
"""The budget: share of the unwatched run's speed, messages in any second, share of a core."""
SECONDS = 600.0
SETUP = """
import time
import fetchlab as fl
from fetchlab.notebook.ticker import ticker

spent = [0.0]
def watch(run):
    begun = []
    def look():
        if not begun:
            begun.append(time.thread_time())
        spent[0] = time.thread_time() - begun[0]
        return not run.ended
    ticker.add(look)

def told(run):
    stats = run.stats()
    print([stats.elapsed, stats.ok, stats.retries, stats.bytes, stats.cpu_s, stats.rss_peak, spent[0]])
"""
ARMS = {
    UNWATCHED: "run = fl.fetch(urls, workers={workers}, progress=False)",
    LINE: "run = fl.fetch(urls, workers={workers}, progress=True)",
    PANEL: "panel = fl.Panel(urls, workers={workers})\ndisplay(panel)\nrun = panel.start()",
}
THEN = "\nwatch(run)\nrun.wait()\ntold(run)"


def collect(url: str, *, items: int = 100_000, workers: int = 50, **how: Unpack[Measuring]) -> pl.DataFrame:
    """Measure all arms in one kernel.

    Args:
        url: what to ask for, the same for every query string.
        items: of each run.
        workers: at a time.
        how: rounds, seed and what is told of them; see :class:`~fetchlab.bench.measuring.Measuring`.

    Returns:
        The raw rounds with columns ``messages`` (to widgets in the busiest second of the run), ``sent`` (in
        all) and ``ticker_s`` (processor time of the thread that draws).
    """
    with _kernel() as client:
        _told(client, SETUP)
        _told(client, f"urls = [f'{url}?n={{n}}' for n in range({items})]")
        arms = {
            arm: partial(_arm, client, code.format(workers=workers) + THEN, items)
            for arm, code in ARMS.items()
        }
        return measure(arms, **how)


def table(rounds: pl.DataFrame) -> pl.DataFrame:
    """Return a row per arm: its speed beside the unwatched run's, the ideal; messages, share of a core."""
    kept = rounds.filter(~pl.col("warmup"), pl.col("seconds").is_not_null())
    drawn = kept.group_by("arm").agg(
        pl.col("messages").max().alias("messages in a second, most"),
        (pl.col("ticker_s") / pl.col("seconds")).median().alias("share of a core"),
    )
    found = speeds(rounds, baseline=UNWATCHED).join(drawn, on="arm", how="left", maintain_order="left")
    within = (
        (pl.col("messages in a second, most") <= MESSAGES)
        & (pl.col("share of a core") < CPU)
        & (pl.col("low") >= SPEED)
    )
    met = pl.when(pl.col("high") < SPEED).then(pl.lit("no")).otherwise(
        pl.when(within).then(pl.lit("yes")).otherwise(pl.lit("unsure"))
    )  # fmt: skip
    watched = pl.col("arm") != UNWATCHED
    ideal = pl.col("per_s").filter(~watched).first()
    return found.select(
        "arm", pl.col("per_s").alias("items/s"), ideal.alias("ideal"),
        (pl.col("per_s") / ideal).alias("efficiency"), "ratio", "low", "high",
        pl.when(watched).then(pl.lit(SPEED)).alias("budget"),
        "messages in a second, most", "share of a core",
        pl.when(watched).then(met).alias("met"), "error",
    )  # fmt: skip


def busiest(moments: list[float]) -> int:
    """Return how many of the moments, in seconds and in order, lie within the busiest second."""
    most, first = 0, 0
    for place, moment in enumerate(moments):
        while moment - moments[first] >= 1.0:
            first += 1
        most = max(most, place - first + 1)
    return most


def _arm(client: Any, code: str, items: int) -> Measurement:
    printed, moments = _told(client, code)
    elapsed, ok, retries, size, cpu, rss, spent = ast.literal_eval(printed)
    if ok != items:
        raise StudyError(f"{items - ok:,} of {items:,} items have no value")
    more = {"messages": float(busiest(moments)), "sent": float(len(moments)), "ticker_s": spent}
    return Measurement(elapsed, items, ok, items + retries, size, cpu, rss, more)


@contextlib.contextmanager
def _kernel() -> Iterator[Any]:
    from jupyter_client.manager import start_new_kernel

    manager, client = start_new_kernel(kernel_name="python3", transport_encryption="auto")
    try:
        yield client
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def _told(client: Any, code: str) -> tuple[str, list[float]]:
    """Execute; return what was printed, and when messages went to widgets."""
    printed: list[str] = []
    moments: list[float] = []

    def heard(message: dict[str, Any]) -> None:
        kind, content = message["msg_type"], message["content"]
        if kind == "comm_msg":
            moments.append(message["header"]["date"].timestamp())
        elif kind == "stream" and content["name"] == "stdout":
            printed.append(content["text"])

    reply = client.execute_interactive(code, timeout=SECONDS, output_hook=heard)["content"]
    if reply["status"] != "ok":
        raise StudyError(f"the kernel says {reply.get('ename')}: {reply.get('evalue')}")
    return "".join(printed), moments


def _collect(*, items: int = 100_000, workers: int = 50, **how: Unpack[Measuring]) -> pl.DataFrame:
    with served.target(BODY) as target:
        return collect(target.url, items=items, workers=workers, **how)


def _tables(rows: pl.DataFrame, *, items: int = 100_000, workers: int = 50, **_: Any) -> list[Table]:
    return [Table(f"{items:,} items of {BODY} bytes in a kernel, {workers} workers", table(rows))]


BENCH = Bench(
    name="panel",
    collect=_collect,
    tables=_tables,
    notes=lambda **_: served.notes(f"{BODY} bytes"),
    facts=served.facts,
    yardsticks=lambda arm: () if arm == UNWATCHED else (UNWATCHED,),
)
