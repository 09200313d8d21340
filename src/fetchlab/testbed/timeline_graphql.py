"""Pages of posts in the frame of the site's own interface: instructions, entries, cursors."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import TYPE_CHECKING, Any

from fetchlab.testbed.hashing import draws
from fetchlab.testbed.timeline_ids import parts, snowflake
from fetchlab.testbed.timeline_listing import advertisement
from fetchlab.testbed.timeline_text import composed
from fetchlab.testbed.timeline_users import ADVERTISERS, NOW, OTHERS
from fetchlab.testbed.wire import BadRequest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fetchlab.testbed.timeline_data import Archive, Post
    from fetchlab.testbed.timeline_listing import Page
    from fetchlab.testbed.timeline_stated import Stating

__all__ = ["Framing", "cursor_of", "written_cursor"]

_PROMOTED_AT = 4
_BEFORE_MORE = 6
"""Posts of a thread below the one in focus before a reader must ask for the others."""
_TOP = 1_999_999_999_999_999_999


class Framing:
    """Frames posts of one archive."""

    def __init__(self, archive: Archive, stating: Stating) -> None:
        self._archive = archive
        self._state = stating

    def timeline(self, place: int, start: int, page: Page, *, newest: bool) -> dict[str, Any]:
        """A page of a user's posts; the newest one has the pinned post above it."""
        instructions: list[dict[str, Any]] = [{"type": "TimelineClearCache"}] if newest else []
        pinned = self._archive.pinned(place)
        if newest and pinned is not None:
            entry = self._single(self._archive.post(place, pinned), 0)
            entry["content"]["clientEventInfo"] = {"component": "pinned_tweets"}
            instructions.append({"type": "TimelinePinEntry", "entry": entry})
        entries = [
            self._single(posts[0], number) if len(posts) == 1 else self._conversation(posts, number)
            for number, posts in enumerate(page.entries)
        ]
        if len(entries) > _PROMOTED_AT:
            entries.insert(_PROMOTED_AT, self._promoted(advertisement(self._archive, place, start)))
        entries.append(_cursor("Top", written_cursor("top", start)))
        entries.append(_cursor("Bottom", written_cursor("from", page.following)))
        instructions.append({"type": "TimelineAddEntries", "entries": entries})
        timeline = {"instructions": instructions, "metadata": {"scribeConfig": {"page": "profileBest"}}}
        return {"data": {"user": {"result": {"__typename": "User", "timeline": {"timeline": timeline}}}}}

    def detail(self, post: Post) -> dict[str, Any]:
        """A post's own page: what it answers above it, the rest of its thread and answers of others below."""
        archive, place = self._archive, post.author.place
        thread = archive.thread(place, post.nth)
        above = [archive.post(place, one) for one in thread if one < post.nth]
        if not thread and post.answers is not None:
            above = [archive.post(*parts(post.answers))]
        entries = [self._single(one, number) for number, one in enumerate([*above, post])]
        below = [archive.post(place, one) for one in thread if one > post.nth]
        if below:
            module = self._below(post, below[:_BEFORE_MORE])
            if len(below) > _BEFORE_MORE:
                module["content"]["items"].append(self._more(post))
            entries.append(module)
        entries += [self._below(one, [one]) for one in self._comments(post)]
        return _conversation_page([{"type": "TimelineAddEntries", "entries": entries}])

    def rest(self, post: Post) -> dict[str, Any]:
        """The posts of a long thread that its page did not show at first."""
        archive, place = self._archive, post.author.place
        below = [one for one in archive.thread(place, post.nth) if one > post.nth][_BEFORE_MORE:]
        name = f"conversationthread-{post.id}"
        items = [self._item(name, archive.post(place, one), "SelfThread") for one in below]
        return _conversation_page(
            [{"type": "TimelineAddToModule", "moduleEntryId": name, "moduleItems": items, "prepend": False}]
        )

    def _single(self, post: Post, number: int) -> dict[str, Any]:
        return {
            "entryId": f"tweet-{post.id}",
            "sortIndex": str(_TOP - number),
            "content": {
                "entryType": "TimelineTimelineItem",
                "__typename": "TimelineTimelineItem",
                "itemContent": self._content(post, "Tweet"),
            },
        }

    def _promoted(self, post: Post) -> dict[str, Any]:
        entry = self._single(post, _PROMOTED_AT)
        entry["entryId"] = f"promoted-tweet-{post.id}-{post.id & 0xFFFFFF:x}"
        entry["content"]["itemContent"]["promotedMetadata"] = {
            "advertiser_results": {"result": self._state.user(post.author)},
            "disclosureType": "NoDisclosure",
            "impressionId": f"{post.id & 0xFFFFFFFF:016x}",
        }
        return entry

    def _conversation(self, posts: Sequence[Post], number: int) -> dict[str, Any]:
        name = f"profile-conversation-{posts[0].id}"
        place, last = posts[-1].author.place, posts[-1].nth
        every = [str(self._archive.id_of(place, one)) for one in self._archive.thread(place, last)]
        return {
            "entryId": name,
            "sortIndex": str(_TOP - number),
            "content": {
                "entryType": "TimelineTimelineModule",
                "__typename": "TimelineTimelineModule",
                "displayType": "VerticalConversation",
                "items": [self._item(name, post, "SelfThread") for post in posts],
                "metadata": {
                    "conversationMetadata": {
                        "allTweetIds": every or [str(post.id) for post in posts],
                        "enableDeduplication": True,
                    }
                },
            },
        }

    def _below(self, first: Post, posts: Sequence[Post]) -> dict[str, Any]:
        name = f"conversationthread-{first.id}"
        kind = "SelfThread" if posts[0].kind == "thread" else "Tweet"
        return {
            "entryId": name,
            "sortIndex": str(_TOP - 100),
            "content": {
                "entryType": "TimelineTimelineModule",
                "__typename": "TimelineTimelineModule",
                "displayType": "VerticalConversation",
                "items": [self._item(name, post, kind) for post in posts],
            },
        }

    def _more(self, post: Post) -> dict[str, Any]:
        cursor = {
            "itemType": "TimelineTimelineCursor",
            "__typename": "TimelineTimelineCursor",
            "cursorType": "ShowMore",
            "value": written_cursor("rest", post.nth),
            "displayTreatment": {"actionText": "Show replies"},
        }
        name = f"conversationthread-{post.id}-cursor-showmore-{post.id & 0xFFFFFF:x}"
        return {"entryId": name, "item": {"itemContent": cursor}}

    def _item(self, name: str, post: Post, display: str) -> dict[str, Any]:
        return {
            "entryId": f"{name}-tweet-{post.id}",
            "item": {"itemContent": self._content(post, display)},
        }

    def _content(self, post: Post, display: str) -> dict[str, Any]:
        return {
            "itemType": "TimelineTweet",
            "__typename": "TimelineTweet",
            "tweet_results": {"result": self._state.post(post)},
            "tweetDisplayType": display,
        }

    def _comments(self, post: Post) -> list[Post]:
        """What others have answered. These posts are known here alone: nobody collects from their authors."""
        d = draws(b"timeline answers", self._archive.seed, post.id)
        places = [OTHERS.start + one % (ADVERTISERS.start - OTHERS.start) for one in d[: d[31] % 4]]
        made = []
        for number, place in enumerate(places):
            author = self._archive.users[place]
            created = min(NOW, post.created + (number + 1) * 700_000)
            nth = author.posts + number
            key = (post.id ^ number) & 0xFFFFFFFFFFFF
            said = composed(self._archive.seed, key, "en", post.author.handle, long=False)
            made.append(
                self._archive.post(place, d[number] % author.posts)._replace(
                    id=snowflake(created, place, nth),
                    nth=nth,
                    kind="reply",
                    where="replies",
                    created=created,
                    language="en",
                    said=said,
                    long=False,
                    media=(),
                    quoted=None,
                    answers=post.id,
                    conversation=post.conversation,
                )
            )
        return made


def written_cursor(kind: str, index: int) -> str:
    """A place in a list, as clients hand it back."""
    return "DAAB" + urlsafe_b64encode(f"{kind} {index}".encode()).decode().rstrip("=")


def cursor_of(kind: str, text: str) -> int:
    """The place that :func:`written_cursor` wrote down.

    Raises:
        BadRequest: it is another kind of cursor, or none.
    """
    packed = text.removeprefix("DAAB")
    try:
        name, _, index = urlsafe_b64decode(packed + "=" * (-len(packed) % 4)).decode().partition(" ")
        place = int(index)
    except ValueError:
        raise BadRequest(f"not a cursor: {text!r}") from None
    if name != kind or not -1 <= place < 1 << 15:
        raise BadRequest(f"not a cursor of this list: {text!r}")
    return place


def _cursor(kind: str, value: str) -> dict[str, Any]:
    return {
        "entryId": f"cursor-{kind.lower()}-{value[4:12]}",
        "sortIndex": str(_TOP + (1 if kind == "Top" else -1_000)),
        "content": {
            "entryType": "TimelineTimelineCursor",
            "__typename": "TimelineTimelineCursor",
            "cursorType": kind,
            "value": value,
        },
    }


def _conversation_page(instructions: list[dict[str, Any]]) -> dict[str, Any]:
    return {"data": {"threaded_conversation_with_injections_v2": {"instructions": instructions}}}
