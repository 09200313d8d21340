"""One cluster of two processes for all tests that need one: starting it is what takes time."""

from __future__ import annotations

import logging

import pytest
from tests.cli.conftest import fetchlab  # noqa: F401  # a fixture


@pytest.fixture(scope="session")
def _dask_cluster():
    import dask
    from distributed import Client, LocalCluster

    quiet = logging.CRITICAL  # workers are killed here on purpose
    # 15 s after each death Dask lets go of a worker that is just being started again: two would never be back
    patient = {"distributed.deploy.lost-worker-timeout": "1h"}
    with (
        dask.config.set(patient),
        LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0", silence_logs=quiet
        ) as cluster,
        Client(cluster, set_as_default=False) as client,
    ):
        yield client


@pytest.fixture
def dask(_dask_cluster):
    """A Dask client of two workers, each a process with one thread."""
    _dask_cluster.wait_for_workers(2, timeout=60)
    return _dask_cluster
