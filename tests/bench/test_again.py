"""Work that is asked for again: what each arm's calls ask the server, and the table's arithmetic."""

from __future__ import annotations

import polars as pl
import pytest

from fetchlab.bench import again


def test_what_each_arm_remembers(bed, echo):
    """The advice on when to use which rests on these counts."""
    rows = again.collect(echo, lambda: bed.counters("echo")["requests"], items=20, workers=4, rounds=1)
    asked = {(row["arm"], row["call"]): (row["requests"], row["parsed"]) for row in rows.to_dicts()}
    assert {call: asked["neither", call] for call in again.CALLS} == dict.fromkeys(again.CALLS, (20, True))
    assert [asked["cache", call] for call in again.CALLS] == [(20, True), (0, True), (0, True), (10, True)]
    assert [asked["journal", call] for call in again.CALLS] == [(20, True), (0, True), (0, False), (20, True)]
    assert [asked["both", call] for call in again.CALLS] == [(20, True), (0, True), (0, False), (10, True)]
    assert rows["round"].to_list() == [1] * 16


def test_tables_are_of_medians_and_pairs():
    """A ratio of one round's cache to another round's bare run says nothing."""
    rows = pl.DataFrame(
        [
            {"round": number, "arm": arm, "call": call, "requests": 1500, "parsed": True,
             "seconds": number * (2.0 if arm == "both" else 1.0)}
            for number in (1, 2, 4) for arm in again.ARMS for call in again.CALLS
        ]
    )  # fmt: skip
    table = again.table(rows)
    assert table.columns == ["arm", *again.CALLS]
    assert table.row(0) == ("neither", *["1,500 in 2 s"] * 4)
    costs = {row["arm"]: row for row in again.costs(rows).to_dicts()}
    assert list(costs) == ["cache", "journal", "both"]
    assert (costs["both"]["ratio"], costs["both"]["low"], costs["both"]["high"]) == pytest.approx((2, 2, 2))
