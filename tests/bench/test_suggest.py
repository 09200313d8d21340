"""Suggestions: what files remember of a host, and what follows from it, with the evidence in words."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import fetchlab as fl
from fetchlab.bench import proposals
from fetchlab.bench.evidence import Changes, Session, changes, measured, sessions
from fetchlab.engine import remembered
from fetchlab.errors import ConfigError

HOST = "http://a.test"
WHEN = datetime(2026, 1, 2, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _nothing_known(monkeypatch):
    monkeypatch.setattr(remembered, "_found", {})


@pytest.fixture
def data(tmp_path):
    """A folder like a project's own."""
    folder = tmp_path / "data"
    (folder / "runs").mkdir(parents=True)
    return folder


def told(found, knob):
    (row,) = [row for row in found.rows if row.knob == knob]
    return row


def session(workers=20, rate=100.0, refused=0, items=1000, when=WHEN):
    return Session(Path("a.db"), when, workers, items, items / rate, 0.05, refused, 2 * rate)


def urls(echo, count):
    return [f"{echo}/json?n={number}" for number in range(count)]


def test_nothing_known_is_said(data):
    """A guess that looks like a measurement would be worse than none."""
    found = fl.suggest([f"{HOST}/x"], data)
    assert told(found, "workers").value == fl.Adaptive()
    assert "fl.sweep(work) finds out" in told(found, "workers").evidence
    assert {row.source for row in found.rows} == {""}
    assert found.knobs == {"workers": fl.Adaptive()}


def test_a_journal_speaks_for_its_host(bed, echo, data):
    """The run of yesterday knows how many workers the host took, and how fast items came."""
    bed.configure(latency=0.01)
    fl.fetch(urls(echo, 40), workers=8, journal=data / "runs" / "a.db", progress=False).wait()
    (known,) = sessions(data, echo)
    assert (known.items, known.workers, known.refused) == (40, 8, 0)
    assert known.service >= 0.01
    found = fl.suggest(urls(echo, 3), data)
    assert told(found, "workers").value == fl.Adaptive(start=8)
    assert "never refused at 8 workers" in told(found, "workers").evidence
    assert told(found, "workers").source.endswith("a.db")
    assert told(found, "rate").value is None
    assert told(fl.suggest(f"{HOST}/x", data), "workers").source == "", "another host's journal says nothing"


def test_a_host_that_refuses_gets_a_rate(bed, echo, data):
    """Being told 429 again and again is neither fast nor polite."""
    bed.configure(error_rate={429: 0.3})
    fl.fetch(
        urls(echo, 12), workers=8, journal=data / "runs" / "a.db",
        retry=fl.Retry(attempts=9, base=0.01, budget=1.0), progress=False,
    ).wait()  # fmt: skip
    (known,) = sessions(data, echo)
    assert known.refused > 0
    row = told(fl.suggest(urls(echo, 1), data), "rate")
    assert isinstance(row.value, fl.RateLimit)
    assert f"refused {known.refused} times at 8 workers" in row.evidence
    assert fl.suggest(urls(echo, 1), data).knobs["rate"] == {echo: row.value}


def test_a_later_sweep_takes_the_refusals_back(bed, echo, data):
    """One bad afternoon must not slow every run of the next year."""
    bed.configure(error_rate={429: 0.3})
    patient = fl.Retry(attempts=9, base=0.01, budget=1.0)
    journal = data / "runs" / "a.db"
    fl.fetch(urls(echo, 12), workers=8, journal=journal, retry=patient, progress=False).wait()
    assert "rate" in fl.suggest(urls(echo, 1), data).knobs
    bed.configure(profile="flat", latency=0.002)
    fl.sweep(urls(echo, 200), (1, 2, 4), rounds=1, seconds=0.1, progress=False).save(data / "swept")
    found = fl.suggest(urls(echo, 1), data)
    assert "rate" not in found.knobs
    assert "nothing was refused" in told(found, "rate").evidence


def test_later_sessions_take_refusals_back():
    """What was faster since then and was not refused is the better witness; what was slower is none."""
    refused = session(refused=9, rate=10.0)
    for speed, rate in ((100.0, None), (5.0, fl.RateLimit(20.0))):
        later = session(rate=speed, when=WHEN + timedelta(days=1))
        assert proposals.rate(HOST, [refused, later]).value == rate


def test_the_pauses_of_a_host_are_no_rate(bed, echo, data):
    """A host that closes for a second after each refusal takes more than one item a second."""
    bed.configure(error_rate={429: 0.3})
    patient = fl.Retry(attempts=9, base=0.01, budget=1.0)
    fl.fetch(urls(echo, 12), workers=8, journal=data / "runs" / "a.db", retry=patient, progress=False).wait()
    (known,) = sessions(data, echo)
    assert known.sustained >= known.rate
    assert fl.suggest(urls(echo, 1), data).knobs["rate"][echo].rate == float(f"{known.sustained:.2g}")


def test_a_sweep_speaks_before_everything_else(bed, echo, data):
    """It was made to answer this question."""
    bed.configure(latency=0.01)
    fl.compare(urls(echo, 24), [2, 8], rounds=2).save(data / "compared")
    row = told(fl.suggest(urls(echo, 1), data), "workers")
    assert row.value in (2, 8)
    assert "of 2 arms compared" in row.evidence
    assert row.source.endswith("compared")
    swept = fl.sweep(urls(echo, 200), (1, 2, 4), rounds=2, seconds=0.2)
    swept.save(data / "swept")
    row = told(fl.suggest(urls(echo, 1), data), "workers")
    assert row.value == swept.recommended
    assert row.evidence.startswith("a sweep: ")
    assert measured(data, HOST, "sweep") == []


def test_caches_tell_how_often_things_change(bed, echo, data, monkeypatch):
    """A ttl is right if it is shorter than the time between two changes."""
    with fl.Cache(data / "http.db", ttl=0.001) as cache:
        for _ in range(3):
            fl.fetch(urls(echo, 5), cache=cache, progress=False).wait()
    (known,) = changes(data, echo)
    assert (known.again, known.changed, known.interval) == (5, 0, None)
    row = told(fl.suggest(urls(echo, 1), data), "ttl")
    assert row.value == 3600.0
    assert "none of 5 entries changed" in row.evidence


def test_several_hosts_have_rows_of_their_own(data):
    """The workers of one host say nothing about another."""
    found = fl.suggest([f"{HOST}/1", "http://b.test/1", f"{HOST}/2"], data)
    assert found.frame()["host"].unique(maintain_order=True).to_list() == [HOST, "http://b.test"]
    assert found.frame().height == 8
    assert found.knobs == {"workers": fl.Adaptive(start="history")}
    assert "http://b.test workers=" in repr(found)
    assert "<table" in found._repr_html_()


@pytest.mark.parametrize(
    ("known", "limit", "value", "why"),
    [
        ([session(20), session(5, 96.0)], None, 5, "within 5 % of the best of 5 to 20 workers"),
        ([session(20), session(5, 80.0)], None, 20, "100 items/s"),
        ([session(20, refused=7)], None, 20, "7 attempts were refused"),
        ([session(20)], 33, fl.Adaptive(max=66, start=33), "stood at 33"),
        ([], 8, fl.Adaptive(start=8), "stood at 8"),
    ],
)
def test_what_sessions_say_of_workers(known, limit, value, why):
    """The fewest that reach the best rate; more only where nobody complained."""
    row = proposals.workers(HOST, known, limit)
    assert row.value == value
    assert why in row.evidence


@pytest.mark.parametrize(
    ("known", "value"),
    [
        (Changes(Path("c.db"), 10, 5, 7200.0, 9e4, WHEN), 3600.0),
        (Changes(Path("c.db"), 10, 5, 30.0, 9e4, WHEN), 20.0),
        (Changes(Path("c.db"), 10, 0, None, 2e5, WHEN), 86_400.0),
        (Changes(Path("c.db"), 10, 0, None, 60.0, WHEN), 3600.0),
    ],
)
def test_what_changes_say_of_the_ttl(known, value):
    """Half of the time between two changes, in times that people use; nothing changed is at least an hour."""
    assert proposals.ttl(HOST, [known]).value == value


@pytest.mark.parametrize(("rate", "size"), [(5.0, 10), (1234.0, 120), (1e6, 1000)])
def test_what_a_rate_says_of_the_batch(rate, size):
    """Fifty commits a second are too many, one every ten seconds loses too much."""
    assert proposals.batch_size(HOST, [session(rate=rate)]).value == size


@pytest.mark.parametrize("work", [[], (abs, [1]), "no url", 7])
def test_without_a_host_there_is_nothing_to_suggest(work, data):
    """The knob is named."""
    with pytest.raises(ConfigError, match="work"):
        fl.suggest(work, data)
