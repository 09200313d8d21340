"""What a panel shows of a run: HTML and SVG text, readable in light and dark and wherever it is saved."""

from __future__ import annotations

import html
from collections import deque
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from fetchlab.errors import FetchlabError
from fetchlab.frame import TIMINGS
from fetchlab.notebook.progress import bar
from fetchlab.notebook.watching import plain_table
from fetchlab.redaction import redact_text

if TYPE_CHECKING:
    import polars as pl

    from fetchlab.engine.run import Run
    from fetchlab.model import RunStats

__all__ = ["PROSE", "Trace", "failures", "progress", "strip", "tables", "timing_table", "told"]

WINDOW = 60.0
SHORTEST = 0.15
"""Seconds between two samples: a rate over less is noise."""
WIDTH, HEIGHT = 560, 90
SQUARES = 100
ROWS = 5
LETTERS = 60
SHRUNK = "display:inline-block;max-width:100%;overflow-x:auto"
PROSE = "jp-RenderedHTMLCommon"
"""JupyterLab's own class for text in outputs: its tables, in either theme."""
INK = "var(--jp-ui-font-color1, currentColor)"
RATE, FLIGHT, REST = "#3589C9", "#D55E00", "#999999"
"""A blue, and Okabe and Ito's vermilion: either has a contrast above 3 on white and on the dark theme."""


class Trace:
    """The last minute of a run, sampled at each look."""

    def __init__(self) -> None:
        self._points: deque[tuple[float, int, int]] = deque()

    def add(self, stats: RunStats) -> None:
        """Note how the run stands."""
        points = self._points
        if points and stats.elapsed < points[-1][0]:
            points.clear()  # another run
        if not points or stats.elapsed > points[-1][0] + SHORTEST:
            points.append((stats.elapsed, stats.done, stats.in_flight))
        while points and points[0][0] < stats.elapsed - WINDOW:
            points.popleft()

    def svg(self) -> str:
        """Draw items per second and requests in flight over the last minute."""
        points = list(self._points)
        if len(points) < 2:
            return ""
        rates = [
            (later, (done - before) / (later - earlier))
            for (earlier, before, _), (later, done, _) in pairwise(points)
        ]
        flights = [(moment, float(count)) for moment, _, count in points]
        end = points[-1][0]
        begin = max(points[0][0], end - WINDOW)
        fastest, most = max(rate for _, rate in rates), max(count for _, count in flights)
        label = f"{rates[-1][1]:,.0f} items/s, {points[-1][2]:,} in flight"
        return (
            f'<svg role="img" aria-label="{label}" width="{WIDTH}" height="{HEIGHT + 34}" '
            f'viewBox="0 0 {WIDTH} {HEIGHT + 34}" style="max-width:100%;font:12px sans-serif;fill:{INK}">'
            + _curve(rates, begin, end, RATE)
            + _curve(flights, begin, end, FLIGHT)
            + f'<line x1="0" y1="{HEIGHT}" x2="{WIDTH}" y2="{HEIGHT}" stroke="{REST}"/>'
            + f'<text x="0" y="{HEIGHT + 14}">{end - begin:.0f} s ago</text>'
            + f'<text x="{WIDTH}" y="{HEIGHT + 14}" text-anchor="end">now</text>'
            + f'<text x="0" y="{HEIGHT + 28}"><tspan fill="{RATE}">■</tspan> items per second, at most '
            + f'{fastest:,.0f} <tspan dx="16" fill="{FLIGHT}">■</tspan> in flight, at most {most:,.0f}'
            + "</text></svg>"
        )


def _curve(points: list[tuple[float, float]], begin: float, end: float, colour: str) -> str:
    top = max(value for _, value in points) or 1.0
    span = max(end - begin, 1e-9)
    path = " ".join(
        f"{(moment - begin) / span * WIDTH:.1f},{HEIGHT - 4 - value / top * (HEIGHT - 10):.1f}"
        for moment, value in points
    )
    return f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.5"/>'


def told(error: BaseException) -> str:
    """Return what went wrong, without secrets."""
    said = str(error) if isinstance(error, FetchlabError) else f"{type(error).__name__}: {error}"
    return f'<div style="color:{FLIGHT}">{html.escape(redact_text(said))}</div>'


def progress(stats: RunStats | None, trouble: BaseException | None = None) -> str:
    """Return the bar and the one line, and below it what went wrong."""
    below = "" if trouble is None else told(trouble)
    if stats is None:
        return f'<div style="font-family:monospace">ready</div>{below}'
    return bar(stats) + below


def strip(stats: RunStats) -> str:
    """Return a square per worker, full where it is busy; of hundreds, one for several."""
    workers, busy = max(stats.workers, 1), min(stats.in_flight, stats.workers)
    each = -(-workers // SQUARES)
    squares, full = -(-workers // each), round(busy / each)
    drawn = "".join(
        f'<span style="color:{RATE if place < full else REST}">{"■" if place < full else "□"}</span>'
        for place in range(squares)
    )
    waits = f"; {stats.parked:,} items wait without one" if stats.parked else ""
    per = f", each square {each} workers" if each > 1 else ""
    said = f"{busy:,} of {workers:,} workers busy{per}{waits}"
    style = "line-height:1.1;letter-spacing:1px"
    return f'<div role="img" aria-label="{said}" style="{style}">{drawn}</div><small>{said}</small>'


def failures(run: Run) -> str:
    """Return the errors grouped, with an example each and the knob that helps."""
    found = run.errors()
    if not found.height:
        return ""
    rows = [
        (f"{row['count']:,}", row["error"], row["host"] or "", row["example_key"], row["knob"] or "")
        for row in found.head(ROWS).iter_rows(named=True)
    ]
    more = (
        f"<small>and {found.height - ROWS:,} more kinds: panel.run.errors()</small>"
        if found.height > ROWS
        else ""
    )
    return plain_table(("failed", "error", "host", "for example", "what helps"), rows) + more


def tables(run: Run) -> str:
    """Return the first results, and how long they took, by host."""
    try:
        title, first = _results(run)
    except Exception as error:  # values that no table holds, or none kept
        results = f"<small>No table of results: {html.escape(str(error))}</small>"
    else:
        results = _titled(title, first)
    return results + _titled("Timings by host, all of them: panel.run.frame()", timing_table(run))


def _results(run: Run) -> tuple[str, pl.DataFrame]:
    """What a study is after, else the values; with the title of the table."""
    import polars as pl

    if run.has_product and run.state == "done":
        product = run.result()
        table = product if isinstance(product, pl.DataFrame) else _column(product)
        return f"The first of {table.height:,} results: panel.run.result()", table.head(ROWS)
    table = run.table()
    values = table.select(name for name in table.columns if name not in TIMINGS or name == "key")
    return f"The first of {table.height:,} results: panel.run.table()", values.head(ROWS)


def _column(product: Any) -> pl.DataFrame:
    """A product that is no table as one column; as text where polars has no type for what is in it."""
    import polars as pl

    try:
        return pl.DataFrame({"result": product})
    except Exception:
        return pl.DataFrame({"result": [repr(one)[:LETTERS] for one in product]})


def _titled(title: str, table: pl.DataFrame) -> str:
    import polars as pl

    with pl.Config(tbl_hide_dataframe_shape=True, fmt_str_lengths=LETTERS, fmt_table_cell_list_len=3):
        return f'<h4>{html.escape(title)}</h4><div style="{SHRUNK}">{table._repr_html_()}</div>'


def timing_table(run: Run) -> pl.DataFrame:
    """Return how long items took, by host, in milliseconds."""
    import polars as pl

    took = pl.col("elapsed") * 1000
    return (
        run.frame()
        .group_by("host")
        .agg(
            items=pl.len(), ok=pl.col("ok").sum(), cached=pl.col("cached").sum(),
            median_ms=took.median().round(1), p95_ms=took.quantile(0.95).round(1),
            megabytes=(pl.col("bytes").sum() / 1e6).round(2),
        )
        .sort("items", descending=True)
    )  # fmt: skip
