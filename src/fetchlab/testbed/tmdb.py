"""The TMDB wire: search, details, seasons and errors of the film database's API, version 3."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from fetchlab.testbed.store import Shelf
from fetchlab.testbed.tmdb_data import Computed, Film, Show, films, shows
from fetchlab.testbed.tmdb_search import Index
from fetchlab.testbed.tmdb_stated import (
    film_details,
    listed_film,
    listed_show,
    season,
    show_details,
    show_truth,
)
from fetchlab.testbed.wire import Reply, Request, Route, Wire

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from fetchlab.testbed.registry import World

__all__ = ["TmdbWire"]

_PAGE = 20
_LAST_PAGE = 500
_SAID: dict[int, tuple[int, str]] = {
    401: (7, "Invalid API key: You must be granted a valid key."),
    404: (34, "The resource you requested could not be found."),
    400: (22, "Invalid page: Pages start at 1 and max at 500. They are expected to be an integer."),
    429: (25, "Your request count (#) is over the allowed limit of (40)."),
    500: (11, "Internal error: Something went wrong, contact TMDb."),
    502: (43, "Couldn't connect to the backend server."),
    503: (9, "Service offline: This service is temporarily offline, try again later."),
    504: (24, "Your request to the backend server timed out. Try again."),
}


class TmdbWire(Wire):
    """12,000 films and 1,500 shows. Any API key will do, but there must be one."""

    def __init__(self, name: str, world: World) -> None:
        super().__init__(name, world)
        self._kept: Shelf[tuple[str, bytes], Reply] = Shelf(64 * 2**20)
        self._not_found = _error(404)

    def routes(self) -> list[Route]:
        """The endpoints that a library needs."""
        return [
            Route("GET", "/3/configuration", self._checked(lambda _: Reply.json(self._configuration()))),
            Route("GET", "/3/search/movie", self._checked(self._search_films)),
            Route("GET", "/3/search/tv", self._checked(self._search_shows)),
            Route("GET", "/3/movie/{id}", self._checked(self._film)),
            Route("GET", "/3/tv/{id}", self._checked(self._show)),
            Route("GET", "/3/tv/{id}/season/{n}", self._checked(self._season)),
        ]

    @classmethod
    def truth(cls, world: World) -> dict[str, Sequence[dict[str, Any]]]:
        """All films as the details endpoint states them, all shows with their seasons' episodes."""
        seed = world.seed
        return {
            "movies": Computed(films(seed), film_details),
            "shows": Computed(shows(seed), lambda show: show_truth(show, seed)),
        }

    def error(self, status: int, title: str, retry_after: float | None) -> Reply:
        """What the service itself says in JSON; anything it has no words for comes from a proxy."""
        if status not in _SAID:
            return super().error(status, title, retry_after)
        return _error(status, retry_after)

    @cached_property
    def _films(self) -> Index[Film]:
        return Index(films(self.world.seed))

    @cached_property
    def _shows(self) -> Index[Show]:
        return Index(shows(self.world.seed))

    @cached_property
    def _film_by_id(self) -> dict[int, Film]:
        return {film.id: film for film in films(self.world.seed)}

    @cached_property
    def _show_by_id(self) -> dict[int, Show]:
        return {show.id: show for show in shows(self.world.seed)}

    def _checked(self, handler: Callable[[Request], Reply]) -> Callable[[Request], Reply]:
        """The handler behind the key check; an answer once made is kept."""

        def answer(request: Request) -> Reply:
            bearer = (request.header(b"authorization") or b"").partition(b" ")
            if not (bearer[0].lower() == b"bearer" and bearer[2].strip()) and not request.args.get("api_key"):
                return _error(401)
            key = request.path, request.query
            kept = self._kept.get(key)
            return self._kept.put(key, handler(request)) if kept is None else kept

        return answer

    def _search_films(self, request: Request) -> Reply:
        args = request.args
        adult = args.get("include_adult", "false").lower() == "true"
        year, primary = _year(args.get("year")), _year(args.get("primary_release_year"))

        def fits(film: Film) -> bool:
            return (
                (adult or not film.adult)
                and (primary is None or film.year == primary)
                # `year` is that of any release: some films reach other countries a year later
                and (year is None or film.year == year or (film.id % 5 == 0 and film.year == year - 1))
            )

        language = args.get("language", "en-US")
        return _page(args, self._films.find(args.get("query", ""), fits), lambda f: listed_film(f, language))

    def _search_shows(self, request: Request) -> Reply:
        args = request.args
        first = _year(args.get("first_air_date_year"))
        year = _year(args.get("year"))

        def fits(show: Show) -> bool:
            begun = show.year
            return (first is None or begun == first) and (
                year is None
                or (begun is not None and begun <= year < begun + max(n for n, _ in show.seasons) + 1)
            )

        language = args.get("language", "en-US")
        return _page(args, self._shows.find(args.get("query", ""), fits), lambda s: listed_show(s, language))

    def _film(self, request: Request) -> Reply:
        film = self._film_by_id.get(_id(request.params["id"]))
        if film is None:
            return self._not_found
        return Reply.json(film_details(film, request.args.get("language", "en-US"), _appended(request)))

    def _show(self, request: Request) -> Reply:
        show = self._show_by_id.get(_id(request.params["id"]))
        if show is None:
            return self._not_found
        language = request.args.get("language", "en-US")
        return Reply.json(show_details(show, self.world.seed, language, _appended(request)))

    def _season(self, request: Request) -> Reply:
        show = self._show_by_id.get(_id(request.params["id"]))
        number = _id(request.params["n"])
        if show is None or number not in dict(show.seasons):
            return self._not_found
        return Reply.json(season(show, number, self.world.seed))

    def _configuration(self) -> dict[str, Any]:
        images = f"{self.world.url('media')}/t/p/"
        return {
            "images": {
                "base_url": images,
                "secure_base_url": images,
                "backdrop_sizes": ["w300", "w780", "w1280", "original"],
                "logo_sizes": ["w45", "w92", "w154", "w185", "w300", "w500", "original"],
                "poster_sizes": ["w92", "w154", "w185", "w342", "w500", "w780", "original"],
                "profile_sizes": ["w45", "w185", "h632", "original"],
                "still_sizes": ["w92", "w185", "w300", "original"],
            },
            "change_keys": [],
        }


def _page(args: dict[str, str], found: list[Any], state: Callable[[Any], dict[str, Any]]) -> Reply:
    page = _id(args.get("page", "1"))
    if not 1 <= page <= _LAST_PAGE:
        return _error(400)
    shown = found[(page - 1) * _PAGE : page * _PAGE]
    return Reply.json(
        {
            "page": page,
            "results": [state(thing) for thing in shown],
            "total_pages": max(1, -(-len(found) // _PAGE)),
            "total_results": len(found),
        }
    )


def _error(status: int, retry_after: float | None = None) -> Reply:
    code, message = _SAID[status]
    hint = retry_after is not None and status in (429, 503)
    return Reply.json(
        {"success": False, "status_code": code, "status_message": message},
        status,
        [("retry-after", f"{retry_after:g}")] if hint else [],
    )


def _appended(request: Request) -> list[str]:
    return request.args.get("append_to_response", "").split(",")


def _id(text: str) -> int:
    """The number, or one that nothing has; some paths state ``603-the-matrix``."""
    digits = text.partition("-")[0]
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 12 else -1


def _year(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 6 else None
