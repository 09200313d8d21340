"""The panel: what it starts, what it allows when, what it shows, and that it leaves nothing behind."""

from __future__ import annotations

import dataclasses
import functools
import html
import threading

import ipywidgets
import pytest
from hypothesis import given
from hypothesis import strategies as st

import fetchlab as fl
from fetchlab.errors import ConfigError
from fetchlab.notebook.panel.actions import actions
from fetchlab.notebook.panel.jobs import Job
from fetchlab.notebook.panel.views import Trace, strip
from panels import controls, enabled, press, urls

STATES = [None, "ready", "running", "paused", "cancelling", "cancelled", "stopped", "done"]


@given(st.sampled_from(STATES), st.integers(0, 3))
def test_what_is_allowed_makes_sense(state, failed):
    """A button that does nothing, or two that contradict each other, teach distrust."""
    allowed = actions(state, failed)
    assert not (allowed.pause and allowed.resume)
    assert allowed.start == (state in (None, "cancelled", "stopped", "done")) == allowed.choose
    assert allowed.cancel == (state in ("ready", "running", "paused"))
    assert not allowed.retry or state in ("cancelled", "stopped", "done")
    assert allowed.retry or not (failed and state == "done")


def test_it_is_started_steered_and_ended_by_hand(bed, echo, panel):
    """Start, more workers, pause, resume, cancel: each as the person means it, partial results kept."""
    bed.configure(latency=0.02)
    one = panel(urls(echo, 5000), workers=5, parse="json")
    assert enabled(one) == {"Start"}
    press(one, "Start")
    assert one.run.workers == 5
    controls(one)["Workers"].value = 50
    assert one.run.workers == 50
    press(one, "Pause")
    assert one.run.state == "paused"
    one.refresh()
    assert enabled(one) == {"Resume", "Cancel"}
    press(one, "Resume")
    next(iter(one.run))
    press(one, "Cancel")
    one.run.wait_until_ended()
    one.refresh()
    assert one.run.state == "cancelled"
    assert 0 < one.run.stats().ok < 5000
    assert "Start" in enabled(one)
    assert "Retry failed" in enabled(one)


def test_failed_items_are_tried_again(bed, echo, panel):
    """The host is well again: one press finishes the job."""
    bed.configure(error_rate={503: 1.0})
    one = panel(urls(echo, 6), retry=fl.Retry(attempts=1))
    one.wait()
    assert one.run.stats().failed == 6
    assert "StatusError" in one._sight.errors.value
    assert "GET " in one._sight.errors.value
    bed.configure(profile="flat")
    press(one, "Retry failed")
    one.wait()
    assert one.run.stats().ok == 6
    assert one._sight.errors.value == ""


def test_no_click_is_needed(echo, panel):
    """Run All in a kernel without a page must end with the figures in the notebook."""
    one = panel(urls(echo, 9), parse="json")
    assert "ready" in repr(one)
    assert one.wait() is one.run
    assert "done 9/9 100%" in repr(one)
    assert "done 9/9 100%" in html.unescape(one._sight.bar.value)
    assert "The first of 9 results" in one._sight.tables.value
    assert "text/plain" in one._repr_mimebundle_()


def test_every_setting_reaches_the_call(bed, echo, panel, tmp_path):
    """A control that looks as if it did something must do it."""
    one = panel(urls(echo, 4), cache=tmp_path / "c.db")
    known = controls(one)
    known["Strategy"].value = "chunks, one after another"
    known["Workers"].value = 2
    known["At most per second and host (0: no limit)"].value = 500
    known["Cache"].value = "use"
    settings = one._controls.settings
    assert settings.strategy == fl.Chunked(2)
    assert settings.rate == fl.RateLimit(500)
    one.wait()
    one.start().wait()
    assert bed.counters("echo")["requests"] == 4, "the second time from the cache"
    assert "strategy=fl.Chunked(size=2)" in one.code
    assert "rate=fl.RateLimit(rate=500.0)" in one.code
    known["Strategy"].value = "a pool of workers"
    known["auto: as many as each host serves well"].value = True
    assert known["Workers"].disabled
    assert one._controls.settings.workers == fl.Adaptive(max=200)


def test_the_code_does_the_same(echo, panel):
    """What was tried with sliders goes into a script as one line."""
    one = panel(urls(echo, 4), workers=7, retry=fl.Retry(attempts=2))
    assert one.code == "fl.fetch(urls, retry=fl.Retry(attempts=2), workers=7)"
    run = eval(one.code, {"fl": fl, "urls": urls(echo, 4)})  # our own
    assert run.wait().stats().ok == 4


def test_a_method_of_a_study(bed, panel):
    """Its own knobs become controls, and its name for workers is heeded."""
    catalogue = fl.studies.catalogue.Catalogue(bed.urls["catalogue"])
    one = panel(catalogue.ids, workers=6)
    assert one.code == "catalogue.ids(max_pages=None, parallel_pages=6)"
    controls(one)["Max pages"].value = "3"
    one.wait()
    assert len(one.run.result()) == 150
    assert one.run.workers == 6
    controls(one)["Max pages"].value = "many"
    press(one, "Start")
    assert "max_pages: give a whole number" in one._sight.bar.value
    other = panel(functools.partial(catalogue.details, [1, 2, 3]), workers=2)
    assert {"With cast", "Batch size"} <= controls(other).keys()
    assert other.wait().stats().done == 3


def test_a_function_of_the_settings(echo, panel):
    """Whatever the study, a few lines fit it to the panel."""
    one = panel(lambda settings: fl.fetch(urls(echo, 3), workers=settings.workers, progress=False), workers=2)
    assert one.wait().workers == 2


def test_what_cannot_be_started_is_said(panel):
    """The message is in the panel, not in a log that nobody reads."""
    with pytest.raises(ConfigError, match=r"functools\.partial"):
        fl.Panel(lambda one, two: None)
    with pytest.raises(ConfigError, match="workers"):
        fl.Panel(["http://x/"], workers=999)
    one = panel(lambda settings: 7)
    press(one, "Start")
    assert "returned int, not a Run" in one._sight.bar.value
    assert enabled(one) == {"Start"}


def test_nothing_is_left_behind(echo):
    """A cell that is run twenty times a day must not leave twenty panels in the page."""

    def made():
        one = fl.Panel(urls(echo, 3))
        one.wait()
        one.close()

    made()
    before, threads = len(ipywidgets.widgets.widget._instances), threading.active_count()
    for _ in range(3):
        made()
    assert len(ipywidgets.widgets.widget._instances) == before
    assert threading.active_count() <= threads + 1, "the ticker may be alive"


def test_the_job_needs_a_kind_it_knows():
    """A string is no list of URLs."""
    with pytest.raises(ConfigError, match="work"):
        Job("http://x/", {})


def test_the_trace_keeps_a_minute(echo):
    """A run of six hours must not make a chart of six hours, four times a second."""
    run = fl.fetch(urls(echo, 3), progress=False).wait()
    trace = Trace()
    for second in range(300):
        trace.add(
            dataclasses.replace(run.stats(), elapsed=float(second), done=10 * second, in_flight=second % 7)
        )
    assert len(trace._points) <= 62
    drawn = trace.svg()
    assert "60 s ago" in drawn
    assert "at most 10" in drawn
    assert len(drawn) < 5000


def test_the_strip_fits_any_number(echo):
    """A thousand workers are a hundred squares."""
    stats = fl.fetch(urls(echo, 1), progress=False).wait().stats()
    drawn = strip(dataclasses.replace(stats, workers=1000, in_flight=500))
    assert drawn.count("■") == drawn.count("□") == 50
    assert "500 of 1,000 workers busy" in drawn
