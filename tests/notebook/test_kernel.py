"""In a real kernel: cells return at once, await works, progress shows itself, nothing is patched."""

from __future__ import annotations

import pytest


@pytest.fixture
def slow(bed):
    bed.configure("echo", latency=0.2)


@pytest.mark.usefixtures("slow")
def test_the_cell_returns_while_the_run_goes_on(kernel):
    """A cell that waits blocks every slider and button in the notebook."""
    assert kernel.run("run = fl.fetch(urls, workers=4); print(run.state, run.stats().done)") == "running 0"
    assert kernel.run("await run; print(run.state, run.stats().ok)") == "done 12"


@pytest.mark.usefixtures("slow")
def test_progress_shows_itself_and_ends_as_done(kernel):
    """A saved notebook whose progress stands at 40 % looks as if it had failed."""
    printed, shown = kernel.answer(kernel.send("run = fl.fetch(urls, workers=6)\nawait run\nprint('over')"))
    assert printed == "over"
    views = [data["application/vnd.jupyter.widget-view+json"] for data in shown]
    assert len(views) == 1
    state = kernel.widgets[views[0]["model_id"]]
    assert "done 12/12 100%" in state["value"]
    assert 'value="1.0000"' in state["value"]


@pytest.mark.usefixtures("slow")
def test_a_monitor_shows_itself_and_ends_with_the_run(kernel):
    """Shown as a widget while it moves, and as HTML that a saved notebook can be read by."""
    code = (
        "run = fl.fetch(urls, workers=3, journal='watched.db', progress=False)\n"
        "watched = fl.notebook.monitor('watched.db')\nwatched"
    )
    printed, shown = kernel.answer(kernel.send(code))
    assert printed == ""
    [data] = shown
    assert "watched.db · session 1" in data["text/html"]
    assert data["text/plain"].startswith("Monitor('watched.db'): ")
    box = kernel.widgets[data["application/vnd.jupyter.widget-view+json"]["model_id"]]
    bar, text = (kernel.widgets[child.removeprefix("IPY_MODEL_")] for child in box["children"])
    assert kernel.run("await run; print(watched.wait(60).standing.state)") == "done"
    assert bar["value"] == 1.0
    assert "12 of 12 · 100 %" in text["value"]


def test_progress_false_shows_nothing(kernel):
    """A loop over a hundred runs must be able to keep the page clean."""
    assert kernel.answer(kernel.send("await fl.fetch(urls, progress=False)\nprint(1)")) == ("1", [])


@pytest.mark.usefixtures("slow")
def test_queued_cells_all_answer(kernel):
    """*Run All* queues every cell; with a patched loop those behind an await were dropped in silence."""
    requests = [
        kernel.send("first = await fl.fetch(urls[:4], workers=2); print(first.stats().ok)"),
        kernel.send("second = await fl.fetch(urls, workers=12); print(second.stats().ok)"),
        kernel.send("print(first.state, second.state)"),
    ]
    assert [kernel.answer(request)[0] for request in requests] == ["4", "12", "done done"]


def test_results_are_taken_as_they_come(kernel):
    """``async for`` in a cell is how results are used before all are there."""
    code = "total = 0\nasync for r in fl.fetch(urls, parse='json'):\n    total += r.ok\nprint(total)"
    assert kernel.run(code) == "12"


def test_blocking_calls_work_in_a_cell(kernel):
    """``result()`` and ``wait()`` are what people type who have never seen ``await``."""
    assert kernel.run("print(len(fl.fetch(urls).result()), fl.fetch(urls).wait().state)") == "12 done"


def test_asyncio_is_left_as_it_is(kernel):
    """A patched loop is shared by everything else in the kernel, and swallows queued cells."""
    code = (
        "import asyncio\n"
        "print([name for name in sys.modules if name.startswith('nest_asyncio')],"
        " asyncio.run.__module__, hasattr(asyncio, '_nest_patched'))"
    )
    printed = kernel.run(code)
    assert "asyncio.runners False" in printed
    before = "import subprocess; print(subprocess.run([sys.executable, '-c', 'import fetchlab as fl, sys; "
    after = 'fl.fetch([]).wait(); print([n for n in sys.modules if n.startswith("nest_asyncio")])\'],'
    assert kernel.run(f"{before}{after} capture_output=True, text=True).stdout)") == "[]"


def test_the_ticker_rests_when_nothing_moves(kernel):
    """A thread that wakes four times a second for ever costs every open notebook battery and CPU."""
    code = (
        "await fl.fetch(urls)\n"
        "for thread in threading.enumerate():\n"
        "    if thread.name == 'fetchlab-ticker':\n"
        "        thread.join(30)\n"
        "print([t.name for t in threading.enumerate() if t.name == 'fetchlab-ticker'])"
    )
    assert kernel.run(code) == "[]"


def test_functions_and_classes_of_a_cell_run_in_worker_processes(kernel):
    """A worker cannot import a notebook: without crossing by value only code in files could be used."""
    code = (
        "import dataclasses, os\n"
        "@dataclasses.dataclass\nclass Cell:\n    x: int\n"
        "offset = 3\n"
        "def shifted(cell): return Cell(cell.x + offset), os.getpid() != kernel_pid\n"
        "kernel_pid = os.getpid()\n"
        "run = await fl.map(shifted, [Cell(1), Cell(2)], strategy=fl.Processes(2), progress=False)\n"
        "print(run.result() == [(Cell(4), True), (Cell(5), True)])\n"
        "def parse(response): return Cell(response.status)\n"
        "run = await fl.fetch(urls, strategy=fl.Processes(2), parse=parse, progress=False)\n"
        "print(set(map(str, run.result())))"
    )
    assert kernel.run(code) == "True\n{'Cell(x=200)'}"


@pytest.mark.usefixtures("slow")
def test_an_interrupt_leaves_the_run_going(kernel):
    """Interrupting the cell that waits must not cost what the run has done."""
    request = kernel.send("run = fl.fetch(urls, workers=2, progress=False)\nprint('on')\nrun.wait()")
    printed, _ = kernel.answer(request, on_output=kernel.manager.interrupt_kernel)
    assert "KeyboardInterrupt" in printed
    assert kernel.run("print(run.state); await run; print(run.state, run.stats().ok)") == "running\ndone 12"


@pytest.mark.usefixtures("bed")
def test_a_panel_s_cell_can_be_run_all_day(kernel):
    """Twenty panels of one cell would be twenty sets of widgets that a page keeps, draws and saves."""
    panel = "panel = fl.Panel(urls, workers=3)\npanel.wait()\npanel"
    count = "import ipywidgets; print(len(ipywidgets.widgets.widget._instances), threading.active_count())"
    seen = []
    for _ in range(20):
        kernel.answer(kernel.send(panel, cell="the panel's"))
        seen.append(tuple(map(int, kernel.run(count).split())))
    widgets, threads = zip(*seen, strict=True)
    assert len(set(widgets)) == 1, widgets
    assert max(threads) <= threads[0] + 1, "the ticker may be alive or not"
