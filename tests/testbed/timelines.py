"""What tests of the timeline's wires share: its interface asked plainly, its pages read."""

from __future__ import annotations

import json
from urllib.parse import quote

from fetchlab.testbed.timeline import query_hash

from .client import ask


def graphql(base, operation, seed=0, **variables):
    """The answer of the site's own interface."""
    path = f"/i/api/graphql/{query_hash(seed, operation)}/{operation}"
    return ask(base, f"{path}?variables={quote(json.dumps(variables))}")


def instructions(answer):
    """Of a page of a user's posts, or of a post's page."""
    data = answer.json["data"]
    if "user" in data:
        return data["user"]["result"]["timeline"]["timeline"]["instructions"]
    return data["threaded_conversation_with_injections_v2"]["instructions"]


def contents(entry):
    """What an entry shows, one or several things."""
    content = entry["content"]
    items = [item["item"] for item in content.get("items", [])] or [content]
    return [item["itemContent"] for item in items if "itemContent" in item]


def stated(answer):
    """The posts of a page as the interface states them, without advertisements and what is pinned."""
    added = [one for one in instructions(answer) if one["type"] == "TimelineAddEntries"]
    return [
        content["tweet_results"]["result"]
        for entry in added[0]["entries"]
        for content in contents(entry)
        if content["itemType"] == "TimelineTweet" and "promotedMetadata" not in content
    ]


def bottom(answer):
    """The cursor of the next page."""
    (cursor,) = [
        entry["content"]["value"]
        for entry in instructions(answer)[-1]["entries"]
        if entry["content"].get("cursorType") == "Bottom"
    ]
    return cursor


def walked(base, user, operation="UserTweets", seed=0):
    """All pages of a user, until one brings no post."""
    pages, more = [], {}
    while True:
        page = graphql(base, operation, seed, userId=str(user["id"]), count=20, **more)
        pages.append(page)
        if not stated(page):
            return pages
        more = {"cursor": bottom(page)}
