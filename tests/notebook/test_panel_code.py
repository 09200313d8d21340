"""The panel's line of code: it can be executed, says what the panel does, and holds no secret."""

from __future__ import annotations

import functools
from enum import IntEnum
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import fetchlab as fl
from fetchlab.notebook.panel.spelling import spelled
from panels import controls, urls


def executed(panel, **names):
    """What the line's run does and with how many workers; the reader gives ``names``."""
    run = eval(panel.code, {"fl": fl, **names}).wait()  # our own
    return run.stats().ok, run.workers


def test_a_partial_s_items_are_a_name(bed, panel):
    """Without the ids the line would be another call; ten thousand of them would be no line."""
    catalogue = fl.studies.catalogue.Catalogue(bed.urls["catalogue"])
    ids = catalogue.ids(max_pages=1, progress=False).result()[:10]
    one = panel(functools.partial(catalogue.details, ids, with_cast=False), workers=3)
    assert one.code == "catalogue.details(ids, with_cast=False, batch_size=50, with_images=True, workers=3)"
    assert executed(one, catalogue=catalogue, ids=ids) == (10, 3)
    few = panel(functools.partial(catalogue.details, [1, 2]), workers=3)
    assert few.code.startswith("catalogue.details([1, 2], ")


def test_a_function_of_the_settings(panel):
    """The settings are spelled out: nobody else has them."""

    def job(settings, scale=1):
        given = (settings.rate, None if settings.cache is None else settings.cache.rules.mode)
        assert given == (fl.RateLimit(900), "use")
        return fl.map(abs, [scale], workers=settings.workers, progress=False)

    one = panel(job, workers=7, rate=fl.RateLimit(900), cache=fl.Cache(), scale=2)
    assert one.code == (
        "job(fl.Panel.Settings(strategy=fl.Async(workers=7), rate=fl.RateLimit(rate=900), cache=fl.Cache()), "
        "scale=2)"
    )
    assert executed(one, job=job) == (1, 7)
    assert one.wait().stats().ok == 1
    assert panel(lambda s: job(s, 3)).code.startswith("work(fl.Panel.Settings(")


def test_what_has_no_source_is_a_name(echo, panel):
    """``<lambda>`` and ``Client(…)`` are no Python."""
    with fl.Client() as client:
        one = panel(urls(echo, 3), workers=2, client=client, parse=lambda _: 1, accept={404}, keep=True)
        assert one.code == "fl.fetch(urls, client=client, parse=parse, accept={404}, keep=True, workers=2)"
        assert executed(one, urls=urls(echo, 3), client=client, parse=repr) == (3, 2)
    task = panel((lambda number: number, [1, 2]), workers=2)
    assert task.code == "fl.map(task, items, workers=2)"
    assert executed(task, task=abs, items=[1, 2]) == (2, 2)


def test_a_cache_keeps_its_knobs(echo, panel, tmp_path):
    """A ttl that is lost in the script is a script that answers with last year's prices."""
    cache = fl.Cache(tmp_path / "k.db", ttl=5, ignore=("n",), max_bytes=10_000)
    one = panel(urls(echo, 3), cache=cache)
    known = controls(one)
    assert known["Cache"].value == "use", "it begins with the cache's own mode"
    known["Cache"].value = "refresh"
    again = eval(one.code, {"fl": fl, "urls": urls(echo, 3), "fetch": None})
    again.wait()
    assert "ttl=5" in one.code
    assert "ignore=('n',)" in one.code
    assert "max_bytes=10000" in one.code
    assert "mode='refresh'" in one.code
    opened = one._controls.settings.opened().cache
    assert opened.knobs == {**cache.knobs, "mode": "refresh"}
    known["Cache"].value = "off"
    assert "cache" not in one.code


def test_the_panel_s_own_cache_has_no_local_path(echo, panel):
    """A notebook that is sent must not tell the folders of its author."""
    one = panel(urls(echo, 3))
    controls(one)["Cache"].value = "use"
    assert "cache=fl.Cache(fl.notebook.here('data/cache/panel.db'))" in one.code


def search(query="x", api_key="sk-secret", workers=2):
    return fl.map(len, [query, api_key], workers=workers, progress=False)


def test_a_secret_is_a_name_and_has_no_control(panel):
    """Line and controls are saved with the notebook."""
    one = panel(functools.partial(search, api_key="hunter2-but-longer"))
    assert one.code == "search(api_key=api_key, query='x', workers=2)"
    assert "Api key" not in controls(one)
    assert executed(one, search=search, api_key="k") == (2, 2)
    url = panel(functools.partial(search, "https://x/?token=hunter2"))
    assert url.code == "search(query, workers=2)"


class Colour(IntEnum):
    RED = 1


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ({"keys": "x"}, "knob"),
        ({"retries": 3}, "{'retries': 3}"),
        (Path("a/b"), "'a/b'"),
        (fl.Retry(attempts=2), "fl.Retry(attempts=2)"),
        (fl.Journal("j.db", batch_size=9), "fl.Journal('j.db', batch_size=9)"),
        ({"https://a": fl.RateLimit(3)}, "{'https://a': fl.RateLimit(rate=3)}"),
        ({"password": "x"}, "knob"),
        ([fl.Retry], "[fl.Retry]"),
        (float("inf"), "float('inf')"),
        (Colour.RED, "knob"),
        (list(range(9)), "knob"),
        (object(), "knob"),
        (fl.studies.charts.fetch_top_apps, "fl.studies.charts.fetch_top_apps"),
        (lambda: 0, "knob"),
        (functools.partial(abs, -1), "knob"),
        ((1,), "(1,)"),
        (set(), "knob"),
    ],
    ids=[f"case{number}" for number in range(17)],  # reprs hold addresses: two processes would differ
)
def test_values_are_spelled(value, code):
    """Each is Python with ``fl`` alone, or the knob's own name."""
    assert spelled("knob", value) == code
    eval(code, {"fl": fl, "knob": value})  # our own


plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary(),
    lambda inner: (
        st.lists(inner, max_size=3) | st.tuples(inner) | st.dictionaries(st.text(), inner, max_size=3)
    ),
    max_leaves=5,
)


@given(plain)
def test_what_is_spelled_is_the_value(value):
    """A line that evaluates to something else is worse than none."""
    assert eval(spelled("knob", value), {"knob": value}) == value  # our own
