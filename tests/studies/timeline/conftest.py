from __future__ import annotations

import pytest

import fetchlab as fl
from fetchlab.studies.timeline import Timeline

from .truths import Truth


@pytest.fixture(scope="session")
def truth(_bed_process):
    return Truth(_bed_process)


@pytest.fixture
def timeline(bed, tmp_path):
    """A client of the testbed's timeline with a store of its own."""
    return Timeline(
        bed.urls["timeline"],
        bed.urls["api"],
        bed.urls["rss"],
        token="a-token-of-tests",
        store=tmp_path / "timeline.db",
        retry=fl.Retry(attempts=4, base=0.001),
    )
