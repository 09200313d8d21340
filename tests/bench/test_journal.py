"""What a journal costs: the table's arithmetic, and a small run of it."""

from __future__ import annotations

import pytest

import fetchlab as fl
from fetchlab.bench import journal
from fetchlab.policy.keys import url_key

from .made import rounds


def test_the_ratio_is_of_times_with_its_budget():
    """A journal that makes runs slower must not look as if it made them faster."""
    table = journal.table(
        rounds({journal.OFF: (1.0, 4000), journal.ON: (1.1, 4000), journal.PLAIN: (0.4, 4000)}),
        workers=200,
        latency=0.05,
    )
    told = {row["arm"]: row for row in table.to_dicts()}
    assert told[journal.ON]["ratio of times"] == pytest.approx(1.1)
    assert told[journal.ON]["low"] <= told[journal.ON]["ratio of times"] <= told[journal.ON]["high"]
    assert (told[journal.ON]["budget"], told[journal.ON]["met"]) == (1.15, "yes")
    assert (told[journal.OFF]["ideal"], told[journal.OFF]["efficiency"]) == (4000, pytest.approx(1))
    assert told[journal.ON]["efficiency"] == pytest.approx(1 / 1.1)
    assert told[journal.PLAIN]["ideal"] is None


def test_a_made_journal_is_one_that_a_run_goes_on_from(echo, tmp_path):
    """The bench would measure a journal that no run would ever have written."""
    urls = [f"{echo}/json?n={number}" for number in range(50)]
    journal.fill(tmp_path / "j.db", urls[:40])
    run = fl.fetch(urls, journal=tmp_path / "j.db").wait()
    assert run.stats().earlier == 40
    assert run.frame()["key"].to_list() == [url_key("GET", url) for url in urls]
    assert run.result()[0] == b"{}" * 50


def test_a_small_run_of_each(bed, echo):
    """Nobody would see that it cannot run until a year from now."""
    rows = journal.collect(echo, items=20, workers=5, rounds=1)
    assert rows["error"].null_count() == rows.height
    resumed = journal.resume(echo, items=200, rounds=1)
    assert resumed["error"].null_count() == resumed.height
    assert journal.resume_table(resumed)["items known"].to_list() == [198]
