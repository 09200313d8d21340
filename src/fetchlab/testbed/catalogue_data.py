"""70,613 movies that exist only as arithmetic: each is computed from the seed and its place.

Keeping them all would take half a gigabyte. Making one takes about ten microseconds, because it is written as
JSON at once, out of texts prepared once per seed; whoever wants a dict reads that JSON.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterator, Sequence
from itertools import accumulate
from struct import Struct
from typing import TYPE_CHECKING, Any, NamedTuple, overload

import msgspec

from fetchlab.testbed import catalogue_words as words
from fetchlab.testbed.catalogue_text import Texts, date_text, escaped, person
from fetchlab.testbed.hashing import draws, pool

if TYPE_CHECKING:
    from fetchlab.testbed.catalogue_words import Offer

__all__ = ["COUNT", "EMPTY", "Facts", "Movies"]

COUNT = 70_613

_FIRST_ID = 10
_OPENED = 1_446_324_390  # 31 October 2015, when the service opened
_STEP = 4_900
_SCATTER = 20 * 86_400
# A prime makes i * a mod p a bijection with scattered values.
_IMDB_PRIME, _IMDB_FACTOR = 9_999_991, 4_827_133
_IMDB_INVERSE = pow(_IMDB_FACTOR, -1, _IMDB_PRIME)
_SITE = "https://yts.invalid"  # a name that never resolves (RFC 2606)
#: What is drawn for a movie. Numbers 0 to 9 make its facts, 10 and 11 its plot, 12 to 18 its torrents; the
#: bytes are the hashes of three torrents.
_DRAWN = Struct("<19H60s")
_HASH = 40

Drawn = tuple[Any, ...]


class Facts(NamedTuple):
    """What a movie is sorted and filtered by."""

    title: str
    english: str
    slug: str
    language: str
    year: int
    rating: float
    runtime: int
    genres: tuple[str, ...]
    likes: int
    downloads: int
    swarm: int


class Movies(Sequence[dict[str, Any]]):
    """The movies, as the details endpoint states them; each dict is made when it is asked for.

    Args:
        seed: what they are made from.
        images: base URL of the images.
    """

    def __init__(self, seed: int, images: str) -> None:
        self._seed = seed
        self._images = images
        self._texts = Texts(seed)
        self._drawn = pool("movies", seed, COUNT * _DRAWN.size)
        chance = array("I")
        chance.frombytes(pool("catalogue", seed, COUNT * 4))
        self.ids = list(accumulate((1 if c & 7 else 2 + (c >> 3) % 5 for c in chance), initial=_FIRST_ID))[
            :COUNT
        ]
        self.uploaded = [_OPENED + place * _STEP + (c >> 6) % _SCATTER for place, c in enumerate(chance)]
        self._places = {number: place for place, number in enumerate(self.ids)}

    def __len__(self) -> int:
        return COUNT

    @overload
    def __getitem__(self, place: int) -> dict[str, Any]: ...
    @overload
    def __getitem__(self, place: slice) -> list[dict[str, Any]]: ...
    def __getitem__(self, place: int | slice) -> dict[str, Any] | list[dict[str, Any]]:
        if isinstance(place, slice):
            return [self._stated(one) for one in range(COUNT)[place]]
        return self._stated(range(COUNT)[place])

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return map(self._stated, range(COUNT))

    def _stated(self, place: int) -> dict[str, Any]:
        movie: dict[str, Any] = msgspec.json.decode(self.details(place))
        return movie

    def place_of(self, number: int) -> int | None:
        """Where the movie with that id is."""
        return self._places.get(number)

    def place_of_imdb(self, imdb: str) -> int | None:
        """Where the movie with that IMDb code is."""
        if not re.fullmatch(r"tt\d{7}", imdb):
            return None
        place = (int(imdb[2:]) - 1) * _IMDB_INVERSE % _IMDB_PRIME
        return place if place < COUNT and self.imdb(place) == imdb else None

    def imdb(self, place: int) -> str:
        """The movie's IMDb code, unique."""
        return f"tt{place * _IMDB_FACTOR % _IMDB_PRIME + 1:07d}"

    def facts(self, place: int) -> Facts:
        """What the movie is sorted and filtered by."""
        return self._facts(self._draws(place))

    def qualities(self, place: int) -> list[str]:
        """The qualities in which the movie is offered, in lower case."""
        return [offer.quality.lower() for offer in _offers(self._draws(place))]

    def listed(self, place: int, uploaded: int | None = None) -> str:
        """The movie as lists state it, in JSON; `uploaded` replaces its own date."""
        d = self._draws(place)
        facts = self._facts(d)
        opening, plot = self._texts.plot(d[10], d[11])
        common = self._common(place, facts, plot)
        dates = self._dates(place, d, facts, uploaded)
        return f'{common},"summary":"{opening}","synopsis":"{opening}","state":"ok"{dates}'

    def details(
        self, place: int, uploaded: int | None = None, *, images: bool = False, cast: bool = False
    ) -> str:
        """The movie as the details endpoint states it, in JSON."""
        d = self._draws(place)
        facts = self._facts(d)
        _, plot = self._texts.plot(d[10], d[11])
        parts = [
            self._common(place, facts, plot),
            f',"like_count":{facts.likes},"description_intro":"{plot}"',
            self._screenshots(facts) if images else "",
            f',"cast":[{self._cast(place)}]' if cast else "",
            self._dates(place, d, facts, uploaded),
        ]
        return "".join(parts)

    def _draws(self, place: int) -> Drawn:
        return _DRAWN.unpack_from(self._drawn, place * _DRAWN.size)

    def _facts(self, d: Drawn) -> Facts:
        title, english, slug, language = self._texts.title(d[0], d[1], d[2])
        year = 2026 - int(105 * (d[3] / 65536) ** 2.6)
        popularity = 1 + (d[7] * d[8] >> 18) * (d[7] & 15)
        return Facts(
            title,
            english,
            f"{slug}-{year}",
            language,
            year,
            0.0 if d[4] % 41 == 0 else (20 + d[4] % 36 + d[5] % 36) / 10,
            61 + d[9] % 120,
            words.GENRE_SETS[d[6] % len(words.GENRE_SETS)],
            popularity >> 8,
            popularity,
            popularity >> 9,
        )

    def _folder(self, facts: Facts) -> str:
        return f"{self._images}/assets/images/movies/{facts.slug.replace('-', '_')}"

    def _common(self, place: int, facts: Facts, plot: str) -> str:
        number = self.ids[place]
        mixed = number * 2_654_435_761
        folder = self._folder(facts)
        title, english = escaped(facts.title), escaped(facts.english)
        genres = '","'.join(facts.genres)
        # The service writes 7, not 7.0: so does "g".
        return (
            f'{{"id":{number},"url":"{_SITE}/movies/{facts.slug}","imdb_code":"{self.imdb(place)}"'
            f',"title":"{title}","title_english":"{english}"'
            f',"title_long":"{title} ({facts.year})","slug":"{facts.slug}"'
            f',"year":{facts.year},"rating":{facts.rating:g},"runtime":{facts.runtime}'
            f',"genres":["{genres}"],"description_full":"{plot}"'
            f',"yt_trailer_code":"{mixed & 0xFFFFFFFFFFF:011x}","language":"{facts.language}"'
            f',"mpa_rating":"{words.RATINGS_MPA[(mixed >> 7) % len(words.RATINGS_MPA)]}"'
            f',"background_image":"{folder}/background.jpg"'
            f',"background_image_original":"{folder}/background.jpg"'
            f',"small_cover_image":"{folder}/small-cover.jpg"'
            f',"medium_cover_image":"{folder}/medium-cover.jpg"'
            f',"large_cover_image":"{folder}/large-cover.jpg"'
        )

    def _dates(self, place: int, d: Drawn, facts: Facts, uploaded: int | None) -> str:
        torrents = _torrents(d, facts, self.uploaded[place])
        date = self.uploaded[place] if uploaded is None else uploaded
        return f'{torrents},"date_uploaded":"{date_text(date)}","date_uploaded_unix":{date}}}'

    def _screenshots(self, facts: Facts) -> str:
        folder = self._folder(facts)
        return "".join(
            f',"{size}_screenshot_image{shot}":"{folder}/{size}-screenshot{shot}.jpg"'
            for size in ("medium", "large")
            for shot in (1, 2, 3)
        )

    def _cast(self, place: int) -> str:
        d = draws(b"cast", self._seed, place)
        made = []
        for at in range(0, 4 * (3 + d[31] % 2), 4):
            number = f"{d[at] << 7 | d[at + 1] & 127:07d}"
            made.append(
                f'{{"name":"{person(d[at], d[at + 1])}","character_name":"{person(d[at + 2], d[at + 3])}"'
                f',"url_small_image":"{self._images}/assets/images/actors/thumb/nm{number}.jpg"'
                f',"imdb_code":"{number}"}}'
            )
        return ",".join(made)


def _offers(d: Drawn) -> tuple[Offer, ...]:
    return () if d[12] % 97 == 0 else words.OFFERS[d[12] % len(words.OFFERS)]


def _torrents(d: Drawn, facts: Facts, date: int) -> str:
    hashes = d[19].hex().upper()
    made = []
    for number, (_, megabytes, releases) in enumerate(_offers(d)):
        one, two = d[13 + 2 * number], d[14 + 2 * number]
        own = hashes[_HASH * number : _HASH * (number + 1)]
        size = megabytes * 2**20 * facts.runtime // 90 + two * 977
        written = f"{size / 2**30:.2f} GB" if size >= 2**30 else f"{size / 2**20:.2f} MB"
        seeds = facts.swarm // (1 + number) + two % 60
        made.append(
            f'{{"url":"{_SITE}/torrent/download/{own}","hash":"{own}",{releases[one % len(releases)]}'
            f',"seeds":{seeds},"peers":{seeds // 3 + one % 20},"size":"{written}","size_bytes":{size}'
            f',"date_uploaded":"{date_text(date)}","date_uploaded_unix":{date}}}'
        )
        date += 5_300
    return f',"torrents":[{",".join(made)}]' if made else ""


#: What the service answers for an id that it does not know.
EMPTY: dict[str, Any] = {
    "id": 0,
    "url": f"{_SITE}/movies/",
    "imdb_code": "",
    "title": "",
    "title_english": "",
    "title_long": " (0)",
    "slug": "",
    "year": 0,
    "rating": 0,
    "runtime": 0,
    "genres": [],
    "like_count": 0,
    "description_intro": "",
    "description_full": "",
    "yt_trailer_code": "",
    "language": "",
    "mpa_rating": "",
    "background_image": "",
    "background_image_original": "",
    "small_cover_image": "",
    "medium_cover_image": "",
    "large_cover_image": "",
    "date_uploaded": "",
    "date_uploaded_unix": 0,
}
