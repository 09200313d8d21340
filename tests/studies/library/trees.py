"""Small libraries with contents that can be told apart, and folders as they are."""

from __future__ import annotations

import os
from pathlib import Path

import polars as pl

from fetchlab.studies.library import Filter, Library
from fetchlab.studies.library.matching import MATCHED

__all__ = ["contents_of", "library_in", "matches", "plan_in", "tree_of"]


def tree_of(root):
    """Every folder, and every file with its size, time and mode, by path."""
    found = {}
    for folder, folders, files in os.walk(root):
        inside = Path(folder).relative_to(root)
        found |= {(inside / name).as_posix(): "folder" for name in folders}
        for name in files:
            seen = (Path(folder) / name).lstat()
            found[(inside / name).as_posix()] = (seen.st_size, seen.st_mtime_ns, seen.st_mode)
    return found


def contents_of(*roots):
    """What every file in these folders holds, sorted."""
    paths = [path for root in roots for path in Path(root).rglob("*") if path.is_file()]
    return sorted(path.read_bytes() for path in paths)


def library_in(root, films=6, to=None):
    """A library of films with two sidecars each, no two files alike."""
    for number in range(films):
        folder = root / f"Release.{number}"
        folder.mkdir(parents=True)
        for place, ending in enumerate(("mkv", "en.srt", "nfo")):
            path = folder / f"Film.{number}.{ending}"
            path.write_bytes(f"{number} {ending} ".encode() * (number + 1))
            os.utime(path, ns=(1, 1_500_000_000_123_456_789 + number * 7_919 + place))
            path.chmod(0o640)
    return Library(root, to=to, rules=Filter(min_size=0))


def plan_in(library):
    """The plan of such a library: every film is known."""
    scanned = library.scan(progress=False).result()
    return library.plan(scanned=scanned, matched=matches(scanned, films=True))


def matches(scanned, *, films=False, **told):
    """What a match would say: all are one film, or each its own; ``told`` says otherwise by stem."""
    rows = []
    for number, row in enumerate(scanned.filter(kind="video").iter_rows(named=True)):
        stem = row["path"].rpartition("/")[2].rpartition(".")[0]
        title = f"Harbour {number}" if films else "Harbour"
        film = {"type": "movie", "tmdb": 7 + films * number, "matched_title": title, "matched_year": 2014}
        sure = {"screen": None, "part": None, "confidence": 1.0, "reason": "same title", "alternatives": []}
        rows.append(dict.fromkeys(MATCHED) | row | film | sure | told.get(stem, {}))
    return pl.DataFrame(rows, MATCHED)
