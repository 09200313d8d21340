"""HTML made harmless and complete in itself: no script, nothing that is fetched from anywhere."""

from __future__ import annotations

import html
import re
from html.parser import HTMLParser

__all__ = ["scrub", "scrub_style"]

_WHOLE = frozenset({"script", "iframe", "object", "noscript", "template", "audio", "video", "applet"})
_VOID = frozenset({"embed", "link", "meta", "base", "source", "track", "frame"})
_ADDRESSES = frozenset({"src", "srcset", "href", "xlink:href", "poster", "background", "data"})
_NEVER = frozenset({"action", "formaction", "ping", "srcdoc", "srcset"})
_WITHIN = re.compile(r"\s*(?:#|data:(?:image|font)/)", re.IGNORECASE)
_LINK = re.compile(r"\s*(?:(?:https?|mailto):|[^:]*(?:[/?#]|$))", re.IGNORECASE)
_IMPORT = re.compile(r"@import\b[^;}]*;?", re.IGNORECASE)
_URL = re.compile(r"url\(\s*(?![\"']?(?:#|data:))[^)]*\)", re.IGNORECASE)


def scrub(text: str) -> str:
    """Return a fragment of HTML or SVG without scripts, handlers, and addresses outside of it.

    An image that is not in the text is replaced by its description; links to follow stay.
    """
    parser = _Scrubber()
    parser.feed(text)
    parser.close()
    return "".join(parser.kept)


def scrub_style(css: str) -> str:
    """Return a style sheet that fetches nothing."""
    return _URL.sub("none", _IMPORT.sub("", css))


class _Scrubber(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=False)
        self.kept: list[str] = []
        self._within = ""  # the element that is left out with all that is in it
        self._depth = 0
        self._style = False
        self._letters: dict[str, str] = {}  # tags as they were written: SVG knows capitals

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if self._within:
            self._depth += tag == self._within
        elif tag in _WHOLE:
            self._within, self._depth = tag, 1
        elif tag not in _VOID:
            self._style = tag == "style"
            self._letters[tag] = (self.get_starttag_text() or "")[1 : 1 + len(tag)]
            self.kept.append(self._tag(tag, attrs, ">"))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if not self._within and tag not in _WHOLE | _VOID:
            self.kept.append(self._tag(tag, attrs, "/>"))

    def handle_endtag(self, tag: str) -> None:
        if self._within:
            self._depth -= tag == self._within
            if self._depth == 0:
                self._within = ""
        elif tag not in _WHOLE | _VOID:
            self._style = False
            self.kept.append(f"</{self._letters.get(tag, tag)}>")

    def handle_data(self, data: str) -> None:
        self._keep(scrub_style(data) if self._style else data)

    def handle_entityref(self, name: str) -> None:
        self._keep(f"&{name};")

    def handle_charref(self, name: str) -> None:
        self._keep(f"&#{name};")

    def _keep(self, text: str) -> None:
        if not self._within:
            self.kept.append(text)

    def _tag(self, tag: str, attrs: list[tuple[str, str | None]], end: str) -> str:
        kept = [(name, _attribute(tag, name, value)) for name, value in attrs]
        if all(new == old for (_, new), (_, old) in zip(kept, attrs, strict=True)):
            return self.get_starttag_text() or ""  # letter for letter
        if tag == "img" and dict(kept).get("src") is None:
            told = html.escape(dict(attrs).get("alt") or "image")
            return f'<span class="left-out">[{told}: not in this file]</span>'
        words = [
            name if value == "" else f'{name}="{html.escape(value)}"'
            for name, value in kept
            if value is not None
        ]
        return f"<{' '.join([tag, *words])}{end}"


def _attribute(tag: str, name: str, value: str | None) -> str | None:
    """Return what stays of an attribute, None if nothing does."""
    if name.startswith("on") or name in _NEVER:
        return None
    text = value or ""
    if name == "style":
        return scrub_style(text)
    if name not in _ADDRESSES or _WITHIN.match(text):
        return value
    return value if tag == "a" and name == "href" and _LINK.match(text) else None
