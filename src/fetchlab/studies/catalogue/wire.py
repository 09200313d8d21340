"""The catalogue's wire: what its answers hold, and the details table made of them.

The types name every field the service documents. All but ``id`` have a default, because the service leaves
fields out at will; a field of another type than stated is an error that names it.
"""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import msgspec
import polars as pl

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "MOVIES",
    "Answer",
    "DetailsAnswer",
    "ListAnswer",
    "ListedMovie",
    "Movie",
    "SuggestionsAnswer",
    "movies_frame",
]

T = TypeVar("T")


class ListedMovie(msgspec.Struct):
    """A movie in a list page: its id is all the first phase needs, the rest is skipped while decoding."""

    id: int


class ListData(msgspec.Struct):
    """A list page; ``movies`` is absent past the last page although ``movie_count`` is above 0."""

    movie_count: int
    limit: int = 0
    page_number: int = 0
    movies: list[ListedMovie] = []


class Answer(msgspec.Struct, Generic[T]):
    """The envelope around every answer; ``data`` is absent when ``status`` is ``error``."""

    status: str
    status_message: str = ""
    data: T | None = None


class Torrent(msgspec.Struct):
    """One release of a movie. Numbers in quotes are what the service sends."""

    url: str = ""
    hash: str = ""
    quality: str = ""
    type: str = ""
    is_repack: str = ""
    video_codec: str = ""
    bit_depth: str = ""
    audio_channels: str = ""
    seeds: int = 0
    peers: int = 0
    size: str = ""
    size_bytes: int = 0
    date_uploaded: str = ""
    date_uploaded_unix: int = 0


class Actor(msgspec.Struct):
    """One member of the cast."""

    name: str = ""
    character_name: str | None = None
    imdb_code: str = ""
    url_small_image: str | None = None


class Movie(msgspec.Struct):
    """A movie's details."""

    id: int
    url: str = ""
    imdb_code: str = ""
    title: str | None = None
    title_english: str | None = None
    title_long: str | None = None
    slug: str | None = None
    year: int = 0
    rating: float = 0.0
    runtime: int = 0
    genres: list[str] = []
    like_count: int = 0
    description_intro: str | None = None
    description_full: str | None = None
    yt_trailer_code: str | None = None
    language: str | None = None
    mpa_rating: str | None = None
    background_image: str | None = None
    background_image_original: str | None = None
    small_cover_image: str | None = None
    medium_cover_image: str | None = None
    large_cover_image: str | None = None
    medium_screenshot_image1: str | None = None
    medium_screenshot_image2: str | None = None
    medium_screenshot_image3: str | None = None
    large_screenshot_image1: str | None = None
    large_screenshot_image2: str | None = None
    large_screenshot_image3: str | None = None
    cast: list[Actor] = []
    torrents: list[Torrent] = []
    date_uploaded: str | None = None
    date_uploaded_unix: int = 0


class DetailsData(msgspec.Struct):
    """The details' data."""

    movie: Movie


class SuggestionsData(msgspec.Struct):
    """The suggestions' data."""

    movies: list[Movie] = []


ListAnswer = Answer[ListData]
DetailsAnswer = Answer[DetailsData]
SuggestionsAnswer = Answer[SuggestionsData]


_PLAIN: dict[Any, pl.DataType] = {int: pl.Int64(), float: pl.Float64(), str: pl.String()}


def _columns(struct: type[msgspec.Struct]) -> dict[str, pl.DataType]:
    return {field.encode_name: _column(field.type) for field in msgspec.structs.fields(struct)}


def _column(annotation: Any) -> pl.DataType:
    arguments = [argument for argument in getattr(annotation, "__args__", ()) if argument is not type(None)]
    if getattr(annotation, "__origin__", None) is list:
        return pl.List(_column(arguments[0]))
    if isinstance(annotation, type) and issubclass(annotation, msgspec.Struct):
        return pl.Struct(_columns(annotation))
    return _PLAIN[arguments[0] if arguments else annotation]


MOVIES = pl.Schema(_columns(Movie))
"""The details table: a column per field of :class:`Movie`; genres, cast and torrents are nested lists."""


def movies_frame(movies: Sequence[Movie]) -> pl.DataFrame:
    """Return movies as rows of the MOVIES schema, in the order given."""
    if not movies:
        return MOVIES.to_frame()
    # through JSON, both ends of which are native code: ten times as fast as through Python objects
    return pl.read_json(BytesIO(msgspec.json.encode(movies)), schema=MOVIES)
