"""What a chat request asks for and what it was shown, read out of its messages.

A language model understands any wording; this reader understands a small part of it, tolerantly. See
:mod:`fetchlab.testbed.chat` for the convention.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["Asked", "Shown", "read"]

_FAILURES = 200  # brackets that begin no JSON, before a text is taken for prose
MOST = 1000
"""Scenes that one request may ask for."""

_HEADINGS = {
    "bible": "bible", "story bible": "bible", "outline": "outline",
    "scenes": "scenes", "scenes so far": "scenes", "context": "scenes", "finished": "scenes",
    "finished scenes": "scenes", "earlier scenes": "scenes", "previous scenes": "scenes",
    "idea": "idea", "task": "task",
}  # fmt: skip
_HEADING = re.compile(
    rf"[\s#>*=<\[-]*(?P<end>/?)(?P<name>{'|'.join(sorted(_HEADINGS, key=len, reverse=True))})"
    r"(?:\s*\([^)]*\))?[\s*=>\]-]*(?::[\s*]*(?P<rest>.*))?",
    re.IGNORECASE,
)
_WRITE = re.compile(
    r"\b(?:write|create|generate|draft)\b[^.\n]{0,160}?\b(?:(?P<what>bible|outline)\b"
    r"|(?P<noun>scenes?)\s*(?:#|no\.?|numbers?)?\s*(?P<list>\d[\d\s,&–—-]*(?:(?:to|through|and)[\d\s,&–—-]+)*)"
    r"|(?P<count>\d+)[\s-]+scenes?\b(?![\s-]+(?:outline|bible)))",
    re.IGNORECASE,
)
_TASK = re.compile(rf"[\s#>*-]*(?:(?:now|please|then),?\s+)*{_WRITE.pattern}", re.IGNORECASE)
_OPENING = re.compile(r"[{\[]")
_RANGE = re.compile(r"(\d+)\s*(?:(?:-|–|—|to|through)\s*(\d+))?")
_COUNT = re.compile(r"\b(\d+)[\s-]+(?:\w+\s+)?scenes?\b", re.IGNORECASE)
_LINE = re.compile(
    r"^\W*scene\s*#?\s*(\d+)[\s*_]*[:.–—-]+\s*[\"“*]*([^\W\d_][\w'’]*(?: [^\W\d_][\w'’]*)*)",
    re.IGNORECASE | re.MULTILINE,
)
_BEAT = re.compile(r"^\W*(?:scene\s*#?\s*)?(\d+)\s*[:.)–—-]", re.IGNORECASE | re.MULTILINE)
_NUMBERS = ("scene", "number", "scene_number", "n", "index")
_TITLES = ("title", "name", "heading")


class Shown(NamedTuple):
    """One finished scene in a prompt, under the number that the prompt gives it."""

    scene: int
    title: str


class Asked(NamedTuple):
    """One request, understood.

    Attributes:
        kind: ``bible``, ``outline``, ``scenes``, or an empty text for anything else.
        scenes: the numbers of the scenes asked for; of an outline all of the film's.
        story: what tells this film from others, where there is no bible: its idea, else all that was said.
        shown: the finished scenes in the prompt, in its order.
        bible: the bible's title, or its text where it has none; None if it is not there.
        outline: the scenes that an outline in the prompt speaks of.
    """

    kind: str
    scenes: tuple[int, ...]
    story: str
    shown: tuple[Shown, ...]
    bible: str | None
    outline: tuple[int, ...]


def read(messages: Sequence[dict[str, Any]], schema: str = "") -> Asked:
    """What these messages ask for.

    Args:
        messages: as the service takes them.
        schema: the name of the schema that the reply must follow, which tells where no message does.
    """
    texts = [_text(message.get("content")) for message in messages]
    parts: dict[str, str] = {}
    for text in texts:
        for name, part in _sections(text):
            parts[name] = f"{parts[name]}\n{part}" if name in parts else part
    kind, scenes = _wanted(parts, schema)
    bible = _known_by(parts["bible"]) if parts.get("bible", "").strip() else None
    shown = _labelled(parts.get("scenes", parts.get("", "")))
    outline = _beats(parts["outline"]) if "outline" in parts else ()
    said = parts.get("idea") or " ".join(_WRITE.sub("", parts.get(name, "")) for name in ("", "task"))
    return Asked(kind, scenes, " ".join(said.split()), tuple(shown), bible, outline)


def _text(content: Any) -> str:
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    return "\n".join(str(part.get("text", "")) for part in parts if isinstance(part, dict))


def _sections(text: str) -> Iterator[tuple[str, str]]:
    """The text by its headings; what stands under none is under an empty one."""
    whole = _decoded(text)
    if isinstance(whole, dict):
        for key, value in whole.items():
            name = _HEADINGS.get(key.lower().replace("_", " "), "")
            yield name, value if isinstance(value, str) else json.dumps(value if name else {key: value})
        if "write" in whole or "scene" in whole:
            yield "task", _instruction(whole)
        return
    name, lines = "", []
    for line in text.splitlines():
        match = _HEADING.fullmatch(line)
        if match is None and _TASK.match(line) is None:
            lines.append(line)
            continue
        yield name, "\n".join(lines)
        if match is None:
            name, lines = "task", [line]
            continue
        name = "" if match["end"] else _HEADINGS[match["name"].lower()]
        lines = [match["rest"] or ""]
    yield name, "\n".join(lines)


def _instruction(said: dict[str, Any]) -> str:
    """``{"write": "scenes", "scenes": [6, 7]}`` in words."""
    wanted = said.get("scenes", said.get("scene"))
    numbers = wanted if isinstance(wanted, list) else [wanted]
    plain = [str(number) for number in numbers if isinstance(number, int)]
    what = str(said.get("write", "scenes"))
    listed = f"scenes {', '.join(plain)}" if plain and "scene" in what else what
    return f"Write {listed}"


def _wanted(parts: dict[str, str], schema: str) -> tuple[str, tuple[int, ...]]:
    for name in ("task", "", "scenes", "outline", "bible", "idea"):
        found = list(_WRITE.finditer(parts.get(name, "")))
        if found:
            return _understood(found[-1], parts)
    kind = schema.lower()
    if "bible" in kind:
        return "bible", ()
    if "outline" in kind:
        return "outline", _first(_total(parts))
    if "scene" in kind or "storyboard" in kind:
        return "scenes", _first(_total(parts))
    return "", ()


def _understood(match: re.Match[str], parts: dict[str, str]) -> tuple[str, tuple[int, ...]]:
    if match["what"]:
        kind = match["what"].lower()
        return kind, _first(_total(parts)) if kind == "outline" else ()
    if match["count"]:
        return "scenes", _first(int(match["count"]))
    ranges = [(int(a), int(b or a)) for a, b in _RANGE.findall(match["list"])]
    if match["noun"].lower() == "scene":
        ranges = ranges[:1]  # "scene 7, 8 seconds long"
    numbers = [number for a, b in ranges for number in range(a, min(b, a + MOST) + 1)]
    return "scenes", tuple(dict.fromkeys(numbers))[:MOST]


def _total(parts: dict[str, str]) -> int:
    for text in (parts.get("task", ""), parts.get("", ""), parts.get("idea", "")):
        found = _COUNT.search(text)
        if found:
            return int(found[1])
    return 1


def _first(count: int) -> tuple[int, ...]:
    return tuple(range(1, min(count, MOST) + 1))


def _known_by(text: str) -> str:
    for value in _values(text):
        if isinstance(value, dict):
            title = next((value[key] for key in _TITLES if isinstance(value.get(key), str)), None)
            if title:
                return str(title)
    return " ".join(text.split())


def _labelled(text: str) -> list[Shown]:
    found: list[Shown] = []
    for value in _values(text):
        _walk(value, found)
    return found or [Shown(int(number), title) for number, title in _LINE.findall(text)]


def _beats(text: str) -> tuple[int, ...]:
    numbers: list[int] = []
    for value in _values(text):
        _numbers(value, numbers)
    return tuple(numbers or [int(number) for number in _BEAT.findall(text)])


def _walk(value: Any, found: list[Shown]) -> None:
    if isinstance(value, list):
        for one in value:
            _walk(one, found)
    elif isinstance(value, dict):
        number = _number(value)
        title = next((value[key] for key in _TITLES if isinstance(value.get(key), str)), None)
        if number is not None and title is not None:
            found.append(Shown(number, title))  # and not what that scene was shown in its turn
            return
        for one in value.values():
            _walk(one, found)


def _numbers(value: Any, found: list[int]) -> None:
    if isinstance(value, list):
        for one in value:
            _numbers(one, found)
    elif isinstance(value, dict):
        number = _number(value)
        if number is not None:
            found.append(number)
            return
        for one in value.values():
            _numbers(one, found)


def _number(value: dict[str, Any]) -> int | None:
    for key in _NUMBERS:
        number = value.get(key)
        if isinstance(number, int) and not isinstance(number, bool):
            return number
    return None


def _decoded(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _values(text: str) -> Iterator[Any]:
    """Every JSON object and array that stands in a text."""
    decoder = json.JSONDecoder()
    place = failures = 0
    while failures < _FAILURES:
        begin = _OPENING.search(text, place)
        if begin is None:
            return
        try:
            value, place = decoder.raw_decode(text, begin.start())
        except (ValueError, RecursionError):
            place, failures = begin.end(), failures + 1
            continue
        yield value
