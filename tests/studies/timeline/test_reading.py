"""How far a timeline is read: nothing missing between what is stored, however often it was stopped."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from fetchlab.studies.timeline.reading import Options, begun
from fetchlab.studies.timeline.rows import Edge, Found, Post
from fetchlab.studies.timeline.storing import Window


def page(ids, cursor, *, pinned=None):
    posts = [Post(id=one, user="me", own=True, pinned=one == pinned) for one in ids]
    return Found(posts, [], cursor)


@st.composite
def sittings(draw):
    """Calls on a timeline that grows: posts that are new, pages until it is killed, knobs."""
    count = draw(st.integers(1, 5))
    return [
        (
            draw(st.integers(0, 30)),
            draw(st.none() | st.integers(1, 6)),
            draw(st.sampled_from([Options(), Options(latest=True), Options(resume=False), Options(most=12)])),
        )
        for _ in range(count)
    ]


@given(sittings(), st.integers(1, 7))
def test_between_newest_and_oldest_of_a_window_nothing_is_missing(calls, size):
    """A window with a gap in it would hide the gap for ever: what is known is not read again."""
    timeline, stored = [], set()
    window, made = None, 0
    for new, killed, options in [*calls, *[(0, None, Options())] * 2]:
        made += new
        timeline = list(range(made, 0, -1))
        reading = begun(window, Window("me", "api", began=len(stored)), options)
        place = timeline.index(int(reading.start)) if reading.start else 0
        pages = 0
        while not reading.over and pages != killed:
            some = timeline[place : place + size]
            place += size
            cursor = str(timeline[place]) if place < len(timeline) else None
            kept = reading.take(page(some, cursor), last=cursor is None)
            stored |= {post.id for post in kept.posts}
            pages += 1
        if reading.over or not reading.topping:
            window = reading.window
        if window.newest is not None:
            between = {one for one in timeline if window.oldest <= one <= window.newest}
            assert between <= stored
            assert not window.whole or set(timeline) - stored <= {n for n in timeline if n > window.newest}
    assert stored == set(timeline), "a call that is not stopped brings the rest, the next one what is new"


def test_a_pinned_post_ends_nothing():
    """It stands first and is old: taken for what is known, nothing new would ever be read."""
    window = Window("me", "api")
    window.widen([Post(id=50, user="me", own=True)])
    window.whole = True
    reading = begun(window, Window("me", "api"), Options())
    reading.take(page([3, 90, 80], "x", pinned=3))
    assert not reading.over
    reading.take(page([70, 50], "y"))
    assert reading.over == "known"
    assert (window.newest, window.oldest) == (90, 50)


def test_of_the_newest_a_pinned_post_is_none():
    """Shown above the others, it would take the place of one that is wanted; in its turn it is pinned."""
    reading = begun(None, Window("me", "network"), Options(most=3))
    assert [post.id for post in reading.take(page([3, 9, 8], "x", pinned=3)).posts] == [9, 8]
    (last,) = reading.take(page([3, 2], "y")).posts
    assert (last.id, last.pinned) == (3, True)
    assert reading.over == "most"


def test_a_pinned_post_that_is_seen_first_is_none_of_the_newest_either():
    """A window shows it before the others: counted, it would leave a gap down to it that passes for known."""
    reading = begun(None, Window("me", "dom"), Options(most=3))
    assert reading.take(page([3], None, pinned=3)).posts == []
    assert [post.id for post in reading.take(page([9, 8], None)).posts] == [9, 8]
    assert (reading.window.newest, reading.window.oldest) == (9, 8)
    assert [post.id for post in reading.take(Found(), last=True).posts] == [3]
    whole = begun(None, Window("me", "dom"), Options())
    assert [post.id for post in whole.take(page([3], None, pinned=3)).posts] == [3]
    whole.take(page([9], None))
    assert (whole.window.newest, whole.window.oldest) == (9, 9)


def test_what_is_cut_off_takes_its_quotes_along():
    """A quoted post without the post that quotes it belongs to nobody."""
    found = page([9, 8], "x")
    found.posts.insert(1, Post(id=2, user="you"))
    found.posts[0] = Post(id=9, user="me", own=True, edges=(Edge("quote", 2),))
    found.posts[2] = Post(id=8, user="me", own=True, edges=(Edge("quote", 1),))
    found.posts.append(Post(id=1, user="you"))
    reading = begun(None, Window("me", "api"), Options(most=1))
    assert [post.id for post in reading.take(found).posts] == [9, 2]
    assert reading.over == "most"
