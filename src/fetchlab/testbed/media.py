"""A library on disk: sparse files with the names that people and release groups give, and what they are."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any, NamedTuple

from fetchlab.errors import TestbedError
from fetchlab.testbed.media_names import Named, episode_style, film_style, plain, takes_two
from fetchlab.testbed.tmdb_data import Film, episodes_of, films, shows
from fetchlab.testbed.tmdb_search import folded

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["media_tree"]

_FILM_SHARE = 0.2
_FILES_A_FILM = 4 / 3
_MB = 10**6
_BEGUN = 1_500_000_000  # files' times, in 2017 and the three years after


class _File(NamedTuple):
    """One file: where, what, how large, and what is known about it."""

    path: str
    kind: str
    size: int
    truth: dict[str, Any]


def media_tree(path: str | os.PathLike[str], files: int = 10_000, seed: int = 0) -> list[dict[str, Any]]:
    """Make a library of films and episodes under a folder, as messy as they are.

    The files are sparse: their sizes are those of videos, and they take no room on the disk. Their films and
    shows are those of a testbed with the same seed; from a hundred files on there are at most a quarter as
    many titles and seasons as files. Beside the videos lie subtitles, samples, trailers and what computers
    leave behind.

    Args:
        path: the folder, which is made; it must be empty.
        files: how many videos of films and episodes.
        seed: what names and titles are drawn from.

    Returns:
        A dict per file, sorted by path: ``path`` (relative to the folder, with ``/``), ``kind`` (``movie``,
        ``episode``, ``sidecar``, ``sample``, ``extra`` or ``junk``), ``size`` in bytes, ``tmdb`` (the id of
        the film or show, None for what is neither), ``title``, ``year``, ``season``, ``episodes`` (a list),
        ``video`` (the path of the video that a sidecar belongs to).

    Raises:
        TestbedError: a knob is wrong, or the folder is not empty.
    """
    if isinstance(files, bool) or not isinstance(files, int) or files < 1:
        raise TestbedError(f"files: must be a whole number of 1 or more, not {files!r}")
    root = Path(path)
    if root.exists() and (not root.is_dir() or any(root.iterdir())):
        raise TestbedError(f"path: {root} is not an empty folder")
    chance = Random(f"media:{seed}:{files}")  # noqa: S311 - not a secret
    made = {file.path: file for file in _with_company(_videos(files, seed, chance), chance)}
    folders = {os.path.dirname(name) for name in made}  # noqa: PTH120 - many, and strings already
    for folder in folders:
        os.makedirs(os.path.join(root, folder), exist_ok=True)  # noqa: PTH103, PTH118
    for number, file in enumerate(made.values()):
        _write(os.path.join(root, file.path), file.size, _BEGUN + number * 9_973 % 10**8)  # noqa: PTH118
    return [_stated(made[name]) for name in sorted(made)]


def _write(path: str, size: int, modified: int) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
    try:
        os.ftruncate(handle, size)
        os.utime(path, (modified, modified))
    finally:
        os.close(handle)


def _stated(file: _File) -> dict[str, Any]:
    nothing: dict[str, Any] = dict.fromkeys(("tmdb", "title", "year", "season", "video"))
    return {"path": file.path, "kind": file.kind, "size": file.size, "episodes": []} | nothing | file.truth


def _videos(files: int, seed: int, chance: Random) -> Iterator[_File]:
    """As many videos as wanted; no two have one name without its extension, for sidecars tell by it."""
    of_films = max(1, round(files * _FILM_SHARE))
    taken: set[str] = set()
    left = files
    for sort, most in ((_films(seed, of_films, chance), of_films), (_episodes(seed, chance), files)):
        part = min(most, left)
        for named, kind, size, truth in sort:
            if part == 0:
                break
            stem = f"{named.folder}/{named.stem}"
            if stem.casefold() in taken:
                continue
            taken.add(stem.casefold())
            part, left = part - 1, left - 1
            yield _File(f"{stem}.{named.extension}", kind, size, truth)


_Video = tuple[Named, str, int, dict[str, Any]]


def _films(seed: int, files: int, chance: Random) -> Iterator[_Video]:
    known = [film for film in films(seed) if film.date and not film.adult]
    best: dict[tuple[str, int | None], Film] = {}
    for film in known:
        key = folded(film.title), film.year
        if key not in best or best[key].popularity < film.popularity:
            best[key] = film
    count = Counter(folded(film.title) for film in films(seed))
    # Who shares title and year with a better known film cannot be told from it by any name.
    order = list(best.values())
    chance.shuffle(order)
    titles = min(len(order), max(1, round(files / _FILES_A_FILM)))
    for film in order[:titles]:
        yield _film(film, chance, count)
    while True:  # other copies
        yield _film(order[int(chance.random() * titles)], chance, count)


def _film(film: Film, chance: Random, count: Counter[str]) -> _Video:
    style = film_style(film, chance, only_one=count[folded(film.title)] == 1)
    truth = {"tmdb": film.id, "title": film.title, "year": film.year}
    return style(film, chance), "movie", int((700 + 7_000 * chance.random()) * _MB), truth


def _episodes(seed: int, chance: Random) -> Iterator[_Video]:
    count = Counter(plain(show.title).casefold() for show in shows(seed))
    order = list(shows(seed))
    chance.shuffle(order)
    for show in order:
        only_one = count[plain(show.title).casefold()] == 1
        for season, _ in show.seasons:
            style = episode_style(show, season, chance, only_one=only_one)
            left = episodes_of(show, season, seed)
            while left:
                size = 2 if takes_two(style) and len(left) > 1 and chance.random() < 0.015 else 1
                together, left = left[:size], left[size:]
                truth = {
                    "tmdb": show.id,
                    "title": show.title,
                    "year": show.year,
                    "season": season,
                    "episodes": [episode.number for episode in together],
                }
                named = style(show, season, together, chance)
                yield named, "episode", int((200 + 1_500 * chance.random()) * _MB), truth


def _with_company(videos: Iterator[_File], chance: Random) -> Iterator[_File]:
    """The videos, and what lies beside some of them."""
    folders: set[str] = set()
    for video in videos:
        yield video
        stem, _, _ = video.path.rpartition(".")
        folder, _, name = stem.rpartition("/")
        if chance.random() < 0.25:
            for suffix in ("srt",) if chance.random() < 0.7 else ("en.srt", "de.forced.srt"):
                yield _File(f"{stem}.{suffix}", "sidecar", 60_000, {"video": video.path})
        if chance.random() < 0.1:
            yield _File(f"{stem}.nfo", "sidecar", 4_000, {"video": video.path})
        if video.kind == "movie" and folder.count("/") and chance.random() < 0.1:
            yield _File(f"{folder}/Sample/sample-{name.lower()}.mkv", "sample", 25 * _MB, {})
        if video.kind == "movie" and folder.count("/") and chance.random() < 0.05:
            yield _File(f"{folder}/Featurettes/The Making Of.mkv", "extra", 400 * _MB, {})
            yield _File(f"{stem}-trailer.mp4", "extra", 80 * _MB, {})
        if folder not in folders:
            folders.add(folder)
            if chance.random() < 0.1:
                yield _File(f"{folder}/.DS_Store", "junk", 6_148, {})
            if chance.random() < 0.05:
                yield _File(f"{folder}/._{name}.mkv", "junk", 4_096, {})
            if chance.random() < 0.1:
                yield _File(f"{folder}/RARBG.txt", "junk", 30, {})
