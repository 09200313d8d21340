"""The catalogue wire: the movie service's API v2, its oddities included."""

from __future__ import annotations

from time import time
from typing import TYPE_CHECKING, Any

import msgspec

from fetchlab.testbed.catalogue_data import EMPTY, Movies
from fetchlab.testbed.catalogue_order import Order, Wanted
from fetchlab.testbed.hashing import draws
from fetchlab.testbed.store import Shelf
from fetchlab.testbed.wire import Reply, Request, Route, Wire

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fetchlab.testbed.registry import World
    from fetchlab.testbed.settings import Settings

__all__ = ["CatalogueWire"]

_LIMIT, _MOST = 20, 50
_EMPTY_EVERY = 5
_OK = b"Query was successful"
_META = b',"@meta":{"server_time":%d,"server_timezone":"CET","api_version":2,"execution_time":"0 ms"}}'


class CatalogueWire(Wire):
    """Lists, details and suggestions of 70,613 movies."""

    def __init__(self, name: str, world: World) -> None:
        super().__init__(name, world)
        self._movies = Movies(world.seed, world.url("media"))
        self._order = Order(self._movies)
        # Room for all 1,413 pages of fifty: what follows "data" in a list's answer.
        self._pages: Shelf[tuple[bytes, int, bool], bytes] = Shelf(168 * 2**20)
        self._lists = 0
        self._limitless = 0

    def configure(self, settings: Settings) -> None:
        """Follow `quirks` and `churn`."""
        self._quirks = settings.quirks
        self._churn = settings.churn

    def routes(self) -> list[Route]:
        """The three endpoints that state metadata."""
        return [
            Route("GET", "/api/v2/list_movies.json", self._list),
            Route("GET", "/api/v2/movie_details.json", self._one),
            Route("GET", "/api/v2/movie_suggestions.json", self._suggest),
        ]

    @classmethod
    def truth(cls, world: World) -> dict[str, Sequence[dict[str, Any]]]:
        """All movies, as the details endpoint states them."""
        return {"movies": Movies(world.seed, world.url("media"))}

    def _list(self, request: Request) -> Reply:
        self._lists += 1
        if self._churn and self._lists % self._churn == 0:
            self._upload_again()
        if self._quirks and "limit" not in request.args:
            self._limitless += 1
            if self._limitless % _EMPTY_EVERY == 0:
                return _answer(self._page(request.args, empty=True))
        key = request.query, self._order.uploads, self._quirks
        kept = self._pages.get(key)
        if kept is None:
            kept = self._pages.put(key, self._page(request.args))
        return _answer(kept)

    def _page(self, args: dict[str, str], *, empty: bool = False) -> bytes:
        limit = _between(args.get("limit"), 1, _MOST, _LIMIT)
        page = _between(args.get("page"), 1, 10**9, 1)
        count, places = self._order.page(Wanted.of(args), (page - 1) * limit, limit)
        head = b'"movie_count":%d,"limit":%d,"page_number":%d' % (count, limit, page)
        if empty or (not places and self._quirks):
            return head
        return b"".join((head, b',"movies":[', self._listed(places), b"]"))

    def _one(self, request: Request) -> Reply:
        args = request.args
        if "movie_id" not in args and "imdb_id" not in args:
            return _answer(None, b"movie_id is required")
        place = self._find(args)
        if place is None:
            if self._quirks:
                return _answer(b'"movie":' + msgspec.json.encode(EMPTY))
            return _answer(None, b"Movie not found")
        images, cast = _flag(args.get("with_images")), _flag(args.get("with_cast"))
        movie = self._movies.details(place, self._order.again.get(place), images=images, cast=cast)
        return _answer(b'"movie":' + movie.encode("ascii"))

    def _suggest(self, request: Request) -> Reply:
        place = self._find(request.args)
        if place is None:
            return _answer(
                None, b"movie_id is required" if "movie_id" not in request.args else b"Movie not found"
            )
        near = draws(b"suggest", self.world.seed, place)
        others = [(place + 1 + step * 17_000 + near[step] % 16_000) % len(self._movies) for step in range(4)]
        return _answer(b'"movie_count":4,"movies":[' + self._listed(others) + b"]")

    def _find(self, args: dict[str, str]) -> int | None:
        number = args.get("movie_id", "")
        if number.startswith("tt"):
            return self._movies.place_of_imdb(number)
        if number:
            return self._movies.place_of(_between(number, 0, 10**9, 0))
        return self._movies.place_of_imdb(args.get("imdb_id", ""))

    def _listed(self, places: Sequence[int]) -> bytes:
        listed, again = self._movies.listed, self._order.again
        return ",".join([listed(place, again.get(place)) for place in places]).encode("ascii")

    def _upload_again(self) -> None:
        self._order.upload_again(draws(b"churn", self.world.seed, self._order.uploads))


def _answer(data: bytes | None, message: bytes = _OK) -> Reply:
    status, before, after = (b"error", b"", b"") if data is None else (b"ok", b',"data":{', b"}")
    head = b'{"status":"%b","status_message":"%b"%b' % (status, message, before)
    # One join copies a page once.
    return Reply(b"".join((head, data or b"", after, _META % time())))


def _between(text: str | None, least: int, most: int, otherwise: int) -> int:
    """The service takes the nearest value that it allows, and its default for what is no number."""
    try:
        return max(least, min(most, int(text or "")))
    except ValueError:
        return otherwise


def _flag(text: str | None) -> bool:
    return text is not None and text.lower() in ("true", "1")
