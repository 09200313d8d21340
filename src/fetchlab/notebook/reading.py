"""Every text of a notebook as its reader sees it, and what is saved beside it."""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from fetchlab.notebook.columns import pairs
from fetchlab.notebook.headless import INJECTED
from fetchlab.notebook.offline_widgets import drawn

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["numbered", "plain", "texts"]

STATE = "application/vnd.jupyter.widget-state+json"
DEEP = 3
"""How often a URL is encoded within another at most."""

_ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_CELLS = re.compile(r"</t[dh]>\s*<t[dh][^>]*>", re.IGNORECASE)
_BREAKS = re.compile(r"</(?:tr|p|li|h\d|text|dd|option)>|<br\b[^<>]*>", re.IGNORECASE)
_TAGS = re.compile(r"<[^<>]*>")
_INLINE = re.compile(r"</?(?:a|b|code|em|font|i|mark|small|span|strong|tspan|u|wbr)\b[^<>]*>", re.IGNORECASE)
_STYLE = re.compile(r"<style\b.*?</style>", re.IGNORECASE | re.DOTALL)
_PIXELS = re.compile(r"(data:image/(?:png|jpeg|webp);base64,)[A-Za-z0-9+/=]+")
_ENCODED = re.compile(r"%[0-9A-Fa-f]{2}")


def numbered(book: Any) -> Iterator[tuple[int | None, str, Any]]:
    """Give each cell with its number in the notebook as it was given, and the name of its place."""
    number = 0
    for cell in book.cells:
        if INJECTED in cell.metadata.get("tags", []):
            yield None, "the given parameters", cell
            continue
        number += 1
        count = cell.get("execution_count")
        yield number, f"In [{count}]" if count else str(cell.cell_type), cell


def texts(book: Any) -> Iterator[tuple[int | None, str, str, bool]]:
    """Give every text of a notebook: cell, place, text, and whether it is code.

    One text may come several times: as it is, without tags, decoded.
    """
    for number, place, cell in numbered(book):
        source = cell.source
        code = cell.cell_type == "code"
        for text in dict.fromkeys([source, _unquoted(source), *(_decoded if code else _readings)(source)]):
            yield number, f"{place} source", text, code
        for text in _strings(cell.metadata):
            yield number, f"{place} metadata", text, False
        for text in _cell_texts(cell.get("outputs", [])):
            for reading in _readings(text):
                yield number, f"{place} output", reading, False
    for name, value in book.metadata.items():
        place = "a widget's state" if name == "widgets" else f"metadata {name}"
        for text in _strings(value):
            for reading in _readings(text):
                yield None, place, reading, False
    states = book.metadata.get("widgets", {}).get(STATE, {}).get("state", {})
    for model in states:  # a label and its value are two widgets, or two fields of one
        for reading in _readings(drawn(model, states)):
            yield None, "a widget's state", reading, False


def plain(text: str) -> str:
    """Return a text without its colours."""
    return _ANSI.sub("", text)


def _cell_texts(outputs: list[Any]) -> Iterator[str]:
    """Give the texts of a cell's outputs; a stream comes in pieces, and is read in one."""
    streams = [output for output in outputs if output.output_type == "stream"]
    names = {output.name for output in streams}
    wholes = [[output for output in streams if output.name == name] for name in sorted(names)]
    if len(names) > 1:
        wholes.append(streams)
    for whole in wholes:
        yield "".join(_joined(output.text) for output in whole)
    for output in outputs:
        if output.output_type != "stream":
            yield from _output_texts(output)


def _output_texts(output: Any) -> Iterator[str]:
    for key in ("ename", "evalue", "traceback"):
        if key in output:
            yield _joined(output[key], "\n" if key == "traceback" else "")
    for kind, value in output.get("data", {}).items():
        if kind.startswith(("image/", "audio/", "video/")) and kind != "image/svg+xml":
            continue  # base64, in which every shape occurs by chance
        if isinstance(value, dict) or kind.endswith("json"):
            yield from _strings(value)
        else:
            yield _PIXELS.sub(r"\1", _joined(value))  # a figure may hold pictures, of which the same is true
    yield from _strings(output.get("metadata", {}))


def _readings(text: str) -> Iterator[str]:
    """Give a text as its reader sees it: without colours, without tags and entities, decoded, by columns."""
    seen = dict.fromkeys(_views(_unquoted(plain(text))))
    yield from seen
    for one in seen:
        yield from _decoded(one)
        if told := "\n".join(pairs(one)):
            yield told


def _views(text: str) -> Iterator[str]:
    yield text
    if "<" in text and ">" in text:
        cells = _BREAKS.sub("\n", _CELLS.sub(": ", _STYLE.sub(" ", text)))
        yield html.unescape(_TAGS.sub(" ", cells))
        yield html.unescape(_TAGS.sub(" ", _INLINE.sub("", cells)))
    if "&" in text:
        yield html.unescape(text)


def _decoded(text: str) -> Iterator[str]:
    """Give a text whose percent-encoding is taken off, layer by layer."""
    for _ in range(DEEP):
        if _ENCODED.search(text) is None:
            return
        inner = unquote(text)
        if inner == text:
            return
        text = inner
        yield text


def _unquoted(text: str) -> str:
    """Return a literal within a literal as one."""
    return text.replace('\\"', '"').replace("\\'", "'")


def _strings(value: Any, name: str = "") -> Iterator[str]:
    """Give every string in a JSON value, with its name before it, as a reader would see it."""
    if isinstance(value, str):
        yield value
        if name:
            yield f'"{name}": "{value}"'
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _strings(inner, str(key))
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _strings(inner, name)


def _joined(value: Any, glue: str = "") -> str:
    return glue.join(map(str, value)) if isinstance(value, list | tuple) else str(value)
