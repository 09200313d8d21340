"""What the testbed's users have really posted, beside what was collected."""

from __future__ import annotations

LONG, LESS, SHORT = 4, 5, 6
"""Places of users with 200, 200 and 40 posts."""
THOUSANDS = (1, 2, 3)
"""Places of users with 1,000 posts each."""


class Truth:
    """The timeline's ground truth."""

    def __init__(self, bed):
        truth = bed.truth("timeline")
        self.users = truth["users"]
        self._posts = truth["posts"]

    def handle(self, place):
        return self.users[place]["handle"]

    def timeline(self, handle, *, kinds=(), where=("timeline", "thread")):
        """Posts of a user's timeline by id, the newest first; ``kinds`` are left out."""
        posts = self._posts.of(handle)
        return {post["id"]: post for post in posts if post["where"] in where and post["kind"] not in kinds}


def text_of(post, *, links_out=False):
    """What a post's row says: a repost has no text of its own."""
    if post["kind"] == "repost":
        return ""
    text = post["text"]
    for link in post["links"] if links_out else ():
        text = text.replace(link["url"], link["expanded"])
    return text


def media_of(post):
    return [] if post["kind"] == "repost" else [one["url"] for one in post["media"]]


def collected(table, posts):
    """Rows of media or edges by post."""
    rows = {}
    for row in table.iter_rows(named=True):
        if row["post"] in posts:
            rows.setdefault(row["post"], []).append(row)
    return rows
