"""The catalogue's tables on a small testbed: every column, the published figures, the ideal."""

from __future__ import annotations

import polars as pl
import pytest

import fetchlab as fl
from fetchlab.bench import catalogue as bench
from fetchlab.studies.catalogue import Catalogue

LATENCY = 0.01
COUNTS = [10, 30]


@pytest.fixture
def catalogue(bed):
    bed.configure("catalogue", latency=LATENCY)
    return Catalogue(bed.urls["catalogue"])


@pytest.fixture(scope="module")
def rounds():
    with fl.testbed.serve(port=0, latency=LATENCY) as bed:
        return bench.pages(Catalogue(bed.urls["catalogue"]), counts=COUNTS, workers=5, rounds=1)


def test_the_page_table_sets_measured_beside_published(rounds):
    """The notebook's main table: a wrong column here is a wrong claim there."""
    table = bench.pages_table(rounds, latency=LATENCY, workers=5)
    assert table["pages"].to_list() == COUNTS
    first = table.row(0, named=True)
    assert first["published before"] == "2 s"
    assert first["published after"] == "< 1 s"
    assert first["published speedup"] == "2–3 x"
    assert table.row(1, named=True)["published after"] == "–"
    assert table["ideal"].to_list() == pytest.approx([0.03, 0.07])
    for row in table.iter_rows(named=True):
        assert row["speedup"] == pytest.approx(row["before"] / row["after"])
        assert row["before"] > row["before, no pause"]  # by 0.2 s a page
        assert row["after"] > row["ideal"]
        assert 0 < row["efficiency"] < 1.01


def test_rounds_hold_both_baselines_and_every_count(rounds):
    """Without the unpaused baseline the speedup would be that of dropping a pause."""
    arms = {"10 pages", "30 pages", "one by one", "one by one, paused"}
    assert set(rounds["arm"]) == arms
    assert rounds.height == len(arms) * 2
    assert rounds["error"].null_count() == rounds.height
    measured = dict(rounds.select("arm", "items").iter_rows())
    assert measured == {
        "10 pages": 10,
        "30 pages": 30,
        "one by one": bench.SAMPLE_PAGES,
        "one by one, paused": bench.SAMPLE_PAGES,
    }


def test_the_phase_table_predicts_from_the_sample(catalogue):
    """Hours are promised from a sample, so the scaling must be the sample's own rate."""
    ids = catalogue.ids(4, progress=False)
    details = catalogue.details(ids.result()[:50], workers=10, progress=False)
    table = bench.phases(ids, details, latency=LATENCY)
    assert table["phase"].to_list() == [
        "ids: 4 pages, 20 at a time",
        "details: 50 movies, 10 at a time",
        "details: 200 movies, predicted",
        "total, predicted",
    ]
    assert table["published"].to_list() == ["14–28 s", "", "2–4 h", "2–4 h"]
    assert table["ideal"].to_list() == ["0.0 s", "0.1 s", "0.2 s", "0.2 s"]
    assert all(share.endswith("%") for share in table["efficiency"])


@pytest.mark.parametrize(
    ("count", "quantity", "expected"),
    [
        (10, "time_before", "2 s"),
        (1000, "time_after", "10–15 s"),
        (bench.PAGES_IN_ALL, "time_before", "282 s"),
        (bench.PAGES_IN_ALL, "speedup", "10–20 x"),
        (17, "time_after", "–"),
    ],
)
def test_published_figures_are_quoted_as_printed(count, quantity, expected):
    """A claim misquoted in our favour would be the worst kind of error."""
    assert bench.published(count, quantity) == expected


def test_the_published_counts_are_the_default():
    """`make bench` must measure the rows that were published."""
    published = fl.reference.load("000").filter(
        (pl.col("table") == "speed-improvements") & (pl.col("quantity") == "pages")
    )
    assert [*bench.COUNTS[:-1], 1412] == [int(count) for count in published["low"]]
    assert bench.PAGES_IN_ALL == 1413
