"""A run against the real server: what can be read of it is right, and right again."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime

import polars as pl
import pytest

import fetchlab as fl
from fetchlab.errors import StatusError

from .runs import same, until

SCHEMA = {
    "index": pl.UInt32, "key": pl.String, "host": pl.String, "ok": pl.Boolean, "status": pl.UInt16,
    "error": pl.String, "message": pl.String, "attempts": pl.UInt16, "cached": pl.Boolean,
    "session": pl.UInt16, "worker": pl.UInt32, "queued": pl.Float64, "started": pl.Float64,
    "first_byte": pl.Float64, "finished": pl.Float64, "wait": pl.Float64, "elapsed": pl.Float64,
    "bytes": pl.UInt64,
}  # fmt: skip
QUICK = fl.Retry(attempts=3, base=0.01)


def test_values_and_results_stand_as_the_input(echo):
    """A value beside another item's URL is worse than none."""
    sizes = [(n * 37) % 500 for n in range(200)]
    urls = [f"{echo}/bytes/{size}" for size in sizes]
    urls[17] = f"{echo}/status/404"
    run = fl.fetch(urls, workers=16)
    values = run.result()
    assert values[17] is None
    assert [len(value) for n, value in enumerate(values) if n != 17] == sizes[:17] + sizes[18:]
    for index, result in enumerate(run.results()):
        assert (result.index, result.item, result.ok) == (index, urls[index], index != 17)
        assert result.value is values[index]
    with pytest.raises(StatusError, match="HTTP 404") as caught:
        run.raise_for_errors()
    assert (caught.value.item, caught.value.attempts, caught.value.status) == (urls[17], 1, 404)
    assert caught.value.key == f"GET {urls[17]}"


def test_keep_false_spills_and_the_frame_is_whole():
    """100,000 items: timings go to Arrow files, and ``frame()`` has every one, once, in order."""
    run = fl.map(same, iter(range(100_000)), workers=50, keep=False).wait(timeout=120)
    parts = run._recorder.ledger._parts
    assert parts
    assert all(part.exists() for part in parts)
    frame = run.frame()
    assert frame["index"].to_list() == list(range(100_000))
    assert frame["key"].to_list()[:3] == ["0", "1", "2"]
    assert frame["ok"].all()
    folder = parts[0].parent
    del run, frame
    until(lambda: _collected(folder), "the temporary folder's removal")


def _collected(folder):
    import gc

    gc.collect()
    return not folder.exists()


def test_attempts_has_every_one(bed, echo):
    """Against the server's own count: a lost attempt would make a retry storm invisible."""
    bed.configure("echo", error_rate={503: 0.3, 500: 0.1}, reset=0.1)
    run = fl.fetch(
        [f"{echo}/json?n={n}" for n in range(150)], retry=fl.Retry(attempts=4, base=0.01, budget=1)
    ).wait()
    assert run.stats().failed == 0
    attempts, counted = run.attempts(), bed.counters("echo")
    assert attempts.height == counted["requests"] == run.stats().retries + 150
    assert dict(attempts.schema) == {
        "index": pl.UInt32, "key": pl.String, "host": pl.String, "attempt": pl.UInt16, "worker": pl.UInt32,
        "started": pl.Float64, "first_byte": pl.Float64, "finished": pl.Float64, "status": pl.UInt16,
        "error": pl.String, "message": pl.String, "bytes": pl.UInt64, "wait": pl.Float64, "reason": pl.String,
    }  # fmt: skip
    per_item = attempts.group_by("index").agg(pl.col("attempt")).sort("index")
    assert per_item["index"].to_list() == list(range(150))
    assert all(numbers == list(range(1, len(numbers) + 1)) for numbers in per_item["attempt"].to_list())
    failed = attempts.filter(pl.col("error").is_not_null())
    assert (failed["reason"] == "backoff").all()
    assert failed["wait"].max() <= 0.01 * 4
    assert sum(counted["faults"].values()) == failed.height
    assert run.stats().refused == counted["faults"]["503"]


def test_frame_schema_and_sense(echo):
    """Plots, benches and notebooks read these columns by name and type."""
    run = fl.fetch([f"{echo}/bytes/{n}" for n in range(50)] + [f"{echo}/status/404"], workers=5).wait()
    frame = run.frame()
    assert dict(frame.schema) == SCHEMA
    assert frame.columns == list(SCHEMA)
    assert frame["index"].to_list() == list(range(51))
    ordered = frame.select(
        (pl.col("queued") <= pl.col("started")).all().alias("a"),
        (pl.col("started") <= pl.col("first_byte")).all().alias("b"),
        (pl.col("first_byte") <= pl.col("finished")).all().alias("c"),
        ((pl.col("elapsed") - (pl.col("finished") - pl.col("started"))).abs() < 1e-9).all().alias("d"),
        (pl.col("worker") < 5).all().alias("e"),
        (pl.col("queued") >= 0).all().alias("f"),
    )
    assert all(ordered.row(0)), ordered
    assert frame["bytes"].to_list()[:50] == list(range(50))
    last = frame.row(50, named=True)
    assert (last["ok"], last["status"], last["error"], last["message"]) == (
        False,
        404,
        "StatusError",
        "HTTP 404",
    )
    assert frame["host"].unique().to_list() == [echo]
    assert fl.fetch([]).frame().schema == frame.schema


def test_errors_names_the_knob(echo, refused):
    """The table a person reads first: what failed where, how often, and what to turn."""
    urls = [f"{echo}/status/404"] * 3 + [f"{echo}/bytes/5000"] * 2 + [refused, f"{echo}/html"]
    run = fl.fetch(urls, max_bytes=1000, parse="json", retry=fl.Retry(attempts=1)).wait()
    table = run.errors()
    assert table.columns == ["error", "host", "count", "example_key", "message", "first", "last", "knob"]
    assert table.select("error", "count").rows() == [
        ("StatusError", 3),
        ("BodyTooLarge", 2),
        ("ConnectFailed", 1),
        ("ParseError", 1),
    ]
    assert table["knob"][1] == "max_bytes"
    assert "accept" in table["knob"][0]
    assert table["example_key"][0] == f"GET {echo}/status/404"
    assert (table["first"] <= table["last"]).all()
    assert fl.fetch([]).errors().schema == table.schema


def test_stats_fields(echo):
    """Every field has a value that fits the others."""
    before = datetime.now(UTC)
    run = fl.fetch((f"{echo}/bytes/100" for _ in range(40)), workers=7).wait()
    stats = run.stats()
    assert (stats.state, stats.total, stats.done, stats.ok, stats.failed) == ("done", 40, 40, 40, 0)
    assert (stats.cached, stats.retries, stats.refused, stats.bytes) == (0, 0, 0, 4000)
    assert (stats.in_flight, stats.parked, stats.workers, stats.errors, stats.eta) == (0, 0, 7, {}, None)
    assert stats.mean_rate == pytest.approx(40 / stats.elapsed)
    assert stats.rate > 0
    assert 0 < stats.cpu_s < 60
    assert 10e6 < stats.rss_peak < 4e9
    assert before <= stats.started_at <= datetime.now(UTC)
    with pytest.raises(AttributeError):
        stats.done = 1


def test_concurrency_is_the_brute_force_count(bed, echo):
    """The curve must be what actually overlapped, and never above the limit."""
    bed.configure("echo", jitter=0.5, latency=0.01, error_rate={503: 0.1})
    run = fl.fetch([f"{echo}/json?n={n}" for n in range(120)], workers=6, retry=QUICK).wait()
    curve, attempts = run.concurrency(), run.attempts()
    spans = attempts.select("started", "finished").rows()
    for time_, in_flight, limit in curve.select("time", "in_flight", "limit").rows():
        assert in_flight == sum(started <= time_ < finished for started, finished in spans)
        assert in_flight <= limit == 6
    assert curve["in_flight"].max() == 6
    assert curve["in_flight"][-1] == 0
    assert set(curve["time"]) >= set(attempts["started"]) | set(attempts["finished"])


def test_concurrency_of_a_cancelled_run_has_no_ghosts(bed, echo):
    """An item cancelled while it backed off made no further attempt, though it ended."""
    bed.configure("echo", error_rate={503: 1.0})
    run = fl.fetch(
        [f"{echo}/json?n={n}" for n in range(30)], workers=5, retry=fl.Retry(attempts=3, base=1e4, cap=1e4)
    )
    until(lambda: run.stats().parked == 30, "all to wait")
    run.cancel().wait()
    assert run.stats().errors == {"Cancelled": 30}
    assert run.attempts().height == bed.counters("echo")["requests"] == 30
    assert run.concurrency()["in_flight"].max() <= 5
    bed.configure("echo", error_rate={})
    assert run.retry_failed().wait().stats().ok == 30


def test_files_named_in_no_encoding():
    """Names from an old disk hold lone surrogates, which no table takes: the run must not hang on them."""
    names = ["film\udce9.mkv", "ok.mkv"]
    run = fl.map(str.upper, names * 2100).wait(timeout=60)
    assert run.stats().ok == 4200
    assert run.frame()["key"].to_list()[:2] == ["film\\udce9.mkv", "ok.mkv"]
    broken = fl.map(_raise_item, names, key=lambda item: item).wait(timeout=60)
    assert broken.errors()["count"].sum() == 2
    assert broken.attempts().height == 2


def _raise_item(item):
    raise ValueError(item)


def test_a_key_that_raises_loses_nothing():
    """The key function is the user's: its KeyError must not cost the value."""
    run = fl.map(same, [{"id": 1}, {}], key=lambda item: item["id"]).wait(timeout=60)
    assert run.result() == [{"id": 1}, {}]
    assert run.frame()["key"].to_list() == ["1", "<key raised KeyError: 'id'>"]


def test_repr_and_html(echo):
    """What a cell shows."""
    run = fl.fetch([f"{echo}/status/404"] * 2).wait()
    assert repr(run).startswith("Run(done 2/2 100%")
    assert "StatusError 2" in run._repr_html_()


def test_rss_peak_is_this_process_alone():
    """A bench in a fresh process must not report the memory of the notebook that started it."""
    ballast = bytes(300_000_000)
    code = "from fetchlab.engine.snapshot import process_usage; print(process_usage()[1])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert 5e6 < int(done.stdout) < 200e6 < len(ballast)


def test_attempts_are_numbered_on_when_failed_items_are_tried_again():
    """A run that was tried again would show fewer attempts than were made, and two with one number."""
    calls = []

    def fails_once(item):
        calls.append(item)
        if len(calls) == 1:
            raise ValueError("the first time")
        return item

    run = fl.map(fails_once, ["a"]).wait()
    run.retry_failed().wait()
    assert run.results()[0].attempts == 2
    assert run.attempts()["attempt"].to_list() == [1, 2]
    assert run.stats().retries == 1
