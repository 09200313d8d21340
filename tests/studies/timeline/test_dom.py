"""Timelines as readers see them: small steps, everything unfolded, quotes opened, in a real Chromium."""

from __future__ import annotations

import pytest

import fetchlab as fl
from fetchlab.errors import LoginWall, MarkupChanged, SuspendedUser
from fetchlab.studies.timeline import Timeline, dom

from .truths import LONG, SHORT, THOUSANDS, collected, text_of

pytestmark = pytest.mark.browser
HASTY = {"min_delay": 0.0, "max_delay": 0.02, "progress": False}


@pytest.fixture
def site(bed, tmp_path):
    with Timeline(
        bed.urls["timeline"], store=tmp_path / "t.db", retry=fl.Retry(attempts=2, base=0.001)
    ) as one:
        yield one


def holds(site, truth, handle, table):
    """All that a page shows: reposts are there as what was reposted."""
    known = truth.timeline(handle, kinds=("repost",))
    rows = {row["id"]: row for row in table.iter_rows(named=True)}
    assert rows.keys() == known.keys()
    every = {row["id"]: row for row in site.frame().iter_rows(named=True)}
    media = collected(site.frame("media"), every)
    for key, post in known.items():
        assert rows[key]["text"] == text_of(post)
        assert rows[key]["pinned"] == post["pinned"]
        assert rows[key]["links"] == [link["expanded"] for link in post["links"]]
        assert rows[key]["likes"] == post["likes"]
        films = [one["playlist"] or one["url"] for one in post["media"] if one["kind"] != "photo"]
        assert [one["url"] for one in media.get(key, []) if one["kind"] != "photo"] == films
        assert len(media.get(key, [])) == len(post["media"])
        quote = post["quote"]
        if quote and not quote["gone"]:
            assert every[quote["id"]]["text"] == quote["text"]
            assert len(media.get(quote["id"], [])) == len(quote["media"])
    for post in truth.timeline(handle).values():
        if post["repost"]:
            assert every[post["repost"]["id"]]["text"] == post["repost"]["text"]


def test_nothing_that_is_shown_is_missed(site, truth):
    """Rows leave the page as fast as they come; the seed's own tool lost quotes, videos and threads."""
    handle = truth.handle(SHORT)
    holds(site, truth, handle, site.collect(handle, "dom", **HASTY).raise_for_errors().result())


@pytest.mark.slow
def test_nothing_that_is_shown_is_missed_with_threads_and_errors(bed, site, truth):
    """The same with two hundred posts, six threads and a page that fails now and then."""
    bed.configure("timeline", error_rate={500: 0.05})
    handle = truth.handle(LONG)
    holds(site, truth, handle, site.collect(handle, "dom", **HASTY).raise_for_errors().result())


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_nothing_that_is_shown_is_missed_of_three_thousand_posts(site, truth):
    """What goes wrong once in a thousand rows goes wrong in every real timeline."""
    handles = [truth.handle(place) for place in THOUSANDS]
    table = site.collect(handles, "dom", workers=3, **HASTY).raise_for_errors().result()
    for handle in handles:
        holds(site, truth, handle, table.filter(user=handle))


def test_a_page_that_was_rebuilt_is_an_error_with_a_picture(bed, site, truth, monkeypatch):
    """Renamed test ids make an empty table of a full timeline, and nobody notices for weeks."""
    monkeypatch.setattr(dom, "PATIENCE", 1.0)
    bed.configure("timeline", markup="renamed")
    (result,) = site.collect(truth.handle(SHORT), "dom", **HASTY).results()
    assert isinstance(result.error, MarkupChanged)
    assert [one.rpartition(".")[2] for one in result.error.saved] == ["png", "html"]
    assert result.attempts == 1


def test_who_shows_no_timeline_is_an_error_that_says_why(bed, site, truth):
    """What stands in the place of posts says why there are none."""
    (result,) = site.collect(truth.handle(98), "dom", **HASTY).results()
    assert isinstance(result.error, SuspendedUser)
    bed.configure("timeline", login_wall=0)
    (result,) = site.collect(truth.handle(SHORT), "dom", **HASTY).results()
    assert isinstance(result.error, LoginWall)
