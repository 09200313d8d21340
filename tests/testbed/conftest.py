"""One server for the whole folder, made plain again before every test."""

from __future__ import annotations

import pytest

from fetchlab.testbed import serve


@pytest.fixture(scope="session")
def _server():
    with serve(port=0) as bed:
        yield bed


@pytest.fixture
def bed(_server):
    _server.configure(profile="flat")
    _server.reset_counters()
    return _server
