"""A run watched from a notebook: one widget, written to while the run goes on, readable once saved."""

from __future__ import annotations

import builtins
import subprocess
import sys
import threading
from itertools import pairwise

import pytest

import fetchlab as fl
from fetchlab.errors import JournalError
from fetchlab.notebook.ticker import Ticker
from fetchlab.notebook.watching import Monitor, page

ONCE = fl.Retry(attempts=1)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "j.db"


def test_it_shows_how_a_run_ended(echo, path):
    """Bar and text must say what the terminal says, and no server's text may become markup."""
    fl.fetch([f"{echo}/status/404?q=<b>", f"{echo}/bytes/1"], journal=path, retry=ONCE).wait()
    monitor = fl.notebook.monitor(path)
    assert (monitor._bar.value, monitor._bar.bar_style) == (1.0, "success")
    text = monitor._text.value
    for words in (
        "<b>done</b>",
        "2 of 2 · 100 %",
        "1 ok · 1 failed",
        "HTTP 404: GET ",
        "the URL, or accept",
        echo,
    ):
        assert words in text
    assert "q=<b>" not in text
    assert page(monitor.standing) == text
    assert repr(monitor).startswith(f"Monitor({str(path)!r}): done 2/2 100%")


def test_its_widgets_are_written_to_not_made_anew(bed, echo, path):
    """A widget per refresh fills the browser's memory over a long run."""
    bed.configure("echo", latency=0.05)
    run = fl.fetch([f"{echo}/json?n={n}" for n in range(300)], workers=2, journal=path)
    monitor = Monitor(path)
    widgets = monitor.widget, monitor._bar, monitor._text
    values, moved = [], threading.Event()

    def note(change):
        values.append(change["new"])
        moved.set()

    monitor._bar.observe(note, "value")
    monitor._start()
    assert moved.wait(60)
    assert run.state == "running", "it moved while the run went on"
    bed.configure("echo", latency=0.0)
    run.wait()
    monitor.wait(60)
    assert (monitor.widget, monitor._bar, monitor._text) == widgets
    assert values[-1] == 1.0
    assert values == sorted(values)
    assert monitor.refresh() is False


def test_closing_ends_the_watching_and_not_the_run(bed, echo, path):
    """Whoever clears a cell's output must not lose the job, nor keep a thread."""
    bed.configure("echo", latency=0.1)
    run = fl.fetch([f"{echo}/json?n={n}" for n in range(40)], workers=2, journal=path)
    monitor, other = Monitor(path), Monitor(path)
    assert monitor.refresh()
    monitor.close()
    assert not monitor.refresh()
    other.widget.close()  # as a frontend or a user of ipywidgets does
    assert not other.refresh()
    assert run.state == "running"
    run.cancel().wait()


def test_a_file_that_goes_away_is_said_in_its_place(echo, path):
    """The ticker has nobody to raise an error to."""
    fl.fetch([f"{echo}/bytes/1"], journal=path).wait()
    monitor = Monitor(path)
    path.unlink()
    assert not monitor.refresh()
    assert "there is no such journal" in monitor._text.value
    with pytest.raises(JournalError, match="no such journal"):
        fl.notebook.monitor(path)


def test_without_ipywidgets_it_is_html(echo, path, monkeypatch):
    """Another frontend shows what it can: HTML, or the one line of a terminal."""
    real = builtins.__import__

    def without(name, *more):
        if name == "ipywidgets":
            raise ImportError(name)
        return real(name, *more)

    monkeypatch.setattr(builtins, "__import__", without)
    fl.fetch([f"{echo}/bytes/1"], journal=path).wait()
    monitor = Monitor(path)
    assert monitor.widget is None
    assert set(monitor._bundle()) == {"text/plain", "text/html"}
    assert "1 of 1" in monitor._bundle()["text/html"]
    assert monitor.refresh() in (True, False)
    monitor.close()


def test_a_view_may_ask_for_fewer_ticks():
    """What reads a file need not be asked four times a second."""
    slow, quick, over = [], [], threading.Event()

    def view():
        quick.append(1)
        if len(quick) < 8:
            return True
        over.set()
        return False

    ticker = Ticker(period=0.001)
    ticker.add(lambda: len(slow) < 3 and not slow.append(len(quick)), every=0.002)
    ticker.add(view)
    assert over.wait(30)
    assert len(slow) >= 3
    assert all(later - sooner == 2 for sooner, later in pairwise(slow))


def test_it_is_there_before_any_run():
    """A second notebook that only watches has called nothing else of ours."""
    code = "import fetchlab as fl; fl.notebook.monitor('absent.db')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "JournalError: absent.db: there is no such journal" in done.stderr
