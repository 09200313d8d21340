"""The panel's tabs: they measure what the controls show, say what went wrong, and can be ended."""

from __future__ import annotations

import threading
import time

import polars as pl
import pytest

import fetchlab as fl
from fetchlab.bench.comparison import Comparison
from fetchlab.bench.rounds import table_of
from fetchlab.errors import StudyError
from fetchlab.notebook.panel.lab import COMPARING, SWEEPING, fewest
from panels import controls, enabled, measured, press, settle, tab, urls

RATE = "At most per second and host (0: no limit)"


def test_the_other_tabs_measure(bed, echo, panel):
    """Comparing and sweeping are one press away, and stay off while a run goes on."""
    bed.configure(latency=0.002)
    one = panel(urls(echo, 40))
    assert one.widget.titles == ("Run", "Compare strategies", "Best worker count")
    shown = measured(one, "Compare strategies")
    assert "<table" in shown
    assert "<svg" in shown
    bed.configure(latency=0.2)
    press(one, "Start")
    one.refresh()
    assert all(tab(one, title, "begin").disabled for title in one._lab.titles)


def test_a_method_of_a_study_is_measured_too(bed, panel):
    """A study's user asks the same two questions as one with a list of URLs."""
    bed.configure(latency=0.1)
    catalogue = fl.studies.catalogue.Catalogue(bed.urls["catalogue"])
    one = panel(catalogue.ids, workers=4, most=5, max_pages=6)
    assert "Chunked(4)" in measured(one, "Compare strategies")
    assert "5 workers</b>: the fewest" in measured(one, "Best worker count")


@pytest.mark.parametrize("title", [COMPARING, SWEEPING])
def test_a_rate_holds_for_what_is_measured(bed, echo, panel, title):
    """A person who has limited the rate has promised it to the host, whatever is pressed then."""
    one = panel(urls(echo, 6), most=2)
    controls(one)[RATE].value = 50
    begun = time.perf_counter()
    shown = measured(one, title)
    took = time.perf_counter() - begun
    assert "<table" in shown, shown
    assert bed.counters("echo")["requests"] <= 50 * took + 30, "each run may begin with one"


def test_a_rate_reaches_a_study_s_arms(panel):
    """A function of the settings is told of them in every arm, without the cache."""
    seen = []

    def job(settings):
        seen.append(settings)
        return fl.map(abs, [1, 2], strategy=settings.strategy, progress=False)

    one = panel(job, most=2, rate=fl.RateLimit(500, burst=3), cache=fl.Cache())
    assert "<table" in measured(one, SWEEPING)
    assert {settings.rate for settings in seen} == {fl.RateLimit(500, burst=3)}
    assert {settings.cache for settings in seen} == {None}


def broken(workers=5):
    raise ValueError("<b>no</b> https://x/?token=hunter2")


def test_what_goes_wrong_is_said(panel):
    """A tab that keeps its last progress line looks as if it were still measuring."""
    one = panel(broken)
    for shown in (measured(one, SWEEPING), pressed(one)):
        assert "ValueError: &lt;b&gt;no&lt;/b&gt; https://x/?token=***" in shown
        assert "hunter2" not in shown
    assert not tab(one, SWEEPING, "begin").disabled


def pressed(panel):
    press(panel, "Start")
    return panel._sight.bar.value


@pytest.mark.parametrize("title", [COMPARING, SWEEPING])
def test_items_that_all_fail_are_said(echo, panel, title):
    """Every item is refused: the answer is why, and no error of ours."""
    one = panel(urls(echo, 6, "no/such/path"), most=2)
    assert "nothing was measured: StudyError" in measured(one, title)


def test_a_wrong_control_is_said_in_the_tab(bed, panel):
    """The message stands where the person has pressed."""
    one = panel(fl.studies.catalogue.Catalogue(bed.urls["catalogue"]).ids)
    controls(one)["Max pages"].value = "many"
    assert "max_pages: give a whole number" in measured(one, SWEEPING)


def test_a_measurement_can_be_ended(bed, echo, panel):
    """One run of an arm may take minutes: it ends as well, and Start waits until nothing is measured."""
    bed.configure(latency=0.05)
    one = panel(urls(echo, 5000), most=2)
    tab(one, COMPARING, "begin").click()
    assert "Start" not in enabled(one)
    with pytest.raises(fl.errors.ConfigError, match="a measurement is going on"):
        one.start()
    assert tab(one, SWEEPING, "begin").disabled
    assert tab(one, SWEEPING, "cancel").disabled
    tab(one, COMPARING, "cancel").click()
    settle(one)
    assert "cancelled before there was anything" in tab(one, COMPARING, "answer").value
    assert "Start" in enabled(one)


def test_whole_rounds_are_kept(panel):
    """Who ends a long comparison after some rounds wants to see them."""
    many, held = threading.Event(), threading.Event()
    made = []

    def job(workers=1):
        made.append(workers)
        if len(made) < 10:  # of two arms, one twice: a warm-up and two rounds are whole then
            return fl.map(abs, [1, 2], workers=workers, progress=False)
        many.set()
        return fl.map(held.wait, [60], workers=workers, progress=False)

    one = panel(job, most=2)
    tab(one, SWEEPING, "begin").click()
    assert many.wait(30)
    tab(one, SWEEPING, "cancel").click()
    held.set()
    settle(one)
    assert "<table" in tab(one, SWEEPING, "answer").value


@pytest.mark.parametrize(
    ("seconds", "best"),
    [
        ({"1": 3.0, "2": 1.04, "4": 1.0, "4 (A/A)": 1.0}, 2),
        ({"1": 3.0, "2": 2.0, "4": 2.0, "4 (A/A)": 1.0}, 2),
        ({"1": 3.0, "2": None, "4": None, "4 (A/A)": 1.0}, 1),
        ({"1": None, "2": None, "4": None, "4 (A/A)": 1.0}, None),
        ({"1": None, "2": None, "4": None, "4 (A/A)": None}, None),
    ],
)
def test_the_fewest_of_what_was_measured(seconds, best):
    """The baseline measured once more is no number of workers, though it may be the fastest of all."""
    row = {"warmup": False, "position": 0, "items": 1, "ok": 1, "attempts": 1, "bytes": 1, "cpu_s": 0.1}
    rows = [
        row | {"round": number, "arm": arm, "seconds": took, "error": None if took else "boom"}
        for number in (1, 2, 3)
        for arm, took in seconds.items()
    ]
    settings = {"arms": ["4", "2", "1"], "baseline": "4", "same": "4 (A/A)"}
    timed = Comparison(table_of(rows), pl.DataFrame(), {}, settings, {})
    if best is not None:
        assert fewest(timed, [1, 2, 4]) == best
        return
    with pytest.raises(StudyError):
        fewest(timed, [1, 2, 4])


def test_a_closed_panel_measures_nothing(bed, echo):
    """What goes on with nothing on the page cannot be ended, and asks the host for ever."""
    bed.configure(latency=0.05)
    one = fl.Panel(urls(echo, 5000), most=2)
    tab(one, COMPARING, "begin").click()
    one.close()
    for thread in threading.enumerate():
        if thread.name == "fetchlab-panel":
            thread.join(30)
            assert not thread.is_alive()
    assert one._lab.measuring.place is None
