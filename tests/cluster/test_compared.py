"""``fl.compare`` with a cluster among its arms."""

from __future__ import annotations

import fetchlab as fl


def test_an_arm_on_a_cluster_has_the_ideal_of_its_workers(dask, bed, echo):
    """How many workers a cluster has only the run knows; an arm without an ideal has no efficiency."""
    bed.configure(latency=0.01)
    urls = [f"{echo}/json?n={n}" for n in range(24)]
    ways = {"here": fl.Async(4), "there": fl.Dask(dask, workers_per_node=2)}
    compared = fl.compare(urls, ways, rounds=2, parse="json", progress=False)
    assert set(compared.ideals) >= set(ways)
    assert float(compared.ideals["there"]) == float(compared.ideals["here"])
    assert 0 < compared.summary().filter(arm="there")["efficiency"][0] <= 1
