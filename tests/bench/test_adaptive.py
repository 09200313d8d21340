"""The adaptive bench: a sweep that only chooses, rounds that compare like with like, a verdict."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import polars as pl
import pytest

import fetchlab as fl
from fetchlab.bench import adaptive
from fetchlab.errors import StudyError
from fetchlab.testbed.profiles import PROFILES

from .made import rounds


def finals(ours, theirs, *, refused=0.0, lost=0.0):
    rows = rounds({adaptive.ARM: [(ours, 1000)] * 3, "24 workers": [(theirs, 1000)] * 3})
    is_ours = pl.col("arm") == adaptive.ARM
    return rows.with_columns(
        profile=pl.lit("knee"),
        limit=pl.lit(30.0),
        refused=pl.when(is_ours).then(refused).otherwise(0.0),
        lost=pl.when(is_ours).then(lost).otherwise(0.0),
    )


def test_every_profile_of_the_testbed_has_its_case():
    """A profile without one would be left out of the budget."""
    assert set(adaptive.CASES) == set(PROFILES)


@pytest.mark.parametrize(
    ("ours", "refused", "lost", "met"),
    [
        (2.0, 0, 0, "yes"),
        (2.0, 21, 0, "no: refused"),
        (2.0, 19, 0, "yes"),
        (2.0, 0, 1, "no: lost"),
        (3.0, 0, 0, "no: slower"),
        (3.0, 500, 2, "no: lost, refused, slower"),
    ],
)
def test_the_verdict_names_what_is_wrong(ours, refused, lost, met):
    """Fast by being rude, or by dropping items, is not fast."""
    row = adaptive.table(finals(ours, 2.0, refused=refused, lost=lost)).to_dicts()[0]
    assert row["met"] == met
    assert row["ratio"] == pytest.approx(2.0 / ours)
    assert row["adaptive/s"] == pytest.approx(1000 / ours)
    assert row["best/s"] == pytest.approx(500)
    assert row["refused %"] == pytest.approx(refused / 10)
    assert row["fixed, refused %"] == 0
    assert row["best fixed"] == "24"


def test_two_hosts_share_the_items():
    """One in 64 for the slow host, so that neither is idle while the other works."""
    bed = SimpleNamespace(urls={"echo": "http://fast", "echo2": "http://slow"})
    urls = adaptive.requests(bed, "two-hosts", 640)
    assert sum(url.startswith("http://slow") for url in urls) == 10
    assert len(set(urls)) == 640
    assert not any(url.startswith("http://slow") for url in adaptive.requests(bed, "knee", 640))


def test_a_profile_is_swept_then_compared(bed):
    """Every fixed number once; the best of them and the controller in every round, with the same items."""
    heard = []
    rows = adaptive.collect(
        bed,
        "knee",
        counts=(1, 8),
        items=40,
        rounds=2,
        on_round=lambda number, arm: heard.append((number, arm)),
    )
    assert rows["error"].null_count() == rows.height
    assert rows.filter("warmup").select("arm", "items").sort("arm").rows() == [
        ("1 workers", 40),
        ("8 workers", 40),
    ]
    final = rows.filter(~pl.col("warmup"))
    assert final["items"].to_list() == [40] * 4
    assert set(final["arm"]) == {"8 workers", adaptive.ARM}
    assert [number for number, _ in heard] == [0, 0, 1, 1, 2, 2]
    row = adaptive.table(rows).to_dicts()[0]
    assert (row["best fixed"], row["lost"]) == ("8", 0)


def test_oversized_bodies_are_not_lost_items(monkeypatch):
    """They fail for good and rightly: no retry makes a body smaller."""
    run = fl.map(lambda item: item, range(10), progress=False).wait()
    stats = replace(run.stats(), ok=7, failed=3, errors={"BodyTooLarge": 2, "TimedOut": 1})
    run.stats = lambda: stats
    monkeypatch.setattr(adaptive, "run_on", lambda *_: run)
    assert adaptive._arm(None, "flaky", 4, 10).more["lost"] == 1


def test_a_sweep_without_a_measurement_is_told():
    """Otherwise the bench would fail with an index out of bounds."""
    with pytest.raises(StudyError, match="no number of workers"):
        adaptive._best(
            pl.DataFrame({"seconds": [None], "error": ["refused"]}, {"seconds": pl.Float64, "error": str})
        )
