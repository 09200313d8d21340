"""A panel's cell that is run again, in a real kernel: what goes on, what was chosen, what can be retried."""

from __future__ import annotations

import pytest

MANY = "fl.Panel([f'{base}/json?n={n}' for n in range(2000)], workers=5)"
SEEN = "print(panel.run.workers, panel._controls.slider.value, panel.code, panel.run is run)"
END = "if panel.run is not None:\n    panel.run.cancel()\n    panel.run.wait_until_ended()\npanel.refresh()"


@pytest.fixture
def cell(kernel, bed, request):
    """``cell(code)`` runs code in the panel's cell; what it leaves is ended."""
    bed.configure("echo", latency=0.1)

    def run(code):
        printed, _ = kernel.answer(kernel.send(f"panel = {code}", cell=request.node.name))
        assert printed == ""

    yield run
    kernel.run(f"{END}\npanel.close()")


def test_controls_and_run_agree(kernel, cell):
    """A slider at 5 under a run of 40 would be moved to 6, and cut the run to a seventh."""
    cell(MANY)
    kernel.run("run = panel.start()\npanel._controls.slider.value = 40")
    cell(MANY)
    assert kernel.run(SEEN) == "40 40 fl.fetch(urls, workers=40) True"
    cell(MANY.replace("workers=5", "workers=7"))
    assert kernel.run(SEEN) == "7 7 fl.fetch(urls, workers=7) True", (
        "what the cell says now counts where it has changed"
    )
    cell(MANY.replace("2000", "1999").replace("workers=5", "workers=7"))
    assert kernel.run(SEEN) == "7 7 fl.fetch(urls, workers=7) True", "a run that goes on must not be lost"


def test_what_was_chosen_stays(kernel, cell):
    """Strategy, rate and cache are set before Start, and a cell is easily run twice."""
    cell(MANY)
    kernel.run(
        "panel._controls.strategy.value = 'threads'\npanel._controls.rate.value = 30\n"
        "panel._controls.cache.value = 'use'"
    )
    cell(MANY)
    code = kernel.run("print(panel.code)")
    assert "strategy=fl.Threads(n=5), rate=fl.RateLimit(rate=30.0), cache=fl.Cache(" in code
    cell(MANY.replace("2000", "1999"))
    assert kernel.run("print(panel.code)") == "fl.fetch(urls, workers=5)", "other work, other settings"


def test_a_cancelled_run_can_be_gone_on_with(kernel, cell):
    """What is done took an hour; the cell is run again, and it must not be lost with its button."""
    cell(MANY.replace("2000", "20"))
    kernel.run(f"run = panel.start()\n{END}")
    cell(MANY.replace("2000", "20"))
    assert kernel.run("print(panel.run is run, panel._buttons['retry'].disabled)") == "True False"
    assert (
        kernel.run("panel._buttons['retry'].click(); print(panel.wait() is run, run.stats().ok)") == "True 20"
    )


def test_waiting_begins_anew_after_an_ended_run(kernel, cell):
    """*Run All* twice is two runs: the second must not hand out the results of the first."""
    cell(MANY.replace("2000", "20"))
    kernel.run("run = panel.wait()")
    cell(MANY.replace("2000", "20"))
    assert kernel.run("print(panel.run is run, panel.wait() is run)") == "True False"
    kernel.run("run = panel.run")
    cell(MANY.replace("2000", "19"))
    assert kernel.run("print(panel.run)\npanel.start().wait()") == "None", (
        "another job's results are another job's"
    )


def test_functions_of_the_cell_are_known_again(kernel, cell):
    """A cell that is run again makes new functions; another object of a study is another service."""
    kernel.run("def job(workers=1, times=2):\n    return fl.map(abs, [1] * times, progress=False)")
    cell("fl.Panel(job, workers=3)")
    kernel.run("panel._controls._all['times'].value = 4\nrun = panel.wait()")
    kernel.run("def job(workers=1, times=2):\n    return fl.map(abs, [1] * times, progress=False)")
    cell("fl.Panel(job, workers=3)")
    assert kernel.run("print(panel.run is run, panel.code)") == "True job(times=4, workers=3)"
    kernel.run("one, other = (fl.studies.catalogue.Catalogue(base) for _ in range(2))")
    cell("fl.Panel(one.ids)")
    kernel.run("panel._controls.slider.value = 9")
    cell("fl.Panel(one.ids)")
    assert kernel.run("print(panel.code)") == "catalogue.ids(max_pages=None, parallel_pages=9)"
    cell("fl.Panel(other.ids)")
    assert kernel.run("print(panel.code)") == "catalogue.ids(max_pages=None, parallel_pages=20)"


def test_a_measurement_ends_with_its_panel(kernel, cell):
    """Run again while it measures: nothing goes on that the page does not show."""
    cell(MANY)
    measuring = "print([t.name for t in threading.enumerate() if t.name == 'fetchlab-panel'])"
    assert "fetchlab-panel" in kernel.run(f"panel._lab._tabs['Best worker count'][0].click()\n{measuring}")
    cell(MANY)
    joined = "[t.join(30) for t in threading.enumerate() if t.name == 'fetchlab-panel']"
    assert kernel.run(f"_ = {joined}\n{measuring}\nprint(panel._lab.measuring.place)") == "[]\nNone"
