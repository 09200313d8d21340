"""Where a panel's controls begin, and what is refused when it is made."""

from __future__ import annotations

import pytest

import fetchlab as fl
from fetchlab.errors import ConfigError
from panels import controls, urls

RATE = "At most per second and host (0: no limit)"


def test_a_rate_is_where_the_control_begins(echo, panel):
    """A control at 0 while 30 a second hold says the opposite of what is; 0 must take the limit away."""
    burst = fl.RateLimit(60, per=2, burst=4)
    one = panel(urls(echo, 3), rate=burst)
    assert controls(one)[RATE].value == 30
    assert one._controls.settings.rate is burst, "untouched it is what was given"
    controls(one)[RATE].value = 0
    assert one._controls.settings.rate is None
    assert "rate" not in one.code
    assert one.wait().stats().ok == 3


def test_rates_by_host_stay_as_they_are(echo, panel):
    """One number cannot show them."""
    rates = {echo: fl.RateLimit(500)}
    one = panel(urls(echo, 3), rate=rates)
    assert controls(one)[RATE] not in one._controls.box.children
    assert one._controls.settings.rate is rates
    assert one.wait().stats().ok == 3


@pytest.mark.parametrize(
    ("strategy", "shown", "width"),
    [
        (fl.Threads(8), "threads", 8),
        (fl.Chunked(3), "chunks, one after another", 3),
        (fl.Sequential(0.001), "one item after another", 20),
        (fl.Async(6), "a pool of workers", 6),
        (fl.Batch(), "all at once", 20),
    ],
    ids=str,
)
def test_a_strategy_is_where_the_controls_begin(echo, panel, strategy, shown, width):
    """A panel that is built and then refuses to start is no panel."""
    one = panel(urls(echo, 3), strategy=strategy)
    assert controls(one)["Strategy"].value == shown
    assert controls(one)["Workers"].value == width
    assert one._controls.settings.strategy == strategy
    assert one.wait().stats().ok == 3
    controls(one)["Strategy"].value = "a pool of workers"
    controls(one)["Workers"].value = 2
    assert one._controls.settings.strategy == fl.Async(2)


def limited(strategy=fl.Chunked(2), rate=fl.RateLimit(900), cache=None):  # noqa: B008  # frozen
    return fl.map(abs, [1, 2, 3], strategy=strategy, rate=rate, cache=cache, progress=False)


def test_a_function_s_own_defaults_are_where_they_begin(panel):
    """What the function does unless told is what the controls show, and they can take it away."""
    one = panel(limited, cache=fl.Cache(mode="refresh"))
    assert controls(one)[RATE].value == 900
    assert controls(one)["Workers"].value == 2
    assert controls(one)["Cache"].value == "refresh"
    controls(one)[RATE].value = 0
    assert "rate=None" in one.code
    assert one.wait().stats().ok == 3


@pytest.mark.parametrize(
    ("own", "most", "begins"), [(None, 200, 20), (None, 10, 10), (5, 200, 5), (50, 10, 10), ("many", 9, 9)]
)
def test_workers_that_were_not_given(panel, own, most, begins):
    """``most=10`` alone says nothing wrong about workers."""

    def job(workers=own):
        return fl.map(abs, [1], workers=workers, progress=False)

    assert controls(panel(job, most=most))["Workers"].value == begins


def test_a_function_may_have_all_knobs(panel):
    """Many a study hands its knobs on as ``**how``: what is given has its control."""

    def job(**how):
        return fl.map(abs, [1, 2], **how)

    one = panel(job, workers=3, rate=fl.RateLimit(800), progress=False)
    assert one.code == "job(workers=3, rate=fl.RateLimit(rate=800))"
    assert one.wait().workers == 3


CATALOGUE = fl.studies.catalogue.Catalogue("http://127.0.0.1:9")


@pytest.mark.parametrize(
    ("work", "knobs", "said"),
    [
        (
            ["http://x/"],
            {"workers": "auto"},
            r"workers: is a whole number .* or fl\.Adaptive\(\), not 'auto'",
        ),
        (["http://x/"], {"workers": "20"}, "workers: is a whole number"),
        (["http://x/"], {"workers": 2.5}, "workers: is a whole number"),
        (["http://x/"], {"workers": True}, "workers: is a whole number"),
        (["http://x/"], {"workers": 11, "most": 10}, "to most=10"),
        (["http://x/"], {"most": 0}, "most: "),
        (["http://x/"], {"strategy": fl.Threads(8), "workers": 3}, "not both"),
        (["http://x/"], {"strategy": fl.Threads(300)}, "give most=300"),
        (["http://x/"], {"strategy": "threads"}, "strategy: "),
        (["http://x/"], {"rate": 30}, "rate: "),
        (["http://x/"], {"cache": 30}, "cache: "),
        (["http://x/"], {"retries": 3}, "retries: is no knob of fl.fetch; did you mean retry"),
        (["http://x/"], {"requests": []}, "requests: is no knob of fetch"),
        ((abs, [1]), {"parse": "json"}, "parse: is no knob of fl.map"),
        (CATALOGUE.ids, {"max_page": 3}, "max_page: is no knob of catalogue.ids; did you mean max_pages"),
        (CATALOGUE.ids, {"rate": fl.RateLimit(3)}, "rate: is no knob of catalogue.ids"),
        (CATALOGUE.ids, {"cache": "k.db"}, "cache: is no knob of catalogue.ids"),
        (CATALOGUE.details, {}, r"also needs ids: give functools\.partial\(catalogue\.details"),
        (lambda one, two: None, {}, r"also needs one, two: give functools\.partial"),
        (lambda: None, {"workers": 3}, "workers: is no knob of work"),
        ({"a": 1}, {}, "work: give a list"),
        (dict, {}, "does not say what parameters it has"),
    ],
)
def test_wrong_input_is_refused_at_once(work, knobs, said):
    """What is only said when somebody presses Start was in the cell all the time."""
    with pytest.raises(ConfigError, match=said):
        fl.Panel(work, **knobs)


def annotated(how: fl.Panel.Settings, *, more: int = 0):
    return fl.map(abs, [more], workers=how.workers, progress=False)


def named_last(count=2, *, settings):
    return fl.map(abs, range(count), workers=settings.workers, progress=False)


@pytest.mark.parametrize("job", [annotated, named_last, lambda s: annotated(s, more=3)])
def test_functions_of_the_settings_are_known(panel, job):
    """By the parameter's name, or by its annotation."""
    one = panel(job, workers=3)
    assert one.wait().workers == 3
    assert "fl.Panel.Settings(strategy=fl.Async(workers=3))" in one.code


def test_a_closed_panel_can_still_be_shown(echo):
    """The cell below may end with it."""
    one = fl.Panel(urls(echo, 3))
    one.close()
    one.close()
    assert one._repr_mimebundle_() == {"text/plain": "Panel(fetch): ready"}
