"""A person in JupyterLab: a real server as ``fetchlab lab`` starts it, a real Chromium, a real slider."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import nbformat
import pytest

from browsing import chromium
from jupyter import Reader, jupyterlab, numbers

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
PAGES = 300
KERNELS = "apputils-extension/kernels-settings"

BUSY = """import time
from pathlib import Path
panel.start()
while not Path("enough").exists():
    time.sleep(0.1)"""

pytestmark = pytest.mark.browser


@pytest.fixture
def project(tmp_path):
    """A project with the first notebook, which reads a few pages, and one more for its map."""
    (tmp_path / "data").mkdir()
    (tmp_path / "notebooks").mkdir()
    shutil.copy(NOTEBOOKS / "01-quickstart.ipynb", tmp_path / "notebooks")
    book = nbformat.read(NOTEBOOKS / "00-start-here.ipynb", as_version=4)
    parameters = next(cell for cell in book.cells if "parameters" in cell.metadata.get("tags", []))
    parameters.source += f"\nlatency, max_pages = 0.01, {PAGES}"
    for cell in book.cells:
        if cell.cell_type == "code":
            cell.outputs = []
    nbformat.write(book, tmp_path / "notebooks" / "00-start-here.ipynb")
    return tmp_path


class Gauge:
    """What the server holds in flight, watched until it is as wanted."""

    def __init__(self, bed):
        self._bed = bed

    def reaches(self, low, high):
        deadline = time.monotonic() + 60
        while not low <= (now := self._bed.counters("catalogue")["in_flight"]) <= high:
            assert time.monotonic() < deadline, f"{now} in flight, not {low} to {high}"
            time.sleep(0.05)


def steered(reader, bed):
    """Start, 5 → 50 workers, pause, resume, cancel, retry: each seen at the server and on the page."""
    gauge = Gauge(bed)
    bed.configure(latency=2.0)
    reader.press("Start")
    gauge.reaches(5, 5)
    reader.slide(50)
    gauge.reaches(45, 50)
    reader.press("Pause")
    gauge.reaches(0, 0)
    reader.wait_for("^paused .* 0 in flight")
    paused = reader.told()
    bed.configure(latency=0.2)
    reader.press("Resume")
    reader.wait_for("^running")
    gauge.reaches(40, 50)
    reader.press("Cancel")
    reader.wait_for("^cancelled")
    done, total = numbers(reader.told())[:2]
    assert numbers(paused)[0] <= done < total
    bed.configure(latency=0.0)
    reader.press("Retry failed")
    reader.wait_for(f"^done {PAGES}/{PAGES} 100%")


def measured_and_ended(reader, bed):
    """Press a tab's measurement and its Cancel: the run of its arm ends at the server, too."""
    bed.configure(latency=0.5)
    reader.page.get_by_role("tab", name="Best worker count").click()
    reader.press("Best worker count")
    reader.page.get_by_text("warm-up").wait_for()
    reader.press("Cancel")
    reader.page.get_by_text("cancelled before there was anything to compare").wait_for()
    Gauge(bed).reaches(0, 0)


def test_a_person_steers_a_run_by_hand(project, bed):
    """A slider that did nothing, or only after the run, would go unseen by every other test."""
    with jupyterlab(project, bed) as address, chromium() as browser:
        reader = Reader(browser.new_page(), address.format("00-start-here.ipynb"))
        reader.run_all()
        reader.wait_for(f"^done {PAGES}/{PAGES} 100%")
        reader.wait_until_idle()
        assert reader.errors() == []
        assert reader.page.locator(".jp-OutputArea a[href*='01-quickstart.ipynb']").count() == 1
        steered(reader, bed)
        reader.page.get_by_text(f"The first of {PAGES * 50:,} results").wait_for()
        measured_and_ended(reader, bed)


@pytest.mark.slow
def test_without_subshells_as_well(project, bed):
    """Older servers, and people who have switched them off, hear the page only between two cells."""
    settings = {KERNELS: {"commsOverSubshells": "disabled"}}
    with jupyterlab(project, bed, **settings) as address, chromium() as browser:
        reader = Reader(browser.new_page(), address.format("00-start-here.ipynb"))
        reader.run_all()
        reader.wait_for(f"^done {PAGES}/{PAGES} 100%")
        reader.wait_until_idle()
        steered(reader, bed)


@pytest.mark.slow
@pytest.mark.parametrize("subshells", ["perCommTarget", "perComm", "disabled"])
def test_a_busy_kernel_hears_at_once_or_when_the_cell_ends(project, bed, subshells):
    """Nothing that a person does may be lost, and with subshells nothing waits for a cell."""
    path = project / "notebooks" / "00-start-here.ipynb"
    book = nbformat.read(path, as_version=4)
    at = next(place for place, cell in enumerate(book.cells) if "panel.wait()" in cell.source)
    book.cells[at:] = [nbformat.v4.new_code_cell(BUSY)]
    nbformat.write(book, path)
    gauge = Gauge(bed)
    settings = {KERNELS: {"commsOverSubshells": subshells}}
    with jupyterlab(project, bed, **settings) as address, chromium() as browser:
        reader = Reader(browser.new_page(), address.format(path.name))
        reader.run_all()
        reader.wait_for("^running")
        bed.configure(latency=1.0)
        gauge.reaches(5, 5)
        reader.slide(50)
        if subshells == "disabled":
            time.sleep(2)
            assert bed.counters("catalogue")["in_flight"] <= 5, (
                "heard while the cell runs: say so in the docs"
            )
            (project / "notebooks" / "enough").touch()
        gauge.reaches(45, 50)
        (project / "notebooks" / "enough").touch()
        reader.wait_until_idle()
        assert reader.errors() == []
        reader.press("Cancel")
        reader.wait_for("^cancelled")
