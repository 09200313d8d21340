"""What a post says, in its language, with links, mentions, tags and emoji; and cut as the service does."""

from __future__ import annotations

import re
from typing import NamedTuple

from fetchlab.testbed.hashing import draws
from fetchlab.testbed.timeline_ids import digest
from fetchlab.testbed.timeline_words import ADS, EMOJI, SENTENCES, TAGS

__all__ = ["LIMIT", "Link", "Said", "advertised", "clipped", "composed", "weight"]

LIMIT = 280
"""What an ordinary post may weigh."""
_URL = re.compile(r"https://\S+")
_LIGHT = re.compile(r"[\u0000-\u10ff\u2000-\u200d\u2010-\u201f\u2032-\u2037]")
_LONGEST = 2_400
_URL_WEIGHT = 23


class Link(NamedTuple):
    """A link as it stands in a text, and where it leads."""

    url: str
    expanded: str

    @property
    def display(self) -> str:
        """As it is shown to readers."""
        bare = self.expanded.partition("://")[2]
        return bare if len(bare) <= 27 else f"{bare[:26]}…"


class Said(NamedTuple):
    """A text and what is in it."""

    text: str
    links: tuple[Link, ...]
    tags: tuple[str, ...]
    mentions: tuple[str, ...]


def composed(seed: int, key: int, language: str, mentioned: str, *, long: bool) -> Said:
    """The text of a post.

    Args:
        seed: what it is made from.
        key: which post; the same key says the same.
        language: one of :data:`fetchlab.testbed.timeline_words.SENTENCES`.
        mentioned: whom it may mention, a handle.
        long: above the limit, up to 2,400 characters; else within it.
    """
    d = draws(b"timeline text", seed, key << 5)
    sentences = SENTENCES[language]
    glue = "" if language in ("ja", "zh") else " "
    ends, links, tags, mentions = _ends(seed, key, language, mentioned, d)
    tail = "".join(f" {end}" for end in ends)
    wanted = 330 + d[8] % (_LONGEST - 600) if long else 1 + d[8] % 4
    room = LIMIT - weight(tail)
    text, count, part = "", 0, 0
    while True:
        if count % 30 == 0:
            part += 1
            more = draws(b"timeline text", seed, key << 5 | part)
        drawn = more[count % 30]
        sentence = sentences[(d[9] + count) % len(sentences)].format(n=2 + drawn % 1_900)
        between = ("\n\n" if drawn % 7 == 0 else "\n" if drawn % 7 == 1 else glue) if text else ""
        room -= _weight_of(between + sentence)
        if count and not long and room < 0:
            break
        text, count = f"{text}{between}{sentence}", count + 1
        if (len(text) if long else count) >= wanted:
            break
    return Said(f"{text}{tail}", links, tags, mentions)


def advertised(key: int) -> Said:
    """What an advertisement says."""
    return Said(ADS[key % len(ADS)], (), (), ())


def weight(text: str) -> int:
    """How much of the limit a text takes: a link 23, characters of wide scripts 2 each."""
    bare, links = _URL.subn("", text)
    return _weight_of(bare) + links * _URL_WEIGHT


def _weight_of(plain: str) -> int:
    """The weight of a text without links."""
    return len(plain) if plain.isascii() else 2 * len(plain) - len(_LIGHT.findall(plain))


def clipped(text: str, limit: int) -> str:
    """The text itself if it has no more than `limit` characters, else its beginning and an ellipsis."""
    if len(text) <= limit:
        return text
    start = text[: limit - 1]
    space = start.rfind(" ")
    return f"{start[:space] if space > limit // 2 else start}…"


def _ends(
    seed: int, key: int, language: str, mentioned: str, d: tuple[int, ...]
) -> tuple[list[str], tuple[Link, ...], tuple[str, ...], tuple[str, ...]]:
    ends: list[str] = []
    mentions: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    links: tuple[Link, ...] = ()
    if d[0] % 9 == 0:
        mentions = (mentioned,)
        ends.append(f"@{mentioned}")
    if d[1] % 6 == 0:
        known = TAGS[language]
        first = d[2] % len(known)
        tags = tuple(known[(first + step) % len(known)] for step in range(1 + d[3] % 2))
        ends += [f"#{tag}" for tag in tags]
    if d[4] % 4 == 0:
        ends.append(EMOJI[d[5] % len(EMOJI)] * (1 + d[6] % 2))
    if d[7] % 6 == 0:
        links = (
            Link(
                f"https://t.co/{re.sub('[-_]', 'x', digest(seed, f'link {key}', 10))}",
                f"https://example.org/{language}/{TAGS['en'][d[9] % 5].lower()}/{d[10]}?page={1 + d[11] % 9}",
            ),
        )
        ends.append(links[0].url)
    return ends, links, tags, mentions
