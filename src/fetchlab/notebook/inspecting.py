"""What a notebook must not hold when it is shared: secrets, errors, places and names of one machine."""

from __future__ import annotations

import contextlib
import getpass
import platform
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fetchlab.notebook import credentials, reading
from fetchlab.patterns import OPAQUE
from fetchlab.redaction import MASK

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

__all__ = ["Finding", "inspect", "own_names"]

DELIBERATE = "raises-exception"
"""The tag by which a cell's author says that its error is meant."""
AROUND = 30
"""Characters of an excerpt before and after what was found."""
EACH = 5
"""Findings of one kind told of one place; the rest are the same again."""

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
    localhost local host home server vm machine computer desktop laptop notebook""".split()  # noqa: SIM905
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


def inspect(book: Any, names: Collection[str] | None = None, secrets: Collection[str] = ()) -> list[Finding]:
    """Return everything in a notebook that must not be shared, in order.

    Args:
        book: the executed notebook.
        names: names of people and machines to look for; this person's and machine's unless told.
        secrets: values that must not stand anywhere, whatever they look like.
    """
    names = own_names() if names is None else names
    texts = [(*text, credentials.find(text[2], code=text[3])) for text in reading.texts(book)]
    values = [text[secret.start : secret.end] for _, _, text, _, found in texts for secret in found]
    known = credentials.known(values, secrets)
    found: dict[tuple[int | None, str, str, str], Finding] = {}
    counts: dict[tuple[int | None, str, str], int] = {}
    for cell, where, text, _, own in texts:
        for what, excerpt, secret in _found(text, names, credentials.merged([*own, *known(text)])):
            kind = (cell, where, what)
            counts[kind] = counts.get(kind, 0) + 1
            if counts[kind] <= EACH:
                found.setdefault((*kind, excerpt), Finding(cell, where, what, excerpt, secret))
    errors = [
        Finding(cell, where, "an error", excerpt, secret=False)
        for cell, where, excerpt in _errors(book, known)
    ]
    return sorted([*found.values(), *errors], key=lambda finding: (finding.cell is None, finding.cell or 0))


def _found(
    text: str, names: Collection[str], secrets: list[credentials.Secret]
) -> Iterator[tuple[str, str, bool]]:
    """Give what a text holds: what it is, an excerpt without secrets, and whether it is one."""
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
    """Return what stands around a place, without what could be a secret that nobody has recognised."""
    text = OPAQUE.sub(lambda match: "\0" * len(match[0]), text)
    before, after = text[max(0, start - AROUND) : start], text[end : end + AROUND]
    middle = text[start:end] if end - start <= 3 * AROUND else text[start : start + 3 * AROUND] + "…"
    left, right = "…" if start > AROUND else "", "…" if end + AROUND < len(text) else ""
    return re.sub("\0+", MASK, " ".join(f"{left}{before}{middle}{after}{right}".split()))


def _errors(
    book: Any, known: Callable[[str], list[credentials.Secret]]
) -> Iterator[tuple[int | None, str, str]]:
    for number, place, cell in reading.numbered(book):
        deliberate = DELIBERATE in cell.metadata.get("tags", [])
        for output in cell.get("outputs", []):
            if output.output_type == "error" and not deliberate:
                told = reading.plain(f"{output.ename}: {output.evalue}")
                secrets = credentials.merged([*credentials.find(told), *known(told)])
                shown, _ = credentials.masked(told, secrets)
                yield number, f"{place} output", _excerpt(shown, 0, min(len(shown), 2 * AROUND))
