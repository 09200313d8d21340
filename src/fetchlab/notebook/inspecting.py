"""What a notebook must not hold when it is shared: secrets, errors, places and names of one machine."""

from __future__ import annotations

import contextlib
import getpass
import html
import platform
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fetchlab.notebook import credentials
from fetchlab.notebook.headless import INJECTED

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

__all__ = ["Finding", "inspect", "own_names"]

DELIBERATE = "raises-exception"
"""The tag by which a cell's author says that its error is meant."""
AROUND = 30
"""Characters of an excerpt before and after what was found."""
EACH = 5
"""Findings of one kind told of one place; the rest are the same again."""

_ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_CELLS = re.compile(r"</t[dh]>\s*<t[dh][^>]*>", re.IGNORECASE)
_TAGS = re.compile(r"<[^<>]*>")
_STYLE = re.compile(r"<style\b.*?</style>", re.IGNORECASE | re.DOTALL)
_HOME = re.compile(
    r"(?:(?<![\w./~])|(?<=file://))(?:/(?:home|Users)/|/root[/](?=[\w.]))[\w.@+/-]*[\w@+/-]"
    r"|\b[A-Za-z]:[\\/]{1,2}(?:Users|Documents and Settings)[\\/]{1,2}[\w.@ -]*\w",
    re.IGNORECASE,
)
_ABSOLUTE = re.compile(
    r"(?:(?<![\w./~<])|(?<=file://))(?P<path>/[\w.@+-]+(?:/[\w.@+-]+)+)"
    r"|(?<![\w.])(?P<drive>[A-Z]:\\{1,2}\w[\w. -]+\\{1,2}\w+)"
)
_ROOTS = "tmp var mnt media opt srv private Volumes scratch gpfs lustre nfs usr etc Library".split()  # noqa: SIM905
_HARMLESS = re.compile(r"/(?:dev|proc|sys)/|/(?:usr/)?bin/(?:env|sh|bash)$|/etc/hosts$")
_COMMON = frozenset(
    """root user users admin administrator guest owner jovyan ubuntu debian runner vagrant docker nobody
    localhost local host server vm machine computer desktop laptop notebook""".split()  # noqa: SIM905
)
"""Names that tell nothing and are words of their own."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that must not be shared.

    Attributes:
        cell: the cell's number in the notebook as it was given, from 1; None for the notebook's metadata and
            for the cell of given parameters.
        where: source, output or metadata, with the number that Jupyter shows for a code cell.
        what: what it is.
        excerpt: the text around it; every secret in it is masked.
        secret: True if nothing can override it.
    """

    cell: int | None
    where: str
    what: str
    excerpt: str
    secret: bool

    def __str__(self) -> str:
        place = f"cell {self.cell}, {self.where}" if self.cell is not None else self.where
        return f"{place}: {self.what}: {self.excerpt}"


def own_names() -> frozenset[str]:
    """Return what this person and this machine are called, as far as that tells anybody anything."""
    names = {platform.node(), platform.node().partition(".")[0], Path.home().name}
    with contextlib.suppress(OSError, KeyError):  # nobody by this number is known
        names.add(getpass.getuser())
    return frozenset(name for name in names if len(name) > 2 and name.lower() not in _COMMON)


def inspect(book: Any, names: Collection[str] | None = None) -> list[Finding]:
    """Return everything in a notebook that must not be shared, in order.

    Args:
        book: the executed notebook.
        names: names of people and machines to look for; this person's and machine's unless told.
    """
    names = own_names() if names is None else names
    found: dict[tuple[int | None, str, str, str], Finding] = {}
    counts: dict[tuple[int | None, str, str], int] = {}
    for cell, where, text, code in _texts(book):
        for what, excerpt, secret in _found(text, names, code=code):
            kind = (cell, where, what)
            counts[kind] = counts.get(kind, 0) + 1
            if counts[kind] <= EACH:
                found.setdefault((*kind, excerpt), Finding(cell, where, what, excerpt, secret))
    errors = [
        Finding(cell, where, "an error", excerpt, secret=False) for cell, where, excerpt in _errors(book)
    ]
    return sorted([*found.values(), *errors], key=lambda finding: (finding.cell is None, finding.cell or 0))


def _numbered(book: Any) -> Iterator[tuple[int | None, str, Any]]:
    """Give each cell with its number in the notebook as it was given, and the name of its place."""
    number = 0
    for cell in book.cells:
        if INJECTED in cell.metadata.get("tags", []):
            yield None, "the given parameters", cell
            continue
        number += 1
        count = cell.get("execution_count")
        yield number, f"In [{count}]" if count else str(cell.cell_type), cell


def _texts(book: Any) -> Iterator[tuple[int | None, str, str, bool]]:
    """Give every text of a notebook: cell, place, text, and whether it is code."""
    for number, place, cell in _numbered(book):
        for text in {cell.source, _unquoted(cell.source)}:
            yield number, f"{place} source", text, cell.cell_type == "code"
        for text in _strings(cell.metadata):
            yield number, f"{place} metadata", text, False
        for output in cell.get("outputs", []):
            for text in _output_texts(output):
                yield number, f"{place} output", text, False
    for name, value in book.metadata.items():
        place = "a widget's state" if name == "widgets" else f"metadata {name}"
        for text in _strings(value):
            for one in _readings(text):
                yield None, place, one, False


def _output_texts(output: Any) -> Iterator[str]:
    for key in ("text", "ename", "evalue", "traceback"):
        if key in output:
            yield from _readings(_joined(output[key], "\n" if key == "traceback" else ""))
    for kind, value in output.get("data", {}).items():
        if kind.startswith(("image/", "audio/", "video/")) and kind != "image/svg+xml":
            continue  # base64, in which every shape occurs by chance
        if isinstance(value, dict) or kind.endswith("json"):
            for text in _strings(value):
                yield from _readings(text)
        else:
            yield from _readings(_joined(value))
    for text in _strings(output.get("metadata", {})):
        yield from _readings(text)


def _readings(text: str) -> Iterator[str]:
    """Give a text as its reader sees it: without colours, and HTML also without its tags and entities."""
    plain = _unquoted(_ANSI.sub("", text))
    yield plain
    if "<" in plain and ">" in plain:
        words = _TAGS.sub(" ", _CELLS.sub(": ", _STYLE.sub(" ", plain)))
        yield html.unescape(words)
    if "&" in plain:
        yield html.unescape(plain)


def _unquoted(text: str) -> str:
    """Return a literal within a literal as one."""
    return text.replace('\\"', '"').replace("\\'", "'")


def _found(text: str, names: Collection[str], *, code: bool) -> Iterator[tuple[str, str, bool]]:
    """Give what a text holds: what it is, an excerpt without secrets, and whether it is one."""
    secrets = credentials.find(text, code=code)
    shown, places = credentials.masked(text, secrets)
    for secret, (start, end) in zip(secrets, places, strict=True):
        yield secret.what, _excerpt(shown, start, end), True
    homes = [match.span() for match in _HOME.finditer(shown)]
    for start, end in homes:
        yield "a path in a home folder", _excerpt(shown, start, end), False
    for match in _ABSOLUTE.finditer(shown):
        inside_home = any(start <= match.start() < end for start, end in homes)
        if not inside_home and (match["drive"] or _is_local(match["path"])):
            yield "a path of this machine", _excerpt(shown, *match.span()), False
    for name in names:
        for match in re.finditer(rf"(?<!\w){re.escape(name)}(?!\w)", shown):
            if not any(start <= match.start() < end for start, end in homes):
                yield "a name of this person or machine", _excerpt(shown, *match.span()), False


def _is_local(path: str) -> bool:
    """Tell a path from a URL's: by its first folder, or because it is here."""
    if _HARMLESS.match(path):
        return False
    first, second = path.split("/")[1:3]
    return first in _ROOTS or Path("/", first, second).exists()


def _excerpt(text: str, start: int, end: int) -> str:
    before, after = text[max(0, start - AROUND) : start], text[end : end + AROUND]
    middle = text[start:end] if end - start <= 3 * AROUND else text[start : start + 3 * AROUND] + "…"
    left, right = "…" if start > AROUND else "", "…" if end + AROUND < len(text) else ""
    return " ".join(f"{left}{before}{middle}{after}{right}".split())


def _errors(book: Any) -> Iterator[tuple[int | None, str, str]]:
    for number, place, cell in _numbered(book):
        deliberate = DELIBERATE in cell.metadata.get("tags", [])
        for output in cell.get("outputs", []):
            if output.output_type == "error" and not deliberate:
                told = _ANSI.sub("", f"{output.ename}: {output.evalue}")
                shown, _ = credentials.masked(told, credentials.find(told))
                yield number, f"{place} output", _excerpt(shown, 0, min(len(shown), 2 * AROUND))


def _strings(value: Any) -> Iterator[str]:
    """Give every string in a JSON value, with its name before it, as a reader would see it."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for name, inner in value.items():
            if isinstance(inner, str):
                yield inner
                yield f'"{name}": "{inner}"'
            else:
                yield from _strings(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _strings(inner)


def _joined(value: Any, glue: str = "") -> str:
    return glue.join(map(str, value)) if isinstance(value, list | tuple) else str(value)
