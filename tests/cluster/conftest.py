"""One cluster of two processes for all tests that need one: starting it is what takes time."""

from __future__ import annotations

import logging

import pytest
from tests.cli.conftest import fetchlab  # noqa: F401  # a fixture


@pytest.fixture(scope="session")
def _dask_cluster():
    from distributed import Client, LocalCluster

    quiet = logging.CRITICAL  # workers are killed here on purpose
    with (
        LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0", silence_logs=quiet
        ) as cluster,
        Client(cluster, set_as_default=False) as client,
    ):
        yield client


@pytest.fixture
def dask(_dask_cluster):
    """A Dask client of two workers, each a process with one thread."""
    _dask_cluster.wait_for_workers(2)
    return _dask_cluster
