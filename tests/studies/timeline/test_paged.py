"""Timelines from the API and from feeds, beside what the users have really posted."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time

import polars as pl
import pytest

import fetchlab as fl
from fetchlab.errors import (
    ConfigError,
    EmptyTimeline,
    ProtectedUser,
    StatusError,
    StudyError,
    SuspendedUser,
    UnknownUser,
)
from fetchlab.studies.timeline import POSTS, Timeline
from fetchlab.studies.timeline.rows import Found, Post
from fetchlab.studies.timeline.rss import Rss

from .truths import LESS, LONG, SHORT, THOUSANDS, collected, media_of, text_of

ALL = (LONG, LESS, SHORT)
CARRIED = {"api": (), "rss": ("repost",)}
"""Kinds that a source cannot carry: feeds do not tell a repost's id."""
WHERE = {"api": ("timeline", "thread"), "rss": ("timeline",)}
"""Feeds show of a thread what the timeline shows."""


@pytest.mark.parametrize("places", [ALL, pytest.param(THOUSANDS, marks=pytest.mark.slow)])
@pytest.mark.parametrize("collector", ["api", "rss"])
def test_everything_that_the_source_carries_is_there_and_nothing_else(timeline, truth, collector, places):
    """Speed is worth nothing if posts are missed, texts are cut or videos are not where they should be."""
    handles = [truth.handle(place) for place in places]
    run = timeline.collect(handles, collector, progress=False).raise_for_errors()
    table = run.result()
    assert table.schema == POSTS
    rows = {row["id"]: row for row in table.iter_rows(named=True)}
    assert len(rows) == table.height
    media = collected(timeline.frame("media"), rows)
    for handle in handles:
        known = truth.timeline(handle, kinds=CARRIED[collector], where=WHERE[collector])
        assert known.keys() == {key for key, row in rows.items() if row["user"] == handle}
        for key, post in known.items():
            row = rows[key]
            assert row["text"] == text_of(post, links_out=collector == "rss")
            assert row["pinned"] == post["pinned"]
            assert row["created_at"].strftime("%Y-%m-%dT%H:%M:%S.000Z") == post["created_at"]
            files = [one["url"] for one in media.get(key, [])]
            if collector == "rss":  # a feed has the still of a video alone
                kinds = [one["kind"] for one in post["media"]]
                files = [url or f"no {kind}" for url, kind in zip(files, kinds, strict=True)]
                known_files = ["no video" if one["kind"] == "video" else one["url"] for one in post["media"]]
                assert files == known_files
            else:
                assert files == media_of(post)
                assert (row["likes"], row["views"]) == (post["likes"], post["views"])
                assert row["conversation"] == post["conversation"]
    assert run.notes["ends"] == dict.fromkeys(handles, "end")
    assert run.notes["rejected"] == []


def test_a_feeds_reposts_are_there_as_what_was_reposted(timeline, truth):
    """A feed does not tell a repost's id; what was reposted it tells in full."""
    handle = truth.handle(LONG)
    timeline.collect(handle, "rss", progress=False).raise_for_errors()
    every = {row["id"]: row for row in timeline.frame().iter_rows(named=True)}
    reposted = [post["repost"] for post in truth.timeline(handle).values() if post["repost"]]
    assert len(reposted) > 10
    for post in reposted:
        assert every[post["id"]]["text"] == text_of(post | {"kind": "post"}, links_out=True)
        assert not every[post["id"]]["own"]


@pytest.mark.parametrize("collector", ["api", "rss"])
def test_quotes_are_whole_and_have_their_media(timeline, truth, collector):
    """A timeline cuts what is quoted to a few words; whoever reads the quote needs all of it."""
    handle = truth.handle(LONG)
    timeline.collect(handle, collector, progress=False).raise_for_errors()
    posts = {row["id"]: row for row in timeline.frame().iter_rows(named=True)}
    edges = collected(timeline.frame("edges"), posts)
    media = collected(timeline.frame("media"), posts)
    quotes = [post for post in truth.timeline(handle).values() if post["kind"] == "quote"]
    assert len(quotes) > 20
    for post in quotes:
        (edge,) = [edge for edge in edges[post["id"]] if edge["kind"] == "quote"]
        other = post["quote"]
        assert edge["gone"] == other["gone"]
        if other["gone"]:
            continue
        assert (edge["other"], edge["user"]) == (other["id"], other["user"])
        kind = {"kind": "post"}
        assert posts[other["id"]]["text"] == text_of(other | kind, links_out=collector == "rss")
        assert not posts[other["id"]]["own"]
        assert len(media.get(other["id"], [])) == len(other["media"])


def test_threads_are_complete(timeline, truth):
    """The timeline shows a thread's first post and its last two."""
    handle = truth.handle(LONG)
    table = timeline.collect(handle, "api", progress=False).raise_for_errors().result()
    threads = {tuple(post["thread"]) for post in truth.timeline(handle).values() if post["thread"]}
    assert max(map(len, threads)) > 4
    for thread in threads:
        rows = table.filter(pl.col("conversation") == min(thread))
        assert set(rows["id"]) == set(thread)


def test_a_second_call_brings_what_is_new_and_asks_for_little(bed, timeline, truth):
    """A job that runs every night must not read twenty thousand posts for the ten of today."""
    handle = truth.handle(LONG)
    whole = timeline.collect(handle, "api", progress=False).raise_for_errors().result()
    bed.reset_counters()
    again = timeline.collect(handle, "api", progress=False).raise_for_errors()
    assert again.result().drop("seen_at").equals(whole.drop("seen_at"))
    assert again.notes["ends"] == {handle: "known"}
    assert bed.counters("api")["requests"] == 2
    bed.reset_counters()
    timeline.collect(handle, "api", resume=False, progress=False).raise_for_errors()
    assert bed.counters("api")["requests"] == 3


def test_max_posts_are_the_newest(timeline, truth):
    """A sample must be the newest posts, not any."""
    handle = truth.handle(LONG)
    table = timeline.collect(handle, "api", max_posts=30, progress=False).raise_for_errors().result()
    newest = list(truth.timeline(handle))[:30]
    assert table["id"].to_list() == newest
    more = timeline.collect(handle, "api", max_posts=70, progress=False).raise_for_errors().result()
    assert more["id"].to_list() == list(truth.timeline(handle))[:70]
    rest = timeline.collect(handle, "api", progress=False).raise_for_errors().result()
    assert set(rest["id"]) == set(truth.timeline(handle))


@pytest.mark.parametrize("collector", ["api", "rss"])
def test_who_has_no_timeline_is_an_error_that_says_why(timeline, truth, collector):
    """An account that was suspended must not look like one that is silent."""
    handles = [truth.handle(94), truth.handle(96), truth.handle(98), "nobody_at_all", truth.handle(SHORT)]
    run = timeline.collect(handles, collector, progress=False).wait()
    kinds = {result.key.split("/")[1]: type(result.error) for result in run.results() if result.error}
    protected = ProtectedUser if collector == "api" else UnknownUser  # a feed does not tell them apart
    assert kinds == dict(zip(handles, [EmptyTimeline, protected, SuspendedUser, UnknownUser], strict=False))
    assert set(run.result()["user"]) == {truth.handle(SHORT)}


def test_nothing_is_lost_when_one_answer_in_twenty_is_wrong(bed, timeline, truth):
    """A page of a hundred posts that failed once must not be missing, nor be there twice."""
    bed.configure("api", error_rate={429: 0.1, 503: 0.1}, truncate=0.05)
    handles = [truth.handle(place) for place in ALL]
    table = timeline.collect(handles, "api", progress=False).raise_for_errors().result()
    assert table["id"].is_unique().all()
    assert set(table["id"]) == {key for handle in handles for key in truth.timeline(handle)}


def test_a_months_cap_is_not_tried_again(bed, timeline, truth):
    """It does not open before the month is over, and every further request is one too many."""
    bed.configure("api", usage_cap=100)
    run = timeline.collect(truth.handle(LONG), "api", progress=False).wait()
    (error,) = [result.error for result in run.results() if result.error]
    assert isinstance(error, StudyError)
    assert "usage-capped" in str(error)
    assert bed.counters("api")["requests"] == 3
    assert run.result().height > 50
    bed.configure("api", usage_cap=None)
    assert set(timeline.collect(truth.handle(LONG), "api", progress=False).result()["id"]) == set(
        truth.timeline(truth.handle(LONG))
    )


def test_a_wrong_token_is_said_and_never_shown(bed, truth, tmp_path):
    """A secret in a notebook's output is sent to everybody who gets the notebook."""
    bad = Timeline(
        bed.urls["timeline"],
        bed.urls["echo"] + "/status/401?",
        token="very-secret-token",
        store=tmp_path / "t.db",
    )
    run = bad.collect("someone", "api", progress=False).wait()
    assert isinstance(run.results()[0].error, StatusError)
    for shown in (repr(bad), repr(run.results()), str(run.errors()), str(run.frame())):
        assert "very-secret" not in shown


def test_refetching_replaces_a_user_when_that_user_is_complete(bed, timeline, truth):
    """Rows that are deleted before the new ones are there are lost to the first failure."""
    whole, half = truth.handle(SHORT), truth.handle(LONG)
    timeline.collect([whole, half], "api", progress=False).raise_for_errors()
    before = timeline.frame().drop("seen_at", "source")
    bed.configure("api", usage_cap=130)
    run = timeline.refetch_all([whole, half], "api", workers=1, progress=False).wait()
    assert run.stats().failed == 1
    assert timeline.frame().drop("seen_at", "source").equals(before)
    bed.configure("api", usage_cap=None)
    timeline.refetch_all([whole, half], "api", progress=False).raise_for_errors()
    assert timeline.frame().drop("seen_at", "source").equals(before)
    assert timeline.frame("media")["post"].is_in(before["id"].implode()).all()


def test_refetching_forgets_what_is_no_longer_there(timeline, truth):
    """A post that was deleted stays in a store that only ever adds."""
    handle = truth.handle(SHORT)
    timeline.collect(handle, "api", progress=False).raise_for_errors()
    stale = 1 << 40
    timeline._store._writer.call(
        lambda connection: connection.execute(
            "INSERT INTO posts (id, user, own, text) VALUES (?, ?, 1, 'deleted since')", (stale, handle)
        )
    ).result()
    assert stale in set(timeline.frame()["id"])
    timeline.refetch_all(handle, "api", progress=False).raise_for_errors()
    assert stale not in set(timeline.frame()["id"])
    assert set(timeline.frame().filter(own=True)["id"]) == set(truth.timeline(handle))


def test_a_feed_fills_gaps_and_spoils_nothing(timeline, truth):
    """A poorer source read later would put shortened texts in the place of whole ones."""
    handle = truth.handle(SHORT)
    rich = timeline.collect(handle, "api", progress=False).raise_for_errors().result()
    poor = timeline.collect(handle, "rss", progress=False).raise_for_errors().result()
    assert poor.drop("seen_at").equals(rich.drop("seen_at"))


def test_a_call_leaves_no_thread_and_no_open_file(timeline, truth):
    """A notebook makes hundreds of calls; each would keep the store's file for itself."""
    before = set(threading.enumerate())
    timeline.collect(truth.handle(SHORT), "api", progress=False).raise_for_errors()
    assert "fetchlab-timeline" not in {thread.name for thread in set(threading.enumerate()) - before}
    assert not timeline._store.path.with_name("timeline.db-wal").exists()
    run = timeline.collect("nobody_at_all", "api", progress=False).wait()
    assert run.retry_failed().wait().stats().failed == 1


PROCESS = """
import sys
import fetchlab as fl
from fetchlab.studies.timeline import Timeline
site, api, store, user = sys.argv[1:]
run = Timeline(site, api, token="t", store=store).collect(user, "api", batch_write_size=10, progress=False)
for result in run:
    print(result.key, flush=True)
"""


def test_a_killed_process_goes_on_where_it_was(bed, timeline, truth, tmp_path):
    """What is stored is not asked for again, and what is not stored is."""
    bed.configure("api", latency=0.15)
    handle = truth.handle(7)  # 3,500 posts
    store = tmp_path / "timeline.db"
    words = [sys.executable, "-c", PROCESS, bed.urls["timeline"], bed.urls["api"], str(store), handle]
    with subprocess.Popen(words, stdout=-1, text=True) as process:
        for _ in range(8):
            process.stdout.readline()
        time.sleep(0.2)
        os.kill(process.pid, signal.SIGKILL)
    kept = timeline.frame()
    assert kept.filter(own=True).height >= 300
    bed.configure("api", latency=0)
    bed.reset_counters()
    run = timeline.collect(handle, "api", progress=False).raise_for_errors()
    newest = {
        key
        for key, post in list(truth.timeline(handle, where=("timeline", "thread", "replies")).items())[:3200]
        if post["where"] != "replies"
    }
    assert set(run.result()["id"]) == newest
    assert bed.counters("api")["requests"] <= 33 - 5


@pytest.mark.parametrize(
    ("knob", "call"),
    [
        ("users", lambda one: one.collect("no such name")),
        ("users", lambda one: one.collect([7])),
        ("collector", lambda one: one.collect("a", "tea leaves")),
        ("max_posts", lambda one: one.collect("a", max_posts=0)),
        ("workers", lambda one: one.collect("a", workers=0)),
        ("batch_write_size", lambda one: one.collect("a", batch_write_size="50")),
        ("table", lambda one: one.frame("tweets")),
        ("kind", lambda one: one.export("x", "pickle")),
        ("base_url", lambda one: Timeline("example.org")),
        ("api_url", lambda one: Timeline("http://a").collect("a", "api")),
        ("token", lambda one: Timeline("http://a", "http://b").collect("a", "api")),
        ("rss_url", lambda one: Timeline("http://a").collect("a", "rss")),
    ],
)
def test_knobs_that_cannot_work_are_refused_by_name(timeline, monkeypatch, knob, call):
    """Found out from an empty table, a mistyped knob costs an hour."""
    monkeypatch.delenv("TIMELINE_TOKEN", raising=False)
    with pytest.raises(ConfigError, match=f"^{knob}: "):
        call(timeline)


def test_an_empty_store_gives_empty_tables(timeline):
    """The first cell of a notebook looks before anything was collected."""
    assert timeline.frame().schema == POSTS
    assert timeline.frame("windows").height == 0
    assert isinstance(fl.studies.timeline.Timeline, type)


def test_an_api_that_ends_early_takes_no_history_away(timeline, truth):
    """It gives the newest 3,200: of a longer timeline the rest was collected from elsewhere, and is kept."""
    handle = truth.handle(7)  # 3,500 posts
    stale = Post(id=1 << 40, user=handle, own=True, text="older than what the API gives")
    timeline._store.add(Found([stale]), "network")
    timeline.refetch_all(handle, "api", progress=False).raise_for_errors()
    assert stale.id in set(timeline.frame().filter(own=True)["id"])


def test_refetching_from_a_feed_spoils_nothing(timeline, truth):
    """Counts, languages and reposts, which no feed carries, would go with the rows that it replaces."""
    handle = truth.handle(SHORT)
    rich = timeline.collect(handle, "api", progress=False).raise_for_errors().result()
    media = timeline.frame("media")
    known = media["post"].unique().implode()
    poor = timeline.refetch_all(handle, "rss", progress=False).raise_for_errors().result()
    assert poor.drop("seen_at").equals(rich.drop("seen_at"))
    assert timeline.frame("media").filter(pl.col("post").is_in(known)).equals(media)


def test_a_page_that_leads_to_itself_is_an_error(timeline, truth, monkeypatch):
    """A frontend that does not heed its cursor would be asked for ever."""
    usual, cursors = Rss.parse, []

    def circles(self, response):
        found = usual(self, response)
        cursors.append(found.cursor)
        found.cursor = cursors[0]
        return found

    monkeypatch.setattr(Rss, "parse", circles)
    run = timeline.collect(truth.handle(LONG), "rss", progress=False).wait()
    assert run.stats().failed == 1
    assert "leads to itself" in str(run.results()[-1].error)
