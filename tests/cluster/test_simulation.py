"""The formula and the simulation held against each other, where the truth is known and where it is not."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from fetchlab.cluster import simulation
from fetchlab.cluster.capacity import Cluster, Service, plan
from fetchlab.cluster.simulation import beside, simulate
from fetchlab.errors import ConfigError

from .test_capacity import TWENTY, ideal

EVEN = replace(TWENTY, spread=0.0)


def test_one_node_alone_is_arithmetic():
    """Where nothing varies and nothing else costs, the node works without a gap."""
    told = plan(100_000, EVEN, ideal())
    seen = simulate(told)
    assert seen.seconds == pytest.approx(100_000 / 200)
    assert seen.busy["the workers"] == pytest.approx(1.0)
    assert told.seconds - seen.seconds == pytest.approx(1.0)  # the formula adds the last chunk's way


@pytest.mark.parametrize(
    ("knobs", "what"),
    [
        ({"nodes": 8}, "the workers"),
        ({"nodes": 400, "chunk": 0.1, "task_seconds": 0.01}, "the scheduler"),
        ({"nodes": 50, "rate": 500.0}, "the hosts' limit"),
        ({"nodes": 50, "client_bytes_per_s": 2e6}, "the client's link"),
        ({"nodes": 50, "scheduler_bytes_per_s": 2e6}, "the scheduler's link"),
        ({"nodes": 50, "client_seconds": 0.0005}, "the client's core"),
    ],
)
def test_both_agree_on_what_gives_first_and_on_how_long_it_takes(knobs, what):
    """In each corner the busiest station is the formula's first, and the times are within 3 %."""
    told = plan(600_000, TWENTY, ideal(**knobs))
    seen = simulate(told, seed=1)
    assert seen.busiest == told.first.what == what
    assert seen.items == told.items
    assert seen.seconds == pytest.approx(told.seconds, rel=0.03)
    assert seen.busy[what] > 0.95


def test_too_little_under_way_is_a_limit_too():
    """A client and links that are each half busy leave nodes idle, when chunks are not enough to fill all."""
    slow = ideal(nodes=1, client_seconds=0.004, client_bytes_per_s=250e3, scheduler_bytes_per_s=250e3)
    told = plan(100_000, EVEN, slow)
    assert told.first.what == "chunks under way"
    assert simulate(told).seconds == pytest.approx(told.seconds, rel=0.02)


def test_stragglers_and_lost_nodes_cost_what_the_formula_says():
    """Over a long job, with many losses; each costs its chunks and its absence, and no item."""
    rough = ideal(nodes=20, slow_share=0.2, slow_factor=3.0, losses=2.0, lost_seconds=120.0)
    told = plan(10_000_000, TWENTY, rough)
    seen = simulate(told, seed=3)
    assert seen.losses > 20
    assert seen.again > 0
    assert seen.items == told.items
    assert seen.seconds == pytest.approx(told.seconds, rel=0.05)


@settings(max_examples=40, deadline=None)
@example(100, replace(TWENTY, spread=1e-200), ideal(), 0)
@given(
    st.integers(1, 200_000),
    st.builds(
        Service,
        seconds=st.floats(0.01, 1),
        workers=st.integers(1, 100),
        spread=st.floats(0, 2),
        bytes=st.floats(0, 1e4),
    ),
    st.builds(
        Cluster,
        nodes=st.integers(1, 20),
        chunk=st.floats(0.5, 4),
        rate=st.none() | st.floats(50, 1e5),
        losses=st.floats(0, 20),
        lost_seconds=st.floats(1, 100),
        slow_share=st.floats(0, 1),
    ),
    st.integers(0, 5),
)
def test_nothing_is_lost_and_nothing_is_busier_than_always(items, service, cluster, seed):
    """Every item comes back once, whatever dies; no station works more than there is time."""
    told = plan(items, service, cluster)
    if told.tasks > 5000:
        return
    seen = simulate(told, seed)
    assert seen.items == items
    assert seen.most_under_way <= max(told.under_way, items)
    shared = {what: share for what, share in seen.busy.items() if what != "the workers"}
    assert max(shared.values()) <= 1 + 1e-6
    assert (seen.again == 0) or seen.losses


def test_a_seed_is_a_run():
    """The same seed draws the same, another one does not."""
    told = plan(200_000, TWENTY, Cluster(nodes=4))
    assert simulate(told, 1) == simulate(told, 1)
    assert simulate(told, 1).seconds != simulate(told, 2).seconds


def test_both_stand_in_one_table():
    """Each figure of the formula beside the simulation's, and their ratio."""
    told = plan(300_000, TWENTY, Cluster(nodes=5))
    rows = {row["quantity"]: row for row in beside(told, simulate(told)).iter_rows(named=True)}
    assert rows["hours"]["formula"] == told.hours
    assert rows["tasks"]["ratio"] == pytest.approx(1, abs=0.05)
    assert rows["busy: the workers"]["ratio"] == pytest.approx(1, abs=0.05)


def test_more_than_can_be_played_through_is_refused(monkeypatch):
    """Hours of counting chunks are no plan; the error says what to change."""
    monkeypatch.setattr(simulation, "MOST_TASKS", 10)
    with pytest.raises(ConfigError, match="longer chunks"):
        simulate(plan(100_000, TWENTY, 2))
