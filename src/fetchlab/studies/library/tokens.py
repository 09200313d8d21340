"""Words that are no part of a title, as release groups and careful people write them."""

from __future__ import annotations

import re

__all__ = ["AMBIGUOUS", "PLAIN", "SHELVES", "TAG", "edition_of", "screen_of"]

TAG = re.compile(
    r"""
    (?:\d{3,4}[pi] | [48]k | uhd | hdr(?:10)?(?:\+|plus)? | dv | dovi | sdr | 10.?bits? | 8.?bits? | hi10p?
    | blu-?ray | b[dr]-?rip | bdremux | remux | bdmux | web | web-?dl | web-?rip | webmux | web-?hd
    | hd-?tv(?:rip)? | sd-?tv | dvd(?:-?rip|-?scr|-?r|5|9|mux)? | hd-?dvd | hd-?rip | ds-?rip | tv-?rip
    | vhs(?:rip)? | pdtv | dsr | ppv | vod(?:rip)? | hdcam | telesync | telecine | workprint | screener
    | [xh]\.?26[456] | hevc | avc | xvid | divx | vc-?1 | av1 | mpeg-?2
    | aac(?:\d(?:\.\d)?)? | ac-?3 | e-?ac-?3 | dts(?:-?(?:hd|es|x|ma))? | ddp?(?:\d(?:\.\d)?)? | truehd
    | atmos | flac | opus | mp3 | [257]\.1
    | proper | repack | rerip | internal | unrated | uncut | remastered | extended | directors\.?cut
    | theatrical | imax | criterion | multi | dual(?:-?audio)? | hdlight | amzn | nf | dsnp | hmax | atvp
    | hulu
    )(?![a-z0-9])
    """,
    re.IGNORECASE | re.VERBOSE,
)
"""One token that tells of the file; after the year of a film it ends all doubt."""

PLAIN = frozenset(
    """
    part pt chapter final collection classic trilogy saga anthology special specials festival feature week day
    film films movie movies book volume series season director directors pilot trailer edition alternate
    limited complete extended unrated cut web cam read festival preview documentary
    """.split()  # noqa: SIM905
)
"""Words that titles do have. Where a folder is named by the title alone, they are taken for a part of it."""

AMBIGUOUS = PLAIN | frozenset(
    """
    seasons saison temporada temp staffel serie episode episodes ep eps epi folge capitulo cap episodio
    integrale parte cd disc disk dvd vol tome bonus extra extras ova oav sample proper repack internal uncut
    remastered theatrical collector ultimate imax criterion alternative fan hd sd uhd hdr 3d sbs ntsc pal ts
    tc scr screener tv hq lq bd br dubbed subbed dub sub subs vf vo vost vostfr multi dual truefrench hardsub
    raw uncensored censored us uk au ca nz usa fr de es it nl jp fra eng ger deu ita spa esp rus jpn kor pol
    por swe nor dan fin french english german italian spanish japanese chinese korean russian polish
    portuguese swedish danish norwegian finnish dutch hindi arabic hebrew turkish greek czech hungarian thai
    castellano latino mandarin cantonese ukrainian brazilian vietnamese tamil telugu bengali catalan romanian
    bulgarian croatian serbian persian flemish quebecois featurette doc nfo xxx www com net org bis
    """.split()  # noqa: SIM905
)
"""Words that may belong to a title, and may tell of the file: one that has any is not for the fast path."""

SHELVES = frozenset(
    """
    movies movie films film tv series shows anime downloads download video videos media library complete new
    unsorted incoming torrents kids cinema documentaries
    """.split()  # noqa: SIM905
) | {"tv shows", "tv series", "old films", "my movies", "my videos"}
"""Folders that sort a library and say nothing of a title."""

_SCREEN = re.compile(r"(?<![a-z0-9])(480|540|576|720|1080|1440|2160|4320)([pi])(?![a-z0-9])", re.IGNORECASE)
_FOUR_K = re.compile(r"(?<![a-z0-9])(?:4k|uhd)(?![a-z0-9])", re.IGNORECASE)
_EDITION = re.compile(
    r"(?<![a-z0-9])(?:(extended)|(unrated)|(uncut)|(remastered)|(directors?'?s?[ ._]?cut)|(theatrical)|(imax)"
    r"|(criterion))(?![a-z0-9])",
    re.IGNORECASE,
)
_EDITIONS = (
    "Extended", "Unrated", "Uncut", "Remastered", "Director's Cut", "Theatrical", "IMAX", "Criterion",
)  # fmt: skip


def screen_of(name: str) -> str | None:
    """Return the screen size that a name states."""
    match = _SCREEN.search(name)
    if match is not None:
        return match[1] + match[2].lower()
    return "2160p" if _FOUR_K.search(name) else None


def edition_of(name: str) -> str | None:
    """Return the edition that a name states."""
    match = _EDITION.search(name)
    return None if match is None or match.lastindex is None else _EDITIONS[match.lastindex - 1]
