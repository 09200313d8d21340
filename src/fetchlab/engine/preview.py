"""A few items first: what comes back, and how long all of them would take."""

from __future__ import annotations

from collections.abc import AsyncIterable, Iterable, Iterator, Sized
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING, Any

import polars as pl

from fetchlab import frame
from fetchlab.engine.calls import fetch
from fetchlab.engine.knobs import whole
from fetchlab.engine.parse import parser
from fetchlab.engine.progress import duration, size
from fetchlab.engine.remote import Remote
from fetchlab.engine.strategies import Sequential, choose, plan_of
from fetchlab.errors import ConfigError
from fetchlab.model import Request
from fetchlab.policy.keys import host_of
from fetchlab.policy.rate import RateRules
from fetchlab.policy.retry import Retry
from fetchlab.shape import Shape

if TYPE_CHECKING:
    from fetchlab.engine.run import Run
    from fetchlab.engine.strategies import Plan, Strategy
    from fetchlab.policy.concurrency import Adaptive

__all__ = ["Preview", "preview"]

LOOK = 10_000
"""Items looked at where the input has no length."""
MUCH = 1_000_000_000
OF_A_WHOLE_RUN = frozenset(
    {"deadline", "dedup", "follow", "journal", "keep", "max_error_rate", "order", "priority", "progress"}
)
PREDICTION = pl.Schema(
    {
        "host": pl.String,
        "items": pl.UInt64,
        "tried": pl.UInt32,
        "elapsed": pl.Float64,
        "rate": pl.Float64,
        "seconds": pl.Float64,
        "bytes": pl.UInt64,
        "limited_by": pl.String,
    }
)


def preview(
    requests: Iterable[Any],
    n: int = 5,
    *,
    workers: int | Adaptive | None = None,
    strategy: Strategy | None = None,
    parse: Any = "bytes",
    retry: Retry | None = None,
    **knobs: Any,
) -> Preview:
    """Fetch a few items and say what came back, and what the whole would take; wait for it.

    They are taken from all hosts in turn and fetched one after the other. Nothing is tried twice unless
    ``retry`` says so: a preview shows what fails.

    Args:
        requests: what :func:`fetch` would be given; an iterator would be used up and is refused.
        n: how many items.
        workers: for the prediction.
        strategy: for the prediction.
        parse: as in :func:`fetch`.
        retry: as in :func:`fetch`, but a single attempt unless told.
        **knobs: all others of :func:`fetch`; those about the whole run (``follow``, ``deadline``, …) do
            nothing here.

    Raises:
        ConfigError: ``requests`` is an iterator or empty, or a knob has a value that cannot work.
    """
    whole("n", n)
    sample = _Sample(requests, n)
    chosen = choose(workers, strategy, plain=False)
    kinds: list[str] = []
    run = fetch(
        [item for _, item in sample.items],
        strategy=Sequential(),
        parse=_noting(parser(parse), kinds),
        retry=retry or Retry(attempts=1),
        progress=False,
        **{name: value for name, value in knobs.items() if name not in OF_A_WHOLE_RUN},
    ).wait()
    plan = plan_of(chosen, sample.total or 1, plain=False)
    if isinstance(chosen, Remote):
        plan = replace(plan, width=chosen.width(plain=False))
    return Preview(run, sample, plan, rates=RateRules(knobs.get("rate")), parse=parse, kinds=kinds)


class _Sample:
    """The first items of every host in turn, and how many items each host has."""

    def __init__(self, requests: Any, n: int) -> None:
        if isinstance(requests, str | bytes | Request):
            raise ConfigError("requests", "give a list of requests, not one")
        if isinstance(requests, Iterator | AsyncIterable):
            raise ConfigError(
                "requests",
                "a preview would use up an iterator; give a list, or list(itertools.islice(…, 100))",
            )
        if not isinstance(requests, Iterable):
            raise ConfigError("requests", f"give an iterable, not {type(requests).__name__}")
        self.total = len(requests) if isinstance(requests, Sized) else None
        self.counts: dict[str, int] = {}
        first: dict[str, list[tuple[int, Any]]] = {}
        for index, item in enumerate(requests if self.total is not None else islice(requests, LOOK)):
            host = _host(item)
            self.counts[host] = self.counts.get(host, 0) + 1
            if self.counts[host] <= n and len(first) <= n:
                first.setdefault(host, []).append((index, item))
        turns = [items[turn] for turn in range(n) for items in first.values() if turn < len(items)]
        self.items = turns[:n]
        if not self.items:
            raise ConfigError("requests", "there is nothing to preview, it is empty")


@dataclass(frozen=True, slots=True)
class _Seen:
    value: Any


class Preview:
    """What :func:`preview` found.

    Attributes:
        shape: the types in the parsed values, as an outline.
        prediction: a row per host: ``host, items u64?, tried u32, elapsed f64? (mean seconds of an attempt),
            rate f64? (items per second), seconds f64?, bytes u64?, limited_by (rate or workers)``. Hosts that
            were not tried are reckoned with the mean of the others.
        seconds: all of it, None where the input has no length or nothing came back.
        notes: what failed, and the knob that helps; what else to know.
    """

    def __init__(
        self, run: Run, sample: _Sample, plan: Plan, *, rates: RateRules, parse: Any, kinds: list[str]
    ) -> None:
        self._run = run
        self._sample = sample
        self._workers = plan.adaptive.max if plan.adaptive is not None else plan.width
        self._adaptive = plan.adaptive is not None
        self._delay = plan.delay
        self.shape = Shape()
        for result in run.results():
            if result.ok:
                self.shape.add(frame.plain(result.value.value))
        self.prediction = self._predict(rates)
        self.seconds: float | None = self.prediction["seconds"].max()  # type: ignore[assignment]
        self.notes = self._note(parse, kinds)

    def table(self) -> pl.DataFrame:
        """Return a row per item tried: place in the input, status, bytes, elapsed, its value as columns."""
        places = [index for index, _ in self._sample.items]
        results = [result for result in self._run.results() if result.ok]
        values = frame.values_frame(
            [result.index for result in results], [result.value.value for result in results]
        )
        timings = self._run.frame().select("index", "key", "ok", "status", "error", "bytes", "elapsed")
        clashes = {name: f"run.{name}" for name in timings.columns[1:] if name in values.columns}
        joined = timings.rename(clashes).join(values, on="index", how="left").sort("index")
        return joined.with_columns(pl.Series("index", places, pl.UInt32))

    def _predict(self, rates: RateRules) -> pl.DataFrame:
        tried = _tried(self._run.frame())
        counts = self._sample.counts
        known = [row["elapsed"] for row in tried.values() if row["elapsed"] is not None]
        usual = sum(known) / len(known) if known else None
        sized = self._sample.total is not None
        each = {host: tried.get(host, _UNTRIED)["elapsed"] or usual for host in counts}
        together = None
        if usual is not None:  # worker seconds of all hosts, on all workers
            work = sum(count * ((each[host] or 0) + self._delay) for host, count in counts.items())
            together = work / min(self._workers, max(1, sum(counts.values())))
        sizes = [row["bytes"] for row in tried.values() if row["bytes"] is not None]
        rows = []
        for host, count in counts.items():
            seen = tried.get(host, _UNTRIED)
            limit = rates(host)
            paced = 0.0 if limit is None else max(0, count - limit.burst) * limit.interval
            seconds = None if together is None else max(together, paced + (each[host] or 0))
            mean = seen["bytes"] if seen["bytes"] is not None else sum(sizes) / len(sizes) if sizes else None
            rows.append(
                (
                    host,
                    count if sized else None,
                    seen["tried"],
                    seen["elapsed"],
                    count / seconds if seconds else None,
                    seconds if sized else None,
                    None if mean is None or not sized else round(count * mean),
                    "rate" if together is not None and paced > together else "workers",
                )
            )
        return pl.DataFrame(rows, PREDICTION, orient="row").sort(
            "seconds", descending=True, maintain_order=True
        )

    def _note(self, parse: Any, kinds: list[str]) -> list[str]:
        notes = [
            f"{row['count']} × {row['error']} at {row['host'] or 'no host'}: {row['message']} → {row['knob']}"
            for row in self._run.errors().iter_rows(named=True)
        ]
        if parse in ("bytes", "text") and kinds and all("json" in kind for kind in kinds):
            notes.append('the bodies are JSON → parse="json"')
        untried = len(self._sample.counts) - len(_tried(self._run.frame()))
        if untried > 0:
            notes.append(f"{untried:,} more hosts were not tried → n={len(self._sample.counts)}")
        total = sum(self.prediction["bytes"].drop_nulls())
        if total > MUCH:
            notes.append(f"about {size(total)} in all → keep=False if the values need not stay in memory")
        return notes

    def _head(self) -> str:
        tried, ok = len(self._sample.items), self._run.stats().ok
        total = self._sample.total
        of = f" of {total:,}" if total is not None else ""
        return f"Preview: {tried}{of} items tried, {ok} ok"

    def _outlook(self) -> str:
        if self.seconds is None:
            return "no prediction: " + (
                "the input has no length" if self._sample.total is None else "nothing came back"
            )
        workers = f"up to {self._workers}" if self._adaptive else f"{self._workers}"
        slowest = self.prediction.row(0, named=True)
        return (
            f"all {self._sample.total:,} at {workers} workers: about {duration(self.seconds)}, "
            f"limited by {slowest['limited_by']} ({slowest['host']})"
        )

    def __repr__(self) -> str:
        parts = [self._head(), *(f"! {note}" for note in self.notes), self._outlook(), str(self.prediction)]
        if self.shape.seen:
            parts.append(f"Values: {self.shape!r}")
        return "\n".join(parts)

    def _repr_html_(self) -> str:
        import html  # a megabyte of entities

        notes = "".join(f"<li>{html.escape(note)}</li>" for note in self.notes)
        shape = f"<pre>{html.escape(repr(self.shape))}</pre>" if self.shape.seen else ""
        return (
            f"<p>{html.escape(self._head())}<br>{html.escape(self._outlook())}</p>"
            + (f"<ul>{notes}</ul>" if notes else "")
            + _html_table(self.prediction)
            + shape
        )


_UNTRIED: dict[str, Any] = {"tried": 0, "elapsed": None, "bytes": None}


def _tried(timings: pl.DataFrame) -> dict[str, dict[str, Any]]:
    """By host: items tried, mean seconds and bytes of those answered; the first one had to connect."""
    came = timings.filter(pl.col("status").is_not_null())
    rows = timings.group_by("host").agg(tried=pl.len())
    later = came.filter((pl.len().over("host") == 1) | (pl.col("index").rank().over("host") > 1))
    means = later.group_by("host").agg(pl.col("elapsed").mean(), pl.col("bytes").mean())
    return {row["host"]: row for row in rows.join(means, on="host", how="left").iter_rows(named=True)}


def _noting(parse: Any, kinds: list[str]) -> Any:
    def parse_and_note(response: Any) -> _Seen:
        kinds.append((response.headers.get("content-type") or "").lower())
        return _Seen(parse(response))

    return parse_and_note


def _host(item: Any) -> str:
    try:
        return host_of(item if isinstance(item, str) else Request.of(item).url)
    except Exception:  # it fails as an item
        return ""


def _html_table(table: pl.DataFrame) -> str:
    import html

    def cell(value: Any) -> str:
        if value is None:
            return "–"
        return html.escape(f"{value:,.3g}" if isinstance(value, float) else str(value))

    head = "".join(f"<th>{html.escape(name)}</th>" for name in table.columns)
    rows = "".join(
        f"<tr>{''.join(f'<td>{cell(value)}</td>' for value in row)}</tr>"
        for row in table.head(20).iter_rows()
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
