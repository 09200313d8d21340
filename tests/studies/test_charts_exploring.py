"""What charts tell, on tables that are made by hand and on the testbed's two days."""

from __future__ import annotations

import polars as pl
import pytest

from fetchlab.errors import ConfigError
from fetchlab.studies import charts


def table(*charts_of):
    """A table of ``(country, category, "abc")``: apps by letter, best first."""
    rows = [
        {"country": country, "category": category, "collection": "topselling_free", "rank": rank,
         "app_id": letter, "title": letter.upper()}
        for country, category, letters in charts_of
        for rank, letter in enumerate(letters, 1)
    ]  # fmt: skip
    return pl.DataFrame(rows, {name: charts.CHARTS[name] for name in rows[0]})


def test_countries_share_what_is_in_the_same_chart_of_both():
    """An app that is in another category of the other country is not shared, nor is it counted twice."""
    found = charts.overlap(table(("us", "TOOLS", "abc"), ("kr", "TOOLS", "bcd"), ("kr", "SOCIAL", "a")))
    rows = {row[:2]: row[2:] for row in found.iter_rows()}
    assert rows["us", "kr"] == rows["kr", "us"] == (2, 5, 0.4)
    assert rows["us", "us"] == (3, 3, 1.0)
    assert list(rows) == sorted(rows)
    apart = charts.overlap(table(("us", "TOOLS", "ab"), ("kr", "TOOLS", "cd")))
    assert apart.filter(country="us", other="kr").row(0) == ("us", "kr", 0, 4, 0.0)


def test_movers_are_told_by_how_far():
    """Up is towards the first rank; who is new or gone has moved no number of ranks."""
    found = charts.movers(table(("us", "TOOLS", "abcd")), table(("us", "TOOLS", "dbae")))
    told = {row["app_id"]: (row["before"], row["after"], row["climbed"], row["change"])
            for row in found.iter_rows(named=True)}  # fmt: skip
    assert told == {
        "d": (4, 1, 3, "up"),
        "a": (1, 3, -2, "down"),
        "b": (2, 2, 0, "same"),
        "c": (3, None, None, "gone"),
        "e": (None, 4, None, "new"),
    }
    assert found["app_id"].to_list() == ["d", "a", "b", "c", "e"]
    assert found["title"].to_list() == ["D", "A", "B", "C", "E"]


def test_charts_are_kept_apart():
    """The same app in another country has not moved."""
    found = charts.movers(table(("us", "TOOLS", "ab")), table(("us", "TOOLS", "ab"), ("kr", "TOOLS", "ba")))
    assert found.filter(country="us")["change"].to_list() == ["same", "same"]
    assert found.filter(country="kr")["change"].to_list() == ["new", "new"]


def test_two_days_of_the_testbed(bed, monkeypatch):
    """From the service to the movers: what a person does who comes back the next day."""
    monkeypatch.setenv("FETCHLAB_PLAY_URL", bed.urls["play"])

    def snapshot():
        return charts.frame(charts.fetch_category_lists(["us", "kr"], ["TOOLS", "SOCIAL"], 50))

    before = snapshot()
    assert set(charts.movers(before, snapshot())["change"]) == {"same"}
    bed.configure("play", day=1)
    after = charts.movers(before, snapshot())
    assert {"up", "down", "new", "gone"} <= set(after["change"])
    assert after.filter(change="new").height == after.filter(change="gone").height
    share = charts.overlap(before).filter(country="us", other="kr")["share"].item()
    assert 0 < share < 1


def test_lists_that_did_not_come_do_not_count(bed, monkeypatch):
    """A row with an error names no app."""
    monkeypatch.setenv("FETCHLAB_PLAY_URL", bed.urls["play"])
    lists = charts.fetch_and_parse_list_batch(
        [charts.ListRequest("us", "TOOLS", num_results=3), charts.ListRequest("us", "UNHEARD")]
    )
    assert charts.overlap(charts.frame(lists)).row(0) == ("us", "us", 3, 3, 1.0)


@pytest.mark.parametrize("given", [[], pl.DataFrame({"a": [1]})])
def test_other_tables_are_refused(given):
    """A column that is missing should be said in words."""
    with pytest.raises(ConfigError, match=r"charts\.frame"):
        charts.overlap(given)
    with pytest.raises(ConfigError, match="after"):
        charts.movers(table(("us", "TOOLS", "a")), given)
