"""``fl.preview``: a few items first."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import pytest

import fetchlab as fl
from fetchlab.errors import ConfigError


def test_what_comes_back(bed, echo):
    """The types of a page of JSON at a glance, its values as a table, and no more requests than asked for."""
    urls = [f"{echo}/json?n={n}" for n in range(1000)]
    seen = fl.preview(urls, 3, parse="json", workers=50)
    assert bed.counters("echo")["requests"] == 3
    assert repr(seen.shape).splitlines() == ["dict", "wire: str", "args: dict", "    n: str"]
    table = seen.table()
    assert table["index"].to_list() == [0, 1, 2]
    assert table["args"].to_list() == [{"n": "0"}, {"n": "1"}, {"n": "2"}]
    assert table["status"].to_list() == [200] * 3
    assert set(table.columns) >= {"bytes", "elapsed", "wire"}
    assert "3 of 1,000 items tried, 3 ok" in repr(seen)


def test_the_prediction_reckons_with_workers(bed, echo):
    """Items times seconds over workers; a hundred items at ten workers are ten rounds."""
    bed.configure("echo", latency=0.05)
    urls = [f"{echo}/bytes/{n}" for n in range(100)]
    (row,) = fl.preview(urls, workers=10).prediction.iter_rows(named=True)
    assert row["elapsed"] >= 0.05
    assert row["seconds"] == pytest.approx(10 * row["elapsed"])
    assert row["rate"] == pytest.approx(100 / row["seconds"])
    assert (row["items"], row["tried"], row["limited_by"]) == (100, 5, "workers")
    assert row["bytes"] == 250, "the mean of bodies of 1 to 4 bytes"
    slow = fl.preview(urls, strategy=fl.Sequential(delay=1)).prediction.row(0, named=True)
    assert slow["seconds"] == pytest.approx(100 * (slow["elapsed"] + 1))


def test_the_prediction_reckons_with_rates(bed, echo):
    """Twenty workers help nothing where the host is asked five times a second."""
    urls = [f"{echo}/json?n={n}" for n in range(101)]
    seen = fl.preview(urls, rate=fl.RateLimit(5), workers=20)
    row = seen.prediction.row(0, named=True)
    assert row["limited_by"] == "rate"
    assert row["seconds"] == pytest.approx(20 + row["elapsed"])
    assert "limited by rate" in repr(seen)


def test_items_come_from_all_hosts(bed):
    """Five items of the first of two hosts would say nothing about the other."""
    first, second = bed.urls["echo"], bed.urls["echo2"]
    urls = [f"{first}/json?n={n}" for n in range(50)] + [f"{second}/json?n={n}" for n in range(7)]
    seen = fl.preview(urls, 4)
    assert seen.table()["index"].to_list() == [0, 50, 1, 51]
    found = {row["host"]: (row["items"], row["tried"]) for row in seen.prediction.iter_rows(named=True)}
    assert found == {first: (50, 2), second: (7, 2)}
    only = fl.preview(urls, 1)
    assert "1 more hosts were not tried → n=2" in only.notes
    assert only.prediction["seconds"].null_count() == 0


def test_what_fails_is_said_with_the_knob(bed, echo):
    """The point of a preview: to meet the error five times and not fifty thousand times."""
    bed.configure("echo", error_rate={503: 1.0})
    seen = fl.preview([f"{echo}/json"] * 9, 2)
    assert bed.counters("echo")["requests"] == 2, "nothing is tried twice"
    assert any("2 × StatusError" in note and "HTTP 503" in note for note in seen.notes)
    bed.configure("echo", error_rate={})
    seen = fl.preview([f"{echo}/html"], parse="json")
    assert seen.table()["error"].to_list() == ["ParseError"]
    assert any(note.endswith("→ parse") for note in seen.notes)
    assert seen.prediction["seconds"][0] is not None, "the answer's time is known all the same"
    seen = fl.preview(["no url", None], 2)
    assert "no prediction: nothing came back" in repr(seen)
    assert any("items are URLs" in note for note in seen.notes)


def test_a_better_parse_is_suggested(echo):
    """Bytes are the default; whoever fetches JSON wants values."""
    assert fl.preview([f"{echo}/json"]).notes == ['the bodies are JSON → parse="json"']
    assert fl.preview([f"{echo}/html"]).notes == []


def test_an_iterator_is_not_used_up(bed, echo):
    """The run after it would miss the first items without a word."""
    source = (f"{echo}/json?n={n}" for n in range(10))
    with pytest.raises(ConfigError, match=r"give a list, or list\(itertools.islice") as caught:
        fl.preview(source)
    assert caught.value.knob == "requests"
    assert len(list(source)) == 10
    assert bed.counters("echo")["requests"] == 0


def test_an_input_without_a_length_that_can_be_read_anew(echo):
    """It may be endless, so it is not read to its end, and nobody knows how long all of it takes."""

    class Endless:
        def __iter__(self):
            return (f"{echo}/json?n={n}" for n in itertools.count())

    seen = fl.preview(Endless(), 2)
    assert seen.seconds is None
    assert "the input has no length" in repr(seen)
    assert seen.prediction["items"].to_list() == [None]
    assert seen.prediction["rate"][0] > 0


@pytest.mark.parametrize(
    ("requests", "n", "knob"),
    [
        ([], 5, "requests"),
        ("http://x/", 5, "requests"),
        (7, 5, "requests"),
        (["http://x/"], 0, "n"),
        (["x"], True, "n"),
    ],
)
def test_what_cannot_be_previewed(requests, n, knob):
    """A slip is said at the call, with its name."""
    with pytest.raises(ConfigError) as caught:
        fl.preview(requests, n)
    assert caught.value.knob == knob


def test_knobs_of_a_whole_run_do_nothing(bed, echo):
    """The knobs of the fetch to come can be given as they are; a preview must not follow links."""
    knobs = {
        "follow": lambda _: [f"{echo}/json?more"],
        "keep": False,
        "order": "input",
        "deadline": 100,
        "dedup": True,
        "max_error_rate": 0.1,
        "accept": {404},
        "workers": fl.Adaptive(max=30),
    }
    seen = fl.preview([f"{echo}/status/404"] * 2, **knobs)
    assert bed.counters("echo")["requests"] == 2
    assert seen.table()["ok"].to_list() == [True, True]
    assert "up to 30 workers" in repr(seen)


@dataclass
class Echoed:
    wire: str
    args: dict[str, str]


def test_typed_values_have_a_shape_too(echo):
    """What the parser makes is shown, not what was on the wire."""
    seen = fl.preview([f"{echo}/json?n=1"], parse=Echoed)
    assert repr(seen.shape).splitlines()[:2] == ["dict", "wire: str"]
    assert seen.table()["wire"].to_list() == ["echo"]
    response = fl.preview([f"{echo}/json"], parse="response")
    assert response.shape.word() == "Response"
    assert response.table()["value"][0].status == 200


def test_the_html_is_plain_and_escaped(echo):
    """A notebook shows it; a key with markup must not become markup."""
    seen = fl.preview([f"{echo}/json?a=<b>", "<script>alert(1)</script>"])
    shown = seen._repr_html_()
    assert "<table>" in shown
    assert "<script>" not in shown
    assert "style" not in shown
