"""How right parsers are, on names that others collected: those that guessit tests itself with.

A film is right if title and year are, an episode if title, season and number are, as far as they are known.
"""

from __future__ import annotations

import json
import time
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import polars as pl

from fetchlab.studies.library.fast import read
from fetchlab.studies.library.filters import SIDECARS, VIDEOS
from fetchlab.studies.library.parsed import Parsed
from fetchlab.studies.library.slow import guess

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["CROSS", "MEASURED", "accuracy", "judged", "names", "parts"]

MEASURED = {"movies": ("title", "year"), "episodes": ("title", "season", "episode")}
"""Corpora of guessit's own, and what of a name is held against them."""
CROSS = ("ptt", "thcolin", "ptn", "go-ptn")
"""Corpora that it took over from other parsers; there a title's case does not count."""

Known = dict[str, Any]


@cache
def names(corpus: str) -> list[tuple[str, Known]]:
    """Return a corpus: each name with those of the measured fields that are known of it."""
    return _cross(corpus) if corpus in CROSS else _own(corpus)


def parts(name: str) -> tuple[tuple[str, ...], str, str]:
    """Return a name's folders, its file's name, and that without a video's or sidecar's extension."""
    *folders, last = [part for part in name.replace("\\", "/").split("/") if part] or [name]
    stem, dot, extension = last.rpartition(".")
    return tuple(folders), last, stem if dot and extension.lower() in VIDEOS | SIDECARS else last


def judged(parsed: Parsed, known: Known, *, exact: bool = True) -> bool:
    """Return whether a reading says what is known.

    Args:
        parsed: the reading.
        known: fields and their values.
        exact: a title's case counts.
    """
    numbers = list(parsed.episodes)
    said: Known = {
        "title": parsed.title,
        "year": parsed.year,
        "season": parsed.season,
        "episode": numbers[0] if len(numbers) == 1 else numbers or None,
    }
    if not exact:
        said, known = ({field: _plain(value) for field, value in one.items()} for one in (said, known))
    return all(said[field] == value for field, value in known.items())


def accuracy(corpora: Sequence[str] = tuple(MEASURED), most: int | None = None) -> pl.DataFrame:
    """Read corpora with guessit, with the fast path alone, and with both as a library does.

    Args:
        corpora: some of MEASURED and CROSS.
        most: names of each at most, evenly taken; all unless told.

    Returns:
        Columns ``corpus, parser str, names, read u32`` (those of which the parser is sure)``, right f64?``
        (share of those read)``, names_per_s f64`` (of all names).
    """
    rows = []
    for corpus in corpora:
        known = names(corpus)
        known = known[:: max(1, len(known) // most)][:most] if most else known
        fast = [_fast(name) for name, _ in known]
        slow = [_timed(guess, *parts(name)[:2], "") for name, _ in known]
        both = [
            quick if isinstance(quick[0], Parsed) else (late[0], quick[1] + late[1])
            for quick, late in zip(fast, slow, strict=True)
        ]
        for parser, found in (("guessit", slow), ("fast path", fast), ("both", both)):
            sure = [
                judged(one, wanted, exact=corpus not in CROSS)
                for (one, _), (_, wanted) in zip(found, known, strict=True)
                if isinstance(one, Parsed)
            ]
            taken = sum(seconds for _, seconds in found)
            right = sum(sure) / len(sure) if sure else None
            rows.append((corpus, parser, len(known), len(sure), right, len(known) / taken))
    schema = {
        "corpus": pl.String, "parser": pl.String, "names": pl.UInt32, "read": pl.UInt32, "right": pl.Float64,
        "names_per_s": pl.Float64,
    }  # fmt: skip
    return pl.DataFrame(rows, schema, orient="row")


def _fast(name: str) -> tuple[Any, float]:
    folders, _, stem = parts(name)
    return _timed(read.__wrapped__, folders, stem)


def _timed(work: Any, *args: Any) -> tuple[Any, float]:
    begun = time.perf_counter()
    return work(*args), time.perf_counter() - begun


def _own(corpus: str) -> list[tuple[str, Known]]:
    import yaml

    told = yaml.safe_load((files("guessit") / "test" / f"{corpus}.yml").read_text(encoding="utf-8"))
    default = told.pop("__default__", {})
    rows = [
        (str(name), default | (known or {}))
        for keys, known in told.items()
        for name in (keys if isinstance(keys, tuple) else (keys,))
    ]
    fields = MEASURED[corpus]
    wanted = [(name, {field: known[field] for field in fields if field in known}) for name, known in rows]
    return [(name, known) for name, known in wanted if known]


def _cross(corpus: str) -> list[tuple[str, Known]]:
    path = files("guessit") / "test" / "cross_parser" / f"{corpus}.json"
    fields = ("title", "year", "season", "episode")
    return [
        (one["release_name"], {field: one["expected"][field] for field in fields if field in one["expected"]})
        for one in json.loads(path.read_text(encoding="utf-8"))["entries"]
    ]


def _plain(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value
