"""The timeline's own interface: pages by cursor, conversations, and what it says of closed doors."""

from __future__ import annotations

from html import unescape

import pytest

from fetchlab.testbed.timeline_wording import delivered

from .client import ask
from .timelines import bottom, contents, graphql, instructions, stated, walked


@pytest.fixture
def url(bed):
    return bed.urls["timeline"]


@pytest.fixture(scope="module")
def truth(_bed_process):
    return _bed_process.truth("timeline")


@pytest.fixture(scope="module")
def user(truth):
    return truth["users"][4]


@pytest.fixture(scope="module")
def posts(truth, user):
    return {post["id"]: post for post in truth["posts"].of(user["handle"])}


def numbers(found):
    return [int(post["rest_id"]) for post in found]


def test_pages_hold_every_shown_post_once(url, user, posts):
    """The newest first, to the end, and there the same cursor again."""
    pages = walked(url, user)
    seen = [number for page in pages for number in numbers(stated(page))]
    assert sorted(seen) == sorted(number for number, post in posts.items() if post["where"] == "timeline")
    heads = [max(numbers(stated(page))) for page in pages[:-1]]
    assert heads == sorted(heads, reverse=True)
    assert stated(pages[-1]) == []
    assert bottom(pages[-1]) == bottom(pages[-2])


def test_with_replies_there_are_more(url, user, posts):
    """Each reply after what it answers."""
    pages = walked(url, user, "UserTweetsAndReplies")
    seen = {number for page in pages for number in numbers(stated(page))}
    replies = {number for number, post in posts.items() if post["where"] == "replies"}
    assert replies <= seen
    assert {posts[number]["answers"] for number in replies} <= seen


def test_the_pinned_post_stands_above_and_in_its_place(url, truth):
    """A collector that counts it twice has one post too many."""
    user = next(user for user in truth["users"] if user["pinned"])
    page = graphql(url, "UserTweets", userId=str(user["id"]), count=20)
    pinned = [one["entry"] for one in instructions(page) if one["type"] == "TimelinePinEntry"]
    assert [entry["entryId"] for entry in pinned] == [f"tweet-{user['pinned']}"]
    following = graphql(url, "UserTweets", userId=str(user["id"]), cursor=bottom(page))
    assert all(one["type"] == "TimelineAddEntries" for one in instructions(following))


def test_advertisements_say_what_they_are(url, user, posts):
    """They are somebody else's, and stand among the others."""
    entries = instructions(graphql(url, "UserTweets", userId=str(user["id"])))[-1]["entries"]
    bought = [entry for entry in entries if entry["entryId"].startswith("promoted-tweet-")]
    assert len(bought) == 1
    (content,) = contents(bought[0])
    assert content["promotedMetadata"]
    assert int(content["tweet_results"]["result"]["rest_id"]) not in posts


def test_a_post_is_stated_in_full(url, truth):
    """Every fact is on the wire: long texts, what is quoted or reposted, media with their files."""
    user = truth["users"][1]
    known = {post["id"]: post for post in truth["posts"].of(user["handle"])}
    kinds = set()
    for page in walked(url, user)[:12]:
        for post in stated(page):
            fact = known[int(post["rest_id"])]
            same(post, fact)
            if fact["quote"] and not fact["quote"]["gone"]:
                same(post["quoted_status_result"]["result"], fact["quote"])
            elif fact["quote"]:
                assert post["quoted_status_result"]["result"]["__typename"] == "TweetTombstone"
            if fact["repost"]:
                same(post["legacy"]["retweeted_status_result"]["result"], fact["repost"])
                assert post["legacy"]["full_text"].startswith(f"RT @{fact['repost']['user']}: ")
            kinds.add(fact["kind"])
    assert kinds == {"post", "quote", "repost", "thread"}


def same(post, fact):
    """A post as it is stated, against the truth."""
    legacy = post["legacy"]
    assert int(post["rest_id"]) == fact["id"]
    assert post["core"]["user_results"]["result"]["core"]["screen_name"] == fact["user"]
    start, end = legacy["display_text_range"]
    if fact.get("kind") != "repost":
        shown = unescape(legacy["full_text"][start:end])
        if fact["long"]:
            assert shown.endswith("…")
            assert fact["text"].startswith(shown[:-1])
            assert unescape(post["note_tweet"]["note_tweet_results"]["result"]["text"]) == fact["text"]
        else:
            assert shown == fact["text"]
            assert "note_tweet" not in post
            named = [(one["screen_name"], one["indices"]) for one in legacy["entities"]["user_mentions"]]
            assert [name for name, at in named if at[0] >= start] == fact["mentions"]
            assert all(legacy["full_text"][slice(*at)] == f"@{name}" for name, at in named)
            for link, said in zip(fact["links"], legacy["entities"]["urls"], strict=True):
                assert (said["url"], said["expanded_url"]) == (link["url"], link["expanded"])
                assert legacy["full_text"][slice(*said["indices"])] == link["url"]
    media = legacy.get("extended_entities", {"media": []})["media"]
    assert [one["media_url_https"] for one in media] == [one["picture"] for one in fact["media"]]
    for one, medium in zip(media, fact["media"], strict=True):
        files = [size["url"] for size in one.get("video_info", {"variants": []})["variants"]]
        playlist = [medium["playlist"]] if medium["playlist"] else []
        assert files == playlist + [size["url"] for size in medium["variants"]]
        assert one["url"] == legacy["full_text"][slice(*one["indices"])]


def test_a_conversation_holds_the_whole_thread(url, truth):
    """Posts above, posts below, and the last ones only for who asks for them."""
    posts = {post["id"]: post for post in truth["posts"][20_000:23_000]}
    thread = max((post["thread"] for post in posts.values()), key=len)
    assert len(thread) > 9
    page = graphql(url, "TweetDetail", focalTweetId=str(thread[0]))
    seen = [number for number in numbers(stated(page)) if number in posts]
    assert seen == thread[:7]
    module = instructions(page)[0]["entries"][1]
    more = module["content"]["items"][-1]["item"]["itemContent"]
    assert more["cursorType"] == "ShowMore"
    rest = graphql(url, "TweetDetail", focalTweetId=str(thread[0]), cursor=more["value"])
    (added,) = instructions(rest)
    assert added["moduleEntryId"] == module["entryId"]
    found = [item["item"]["itemContent"]["tweet_results"]["result"] for item in added["moduleItems"]]
    assert numbers(found) == thread[7:]
    middle = graphql(url, "TweetDetail", focalTweetId=str(thread[-1]))
    assert [number for number in numbers(stated(middle)) if number in posts] == thread


def test_others_answer_in_a_conversation(url, truth):
    """What others say there is nobody's thread."""
    heads = [post for post in truth["posts"][20_000:20_200] if post["thread"][:1] == [post["id"]]]
    assert heads
    answers = []
    for head in heads:
        page = stated(graphql(url, "TweetDetail", focalTweetId=str(head["id"])))
        answers += [post for post in page if int(post["rest_id"]) not in head["thread"]]
    assert answers
    assert len({post["rest_id"] for post in answers}) == len(answers)
    assert {post["legacy"]["user_id_str"] for post in answers}.isdisjoint({str(heads[0]["user_id"])})
    assert {post["legacy"]["in_reply_to_status_id_str"] for post in answers} <= {str(h["id"]) for h in heads}


def test_closed_doors_say_which_they_are(url, truth):
    """Unknown, suspended, protected and empty are four different answers."""
    by_state = {user["state"]: user for user in truth["users"]}
    assert graphql(url, "UserByScreenName", screen_name="nobody").json == {"data": {}}

    def told(state):
        answer = graphql(url, "UserByScreenName", screen_name=by_state[state]["handle"].upper())
        return answer.json["data"]["user"]["result"]

    assert told("suspended")["reason"] == "Suspended"
    assert told("protected")["privacy"] == {"protected": True}
    assert told("empty")["legacy"]["statuses_count"] == 0
    protected = graphql(url, "UserTweets", userId=str(by_state["protected"]["id"]))
    assert protected.json == {"data": {"user": {}}}
    empty = graphql(url, "UserTweets", userId=str(by_state["empty"]["id"]))
    assert stated(empty) == []
    missing = graphql(url, "TweetDetail", focalTweetId="1234567")
    assert missing.json["errors"][0]["code"] == 144


@pytest.mark.parametrize(
    "variables",
    [{}, {"userId": "x"}, {"userId": "1", "count": "many"}, {"userId": "1", "cursor": "DAABxx"}],
)
def test_a_request_that_cannot_be_read_is_400(url, user, variables):
    """An empty page would look like the end of a timeline."""
    asked = {**variables, "userId": str(user["id"])} if "1" in variables.values() else variables
    assert graphql(url, "UserTweets", **asked).status == 400
    assert ask(url, "/i/api/graphql/nohash/UserTweets?variables=%7B%7D").status == 404


def test_a_login_is_asked_for_after_some_posts(url, bed, user):
    """The service shows the first page to anybody; then it is 401, not an empty page."""
    bed.configure("timeline", login_wall=15)
    page = graphql(url, "UserTweets", userId=str(user["id"]))
    assert page.status == 200
    second = graphql(url, "UserTweets", userId=str(user["id"]), cursor=bottom(page))
    assert (second.status, second.json["errors"][0]["code"]) == (401, 32)
    bed.configure("timeline", login_wall=0)
    assert graphql(url, "UserByScreenName", screen_name=user["handle"]).status == 401


def test_new_posts_move_nothing_that_is_paged_by_cursor(url, bed, user, posts):
    """While somebody reads, others write: what comes is new, and nothing old is missed."""
    bed.configure("timeline", churn=2)
    first = graphql(url, "UserTweets", userId=str(user["id"]))
    pages = [first, *walked(url, user)]
    seen = {number for page in pages for number in numbers(stated(page))}
    assert {number for number, post in posts.items() if post["where"] == "timeline"} <= seen
    assert max(seen) > max(posts)


def test_texts_are_delivered_with_what_belongs_to_them(truth):
    """A reply begins with whom it answers; media and quotes end with their addresses."""
    from fetchlab.testbed.timeline_data import archive

    known = archive(0)
    for post in truth["posts"][20_000:20_300]:
        told = delivered(known, known.find(post["id"]))
        if post["kind"] == "reply":
            assert told.text.startswith(f"@{post['answers_user']} ")
        ends = bool(post["media"]) + bool(post["quote"])
        if post["kind"] != "repost":
            assert told.text[told.end :].count("https://t.co/") == ends
