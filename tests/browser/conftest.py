"""One real Chromium for a module, and pages that tell on themselves."""

from __future__ import annotations

import pytest

from fetchlab.transport.browser import find, launch_args


@pytest.fixture(scope="package")
def chromium():  # not for the whole session: while it is open, this thread has a running event loop
    from playwright.sync_api import sync_playwright

    found = find()
    assert found is not None, "no Chromium: `fetchlab browser --install` gets one"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(found), args=launch_args())
        yield browser
        browser.close()


class Watched:
    """A page with everything that went wrong on it, and every host it asked for."""

    def __init__(self, page):
        self.page = page
        self.failed = []
        self.said = []
        self.asked = []
        page.on("requestfailed", lambda request: self.failed.append(request.url))
        page.on("request", lambda request: self.asked.append(request.url))
        page.on("pageerror", lambda error: self.said.append(str(error)))
        page.on("console", lambda line: self.said.append(line.text) if line.type == "error" else None)


@pytest.fixture
def page(chromium):
    context = chromium.new_context()
    yield Watched(context.new_page())
    context.close()


@pytest.fixture
def offline(chromium):
    """A page to which no network answers: what it shows, it brought along."""
    context = chromium.new_context(offline=True)
    yield Watched(context.new_page())
    context.close()
