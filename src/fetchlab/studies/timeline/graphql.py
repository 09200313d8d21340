"""What the page's own interface answers (GraphQL), as rows.

Advertisements are left out; a post that another one quotes or reposts is a row of its own.
"""

from __future__ import annotations

import re
from datetime import datetime
from functools import wraps
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from fetchlab.errors import StudyError
from fetchlab.studies.timeline.rows import Account, Edge, Found, Medium, Post, Variant

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

__all__ = ["account_of", "conversation_of", "more_of", "post_of", "timeline_of", "unescaped"]

P = ParamSpec("P")
T = TypeVar("T")
_DATE = "%a %b %d %H:%M:%S %z %Y"
_KINDS = {"photo": "photo", "animated_gif": "gif", "video": "video"}
_SIZE = re.compile(r"/(\d+)x(\d+)/")
_HANDLE = re.compile(r"/([^/]+)/status/\d+")


def _told(read: Callable[P, T]) -> Callable[P, T]:
    """Tell of an answer that is built in another way than it was."""

    @wraps(read)
    def reading(*args: P.args, **knobs: P.kwargs) -> T:
        try:
            return read(*args, **knobs)
        except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
            what = f"{type(error).__name__}: {error}"
            raise StudyError(f"the page's own interface has changed its answers ({what})") from error

    return reading


@_told
def timeline_of(answer: Any, user: str) -> Found:
    """Read a page of ``UserTweets``.

    Args:
        answer: the decoded JSON.
        user: whose timeline it is, lower case.

    Raises:
        StudyError: it is no page of a timeline.
    """
    result = _dig(answer, "data", "user", "result")
    timeline = _dig(result, "timeline", "timeline") or _dig(result, "timeline_v2", "timeline")
    if timeline is None:
        raise StudyError("the page's own interface answered no timeline: the service has changed, or refused")
    return _read(timeline.get("instructions", ()), user)


@_told
def conversation_of(answer: Any, user: str, root: int | None = None) -> Found:
    """Read a page of ``TweetDetail``: of it what its author wrote in that conversation.

    Args:
        answer: the decoded JSON.
        user: the author, lower case.
        root: the conversation, None for that of any post of theirs.

    Raises:
        StudyError: it is no conversation.
    """
    conversation = _dig(answer, "data", "threaded_conversation_with_injections_v2")
    if conversation is None:
        raise StudyError("the page's own interface answered no conversation: the post is gone, or refused")
    found = _read(conversation.get("instructions", ()), user)
    keep = {post.id for post in found.posts if post.own and root in (None, post.conversation)}
    about = {
        edge.other for post in found.posts if post.id in keep for edge in post.edges if edge.kind != "reply"
    }
    found.posts = [post for post in found.posts if post.id in keep or post.id in about]
    found.threads = []
    return found


@_told
def post_of(answer: Any, number: int) -> Found:
    """Read of a page of ``TweetDetail`` one post, and those it is about.

    Raises:
        StudyError: the post is not there.
    """
    instructions = _dig(answer, "data", "threaded_conversation_with_injections_v2", "instructions")
    found = _read(instructions or (), "")
    one = next((post for post in found.posts if post.id == number), None)
    if one is None:
        raise StudyError(f"there is no post {number}, or it is not to be seen")
    about = {edge.other for edge in one.edges if edge.kind != "reply"}
    return Found([one, *(post for post in found.posts if post.id in about)], found.accounts)


@_told
def more_of(answer: Any) -> bool:
    """Say whether a conversation has posts that a reader must ask for."""
    instructions = _dig(answer, "data", "threaded_conversation_with_injections_v2", "instructions")
    return any(
        _dig(item, "item", "itemContent", "cursorType") in ("ShowMore", "ShowMoreThreads")
        for entry in _entries(instructions or ())
        for item in _dig(entry, "content", "items") or ()
    )


@_told
def account_of(answer: Any) -> tuple[Account | None, str]:
    """Read ``UserByScreenName``: the account, and ``open``, ``protected``, ``suspended`` or ``unknown``."""
    result = _dig(answer, "data", "user", "result")
    if result is None:
        return None, "unknown"
    if result.get("__typename") == "UserUnavailable":
        return None, "suspended" if result.get("reason") == "Suspended" else "unknown"
    account = _account(result)
    return account, "protected" if account.protected else "open"


def unescaped(text: str) -> str:
    """Return a text as its author wrote it: the service escapes three characters."""
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def _read(instructions: Any, user: str) -> Found:
    found = Found()
    accounts: dict[str, Account] = {}
    for entry in _entries(instructions):
        name = str(entry.get("entryId", ""))
        content = entry.get("content") or {}
        if content.get("cursorType") == "Bottom":
            found.cursor = content.get("value")
        if name.startswith("promoted"):
            continue
        pinned = _dig(content, "clientEventInfo", "component") == "pinned_tweets" or bool(
            entry.get("_pinned")
        )
        shown: list[Post] = []
        for item in _items(entry):
            if "promotedMetadata" in item:
                continue
            result = _visible(_dig(item, "tweet_results", "result"))
            if result is not None:
                shown += _posts(result, user, accounts, pinned=pinned)
        found.posts += shown
        every = _dig(content, "metadata", "conversationMetadata", "allTweetIds") or ()
        if len(every) > sum(str(post.id) in every for post in shown):
            found.threads += [post for post in shown if post.own][-1:]
    found.accounts = list(accounts.values())
    return found


def _entries(instructions: Any) -> Iterator[Mapping[str, Any]]:
    for instruction in instructions:
        if instruction.get("type") == "TimelinePinEntry":
            yield {**instruction["entry"], "_pinned": True}
        elif instruction.get("type") == "TimelineAddToModule":
            name = instruction.get("moduleEntryId", "")
            yield {"entryId": name, "content": {"items": instruction["moduleItems"]}}
        else:
            yield from instruction.get("entries", ())


def _items(entry: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    content = entry.get("content") or {}
    if "itemContent" in content:
        yield content["itemContent"]
    for item in content.get("items", ()):
        inner = _dig(item, "item", "itemContent")
        if inner is not None:
            yield inner


def _visible(result: Any) -> Any:
    """The post itself, None where it is not to be seen."""
    if _dig(result, "__typename") == "TweetWithVisibilityResults":
        return result.get("tweet")
    return result if _dig(result, "legacy") is not None else None


def _posts(result: Any, user: str, accounts: dict[str, Account], *, pinned: bool = False) -> list[Post]:
    """A post, and those it is about."""
    legacy = result["legacy"]
    author = _dig(result, "core", "user_results", "result")
    account = _account(author) if author and author.get("__typename") == "User" else None
    if account is not None:
        accounts.setdefault(account.user, account)
    others: list[Post] = []
    edges: list[Edge] = []
    reposted = _visible(_dig(legacy, "retweeted_status_result", "result"))
    quoted = _visible(_dig(result, "quoted_status_result", "result"))
    if reposted is not None:
        others += _posts(reposted, "", accounts)
        edges.append(Edge("repost", others[0].id, others[0].user))
    if legacy.get("quoted_status_id_str") and reposted is None:
        place = _HANDLE.search(str(_dig(legacy, "quoted_status_permalink", "expanded") or ""))
        whose = place and place[1].lower()
        edges.append(Edge("quote", int(legacy["quoted_status_id_str"]), whose, gone=quoted is None))
        if quoted is not None:
            others += _posts(quoted, "", accounts)
    if legacy.get("in_reply_to_status_id_str"):
        to = str(legacy.get("in_reply_to_screen_name") or "").lower() or None
        edges.append(Edge("reply", int(legacy["in_reply_to_status_id_str"]), to))
    handle = account.user if account is not None else ""
    own = handle == user != ""  # an author who is not told is nobody's
    return [_post(result, handle, edges, own=own, pinned=pinned and own), *others]


def _post(result: Any, handle: str, edges: list[Edge], *, own: bool, pinned: bool) -> Post:
    legacy = result["legacy"]
    text, links = _text(result)
    kinds = [edge.kind for edge in edges]
    kind = next((one for one in ("repost", "quote", "reply") if one in kinds), "post")
    views = _dig(result, "views", "count")
    return Post(
        id=int(result["rest_id"]),
        user=handle,
        user_id=_whole(legacy.get("user_id_str")),
        created_at=_seconds(legacy["created_at"]),
        language=legacy.get("lang"),
        text="" if kind == "repost" else text,
        kind=kind,
        conversation=_whole(legacy.get("conversation_id_str")),
        links=() if kind == "repost" else links,
        replies=legacy.get("reply_count"),
        reposts=legacy.get("retweet_count"),
        quotes=legacy.get("quote_count"),
        likes=legacy.get("favorite_count"),
        bookmarks=legacy.get("bookmark_count"),
        views=_whole(views),
        own=own,
        pinned=pinned,
        media=() if kind == "repost" else tuple(_media(legacy)),
        edges=tuple(edges),
    )


def _text(result: Any) -> tuple[str, tuple[str, ...]]:
    """The whole text and where its links lead."""
    legacy = result["legacy"]
    note = _dig(result, "note_tweet", "note_tweet_results", "result")
    if note is not None:
        return unescaped(note["text"]), _links(note.get("entity_set"))
    start, end = legacy.get("display_text_range") or (0, None)
    return unescaped(legacy["full_text"][start:end]), _links(legacy.get("entities"))


def _links(entities: Any) -> tuple[str, ...]:
    return tuple(link.get("expanded_url") or link["url"] for link in _dig(entities, "urls") or ())


def _media(legacy: Any) -> Iterator[Medium]:
    for one in _dig(legacy, "extended_entities", "media") or ():
        info = one.get("video_info") or {}
        files = [_variant(file) for file in info.get("variants", ()) if "bitrate" in file]
        best = max(files, key=lambda file: file.bitrate or 0, default=None)
        length = info.get("duration_millis")
        yield Medium(
            kind=_KINDS.get(one.get("type"), str(one.get("type"))),
            url=one["media_url_https"] if best is None else best.url,
            picture=one.get("media_url_https"),
            playlist=next(
                (file["url"] for file in info.get("variants", ()) if "mpegURL" in file["content_type"]), None
            ),
            width=_dig(one, "original_info", "width"),
            height=_dig(one, "original_info", "height"),
            seconds=None if length is None else length / 1000,
            alt=one.get("ext_alt_text"),
            id=_whole(one.get("id_str")),
            variants=tuple(files),
        )


def _variant(file: Mapping[str, Any]) -> Variant:
    size = _SIZE.search(file["url"])
    return Variant(file["url"], file["bitrate"], *(map(int, size.groups()) if size else (None, None)))


def _account(result: Any) -> Account:
    legacy, core = result.get("legacy") or {}, result.get("core") or {}
    pinned = legacy.get("pinned_tweet_ids_str") or [None]
    created = core.get("created_at") or legacy.get("created_at")
    return Account(
        user=str(core.get("screen_name") or legacy["screen_name"]).lower(),
        id=_whole(result.get("rest_id")),
        name=core.get("name") or legacy.get("name"),
        bio=legacy.get("description"),
        created_at=created and _seconds(created),
        followers=legacy.get("followers_count"),
        following=legacy.get("friends_count"),
        posts=legacy.get("statuses_count"),
        verified=result.get("is_blue_verified"),
        protected=bool(_dig(result, "privacy", "protected") or legacy.get("protected")),
        pinned=_whole(pinned[0]),
    )


def _seconds(text: str) -> int:
    return int(datetime.strptime(text, _DATE).timestamp())  # noqa: DTZ007  # %z is in it


def _whole(value: Any) -> int | None:
    return None if value is None else int(value)


def _dig(value: Any, *names: str) -> Any:
    """What lies that deep, None where there is nothing."""
    for name in names:
        if not isinstance(value, dict):
            return None
        value = value.get(name)
    return value
