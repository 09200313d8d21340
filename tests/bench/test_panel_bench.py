"""What watching a run costs: the arithmetic of the table, and a small run in a real kernel."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fetchlab.bench import panel
from fetchlab.bench.rounds import Measurement, measure


def measured(seconds, messages, ticker):
    more = {"messages": float(messages), "sent": 2.0 * messages, "ticker_s": ticker}
    return lambda: Measurement(seconds, 1000, 1000, 1000, more=more)


def table(seconds, messages, ticker):
    arms = {panel.UNWATCHED: measured(1.0, 0, 0.0), panel.PANEL: measured(seconds, messages, ticker)}
    return {row["arm"]: row for row in panel.table(measure(arms, rounds=5)).to_dicts()}


@pytest.mark.parametrize(
    ("seconds", "messages", "ticker", "met"),
    [(1.02, 12, 0.05, "yes"), (1.5, 12, 0.05, "no"), (1.02, 80, 0.05, "unsure"), (1.02, 12, 0.5, "unsure")],
)
def test_each_part_of_the_budget_counts(seconds, messages, ticker, met):
    """A panel that keeps the speed and floods the page is no better than a slow one."""
    row = table(seconds, messages, ticker)[panel.PANEL]
    assert row["met"] == met
    assert row["ratio"] == row["efficiency"] == pytest.approx(1 / seconds)
    assert row["messages in a second, most"] == messages
    assert row["share of a core"] == pytest.approx(ticker / seconds)


@given(st.lists(st.floats(0, 20), max_size=40).map(sorted))
def test_the_busiest_second_holds_no_fewer_than_any_other(moments):
    """A mean would hide a burst that stalls the page."""
    most = panel.busiest(moments)
    for begin in moments:
        assert sum(begin <= moment < begin + 1.0 for moment in moments) <= most
    assert most <= len(moments)


def test_a_panel_in_a_real_kernel(bed, echo):
    """At 30,000 items a second the page must get the same few messages as at 30."""
    bed.configure(latency=0.01)
    rows = panel.collect(f"{echo}/json", items=300, workers=10, rounds=1)
    assert rows["error"].null_count() == rows.height
    found = {row["arm"]: row for row in rows.filter(~rows["warmup"]).to_dicts()}
    assert found.keys() == set(panel.ARMS)
    assert found[panel.UNWATCHED]["messages"] == 0
    assert 4 <= found[panel.PANEL]["messages"] <= panel.MESSAGES + 10, (
        "its first and its last are more than usual"
    )
