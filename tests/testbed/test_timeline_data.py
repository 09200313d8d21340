"""The timeline's users and posts: what makes collecting hard, and that they are found again."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fetchlab.testbed import timeline_ids as ids
from fetchlab.testbed.registry import World, load
from fetchlab.testbed.timeline_data import archive
from fetchlab.testbed.timeline_text import LIMIT, clipped, weight


@pytest.fixture(scope="module")
def truth():
    return load("timeline").truth(World(0, 8700))


@pytest.fixture(scope="module")
def posts(truth):
    """Those of a user with a thousand."""
    return list(truth["posts"].of(truth["users"][1]["handle"]))


def test_there_are_users_of_every_kind(truth):
    """A collector that never met a protected or an empty account has not been tested."""
    users = list(truth["users"])
    assert len(users) == len({user["handle"] for user in users}) == len({user["id"] for user in users}) == 100
    assert Counter(user["state"] for user in users) == {
        "open": 94, "empty": 2, "protected": 2, "suspended": 2,
    }  # fmt: skip
    assert [user["posts"] for user in users[:6]] == [20_000, 1_000, 1_000, 1_000, 200, 200]
    assert all(user["posts"] >= 40 for user in users if user["state"] == "open")


def test_a_large_user_is_read_where_it_is_asked_for(truth):
    """Twenty thousand posts that must be made before the first is seen would make every test slow."""
    posts = truth["posts"].of(truth["users"][0]["handle"])
    assert len(posts) == 20_000
    assert posts[0]["created_at"] > posts[10_000]["created_at"] > posts[-1]["created_at"]
    assert posts[-1] == posts[19_999]
    assert posts[5:7] == [posts[5], posts[6]]
    with pytest.raises(KeyError):
        truth["posts"].of("nobody")
    assert truth["posts"][20_000]["user"] == truth["users"][1]["handle"]
    with pytest.raises(IndexError):
        posts[20_000]


def test_posts_are_of_every_kind(posts):
    """What never occurs is never collected wrongly."""
    assert set(Counter(post["kind"] for post in posts)) == {"post", "quote", "repost", "reply", "thread"}
    assert min(Counter(post["where"] for post in posts).values()) > 30
    assert sum(post["long"] for post in posts) > 20
    media = Counter(one["kind"] for post in posts for one in post["media"])
    assert media["photo"] > media["video"] > media["gif"] > 20
    assert any(len(post["media"]) == 4 for post in posts)
    assert sum(post["pinned"] for post in posts) <= 1
    assert any(not post["text"] for post in posts)
    assert any(set("&<>") & set(post["text"]) for post in posts)
    assert any(post["quote"] and post["quote"]["gone"] for post in posts)
    assert any(post["quote"] and len(post["quote"].get("text", "")) > LIMIT for post in posts)
    assert any(post["quote"] and post["quote"].get("media") for post in posts)


def test_users_write_in_many_languages(truth):
    """Text that is ASCII alone hides every mistake in encodings and lengths."""
    seen = Counter(post["language"] for post in truth["posts"][20_000:60_000:23])
    assert {"en", "ja", "ar", "hi", "zh", "ru", "zxx"} <= set(seen)


def test_time_runs_with_ids(posts):
    """Collectors sort and stop by ids, the API pages by them; what is referred to is older."""
    assert [post["id"] for post in posts] == sorted((post["id"] for post in posts), reverse=True)
    assert all(a["created_at"] >= b["created_at"] for a, b in pairwise(posts))
    for post in posts:
        others = [post["answers"], (post["quote"] or post["repost"] or {"id": None})["id"]]
        assert all(other < post["id"] for other in others if other is not None)


def test_an_id_leads_to_its_post(posts):
    """Otherwise a page of a post could only be shown after its user's timeline had been."""
    known = archive(0)
    assert all(known.find(post["id"]).id == post["id"] for post in posts)
    assert all(known.find(post["id"] + step) is None for post in posts[:50] for step in (1, 1 << 15, 1 << 23))
    assert known.find(0) is None
    assert known.find(1 << 70) is None


def test_threads_are_whole(posts):
    """Each post of one answers the one before, in one conversation; a long one is shown in part."""
    by_id = {post["id"]: post for post in posts}
    threads = {tuple(post["thread"]) for post in posts if post["thread"]}
    assert len(threads) > 10
    for thread in threads:
        parts = [by_id[number] for number in thread]
        assert [part["answers"] for part in parts] == [None, *thread[:-1]]
        assert {part["conversation"] for part in parts} == {thread[0]}
        shown = [part["where"] == "timeline" for part in parts]
        assert shown[0]
        assert sum(shown) == min(3, len(thread))
    assert max(map(len, threads)) > 7


def test_an_ordinary_post_is_within_the_limit(posts):
    """Wide scripts weigh double; what is above the limit is a long post, and a good deal longer."""
    assert all(weight(post["text"]) <= LIMIT for post in posts if not post["long"])
    assert min(len(post["text"]) for post in posts if post["long"]) > LIMIT


def test_data_depend_on_the_seed_alone(posts):
    """Two processes must agree, two seeds must not."""
    world = World(0, 8700)
    again = load("timeline").truth(world)["posts"].of(posts[0]["user"])
    assert list(again[:40]) == posts[:40]
    other = load("timeline").truth(World(1, 8700))
    assert other["posts"][0]["id"] != load("timeline").truth(world)["posts"][0]["id"]


@given(st.integers(0, (1 << 63) - 1), st.integers(0, 3), st.integers(0, 5))
def test_a_name_leads_to_its_picture(post, number, seed):
    """Fifteen characters that another seed does not know."""
    name = ids.name(seed, post, number)
    assert len(name) == 15
    assert ids.named(seed, name) == (post, number)


@given(st.text(st.characters(max_codepoint=300), max_size=20))
def test_a_guessed_name_leads_nowhere(text):
    """Whatever is asked for: the server must not fail, and must not serve it."""
    assert ids.named(0, text) is None


@given(st.text(st.characters(max_codepoint=300)), st.integers(2, 300))
def test_clipped_text_fits(text, limit):
    """A text that ends with an ellipsis was longer, and begins as the whole."""
    short = clipped(text, limit)
    assert len(short) <= limit
    assert short == text or (short.endswith("…") and text.startswith(short[:-1]))
