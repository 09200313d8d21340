"""The one thread that moves widgets: it calls, it forgets, it ends."""

from __future__ import annotations

import threading

import fetchlab as fl
from fetchlab.notebook import here
from fetchlab.notebook.progress import ProgressLine
from fetchlab.notebook.ticker import Ticker


def end_of(name):
    for thread in threading.enumerate():
        if thread.name == name:
            thread.join(30)
            assert not thread.is_alive()


def test_views_are_called_until_they_are_done():
    """A view that is dropped early freezes; one that is never dropped keeps a thread for good."""
    left, over = [3], threading.Event()

    def view():
        left[0] -= 1
        if left[0]:
            return True
        over.set()
        return False

    ticker = Ticker(period=0.001)
    ticker.add(view)
    assert over.wait(30)
    end_of("fetchlab-ticker")
    assert not ticker.alive
    assert left == [0]


def test_an_error_in_one_view_leaves_the_others():
    """A closed widget must not freeze the progress of every other run."""
    seen, over = [], threading.Event()

    def broken():
        raise RuntimeError("closed")

    def view():
        seen.append(1)
        if len(seen) < 5:
            return True
        over.set()
        return False

    ticker = Ticker(period=0.001)
    ticker.add(broken)
    ticker.add(view)
    assert over.wait(30)
    end_of("fetchlab-ticker")


def test_a_ticker_that_ended_starts_again():
    """The second run of a session must move too."""
    ticker = Ticker(period=0.001)
    for _ in range(3):
        over = threading.Event()
        ticker.add(lambda over=over: bool(over.set()))
        assert over.wait(30)
        end_of("fetchlab-ticker")
        assert not ticker.alive


def test_a_progress_line_shows_state_share_and_text():
    """The bar is for the eye, the text for everyone else."""
    run = fl.map(str.upper, ["a", "b"], progress=False).wait()
    shown = ProgressLine(run)
    assert "done 2/2 100%" in shown.widget.value
    assert 'value="1.0000"' in shown.widget.value
    assert 'aria-label="progress"' in shown.widget.value
    assert shown.refresh() is False


def test_a_forgotten_run_is_let_go():
    """A progress line that holds its run holds all its values, cell after cell."""
    run = fl.map(str.upper, ["a"], progress=False).wait()
    shown = ProgressLine(run)
    del run
    assert shown.refresh() is False


def test_paths_are_below_the_project_from_any_folder(tmp_path, monkeypatch):
    """JupyterLab starts a kernel in notebooks/, a headless run elsewhere; both must mean one file."""
    (tmp_path / "data").mkdir()
    (tmp_path / "notebooks" / "deep").mkdir(parents=True)
    for folder in (tmp_path, tmp_path / "notebooks", tmp_path / "notebooks" / "deep"):
        monkeypatch.chdir(folder)
        assert here("data/runs/x") == tmp_path / "data" / "runs" / "x"
