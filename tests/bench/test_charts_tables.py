"""The charts' tables on a small testbed: every arm, the published figures, the ideal, the claims."""

from __future__ import annotations

import pytest

import fetchlab as fl
from fetchlab.bench import charts, charts_arms, charts_cases, charts_claims
from fetchlab.bench.crossovers import QUESTIONS, crossing
from fetchlab.errors import ConfigError

LATENCY, FEW = 0.03, 10


@pytest.fixture
def url(bed):
    bed.configure("play", **charts_arms.law("constant", LATENCY))
    return bed.urls["play"]


@pytest.fixture(scope="module")
def compared(_bed_process):
    """All arms on a published table; a table of its own, and what riding together saves."""
    bed = _bed_process
    bed.configure(profile="flat")
    base_url, requests = bed.urls["play"], charts_arms.requests_of(9, FEW)
    every = tuple(charts_arms.arms(base_url, requests))
    made = charts_cases.case(bed, 9, only=every, latency=LATENCY, rounds=2, num_results=FEW, progress=False)
    return made, charts.traffic(base_url, requests)


def test_the_table_sets_measured_beside_published(compared):
    """The notebook's main table: a wrong column here is a wrong claim there."""
    made, _ = compared
    rows = {row["arm"]: row for row in made.table().iter_rows(named=True)}
    assert list(rows) == [
        *charts_arms.SEEDS, charts_arms.EXECUTOR, *charts_arms.OURS, "Batch-ALL (A/A)",
    ]  # fmt: skip
    assert (rows["Batch-ALL"]["published_s"], rows["Batch-ALL"]["published_speedup"]) == (0.68, 4.98)
    assert (rows["Batch-3chunk"]["published_speedup"], rows["adaptive"]["published_s"]) == (3.14, None)
    for row in rows.values():
        assert row["requests_per_s"] == pytest.approx(9 / row["median_s"])
        assert row["apps_per_s"] == pytest.approx(9 * FEW / row["median_s"])
    least = made.ideals
    for arm, ideal in least.items():
        assert rows[arm]["efficiency"] == pytest.approx(ideal / rows[arm]["median_s"])
    assert rows["Sequential"]["speedup"] == rows["Batch-ALL"]["ratio"] == 1
    assert rows["Sequential"]["verdict"] in ("faster", "slower", "invariant", "inconclusive")
    assert least["Sequential"] > 9 * LATENCY
    assert least["Batch-3chunk"] > 3 * LATENCY
    assert LATENCY < least["adaptive"] == least["rpc-multiplexed"] < least["Sequential"]
    assert LATENCY < least["Batch-ALL"] == least["Asyncio+Executor"] < least["Sequential"]
    assert set(made.comparison.frame()["round"]) == {1, 2}


def test_ours_are_held_against_every_published_one(compared):
    """A verdict with its interval for each, from the same rounds."""
    table = compared[0].versus()
    assert set(table["arm"]) == set(charts_arms.OURS)
    assert set(table["against"]) == {*charts_arms.SEEDS, charts_arms.EXECUTOR}
    assert table.height == 2 * 8
    assert table.filter(against="Sequential")["ratio"].max() < 1


def test_arms_without_a_sequential_one_have_their_ideals(bed):
    """Where a call takes as long as its slowest list, lists are measured alone in a pass of their own."""
    some = ("Batch-ALL", "adaptive")
    made = charts_cases.case(
        bed, 9, "slowest", only=some, latency=LATENCY, rounds=2, num_results=FEW, progress=False
    )
    rows = {row["arm"]: row for row in made.table().iter_rows(named=True)}
    assert list(rows) == [*some, "Batch-ALL (A/A)"]
    assert rows["Batch-ALL"]["speedup"] == rows["Batch-ALL"]["ratio"] == 1
    assert rows["adaptive"]["efficiency"] == pytest.approx(
        made.ideals["adaptive"] / rows["adaptive"]["median_s"]
    )
    assert made.versus().select("arm", "against").rows() == [("adaptive", "Batch-ALL")]


def test_the_arms_of_a_table_are_the_published_ones(bed):
    """A published arm that is left out could not be held against ours."""
    for count in charts_arms.CASES:
        published = fl.reference.load("003").filter(table=f"comparison-{count}-requests", quantity="speedup")
        assert set(published["row"]) <= set(charts_cases.in_table(count))
    for only in (["adaptive"], ["Batch-ALL", "Batch-NONE"]):
        with pytest.raises(ConfigError, match="Batch-ALL"):
            charts_cases.case(bed, 9, only=only)


def test_riding_together_saves_calls_and_bytes(compared):
    """By how much is what the notebook says; that it does is what must not change."""
    apart, together = compared[1].iter_rows(named=True)
    assert (apart["calls"], together["calls"]) == (9, 3)
    assert together["sent"] < apart["sent"]
    assert together["received"] < apart["received"]


def test_the_ideal_reckons_with_parsing():
    """Fifteen lists that come at once are still parsed one after the other."""
    times = [0.1] * 15
    assert charts._least(times, 0.0, fl.Batch()) == pytest.approx(0.1)
    assert charts._least(times, 1.5, fl.Batch()) == pytest.approx(0.1 + 1.5 * 14 / 15)
    assert charts._least(times, 0.15, fl.Sequential()) == pytest.approx(1.5)
    assert charts._least(times, 0.0, fl.Threads(5)) == pytest.approx(0.3)


def test_ours_have_an_ideal_of_their_own(bed):
    """Three calls that draw a latency each, held against fifteen draws, would reach 150 % of the ideal."""
    least = charts.ideals_of([0.1] * 5 + [0.9], [0.2, 0.3], 0.0)
    assert least["Batch-ALL"] == least["Asyncio+Executor"] == pytest.approx(0.9)
    assert least["adaptive"] == least["rpc-multiplexed"] == pytest.approx(0.3)
    bed.configure("play", **charts_arms.law("constant", LATENCY))
    together = charts.riding(bed.urls["play"], charts_arms.requests_of(9, 1), 0.9)
    assert [seconds > 0.3 + LATENCY for seconds in together] == [True] * 3


def test_the_cases_are_the_published_ones():
    """15, 9 and 25 requests: countries × categories, a hundred apps each."""
    for count, (where, what) in charts_arms.CASES.items():
        requests = charts_arms.requests_of(count)
        assert len(requests) == len(set(requests)) == count == where * what
        assert len({request.country for request in requests}) == where
        published = fl.reference.load("003").filter(table=f"comparison-{count}-requests", quantity="requests")
        assert published["low"].to_list() == [count]
    with pytest.raises(ConfigError, match="15, 25"):
        charts_arms.requests_of(10)
    assert {name: charts_arms.law(name)["jitter"] for name in charts_arms.LAWS} == {
        "constant": 0.0, "lognormal": 0.5, "slowest": 0.5,
    }  # fmt: skip
    with pytest.raises(ConfigError, match="lognormal"):
        charts_arms.law("normal")


def test_what_blocks_is_told_from_what_is_in_flight(bed, url):
    """As many blocking calls with another concurrency, and as few: the model knows concurrency alone."""
    requests = charts_arms.requests_of(9, 5)[:6]
    ways = charts_claims.blocking(url, requests)
    for way in ways.values():
        bed.reset_counters()
        way.start()
        assert bed.counters("play")["max_in_flight"] <= way.at_a_time
        assert bed.counters("play")["requests"] == 6
    starts = {name: way.start for name, way in ways.items()}
    found = fl.compare(starts, rounds=2, warmup=0, check=charts_arms.ids)
    table = charts_claims.beside_model(found, ways, 6, LATENCY)
    assert table["calls"].to_list() == [6, 1, 6, 2, 6, 1]
    assert table["model_s"].to_list() == pytest.approx([6 * LATENCY] * 2 + [2 * LATENCY] * 2 + [LATENCY] * 2)
    assert (table["measured_to_model"] > 0.99).all()


FIVE = ["batching", "one client", "runtime threads", "interning", "generators"]


@pytest.mark.parametrize(
    "only", [["batching", "runtime threads"], pytest.param(FIVE, marks=pytest.mark.slow)]
)
def test_each_improvement_is_switched_on_and_off(url, only):
    """Those of the published list, each with an interval; batching is the one that matters."""
    table = charts_claims.ablation(
        url, charts_arms.requests_of(9, 5)[:6], rounds=2, only=only, progress=False
    )
    assert table["improvement"].to_list() == only
    assert table["ratio"].null_count() == 0
    assert table["ratio"].arg_min() == 0


def test_requests_weigh_what_is_claimed():
    """Iterated they weigh next to nothing, held less than the published 0.9 MB."""
    found = charts_claims.weights(charts_claims.memory())
    assert found["lists, iterated"] <= 64_000
    assert found["lists, held"] <= 1_000_000
    assert found["ids of a file, held, interned"] < found["ids of a file, held, not interned"]


def test_which_call_when_is_asked(bed):
    """Three questions, each at every value, ready for the crossing to be interpolated."""
    found = charts_claims.crossovers(
        bed, counts=(4,), costs=(0.001,), categories=2, latency=LATENCY, rounds=2, progress=False
    )
    assert found.schema == QUESTIONS
    assert found["varied"].unique(maintain_order=True).to_list() == [
        "lists", "rpcs per country", "seconds that an rpc adds",
    ]  # fmt: skip
    assert found.filter(varied="lists", value=4.0)["ratio"].item() < 1
    for part in found.partition_by("varied"):
        assert crossing(part) is None or crossing(part) > 0
