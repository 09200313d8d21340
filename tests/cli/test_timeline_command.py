"""``fetchlab timeline fetch``, as it is typed."""

from __future__ import annotations

import signal
import sqlite3
import time

import polars as pl
import pytest

import fetchlab as fl
from fetchlab.cli import timeline_said
from fetchlab.studies.timeline import POSTS, dom, network

PLACES = {"long": 4, "less": 5, "short": 6, "large": 8, "empty": 94, "protected": 96, "suspended": 98}


@pytest.fixture
def who(bed):
    """Handles of the testbed's users by what is special about them."""
    users = bed.truth("timeline")["users"]
    return {name: users[place]["handle"] for name, place in PLACES.items()}


@pytest.fixture
def served(bed, monkeypatch):
    """The flags that name the testbed's services, and a token in the environment."""
    monkeypatch.setenv("TIMELINE_TOKEN", "a-token-of-tests")
    urls = bed.urls
    return ["--base-url", urls["timeline"], "--api-url", urls["api"], "--rss-url", urls["rss"]]


def rows_of(out):
    """The summary's rows by user: their words."""
    return {line.split()[0]: line.split() for line in out.splitlines() if line.strip()}


def test_the_documented_command_stores_the_posts_and_goes_on(fetchlab, bed, served, who, tmp_path):
    """The second call of the same words asks for what is new alone, and says how each user ended."""
    words = ["--user", f"@{who['long']}", "--user", who["short"], "--collector", "api"]
    more = ["--workers", 4, "--fast", "--async", "--batch-write-size", 50, "--export", "out/posts.parquet"]
    said = fetchlab("timeline", "fetch", *words, *more, *served)
    assert said.code == 0, said.err
    table = pl.read_parquet(tmp_path / "out" / "posts.parquet")
    assert table.schema == POSTS
    assert set(table["user"]) == {who["long"], who["short"]}
    row = rows_of(said.out)[who["long"]]
    assert row[1:4] == ["end", str(table.filter(user=who["long"]).height), "200"]
    assert "fetchlab monitor data/runs/timeline-journal.db" in said.out
    assert "there is no other mode" in said.out
    assert "The store is data/runs/timeline.db" in said.out
    before = bed.counters("api")["requests"]
    again = fetchlab("timeline", "fetch", *words, *served)
    assert again.code == 0
    assert rows_of(again.out)[who["long"]][1] == "known"
    assert bed.counters("api")["requests"] - before == 4
    watched = fetchlab("monitor", "data/runs/timeline-journal.db", "--once")
    assert watched.code == 0, watched.err
    assert "4" in watched.out


def test_without_a_url_it_starts_the_testbed_and_says_so(fetchlab, tmp_path):
    """A newcomer's first command must not meet somebody else's server, nor mix its posts with real ones."""
    said = fetchlab("timeline", "fetch", "--user", "anna_martin", "--collector", "rss", "--latency", 0.001)
    assert said.code == 0, said.err
    assert "local testbed serves http://127.0.0.1:" in said.out
    assert (tmp_path / "data" / "runs" / "timeline-testbed.db").exists()
    assert not (tmp_path / "data" / "runs" / "timeline.db").exists()


def test_who_has_no_timeline_is_a_row_with_the_reason_and_exit_code_1(fetchlab, served, who):
    """A nightly job must notice, and the others' posts must come all the same."""
    odd = [who["protected"], who["suspended"], who["empty"], "nobody_at_all"]
    words = [word for name in (who["short"], *odd) for word in ("--user", name)]
    said = fetchlab("timeline", "fetch", *words, "--collector", "api", *served, "--no-journal")
    assert said.code == 1
    told = {name: row[1] for name, row in rows_of(said.out).items()}
    assert [told[name] for name in odd] == ["ProtectedUser", "SuspendedUser", "EmptyTimeline", "UnknownUser"]
    assert told[who["short"]] == "end"
    assert "with username: [nobody_at_all]" in said.out
    assert "Not everything came" in said.out
    assert "fetchlab monitor" not in said.out


def test_users_of_a_file_and_the_cheapest_source(fetchlab, served, who, tmp_path):
    """Nobody types a hundred handles; and whoever wants texts alone need not open a browser."""
    (tmp_path / "users.txt").write_text(f"# mine\n{who['short']}\n@{who['less']}\n", encoding="utf-8")
    words = ["--users-file", "users.txt", "--collector", "auto", "--field", "text", "--field", "history"]
    said = fetchlab("timeline", "fetch", *words, "--max", 10, *served, "--export", "tables")
    assert said.code == 0, said.err
    assert "posts by rss" in said.out
    assert "api carries no history" in said.out
    posts = pl.read_parquet(tmp_path / "tables" / "posts.parquet")
    assert posts.filter("own").group_by("user").len()["len"].to_list() == [10, 10]
    pl.DataFrame({"user": [who["short"]], "note": ["mine"]}).write_csv(tmp_path / "users.csv")
    again = fetchlab("timeline", "fetch", "--users-file", "users.csv", "--collector", "rss", *served)
    assert again.code == 0, again.err


def test_refetch_all_replaces_and_keeps_what_it_cannot(fetchlab, bed, served, who, tmp_path):
    """A failed refetch that had cleared the table first would have lost everything."""
    words = ["--user", who["short"], "--collector", "api", *served]
    assert fetchlab("timeline", "fetch", *words).code == 0
    store = tmp_path / "data" / "runs" / "timeline.db"

    def spoil():
        with sqlite3.connect(store) as connection:
            connection.execute("UPDATE posts SET likes = -1")
        connection.close()

    spoil()
    assert fetchlab("timeline", "fetch", *words, "--refetch-all").code == 0
    posts = fl.studies.timeline.Timeline(bed.urls["timeline"], store=store).frame()
    assert posts.filter("own")["likes"].min() >= 0
    spoil()
    bed.configure("api", error_rate={404: 1.0})
    assert fetchlab("timeline", "fetch", *words, "--refetch-all").code == 1
    kept = fl.studies.timeline.Timeline(bed.urls["timeline"], store=store).frame()
    assert set(kept["id"]) == set(posts["id"])
    assert kept["likes"].max() == -1


def test_ctrl_c_keeps_what_came(bed, served, who, process, tmp_path):
    """Whoever stops it goes on from there."""
    bed.configure("rss", latency=0.1)
    words = ["timeline", "fetch", "--user", who["large"], "--collector", "rss", *served]
    child = process(*words)
    deadline = time.monotonic() + 30
    while bed.counters("rss")["requests"] < 8:
        assert child.poll() is None, child.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.02)
    child.send_signal(signal.SIGINT)
    out, err = child.communicate(timeout=60)
    assert child.returncode == 130, err
    assert "Traceback" not in err
    assert "stopped" in out
    assert "goes on from there" in out
    store = tmp_path / "data" / "runs" / "timeline.db"
    kept = fl.studies.timeline.Timeline(bed.urls["timeline"], store=store).frame().filter("own")
    assert 60 <= kept.height < 1_000


@pytest.mark.browser
def test_a_real_browser_reads_refetches_and_shows_what_it_met(fetchlab, bed, served, who, monkeypatch):
    """Of a page that was rebuilt, or asks for a login, somebody must be able to see what it showed."""
    hasty = ["--min-delay", 0, "--max-delay", 0.01, "--no-journal", *served]
    words = ["--user", who["short"], *hasty]
    said = fetchlab("timeline", "fetch", *words, "--max", 20)
    assert said.code == 0, said.err
    assert rows_of(said.out)[who["short"]][1:3] == ["most", "20"]
    said = fetchlab("timeline", "fetch", "--refetch", 1 << 50, *hasty)
    assert said.code == 1
    assert "is not stored" in said.out
    bed.configure("timeline", login_wall=0)
    said = fetchlab("timeline", "fetch", *words, "--refetch-all")
    assert said.code == 1
    assert rows_of(said.out)[who["short"]][1] == "LoginWall"
    assert f"What {who['short']}'s page showed: data/runs/timeline.seen/" in said.out
    bed.configure("timeline", login_wall=None, markup="renamed")
    monkeypatch.setattr(dom, "PATIENCE", 0.3)
    monkeypatch.setattr(network, "NUDGES", (0.3,))
    said = fetchlab("timeline", "fetch", *words, "--collector", "dom")
    assert rows_of(said.out)[who["short"]][1] == "MarkupChanged"
    assert ".html" in said.out


def test_progress_tells_of_every_user_and_when_it_will_be_over():
    """Over a night one wants to know which user it is at, and whether to wait."""
    notes = {"posts": {"a": 100, "b": 300, "c": 10}, "stated": {"a": 400, "b": 300}}
    lines = timeline_said.standing(["a", "b", "c", "d"], notes, None, 41.0, ["b"])
    assert lines[:2] == ["  a: 100 posts of 400 at most", "  c: 10 posts"]
    # (400 - 100) + (350 - 10) + 350 are left, at 10 a second
    assert lines[-1] == "1 of 4 users · 410 posts · 10.0/s · 41.0 s · ETA 1 min 39 s at most"
    assert timeline_said.standing(["a"], {"posts": {"a": 5}}, None, 5.0, [])[-1].endswith("· 5.0 s")
    assert "of 50 at most" in timeline_said.standing(["a"], notes, 50, 1.0, [])[0]


@pytest.mark.parametrize(
    ("words", "flag"),
    [
        ([], "--user: "),
        (["--user", "no such handle"], "--user: "),
        (["--user", "a", "--refetch", 5], "--refetch: "),
        (["--user", "a", "--refetch-all", "--max", 5], "--refetch-all: "),
        (["--user", "a", "--collector", "guess"], "--collector: "),
        (["--user", "a", "--field", "text"], "--field: "),
        (["--user", "a", "--min-delay", 3], "--min-delay: "),
        (["--user", "a", "--rate", "fast"], "--rate: "),
        (["--users-file", "absent.txt"], "--users-file: "),
        (["--user", "a", "--workers", 0], "--workers"),
        (["--user", "a", "--max", 0], "--max"),
    ],
)
def test_a_wrong_flag_is_named_and_exits_with_2(fetchlab, served, words, flag):
    """A script must be able to tell a typing mistake from a failed job."""
    said = fetchlab("timeline", "fetch", *words, *served)
    assert said.code == 2
    assert flag in said.err


def test_a_missing_address_or_token_is_named(fetchlab, bed, monkeypatch):
    """Opening an API's root in a browser would fail in a way that nobody understands."""
    monkeypatch.delenv("TIMELINE_TOKEN", raising=False)
    words = ["--user", "a", "--api-url", bed.urls["api"]]
    assert "--base-url: " in fetchlab("timeline", "fetch", *words).err
    assert "TIMELINE_TOKEN" in fetchlab("timeline", "fetch", *words, "--collector", "api").err
