"""Timelines from the page's own answers, in a real Chromium, beside what the users have really posted."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

import fetchlab as fl
from fetchlab.errors import (
    EmptyTimeline,
    LoginWall,
    MarkupChanged,
    ProtectedUser,
    StudyError,
    SuspendedUser,
    UnknownUser,
)
from fetchlab.studies.timeline import Timeline, network
from fetchlab.studies.timeline.rows import Found, Post

from .truths import LONG, SHORT, THOUSANDS, collected, media_of, text_of

pytestmark = pytest.mark.browser
HASTY = {"min_delay": 0.0, "max_delay": 0.02, "progress": False}


@pytest.fixture(scope="module")
def browser():
    with fl.Browser() as browser:
        yield browser


@pytest.fixture
def site(bed, browser, tmp_path):
    return Timeline(
        bed.urls["timeline"],
        bed.urls["api"],
        token="t",
        store=tmp_path / "t.db",
        browser=browser,
        retry=fl.Retry(attempts=3, base=0.001),
    )


def is_whole(site, truth, handle, table):
    """A user's rows are what was posted: every post once, every text whole, every medium where it is."""
    known = truth.timeline(handle)
    rows = {row["id"]: row for row in table.iter_rows(named=True) if row["user"] == handle}
    assert known.keys() == rows.keys()
    assert table["id"].is_unique().all()
    every = {row["id"]: row for row in site.frame().iter_rows(named=True)}
    media = collected(site.frame("media"), every)
    for key, post in known.items():
        assert rows[key]["text"] == text_of(post)
        assert [one["url"] for one in media.get(key, [])] == media_of(post)
        assert (rows[key]["pinned"], rows[key]["views"]) == (post["pinned"], post["views"])
        quote = post["quote"]
        if quote and not quote["gone"]:
            assert every[quote["id"]]["text"] == quote["text"]
            assert [one["url"] for one in media.get(quote["id"], [])] == media_of(quote | {"kind": "post"})
    return rows, media


def test_nothing_is_missed_although_answers_fail(bed, site, truth):
    """Threads whole, quotes whole, videos whole, no advertisement: while one answer in four is an error."""
    bed.configure("timeline", error_rate={500: 0.15, 429: 0.1})
    handle = truth.handle(LONG)
    run = site.collect(handle, **HASTY).raise_for_errors()
    _, media = is_whole(site, truth, handle, run.result())
    assert sum(bed.counters("timeline")["faults"].values()) > 0
    films = [one["url"] for rows in media.values() for one in rows if one["kind"] == "video"]
    assert len(films) > 3
    assert {httpx.head(url).status_code for url in films[:5]} == {200}


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_nothing_is_missed_of_three_thousand_posts(site, truth):
    """What goes wrong once in a thousand rows goes wrong in every real timeline; videos are really there."""
    handles = [truth.handle(place) for place in THOUSANDS]
    table = site.collect(handles, workers=3, **HASTY).raise_for_errors().result()
    films = set()
    for handle in handles:
        _, media = is_whole(site, truth, handle, table)
        films |= {one["url"] for rows in media.values() for one in rows if one["kind"] != "photo"}
    assert len(films) > 100
    with httpx.Client() as client:
        assert {client.head(url).status_code for url in films} == {200}


def test_a_browser_that_is_killed_costs_no_post_and_doubles_none(site, truth, browser, monkeypatch):
    """Over a night of scrolling a Chromium dies, and the user it was at is read again."""
    taken = []
    usual = network.Network._took

    def kills(self, user, found):
        taken.append(user)
        if len(taken) == 2:
            browser._running[0].processes()[0].kill()
        return usual(self, user, found)

    monkeypatch.setattr(network.Network, "_took", kills)
    handle = truth.handle(SHORT)
    run = site.collect(handle, **HASTY).raise_for_errors()
    is_whole(site, truth, handle, run.result())
    assert run.attempts()["error"].to_list() == ["BrowserCrashed", None]
    assert run.notes["posts"] == {handle: len(truth.timeline(handle))}


def test_who_has_no_timeline_is_an_error_that_says_why(bed, site, truth):
    """An account that was suspended must not look like one that is silent."""
    handles = [truth.handle(94), truth.handle(96), truth.handle(98), "nobody_at_all"]
    run = site.collect(handles, workers=2, **HASTY).wait()
    errors = {result.item: result.error for result in run.results()}
    kinds = [EmptyTimeline, ProtectedUser, SuspendedUser, UnknownUser]
    assert [type(errors[handle]) for handle in handles] == kinds
    image, html = errors[truth.handle(94)].saved
    assert image.endswith(".png")
    assert "hasn’t posted" in Path(html).read_text(encoding="utf-8")


def test_a_login_wall_keeps_what_came_before_it(bed, site, truth):
    """What was there to be read without a login is not to be thrown away."""
    bed.configure("timeline", login_wall=20)
    handle = truth.handle(SHORT)
    run = site.collect(handle, **HASTY).wait()
    assert isinstance(run.results()[0].error, LoginWall)
    known = set(truth.timeline(handle))
    assert 15 < run.result().height < len(known)
    assert set(run.result()["id"]) <= known


def test_a_page_that_asks_in_another_way_is_an_error_with_a_picture(bed, site, monkeypatch):
    """A site that was rebuilt must not look like a user without posts."""
    monkeypatch.setattr(network, "NUDGES", (0.3, 0.3))
    other = Timeline(bed.urls["echo"] + "/html?", store=site._store.path, browser=site.browser)
    (result,) = other.collect("somebody", **HASTY).results()
    assert isinstance(result.error, MarkupChanged)
    assert [one.rpartition(".")[2] for one in result.error.saved] == ["png", "html"]


def test_what_is_new_is_read_and_no_more(bed, site, truth):
    """A nightly call must not scroll through everything again; of few posts only the newest are read."""
    handle = truth.handle(SHORT)
    table = site.collect(handle, max_posts=10, fast=True, **HASTY).raise_for_errors().result()
    assert table["id"].to_list() == list(truth.timeline(handle, where=("timeline",)))[:10]
    site.collect(handle, **HASTY).raise_for_errors()
    bed.reset_counters()
    again = site.collect(handle, **HASTY).raise_for_errors()
    assert again.notes["ends"] == {handle: "known"}
    asked = bed.counters("timeline")["by_route"]
    assert sum(count for route, count in asked.items() if route.endswith("/UserTweets")) <= 2
    assert set(again.result()["id"]) == set(truth.timeline(handle))


def test_of_few_posts_no_thread_beyond_them_is_read(site, truth):
    """A thread further down would leave a gap above it that nobody sees."""
    handle = truth.handle(11)
    table = site.collect(handle, max_posts=20, **HASTY).raise_for_errors().result()
    known = [post for post in truth.timeline(handle, where=("timeline",)).values() if not post["pinned"]]
    found = [number for number, post in enumerate(known) if post["id"] in set(table["id"])]
    assert found == list(range(20))
    assert len(set(table["id"]) - {post["id"] for post in known}) == 3, "the thread among them is whole"


def test_one_post_is_read_anew(site, truth, bed):
    """A post whose counts matter today need not bring its author's whole timeline along."""
    handle = truth.handle(SHORT)
    posts = truth.timeline(handle).values()
    quote = next(post for post in posts if post["quote"] and not post["quote"]["gone"])
    poor = Post(id=quote["id"], user=handle, text="old", likes=0, own=True)
    site._store.add(Found([poor]), "api")
    site._store.flush()
    run = site.refetch([quote["id"], 1 << 50], progress=False).wait()
    row = run.result().row(0, named=True)
    assert (row["id"], row["text"], row["likes"]) == (quote["id"], quote["text"], quote["likes"])
    assert row["own"]
    assert quote["quote"]["id"] in set(site.frame()["id"])
    assert [result.error is None for result in run.results()] == [True, False]
    assert "is not stored" in str(run.results()[1].error)


def test_what_was_read_without_threads_is_not_known_with_them(site, truth):
    """A quick look first, and the threads of that timeline would never come; the look itself costs little."""
    handle = truth.handle(LONG)
    site.collect(handle, fast=True, **HASTY).raise_for_errors()
    assert site.collect(handle, fast=True, **HASTY).raise_for_errors().notes["ends"] == {handle: "known"}
    run = site.collect(handle, **HASTY).raise_for_errors()
    is_whole(site, truth, handle, run.result())
    assert site.collect(handle, fast=True, **HASTY).raise_for_errors().notes["ends"] == {handle: "known"}


def test_the_latest_are_read_upon_a_reading_that_was_not_whole(bed, site, truth):
    """After ``max_posts``, or a call that was stopped, a nightly call would read all years again."""
    handle = truth.handle(LONG)
    site.collect(handle, max_posts=30, fast=True, **HASTY).raise_for_errors()
    for fast in (True, False):
        run = site.collect(handle, latest=True, fast=fast, **HASTY).raise_for_errors()
        assert run.notes["ends"] == {handle: "known"}
        assert run.result().height < 60


def test_a_thread_whose_head_is_gone_costs_no_timeline(site, truth, monkeypatch):
    """Of a head that was deleted there is no page; one such thread would keep its author from ever coming."""
    usual, gone = network.Network._unfolded, []

    async def without_heads(self, visit, tab, ears, root):
        found = await usual(self, visit, tab, ears, root)
        if tab.url.endswith(f"/{root}"):
            gone.append(root)
            raise StudyError("the page's own interface answered no conversation")
        return found

    monkeypatch.setattr(network.Network, "_unfolded", without_heads)
    handle = truth.handle(LONG)
    run = site.collect(handle, **HASTY).raise_for_errors()
    assert gone
    is_whole(site, truth, handle, run.result())
