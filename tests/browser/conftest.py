"""One real Chromium for the folder, and pages that tell on themselves."""

from __future__ import annotations

import pytest

from browsing import chromium as open_chromium
from browsing import watched


@pytest.fixture(scope="package")
def chromium():  # not for the whole session: while it is open, this thread has a running event loop
    with open_chromium() as browser:
        yield browser


@pytest.fixture
def page(chromium):
    with watched(chromium, offline=False) as page:
        yield page


@pytest.fixture
def offline(chromium):
    """A page to which no network answers: what it shows, it brought along."""
    with watched(chromium, offline=True) as page:
        yield page
