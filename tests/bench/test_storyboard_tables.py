"""The storyboards' tables: every arm once on a small testbed, and their arithmetic on rounds made up."""

from __future__ import annotations

import polars as pl
import pytest

import fetchlab as fl
from fetchlab.bench import storyboard, storyboard_arms, storyboard_tables
from fetchlab.bench.storyboard_arms import Film, Waits


@pytest.fixture(scope="module")
def rows():
    """All arms, as ``--quick`` measures them."""
    return storyboard.collected(**storyboard.QUICK)


def test_every_arm_does_its_work(rows):
    """An arm that loses a scene is fast, too."""
    assert rows["error"].null_count() == rows.height
    assert (rows["ok"] == rows["items"]).all()
    counted = dict(rows.group_by("arm").agg(pl.col("items").max()).iter_rows())
    assert counted["12 scenes: batch 5"] == 12 + 2
    assert counted["4 videos: 5 at a time"] == 3 * 4
    assert counted["ready all at once: published"] == 4


def test_what_is_under_way_is_what_the_arm_says(rows):
    """Otherwise the ratio would be of something else."""
    most = dict(rows.group_by("arm").agg(pl.col("at_once").max()).drop_nulls().iter_rows())
    assert most["12 scenes: one by one"] == most["4 videos: one by one"] == 1
    assert most["12 scenes: batch 5"] == 5
    assert most["12 scenes, CV 0.3: rolling 4"] <= 4
    assert most["loads: 2 at a time"] == 2


def test_context_is_measured_and_not_described(rows):
    """The published table calls it excellent, good and fair."""
    table = storyboard_tables.trade_offs(rows)
    covered = {(row["size"], row["way"]): row["coverage"] for row in table.iter_rows(named=True)}
    assert covered[2, "batch"] > covered[4, "batch"]
    assert all(covered[size, "rolling"] >= covered[size, "batch"] for size in (2, 4))
    one = storyboard_tables.scripts(rows).filter(scenes=12, way="one by one")
    assert one["coverage"].item() == 1.0


def test_the_ideal_of_batches_is_the_slowest_scene_of_each():
    """No barrier is passed earlier."""
    times = {"bible": 1.0, "outline": 2.0} | {f"scene/{n}": float(n) for n in range(1, 8)}
    assert storyboard_arms.least(times, 3, "batch") == 1 + 2 + 3 + 6 + 7
    assert storyboard_arms.least(times, 3, "rolling") == pytest.approx(3 + 28 / 3)
    assert storyboard_arms.least(times, 7, "rolling") == 3 + 7
    assert storyboard_arms.least(times, 1, "batch") == 3 + 28


def test_both_schemes_download_the_same_files_and_the_service_saw_when(bed):
    """Side by side on the same jobs; the published one looks at nothing while it downloads."""
    film = Film(ready=(0.0, 0.3), sent=(0.1, 0.2))
    prompts = [f"Schemes: scene {scene}" for scene in range(6)]
    seen = {}
    for name, way in (
        ("published", storyboard_arms.rendered_as_published),
        ("ours", storyboard_arms.rendered),
    ):
        done = way(bed, prompts, film, 2)
        assert done.more["longest_delay_s"] >= done.more["delay_s"] > 0
        seen[name] = storyboard_arms.moments(bed, prompts), done
    assert seen["ours"][1].more["mb"] == pytest.approx(seen["published"][1].more["mb"])
    assert blind(seen["published"][0]) > blind(seen["ours"][0])
    for table, _ in seen.values():
        assert table.filter(what="download")["scene"].sort().to_list() == [1, 2, 3, 4, 5, 6]


def blind(moments):
    """Downloads during which nobody looked at any job, of those that began before the last look."""
    looks = moments.filter(what="look")["start"]
    sent = moments.filter(pl.col("what") == "download", pl.col("start") < looks.max())
    return sum(
        not looks.is_between(row["start"] + 0.02, row["end"]).any() for row in sent.iter_rows(named=True)
    )


def made(arm, number, seconds, **more):
    return {"round": number, "warmup": False, "arm": arm, "seconds": seconds, "error": None, **more}


def test_claims_are_held_against_intervals():
    """A median above the mark with an interval across it is no yes."""
    rounds = [
        row
        for number in (1, 2, 3)
        for row in (
            made("75 scenes: one by one", number, 31.0, scenes_s=30.0, ideal=30.8),
            made("75 scenes: batch 5", number, 7.0, scenes_s=6.0, ideal=6.8),
            made("20 videos: one by one", number, 9.0, downloads_s=8.0),
            made("20 videos: 5 at a time", number, 2.0, downloads_s=(1.6, 1.7, 1.9)[number - 1]),
            made("ready over a minute: published", number, 6.1, delay_s=0.4),
            made("ready over a minute: ours", number, 6.0, delay_s=0.2),
        )
    ]
    table = storyboard_tables.claims(pl.DataFrame(rounds))
    found = {row["claim"]: (row["measured"], row["met"]) for row in table.iter_rows(named=True)}
    assert found["75 scenes, share of the ideal"] == (pytest.approx(6.8 / 7), "yes")
    assert found["75 scenes, × one by one"] == (pytest.approx(5.0), "yes")
    assert found["20 downloads, × one by one"] == (pytest.approx(8 / 1.7), "unsure")
    assert found["ready over a minute, × the published scheme"] == (pytest.approx(6.1 / 6), "no")
    assert found["ready over a minute, delays, × the published scheme's"] == (pytest.approx(2.0), "yes")


def test_the_published_figures_stand_beside(bed):
    """Minutes as they are published, and the factor that was reached here."""
    arms = storyboard.script_arms(bed, 22, 0.001) | storyboard.download_arms(bed, 5, 0.01)
    rounds = fl.bench.measure(arms, rounds=1, warmup=0)
    scripts = storyboard_tables.scripts(rounds).filter(way="batch 5").row(0, named=True)
    assert (scripts["published_min"], scripts["published_speedup"]) == (0.7, 4.3)
    downloads = storyboard_tables.downloads(rounds)
    assert downloads["published_min"].to_list() == [5.0, 1.0]
    assert downloads.filter(way="one by one")["speedup"].item() == 1.0


def test_a_wait_without_a_spread_is_held_against_the_latency_alone(bed):
    """The service's own work must not hide in the bound."""
    done = storyboard_arms.written(bed, 5, 5, "batch", Waits(0.02))
    assert done.more["ideal"] == pytest.approx(3 * 0.02)
