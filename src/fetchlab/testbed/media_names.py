"""Names that people and release groups give to files of films and episodes."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from fetchlab.testbed.tmdb_search import LETTERS

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

    from fetchlab.testbed.tmdb_data import Episode, Film, Show

__all__ = ["Named", "episode_style", "film_style", "plain", "takes_two"]

_GROUPS = (
    "SPARKS", "AMIAM", "GECKOS", "DRONES", "FLUX", "NTb", "CtrlHD", "DIMENSION", "LOL", "KILLERS", "FGT",
    "ROVERS", "TEPES", "playWEB",
)  # fmt: skip
_SCREENS = ("720p", "1080p", "1080p", "2160p")
_SOURCES = ("BluRay", "WEB-DL", "WEBRip", "HDTV", "BDRip", "DVDRip")
_CODECS = ("x264", "x265", "H.264", "HEVC", "XviD")
_AUDIO = ("", "", "AAC2.0", "DD5.1", "DTS", "AC3")
_EDITIONS = ("PROPER", "REPACK", "EXTENDED", "Directors.Cut", "UNRATED", "REMASTERED")
_FANSUBS = ("HorribleSubs", "SubsPlease", "Erai-raws")
_DROPPED = re.compile(r"[:!?,'’\"]")
_ILLEGAL = re.compile(r'[<>:"/\\|?*]')
_LETTERS = LETTERS | {
    ord(chr(low).upper()): text.title() for low, text in LETTERS.items() if chr(low) not in "ß\u0131"
}
_BLANKS = re.compile(r"\s+")

Style = TypeVar("Style")


class Named(NamedTuple):
    """Where a file goes: its folder under the library's root, and its name without its extension."""

    folder: str
    stem: str
    extension: str = "mkv"


def _picked(chance: Random, options: tuple[str, ...]) -> str:
    return options[int(chance.random() * len(options))]


def plain(title: str) -> str:
    """The title as release groups write it: in ASCII where that can be, without punctuation."""
    text = _DROPPED.sub("", title.replace("&", "and")).translate(_LETTERS)
    folded = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return _BLANKS.sub(" ", folded if len(folded) > len(text) / 2 else text).strip()


def legal(title: str) -> str:
    """The title as careful people write it: only what file systems forbid is left out."""
    return _BLANKS.sub(" ", _ILLEGAL.sub("", title)).strip()


def _dotted(*parts: str) -> str:
    return ".".join(part for part in parts if part).replace(" ", ".")


def _quality(chance: Random) -> tuple[str, str, str, str]:
    return (
        _picked(chance, _SCREENS),
        _picked(chance, _SOURCES),
        _picked(chance, _AUDIO),
        _picked(chance, _CODECS),
    )


def _scene(chance: Random, name: str, *, more: str = "") -> str:
    screen, source, audio, codec = _quality(chance)
    return f"{_dotted(name, more, screen, source, audio, codec)}-{_picked(chance, _GROUPS)}"


def _film_scene(film: Film, chance: Random) -> Named:
    stem = _scene(chance, f"{plain(film.title)} {film.year}")
    return Named(f"Movies/{stem}", stem)


def _film_tidy(film: Film, _: Random) -> Named:
    stem = f"{legal(film.title)} ({film.year})"
    return Named(f"Movies/{stem}", stem, "mp4")


def _film_site(film: Film, chance: Random) -> Named:
    screen, source, _, codec = _quality(chance)
    folder = f"{legal(film.title)} ({film.year}) [{screen}] [{source}]"
    return Named(
        f"Movies/{folder}",
        f"{_dotted(plain(film.title), str(film.year), screen, source, codec)}-[YTS.AM]",
        "mp4",
    )


def _film_lower(film: Film, chance: Random) -> Named:
    return Named("Downloads", _scene(chance, f"{plain(film.title)} {film.year}").lower())


def _film_spaced(film: Film, chance: Random) -> Named:
    screen, source, _, codec = _quality(chance)
    return Named("Downloads", f"{legal(film.title)} {film.year} {screen} {source} {codec}")


def _film_underscored(film: Film, chance: Random) -> Named:
    screen, source, _, _ = _quality(chance)
    return Named("Downloads", f"{plain(film.title)} {film.year} {screen} {source}".replace(" ", "_"), "avi")


def _film_edition(film: Film, chance: Random) -> Named:
    stem = _scene(chance, f"{plain(film.title)} {film.year}", more=_picked(chance, _EDITIONS))
    return Named(f"Movies/{stem}", stem)


def _film_original(film: Film, chance: Random) -> Named:
    screen, source, _, _ = _quality(chance)
    stem = f"{legal(film.original)} ({film.year}) {screen} {source}"
    return Named(f"Movies/{legal(film.original)} ({film.year})", stem)


def _film_colon(film: Film, _: Random) -> Named:
    stem = f"{legal(film.title.replace(': ', ' - '))} ({film.year})"
    return Named(f"Movies/{stem}", stem)


def _film_yearless(film: Film, chance: Random) -> Named:
    return Named("Downloads", _scene(chance, plain(film.title)))


def _film_bare(film: Film, _: Random) -> Named:
    return Named("Old films", legal(film.title), "avi")


_FILM_STYLES: tuple[tuple[int, Callable[[Film, Random], Named]], ...] = (
    (38, _film_scene),
    (15, _film_tidy),
    (15, _film_site),
    (10, _film_lower),
    (8, _film_spaced),
    (3, _film_underscored),
    (5, _film_edition),
    (1, _film_colon),
)
_YEARLESS_STYLES: tuple[tuple[int, Callable[[Film, Random], Named]], ...] = (
    (3, _film_yearless),
    (2, _film_bare),
)


def film_style(film: Film, chance: Random, *, only_one: bool) -> Callable[[Film, Random], Named]:
    """How the files of a film are named; without its year only if it is the only one of its title."""
    if film.original != film.title and chance.random() < 0.5:
        return _film_original
    return _drawn(chance, _FILM_STYLES + (_YEARLESS_STYLES if only_one else ()))


def _episode_scene(show: Show, season: int, episodes: list[Episode], chance: Random) -> Named:
    titled = plain(episodes[0].title) if show.id % 2 else ""
    stem = _scene(chance, plain(show.title), more=_dotted(f"S{season:02d}{_joined(episodes)}", titled))
    return Named(f"TV/{plain(show.title)}/Season {season:02d}", stem)


def _episode_release(show: Show, season: int, episodes: list[Episode], chance: Random) -> Named:
    stem = _scene(chance, plain(show.title), more=f"S{season:02d}{_joined(episodes)}")
    return Named(f"TV/{plain(show.title).replace(' ', '.')}.S{season:02d}.1080p.WEB-DL/{stem}", stem)


def _episode_tidy(show: Show, season: int, episodes: list[Episode], _: Random) -> Named:
    name = f"{legal(show.title)} - S{season:02d}{_joined(episodes)} - {legal(episodes[0].title)}"
    return Named(f"TV/{legal(show.title)}/Season {season:02d}", name)


def _episode_dated(show: Show, season: int, episodes: list[Episode], _: Random) -> Named:
    name = f"{legal(show.title)} ({show.year})"
    stem = f"{name} - s{season:02d}{_joined(episodes).lower()} - {legal(episodes[0].title)} [1080p]"
    return Named(f"TV/{name}/Season {season:02d}", stem, "mp4")


def _episode_crossed(show: Show, season: int, episodes: list[Episode], _: Random) -> Named:
    name = f"{legal(show.title)} - {season}x{episodes[0].number:02d} - {legal(episodes[0].title)}"
    return Named(f"TV/{legal(show.title)}", name, "avi")


def _episode_lower(show: Show, season: int, episodes: list[Episode], chance: Random) -> Named:
    stem = _scene(chance, plain(show.title), more=f"S{season:02d}{_joined(episodes)}").lower()
    return Named("Downloads", stem)


def _episode_by_folder(show: Show, season: int, episodes: list[Episode], _: Random) -> Named:
    return Named(f"TV/{legal(show.title)}/Season {season}", f"S{season:02d}{_joined(episodes)}")


def _episode_digits(show: Show, season: int, episodes: list[Episode], _: Random) -> Named:
    stem = f"{plain(show.title).lower().replace(' ', '.')}.{season}{episodes[0].number:02d}.hdtv.xvid-lol"
    return Named(f"TV/{legal(show.title)}", stem, "avi")


def _episode_fansub(show: Show, season: int, episodes: list[Episode], chance: Random) -> Named:
    del season
    stem = f"[{_picked(chance, _FANSUBS)}] {plain(show.title)} - {episodes[0].number:02d} [1080p]"
    return Named(f"Anime/{plain(show.title)}", stem)


_EPISODE_STYLES: tuple[tuple[int, Callable[[Show, int, list[Episode], Random], Named]], ...] = (
    (35, _episode_scene),
    (12, _episode_release),
    (22, _episode_tidy),
    (9, _episode_dated),
    (8, _episode_crossed),
    (8, _episode_lower),
    (4, _episode_by_folder),
    (1, _episode_digits),
)


def episode_style(
    show: Show, season: int, chance: Random, *, only_one: bool
) -> Callable[[Show, int, list[Episode], Random], Named]:
    """How the files of a season are named; a show that shares its name is always given its year."""
    if not only_one:
        return _episode_dated
    longest = dict(show.seasons)[season]
    if [number for number, _ in show.seasons if number] == [1] and chance.random() < 0.2:
        return _episode_fansub
    style = _drawn(chance, _EPISODE_STYLES)
    return _episode_scene if style is _episode_digits and (season == 0 or longest > 99) else style


def takes_two(style: Callable[..., Named]) -> bool:
    """Whether names of this style can say that a file holds two episodes."""
    return style not in (_episode_crossed, _episode_digits, _episode_fansub)


def _joined(episodes: list[Episode]) -> str:
    return "".join(f"E{episode.number:02d}" for episode in episodes)


def _drawn(chance: Random, weighted: tuple[tuple[int, Style], ...]) -> Style:
    left = chance.random() * sum(weight for weight, _ in weighted)
    for weight, option in weighted[:-1]:
        left -= weight
        if left < 0:
            return option
    return weighted[-1][1]
