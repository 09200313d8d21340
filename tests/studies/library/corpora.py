"""Names and what they mean, read from the installed guessit's own tests."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files

import yaml

from fetchlab.studies.library.filters import SIDECARS, VIDEOS

__all__ = ["CROSS", "judged", "names", "parts"]

CROSS = ("ptt", "thcolin", "ptn", "go-ptn")
MEASURED = {"movies": ("title", "year"), "episodes": ("title", "season", "episode")}


@cache
def names(corpus):
    """Each name with those of the measured fields that are known of it."""
    return _cross(corpus) if corpus in CROSS else _own(corpus)


def _own(corpus):
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


def _cross(corpus):
    told = json.loads((files("guessit") / "test/cross_parser" / f"{corpus}.json").read_text(encoding="utf-8"))
    fields = ("title", "year", "season", "episode")
    return [
        (one["release_name"], {field: one["expected"][field] for field in fields if field in one["expected"]})
        for one in told["entries"]
    ]


def parts(name):
    """Folders, file name and stem."""
    *folders, last = [part for part in name.replace("\\", "/").split("/") if part] or [name]
    stem, dot, extension = last.rpartition(".")
    return tuple(folders), last, stem if dot and extension.lower() in VIDEOS | SIDECARS else last


def judged(parsed, known, *, exact=True):
    """Whether a reading says what is known; by another parser's test a title's case does not count."""
    numbers = list(parsed.episodes)
    said = {
        "title": parsed.title,
        "year": parsed.year,
        "season": parsed.season,
        "episode": numbers[0] if len(numbers) == 1 else numbers or None,
    }
    if not exact:
        said, known = ({field: _plain(value) for field, value in one.items()} for one in (said, known))
    return all(said[field] == value for field, value in known.items())


def _plain(value):
    return value.lower() if isinstance(value, str) else value
