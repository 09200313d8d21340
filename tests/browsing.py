"""One real Chromium, pages that tell on themselves, and what a page that needs nothing else must show."""

from __future__ import annotations

from contextlib import contextmanager

from fetchlab.transport.browser import find, launch_args


@contextmanager
def chromium():
    """While it is open, this thread has a running event loop: nothing else of ours may need one here."""
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


@contextmanager
def watched(browser, *, offline):
    context = browser.new_context(offline=offline)
    yield Watched(context.new_page())
    context.close()


def opens_complete(watched, path, *, figures, tables):
    """Open a shared page from disk: every figure and table is drawn, nothing else was asked for."""
    watched.page.goto(path.as_uri())
    assert watched.asked == [path.as_uri()]
    assert watched.failed == []
    assert watched.said == []
    assert watched.page.locator("script").count() == 0
    drawn = watched.page.locator(".output :is(svg, img)")
    listed = watched.page.locator(".output table")
    assert (drawn.count(), listed.count()) == (figures, tables)
    assert drawn.evaluate_all("all => all.filter(one => one.tagName === 'IMG' && !one.naturalWidth)") == []
    for shown in (drawn, listed):
        for number, box in enumerate(shown.evaluate_all(BOXES)):
            assert box[0] > 60, f"number {number} is not drawn"
            assert box[1] > 20, f"number {number} is not drawn"


def held(book):
    """How many figures and tables a notebook holds: in outputs, and in the widgets that outputs show."""
    data = [output.get("data", {}) for cell in book.cells for output in cell.get("outputs", [])]
    drawn = [value for values in widgets(book) for value in values]
    figures = sum("image/svg+xml" in one for one in data) + sum(str(one).count("<img") for one in data)
    figures += sum(value.count("<svg") for value in drawn)
    return figures, sum("<table" in str(one) for one in data) + sum(value.count("<table") for value in drawn)


def widgets(book):
    """For each widget that is shown the texts in it, as they were saved."""
    saved = (
        book.metadata.get("widgets", {}).get("application/vnd.jupyter.widget-state+json", {}).get("state", {})
    )
    data = [output.get("data", {}) for cell in book.cells for output in cell.get("outputs", [])]
    return [list(_texts(one[VIEW]["model_id"], saved)) for one in data if VIEW in one]


def _texts(model, saved):
    state = saved[model.removeprefix("IPY_MODEL_")]["state"]
    for child in state.get("children", []):
        yield from _texts(child, saved)
    if isinstance(state.get("value"), str):
        yield state["value"]


VIEW = "application/vnd.jupyter.widget-view+json"
BOXES = "all => all.map(one => { const box = one.getBoundingClientRect(); return [box.width, box.height] })"
