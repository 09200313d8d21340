"""What a reader sees, in a real Chromium: the testbed's pages, our charts, the shared notebook."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

import fetchlab as fl

pytestmark = pytest.mark.browser

NOTEBOOK = Path(__file__).parents[2] / "notebooks" / "01-quickstart.ipynb"


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


@pytest.fixture(scope="module")
def exported():
    from nbconvert import HTMLExporter

    exporter = HTMLExporter(template_name="lab")
    body, _ = exporter.from_filename(str(NOTEBOOK))
    return body


def test_the_shared_notebook_shows_everything_offline(exported, offline, tmp_path):
    """Whoever gets the page by mail has neither the kernel nor the servers its scripts come from."""
    path = tmp_path / "quickstart.html"
    path.write_text(exported, encoding="utf-8")
    offline.page.goto(path.as_uri(), wait_until="domcontentloaded")
    figures = offline.page.locator(".jp-OutputArea-output :is(svg, img)")
    assert figures.count() >= 4
    broken = "all => all.filter(one => one.tagName === 'IMG' && !one.naturalWidth).length"
    assert figures.evaluate_all(broken) == 0
    tables = offline.page.locator(".jp-OutputArea-output table")
    assert tables.count() >= 4
    for shown in (figures, tables):
        for number in range(shown.count()):
            box = shown.nth(number).bounding_box()
            assert box is not None, f"number {number} is not drawn"
            assert box["width"] > 100
            assert box["height"] > 20


def test_the_shared_notebooks_tables_hold_their_numbers(exported, offline, tmp_path):
    """A table of empty cells is drawn as well."""
    path = tmp_path / "quickstart.html"
    path.write_text(exported, encoding="utf-8")
    offline.page.goto(path.as_uri(), wait_until="domcontentloaded")
    text = offline.page.locator("body").inner_text()
    for claim in ("70,613 unique ids", "14–28 s", "282", "efficiency"):
        assert claim in text
    rows = offline.page.locator("table tbody tr").count()
    assert rows > 20, "tables without rows"
    assert pl.__version__ in text
