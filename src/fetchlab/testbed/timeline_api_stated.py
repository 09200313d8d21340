"""Users, posts and media as the service's public API states them (version 2): only the fields asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fetchlab.testbed import timeline_ids as ids
from fetchlab.testbed.timeline_truth import iso
from fetchlab.testbed.timeline_users import portrait
from fetchlab.testbed.timeline_wording import delivered, in_full, media_link, placed, quote_link

if TYPE_CHECKING:
    from collections.abc import Collection

    from fetchlab.testbed.registry import World
    from fetchlab.testbed.timeline_data import Archive, Post
    from fetchlab.testbed.timeline_media import Media
    from fetchlab.testbed.timeline_text import Link
    from fetchlab.testbed.timeline_users import User

__all__ = ["MEDIA_FIELDS", "POST_FIELDS", "USER_FIELDS", "ApiStating", "media_key", "references", "words"]


def words(text: str) -> frozenset[str]:
    """The words of a text."""
    return frozenset(text.split())


POST_FIELDS = words(
    "article attachments author_id card_uri community_id context_annotations conversation_id created_at "
    "display_text_range edit_controls edit_history_tweet_ids entities geo id in_reply_to_user_id lang "
    "media_metadata non_public_metrics note_tweet organic_metrics possibly_sensitive promoted_metrics "
    "public_metrics referenced_tweets reply_settings scopes source suggested_source_links text "
    "withheld"
)
USER_FIELDS = words(
    "affiliation confirmed_email connection_status created_at description entities id is_identity_verified "
    "location most_recent_tweet_id name parody pinned_tweet_id profile_banner_url profile_image_url "
    "protected public_metrics receives_your_dm subscription subscription_type url username verified "
    "verified_followers_count verified_type withheld"
)
MEDIA_FIELDS = words(
    "alt_text duration_ms height media_key non_public_metrics organic_metrics preview_image_url "
    "promoted_metrics public_metrics type url variants width"
)
_KINDS = {"photo": ("photo", 3), "gif": ("animated_gif", 16), "video": ("video", 13)}


class ApiStating:
    """States things of one archive, with the addresses of one testbed."""

    def __init__(self, archive: Archive, world: World) -> None:
        self._archive = archive
        self._media = world.url("media")
        self._site = world.url("timeline")

    def user(self, user: User, fields: Collection[str] = ()) -> dict[str, Any]:
        """An account; its id, name and handle are always told."""
        pinned = self._archive.pinned(user.place)
        every: dict[str, Any] = {
            "id": str(user.id),
            "name": user.name,
            "username": user.handle,
            "created_at": iso(user.created),
            "description": user.bio,
            "profile_image_url": self._media + portrait(self._archive.seed, user),
            "protected": user.state == "protected",
            "verified": user.verified,
            "verified_type": "blue" if user.verified else "none",
            "url": "",
            "public_metrics": {
                "followers_count": user.followers,
                "following_count": user.following,
                "tweet_count": user.posts,
                "listed_count": user.followers // 90,
                "like_count": user.following * 7,
                "media_count": user.posts // 3,
            },
        }
        if pinned is not None:
            every["pinned_tweet_id"] = str(self._archive.id_of(user.place, pinned))
        return _kept(every, ("id", "name", "username"), fields)

    def post(self, post: Post, fields: Collection[str] = ()) -> dict[str, Any]:
        """A post; its id, text and the ids of its earlier versions are always told."""
        told = delivered(self._archive, post)
        counts = post.counts
        every: dict[str, Any] = {
            "id": str(post.id),
            "text": told.text,
            "edit_history_tweet_ids": [str(post.id)],
            "author_id": str(post.author.id),
            "conversation_id": str(post.conversation),
            "created_at": iso(post.created),
            "display_text_range": [told.start, told.end],
            "lang": post.language,
            "possibly_sensitive": False,
            "reply_settings": "everyone",
            "source": "Web App",
            "public_metrics": {
                "retweet_count": counts.reposts,
                "reply_count": counts.replies,
                "like_count": counts.likes,
                "quote_count": counts.quotes,
                "bookmark_count": counts.bookmarks,
                "impression_count": counts.views,
            },
        }
        entities = self._entities(post, told.text)
        if entities:
            every["entities"] = entities
        if post.long:
            text = in_full(post)
            note = {"text": text}
            inside = self._links(post, text)
            every["note_tweet"] = {**note, "entities": inside} if inside else note
        if post.media:
            every["attachments"] = {"media_keys": [media_key(one) for one in post.media]}
        others = references(post)
        if others:
            every["referenced_tweets"] = [{"type": kind, "id": str(other)} for kind, other in others]
        if post.answers is not None:
            every["in_reply_to_user_id"] = str(self._archive.users[ids.parts(post.answers)[0]].id)
        return _kept(every, ("id", "text", "edit_history_tweet_ids"), fields)

    def medium(self, one: Media, fields: Collection[str] = ()) -> dict[str, Any]:
        """A photo, GIF or video; its key and kind are always told."""
        every: dict[str, Any] = {
            "media_key": media_key(one),
            "type": _KINDS[one.kind][0],
            "width": one.width,
            "height": one.height,
        }
        if one.kind == "photo":
            every["url"] = self._media + one.picture
        else:
            every["preview_image_url"] = self._media + one.picture
            every["variants"] = [
                {"bit_rate": size.bitrate, "content_type": "video/mp4", "url": self._media + size.path}
                for size in reversed(one.variants)
            ]
        if one.playlist:
            every["duration_ms"] = round(one.seconds * 1000)
            master = {"content_type": "application/x-mpegURL", "url": self._media + one.playlist}
            every["variants"].append(master)
        if one.alt:
            every["alt_text"] = one.alt
        return _kept(every, ("media_key", "type"), fields)

    def _entities(self, post: Post, text: str) -> dict[str, Any]:
        made = self._links(post, text)
        ends: list[tuple[Link, dict[str, Any]]] = []
        if post.quoted is not None:
            ends.append((quote_link(self._archive, post), {}))
        if post.media:
            ends.append((media_link(self._archive, post), {"media_key": media_key(post.media[0])}))
        for link, more in ends:
            place = text.rfind(link.url)
            made.setdefault("urls", []).append(
                {
                    "start": place,
                    "end": place + len(link.url),
                    "url": link.url,
                    "expanded_url": self._site + link.expanded,
                    "display_url": f"{link.expanded[1:24]}…",
                    **more,
                }
            )
        return made

    def _links(self, post: Post, text: str) -> dict[str, Any]:
        found = placed(self._archive, post, text)
        made = {
            "urls": [
                {
                    "start": start,
                    "end": end,
                    "url": link.url,
                    "expanded_url": link.expanded,
                    "display_url": link.display,
                }
                for link, start, end in found["links"]
            ],
            "hashtags": [{"start": start, "end": end, "tag": tag} for tag, start, end in found["tags"]],
            "mentions": [
                {"start": start, "end": end, "username": name, "id": str(self._archive.named(name).id)}
                for name, start, end in found["mentions"]
            ],
        }
        return {kind: things for kind, things in made.items() if things}


def media_key(one: Media) -> str:
    """A medium's name in lists."""
    return f"{_KINDS[one.kind][1]}_{one.id}"


def references(post: Post) -> list[tuple[str, int]]:
    """What a post is about: kinds and ids of other posts."""
    kinds = (("retweeted", post.reposted), ("quoted", post.quoted), ("replied_to", post.answers))
    return [(kind, other) for kind, other in kinds if other is not None]


def _kept(every: dict[str, Any], always: tuple[str, ...], fields: Collection[str]) -> dict[str, Any]:
    return {name: value for name, value in every.items() if name in always or name in fields}
