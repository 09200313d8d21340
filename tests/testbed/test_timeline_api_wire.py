"""The timeline's public API: read by an independent client, paged, limited, and clear about what is wrong."""

from __future__ import annotations

from html import unescape
from urllib.parse import urlencode, urlsplit

import pytest
import tweepy
from requests.adapters import HTTPAdapter

from fetchlab.testbed.timeline_api import NEWEST

from .client import ask

FIELDS = {
    "tweet_fields": [
        "created_at", "lang", "conversation_id", "referenced_tweets", "note_tweet", "attachments",
        "public_metrics", "entities", "author_id", "in_reply_to_user_id", "display_text_range",
    ],
    "media_fields": ["url", "preview_image_url", "variants", "duration_ms", "width", "height", "alt_text"],
    "user_fields": ["created_at", "public_metrics", "protected", "pinned_tweet_id"],
    "expansions": [
        "author_id", "attachments.media_keys", "referenced_tweets.id", "referenced_tweets.id.author_id",
        "referenced_tweets.id.attachments.media_keys",
    ],
}  # fmt: skip


class Elsewhere(HTTPAdapter):
    """Sends to the testbed what a client would send to the service."""

    def __init__(self, base):
        super().__init__()
        self._base = base

    def send(self, request, **kwargs):
        asked = urlsplit(request.url)
        request.url = f"{self._base}{asked.path}?{asked.query}"
        return super().send(request, **kwargs)


@pytest.fixture
def url(bed):
    return bed.urls["api"]


@pytest.fixture
def client(url):
    made = tweepy.Client("any token", wait_on_rate_limit=False)
    made.session.mount("https://", Elsewhere(url))
    yield made
    made.session.close()


@pytest.fixture(scope="module")
def truth(_bed_process):
    return _bed_process.truth("timeline")


def get(url, path, token="any token", **args):
    headers = {"authorization": f"Bearer {token}"} if token else {}
    return ask(url, f"/2/{path}?{urlencode(args)}", headers=headers)


def test_an_independent_client_reads_every_post(client, truth):
    """All of a user's posts with their whole texts, media and quotes, as the truth has them."""
    user = truth["users"][1]
    found = client.get_user(username=user["handle"], user_fields=FIELDS["user_fields"]).data
    assert (found.id, found.name, found.protected) == (user["id"], user["name"], False)
    known = {post["id"]: post for post in truth["posts"].of(user["handle"])}
    seen = 0
    pages = tweepy.Paginator(client.get_users_tweets, user["id"], max_results=100, **FIELDS)
    for page in pages:
        media = {one.media_key: one for one in page.includes.get("media", [])}
        others = {one.id: one for one in page.includes.get("tweets", [])}
        for post in page.data:
            fact = known.pop(post.id)
            same(post, fact, media)
            if fact["quote"]:
                other = others.get(fact["quote"]["id"])
                assert (other is None) == fact["quote"]["gone"]
                assert other is None or same(other, fact["quote"], media)
            if fact["repost"]:
                assert same(others[fact["repost"]["id"]], fact["repost"], media)
            seen += 1
    assert not known
    assert seen == user["posts"]


def same(post, fact, media):
    """A post as the client has it, against the truth."""
    assert post.author_id == fact["user_id"]
    assert post.created_at.strftime("%Y-%m-%dT%H:%M:%S.000Z") == fact["created_at"]
    assert post.lang == fact["language"]
    if fact.get("kind") != "repost":
        start, end = post.data["display_text_range"]
        note = post.data.get("note_tweet")  # which the client does not know, and keeps
        text = note["text"] if note else post.text[start:end]
        assert unescape(text) == fact["text"]
    if "kind" in fact:
        assert post.conversation_id == fact["conversation"]
        told = {one.type: one.id for one in post.referenced_tweets or []}
        assert told.get("replied_to") == fact["answers"]
    keys = (post.attachments or {}).get("media_keys", [])
    for key, one in zip(keys, fact["media"], strict=True):
        stated = media[key]
        assert stated.type == {"gif": "animated_gif"}.get(one["kind"], one["kind"])
        assert (stated.url or stated.preview_image_url) == one["picture"]
        addresses = {size["url"] for size in stated.variants or []}
        assert addresses == {*(size["url"] for size in one["variants"]), *filter(None, [one["playlist"]])}
    return True


def test_only_the_newest_3200_are_told(url, truth):
    """Whoever needs more needs another source, and must notice that they have not all."""
    user = truth["users"][0]
    found, more = [], {}
    while True:
        page = get(url, f"users/{user['id']}/tweets", max_results=100, **more).json
        found += page["data"]
        assert page["meta"]["result_count"] == len(page["data"])
        assert page["meta"]["newest_id"] == page["data"][0]["id"]
        assert page["meta"]["oldest_id"] == page["data"][-1]["id"]
        if "next_token" not in page["meta"]:
            break
        more = {"pagination_token": page["meta"]["next_token"]}
    assert len(found) == NEWEST
    assert [int(post["id"]) for post in found] == [
        post["id"] for post in truth["posts"].of(user["handle"])[:NEWEST]
    ]
    assert set(found[0]) == {"id", "text", "edit_history_tweet_ids"}


def test_windows_and_exclusions(url, truth):
    """Later collections ask for what is new, and some for nothing but a user's own posts."""
    user = truth["users"][1]
    posts = truth["posts"].of(user["handle"])[:60]
    path = f"users/{user['id']}/tweets"

    def ids(**args):
        return [int(post["id"]) for post in get(url, path, max_results=100, **args).json.get("data", [])]

    known = [post["id"] for post in posts]
    assert ids(since_id=known[30]) == known[:30]
    assert ids(until_id=known[4])[:20] == known[5:25]
    start, end = posts[20]["created_at"].replace(".000", ""), posts[10]["created_at"].replace(".000", "")
    between = ids(start_time=start, end_time=end)
    assert set(known[11:20]) <= set(between) <= set(known[10:21])
    own = ids(exclude="retweets,replies")
    wanted = [p["id"] for p in posts if p["kind"] != "repost" and p["answers"] is None]
    assert own[: len(wanted)] == wanted


def test_an_empty_page_says_so(url, truth):
    """There is no data then, and a client that expects it would fail."""
    user = next(user for user in truth["users"] if user["state"] == "empty")
    assert get(url, f"users/{user['id']}/tweets").json == {"meta": {"result_count": 0}}
    other = truth["users"][4]
    newest = truth["posts"].of(other["handle"])[0]["id"]
    page = get(url, f"users/{other['id']}/tweets", since_id=newest).json
    assert page == {"meta": {"result_count": 0}}


def test_closed_doors_are_200_with_errors(client, truth):
    """Unknown, suspended and protected: no data, and an error that says which."""
    assert client.get_user(username="nobody").data is None
    by_state = {user["state"]: user for user in truth["users"]}
    unknown = client.get_user(username="nobody").errors[0]
    suspended = client.get_user(username=by_state["suspended"]["handle"])
    protected = client.get_users_tweets(by_state["protected"]["id"])
    assert unknown["title"] == "Not Found Error"
    assert (suspended.data, suspended.errors[0]["title"]) == (None, "Forbidden")
    assert (protected.data, protected.errors[0]["title"]) == (None, "Authorization Error")
    several = client.get_users(usernames=["nobody", by_state["open"]["handle"]])
    assert [user.id for user in several.data] == [by_state["open"]["id"]]
    assert len(several.errors) == 1


def test_single_posts_are_told(client, truth):
    """What is to be fetched again is asked for by its id."""
    posts = truth["posts"][20_000:20_003]
    assert client.get_tweet(posts[0]["id"]).data.id == posts[0]["id"]
    several = client.get_tweets([posts[1]["id"], 12345])
    assert [post.id for post in several.data] == [posts[1]["id"]]
    assert several.errors[0]["resource_id"] == "12345"


@pytest.mark.parametrize(
    ("args", "named"),
    [
        ({"max_results": 4}, "max_results"),
        ({"max_results": 101}, "max_results"),
        ({"tweet.fields": "colour"}, "tweet.fields"),
        ({"post.fields": "colour"}, "post.fields"),
        ({"expansions": "author"}, "expansions"),
        ({"exclude": "quotes"}, "exclude"),
        ({"since_id": "x"}, "since_id"),
        ({"start_time": "yesterday"}, "start_time"),
        ({"pagination_token": "x"}, "pagination_token"),
        ({"tweet_fields": "lang"}, "tweet_fields"),
    ],
)
def test_a_wrong_parameter_is_named(url, truth, args, named):
    """A client that is answered anyway would not learn that it asks wrongly."""
    answer = get(url, f"users/{truth['users'][4]['id']}/tweets", **args)
    assert answer.status == 400
    assert answer.json["title"] == "Invalid Request"
    assert list(answer.json["errors"][0]["parameters"]) == [named]


def test_a_name_that_nobody_can_have_is_wrong(url):
    """It is not the same as one that nobody has."""
    assert get(url, "users/by/username/no-body").status == 400
    assert get(url, "users/by/username/nobody").status == 200


def test_fields_may_be_called_by_their_new_name(url, truth):
    """Some clients send `post.fields`."""
    path = f"users/{truth['users'][4]['id']}/tweets"
    assert "lang" in get(url, path, **{"post.fields": "lang"}).json["data"][0]


def test_without_a_token_there_is_nothing(url):
    """401 as a problem document."""
    answer = get(url, "users/by/username/x", token="")
    assert answer.status == 401
    assert answer.json == {
        "title": "Unauthorized",
        "detail": "Unauthorized",
        "type": "about:blank",
        "status": 401,
    }


def test_the_quota_is_told_and_kept(url, bed, client, truth):
    """Every answer says what is left; the one too many is refused, and says when the window ends."""
    bed.configure("api", quota=2, quota_period=600)
    path = f"users/{truth['users'][4]['id']}/tweets"
    answers = [get(url, path) for _ in range(3)]
    assert [answer.status for answer in answers] == [200, 200, 429]
    assert [answer.headers["x-rate-limit-remaining"] for answer in answers] == ["1", "0", "0"]
    assert {answer.headers["x-rate-limit-limit"] for answer in answers} == {"2"}
    assert len({answer.headers["x-rate-limit-reset"] for answer in answers}) == 1
    assert (answers[2].json["title"], answers[2].json["status"]) == ("Too Many Requests", 429)
    with pytest.raises(tweepy.TooManyRequests):
        client.get_users_tweets(truth["users"][4]["id"])
    assert client.get_user(username="nobody").errors, "another route has its own window"
    assert bed.counters("api")["refused"] == 2


def test_a_month_may_be_used_up(url, bed, truth):
    """Waiting does not help against it; the type says so."""
    bed.configure("api", usage_cap=150)
    path = f"users/{truth['users'][1]['id']}/tweets"
    answers = [get(url, path, max_results=100) for _ in range(3)]
    assert [answer.status for answer in answers] == [200, 200, 429]
    assert answers[2].json["type"].endswith("/usage-capped")


@pytest.mark.parametrize(("status", "title"), [(429, "Too Many Requests"), (503, "Service Unavailable")])
def test_faults_are_problem_documents(url, bed, status, title):
    """A refusal by the rate limit or a fault looks as the service's own."""
    bed.configure("api", error_rate={status: 1.0})
    answer = get(url, "users/by/username/x")
    assert (answer.status, answer.json["title"]) == (status, title)
    assert ("x-rate-limit-reset" in answer.headers) == (status == 429)
