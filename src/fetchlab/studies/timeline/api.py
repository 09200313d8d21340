"""The service's public API, version 2: a user's newest 3,200 posts, a hundred a call, with a token."""

from __future__ import annotations

import re
from datetime import datetime  # noqa: TC003  # msgspec reads it
from typing import TYPE_CHECKING

import msgspec

from fetchlab.engine.parse import decode
from fetchlab.errors import ProtectedUser, StatusError, StudyError, SuspendedUser, UnknownUser
from fetchlab.model import Request
from fetchlab.studies.timeline.graphql import unescaped
from fetchlab.studies.timeline.rows import Account, Edge, Found, Medium, Post, Variant

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from fetchlab.model import Response
    from fetchlab.studies.timeline.paging import Ask

__all__ = ["Api"]

PAGE = 100
_POST_FIELDS = (
    "attachments,author_id,conversation_id,created_at,display_text_range,entities,in_reply_to_user_id,lang,"
    "note_tweet,public_metrics,referenced_tweets"
)
_USER_FIELDS = "created_at,description,pinned_tweet_id,protected,public_metrics,verified"
_MEDIA_FIELDS = "alt_text,duration_ms,height,preview_image_url,type,url,variants,width"
_EXPANSIONS = (
    "attachments.media_keys,author_id,in_reply_to_user_id,referenced_tweets.id,"
    "referenced_tweets.id.author_id,referenced_tweets.id.attachments.media_keys"
)
_KINDS = {"photo": "photo", "animated_gif": "gif", "video": "video"}
_EDGES = {"retweeted": "repost", "quoted": "quote", "replied_to": "reply"}
_SIZE = re.compile(r"/(\d+)x(\d+)/")


class _Url(msgspec.Struct):
    start: int
    end: int
    url: str = ""
    expanded_url: str = ""


class _Entities(msgspec.Struct):
    urls: list[_Url] = []


class _Note(msgspec.Struct):
    text: str
    entities: _Entities | None = None


class _Reference(msgspec.Struct):
    type: str
    id: str


class _Attachments(msgspec.Struct):
    media_keys: list[str] = []


class _Metrics(msgspec.Struct):
    reply_count: int | None = None
    retweet_count: int | None = None
    quote_count: int | None = None
    like_count: int | None = None
    bookmark_count: int | None = None
    impression_count: int | None = None


class _Post(msgspec.Struct):
    id: str
    text: str
    author_id: str
    created_at: datetime | None = None
    conversation_id: str | None = None
    lang: str | None = None
    display_text_range: list[int] = []
    entities: _Entities | None = None
    note_tweet: _Note | None = None
    referenced_tweets: list[_Reference] = []
    attachments: _Attachments = msgspec.field(default_factory=_Attachments)
    in_reply_to_user_id: str | None = None
    public_metrics: _Metrics = msgspec.field(default_factory=_Metrics)


class _File(msgspec.Struct):
    url: str
    content_type: str = ""
    bit_rate: int | None = None


class _Medium(msgspec.Struct):
    media_key: str
    type: str
    url: str | None = None
    preview_image_url: str | None = None
    width: int | None = None
    height: int | None = None
    duration_ms: int | None = None
    alt_text: str | None = None
    variants: list[_File] = []


class _UserMetrics(msgspec.Struct):
    followers_count: int | None = None
    following_count: int | None = None
    tweet_count: int | None = None


class _User(msgspec.Struct):
    id: str
    username: str
    name: str | None = None
    description: str | None = None
    created_at: datetime | None = None
    protected: bool | None = None
    verified: bool | None = None
    pinned_tweet_id: str | None = None
    public_metrics: _UserMetrics = msgspec.field(default_factory=_UserMetrics)


class _Includes(msgspec.Struct):
    users: list[_User] = []
    tweets: list[_Post] = []
    media: list[_Medium] = []


class _Problem(msgspec.Struct):
    title: str = ""
    detail: str = ""
    type: str = ""


class _Meta(msgspec.Struct):
    next_token: str | None = None


class _Page(msgspec.Struct):
    data: list[_Post] = []
    includes: _Includes = msgspec.field(default_factory=_Includes)
    meta: _Meta | None = None
    errors: list[_Problem] = []


class _Lookup(msgspec.Struct):
    data: _User | None = None
    errors: list[_Problem] = []


class Api:
    """Asks the API and reads its answers.

    Args:
        base_url: the service's root, without ``/2``.
        token: a bearer token.
    """

    source = "api"

    def __init__(self, base_url: str, token: str) -> None:
        self._base = base_url
        self._token = token

    def request(self, ask: Ask) -> Request:
        """The account first, then its posts."""
        if ask.account is None:
            url = f"{self._base}/2/users/by/username/{ask.user}"
            params = {"user.fields": _USER_FIELDS}
        else:
            url = f"{self._base}/2/users/{ask.account.id}/tweets"
            params = {
                "max_results": str(PAGE),
                "tweet.fields": _POST_FIELDS,
                "user.fields": _USER_FIELDS,
                "media.fields": _MEDIA_FIELDS,
                "expansions": _EXPANSIONS,
            }
            if ask.cursor is not None:
                params["pagination_token"] = ask.cursor
        return Request(url, params=params, headers={"Authorization": f"Bearer {self._token}"})

    def parse(self, response: Response) -> Found:
        """Read an answer: an account, or a page.

        Raises:
            UnknownUser: there is no such account.
            SuspendedUser: the service has closed it.
            ProtectedUser: the token does not open it.
            StudyError: the month's posts are used up; trying again does not help.
        """
        if response.status == 429:
            if "usage-capped" in response.text:
                raise StudyError("the API's posts of this month are used up (usage-capped)")
            raise StatusError("HTTP 429", 429, response.headers)
        if "/by/username/" in response.url:
            return _looked_up(decode(response, _Lookup))
        return _read(decode(response, _Page))


def _looked_up(answer: _Lookup) -> Found:
    if answer.data is None:
        raise _refusal(answer.errors)
    if answer.data.protected:
        raise ProtectedUser(f"the account {answer.data.username} is protected")
    return Found(accounts=[_account(answer.data)])


def _read(page: _Page) -> Found:
    if page.meta is None:
        raise _refusal(page.errors)
    users = {user.id: user.username.lower() for user in page.includes.users}
    others = {post.id: post for post in page.includes.tweets}
    media = {one.media_key: one for one in page.includes.media}
    posts: list[Post] = []
    for one in page.data:
        made = _post(one, users, others, media, own=True)
        if any(edge.kind == "reply" and edge.user != made.user for edge in made.edges):
            continue  # not on the timeline, which shows answers to oneself alone
        posts.append(made)
        posts += [
            _post(others[str(edge.other)], users, others, media, own=False)
            for edge in made.edges
            if edge.kind != "reply" and str(edge.other) in others
        ]
    accounts = [_account(user) for user in page.includes.users]
    return Found(posts, accounts, page.meta.next_token)


def _refusal(problems: Iterable[_Problem]) -> StudyError:
    said = next(iter(problems), _Problem(detail="no data, and no reason"))
    if said.title == "Authorization Error":
        return ProtectedUser(said.detail)
    if "suspended" in said.detail:
        return SuspendedUser(said.detail)
    if said.title == "Not Found Error":
        return UnknownUser(said.detail)
    return StudyError(f"the API answered: {said.detail or said.title}")


def _post(
    post: _Post,
    users: dict[str, str],
    others: dict[str, _Post],
    media: dict[str, _Medium],
    *,
    own: bool,
) -> Post:
    edges = tuple(_edges(post, users, others))
    kind = next((one for one in ("repost", "quote", "reply") if one in {edge.kind for edge in edges}), "post")
    text, links = _text(post)
    counts = post.public_metrics
    return Post(
        id=int(post.id),
        user=users.get(post.author_id, ""),
        user_id=int(post.author_id),
        created_at=_seconds(post.created_at),
        language=post.lang,
        text="" if kind == "repost" else text,
        kind=kind,
        conversation=post.conversation_id and int(post.conversation_id),  # type: ignore[arg-type]
        links=() if kind == "repost" else links,
        replies=counts.reply_count,
        reposts=counts.retweet_count,
        quotes=counts.quote_count,
        likes=counts.like_count,
        bookmarks=counts.bookmark_count,
        views=counts.impression_count,
        own=own,
        media=tuple(_medium(media[key]) for key in post.attachments.media_keys if key in media),
        edges=edges,
    )


def _edges(post: _Post, users: dict[str, str], others: dict[str, _Post]) -> Iterator[Edge]:
    for one in post.referenced_tweets:
        kind, other = _EDGES.get(one.type, one.type), others.get(one.id)
        if kind == "reply":
            yield Edge(kind, int(one.id), users.get(post.in_reply_to_user_id or ""))
        else:
            whose = None if other is None else users.get(other.author_id)
            yield Edge(kind, int(one.id), whose, gone=other is None)


def _text(post: _Post) -> tuple[str, tuple[str, ...]]:
    if post.note_tweet is not None:
        entities = post.note_tweet.entities or _Entities()
        return unescaped(post.note_tweet.text), tuple(one.expanded_url or one.url for one in entities.urls)
    start, end = post.display_text_range or (0, len(post.text))
    urls = [] if post.entities is None else post.entities.urls
    links = tuple(one.expanded_url or one.url for one in urls if start <= one.start and one.end <= end)
    return unescaped(post.text[start:end]), links


def _medium(one: _Medium) -> Medium:
    files = [_variant(file) for file in one.variants if "mpegURL" not in file.content_type]
    best = max(files, key=lambda file: file.bitrate or 0, default=None)
    return Medium(
        kind=_KINDS.get(one.type, one.type),
        url=one.url if best is None else best.url,
        picture=one.preview_image_url or one.url,
        playlist=next((file.url for file in one.variants if "mpegURL" in file.content_type), None),
        width=one.width,
        height=one.height,
        seconds=None if one.duration_ms is None else one.duration_ms / 1000,
        alt=one.alt_text,
        id=int(one.media_key.partition("_")[2]),
        variants=tuple(sorted(files, key=lambda file: file.bitrate or 0)),
    )


def _variant(file: _File) -> Variant:
    size = _SIZE.search(file.url)
    return Variant(file.url, file.bit_rate, *(map(int, size.groups()) if size else (None, None)))


def _account(user: _User) -> Account:
    return Account(
        user=user.username.lower(),
        id=int(user.id),
        name=user.name,
        bio=user.description,
        created_at=_seconds(user.created_at),
        followers=user.public_metrics.followers_count,
        following=user.public_metrics.following_count,
        posts=user.public_metrics.tweet_count,
        verified=user.verified,
        protected=user.protected,
        pinned=user.pinned_tweet_id and int(user.pinned_tweet_id),  # type: ignore[arg-type]
    )


def _seconds(moment: datetime | None) -> int | None:
    return None if moment is None else int(moment.timestamp())
