"""``fl.sweep``: what it takes, what it measures, what it says, and that it can be kept."""

from __future__ import annotations

import asyncio

import polars as pl
import pytest

import fetchlab as fl
from fetchlab.bench.swept import ROWS
from fetchlab.bench.work import Work
from fetchlab.errors import ConfigError, StoreError, StudyError

from .sweeps import failed, roofline, swept

QUICK = {"rounds": 2, "seconds": 0.15, "progress": False}


@pytest.fixture
def urls(bed, echo):
    bed.configure(latency=0.02)
    return [f"{echo}/json?n={number}" for number in range(200)]


def test_a_sweep_measures_every_number_in_every_round(urls):
    """A hole in the rounds would pair what was not measured together."""
    sweep = fl.sweep(urls, (4, 1, 2), **QUICK)
    frame = sweep.frame()
    assert frame.schema == ROWS
    assert frame.filter(~pl.col("warmup")).group_by("workers").len().sort("workers").rows() == [
        (1, 2),
        (2, 2),
        (4, 2),
    ]
    assert frame.filter("warmup")["workers"].to_list()[:1] == [1], "up through the numbers"
    assert frame["error"].is_null().all()
    assert (frame["items"] == frame["ok"]).all()
    assert sweep.settings["workers"] == [1, 2, 4]
    assert sweep.environment["python"]


def test_proportional_throughput_is_not_saturated(urls):
    """Latency alone: twice the workers, twice the throughput, and no peak in sight."""
    sweep = fl.sweep(urls, (1, 2, 4), **QUICK | {"rounds": 3})
    rate = dict(sweep.summary().select("workers", "throughput").rows())
    assert rate[4] > 2 * rate[1]
    assert sweep.recommended == 4
    assert sweep.verdict == "not saturated in range"


def test_capacity_makes_a_roof(bed, urls):
    """Three at a time and no more: further workers only queue."""
    bed.configure(latency=0.06, capacity=3)
    sweep = fl.sweep(urls, (1, 2, 6, 12), **QUICK | {"rounds": 3, "seconds": 0.25})
    assert sweep.verdict != "not saturated in range"
    assert 2 <= sweep.recommended <= 6
    summary = sweep.summary()
    assert (summary["efficiency"] <= 1.0).all(), "no time beats the lower bound"
    assert summary["efficiency"][3] < summary["efficiency"][0]


def test_a_function_and_its_items():
    """Anything that can be mapped can be swept."""

    async def nap(item):
        await asyncio.sleep(0.005)
        return item

    sweep = fl.sweep((nap, list(range(80))), (1, 2, 4), **QUICK)
    assert sweep.settings["work"] == "nap × 80 items"
    assert sweep.frame()["ok"].min() >= 8


def test_knobs_reach_every_run(urls):
    """They are of the work: a sweep with other knobs would be of other work."""
    sweep = fl.sweep(Work.of(urls, timeout=9), (1, 2), parse="json", **QUICK)
    assert sweep.settings["knobs"] == {"timeout": "9", "parse": "'json'"}


def test_numbers_with_too_few_items_are_left_out_and_named(urls):
    """With one round trip a measurement is all edges."""
    sweep = fl.sweep(urls[:12], (1, 2, 4, 8), **QUICK)
    assert set(sweep.frame()["workers"]) == {1, 2, 4}
    assert "Too few items for 8 workers" in repr(sweep)


def test_progress_is_told_where_it_is_wanted(urls, capsys):
    """A sweep takes a minute: somebody waits in front of it."""
    fl.sweep(urls, (1, 2), **QUICK | {"progress": True})
    told = capsys.readouterr()
    assert "warm-up: 1 worker" in told.err + told.out
    assert "round 2/2" in told.err + told.out
    fl.sweep(urls, (1, 2), **QUICK)
    assert capsys.readouterr() == ("", "")


def test_an_interrupt_keeps_whole_rounds(urls):
    """Ctrl-C after an hour must not throw the hour away."""

    def tell(line):
        if "round 3/9: 2 workers" in line:
            raise KeyboardInterrupt

    sweep = fl.sweep(urls, (1, 2, 3), rounds=9, seconds=0.1, progress=tell)
    assert sweep.frame().filter(~pl.col("warmup"))["round"].max() == 2
    assert "interrupted" in " ".join(sweep.notes)

    def at_once(line):
        if "round 1/9" in line:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fl.sweep(urls, (1, 2, 3), rounds=9, seconds=0.1, progress=at_once)


@pytest.mark.parametrize(
    ("knob", "given"),
    [
        ("workers", {"workers": ()}),
        ("workers", {"workers": (0, 2)}),
        ("workers", {"workers": (2, -1)}),
        ("workers", {"workers": (2, 2)}),
        ("workers", {"workers": (2, 4.5)}),
        ("workers", {"workers": (True, 2)}),
        ("workers", {"workers": 8}),
        ("workers", {"workers": "8"}),
        ("rounds", {"rounds": 0}),
        ("warmup", {"warmup": 0}),
        ("seconds", {"seconds": 0}),
        ("strategy", {"strategy": fl.Batch()}),
        ("journal", {"journal": "x.db"}),
        ("cache", {"cache": "x.db"}),
        ("work", {"workers": (500,)}),
        ("parse", {"parse": 7}),
    ],
)
def test_wrong_knobs_are_named(urls, knob, given):
    """A sweep that fails after a minute, or answers from a journal, wastes more than that minute."""
    with pytest.raises(ConfigError, match=f"^{knob}: "):
        fl.sweep(urls, **{"workers": (1, 2), **QUICK, **given})


def test_work_that_names_its_workers_is_refused(urls):
    """Two numbers of workers, one of them ignored: whose figure would it be?"""
    with pytest.raises(ConfigError, match="workers"):
        fl.sweep(Work(urls, None, workers=3), (1, 2), **QUICK)


def test_a_number_at_which_everything_fails_is_shown(urls):
    """The others stand, and the failed one is not fitted."""

    async def crowded(_):
        crowded.now += 1
        crowded.most = max(crowded.most, crowded.now)
        await asyncio.sleep(0.02)
        crowded.now -= 1
        many, crowded.most = crowded.most > 4, crowded.most if crowded.now else 0
        if many:
            raise ValueError("too many")

    crowded.now = crowded.most = 0
    sweep = fl.sweep((crowded, list(range(60))), (1, 2, 4, 8), **QUICK | {"rounds": 1})
    row = sweep.summary().filter(workers=8)
    assert row["throughput"].item() is None
    assert "TaskError" in row["error"].item()
    assert "Failed: 8 workers" in repr(sweep)


def test_nothing_at_all_could_be_measured(refused):
    """What failed is said when somebody asks for a number, and no sooner."""
    sweep = fl.sweep([refused] * 12, (1, 2), retry=fl.Retry(attempts=1), **QUICK)
    assert sweep.verdict == "failed"
    assert sweep.fits()["chosen"].sum() == 0
    assert "ConnectFailed" in repr(sweep)
    assert "ConnectFailed" in sweep._repr_html_()
    with pytest.raises(StudyError, match="ConnectFailed"):
        _ = sweep.recommended
    with pytest.raises(ConfigError, match="nothing to draw"):
        sweep.plot()


def test_saved_and_loaded_without_a_server(tmp_path):
    """A figure that cannot be drawn again is an anecdote."""
    sweep = failed(swept(roofline(20, 480), seed=3, beyond=[128], stopped="the host refuses requests"), 65)
    sweep.environment = {"cpu": "one", "cores": 2, "python": "3.11"}
    again = fl.Sweep.load(sweep.save(tmp_path / "kept"))
    assert again.frame().equals(sweep.frame())
    assert again.settings == sweep.settings
    assert again.environment == sweep.environment
    assert repr(again) == repr(sweep)
    assert again.fits().equals(sweep.fits())
    assert again.plot().to_dict() == sweep.plot().to_dict()
    assert again.predict(1000).low == sweep.predict(1000).low


def test_what_is_no_sweep_is_refused(tmp_path):
    """A folder of something else, or of nothing."""
    with pytest.raises(StoreError):
        fl.Sweep.load(tmp_path)
    fl.bench.record.write(pl.DataFrame({"a": [1]}), tmp_path / "sweep.parquet")
    with pytest.raises(StoreError, match="is no sweep"):
        fl.Sweep.load(tmp_path)


def test_the_table_is_plain_html():
    """It must survive a page without scripts, and say what is recommended and why."""
    sweep = failed(swept(roofline(20, 480), beyond=[128], stopped="the host refuses requests"), 65)
    html = sweep._repr_html_()
    assert "<script" not in html
    assert "<table" in html
    for text in (
        "ideal, s",
        "efficiency",
        "items/s",
        "Recommended: ",
        "Not tried: 128 workers",
        "Failed: 65",
    ):
        assert text in html
    assert html == sweep._repr_html_(), "the same bytes each time, or notebooks differ for no reason"


def test_its_text_says_the_result():
    """In a terminal the object is the report."""
    text = repr(swept(roofline(20, 480), noise=0.02))
    assert text.startswith("<Sweep over 7 numbers of workers: levels off>")
    assert "Recommended: 2" in text
