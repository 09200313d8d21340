"""Feeds as Nitter gives them: texts, photos and quotes, for whoever has neither token nor browser.

A feed leaves things out: counts, languages, conversations, the files of videos, the ids of reposts (the post
that was reposted is told) and anything that says whether an account is protected. Links in its texts are
written out.
"""

from __future__ import annotations

import re
from email.utils import parsedate_to_datetime
from html.parser import HTMLParser
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from fetchlab.errors import ParseError, StatusError, StudyError, SuspendedUser, UnknownUser
from fetchlab.model import Request
from fetchlab.studies.timeline.rows import Account, Edge, Found, Medium, Post

if TYPE_CHECKING:
    from fetchlab.model import Response
    from fetchlab.studies.timeline.paging import Ask

__all__ = ["Rss", "described"]

_CREATOR = "{http://purl.org/dc/elements/1.1/}creator"
_ITEM = re.compile(r"(?P<pinned>Pinned: )?(?:RT by @(?P<by>\w+): |R to @(?P<to>\w+): )?", re.ASCII)
_STATUS = re.compile(r"/(\w+)/status/(\d+)")
_NAME = re.compile(r"^(?P<name>.*?) / @(?P<user>\w+)$")


class Rss:
    """Asks for feeds and reads them.

    Args:
        base_url: the frontend's root.
    """

    source = "rss"

    def __init__(self, base_url: str) -> None:
        self._base = base_url

    def request(self, ask: Ask) -> Request:
        """A page of a user's feed."""
        params = None if ask.cursor is None else {"cursor": ask.cursor}
        return Request(f"{self._base}/{ask.user}/rss", params=params)

    def parse(self, response: Response) -> Found:
        """Read a feed.

        Raises:
            UnknownUser: there is no such account, or it is protected.
            SuspendedUser: the service has closed it.
            StudyError: the frontend gives no feeds.
            ParseError: it is no feed.
        """
        if response.status in (403, 404):
            said = re.sub(r"<title>.*?</title>|<[^>]+>", "", response.text).strip()
            kind = StudyError if response.status == 403 else UnknownUser
            raise (SuspendedUser if "suspended" in said else kind)(said or f"HTTP {response.status}")
        if response.status >= 400:
            raise StatusError(f"HTTP {response.status}", response.status, response.headers)
        try:
            channel = ET.fromstring(response.content).find("channel")  # noqa: S314  # expat bounds entities
        except ET.ParseError as error:
            raise ParseError(f"the feed is no XML: {error}", retriable=True) from error
        if channel is None:
            raise ParseError("the feed has no channel")
        whose = _NAME.match(channel.findtext("title") or "")
        if whose is None:
            raise ParseError("the feed does not say whose it is")
        user = whose["user"].lower()
        items = channel.findall("item")
        posts = [post for item in items for post in _posts(item, user)]
        accounts = [Account(user=user, name=whose["name"])]
        return Found(posts, accounts, response.headers.get("min-id") if items else None)


def described(html: str) -> _Description:
    """Read what stands in an item's description."""
    reader = _Description()
    reader.feed(html)
    reader.close()
    return reader


def _posts(item: ET.Element, user: str) -> list[Post]:
    title = item.findtext("title") or ""
    head = _ITEM.match(title)
    assert head is not None  # it matches nothing, too
    if head["to"] and head["to"].lower() != user:
        return []  # not on the timeline, which shows answers to oneself alone
    body = described(item.findtext("description") or "")
    place = _STATUS.search(item.findtext("link") or "")
    if place is None:
        raise ParseError("an item of the feed leads to no post")
    quoted = _STATUS.search(body.cited)
    edges = [Edge("reply", None, user)] if head["to"] else []
    if quoted:
        edges.append(Edge("quote", int(quoted[2]), quoted[1].lower()))
    elif body.quotes:
        edges.append(Edge("quote", gone=True))
    published = item.findtext("pubDate")
    own = not head["by"]
    post = Post(
        id=int(place[2]),
        user=(item.findtext(_CREATOR) or place[1]).lstrip("@").lower(),
        created_at=published and int(parsedate_to_datetime(published).timestamp()),  # type: ignore[arg-type]
        text=title[head.end() :] if body.text else "",
        kind="quote" if body.quotes else "reply" if edges else "post",
        links=tuple(body.links),
        own=own,
        pinned=own and bool(head["pinned"]),
        media=tuple(body.media),
        edges=tuple(edges),
    )
    if quoted is None:
        return [post]
    other = Post(
        id=int(quoted[2]),
        user=quoted[1].lower(),
        text=body.quoted_text,
        links=tuple(body.quoted_links),
        media=tuple(body.quoted_media),
    )
    return [post, other]


class _Description(HTMLParser):
    """An item's text, media and quote.

    Attributes:
        text, links, media: of the post.
        quotes: it quotes another one; ``cited`` is that one's address, empty if it is gone.
        quoted_text, quoted_links, quoted_media: of the other.
    """

    def __init__(self) -> None:
        super().__init__()
        self.text = self.quoted_text = self.cited = ""
        self.links: list[str] = []
        self.media: list[Medium] = []
        self.quoted_links: list[str] = []
        self.quoted_media: list[Medium] = []
        self.quotes = False
        self._within: list[str] = []
        self._href: str | None = None
        self._words = ""
        self._poster: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Media and breaks count at once, links when they end."""
        known = dict(attrs)
        if tag == "blockquote":
            self.quotes = True
        elif tag == "br":
            self._put("\n" if self._href is None else "")
        elif tag == "a":
            self._href, self._words = known.get("href") or "", ""
            if "cite" in self._within:
                self.cited = self._href
        elif tag == "img":
            still = known.get("src")
            video = self._href is not None and "Video" in self._words
            self._add(Medium("video", None, still) if video else Medium("photo", still, still))
        elif tag == "video":
            self._poster = known.get("poster")
        elif tag == "source":
            self._add(Medium("gif", known.get("src"), self._poster))
        if tag not in ("br", "img", "source", "hr"):
            self._within.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """A link to elsewhere is its address, one to a name or a tag its words."""
        if tag == "a" and self._href is not None:
            href, words = self._href, self._words
            self._href = None
            if words[:1] in ("@", "#"):
                self._put(words)
            elif "p" in self._within and words != "Video":
                self._put(href)
                (self.quoted_links if self.quotes else self.links).append(href)
        if tag in self._within:
            del self._within[len(self._within) - 1 - self._within[::-1].index(tag) :]

    def handle_data(self, data: str) -> None:
        """Only paragraphs hold what a post says."""
        if self._href is not None:
            self._words += data
        elif "p" in self._within:
            self._put(data[1:] if data.startswith("\n") and self._said().endswith("\n") else data)

    def _said(self) -> str:
        return self.quoted_text if self.quotes else self.text

    def _put(self, words: str) -> None:
        if self.quotes:
            self.quoted_text += words
        else:
            self.text += words

    def _add(self, medium: Medium) -> None:
        (self.quoted_media if self.quotes else self.media).append(medium)
