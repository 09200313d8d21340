"""The line a person reads."""

from __future__ import annotations

import io

import pytest

from fetchlab.engine.progress import TextProgress, duration, line, size
from fetchlab.model import RunStats


def stats(**changes):
    plain = {
        "state": "running", "total": 1000, "done": 250, "ok": 248, "failed": 2, "cached": 0, "retries": 3,
        "refused": 0, "bytes": 5_000_000, "rate": 120.0, "mean_rate": 100.0, "eta": 6.25, "elapsed": 2.5,
        "in_flight": 20, "workers": 20, "parked": 1,
    }  # fmt: skip
    return RunStats(**(plain | changes))


def test_line():
    """Everything that matters, nothing that is zero."""
    started = "running 250/1,000 25% · 120/s · 2 MB/s · retries 3 · failed 2"
    assert line(stats()) == f"{started} · 20 in flight, 1 waiting · 2.5 s · ETA 6.2 s"
    assert (
        line(stats(state="done", total=None, done=9, bytes=0, retries=0, failed=0))
        == "done 9/? · 100/s · 2.5 s"
    )
    assert line(
        stats(state="done", total=0, done=0, bytes=0, retries=0, failed=0, mean_rate=0.0, elapsed=0.0)
    ) == ("done 0/0 · 0/s · 0.0 s")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0.0 s"),
        (59.94, "59.9 s"),
        (59.96, "1 min 00 s"),
        (125, "2 min 05 s"),
        (3599.6, "1 h 00 min"),
        (11220, "3 h 07 min"),
    ],
)
def test_duration(seconds, text):
    """60.0 s is a minute, also after rounding."""
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 B"), (999, "999 B"), (999.9, "1 kB"), (1500, "1.5 kB"), (2.5e9, "2.5 GB"), (3e15, "3e+03 TB")],
)
def test_size(count, text):
    """Powers of ten, three digits, and no "1e+03 B"."""
    assert size(count) == text


def test_text_progress_in_a_terminal_and_elsewhere():
    """A terminal's line is rewritten, a file gets whole lines."""
    plain = io.StringIO()
    progress = TextProgress(wanted=True, stream=plain)
    progress.show(stats())
    progress.end(stats(state="done"))
    assert plain.getvalue().count("\n") == 2
    assert "\x1b" not in plain.getvalue()

    class Terminal(io.StringIO):
        def isatty(self):
            return True

    terminal = Terminal()
    progress = TextProgress(wanted=None, stream=terminal)
    assert progress.active
    progress.show(stats())
    progress.end(stats(state="done"))
    assert terminal.getvalue().count("\r\x1b[K") == 2
    assert terminal.getvalue().endswith("\n")
    assert not TextProgress(wanted=None, stream=plain).active
    assert not TextProgress(wanted=False, stream=terminal).active
