"""Films, shows and seasons as the service states them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fetchlab.testbed.tmdb_data import episodes_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from fetchlab.testbed.tmdb_data import Episode, Film, Show

__all__ = ["film_details", "listed_film", "listed_show", "season", "show_details", "show_truth"]

_GENRES = {
    28: "Action", 12: "Adventure", 16: "Animation", 35: "Comedy", 80: "Crime", 99: "Documentary", 18: "Drama",
    10751: "Family", 14: "Fantasy", 36: "History", 27: "Horror", 10402: "Music", 9648: "Mystery",
    10749: "Romance", 878: "Science Fiction", 53: "Thriller", 10752: "War", 37: "Western",
}  # fmt: skip


def _title(thing: Film | Show, language: str) -> str:
    """In English, unless the language asked for is the thing's own."""
    return thing.original if language.split("-", maxsplit=1)[0] == thing.language else thing.title


def _common(thing: Film | Show) -> dict[str, Any]:
    return {
        "adult": thing.adult,
        "backdrop_path": f"/b{thing.id:x}.jpg",
        "id": thing.id,
        "original_language": thing.language,
        "overview": f"The story of {thing.title}.",
        "popularity": thing.popularity,
        "poster_path": f"/p{thing.id:x}.jpg",
        "vote_average": thing.average,
        "vote_count": thing.votes,
    }


def listed_film(film: Film, language: str = "en-US") -> dict[str, Any]:
    """A film in a list of results."""
    return {
        **_common(film),
        "genre_ids": list(film.genres),
        "original_title": film.original,
        "release_date": film.date,
        "title": _title(film, language),
        "video": False,
    }


def listed_show(show: Show, language: str = "en-US") -> dict[str, Any]:
    """A show in a list of results."""
    return {
        **_common(show),
        "genre_ids": list(show.genres),
        "original_name": show.original,
        "first_air_date": show.date,
        "name": _title(show, language),
        "origin_country": [show.country],
    }


def _with_genres(stated: dict[str, Any]) -> dict[str, Any]:
    stated["genres"] = [{"id": number, "name": _GENRES[number]} for number in stated.pop("genre_ids")]
    return stated


def film_details(film: Film, language: str = "en-US", append: Collection[str] = ()) -> dict[str, Any]:
    """A film by its id; `append` names further parts, unknown ones are passed over as the service does."""
    stated = _with_genres(listed_film(film, language))
    imdb = f"tt{film.id + 1_000_000:07d}"
    stated |= {
        "belongs_to_collection": None,
        "budget": 0,
        "homepage": "",
        "imdb_id": imdb,
        "origin_country": [],
        "production_companies": [],
        "production_countries": [],
        "revenue": 0,
        "runtime": film.runtime,
        "spoken_languages": [],
        "status": "Released",
        "tagline": "",
    }
    parts: dict[str, Callable[[], Any]] = {
        "alternative_titles": lambda: {"titles": [{"iso_3166_1": "US", "title": film.title, "type": ""}]},
        "credits": lambda: {"cast": [], "crew": []},
        "external_ids": lambda: {"imdb_id": imdb},
        "images": lambda: {"backdrops": [], "logos": [], "posters": []},
        "keywords": lambda: {"keywords": []},
        "videos": lambda: {"results": []},
    }
    return stated | {name: parts[name]() for name in append if name in parts}


def show_details(
    show: Show, seed: int, language: str = "en-US", append: Collection[str] = ()
) -> dict[str, Any]:
    """A show by its id; `append` may name ``season/N``, twenty of them at most."""
    stated = _with_genres(listed_show(show, language))
    stated |= {
        "created_by": [],
        "episode_run_time": [],
        "homepage": "",
        "in_production": False,
        "languages": [show.language],
        "number_of_episodes": sum(count for number, count in show.seasons if number),
        "number_of_seasons": sum(number > 0 for number, _ in show.seasons),
        "seasons": [
            {
                "air_date": show.date,
                "episode_count": count,
                "id": _season_id(show, number),
                "name": _season_name(number),
                "overview": "",
                "poster_path": None,
                "season_number": number,
                "vote_average": show.average,
            }
            for number, count in show.seasons
        ],
        "status": "Ended",
        "tagline": "",
        "type": "Scripted",
    }
    if "external_ids" in append:
        stated["external_ids"] = {"imdb_id": f"tt{show.id + 5_000_000:07d}", "tvdb_id": show.id + 70_000}
    wanted = [part for part in append if part.startswith("season/")][:20]
    for part in wanted:
        number = part.removeprefix("season/")
        if number.isdecimal() and int(number) in dict(show.seasons):
            stated[part] = season(show, int(number), seed)
    return stated


def season(show: Show, number: int, seed: int) -> dict[str, Any]:
    """A season with all of its episodes."""
    return {
        "_id": f"{_season_id(show, number):024x}",
        "air_date": show.date,
        "episodes": [_episode(show, number, episode) for episode in episodes_of(show, number, seed)],
        "name": _season_name(number),
        "overview": "",
        "id": _season_id(show, number),
        "poster_path": None,
        "season_number": number,
        "vote_average": show.average,
    }


def _episode(show: Show, number: int, episode: Episode) -> dict[str, Any]:
    return {
        "air_date": episode.date,
        "crew": [],
        "episode_number": episode.number,
        "episode_type": "standard",
        "guest_stars": [],
        "id": _season_id(show, number) * 100 + episode.number,
        "name": episode.title,
        "overview": "",
        "production_code": "",
        "runtime": episode.runtime,
        "season_number": number,
        "show_id": show.id,
        "still_path": None,
        "vote_average": show.average,
        "vote_count": 10,
    }


def show_truth(show: Show, seed: int) -> dict[str, Any]:
    """A show with its seasons and their episodes."""
    stated = show_details(show, seed)
    return stated | {"seasons": [season(show, number, seed) for number, _ in show.seasons]}


def _season_id(show: Show, number: int) -> int:
    return show.id * 64 + number


def _season_name(number: int) -> str:
    return f"Season {number}" if number else "Specials"
