"""What a reader sees, in a real Chromium: the testbed's pages, our charts, the shared notebook."""

from __future__ import annotations

from pathlib import Path

import nbformat
import polars as pl
import pytest

import fetchlab as fl
from browsing import held, opens_complete
from fetchlab.notebook.offline_html import page as page_of

pytestmark = pytest.mark.browser

NOTEBOOKS = sorted((Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))


def test_the_testbeds_page_opens(bed, page):
    """The browser study stands on this: a real browser and the testbed understand each other."""
    answer = page.page.goto(bed.urls["echo"] + "/html")
    assert answer.status == 200
    assert page.page.title() == "fetchlab testbed"
    assert page.page.locator("h1").inner_text() == "Echo"
    assert page.failed == [url for url in page.failed if url.endswith("favicon.ico")]


def test_the_browser_asks_for_no_host_of_its_own(bed, page):
    """A measuring browser that talks to its maker spoils the measurement, and the privacy."""
    page.page.goto(bed.urls["echo"] + "/html")
    assert all(url.startswith(bed.urls["echo"]) for url in page.asked)


@pytest.fixture(scope="module")
def run(_bed_process):
    _bed_process.configure(profile="flat")
    base = _bed_process.urls["echo"]
    return fl.fetch([f"{base}/json?n={n}" for n in range(60)], progress=False).wait()


@pytest.mark.parametrize("kind", ["throughput", "latency", "gantt"])
def test_an_interactive_chart_works_offline(run, offline, tmp_path, kind):
    """A chart that fetches its library from the network is blank on a train and in ten years."""
    path = fl.plot.save(getattr(fl.plot, kind)(run.frame()), tmp_path / f"{kind}.html")
    offline.page.goto(path.as_uri())
    drawn = offline.page.locator("svg, canvas").first
    drawn.wait_for(state="visible", timeout=20_000)
    box = drawn.bounding_box()
    assert box["width"] > 200
    assert box["height"] > 50
    assert offline.failed == []
    assert offline.said == []
    assert offline.asked == [path.as_uri()]


@pytest.fixture(params=NOTEBOOKS, ids=lambda path: path.stem)
def exported(request, tmp_path):
    """A committed notebook as a page, with how many figures and tables it holds."""
    book = nbformat.read(request.param, as_version=4)
    path = tmp_path / request.param.with_suffix(".html").name
    path.write_text(page_of(book, request.param.parent, path.stem).html, encoding="utf-8")
    return path, *held(book)


def test_the_shared_notebook_shows_everything_offline(exported, offline):
    """Whoever gets the page by mail has neither the kernel nor the servers its scripts come from."""
    path, figures, tables = exported
    assert figures >= 1
    opens_complete(offline, path, figures=figures, tables=tables)


@pytest.mark.parametrize("width", [1280, 700])
def test_the_shared_notebook_fits_the_window(exported, offline, width):
    """A page that must be scrolled sideways is not read."""
    path, _, _ = exported
    wider = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    offline.page.goto(path.as_uri())
    offline.page.set_viewport_size({"width": width, "height": 900})
    assert offline.page.evaluate(wider) <= 0


def test_the_shared_notebooks_tables_hold_their_numbers(offline, tmp_path):
    """A table of empty cells is drawn as well; and progress stands as it ended."""
    path = tmp_path / "quickstart.html"
    source = next(path for path in NOTEBOOKS if path.stem == "01-quickstart")
    book = nbformat.read(source, as_version=4)
    path.write_text(page_of(book, source.parent, "").html, encoding="utf-8")
    offline.page.goto(path.as_uri())
    text = offline.page.locator("body").inner_text()
    for claim in ("70,613 unique ids", "14–28 s", "282", "efficiency", "done 1,413/1,413 100%"):
        assert claim in text
    rows = offline.page.locator("table tbody tr").count()
    assert rows > 20, "tables without rows"
    assert pl.__version__ in text
    assert offline.page.title() == "Quickstart: 70,613 movies in seconds"
