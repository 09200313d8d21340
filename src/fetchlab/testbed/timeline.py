"""The timeline's site: a page that is one program, and the interface from which that program loads posts.

What readers meet: ``/{user}``, ``/{user}/with_replies``, ``/{user}/status/{id}`` and, where a login is asked
for, ``/i/flow/login``. What the program asks: ``/i/api/graphql/{hash}/UserByScreenName``, ``UserTweets``,
``UserTweetsAndReplies`` and ``TweetDetail``, with ``variables`` as JSON.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from fetchlab.testbed import timeline_ids as ids
from fetchlab.testbed.timeline_data import archive
from fetchlab.testbed.timeline_graphql import Framing, cursor_of
from fetchlab.testbed.timeline_listing import listed
from fetchlab.testbed.timeline_site import document
from fetchlab.testbed.timeline_stated import Stating
from fetchlab.testbed.timeline_truth import Posts, Users
from fetchlab.testbed.timeline_users import USERS, user_named, user_numbered
from fetchlab.testbed.wire import BadRequest, Reply, Request, Route, Wire

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from fetchlab.testbed.registry import World
    from fetchlab.testbed.settings import Settings

__all__ = ["TimelineWire", "query_hash"]

_PAGE = 20
_LARGEST_PAGE = 40


class TimelineWire(Wire):
    """A hundred users with up to 20,000 posts each."""

    def __init__(self, name: str, world: World) -> None:
        super().__init__(name, world)
        self._archive = archive(world.seed)
        self._stating = Stating(self._archive, world)
        self._frame = Framing(self._archive, self._stating)
        self._operations: dict[str, Callable[[dict[str, Any]], Reply]] = {
            "UserByScreenName": self._user,
            "UserTweets": self._posts,
            "UserTweetsAndReplies": lambda asked: self._posts(asked, replies=True),
            "TweetDetail": self._detail,
        }

    def configure(self, settings: Settings) -> None:
        """Follow `churn`, `login_wall` and `markup`; nothing has been posted since."""
        self._churn = settings.churn
        self._wall = settings.login_wall
        self._asked = 0
        state = {
            "markup": settings.markup,
            "media": self.world.url("media"),
            "queries": {name: query_hash(self.world.seed, name) for name in self._operations},
            "users": [user.handle for user in self._archive.users[:USERS]],
        }
        page = document(self.world.url("media"), state)
        self._page = Reply(page, kind="text/html; charset=utf-8", headers=[("cache-control", "no-store")])

    def routes(self) -> list[Route]:
        """The interface's operations, each under the hash that the site's program knows; and its pages."""
        pages = (
            "/",
            "/{user}",
            "/{user}/with_replies",
            "/{user}/status/{id}",
            "/{user}/status/{id}/{kind}/{n}",
        )
        return [
            *(
                Route("GET", f"/i/api/graphql/{{hash}}/{name}", self._answered(name, answer))
                for name, answer in self._operations.items()
            ),
            Route("GET", "/robots.txt", lambda _: Reply(b"User-agent: *\nAllow: /\n", kind="text/plain")),
            Route("GET", "/favicon.ico", lambda _: Reply(b"", 204)),
            *(
                Route("GET", path, lambda _: self._page)
                for path in (*pages, "/i/flow/login", "/hashtag/{tag}")
            ),
        ]

    @classmethod
    def truth(cls, world: World) -> dict[str, Sequence[dict[str, Any]]]:
        """The users, and all their posts."""
        known = archive(world.seed)
        return {"users": Users(known), "posts": Posts(known, world.url("media"))}

    def _answered(self, name: str, answer: Callable[[dict[str, Any]], Reply]) -> Callable[[Request], Reply]:
        known = query_hash(self.world.seed, name)

        def handler(request: Request) -> Reply:
            if request.params["hash"] != known:
                return Reply(b"", 404)
            try:
                asked = msgspec.json.decode(request.args["variables"])
            except (KeyError, msgspec.DecodeError):
                raise BadRequest("variables is no JSON") from None
            if not isinstance(asked, dict):
                raise BadRequest("variables is no object")
            return self._forbidden() if self._wall == 0 else answer(asked)

        return handler

    def _user(self, asked: dict[str, Any]) -> Reply:
        user = user_named(self.world.seed, str(asked.get("screen_name", "")))
        data = {} if user is None else {"user": {"result": self._stating.user(user)}}
        return Reply.json({"data": data})

    def _posts(self, asked: dict[str, Any], *, replies: bool = False) -> Reply:
        user = user_numbered(self.world.seed, _whole(asked.get("userId")))
        if user is None or user.state in ("protected", "suspended"):
            return Reply.json({"data": {"user": {}}})
        self._asked += 1
        newest = user.posts - 1
        if self._churn and user.posts and user.place < USERS:
            newest = min(ids.MOST - 1, newest + self._asked // self._churn)
        cursor = asked.get("cursor")
        start = newest if cursor is None else cursor_of("from", str(cursor))
        if self._wall is not None and newest - start >= self._wall:
            return self._forbidden()
        count = max(1, min(_LARGEST_PAGE, _whole(asked.get("count", _PAGE))))
        page = listed(self._archive, user.place, start, count, replies=replies)
        return Reply.json(self._frame.timeline(user.place, max(0, start), page, newest=cursor is None))

    def _detail(self, asked: dict[str, Any]) -> Reply:
        post = self._archive.find(_whole(asked.get("focalTweetId")))
        if post is None:
            missing = {"message": "_Missing: No status found with that ID.", "code": 144}
            return Reply.json({"errors": [missing], "data": {}})
        cursor = asked.get("cursor")
        if cursor is None:
            return Reply.json(self._frame.detail(post))
        if cursor_of("rest", str(cursor)) != post.nth:
            raise BadRequest("a cursor of another post")
        return Reply.json(self._frame.rest(post))

    def _forbidden(self) -> Reply:
        return Reply.json({"errors": [{"message": "Could not authenticate you", "code": 32}]}, 401)


def query_hash(seed: int, operation: str) -> str:
    """What stands before an operation in its address."""
    return ids.digest(seed, f"query {operation}", 22)


def _whole(value: Any) -> int:
    """A number, which JSON brings as text when it is large.

    Raises:
        BadRequest: it is none.
    """
    text = str(value)
    if not (text.isascii() and text.isdigit() and len(text) < 20):
        raise BadRequest(f"not a number: {value!r}")
    return int(text)
