"""The timeline's public API, version 2: users and their newest 3,200 posts, for whoever has a token."""

from __future__ import annotations

import math
import re
from base64 import b32decode, b32encode
from time import time
from typing import TYPE_CHECKING, Any

from fetchlab.testbed import timeline_ids as ids
from fetchlab.testbed.timeline_api_asked import Asked, Window, Wrong, asked_of, window_of
from fetchlab.testbed.timeline_api_stated import ApiStating, references
from fetchlab.testbed.timeline_data import archive
from fetchlab.testbed.timeline_quota import Quota, problem
from fetchlab.testbed.timeline_users import user_named, user_numbered
from fetchlab.testbed.wire import Reply, Request, Route, Wire

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from fetchlab.testbed.registry import World
    from fetchlab.testbed.settings import Settings
    from fetchlab.testbed.timeline_data import Post
    from fetchlab.testbed.timeline_media import Media
    from fetchlab.testbed.timeline_users import User

__all__ = ["NEWEST", "ApiWire"]

NEWEST = 3_200
"""Posts of a user that the service tells of at most."""
_MISSING = "https://api.twitter.com/2/problems/resource-not-found"
_FORBIDDEN = "https://api.twitter.com/2/problems/not-authorized-for-resource"
_HANDLE = re.compile(r"[A-Za-z0-9_]{1,15}")
_TITLES = {429: "Too Many Requests", 503: "Service Unavailable", 500: "Internal Server Error"}


class ApiWire(Wire):
    """The data of the wire ``timeline``. Any bearer token will do, but there must be one."""

    def __init__(self, name: str, world: World) -> None:
        super().__init__(name, world)
        self._archive = archive(world.seed)
        self._state = ApiStating(self._archive, world)

    def configure(self, settings: Settings) -> None:
        """Begin a new window, a new month."""
        self._quota = Quota(settings)

    def routes(self) -> list[Route]:
        """The endpoints that a collector of timelines needs."""
        return [
            self._route("/2/users/by/username/{name}", self._by_name),
            self._route("/2/users/by", self._by_names),
            self._route("/2/users/{id}/tweets", self._posts),
            self._route("/2/users/{id}", self._by_id),
            self._route("/2/tweets/{id}", self._one),
            self._route("/2/tweets", self._several),
        ]

    def error(self, status: int, title: str, retry_after: float | None) -> Reply:
        """A problem document; a refusal says when the window ends."""
        said = _TITLES.get(status, title.partition(" ")[2] or title)
        headers = []
        if status == 429:
            reset = math.ceil(time() + max(1.0, retry_after or 0.0))
            headers = [("x-rate-limit-remaining", "0"), ("x-rate-limit-reset", str(reset))]
        if retry_after is not None and status in (429, 503):
            headers.append(("retry-after", f"{retry_after:g}"))
        return problem(status, said, said, headers=headers)

    def _route(self, template: str, handler: Callable[[Request, Asked], Reply]) -> Route:
        def answer(request: Request) -> Reply:
            scheme, _, token = (request.header(b"authorization") or b"").partition(b" ")
            if scheme.lower() != b"bearer" or not token.strip():
                return problem(401, "Unauthorized", "Unauthorized")
            refused = self._quota.take(template)
            if refused is not None:
                return refused
            try:
                reply = handler(request, asked_of(request.args))
            except Wrong as wrong:
                reply = wrong.reply()
            headers = [(name.decode(), value.decode()) for name, value in reply.headers[1:]]
            return Reply(reply.body, reply.status, reply.kind, [*headers, *self._quota.headers(template)])

        return Route("GET", template, answer)

    def _by_name(self, request: Request, asked: Asked) -> Reply:
        name = request.params["name"]
        if not _HANDLE.fullmatch(name):
            told = f"The `username` query parameter value [{name}] does not match ^[A-Za-z0-9_]{{1,15}}$"
            raise Wrong("username", name, told)
        return self._user(user_named(self.world.seed, name), asked, "username", name)

    def _by_id(self, request: Request, asked: Asked) -> Reply:
        number = request.params["id"]
        return self._user(user_numbered(self.world.seed, _numbered("id", number)), asked, "id", number)

    def _by_names(self, request: Request, asked: Asked) -> Reply:
        names = [name for name in request.args.get("usernames", "").split(",") if name]
        if not 1 <= len(names) <= 100:
            raise Wrong(
                "usernames", ",".join(names), "The `usernames` query parameter must name 1 to 100 users"
            )
        found = [(name, user_named(self.world.seed, name)) for name in names]
        users = [user for _, user in found if user is not None and user.state != "suspended"]
        errors = [_absent(user, "usernames", name) for name, user in found if user not in users]
        return Reply.json(_filled(data=[self._state.user(user, asked.user) for user in users], errors=errors))

    def _user(self, user: User | None, asked: Asked, parameter: str, value: str) -> Reply:
        if user is None or user.state == "suspended":
            return Reply.json({"errors": [_absent(user, parameter, value)]})
        includes = {}
        pinned = self._archive.pinned(user.place)
        if "pinned_tweet_id" in asked.expansions and pinned is not None and user.state == "open":
            includes["tweets"] = [self._state.post(self._archive.post(user.place, pinned), asked.post)]
        return Reply.json(_filled(data=self._state.user(user, asked.user), includes=includes))

    def _posts(self, request: Request, asked: Asked) -> Reply:
        number = request.params["id"]
        user = user_numbered(self.world.seed, _numbered("id", number))
        window = window_of(request.args, _token(request.args.get("pagination_token")))
        if user is None or user.state == "suspended":
            return Reply.json({"errors": [_absent(user, "id", number)]})
        if user.state == "protected":
            told = f"Sorry, you are not authorized to see the user with id: [{number}]."
            return Reply.json(
                {"errors": [_said("Authorization Error", told, "user", "id", number, _FORBIDDEN)]}
            )
        found, following = self._page(user, window)
        refused = self._quota.spend(len(found))
        if refused is not None:
            return refused
        meta: dict[str, Any] = {"result_count": len(found)}
        if found:
            meta |= {"newest_id": str(found[0].id), "oldest_id": str(found[-1].id)}
        if following is not None:
            meta["next_token"] = _written(following)
        return Reply.json({**self._told(found, asked), "meta": meta})

    def _page(self, user: User, window: Window) -> tuple[list[Post], int | None]:
        """The posts of a page, and the index that the next one begins at, None if there is none."""
        oldest = max(0, user.posts - NEWEST)
        found: list[Post] = []
        for nth in range(user.posts - 1 if window.token is None else window.token, oldest - 1, -1):
            number = self._archive.id_of(user.place, nth)
            if number <= window.first:
                break
            if number >= window.last or self._skipped(user.place, nth, window):
                continue
            if len(found) == window.size:
                return found, nth
            found.append(self._archive.post(user.place, nth))
        return found, None

    def _skipped(self, place: int, nth: int, window: Window) -> bool:
        if not window.skip:
            return False
        kind = self._archive.kind(place, nth)
        answers = kind == "reply" or (kind == "thread" and nth > self._archive.thread(place, nth).start)
        return ("retweets" in window.skip and kind == "repost") or ("replies" in window.skip and answers)

    def _one(self, request: Request, asked: Asked) -> Reply:
        number = request.params["id"]
        post = self._archive.find(_numbered("id", number))
        if post is None:
            told = f"Could not find tweet with id: [{number}]."
            return Reply.json({"errors": [_said("Not Found Error", told, "tweet", "id", number, _MISSING)]})
        told_of = self._told([post], asked)
        return Reply.json({**told_of, "data": told_of["data"][0]})

    def _several(self, request: Request, asked: Asked) -> Reply:
        numbers = [one for one in request.args.get("ids", "").split(",") if one]
        if not 1 <= len(numbers) <= 100:
            raise Wrong("ids", ",".join(numbers), "The `ids` query parameter must name 1 to 100 posts")
        found = [(number, self._archive.find(_numbered("ids", number))) for number in numbers]
        errors = [
            _said(
                "Not Found Error", f"Could not find tweet with ids: [{one}].", "tweet", "ids", one, _MISSING
            )
            for one, post in found
            if post is None
        ]
        told = self._told([post for _, post in found if post is not None], asked)
        return Reply.json(_filled(**{**told, "errors": [*told.get("errors", []), *errors]}))

    def _told(self, posts: list[Post], asked: Asked) -> dict[str, Any]:
        """Posts with what is related to them, as far as it is asked for."""
        wanted, archive = asked.expansions, self._archive
        others: dict[int, Post] = {}
        errors: dict[int, dict[str, Any]] = {}
        if any(one.startswith("referenced_tweets") for one in wanted):
            for post in posts:
                for kind, number in references(post):
                    if kind == "quoted" and post.gone:
                        text = f"Could not find tweet with referenced_tweets.id: [{number}]."
                        errors[number] = _said(
                            "Not Found Error", text, "tweet", "referenced_tweets.id", str(number), _MISSING
                        )
                    else:
                        others[number] = archive.post(*ids.parts(number))
        users: dict[int, User] = {}
        if "author_id" in wanted:
            users |= {post.author.id: post.author for post in posts}
        if "referenced_tweets.id.author_id" in wanted:
            users |= {post.author.id: post.author for post in others.values()}
        if "in_reply_to_user_id" in wanted:
            answered = [
                archive.users[ids.parts(post.answers)[0]] for post in posts if post.answers is not None
            ]
            users |= {user.id: user for user in answered}
        if "entities.mentions.username" in wanted:
            named = [user_named(self.world.seed, name) for post in posts for name in post.said.mentions]
            users |= {user.id: user for user in named if user is not None}
        media = _media(posts) if "attachments.media_keys" in wanted else {}
        if "referenced_tweets.id.attachments.media_keys" in wanted:
            media |= _media(others.values())
        includes = _filled(
            users=[
                self._state.user(user, asked.user) for user in users.values() if user.state != "suspended"
            ],
            tweets=[self._state.post(post, asked.post) for post in others.values()],
            media=[self._state.medium(one, asked.media) for one in media.values()],
        )
        data = [self._state.post(post, asked.post) for post in posts]
        return _filled(data=data, includes=includes, errors=list(errors.values()))


def _media(posts: Iterable[Post]) -> dict[int, Media]:
    return {one.id: one for post in posts for one in post.media}


def _filled(**parts: Any) -> dict[str, Any]:
    return {name: part for name, part in parts.items() if part}


def _absent(user: User | None, parameter: str, value: str) -> dict[str, Any]:
    if user is not None:
        return _said("Forbidden", f"User has been suspended: [{value}].", "user", parameter, value, _MISSING)
    told = f"Could not find user with {parameter}: [{value}]."
    return _said("Not Found Error", told, "user", parameter, value, _MISSING)


def _said(title: str, detail: str, resource: str, parameter: str, value: str, kind: str) -> dict[str, Any]:
    return {
        "value": value,
        "detail": detail,
        "title": title,
        "resource_type": resource,
        "parameter": parameter,
        "resource_id": value,
        "type": kind,
    }


def _numbered(name: str, text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 20):
        raise Wrong(name, text, f"The `{name}` query parameter value [{text}] is not valid")
    return int(text)


def _written(nth: int) -> str:
    return "7140dibdnow9" + b32encode(f"{nth}".encode()).decode().lower().rstrip("=")


def _token(text: str | None) -> int | None:
    if text is None:
        return None
    packed = text.removeprefix("7140dibdnow9").upper()
    try:
        nth = int(b32decode(packed + "=" * (-len(packed) % 8)))
    except ValueError:
        nth = -1
    if not 0 <= nth < ids.MOST:
        message = f"The `pagination_token` query parameter value [{text}] is not valid"
        raise Wrong("pagination_token", text, message)
    return nth
