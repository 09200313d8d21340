"""The timelines' tables: their arithmetic on what was made up, and ways to collect in a real Chromium."""

from __future__ import annotations

import polars as pl
import pytest

from fetchlab.bench import timeline, timeline_arms, timeline_tables
from fetchlab.bench.timeline_arms import Way, collected, steady
from fetchlab.bench.timeline_truth import Complete, complete
from fetchlab.errors import ConfigError
from fetchlab.studies.timeline import MEDIA, POSTS

from .made import rounds

FOUND = {"posts_found": 8.0, "posts": 10.0, "rows": 10.0, "wrong": 1.0, "threads": 0.0, "threads_found": 0.0,
         "quotes": 4.0, "quotes_full": 2.0, "videos": 2.0, "videos_right": 2.0, "visited": 0.0, "memory": 5e6,
         "users": 1.0, "user_s": 3.0, "browsers": 1.0}  # fmt: skip
FILM = {"kind": "video", "url": "v/1.mp4", "playlist": "v/1.m3u8", "variants": [{"url": "v/0.mp4"}]}

THREAD = [6, 7, 8, 9]


def post(number, **more):
    usual = {
        "id": number,
        "where": "timeline",
        "kind": "post",
        "conversation": number,
        "text": "t",
        "links": [],
        "thread": [],
    }
    return {**usual, "media": [], "quote": None, "repost": None, **more}


class Truth(dict):
    """Posts of one user, the newest first, as the testbed tells them."""

    def __init__(self, posts):
        super().__init__(posts=self)
        self._posts = posts

    def of(self, user):
        return self._posts


def stored(*rows, media=()):
    usual = dict.fromkeys(POSTS) | {"user": "u", "own": True, "text": "t"}
    posts = pl.DataFrame([usual | row for row in rows], POSTS)
    return posts, pl.DataFrame([dict.fromkeys(MEDIA) | row for row in media], MEDIA)


def test_what_is_missed_is_counted_as_far_down_as_was_read():
    """A reading may end anywhere; but what it passed over on the way was lost."""
    truth = Truth([post(9), post(8), post(7), post(6), post(5)])
    found = complete(truth, ["u"], *stored({"id": 9}, {"id": 7}, {"id": 3}))
    assert (found.posts, found.posts_found, found.rows, found.wrong) == (3, 2, 3, 1)
    assert found + found == Complete(posts=6, posts_found=4, rows=6, wrong=2)


def test_threads_quotes_and_videos_are_counted_by_what_of_them_is_whole():
    """A quote that was cut, or a video whose address was guessed, is no find."""
    quote = {"id": 70, "gone": False, "text": "whole", "links": [], "media": [FILM]}
    truth = Truth(
        [
            post(9, conversation=6, thread=THREAD, quote=quote),
            post(8, conversation=6, thread=THREAD, where="thread", media=[FILM]),
            post(7, conversation=6, thread=THREAD, where="thread"),
            post(6, conversation=6, thread=THREAD),
            post(5, kind="repost", repost={"id": 50}),
            post(4, where="replies"),
            post(3),
        ]
    )
    whole = [{"id": one} for one in (9, 8, 6, 3)]
    others = [{"id": 50, "own": False}, {"id": 70, "own": False, "text": "whole"}]
    films = [{"post": 70, "url": "v/0.mp4"}, {"post": 8, "url": "v/guessed.mp4"}]
    found = complete(truth, ["u"], *stored(*whole, *others, media=films))
    assert (found.posts, found.posts_found, found.wrong) == (4, 4, 0)
    assert (found.visited, found.threads, found.threads_found) == (1, 2, 1)
    assert (found.quotes, found.quotes_full) == (1, 1)
    assert (found.videos, found.videos_right) == (2, 1)
    for begun in (6, 9):
        part = complete(truth, ["u"], *stored({"id": begun}))
        assert (part.posts, part.posts_found, part.threads) == (1, 1, 0), (
            "some sources end in the middle of one"
        )
    cut = complete(truth, ["u"], *stored(*whole, {**others[1], "text": "who"}))
    assert (cut.posts_found, cut.quotes_full, cut.videos_right) == (3, 0, 0)


def test_the_steady_rate_leaves_out_beginning_and_end():
    """A browser's start would else make few workers look better than they are."""
    seen = [
        (0.0, {}),
        (5.0, {"a": 20}),
        (6.0, {"a": 40, "b": 10}),
        (7.0, {"a": 40, "b": 10}),
        (8.0, {"a": 40, "b": 30}),
    ]
    assert steady(seen, 2) == pytest.approx(2 * (20 + 20) / (1.0 + 2.0))
    assert steady(seen, 1) == pytest.approx(steady(seen, 2) / 2), "one after the other, both take their time"
    assert steady([(0.0, {"a": 20}), (1.0, {"a": 20})], 1) is None


def test_a_table_holds_speeds_against_the_baseline_and_shares_beside():
    """A way that is twice as fast and loses a fifth must not look like one that loses nothing."""
    rows = rounds({"shortcuts: none": (10.0, 40), "shortcuts: far": (5.0, 40)}, steady_per_s=4.0, **FOUND)
    table = timeline_tables.beside(rows, "shortcuts", "none")
    far = table.row(by_predicate=pl.col("way") == "far", named=True)
    assert (far["posts_per_s"], far["ratio"], far["recall"]) == (8.0, pytest.approx(2.0), 0.8)
    assert (far["precision"], far["quotes"], far["videos"], far["threads"]) == (0.9, 0.5, 1.0, None)
    assert table.filter(way="none")["ratio"].to_list() == [None]
    assert timeline_tables.beside(rows, "writes", "none").is_empty()


def test_workers_are_held_against_one_with_and_without_the_start():
    """Four browsers that start at once look slower than they are."""
    arms = {f"workers: dom {count}": (10.0, 10 * count) for count in (1, 2, 4)}
    count = pl.col("items").cast(pl.Float64) / 10
    rows = rounds(arms, **FOUND).with_columns(steady_per_s=count * 10 / 8.0, users=count)
    table = timeline_tables.workers(rows)
    assert table["workers"].to_list() == [1, 2, 4]
    assert table["ratio"].to_list() == [None, pytest.approx(2.0), pytest.approx(4.0)]
    assert table["steady_ratio"].to_list() == [None, pytest.approx(2.0), pytest.approx(4.0)]
    told = timeline_tables.predicted(rows, "dom", users=100, posts=20_000, workers=4)
    assert told.low <= told.seconds <= told.high
    assert told.seconds == pytest.approx(2_000_000 / 5.0 + 2.0 * 100 / 4, rel=0.01)
    (row,) = timeline.predictions(rows).iter_rows(named=True)
    assert (row["collector"], row["workers"], row["posts"]) == ("dom", 4, 20_000)
    with pytest.raises(ConfigError, match="collector"):
        timeline_tables.predicted(rows, "rss", users=1, posts=1, workers=1)


def test_what_a_thread_costs_is_what_remains_when_its_posts_are_paid_for():
    """The same posts take their time also without threads."""
    arms = {"threads: on": (9.0, 30), "threads: off": (8.0, 40)}
    rows = rounds(arms, steady_per_s=1.0, **FOUND).with_columns(
        user_s=pl.when(pl.col("arm") == "threads: on").then(9.0).otherwise(8.0),
        posts_found=pl.when(pl.col("arm") == "threads: on").then(20.0).otherwise(40.0),
        visited=pl.lit(2.0),
    )
    assert timeline_tables.thread_seconds(rows, "threads: on", "threads: off") == pytest.approx((9 - 4) / 2)
    assert (
        timeline_tables.thread_seconds(rows.with_columns(visited=0.0), "threads: on", "threads: off") is None
    )


def test_every_table_has_ways_and_no_other_can_be_asked_for():
    """A mistyped table would be minutes of measuring something else."""
    known = timeline.ways(pace=0.5)
    assert {name.partition(": ")[0] for name in known} == set(timeline.TABLES)
    assert known["improvements: as it was"].pause == (0.5, 1.5)
    for base, name in timeline._BASES.items():
        assert f"{base}: {name}" in known
    with pytest.raises(ConfigError, match="improvements, workers"):
        timeline.ways(["improvement"])


@pytest.mark.parametrize("collector", ["api", "rss"])
def test_what_a_source_carries_is_found_whole(bed, collector):
    """Ratios of speeds mean nothing if an arm brings less than it says; feeds have no files of videos."""
    done = collected(bed, Way(collector=collector, users=2, workers=2, posts=60))
    more = done.more
    assert done.items >= 100
    assert more["posts_found"] == more["posts"] > 80
    assert more["wrong"] == 0
    assert more["quotes_full"] == more["quotes"] > 5
    assert (more["videos_right"] == more["videos"]) == (collector == "api")
    again = collected(bed, Way(collector=collector, places=(6,), again=True))
    assert again.more["posts_found"] == again.more["posts"]


@pytest.mark.browser
def test_a_browser_that_takes_a_shortcut_loses_what_the_document_says(bed):
    """Without a loss that is seen, the table's shares would be of nothing."""
    hasty = {"posts": 6, "pause": (0.0, 0.01), "threads": False}
    assert len(set(timeline_arms.handles(bed, Way(users=8)))) == 8
    blind = collected(bed, Way(**hasty, places=(11,), shortcut="no video capture")).more
    assert blind["posts_found"] == blind["posts"] >= 5
    assert blind["videos_right"] < blind["videos"]
    lost = collected(bed, Way(**hasty, places=(5,), shortcut="no quote navigation")).more
    assert lost["quotes_full"] == 0 < lost["quotes"]


@pytest.mark.slow
@pytest.mark.browser
def test_every_table_is_made_in_a_hurry():
    """What runs once a week must not fail in its last minute."""
    rows = timeline.BENCH.collect(rounds=1, **timeline.QUICK)
    assert rows["error"].is_null().all()
    titles = [title for title, _, _ in timeline.BENCH.tables(rows)]
    assert len(titles) == len(timeline.TABLES) + 1
    kept = rows.filter(pl.col("arm").str.starts_with("workers: "))
    assert (kept["wrong"] == 0).all()
    assert (kept["posts_found"] == kept["posts"]).all()
