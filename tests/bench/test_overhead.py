"""Overhead: the arms do the same work, the tables' arithmetic, and what stands beside what."""

from __future__ import annotations

import json

import pytest

import fetchlab as fl
from fetchlab.bench import ablation, layers, loops, overhead, served, wrk
from fetchlab.bench import arms as engine
from fetchlab.bench.served import Target
from fetchlab.errors import StudyError

from .made import rounds


@pytest.fixture
def target(echo):
    return Target(f"{echo}/bytes/2000", "testbed", json=False, note="")


@pytest.mark.parametrize("size", [2, 100, 2000, served.SIZE])
def test_the_body_is_json_of_that_size(size):
    """parse="json" must have something to parse, and every client the same bytes to read."""
    made = served.body(size)
    assert len(made) == size
    assert isinstance(json.loads(made), list)


def test_the_target_serves_that_body():
    """From nginx where it is installed, else the testbed: either way the size that tables speak of."""
    with served.target(500) as there:
        run = fl.fetch(there.urls(3), progress=False)
        assert {len(value) for value in run.result()} == {500}
        assert bool(there.note) == (there.server == "testbed")


@pytest.mark.parametrize("ask", [loops.pyreqwest, loops.pyreqwest_streamed, loops.transport, loops.httpx])
def test_bare_loops_read_every_body(ask, target):
    """A loop that left bodies unread would be a faster yardstick than any client is."""
    done = ask(target.urls(30), 4)
    assert (done.items, done.ok, done.bytes) == (30, 30, 60_000)
    assert done.seconds > 0


@pytest.mark.skipif(not loops.has_aiohttp(), reason="aiohttp is not installed")
def test_aiohttp_reads_every_body(target):
    """As the others."""
    assert loops.aiohttp(target.urls(30), 4).bytes == 60_000


@pytest.mark.parametrize("ask", [loops.pyreqwest, loops.httpx])
def test_a_bare_loop_that_meets_errors_has_no_time(ask, echo):
    """Errors are quick."""
    with pytest.raises(ExceptionGroup) as raised:
        ask([f"{echo}/status/500"] * 3, 2)
    assert raised.group_contains(StudyError, match="500")


def test_an_arm_of_the_engine_counts_what_succeeded(echo, target):
    """Half of the work in half of the time is no speed."""
    done = engine.fetching(target.urls(20), workers=4, keep=False, read=True)()
    assert (done.items, done.ok) == (20, 20)
    with pytest.raises(StudyError, match="1 of 2 items"):
        engine.fetching([f"{echo}/status/404", f"{echo}/json"], workers=2)()


def test_every_client_is_measured_and_every_budget_held(target, monkeypatch):
    """A budget whose arm has another name would be met by nobody, unnoticed."""
    monkeypatch.setattr(wrk, "find", lambda: "wrk")
    monkeypatch.setattr(
        wrk, "press", lambda url, connections, seconds: loops.pyreqwest([url] * 20, connections)
    )
    monkeypatch.setattr(loops, "has_aiohttp", lambda: True)
    monkeypatch.setattr(loops, "aiohttp", loops.pyreqwest)
    monkeypatch.setattr(overhead, "FEWEST", 20)
    rows = overhead.collect(target, items=20, rounds=1)
    assert rows["error"].null_count() == rows.height
    assert {budget.arm for budget in overhead.BUDGETED} | {
        budget.against for budget in overhead.BUDGETED
    } <= set(rows["arm"])
    assert overhead.budget_table(rows)["ratio"].null_count() == 0
    table = overhead.table(rows)
    assert table.height == 13
    assert "ratio to wrk, 20" in table.columns


def test_without_wrk_the_wire_is_the_baseline():
    """On a machine without it there is still a table."""
    table = overhead.table(rounds({"pyreqwest, 20": (1.0, 100), "fetchlab, 20": (2.0, 100)}))
    assert table["ratio to pyreqwest, 20"].to_list() == pytest.approx([1.0, 0.5])
    assert table["efficiency"].to_list() == pytest.approx([1.0, 0.5])
    assert set(overhead.budget_table(rounds({"fetchlab, 20": (1.0, 1)}))["met"]) == {"–"}


def test_the_ideal_has_as_many_connections():
    """Wrk over 20 connections is no bound for a client with 200."""
    times = {
        "wrk, 20": (1.0, 100),
        "wrk, 200": (1.0, 300),
        "aiohttp, 20": (1.0, 50),
        "aiohttp, 200": (1.0, 60),
    }
    table = overhead.table(rounds(times))
    found = dict(table.select("client, workers", "efficiency").iter_rows())
    assert found == pytest.approx({"wrk, 20": 1, "wrk, 200": 1, "aiohttp, 20": 0.5, "aiohttp, 200": 0.2})


def test_a_policy_is_held_against_the_run_without_it():
    """Those that only a reader feels are compared with a run that is read."""
    rows = rounds(
        {
            ablation.PLAIN: (1.0, 1000),
            "dedup": (1.2, 1000),
            ablation.READ: (1.1, 1000),
            'order="input"': (1.32, 1000),
        }
    )
    table = {row["arm"]: row for row in ablation.table(rows).to_dicts()}
    assert set(table) == {"dedup", ablation.READ, 'order="input"'}
    assert table["dedup"]["against"] == ablation.PLAIN
    assert table["dedup"]["ratio"] == pytest.approx(1.2)
    assert table["dedup"]["efficiency"] == pytest.approx(1 / 1.2)
    assert table["dedup"]["cost_us"] == pytest.approx(200)
    assert table['order="input"']["against"] == ablation.READ
    assert table['order="input"']["ratio"] == pytest.approx(1.2)
    assert table['order="input"']["us_per_item"] == pytest.approx(1100)
    assert [row["ratio"] for row in table.values()] == sorted(
        (row["ratio"] for row in table.values()), reverse=True
    )


def test_every_policy_can_be_switched_on_alone(target):
    """An arm that raised would leave a hole in the table."""
    rows = ablation.collect(target, items=20, workers=4, rounds=1)
    assert rows["error"].null_count() == rows.height
    assert ablation.table(rows)["ratio"].null_count() == 0


def test_layers_are_differences_to_the_one_below():
    """The parts must add up to the whole."""
    times = {layer: (float(number + 1), 1_000_000) for number, layer in enumerate(layers.LAYERS)}
    table = layers.table(rounds(times | {layers.ALONE: (0.5, 1_000_000)}))
    assert table["layer"].to_list() == [*layers.LAYERS, layers.ALONE]
    assert table["us_per_item"].to_list() == pytest.approx([1, 2, 3, 4, 5, 6, 0.5])
    assert table["added_us"].to_list() == [None, *[1.0] * 5, None]
    assert table["efficiency"].to_list()[:3] == pytest.approx([1, 1 / 2, 1 / 3])
    assert table["efficiency"][-1] is None, "the engine alone has no wire to be held against"


def test_every_layer_is_measured(target):
    """From the wire to the table of timings, and the engine without a wire."""
    rows = layers.collect(target, items=20, workers=4, rounds=1)
    assert rows["error"].null_count() == rows.height
    assert layers.table(rows)["us_per_item"].null_count() == 0
