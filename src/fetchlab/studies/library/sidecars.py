"""Which sidecar belongs to which video, told by names; without I/O.

A sidecar belongs to the video whose name it begins with, if what follows is a language, a mark or a kind of
picture. Subtitles in a folder of their own belong to the video beside it. Pictures and facts with names of
their own, ``poster.jpg`` or ``tvshow.nfo``, belong to all videos of their folder.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal, NamedTuple

from fetchlab.policy.filenames import same
from fetchlab.studies.library.layout import spelt

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["SUBTITLES", "Tie", "ties"]

SUBTITLES = frozenset("ass idx smi srt ssa sub sup vtt".split())  # noqa: SIM905
_FACTS = frozenset({"nfo", "jpg", "jpeg", "png", "tbn"})
_OF_A_FOLDER = frozenset(
    """
    art backdrop background banner clearart clearlogo cover disc discart fanart folder landscape logo movie
    poster thumb
    """.split()  # noqa: SIM905
)
_OF_A_TITLE = re.compile(r"tvshow|show|season(?:[ _-]?(?:\d+|all|specials))?(?:-[a-z]+)?", re.IGNORECASE)
_SUBTITLE_FOLDERS = frozenset({"sub", "subs", "subtitle", "subtitles"})
_LANGUAGES = {
    "arabic": "ar", "bulgarian": "bg", "chinese": "zh", "croatian": "hr", "czech": "cs", "danish": "da",
    "dutch": "nl", "english": "en", "estonian": "et", "finnish": "fi", "french": "fr", "german": "de",
    "greek": "el", "hebrew": "he", "hindi": "hi", "hungarian": "hu", "indonesian": "id", "italian": "it",
    "japanese": "ja", "korean": "ko", "latvian": "lv", "lithuanian": "lt", "malay": "ms", "norwegian": "no",
    "persian": "fa", "polish": "pl", "portuguese": "pt", "romanian": "ro", "russian": "ru", "serbian": "sr",
    "slovak": "sk", "slovenian": "sl", "spanish": "es", "swedish": "sv", "thai": "th", "turkish": "tr",
    "ukrainian": "uk", "vietnamese": "vi",
}  # fmt: skip
_CODE = re.compile(r"[a-z]{2,3}(?:-[a-z0-9]{2,4})?", re.IGNORECASE)
_MARKS = frozenset(
    {"cc", "commentary", "default", "forced", "foreign", "full", "hi", "sdh", "signs", "songs"}
)
_DIGITS = re.compile(r"\d{1,2}")
_BETWEEN = re.compile(r"[ ._()\[\]]+")


class Tie(NamedTuple):
    """What a sidecar belongs to.

    Attributes:
        to: ``video`` if it carries a video's name, ``folder`` if it belongs to all videos of its folder,
            ``title`` if to the whole film or show.
        owner: the video's path, or the folder's.
        ending: what follows the video's stem, extension and all; else its own name.
    """

    to: Literal["video", "folder", "title"]
    owner: str
    ending: str


def ties(videos: Iterable[str], sidecars: Iterable[str]) -> dict[str, Tie]:
    """Return what each sidecar belongs to; those that belong to nothing are left out.

    Args:
        videos: their paths, with ``/``. Of two with one name but for the extension the first counts.
        sidecars: their paths.
    """
    folders: dict[str, dict[str, str]] = {}
    for path in videos:
        folder, name = _split(path)
        folders.setdefault(folder, {}).setdefault(same(_stem(name)[0]), path)
    found: dict[str, Tie] = {}
    for path in sidecars:
        tie = _tie(path, folders)
        if tie is not None:
            found[path] = tie
    return found


def _tie(path: str, folders: dict[str, dict[str, str]]) -> Tie | None:
    folder, name = _split(path)
    stem, extension = _stem(name)
    beside = folders.get(folder, {})
    tie = _by_name(stem, extension, beside)
    if tie is not None:
        return tie
    if extension in SUBTITLES:
        tie = _from_own_folder(folder, stem, extension, folders)
        if tie is not None:
            return tie
    if extension in _FACTS:
        if _OF_A_TITLE.fullmatch(stem):
            return Tie("title", folder, name)
        if stem.lower() in _OF_A_FOLDER:
            return Tie("folder", folder, name)
    last = same(_split(folder)[1])
    if len(beside) == 1 and last in beside and extension in SUBTITLES | {"nfo"}:
        return Tie("video", beside[last], _ending(_tokens(stem)[-3:], extension, known=True))
    return None


def _by_name(stem: str, extension: str, beside: dict[str, str]) -> Tie | None:
    """The video with the longest name that this one begins with."""
    for end in _ends(stem):
        video = beside.get(same(stem[:end]))
        if video is None:
            continue
        rest = stem[end:]
        if not rest:
            return Tie("video", video, f".{extension}")
        if extension in SUBTITLES:
            tokens = _tokens(rest)
            if sum(_mark(token) is None for token in tokens) <= 1:
                return Tie("video", video, _ending(tokens, extension))
        elif rest[0] in "-." and rest[1:].lower().rstrip("0123456789") in _OF_A_FOLDER:
            return Tie("video", video, f"-{rest[1:].lower()}.{extension}")
    return None


def _ends(stem: str) -> Iterable[int]:
    """Where a video's stem may end in a sidecar's, the longest first."""
    yield len(stem)
    for place in range(len(stem) - 1, 0, -1):
        if stem[place] in " ._-([":
            yield place


def _from_own_folder(
    folder: str, stem: str, extension: str, folders: dict[str, dict[str, str]]
) -> Tie | None:
    """``Subs/2_English.srt`` beside the one video, ``Subs/Show.S01E01/2_English.srt`` beside several."""
    above, last = _split(folder)
    if last.lower() in _SUBTITLE_FOLDERS:
        beside = folders.get(above, {})
        tie = _by_name(stem, extension, beside)
        if tie is not None or len(beside) != 1:
            return tie
        (video,) = beside.values()
    else:
        top, named = _split(above)
        if named.lower() not in _SUBTITLE_FOLDERS or same(last) not in folders.get(top, {}):
            return None
        video = folders[top][same(last)]
    return Tie("video", video, _ending(_tokens(stem), extension, known=True))


def _ending(tokens: list[str], extension: str, *, known: bool = False) -> str:
    """The marks as Plex reads them, the language first: ``.en.forced.srt``."""
    languages: list[str] = []
    marks: list[str] = []
    for token in tokens:
        mark = _mark(token)
        if mark is None:
            if not known and (written := spelt(token)):
                marks.append(written)
        elif mark == "hi":  # Hindi, or for the hard of hearing
            (marks if languages else languages).append("sdh" if languages else mark)
        elif mark in _MARKS:
            marks.append(mark)
        elif mark and mark not in languages:
            languages.append(mark)
    return "".join(f".{word}" for word in [*languages[:1], *dict.fromkeys(marks)]) + f".{extension}"


def _mark(token: str) -> str | None:
    """A language's code, a mark, nothing for a number; None if it is none of these."""
    lower = token.lower()
    if lower in _LANGUAGES:
        return _LANGUAGES[lower]
    if lower in _MARKS:
        return lower
    if _DIGITS.fullmatch(token):
        return ""
    return lower if _CODE.fullmatch(token) else None


def _tokens(text: str) -> list[str]:
    return [token.strip("-") for token in _BETWEEN.split(text) if token.strip("-")]


def _split(path: str) -> tuple[str, str]:
    folder, _, name = path.rpartition("/")
    return folder, name


def _stem(name: str) -> tuple[str, str]:
    stem, _, extension = name.rpartition(".")
    return stem, extension.lower()
