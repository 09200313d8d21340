"""The catalogue wire: every field of the service's API v2, its parameters and its oddities."""

from __future__ import annotations

import json
import re
from datetime import datetime, timedelta, timezone

import pytest

from fetchlab.testbed import Settings, catalogue, serve
from fetchlab.testbed import catalogue_words as words
from fetchlab.testbed.catalogue import CatalogueWire
from fetchlab.testbed.catalogue_data import COUNT, Movies
from fetchlab.testbed.catalogue_order import Order, Wanted
from fetchlab.testbed.catalogue_text import escaped
from fetchlab.testbed.registry import World
from fetchlab.testbed.wire import Request

from .client import ask

LIST = "/api/v2/list_movies.json"
DETAILS = "/api/v2/movie_details.json"
SUGGESTIONS = "/api/v2/movie_suggestions.json"

ENVELOPE = {"status": str, "status_message": str, "data": dict, "@meta": dict}
META = {"server_time": int, "server_timezone": str, "api_version": int, "execution_time": str}
LIST_DATA = {"movie_count": int, "limit": int, "page_number": int, "movies": list}
MOVIE = {
    "id": int,
    "url": str,
    "imdb_code": str,
    "title": str,
    "title_english": str,
    "title_long": str,
    "slug": str,
    "year": int,
    "rating": (int, float),
    "runtime": int,
    "genres": list,
    "description_full": str,
    "yt_trailer_code": str,
    "language": str,
    "mpa_rating": str,
    "background_image": str,
    "background_image_original": str,
    "small_cover_image": str,
    "medium_cover_image": str,
    "large_cover_image": str,
    "torrents": list,
    "date_uploaded": str,
    "date_uploaded_unix": int,
}
LIST_MOVIE = MOVIE | {"summary": str, "synopsis": str, "state": str}
DETAILS_MOVIE = MOVIE | {"like_count": int, "description_intro": str}
IMAGES = {
    "medium_screenshot_image1": str,
    "medium_screenshot_image2": str,
    "medium_screenshot_image3": str,
    "large_screenshot_image1": str,
    "large_screenshot_image2": str,
    "large_screenshot_image3": str,
}
CAST = {"name": str, "character_name": str, "imdb_code": str, "url_small_image": str}
TORRENT = {
    "url": str,
    "hash": str,
    "quality": str,
    "type": str,
    "is_repack": str,
    "video_codec": str,
    "bit_depth": str,
    "audio_channels": str,
    "seeds": int,
    "peers": int,
    "size": str,
    "size_bytes": int,
    "date_uploaded": str,
    "date_uploaded_unix": int,
}


def shaped(thing, table, *, may_lack=()):
    """Exactly these names, each of its type; `bool` is not an `int` here."""
    assert set(thing) | set(may_lack) == set(table) | set(may_lack)
    assert set(thing) <= set(table)
    for name, value in thing.items():
        assert isinstance(value, table[name]), name
        assert not isinstance(value, bool), name
    return True


@pytest.fixture
def url(bed):
    return bed.urls["catalogue"]


@pytest.fixture(scope="module")
def movies():
    return Movies(0, "http://media")


@pytest.fixture(scope="module")
def page(_bed_process):
    return ask(_bed_process.urls["catalogue"], f"{LIST}?limit=50&page=3").json


def some(bed, count=60):
    """Movies from all over the catalogue, as the details endpoint should state them."""
    truth = bed.truth("catalogue")["movies"]
    return [truth[place] for place in range(0, COUNT, COUNT // count)]


# --- names and types


def test_envelope(page):
    """Otherwise a client would not find status, data or meta."""
    assert shaped(page, ENVELOPE)
    assert shaped(page["@meta"], META)
    assert (page["status"], page["status_message"]) == ("ok", "Query was successful")
    assert (page["@meta"]["server_timezone"], page["@meta"]["api_version"]) == ("CET", 2)


def test_list_data(page):
    """Otherwise a client could not page."""
    assert shaped(page["data"], LIST_DATA)
    assert page["data"]["movie_count"] == COUNT == 70_613
    assert page["data"]["limit"] == len(page["data"]["movies"]) == 50
    assert page["data"]["page_number"] == 3


def test_listed_movies(page):
    """Otherwise a list's movie would have other fields than the service's."""
    for movie in page["data"]["movies"]:
        assert shaped(movie, LIST_MOVIE, may_lack=["torrents"])
        assert movie["state"] == "ok"


def test_torrents(page):
    """Otherwise a torrent's fields would not be the service's, or be of other types."""
    seen = [torrent for movie in page["data"]["movies"] for torrent in movie.get("torrents", [])]
    assert len(seen) > 50
    for torrent in seen:
        assert shaped(torrent, TORRENT)
        assert re.fullmatch("[0-9A-F]{40}", torrent["hash"])
        assert re.fullmatch(r"\d+\.\d\d [MG]B", torrent["size"])
        assert torrent["quality"] in {"720p", "1080p", "2160p", "3D"}
        assert torrent["type"] in {"web", "bluray"}
        assert torrent["is_repack"] in {"0", "1"}
        assert torrent["bit_depth"] in {"8", "10"}
        assert torrent["audio_channels"] in {"2.0", "5.1"}
        assert torrent["video_codec"] in {"x264", "x265"}
        number, unit = torrent["size"].split()
        assert torrent["size_bytes"] == pytest.approx(
            float(number) * 1024 ** {"MB": 2, "GB": 3}[unit], rel=0.01
        )


def test_details_without_extras(bed, url):
    """Otherwise `cast` and screenshots would come unasked."""
    for movie in some(bed, 20):
        seen = ask(url, f"{DETAILS}?movie_id={movie['id']}").json
        assert shaped(seen, ENVELOPE)
        assert shaped(seen["data"], {"movie": dict})
        assert shaped(seen["data"]["movie"], DETAILS_MOVIE, may_lack=["torrents"])


def test_details_with_images_and_cast(bed, url):
    """Otherwise the extras would be missing, or named otherwise."""
    for movie in some(bed, 20):
        query = f"{DETAILS}?movie_id={movie['id']}&with_images=true&with_cast=true"
        seen = ask(url, query).json["data"]["movie"]
        assert shaped(seen, DETAILS_MOVIE | IMAGES | {"cast": list}, may_lack=["torrents"])
        assert seen["cast"]
        assert all(shaped(person, CAST) for person in seen["cast"])


def test_suggestions(bed, url):
    """Otherwise suggestions would not be four movies as in lists."""
    number = some(bed)[7]["id"]
    data = ask(url, f"{SUGGESTIONS}?movie_id={number}").json["data"]
    assert len({movie["id"] for movie in data["movies"]}) == data["movie_count"] == 4
    assert number not in {movie["id"] for movie in data["movies"]}
    assert all(shaped(movie, LIST_MOVIE, may_lack=["torrents"]) for movie in data["movies"])


# --- the data


def test_truth_is_what_details_say(bed, url):
    """Otherwise a study checked against the truth would be checked against nothing."""
    for movie in some(bed):
        assert ask(url, f"{DETAILS}?movie_id={movie['id']}").json["data"]["movie"] == movie
        assert ask(url, f"{DETAILS}?imdb_id={movie['imdb_code']}").json["data"]["movie"] == movie


def test_lists_agree_with_details(bed, url, page):
    """Otherwise a movie would change between the list and its page."""
    for movie in page["data"]["movies"][:10]:
        details = ask(url, f"{DETAILS}?movie_id={movie['id']}").json["data"]["movie"]
        assert {name: movie.get(name) for name in MOVIE} == {name: details.get(name) for name in MOVIE}


def test_ids(movies):
    """Otherwise ids would be guessable, repeated, or not found."""
    assert len(movies.ids) == len(set(movies.ids)) == COUNT
    assert movies.ids == sorted(movies.ids)
    assert movies.ids[-1] - movies.ids[0] > COUNT * 1.1
    assert len({movies.imdb(place) for place in range(COUNT)}) == COUNT
    for place in range(0, COUNT, 997):
        assert movies.place_of(movies.ids[place]) == place
        assert movies.place_of_imdb(movies.imdb(place)) == place
    assert movies.place_of_imdb("tt99") is None


def test_the_truth_is_a_sequence(movies):
    """Otherwise it could not be counted, sliced or turned into a table."""
    assert len(movies) == COUNT
    assert movies[-1] == movies[COUNT - 1]
    assert [movie["id"] for movie in movies[10:13]] == movies.ids[10:13]
    assert next(iter(movies)) == movies[0]
    with pytest.raises(IndexError):
        movies[COUNT]


def test_variety(movies):
    """Otherwise parsers would never meet another alphabet, a movie without torrents or a missing rating."""
    sample = movies[:5000]
    assert any(not movie["title"].isascii() and movie["title_english"].isascii() for movie in sample)
    assert 10 < sum("torrents" not in movie for movie in sample) < 200
    assert any(movie["rating"] == 0 for movie in sample)
    assert {"720p", "1080p", "2160p", "3D"} == {
        torrent["quality"] for movie in sample for torrent in movie.get("torrents", [])
    }
    assert len({movie["language"] for movie in sample}) > 15
    assert len({movie["year"] for movie in sample}) > 60
    assert all(1900 < movie["year"] <= 2026 and movie["slug"] for movie in sample)


def test_lists_and_details_are_one_movie(movies):
    """Otherwise the two ways of writing a movie would drift apart in places no page above shows."""
    for place in range(0, COUNT, 71):
        listed, details = json.loads(movies.listed(place)), movies[place]
        assert shaped(listed, LIST_MOVIE, may_lack=["torrents"])
        assert shaped(details, DETAILS_MOVIE, may_lack=["torrents"])
        assert {name: listed.get(name) for name in MOVIE} == {name: details.get(name) for name in MOVIE}
        assert details["description_full"].startswith(listed["summary"])


def test_movies_are_sorted_by_what_they_say(movies):
    """Otherwise lists would be sorted and filtered by other facts than those they show."""
    for place in range(0, COUNT, 71):
        movie, facts = movies[place], movies.facts(place)
        assert (movie["title"], movie["title_english"]) == (facts.title, facts.english)
        assert (movie["year"], movie["rating"], movie["runtime"]) == (facts.year, facts.rating, facts.runtime)
        assert (tuple(movie["genres"]), movie["like_count"]) == (facts.genres, facts.likes)
        assert [t["quality"].lower() for t in movie.get("torrents", [])] == movies.qualities(place)


def test_texts_survive_json():
    """Otherwise a quotation mark in a word would break the answer that it is written into."""
    names = set(words.__all__) - {"OFFERS", "Offer"}  # which hold JSON
    for text in _texts([getattr(words, name) for name in names]):
        assert json.loads(f'"{text}"') == text
    for text in ("Łukasz", "東京の夜明け", "Fluß 🎬"):
        assert escaped(text).isascii()
        assert json.loads(f'"{escaped(text)}"') == text


def _texts(thing):
    return [thing] if isinstance(thing, str) else [text for part in thing for text in _texts(part)]


def test_dates(movies):
    """Otherwise a date and its number would name two moments."""
    cet = timezone(timedelta(hours=1))
    for movie in movies[::997]:
        for dated in (movie, *movie.get("torrents", [])):
            moment = datetime.fromtimestamp(dated["date_uploaded_unix"], cet)
            assert dated["date_uploaded"] == f"{moment:%Y-%m-%d %H:%M:%S}"


def test_plots_differ(movies):
    """Otherwise compression and deduplication would look better than with real texts."""
    plots = [movie["description_full"] for movie in movies[:5000]]
    assert len(set(plots)) > 4900
    for plot in plots[:500]:
        sentences = re.split(r"(?<=\.) ", plot)
        assert len(set(sentences)) == len(sentences) in {3, 4}
        assert not re.search(r"\b[Aa] [aeioAEIO]", plot)


def test_nothing_points_outside(page):
    """Otherwise following a link from a payload would leave the machine."""
    for found in re.findall(r"https?://[^/\"']+", str(page)):
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+|https://yts\.invalid", found)


def test_realistic_size(url):
    """Otherwise parsing and transfer would be measured on bodies of another size than the service's."""
    body = ask(url, f"{LIST}?limit=50").body
    assert 80_000 < len(body) < 130_000


def test_same_seed_same_movies():
    """Otherwise two sessions would fetch two different catalogues."""
    assert Movies(5, "m")[1234] == Movies(5, "m")[1234]
    assert Movies(5, "m")[1234] != Movies(6, "m")[1234]


def test_two_processes_serve_the_same(bed, url):
    """Otherwise a cache filled in one session would be wrong in the next."""
    with serve(port=0, seed=bed.seed) as twin:
        mine, theirs = (
            re.sub(
                rb"127\.0\.0\.1:\d+", b"", ask(base, f"{LIST}?limit=50&page=700").body.split(b'"@meta"')[0]
            )
            for base in (url, twin.urls["catalogue"])
        )
    assert mine == theirs


# --- parameters


def ids(url, query):
    return [movie["id"] for movie in ask(url, f"{LIST}?{query}").json["data"].get("movies", [])]


def test_pages_cover_everything_once(movies):
    """Otherwise a crawl of all 1,413 pages would miss or repeat movies."""
    order = Order(movies)
    pages = [order.page(Wanted(), start, 50)[1] for start in range(0, COUNT, 50)]
    assert len(pages) == 1413
    assert sorted(place for one in pages for place in one) == list(range(COUNT))


def test_newest_first(page):
    """Otherwise the default order would not be that of upload."""
    dates = [movie["date_uploaded_unix"] for movie in page["data"]["movies"]]
    assert dates == sorted(dates, reverse=True)


@pytest.mark.parametrize(
    "sort_by", ["title", "year", "rating", "download_count", "like_count", "date_added", "id"]
)
def test_sorting(url, sort_by):
    """Otherwise `sort_by` or `order_by` would be ignored."""
    up = ask(url, f"{LIST}?limit=50&sort_by={sort_by}&order_by=asc").json["data"]["movies"]
    down = ask(url, f"{LIST}?limit=50&sort_by={sort_by}&order_by=desc").json["data"]["movies"]
    names = {"title": "title_english", "date_added": "date_uploaded_unix"}
    name = names.get(sort_by, sort_by)
    if name in up[0]:
        first = [movie[name].lower() if name == "title_english" else movie[name] for movie in up]
        last = [movie[name].lower() if name == "title_english" else movie[name] for movie in down]
        assert first == sorted(first)
        assert last == sorted(last, reverse=True)
    assert {movie["id"] for movie in up}.isdisjoint(movie["id"] for movie in down)


@pytest.mark.parametrize("sort_by", ["seeds", "peers"])
def test_sorting_by_swarm(url, sort_by):
    """Otherwise the most shared movies would not come first."""
    first, last = (
        ask(url, f"{LIST}?limit=20&sort_by={sort_by}&order_by={order}").json["data"]["movies"]
        for order in ("desc", "asc")
    )
    mean = [sum(m["torrents"][0][sort_by] for m in some if m.get("torrents")) for some in (first, last)]
    assert mean[0] > mean[1]


def test_filters(url):
    """Otherwise quality, rating, genre and search would be ignored."""
    for movie in ask(url, f"{LIST}?limit=30&quality=2160p").json["data"]["movies"]:
        assert "2160p" in {torrent["quality"] for torrent in movie["torrents"]}
    for movie in ask(url, f"{LIST}?limit=30&minimum_rating=8").json["data"]["movies"]:
        assert movie["rating"] >= 8
    for movie in ask(url, f"{LIST}?limit=30&genre=Sci-fi").json["data"]["movies"]:
        assert "Sci-Fi" in movie["genres"]
    for movie in ask(url, f"{LIST}?limit=30&query_term=Harbour").json["data"]["movies"]:
        assert "harbour" in movie["title_english"].lower()
    data = ask(url, f"{LIST}?limit=30&query_term=harbour&genre=drama&minimum_rating=5").json["data"]
    assert 0 < data["movie_count"] < COUNT // 10


def test_search_by_imdb_code(bed, url):
    """Otherwise the service's way of looking up one movie in the list would fail."""
    movie = some(bed)[3]
    assert ids(url, f"limit=5&query_term={movie['imdb_code']}") == [movie["id"]]


@pytest.mark.parametrize(
    ("query", "limit", "page"),
    [
        ("limit=100", 50, 1),
        ("limit=0", 1, 1),
        ("limit=x", 20, 1),
        ("limit=5&page=0", 5, 1),
        ("limit=5&page=-3", 5, 1),
        ("limit=5&page=x", 5, 1),
        (
            "limit=5&sort_by=nonsense&order_by=sideways&minimum_rating=x&quality=All&genre=all&query_term=0",
            5,
            1,
        ),
        ("limit=5&with_rt_ratings=true", 5, 1),
    ],
)
def test_wrong_parameters_are_tolerated(url, query, limit, page):
    """Otherwise the testbed would be stricter than the service."""
    data = ask(url, f"{LIST}?{query}").json["data"]
    assert (data["limit"], data["page_number"], data["movie_count"]) == (limit, page, COUNT)
    assert [movie["id"] for movie in data["movies"]] == ids(url, f"limit={limit}")


# --- oddities


def test_past_the_last_page(bed, url):
    """Otherwise a crawler's end would never be tested as the service ends it."""
    data = ask(url, f"{LIST}?limit=50&page=1414").json["data"]
    assert shaped(data, LIST_DATA, may_lack=["movies"])
    assert "movies" not in data
    assert data["movie_count"] == COUNT
    assert len(ids(url, "limit=50&page=1413")) == COUNT % 50
    bed.configure("catalogue", quirks=False)
    assert ask(url, f"{LIST}?limit=50&page=1414").json["data"]["movies"] == []


def test_unknown_id(bed, url):
    """Otherwise a client that does not compare ids would never be caught."""
    for query in ("movie_id=11", "movie_id=99999999", "movie_id=x", "imdb_id=tt0000000"):
        answer = ask(url, f"{DETAILS}?{query}").json
        assert answer["status"] == "ok"
        assert answer["data"]["movie"]["id"] == 0
        assert shaped(answer["data"]["movie"], DETAILS_MOVIE, may_lack=["torrents"])
    bed.configure("catalogue", quirks=False)
    answer = ask(url, f"{DETAILS}?movie_id=11").json
    assert answer["status"] == "error"
    assert shaped(answer, ENVELOPE, may_lack=["data"])


def test_missing_id(url):
    """Otherwise a request without an id would look like a movie."""
    assert ask(url, DETAILS).json["status"] == "error"
    assert ask(url, SUGGESTIONS).json["status"] == "error"


def test_without_limit(bed, url):
    """Otherwise a client that leaves `limit` out would never meet the empty answer."""
    sizes = [len(ids(url, "page=2")) for _ in range(20)]
    assert set(sizes) == {0, 20}
    assert sizes.count(20) > sizes.count(0)
    bed.configure("catalogue", quirks=False)
    assert [len(ids(url, "page=2")) for _ in range(10)] == [20] * 10


# --- keeping pages


def test_a_kept_page_tells_the_time(monkeypatch):
    """Otherwise a page asked for again would carry the time of its first answer."""
    wire = CatalogueWire("catalogue", World(0, 8700))
    wire.configure(Settings())
    query = b"limit=50&page=7"
    first, second = (_told(wire, query, monkeypatch, now) for now in (1_000_000_000, 1_000_000_060))
    assert (first["@meta"].pop("server_time"), second["@meta"].pop("server_time")) == (10**9, 10**9 + 60)
    assert first == second


def test_a_kept_page_follows_churn(monkeypatch):
    """Otherwise a page would be answered as it was before the list changed."""
    wire = CatalogueWire("catalogue", World(0, 8700))
    wire.configure(Settings(churn=2))
    first, second = (_told(wire, b"limit=50&page=1", monkeypatch, 10**9)["data"]["movies"] for _ in range(2))
    assert [movie["id"] for movie in second[1:]] == [movie["id"] for movie in first[:-1]]
    assert second[0]["date_uploaded_unix"] > first[0]["date_uploaded_unix"]


def test_all_pages_are_kept(movies):
    """Otherwise a second crawl would be slower than it need be."""
    wire = CatalogueWire("catalogue", World(0, 65_520))
    sample = sum(len(movies.listed(place)) for place in range(0, COUNT, 100)) * 100
    assert sample * 1.05 < wire._pages._room


def _told(wire, query, monkeypatch, now):
    monkeypatch.setattr(catalogue, "time", lambda: now)
    return json.loads(wire._list(Request("GET", LIST, query, [], {})).body)


# --- churn


def test_churn_shifts_pages():
    """Otherwise a list that changes while it is read would never be met."""
    with serve(port=0, churn=3) as bed:
        url = bed.urls["catalogue"]
        before = ids(url, "limit=50")
        assert ids(url, "limit=50") == before
        after = ids(url, "limit=50")
        assert after != before
        assert after[1:] == before[:-1]
        assert ids(url, "limit=50&page=2")[0] == before[-1]
        movie = ask(url, f"{LIST}?limit=1").json["data"]["movies"][0]
        details = ask(url, f"{DETAILS}?movie_id={after[0]}").json["data"]["movie"]
        assert movie["id"] == after[0]
        assert details["date_uploaded_unix"] == movie["date_uploaded_unix"]
        assert ask(url, f"{LIST}?limit=1").json["data"]["movie_count"] == COUNT


def test_churn_keeps_the_movies(movies):
    """Otherwise no crawl of a changing list could ever be complete."""
    order = Order(movies)
    for step in range(500):
        order.upload_again((step * 977 % 65_536, step * 31 % 65_536))
    count, places = order.page(Wanted(), 0, COUNT)
    assert count == COUNT
    assert sorted(places) == list(range(COUNT))
    dates = [order.again.get(place, movies.uploaded[place]) for place in places]
    assert dates == sorted(dates, reverse=True)


def test_churn_reaches_filtered_lists(movies):
    """Otherwise a filtered list would stand still while the whole one changes."""
    order = Order(movies)
    wanted = Wanted(genre="drama")
    _, before = order.page(wanted, 0, 100)
    while (place := order.upload_again((0, 7))) not in set(order.page(wanted, 0, COUNT)[1]):
        pass
    _, after = order.page(wanted, 0, 100)
    assert after[0] == place != before[0]


def test_no_churn_unless_asked(bed, url):
    """Otherwise results of two runs could not be compared."""
    first = ids(url, "limit=50")
    assert all(ids(url, "limit=50") == first for _ in range(5))
