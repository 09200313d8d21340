"""What a request to the public API asks for: its query's parameters, checked."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from fetchlab.testbed import timeline_ids as ids
from fetchlab.testbed.timeline_api_stated import MEDIA_FIELDS, POST_FIELDS, USER_FIELDS, words
from fetchlab.testbed.wire import Reply

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

__all__ = ["Asked", "Window", "Wrong", "asked_of", "window_of"]

_EXPANSIONS = words(
    "article.cover_media article.media_entities attachments.media_keys attachments.media_source_tweet "
    "attachments.poll_ids author_id author_screen_name edit_history_tweet_ids entities.mentions.username "
    "entities.note.mentions.username geo.place_id in_reply_to_user_id referenced_tweets.id "
    "referenced_tweets.id.attachments.media_keys referenced_tweets.id.author_id pinned_tweet_id "
    "most_recent_tweet_id affiliation.user_id"
)
_EXCLUSIONS = frozenset(("replies", "retweets"))
_MOMENT = "%Y-%m-%dT%H:%M:%SZ"


_NAMES = words(
    "expansions tweet.fields post.fields user.fields media.fields poll.fields place.fields max_results "
    "pagination_token since_id until_id start_time end_time exclude ids usernames"
)


class Wrong(ValueError):
    """A parameter that cannot be served, as the service says it."""

    def __init__(self, name: str, value: str, message: str) -> None:
        super().__init__(message)
        self._parameters = {name: [value]}

    def reply(self) -> Reply:
        """The problem document."""
        return Reply.json(
            {
                "errors": [{"parameters": self._parameters, "message": str(self)}],
                "title": "Invalid Request",
                "detail": "One or more parameters to your request was invalid.",
                "type": "https://api.twitter.com/2/problems/invalid-request",
            },
            400,
        )


class Asked(NamedTuple):
    """Which fields of what, and which related things with it."""

    post: frozenset[str]
    user: frozenset[str]
    media: frozenset[str]
    expansions: frozenset[str]


class Window(NamedTuple):
    """Which of a user's posts: `first` and `last` are ids, `skip` kinds; `token` is an index."""

    size: int
    first: int
    last: int
    skip: frozenset[str]
    token: int | None


def asked_of(args: Mapping[str, str]) -> Asked:
    """Fields and expansions.

    Raises:
        Wrong: one is unknown, or another parameter is.
    """
    for name, value in args.items():
        if name not in _NAMES:
            raise Wrong(
                name, value, f"The query parameter [{name}] is not one of [{','.join(sorted(_NAMES))}]"
            )
    posts = "post.fields" if "post.fields" in args else "tweet.fields"
    return Asked(
        _several(args, posts, POST_FIELDS),
        _several(args, "user.fields", USER_FIELDS),
        _several(args, "media.fields", MEDIA_FIELDS),
        _several(args, "expansions", _EXPANSIONS),
    )


def window_of(args: Mapping[str, str], token: int | None) -> Window:
    """The page that is asked for.

    Raises:
        Wrong: a parameter is no number, no moment, or out of range.
    """
    size = args.get("max_results", "10")
    if not (size.isascii() and size.isdigit() and 5 <= int(size) <= 100):
        raise Wrong(
            "max_results", size, f"The `max_results` query parameter value [{size}] is not between 5 and 100"
        )
    first = max(_id(args, "since_id", -1), _moment(args, "start_time", -1) - 1)
    last = min(_id(args, "until_id", 1 << 63), _moment(args, "end_time", 1 << 63))
    return Window(int(size), first, last, _several(args, "exclude", _EXCLUSIONS), token)


def _several(args: Mapping[str, str], name: str, known: Collection[str]) -> frozenset[str]:
    wanted = frozenset(filter(None, args.get(name, "").split(",")))
    for one in sorted(wanted):
        if one not in known:
            raise Wrong(
                name,
                one,
                f"The `{name}` query parameter value [{one}] is not one of [{','.join(sorted(known))}]",
            )
    return wanted


def _id(args: Mapping[str, str], name: str, otherwise: int) -> int:
    text = args.get(name)
    if text is None:
        return otherwise
    if not (text.isascii() and text.isdigit() and len(text) < 20):
        raise Wrong(name, text, f"The `{name}` query parameter value [{text}] is not valid")
    return int(text)


def _moment(args: Mapping[str, str], name: str, otherwise: int) -> int:
    """The least id of that moment."""
    text = args.get(name)
    if text is None:
        return otherwise
    try:
        moment = datetime.strptime(text.replace(".000Z", "Z"), _MOMENT).replace(tzinfo=UTC)
    except ValueError:
        raise Wrong(
            name, text, f"The `{name}` query parameter value [{text}] is not a valid RFC3339 date time"
        ) from None
    return ids.snowflake(round(moment.timestamp() * 1000), 0, 0)
