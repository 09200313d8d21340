"""Clients with more and more workers: the table's arithmetic, and the timer that leaves httpx as it was."""

from __future__ import annotations

import polars as pl
import pytest
from httpcore import AsyncConnectionPool

from fetchlab.bench import growth
from fetchlab.bench.served import Target

from .made import rounds


def made():
    return rounds(
        {
            "httpx, 20": (2.0, 1000),
            "fetchlab, 20": (0.1, 1000),
            "httpx, 200": (5.0, 1000),
            "fetchlab, 200": (0.1, 1000),
        }
    ).with_columns(pool_s=pl.when(pl.col("arm") == "httpx, 200").then(4.0))


def test_speeds_stand_beside_each_other():
    """A row per number of workers, the pool's part of httpx's time in it."""
    small, large = growth.table(made()).to_dicts()
    assert (small["workers"], large["workers"]) == (20, 200)
    assert (small["httpx/s"], small["fetchlab/s"]) == pytest.approx((500, 10_000))
    assert (small["ratio"], large["ratio"]) == pytest.approx((20, 50))
    assert large["httpx, µs each"] == pytest.approx(5000)
    assert (small["of them pool"], large["of them pool"]) == (None, pytest.approx(4000))


def test_the_chart_has_a_line_per_client():
    """In the order of workers, or the line would go back and forth."""
    rows = growth.long(growth.table(made()))
    assert rows.columns == ["workers", "client", "requests/s"]
    assert rows.filter(client="httpx")["workers"].to_list() == [20, 200]


def test_both_are_measured_and_httpx_is_left_alone(echo):
    """A timer that stayed would slow down everything after it."""
    before = AsyncConnectionPool._assign_requests_to_connections
    target = Target(f"{echo}/bytes/100", "testbed", json=False, note="")
    rows = growth.collect(target, items=30, workers=(2, 4), rounds=1)
    assert rows["error"].null_count() == rows.height
    assert AsyncConnectionPool._assign_requests_to_connections is before
    table = growth.table(rows)
    assert (table["of them pool"] > 0).all()
    assert (table["of them pool"] < table["httpx, µs each"]).all()


def test_another_httpcore_is_no_error(monkeypatch):
    """Its pool is its own affair; the table then has no such figure."""
    monkeypatch.setattr(growth, "_POOLING", "_renamed")
    with growth._pool_clock() as spent:
        assert spent == []
    assert growth.table(made().drop("pool_s"))["of them pool"].null_count() == 2
