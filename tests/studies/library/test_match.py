"""The match: a library's files beside what they are, by the testbed's own truth."""

from __future__ import annotations

import threading

import polars as pl
import pytest

import fetchlab as fl
from fetchlab.studies.library import Library
from fetchlab.studies.library.asking import Asked
from fetchlab.studies.library.matching import MATCHED
from fetchlab.studies.library.tmdb import Tmdb
from fetchlab.testbed import media_tree

KEY = "0123456789abcdef0123456789abcdef"
TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJhdWQiOiJ4In0.c2lnbmF0dXJl"
QUICK = fl.Retry(attempts=3, base=0.01, cap=0.02, patience=0.2)


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    root = tmp_path_factory.mktemp("match") / "library"
    return root, [one for one in media_tree(root, 250) if one["kind"] in ("movie", "episode")]


@pytest.fixture(scope="module")
def scanned(tree):
    return Library(tree[0]).scan(progress=False).result()


@pytest.fixture
def library(tree, bed):
    def make(**knobs):
        return Library(tree[0], bed.urls["tmdb"], **{"api_key": KEY, "retry": QUICK} | knobs)

    return make


def served(bed):
    routes = bed.counters("tmdb")["by_route"]
    searches = sum(count for route, count in routes.items() if "/search/" in route)
    return searches, routes.get("GET /3/tv/{id}/season/{n}", 0)


def test_files_are_matched_as_they_are(tree, library, scanned):
    """The whole point; what is above the usual threshold must be right."""
    run = library().match(scanned, progress=False)
    frame = run.result()
    assert run.errors().is_empty()
    assert frame.schema == MATCHED
    truth = {one["path"]: one["tmdb"] for one in tree[1]}
    assert frame["path"].to_list() == sorted(truth)
    right = [truth[path] == tmdb for path, tmdb in frame.select("path", "tmdb").iter_rows()]
    assert sum(right) > 0.98 * len(right)
    sure = frame.filter(pl.col("confidence") >= 0.8)
    assert len(sure) > 0.95 * len(frame)
    assert [truth[path] for path in sure["path"]] == sure["tmdb"].to_list()


def test_episodes_have_their_titles(bed, tree, library, scanned):
    """The new layout's names need them."""
    frame = library().match(scanned, progress=False).result()
    names = {
        (show["id"], season["season_number"], episode["episode_number"]): episode["name"]
        for show in bed.truth("tmdb")["shows"]
        if show["id"] in set(frame["tmdb"])
        for season in show["seasons"]
        for episode in season["episodes"]
    }
    titles = dict(frame.select("path", "matched_episode").iter_rows())
    for one in tree[1]:
        if one["kind"] == "episode":
            wanted = [names[one["tmdb"], one["season"], number] for number in one["episodes"]]
            assert titles[one["path"]] == " & ".join(wanted)


def test_requests_are_one_a_title_and_one_a_season(bed, tree, library, scanned):
    """The seed's aim was half of the requests; each kind is counted apart."""
    run = library().match(scanned, progress=False).wait()
    notes = run.notes
    seasons = {(one["tmdb"], one["season"]) for one in tree[1] if one["kind"] == "episode"}
    assert served(bed) == (notes["searches"] + notes["fallbacks"], notes["seasons"])
    assert notes["searches"] <= notes["titles"]
    assert notes["seasons"] <= len(seasons)
    assert notes["ahead"] == notes["from_cache"] == 0
    assert notes["precached_share"] > 0.7


@pytest.mark.parametrize("files", [800, pytest.param(10_000, marks=pytest.mark.slow)])
def test_a_large_library_asks_for_a_fifth_at_most(bed, tmp_path, files):
    """What files need was asked for by another file already, or is the first of its title or season."""
    truth = [one for one in media_tree(tmp_path / "library", files) if one["kind"] in ("movie", "episode")]
    notes = Library(tmp_path / "library", bed.urls["tmdb"], KEY).match(progress=False).wait().notes
    titles = {(one["kind"], one["tmdb"]) for one in truth}
    seasons = {(one["tmdb"], one["season"]) for one in truth if one["kind"] == "episode"}
    assert served(bed) == (notes["searches"] + notes["fallbacks"], notes["seasons"])
    assert notes["searches"] <= 1.1 * len(titles)  # a title that is written in two ways is searched for twice
    assert notes["seasons"] <= len(seasons)
    assert bed.counters("tmdb")["requests"] <= notes["titles"] + len(seasons) + notes["fallbacks"]
    assert notes["precached_share"] >= 0.8


def test_the_cache_saves_every_request(bed, library, scanned, tmp_path):
    """Memory first, the file for the next process; clearing it asks anew."""
    first = library(cache=tmp_path / "cache.db")
    frame = first.match(scanned, progress=False).result()
    first.cache.flush()
    bed.reset_counters()
    again = library(cache=tmp_path / "cache.db")
    run = again.match(scanned, progress=False)
    assert run.result().equals(frame)
    assert served(bed) == (0, 0)
    assert run.notes["from_cache"] == len(run.frame())
    assert again.cache.stats().hits >= run.notes["from_cache"]
    again.cache.clear()
    again.match(scanned, progress=False).wait()
    assert sum(served(bed)) == run.notes["from_cache"]


def test_sixteen_who_ask_for_a_title_are_one_request(bed, tmp_path):
    """The original made sixteen calls."""
    bed.configure("tmdb", latency=0.2)
    (tmp_path / "a").mkdir()
    for name in ("The Deadly Signal (2009).mkv", "the.deadly.signal.2009.1080p.mkv"):
        with (tmp_path / "a" / name).open("wb") as file:
            file.truncate(2_000_000)
    cache = fl.Cache()
    scanned = Library(tmp_path).scan(progress=False).result()
    frames = []

    def ask():
        library = Library(tmp_path, bed.urls["tmdb"], KEY, cache=cache)
        frames.append(library.match(scanned, progress=False).result())

    askers = [threading.Thread(target=ask) for _ in range(16)]
    for asker in askers:
        asker.start()
    for asker in askers:
        asker.join()
    assert bed.counters("tmdb")["requests"] == 1
    assert len(frames) == 16
    assert {frame["tmdb"].n_unique() for frame in frames} == {1}


def test_seasons_to_come_are_in_the_cache_before_their_files(bed, tree, library, scanned):
    """Whoever adds the next season has its titles at once."""
    ahead = library(cache=fl.Cache())
    notes = ahead.match(scanned, ahead=1, progress=False).wait().notes
    assert notes["ahead"] > 0
    assert sum(served(bed)) == notes["searches"] + notes["fallbacks"] + notes["seasons"] + notes["ahead"]


def test_refusals_and_faults_cost_time_only(bed, library, scanned, tree):
    """Some 429 and 503 on the way must change nothing in the result."""
    wanted = library().match(scanned, progress=False).result()
    bed.configure("tmdb", error_rate={429: 0.03, 503: 0.03, 504: 0.03})
    patient = fl.Retry(attempts=5, base=0.01, cap=0.05)
    run = library(retry=patient).match(scanned, progress=False)
    assert run.result().equals(wanted)
    assert bed.counters("tmdb")["faults"]


def test_a_service_that_is_down_leaves_files_without_a_match(refused, tree, scanned):
    """And says so; the rest of the work can go on."""
    run = Library(tree[0], refused, KEY, retry=QUICK).match(scanned, progress=False)
    frame = run.result()
    assert len(frame) == len(tree[1])
    assert frame["tmdb"].null_count() == len(frame)
    assert set(frame["reason"]) == {"no answer"}
    assert set(frame["confidence"]) == {0.0}
    assert not run.errors().is_empty()


def test_what_nobody_knows_is_not_found(bed, tmp_path):
    """Which is not the same as no answer."""
    with (tmp_path / "Qwertzuiop Asdfghjkl (2014).mkv").open("wb") as file:
        file.truncate(2_000_000)
    frame = Library(tmp_path, bed.urls["tmdb"], KEY).match(progress=False).result()
    assert frame.select("tmdb", "reason", "confidence").row(0) == (None, "nothing found", 0.0)


def test_what_else_could_be_meant_is_kept(bed, tmp_path):
    """Somebody who sees a wrong film must find the right one beside it."""
    films = [one for one in bed.truth("tmdb")["movies"] if one["release_date"] and not one["adult"]]
    seen = {}
    for one in films:
        key = one["title"], one["release_date"][:4]
        if key in seen and ":" not in one["title"]:
            break
        seen[key] = one
    twins = {one["id"], seen[key]["id"]}
    with (tmp_path / f"{key[0]} ({key[1]}).mkv").open("wb") as file:
        file.truncate(2_000_000)
    (row,) = Library(tmp_path, bed.urls["tmdb"], KEY).match(progress=False).result().to_dicts()
    assert twins <= {row["tmdb"], *(other["tmdb"] for other in row["alternatives"])}
    assert "less known" in row["reason"]
    assert row["confidence"] < 1


def test_the_same_call_goes_on_where_it_was_stopped(bed, library, scanned, tmp_path):
    """Answers that were paid for are not asked for again."""
    journal = tmp_path / "match.db"
    whole = library().match(scanned, progress=False).result()
    first = library(cache=fl.Cache()).match(scanned, journal=journal, progress=False)
    for seen, _ in enumerate(first):
        if seen == 20:
            first.cancel()
    first.wait()
    bed.reset_counters()
    again = library(cache=fl.Cache()).match(scanned, journal=journal, progress=False)
    assert again.result().equals(whole)
    assert bed.counters("tmdb")["requests"] < len(again.frame())
    assert again.stats().earlier >= 20


@pytest.mark.parametrize("key", [KEY, TOKEN])
def test_the_key_is_sent_and_kept_nowhere(bed, tree, scanned, tmp_path, key):
    """Whoever is given the cache, the journal or the table is not given the key."""
    library = Library(tree[0], bed.urls["tmdb"], key, cache=tmp_path / "cache.db", retry=QUICK)
    bed.configure("tmdb", error_rate={404: 0.1, 418: 0.1})
    run = library.match(scanned, journal=tmp_path / "journal.db", progress=False)
    texts = [str(run.result().to_dicts()), str(run.frame().to_dicts()), str(run.attempts().to_dicts())]
    texts += [str(run.errors().to_dicts()), repr(library), repr(run), str(run.notes)]
    library.cache.close()
    for file in tmp_path.glob("*.db*"):
        texts.append(file.read_bytes().decode("latin-1"))
    assert len(texts) >= 9
    for text in texts:
        assert key not in text


def test_the_key_may_come_from_the_environment(bed, tree, scanned, monkeypatch):
    """A notebook that is shared must not name it."""
    monkeypatch.delenv("TMDB_API_KEY", raising=False)
    with pytest.raises(fl.errors.ConfigError, match="api_key"):
        Library(tree[0], bed.urls["tmdb"]).match(scanned)
    monkeypatch.setenv("TMDB_API_KEY", KEY)
    assert (
        Library(tree[0], bed.urls["tmdb"]).match(scanned.head(3), progress=False).wait().stats().failed == 0
    )


def test_bad_knobs_are_named(bed, tree, scanned):
    """Somebody who mistypes must read what."""
    with pytest.raises(fl.errors.ConfigError, match="tmdb_url"):
        Library(tree[0], api_key=KEY).match(scanned)
    library = Library(tree[0], bed.urls["tmdb"], KEY)
    for knobs, named in (
        ({"ahead": -1}, "ahead"),
        ({"scanned": [1]}, "scanned"),
        ({"workers": 0}, "workers"),
    ):
        with pytest.raises(fl.errors.ConfigError, match=named):
            library.match(**{"scanned": scanned} | knobs)


def test_an_empty_library(bed, tmp_path):
    """A table without rows, and no request."""
    run = Library(tmp_path, bed.urls["tmdb"], KEY).match(progress=False)
    assert run.result().schema == MATCHED
    assert bed.counters("tmdb")["requests"] == 0
    assert run.notes["precached_share"] == 0.0


def test_an_independent_client_finds_the_same(bed, tree, library, scanned, monkeypatch):
    """Our matches are the service's, not our reading of our own wire."""
    import tmdbsimple
    from tmdbsimple.base import TMDB

    made = TMDB.__init__

    def pointed_here(client):
        made(client)
        client.base_uri = f"{bed.urls['tmdb']}/3"

    monkeypatch.setattr(TMDB, "__init__", pointed_here)
    monkeypatch.setattr(tmdbsimple, "API_KEY", KEY)
    frame = library().match(scanned, progress=False).result().filter(pl.col("confidence") >= 0.95)
    films = frame.filter(pl.col("type") == "movie").unique("tmdb", keep="first", maintain_order=True).head(15)
    shows = (
        frame.filter(pl.col("type") == "episode").unique("tmdb", keep="first", maintain_order=True).head(5)
    )
    assert len(films) == 15
    assert len(shows) >= 2
    for row in films.iter_rows(named=True):
        search = tmdbsimple.Search()
        search.movie(query=row["title"], primary_release_year=row["year"])
        assert search.results[0]["id"] == row["tmdb"]
    for row in shows.iter_rows(named=True):
        season = tmdbsimple.TV_Seasons(row["tmdb"], row["season"]).info()
        names = {episode["episode_number"]: episode["name"] for episode in season["episodes"]}
        assert row["matched_episode"] == " & ".join(names[number] for number in row["episodes"])


def test_requests_are_the_services(bed):
    """A key travels in the query, a token in a header, years by the parameter of their kind."""
    search = Asked("movie", "the harbour", 2014)
    request = Tmdb("http://tmdb.invalid", KEY).request(search)
    assert request.url == (
        f"http://tmdb.invalid/3/search/movie?query=the+harbour&api_key={KEY}&primary_release_year=2014"
    )
    request = Tmdb("http://tmdb.invalid", TOKEN).request(Asked("tv", "show", 2014))
    assert request.url == "http://tmdb.invalid/3/search/tv?query=show&first_air_date_year=2014"
    assert request.headers["Authorization"] == f"Bearer {TOKEN}"
    season = Tmdb("http://tmdb.invalid", TOKEN).request(Asked("season", show=7, season=2))
    assert season.url == "http://tmdb.invalid/3/tv/7/season/2"
