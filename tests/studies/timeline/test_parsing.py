"""What services answer, read back: whatever people write, and whatever a service leaves out."""

from __future__ import annotations

import copy
import json
from contextlib import suppress
from html import escape

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fetchlab.errors import ParseError, StudyError
from fetchlab.model import Response
from fetchlab.studies.timeline.articles import place_of, video_of
from fetchlab.studies.timeline.graphql import account_of, conversation_of, more_of, timeline_of, unescaped
from fetchlab.studies.timeline.rss import Rss, described
from fetchlab.testbed.timeline import query_hash

from .truths import LONG

WRITTEN = st.text(st.characters(exclude_categories=["Cs", "Cc"]) | st.just("\n"), min_size=1, max_size=60)


@given(WRITTEN)
def test_a_text_comes_back_as_it_was_written(text):
    """The service escapes three characters, of which one is the mark of escaping itself."""
    assert unescaped(escape(text, quote=False)) == text


@given(WRITTEN, WRITTEN, st.booleans())
def test_a_feeds_description_is_read_back(text, quoted, video):
    """A post's text, what it quotes and its media stand in one piece of HTML."""

    def html(words):
        return escape(words, quote=False).replace("\n", "<br>\n")

    still = (
        '<a href="http://x/a/status/1#m"><br>Video<br><img src="s.jpg"/></a>'
        if video
        else "<img src='p.jpg'/>"
    )
    cite = '<footer>— <cite><a href="http://x/you/status/7#m">x/you/status/7#m</a></cite></footer>'
    quote = f"<blockquote><b>You (@you)</b><p>{html(quoted)}</p>{cite}</blockquote>"
    read = described(f"<p>{html(text)}</p>\n{still}\n<hr/>{quote}")
    assert (read.text, read.quoted_text) == (text, quoted)
    assert read.quotes
    assert read.cited.endswith("/you/status/7#m")
    (medium,) = read.media
    assert (medium.kind, medium.url, medium.picture) == (
        ("video", None, "s.jpg") if video else ("photo", "p.jpg", "p.jpg")
    )
    assert read.links == read.quoted_links == read.quoted_media == []


@pytest.fixture(scope="module")
def answers(_bed_process):
    """Real answers of the site's interface: a user, a page of posts and a thread's page."""
    _bed_process.configure(profile="flat")
    user = _bed_process.truth("timeline")["users"][LONG]
    thread = next(
        post for post in _bed_process.truth("timeline")["posts"].of(user["handle"]) if post["thread"]
    )
    asked = {
        "UserByScreenName": {"screen_name": user["handle"]},
        "UserTweets": {"userId": str(user["id"]), "count": 5},
        "TweetDetail": {"focalTweetId": str(thread["id"])},
    }
    base = f"{_bed_process.urls['timeline']}/i/api/graphql"
    return user["handle"], {
        name: httpx.get(
            f"{base}/{query_hash(0, name)}/{name}", params={"variables": json.dumps(variables)}
        ).json()
        for name, variables in asked.items()
    }


def places(value, so_far=()):
    """The way to every part of a JSON value."""
    yield so_far
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, one in inner:
        yield from places(one, (*so_far, name))


@given(st.data())
def test_an_answer_that_has_changed_is_an_error_that_says_so(answers, data):
    """A field that is gone or something else must not be an error about some attribute of Python's."""
    user, known = answers
    readers = {
        "UserByScreenName": account_of,
        "UserTweets": lambda answer: timeline_of(answer, user),
        "TweetDetail": lambda answer: (more_of(answer), conversation_of(answer, user)),
    }
    name = data.draw(st.sampled_from(list(known)))
    answer = copy.deepcopy(known[name])
    *way, last = data.draw(st.sampled_from([place for place in places(answer) if place]))
    home = answer
    for step in way:
        home = home[step]
    if data.draw(st.booleans()):
        del home[last]
    else:
        home[last] = data.draw(st.sampled_from([None, 7, "odd", [], {}, [{}], ["odd"]]))
    with suppress(StudyError):
        readers[name](answer)
    readers[name](known[name])


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"<html><body>Log in</body></html>", "no channel"),
        (b"<rss><channel><title>News</title></channel></rss>", "whose it is"),
        (b"<rss><channel>", "no XML"),
    ],
)
def test_what_is_no_feed_is_an_error_that_says_so(body, said):
    """A frontend that asks whether one is a robot answers 200."""
    with pytest.raises(ParseError, match=said):
        Rss("http://x").parse(Response(200, {}, body, "http://x/me/rss"))


def test_addresses_say_whose_and_which():
    """Posts are known by their addresses, and videos by theirs."""
    assert place_of({"path": "/Me/status/42/photo/1"}) == ("me", 42)
    assert place_of({"path": "/i/flow/login"}) is None
    assert place_of({"path": None}) is None
    assert video_of("http://v/amplify_video_thumb/17/img/a.jpg") == video_of(
        "http://v/amplify_video/17/pl/x.m3u8"
    )
    assert video_of("http://v/tweet_video/a.mp4") is None


def test_a_quote_whose_author_is_not_told_is_nobodys(bed, truth):
    """Of a suspended author the answer has no account; the quote would count among the reader's own posts."""
    user = truth.users[LONG]
    query = {"variables": json.dumps({"userId": str(user["id"]), "count": 20})}
    answer = httpx.get(
        f"{bed.urls['timeline']}/i/api/graphql/{query_hash(bed.seed, 'UserTweets')}/UserTweets", params=query
    ).json()
    own = {post.id for post in timeline_of(answer, user["handle"]).of_timeline()}
    quoted = []

    def hide(value):
        if isinstance(value, dict):
            result = (value.get("quoted_status_result") or {}).get("result") or {}
            if "core" in result:
                result["core"]["user_results"]["result"] = {"__typename": "UserUnavailable"}
                quoted.append(int(result["rest_id"]))
        for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
            hide(inner)

    hide(answer)
    found = timeline_of(answer, user["handle"])
    assert quoted
    assert {post.id for post in found.of_timeline()} == own
    assert set(quoted) <= {post.id for post in found.posts}
