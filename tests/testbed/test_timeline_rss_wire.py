"""The timeline's feeds: read by an independent parser, paged by a header, and poorer than the site."""

from __future__ import annotations

import re
from html import unescape

import feedparser
import pytest

from .client import ask


@pytest.fixture
def url(bed):
    return bed.urls["rss"]


@pytest.fixture(scope="module")
def truth(_bed_process):
    return _bed_process.truth("timeline")


def fed(url, path):
    """A page's entries and the cursor of the next."""
    answer = ask(url, path)
    assert answer.status == 200
    assert answer.headers["content-type"] == "application/rss+xml; charset=utf-8"
    parsed = feedparser.parse(answer.body)
    assert not parsed.bozo
    return parsed.entries, answer.headers["min-id"]


def walked(url, path):
    """All entries, until a page has none."""
    found, cursor = [], None
    while True:
        entries, cursor = fed(url, path if cursor is None else f"{path}?cursor={cursor}")
        found += entries
        if not entries:
            return found


def number(entry):
    return int(re.search(r"/status/(\d+)#m$", entry.link).group(1))


def test_an_independent_parser_reads_every_shown_post(url, truth):
    """Each once, besides the pinned one; of a repost the feed knows what was reposted."""
    user = truth["users"][1]
    posts = {post["id"]: post for post in truth["posts"].of(user["handle"]) if post["where"] == "timeline"}
    entries = walked(url, f"/{user['handle']}/rss")
    pinned = [entry for entry in entries if entry.title.startswith("Pinned: ")]
    assert len(pinned) == (user["pinned"] is not None)
    told = [entry for entry in entries if entry not in pinned]
    reposts = [entry for entry in told if entry.title.startswith(f"RT by @{user['handle']}: ")]
    own = {number(entry): entry for entry in told if entry not in reposts}
    assert set(own) == {n for n, post in posts.items() if post["kind"] != "repost"}
    assert sorted(map(number, reposts)) == sorted(p["repost"]["id"] for p in posts.values() if p["repost"])
    for key, entry in own.items():
        says(entry, posts[key])
    for entry in reposts:
        assert entry.author != f"@{user['handle']}"


def says(entry, post):
    """An entry against the truth."""
    assert entry.author == f"@{post['user']}"
    prefix = f"R to @{post['answers_user']}: " if post["answers"] else ""
    text = post["text"]
    for link in post["links"]:
        text = text.replace(link["url"], link["expanded"])
    kinds = {"photo": "Image", "gif": "Gif", "video": "Video"}
    wanted = prefix + (text or kinds[post["media"][0]["kind"]])
    assert " ".join(unescape(entry.title).split()) == " ".join(wanted.split())
    assert entry.id == (str(post["id"]) if post["id"] >= 2 * 10**18 else entry.link)
    moment = [int(part) for part in re.findall(r"\d+", post["created_at"])]
    assert list(entry.published_parsed)[:6] == moment[:6]
    for one in post["media"]:
        assert one["picture"] in entry.summary
        assert (one["url"] in entry.summary) == (one["kind"] != "video")
    if post["quote"]:
        assert (f"/status/{post['quote']['id']}#m" in entry.summary) != post["quote"]["gone"]


def test_both_kinds_of_guid_occur(url, truth):
    """The frontend changed them at some id; a collector that knows one kind misses the other."""
    entries = walked(url, f"/{truth['users'][4]['handle']}/rss")
    assert {entry.id.isdecimal() for entry in entries} == {True, False}


def test_replies_have_a_feed_of_their_own(url, truth):
    """And only there they stand."""
    user = truth["users"][4]
    replies = {p["id"] for p in truth["posts"].of(user["handle"]) if p["where"] == "replies"}
    assert replies
    assert replies.isdisjoint(map(number, walked(url, f"/{user['handle']}/rss")))
    assert replies <= set(map(number, walked(url, f"/{user['handle']}/with_replies/rss")))


def test_closed_doors(url, bed, truth):
    """404, an empty feed, 403 where feeds are off, 429: each in the frontend's own words."""
    by_state = {user["state"]: user["handle"] for user in truth["users"]}
    assert ask(url, "/nobody/rss").status == 404
    assert b"suspended" in ask(url, f"/{by_state['suspended']}/rss").body
    assert ask(url, f"/{by_state['protected']}/rss").status == 404
    assert fed(url, f"/{by_state['empty']}/rss")[0] == []
    assert ask(url, f"/{by_state['open']}/rss?cursor=x").status == 404
    bed.configure("rss", error_rate={429: 1.0}, retry_after=3)
    limited = ask(url, f"/{by_state['open']}/rss")
    assert (limited.status, limited.headers["retry-after"]) == (429, "3")
    assert b"rate limited" in limited.body
    bed.configure("rss", error_rate={}, feeds=False)
    assert ask(url, f"/{by_state['open']}/rss").status == 403
