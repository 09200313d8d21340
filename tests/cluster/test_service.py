"""What a node is taken to do, out of what was measured."""

from __future__ import annotations

import polars as pl
import pytest
from tests.bench.sweeps import roofline, swept

import fetchlab as fl
from fetchlab.cluster.service import Service
from fetchlab.errors import ConfigError


def test_a_sweep_says_what_its_curve_says():
    """At a host's roof twice as many workers take twice as long, and the node does no more."""
    sweep = swept(roofline(20, 320), noise=0.01)
    full, beyond = Service.of(sweep, 16), Service.of(sweep, 64)
    assert full.per_s == pytest.approx(320, rel=0.05)
    assert beyond.per_s == pytest.approx(320, rel=0.05)
    assert beyond.seconds == pytest.approx(4 * full.seconds, rel=0.1)
    assert Service.of(sweep).workers == sweep.recommended


@pytest.mark.parametrize("workers", [97, 0, 2.5])
def test_no_more_workers_than_were_tried(workers):
    """Beyond 1.5 times the largest number nobody knows what a node does."""
    with pytest.raises(ConfigError, match="workers"):
        Service.of(swept(roofline(20, 320)), workers)


def test_a_run_says_what_its_items_took(echo):
    """Mean, spread and bytes are the frame's own, of its own workers."""
    run = fl.fetch([f"{echo}/json?n={n}" for n in range(60)], workers=6, progress=False).wait()
    served, frame = Service.of(run.frame()), run.frame()
    assert served.workers == frame["worker"].n_unique()
    assert served.seconds == pytest.approx(frame["elapsed"].mean())
    assert served.spread == pytest.approx(frame["elapsed"].std(ddof=0) / served.seconds)
    assert served.bytes == pytest.approx(frame["bytes"].mean())
    with pytest.raises(ConfigError, match=r"1\.5 × those of the frame"):
        Service.of(frame, 2 * served.workers)


def test_items_that_say_nothing_of_a_node_are_left_out():
    """What came from a cache, or failed, took no time of a host's."""
    row = {"worker": 0, "elapsed": 0.5, "ok": True, "cached": False, "bytes": 10}
    frame = pl.DataFrame([row, row | {"cached": True, "elapsed": 1e-5}, row | {"ok": False, "elapsed": 30.0}])
    assert Service.of(frame).seconds == 0.5
    with pytest.raises(ConfigError, match="service"):
        Service.of(frame.filter("cached"))
    with pytest.raises(ConfigError, match="service"):
        Service.of(pl.DataFrame({"seconds": [1.0]}))


@pytest.mark.parametrize(
    "wrong", [{"seconds": 0.0}, {"workers": 0}, {"spread": -1.0}, {"cpu_seconds": float("nan")}]
)
def test_a_figure_that_cannot_be_is_named(wrong):
    """A plan of nonsense looks like any other."""
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        Service(**{"seconds": 0.1, "workers": 2} | wrong)
