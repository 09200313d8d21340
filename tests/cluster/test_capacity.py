"""A job on a cluster, on paper: corners whose truth is known, and what must not get worse."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fetchlab.cluster.capacity import Cluster, Service, plan
from fetchlab.cluster.sizing import MOST
from fetchlab.errors import ConfigError

IDEAL = {
    "losses": 0.0, "slow_share": 0.0, "client_seconds": 0.0, "task_seconds": 0.0, "node_bytes_per_s": 1e15,
    "scheduler_bytes_per_s": 1e15, "client_bytes_per_s": 1e15, "sockets": 10**9,
}  # fmt: skip
"""A cluster in which nothing but the workers costs anything."""
TWENTY = Service(seconds=0.1, workers=20, bytes=1000)

some_service = st.builds(
    Service,
    seconds=st.floats(0.001, 5),
    workers=st.integers(1, 500),
    bytes=st.floats(0, 1e6),
    cpu_seconds=st.floats(0, 0.1),
)
some_cluster = st.builds(
    Cluster,
    nodes=st.integers(1, 400),
    chunk=st.floats(0.05, 10),
    task_seconds=st.floats(0, 0.01),
    client_seconds=st.floats(0, 0.001),
    rate=st.none() | st.floats(0.1, 1e5),
    losses=st.floats(0, 1),
    slow_share=st.floats(0, 1),
    slow_factor=st.floats(1, 10),
)


def ideal(**knobs):
    return Cluster(**IDEAL | {"nodes": 1} | knobs)


def test_one_node_takes_its_items_over_its_throughput():
    """By Little's law twenty workers of 0.1 s serve 200 a second; then the last chunk's second."""
    told = plan(1_000_000, TWENTY, ideal())
    assert told.seconds == pytest.approx(1_000_000 / 200 + 1.0)
    assert told.first.what == "the workers"
    assert (told.chunk_items, told.tasks) == (200, 5000)


def test_tasks_are_what_a_scheduler_may_give():
    """A millisecond for tasks of so many items, whatever the nodes could do."""
    told = plan(10**8, TWENTY, ideal(nodes=1000, chunk=0.1, task_seconds=0.001))
    assert told.first.what == "the scheduler"
    assert told.first.per_s == pytest.approx(told.chunk_items / 0.001)


@pytest.mark.parametrize(
    ("knobs", "what", "per_s"),
    [
        ({"rate": 50.0, "hosts": 3}, "the hosts' limit", 150),
        ({"client_bytes_per_s": 1e6}, "the client's link", 1000),
        ({"scheduler_bytes_per_s": 1e6}, "the scheduler's link", 1000),
        ({"node_bytes_per_s": 1e4}, "the nodes' links", 1000),
        ({"client_seconds": 0.001}, "the client's core", 1000),
        ({"sockets": 1}, "the sockets", 1000),
    ],
)
def test_what_gives_first_is_what_is_scarce(knobs, what, per_s):
    """Each station in turn, with all others plentiful; the bound is that station's own arithmetic."""
    told = plan(10**6, TWENTY, ideal(nodes=100, **knobs))
    assert told.first.what == what
    assert told.first.per_s == pytest.approx(per_s)
    assert told.limits().row(0, named=True)["busy"] == 1.0


def test_a_core_that_parses_is_a_limit_of_each_node():
    """Work that keeps a core busy does not care for workers."""
    busy = replace(TWENTY, cpu_seconds=0.02)
    told = plan(10**6, busy, ideal(nodes=10))
    assert told.first.what == "the nodes' cores"
    assert told.first.per_s == pytest.approx(10 / 0.02)
    assert plan(10**6, busy, ideal(nodes=10, node_cores=2.0)).first.per_s == pytest.approx(1000)


def test_stragglers_and_losses_cost_what_they_do_not_do():
    """Half of the nodes at half speed are three quarters; a loss of an hour each hour is half."""
    assert ideal(nodes=10, slow_share=0.5, slow_factor=2.0).full_speed == pytest.approx(7.5)
    assert ideal(nodes=10, losses=1.0, lost_seconds=3600.0).full_speed == pytest.approx(5, rel=0.01)


def test_the_totals_are_the_items():
    """Requests, bytes, tasks and memory by arithmetic that anybody can repeat."""
    told = plan(10**8, TWENTY, Cluster(nodes=50), value_bytes=500)
    totals = dict(told.totals().select("quantity", "value").iter_rows())
    assert totals["requests"] == 1e8
    assert (totals["answers"], totals["values"]) == (100, 50)
    assert totals["messages"] == told.cluster.task_messages * totals["tasks"]
    assert totals["time"] == told.hours
    assert totals["client, keep=True"] > 0.5 * 1e8 * 500 / 1e9 > totals["client, keep=False"]


def test_every_figure_put_in_stands_in_the_assumptions():
    """A plan is worth what is assumed; what was given is not said to be usual."""
    told = plan(1000, TWENTY, Cluster(nodes=5, rate=9.0)).assumptions()
    rows = {row["what"]: row for row in told.iter_rows(named=True)}
    assert set(Cluster.__dataclass_fields__) <= set(rows)
    assert (rows["rate"]["value"], rows["rate"]["source"]) == (9.0, "given")
    assert "best practices" in rows["task_seconds"]["source"]
    assert all(row["unit"] and row["source"] for row in rows.values())


def test_other_numbers_of_nodes_beside_each_other():
    """A chart of what gives first over nodes needs one first for each number."""
    told = plan(10**7, TWENTY, Cluster(nodes=50)).over([1, 10, 100])
    assert told.filter("first")["nodes"].to_list() == [1, 10, 100]
    alone = plan(10**7, TWENTY, Cluster(nodes=10))
    assert told.filter(nodes=10)["hours"][0] == alone.hours


def test_the_chart_names_what_gives_first_and_holds_the_plan():
    """A chart whose title says another thing than the table, or that leaves the lowest line out, misleads."""
    told = plan(10**7, TWENTY, Cluster(nodes=50))
    drawn = told.plot().to_dict()
    assert told.first.what in drawn["title"]["subtitle"]
    colours = drawn["layer"][1]["encoding"]["color"]["scale"]
    assert colours["domain"][0] == told.first.what
    assert len(colours["domain"]) == len(colours["range"])
    rows = [row for data in drawn["datasets"].values() for row in data]
    assert {row["nodes"] for row in rows} >= {1, 50, 200}


@given(some_service, some_cluster, st.integers(1, 10**9), st.integers(1, 100))
def test_more_nodes_are_never_slower(service, cluster, items, more):
    """A formula by which help harms would be about something else."""
    few, many = (
        plan(items, service, replace(cluster, nodes=n)) for n in (cluster.nodes, cluster.nodes + more)
    )
    assert many.seconds <= few.seconds * (1 + 1e-9)


@given(some_service, some_cluster, st.integers(1, 10**9), st.integers(1, 10**6))
def test_more_items_never_take_less(service, cluster, items, more):
    """Nor does a longer job end before a shorter one."""
    assert plan(items, service, cluster).seconds <= plan(items + more, service, cluster).seconds * (1 + 1e-9)


@given(some_service, some_cluster, st.floats(1, 100))
def test_what_costs_more_is_never_faster(service, cluster, factor):
    """A dearer task, a slower link, a busier client."""
    at = plan(10**7, service, cluster).seconds * (1 - 1e-9)
    for dearer in (
        {"task_seconds": cluster.task_seconds * factor},
        {"client_seconds": cluster.client_seconds * factor},
        {"client_bytes_per_s": cluster.client_bytes_per_s / factor},
        {"slow_factor": cluster.slow_factor * factor},
    ):
        assert plan(10**7, service, replace(cluster, **dearer)).seconds >= at


@given(some_service, some_cluster, st.integers(1, 10**9))
def test_chunks_are_those_of_the_strategy(service, cluster, items):
    """No empty one, none beyond what the strategy would send, enough for all items."""
    told = plan(items, service, cluster)
    assert 1 <= told.chunk_items <= max(MOST, service.workers)
    assert (told.tasks - 1) * told.chunk_items < items <= told.tasks * told.chunk_items


@pytest.mark.parametrize(
    "wrong",
    [
        {"nodes": 0},
        {"chunk": 0.0},
        {"rate": -1.0},
        {"slow_share": 2.0},
        {"sockets": 1.5},
        {"losses": float("inf")},
        {"losses": 1e4},
    ],
)
def test_a_cluster_that_cannot_be_is_refused(wrong):
    """The knob is named."""
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        Cluster(**{"nodes": 2} | wrong)


@pytest.mark.parametrize("items", [0, 2.5, True])
def test_items_are_whole(items):
    """The knob is named."""
    with pytest.raises(ConfigError, match="items"):
        plan(items, TWENTY, 2)
