"""The TMDB wire: search, details, seasons, errors, and an independent client of the service."""

from __future__ import annotations

from collections import Counter
from urllib.parse import quote

import pytest

from fetchlab.testbed.tmdb_data import FILMS, SHOWS, episodes_of, films, shows
from fetchlab.testbed.tmdb_search import folded

from .client import ask

KEY = "api_key=any"


def get(base, path, **args):
    query = "&".join([KEY, *(f"{name}={quote(str(value))}" for name, value in args.items())])
    return ask(base, f"/3{path}?{query}")


@pytest.fixture
def url(bed):
    return bed.urls["tmdb"]


def shared_title(*, same_year):
    """The places of two films with one title, in the same year or in different ones."""
    seen = {}
    for place, film in enumerate(films(0)):
        if film.adult or not film.date:
            continue
        other = seen.setdefault(folded(film.title), place)
        if other != place and (films(0)[other].year == film.year) is same_year:
            return films(0)[other], film
    raise AssertionError("the data has no such films")


# --- the data


def test_the_data_has_what_makes_matching_hard():
    """Without remakes, doubles and foreign titles any client would pass."""
    count = Counter(folded(film.title) for film in films(0))
    assert len(films(0)) == FILMS
    assert 0.1 < sum(number for number in count.values() if number > 1) / FILMS < 0.5
    assert shared_title(same_year=True)
    assert shared_title(same_year=False)
    assert sum(film.title != film.original for film in films(0)) > 200
    assert any(not film.date for film in films(0))
    assert len(shows(0)) == SHOWS
    assert any(number == 0 for show in shows(0) for number, _ in show.seasons)
    assert max(Counter(folded(show.title) for show in shows(0)).values()) > 1


def test_ids_are_unique_and_data_depend_on_the_seed():
    """Two films of one id could not be told apart; one seed for all would hide what depends on it."""
    for things in (films(0), shows(0)):
        assert len({thing.id for thing in things}) == len(things)
    assert films(0) != films(1)


def test_the_truth_is_what_is_served(bed, url):
    """Tests and tables hold clients against it."""
    truth = bed.truth("tmdb")
    for movie in truth["movies"][::1_500]:
        assert get(url, f"/movie/{movie['id']}").json == movie
    for show in truth["shows"][::400]:
        told = get(url, f"/tv/{show['id']}").json
        assert told["name"] == show["name"]
        for season in show["seasons"]:
            assert get(url, f"/tv/{show['id']}/season/{season['season_number']}").json == season


# --- search


def test_a_page_of_results(url):
    """The fields that a client reads, all of them."""
    page = get(url, "/search/movie", query="the").json
    assert list(page) == ["page", "results", "total_pages", "total_results"]
    assert len(page["results"]) == 20
    assert page["total_pages"] == -(-page["total_results"] // 20)
    assert set(page["results"][0]) == {
        "adult", "backdrop_path", "genre_ids", "id", "original_language", "original_title", "overview",
        "popularity", "poster_path", "release_date", "title", "video", "vote_average", "vote_count",
    }  # fmt: skip
    show = get(url, "/search/tv", query="the").json["results"][0]
    assert set(show) == {
        "adult", "backdrop_path", "genre_ids", "id", "original_language", "original_name", "overview",
        "popularity", "poster_path", "first_air_date", "name", "origin_country", "vote_average", "vote_count",
    }  # fmt: skip


def test_pages_hold_every_result_once(url):
    """A list whose pages overlap loses films."""
    first = get(url, "/search/movie", query="harbour").json
    pages = [
        get(url, "/search/movie", query="harbour", page=n).json for n in range(1, first["total_pages"] + 1)
    ]
    found = [movie["id"] for page in pages for movie in page["results"]]
    assert len(found) == len(set(found)) == first["total_results"] > 20
    assert get(url, "/search/movie", query="harbour", page=first["total_pages"] + 1).json["results"] == []


def test_every_word_must_stand_in_the_title(url):
    """The service finds nothing for a title with a release group's words: clients must know."""
    film = next(film for film in films(0) if film.date and not film.adult and film.title.isascii())
    found = get(url, "/search/movie", query=film.title.upper()).json["results"]
    assert film.id in {movie["id"] for movie in found}
    assert get(url, "/search/movie", query=f"{film.title} xvid").json["total_results"] == 0
    assert get(url, "/search/movie", query="").json["total_results"] == 0


def test_foreign_titles_are_found_under_both_names(url):
    """And are told in the language that is asked for."""
    film = next(film for film in films(0) if film.language == "ja" and film.title != film.original)
    for query in (film.title, film.original):
        found = get(url, "/search/movie", query=query, include_adult="true").json["results"]
        assert (film.title, film.original) in {(movie["title"], movie["original_title"]) for movie in found}
    told = get(url, "/search/movie", query=film.title, language="ja-JP", include_adult="true").json["results"]
    assert film.original in {movie["title"] for movie in told}


def test_years_tell_remakes_apart(url):
    """Else a remake could not be told from its original."""
    first, second = shared_title(same_year=False)
    for film in (first, second):
        found = get(url, "/search/movie", query=film.title, primary_release_year=film.year).json["results"]
        assert {movie["release_date"][:4] for movie in found} == {str(film.year)}
        assert film.id in {movie["id"] for movie in found}


def test_of_two_with_one_title_and_year_the_better_known_comes_first(url):
    """Nothing else tells them apart."""
    one, other = shared_title(same_year=True)
    found = get(url, "/search/movie", query=one.title, primary_release_year=one.year).json["results"]
    same = [movie["popularity"] for movie in found if folded(movie["title"]) == folded(other.title)]
    assert len(same) > 1
    assert same == sorted(same, reverse=True)


def test_shows_by_their_first_year(url):
    """Shows share names as films do."""
    show = shows(0)[3]
    found = get(url, "/search/tv", query=show.title, first_air_date_year=show.year).json["results"]
    assert show.id in {one["id"] for one in found}
    assert not get(url, "/search/tv", query=show.title, first_air_date_year=1900).json["results"]


# --- details


def test_a_season_brings_all_of_its_episodes(url):
    """That one call serves a whole season is what a client's batching rests on."""
    show = shows(0)[5]
    number, count = show.seasons[-1]
    season = get(url, f"/tv/{show.id}/season/{number}").json
    assert [one["episode_number"] for one in season["episodes"]] == list(range(1, count + 1))
    assert [one["name"] for one in season["episodes"]] == [one.title for one in episodes_of(show, number, 0)]


def test_parts_can_be_appended(url):
    """Seasons may ride with their show."""
    show = shows(0)[5]
    told = get(url, f"/tv/{show.id}", append_to_response="season/1,season/99,nonsense,external_ids").json
    assert told["season/1"] == get(url, f"/tv/{show.id}/season/1").json
    assert "external_ids" in told
    assert not {"season/99", "nonsense"} & set(told)
    assert "credits" in get(url, f"/movie/{films(0)[0].id}", append_to_response="credits").json


# --- errors


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/3/search/movie?query=x", 401, 7),
        ("/3/search/movie?query=x&api_key=", 401, 7),
        (f"/3/movie/1?{KEY}", 404, 34),
        (f"/3/movie/nonsense?{KEY}", 404, 34),
        (f"/3/tv/1?{KEY}", 404, 34),
        (f"/3/tv/1/season/1?{KEY}", 404, 34),
        (f"/3/search/movie?{KEY}&query=x&page=501", 400, 22),
        (f"/3/search/movie?{KEY}&query=x&page=0", 400, 22),
    ],
)
def test_errors_are_the_services_own(url, path, status, code):
    """A client reads status_code, not only the status."""
    answer = ask(url, path)
    assert answer.status == status
    assert set(answer.json) == {"success", "status_code", "status_message"}
    assert (answer.json["success"], answer.json["status_code"]) == (False, code)


def test_either_way_to_say_the_key(url):
    """The service takes both."""
    assert ask(url, "/3/configuration", headers={"Authorization": "Bearer any"}).json["images"][
        "secure_base_url"
    ]
    assert ask(url, "/3/configuration", headers={"Authorization": "Basic any"}).status == 401


def test_refusals_and_outages_are_worded_by_the_service(bed, url):
    """429 and 503 of the wire itself, with Retry-After where it is told to."""
    bed.configure("tmdb", rate=0.01, retry_after=3)
    get(url, "/configuration")
    refused = get(url, "/configuration")
    assert (refused.status, refused.json["status_code"], refused.headers["retry-after"]) == (429, 25, "3")
    bed.configure("tmdb", profile="flat", outage_after=0)
    assert get(url, "/configuration").json["status_code"] == 9
    bed.configure("tmdb", profile="flat", error_rate={504: 1.0})
    late = get(url, "/configuration")
    assert (late.status, late.json["status_code"]) == (504, 24)
    bed.configure("tmdb", profile="flat", error_rate={418: 1.0})
    assert b"<html>" in get(url, "/configuration").body


# --- an independent client


@pytest.mark.parametrize("bearer", [False, True])
def test_tmdbsimple_works_unchanged(url, monkeypatch, bearer):
    """The wire is the service's, not our client's idea of it."""
    import tmdbsimple
    from tmdbsimple.base import TMDB

    made = TMDB.__init__

    def pointed_here(client):
        made(client)
        client.base_uri = f"{url}/3"

    monkeypatch.setattr(TMDB, "__init__", pointed_here)
    monkeypatch.setattr(tmdbsimple, "API_KEY", "any")
    monkeypatch.setattr(tmdbsimple, "USE_BEARER_AUTH", bearer)
    film = next(film for film in films(0) if film.date and not film.adult)
    search = tmdbsimple.Search()
    search.movie(query=film.title, year=film.year)
    assert film.id in {movie["id"] for movie in search.results}
    assert tmdbsimple.Movies(film.id).info()["title"] == film.title
    show = shows(0)[0]
    search.tv(query=show.title)
    assert show.id in {one["id"] for one in search.results}
    season = tmdbsimple.TV_Seasons(show.id, show.seasons[0][0]).info()
    assert len(season["episodes"]) == show.seasons[0][1]
