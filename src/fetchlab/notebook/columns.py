"""Tables as pairs of a column's name and a value: a credential's name may stand far above it."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["pairs"]

_TELLING = re.compile(r"token|key|secret|passw|pwd|auth|cookie|credential", re.IGNORECASE)
_SEPARATORS = (re.compile(r"[│┆║|]"), re.compile(r"\t"), re.compile(r","), re.compile(r";"))
_NAME = re.compile(r"[\"']?[\w .-]{1,40}[\"']?")
_RULES = tuple("╞├┌└+=-")
_WORD = re.compile(r"\S+")
_HEAD = re.compile(r"[\w.-]{1,40}")


def pairs(text: str) -> Iterator[str]:
    """Give ``name: value`` for every value in a column whose name may be a credential's.

    Read are HTML tables, tables drawn with lines, Markdown, CSV, and columns set with spaces.
    """
    if _TELLING.search(text) is None:
        return
    if "<t" in text.lower():
        reader = _Tables()
        reader.feed(text)
        reader.close()
        for rows in reader.tables:
            yield from _below(rows)
        return
    lines = text.splitlines()
    for separator in _SEPARATORS:
        if separator.search(text):
            yield from _separated(lines, separator)
    yield from _aligned(lines)


def _below(rows: list[list[str]]) -> Iterator[str]:
    if rows:
        telling = [(place, name) for place, name in enumerate(rows[0]) if _TELLING.search(name)]
        for row in rows[1:]:
            for place, name in telling:
                if place < len(row):
                    yield f"{name}: {row[place]}"


def _separated(lines: list[str], separator: re.Pattern[str]) -> Iterator[str]:
    rows: list[list[str]] = []
    for line in lines:
        values = [value.strip() for value in separator.split(line)]
        if rows and len(values) == len(rows[0]):
            rows.append(values)
        elif not rows or line[:1] not in _RULES:
            yield from _below(rows)
            rows = [[value.strip("\"'") for value in values]] if _is_head(values) else []
    yield from _below(rows)


def _is_head(names: list[str]) -> bool:
    return (
        len(names) > 1
        and all(_NAME.fullmatch(name) for name in names if name)
        and any(_TELLING.search(name) for name in names)
    )


def _aligned(lines: list[str]) -> Iterator[str]:
    """Give what stands in lines below and ends where a name ends: how columns are set with spaces."""
    ends: dict[int, str] = {}
    for line in lines:
        if not line.strip():
            ends.clear()
        elif ends or line[0] == " ":
            for match in _WORD.finditer(line):
                name = ends.get(match.end())
                if name is not None and match.start() > 0:
                    if match[0] not in (name, f'"{name}'):  # a title in many rows is no name above them
                        yield f"{name}: {match[0]}"
                elif line[0] == " " and _HEAD.fullmatch(match[0]) and _TELLING.search(match[0]):
                    ends[match.end()] = match[0]


class _Tables(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tables: list[list[list[str]]] = []
        self._cell: list[str] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002
        if tag in ("table", "tr", "td", "th"):
            self._end()  # the end of a cell may be left out
        if tag == "table":
            self.tables.append([])
        elif tag == "tr" and self.tables:
            self.tables[-1].append([])
        elif tag in ("td", "th") and self.tables and self.tables[-1]:
            self._cell = []

    def handle_endtag(self, tag: str) -> None:
        if tag in ("table", "tr", "td", "th"):
            self._end()

    def _end(self) -> None:
        if self._cell is not None:
            self.tables[-1][-1].append("".join(self._cell).strip())
            self._cell = None

    def handle_data(self, data: str) -> None:
        if self._cell is not None:
            self._cell.append(data)
