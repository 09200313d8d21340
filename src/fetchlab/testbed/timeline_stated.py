"""Accounts and posts as the site's own interface states them (GraphQL)."""

from __future__ import annotations

from email.utils import format_datetime
from typing import TYPE_CHECKING, Any

from fetchlab.testbed import timeline_ids as ids
from fetchlab.testbed.timeline_truth import when
from fetchlab.testbed.timeline_users import portrait
from fetchlab.testbed.timeline_wording import delivered, in_full, media_link, placed, quote_link

if TYPE_CHECKING:
    from fetchlab.testbed.registry import World
    from fetchlab.testbed.timeline_data import Archive, Post
    from fetchlab.testbed.timeline_media import Media
    from fetchlab.testbed.timeline_users import User

__all__ = ["Stating"]

_KINDS = {"photo": "photo", "gif": "animated_gif", "video": "video"}


class Stating:
    """States things of one archive, with the addresses of one testbed.

    Args:
        archive: the posts.
        world: whose wires the addresses lead to.
    """

    def __init__(self, archive: Archive, world: World) -> None:
        self._archive = archive
        self._media = world.url("media")
        self._site = world.url("timeline")

    def user(self, user: User) -> dict[str, Any]:
        """An account that is open, empty or protected, or the note that it is suspended."""
        if user.state == "suspended":
            return {
                "__typename": "UserUnavailable",
                "reason": "Suspended",
                "message": "User is suspended",
                "unavailable_message": {"rtl": False, "text": "Account suspended", "entities": []},
            }
        created = _date(user.created)
        pinned = self._archive.pinned(user.place)
        return {
            "__typename": "User",
            "rest_id": str(user.id),
            "is_blue_verified": user.verified,
            "core": {"created_at": created, "name": user.name, "screen_name": user.handle},
            "avatar": {"image_url": self._media + portrait(self._archive.seed, user)},
            "privacy": {"protected": user.state == "protected"},
            "legacy": {
                "created_at": created,
                "name": user.name,
                "screen_name": user.handle,
                "description": user.bio,
                "followers_count": user.followers,
                "friends_count": user.following,
                "statuses_count": user.posts,
                "pinned_tweet_ids_str": []
                if pinned is None
                else [str(self._archive.id_of(user.place, pinned))],
                "profile_image_url_https": self._media + portrait(self._archive.seed, user),
                "protected": user.state == "protected",
                "verified": False,
            },
        }

    def post(self, post: Post, *, inside: bool = False) -> dict[str, Any]:
        """A post with what it quotes or reposts in full; `inside` another one it is told without a quote."""
        told = delivered(self._archive, post)
        legacy = self._legacy(post, told.text, [told.start, told.end])
        stated: dict[str, Any] = {
            "__typename": "Tweet",
            "rest_id": str(post.id),
            "core": {"user_results": {"result": self.user(post.author)}},
            "views": {"count": str(post.counts.views), "state": "EnabledWithCount"},
            "source": '<a href="https://example.org/client" rel="nofollow">Web App</a>',
            "legacy": legacy,
        }
        if post.long:
            text = in_full(post)
            stated["note_tweet"] = {
                "is_expandable": True,
                "note_tweet_results": {
                    "result": {
                        "id": ids.digest(self._archive.seed, f"note {post.id}", 20),
                        "text": text,
                        "entity_set": self._entities(post, text),
                    }
                },
            }
        if post.quoted is not None:
            legacy["quoted_status_id_str"] = str(post.quoted)
            link = quote_link(self._archive, post)
            legacy["quoted_status_permalink"] = {
                "url": link.url,
                "expanded": self._site + link.expanded,
                "display": link.expanded[1:24] + "…",
            }
            if not inside:
                stated["quoted_status_result"] = self._quoted(post)
        if post.reposted is not None:
            original = self._archive.post(*ids.parts(post.reposted))
            legacy["retweeted_status_result"] = {"result": self.post(original)}
        return stated

    def _quoted(self, post: Post) -> dict[str, Any]:
        if post.gone:
            return {
                "result": {
                    "__typename": "TweetTombstone",
                    "tombstone": {"text": {"text": "This Post is unavailable.", "entities": []}},
                }
            }
        quoted = self._archive.post(*ids.parts(post.quoted or 0))
        return {"result": self.post(quoted, inside=True)}

    def _legacy(self, post: Post, text: str, shown: list[int]) -> dict[str, Any]:
        counts = post.counts
        media = [self._medium(post, one, len(text)) for one in post.media]
        legacy: dict[str, Any] = {
            "id_str": str(post.id),
            "user_id_str": str(post.author.id),
            "created_at": _date(post.created),
            "conversation_id_str": str(post.conversation),
            "full_text": text,
            "display_text_range": shown,
            "lang": post.language,
            "entities": {**self._entities(post, text), **({"media": media} if media else {})},
            "is_quote_status": post.quoted is not None,
            "bookmark_count": counts.bookmarks,
            "favorite_count": counts.likes,
            "quote_count": counts.quotes,
            "reply_count": counts.replies,
            "retweet_count": counts.reposts,
        }
        if media:
            legacy["extended_entities"] = {"media": media}
        if post.answers is not None:
            author = self._archive.users[ids.parts(post.answers)[0]]
            legacy |= {
                "in_reply_to_status_id_str": str(post.answers),
                "in_reply_to_user_id_str": str(author.id),
                "in_reply_to_screen_name": author.handle,
            }
        thread = self._archive.thread(post.author.place, post.nth)
        if thread:
            legacy["self_thread"] = {"id_str": str(self._archive.id_of(post.author.place, thread.start))}
        return legacy

    def _entities(self, post: Post, text: str) -> dict[str, Any]:
        found = placed(self._archive, post, text)
        return {
            "hashtags": [{"text": tag, "indices": [start, end]} for tag, start, end in found["tags"]],
            "symbols": [],
            "urls": [
                {
                    "url": link.url,
                    "expanded_url": link.expanded,
                    "display_url": link.display,
                    "indices": [start, end],
                }
                for link, start, end in found["links"]
            ],
            "user_mentions": [self._mention(*one) for one in found["mentions"]],
        }

    def _mention(self, handle: str, start: int, end: int) -> dict[str, Any]:
        user = self._archive.named(handle)
        return {"id_str": str(user.id), "name": user.name, "screen_name": handle, "indices": [start, end]}

    def _medium(self, post: Post, one: Media, end: int) -> dict[str, Any]:
        link = media_link(self._archive, post)
        stated: dict[str, Any] = {
            "id_str": str(one.id),
            "media_key": f"{ {'photo': 3, 'gif': 16, 'video': 13}[one.kind] }_{one.id}",
            "type": _KINDS[one.kind],
            "url": link.url,
            "display_url": f"{link.expanded[1:24]}…",
            "expanded_url": self._site + link.expanded,
            "indices": [end - len(link.url), end],
            "media_url_https": self._media + one.picture,
            "original_info": {"width": one.width, "height": one.height},
        }
        if one.alt:
            stated["ext_alt_text"] = one.alt
        if one.variants:
            files = [
                {"bitrate": size.bitrate, "content_type": "video/mp4", "url": self._media + size.path}
                for size in one.variants
            ]
            info: dict[str, Any] = {"aspect_ratio": [one.width, one.height], "variants": files}
            if one.playlist:
                info["duration_millis"] = round(one.seconds * 1000)
                master = {"content_type": "application/x-mpegURL", "url": self._media + one.playlist}
                info["variants"] = [master, *files]
            stated["video_info"] = info
        return stated


def _date(milliseconds: int) -> str:
    """As in ``Wed Oct 10 20:19:24 +0000 2018``."""
    day, date, month, year, clock, zone = format_datetime(when(milliseconds)).replace(",", "").split()
    return f"{day} {month} {date} {clock} {zone} {year}"
