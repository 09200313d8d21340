"""The catalogue's client against the testbed, whose every movie is known."""

from __future__ import annotations

from functools import partial

import polars as pl
import pytest

import fetchlab as fl
from fetchlab.errors import ConfigError, ParseError, StatusError, StudyError
from fetchlab.studies.catalogue import MOVIES, Catalogue

PAGES = 1413
MIXED = {"error_rate": {429: 0.0125, 503: 0.0125}, "reset": 0.0125, "html200": 0.0125, "truncate": 0.0125}
QUICK = fl.Retry(attempts=4, base=0.001)


@pytest.fixture(scope="session")
def movies(_bed_process):
    return _bed_process.truth("catalogue")["movies"]


@pytest.fixture(scope="session")
def truth(movies):
    return sorted(movies.ids)


@pytest.fixture(scope="session")
def newest(movies):
    """Ids by upload, newest first, as the list has them."""
    places = sorted(range(len(movies)), key=movies.uploaded.__getitem__)
    return [movies.ids[place] for place in reversed(places)]


@pytest.fixture
def catalogue(bed):
    return Catalogue(bed.urls["catalogue"], retry=QUICK)


@pytest.fixture
def moving():
    """A server of its own, because a list that has changed does not change back."""
    with fl.testbed.serve(port=0) as server:
        yield server


# ids


@pytest.mark.parametrize("pages", [1, 2, 7])
def test_ids_are_those_of_the_first_pages(bed, catalogue, newest, pages):
    """A sample that is not the newest movies, or with doubles, would not be what was asked for."""
    run = catalogue.ids(max_pages=pages, progress=False)
    assert run.result() == sorted(newest[: 50 * pages])
    assert bed.counters("catalogue")["requests"] == pages
    assert run.frame()["key"].sort().to_list() == sorted(f"page/{page}" for page in range(1, pages + 1))


def test_all_ids_are_found_in_1413_requests(bed, catalogue, truth):
    """The study's claim: every one of 70,613 movies, and no request more than there are pages."""
    run = catalogue.ids(progress=False)
    assert run.result() == truth
    assert bed.counters("catalogue")["requests"] == PAGES
    assert run.stats().failed == 0
    assert run.notes["missing"] == 0


def test_nothing_is_lost_while_the_list_changes(moving, truth):
    """Movies that are uploaded again during the reading slip from page to page, some past the reader."""
    moving.configure("catalogue", churn=40)
    run = Catalogue(moving.urls["catalogue"]).ids(progress=False)
    assert run.result() == truth
    notes = run.notes
    assert notes["missing"] == 0
    assert notes["seen_twice"] > 0
    assert notes["reread"] == moving.counters("catalogue")["requests"] - PAGES
    assert not notes["unsettled"]


def test_nothing_is_lost_when_one_answer_in_twenty_is_wrong(bed, catalogue, truth):
    """Refusals, resets, HTML pages and cut bodies cost the original fifty ids each, in silence."""
    bed.configure("catalogue", **MIXED)
    run = catalogue.ids(progress=False)
    assert run.result() == truth
    assert run.stats().failed == 0
    assert run.notes["failed_pages"] == []
    met = bed.counters("catalogue")["faults"]
    assert set(met) == {"429", "503", "reset", "html200", "truncate"}
    tried = run.attempts()
    assert tried.filter(status=429).height == met["429"]
    assert tried.filter(status=503).height == met["503"]
    assert tried.filter(error="ParseError").height == met["html200"]
    cut = tried.filter(pl.col("error").is_not_null() & pl.col("status").is_null())
    assert cut.height == met["reset"] + met["truncate"]
    assert run.stats().retries == sum(met.values())


def test_nothing_is_lost_when_both_happen_at_once(moving, truth):
    """Re-reading must survive faults too, and retrying a list that has moved on."""
    moving.configure("catalogue", churn=70, **MIXED)
    run = Catalogue(moving.urls["catalogue"], retry=QUICK).ids(progress=False)
    assert run.result() == truth
    assert run.notes["missing"] == 0


def test_pages_that_fail_for_good_are_reported(bed, newest):
    """A page dropped in silence is fifty movies that nobody knows are missing."""
    catalogue = Catalogue(bed.urls["catalogue"], retry=fl.Retry(attempts=1))
    bed.configure("catalogue", error_rate={500: 0.3})
    run = catalogue.ids(max_pages=40, progress=False).wait()
    notes, failed = run.notes, run.errors()
    lost = notes["failed_pages"]
    assert len(run.result()) == 50 * (40 - len(lost))
    assert notes["missing"] == 50 * len(lost)
    assert set(run.result()) <= set(newest[: 50 * 40])
    assert lost, "this seed makes some page fail twice in a row"
    assert failed["error"].to_list() == ["StatusError"]
    keys = set(run.frame().filter(~pl.col("ok"))["key"])
    assert {f"page/{page}#2" for page in lost} <= keys


def test_failed_pages_can_be_fetched_later(bed, newest):
    """Who has lost pages to an outage should not have to read the others again."""
    catalogue = Catalogue(bed.urls["catalogue"], retry=fl.Retry(attempts=1))
    bed.configure("catalogue", error_rate={500: 0.3})
    run = catalogue.ids(max_pages=40, progress=False).wait()
    assert run.notes["failed_pages"]
    bed.configure(profile="flat")
    bed.reset_counters()
    failed = run.stats().failed
    assert run.retry_failed().result() == sorted(newest[: 50 * 40])
    assert run.notes["failed_pages"] == []
    assert bed.counters("catalogue")["requests"] == failed


def test_a_service_that_is_down_is_reported(bed):
    """An outage must not look like an empty catalogue."""
    bed.configure("catalogue", error_rate={503: 1.0})
    run = Catalogue(bed.urls["catalogue"], retry=fl.Retry(attempts=1)).ids(progress=False)
    assert run.result() == []
    assert run.notes["failed_pages"] == [1]
    with pytest.raises(StatusError, match="503"):
        run.raise_for_errors()


def test_html_where_json_is_expected_is_an_error_that_says_so(bed):
    """A block page with status 200 must not be taken for a page without movies."""
    bed.configure("catalogue", html200=1.0)
    run = Catalogue(bed.urls["catalogue"], retry=fl.Retry(attempts=1)).ids(progress=False)
    with pytest.raises(ParseError, match=r"not JSON \(text/html"):
        run.raise_for_errors()


def test_another_service_is_an_error_that_names_the_field(bed):
    """A base URL that leads to some other JSON service should be plain from the first message."""
    catalogue = Catalogue(bed.urls["echo"] + "/json?", retry=fl.Retry(attempts=1))
    with pytest.raises(ParseError, match="status"):
        catalogue.ids(progress=False).raise_for_errors()


def test_cancelled_ids_keep_what_came(bed, catalogue, newest):
    """Ctrl-C after an hour must not cost the hour."""
    bed.configure("catalogue", latency=0.02)
    run = catalogue.ids(max_pages=200, parallel_pages=4, progress=False)
    for number, _ in enumerate(run):
        if number == 10:
            run.cancel()
    assert run.state == "cancelled"
    ids = run.result()
    assert 10 * 50 < len(ids) < 200 * 50
    assert ids == sorted(set(ids))
    assert set(ids) <= set(newest[: 200 * 50])


@pytest.mark.parametrize("strategy", [fl.Sequential(), fl.Chunked(3), fl.Async(7)])
def test_every_strategy_finds_the_same_ids(catalogue, newest, strategy):
    """Strategies that disagree could not be compared in time."""
    assert catalogue.ids(9, strategy=strategy, progress=False).result() == sorted(newest[:450])


def test_parallel_pages_bounds_the_requests_in_flight(bed, catalogue):
    """The service is promised this many at a time and no more."""
    bed.configure("catalogue", latency=0.01)
    catalogue.ids(60, parallel_pages=7, progress=False).wait()
    assert bed.counters("catalogue")["max_in_flight"] == 7


# details


def rows_of(movies, ids):
    return {movies[movies.place_of(number)]["id"]: movies[movies.place_of(number)] for number in ids}


def test_details_have_the_stated_schema_and_the_true_values(catalogue, movies, truth):
    """A column of another type, or a value in another's place, would spoil every figure made from it."""
    picked = truth[::350]
    table = catalogue.details(picked, with_images=False, with_cast=False, progress=False).result()
    assert table.schema == MOVIES
    assert table["id"].to_list() == picked
    defaults = {name: [] if dtype == pl.List else None for name, dtype in MOVIES.items()}
    expected = rows_of(movies, picked)
    for row in table.iter_rows(named=True):
        assert row == defaults | expected[row["id"]]


def test_details_hold_images_and_cast_when_asked_for(catalogue, truth):
    """Fields that the service sends only on request are easily lost on the way."""
    table = catalogue.details(truth[:200], progress=False).result()
    assert table.schema == MOVIES
    assert table["large_screenshot_image3"].null_count() == 0
    assert table["cast"].list.len().max() > 1
    names = table.explode("cast", empty_as_null=True)["cast"].struct.field("name").drop_nulls()
    assert names.str.len_chars().min() > 0


def test_torrents_are_nested_lists_and_may_be_absent(catalogue, movies, truth):
    """Some movies have none: an empty list, so that no movie disappears from a join."""
    picked = truth[:3000:3]
    table = catalogue.details(picked, workers=50, progress=False).result()
    expected = rows_of(movies, picked)
    assert table["torrents"].null_count() == 0
    lengths = dict(table.select("id", pl.col("torrents").list.len()).iter_rows())
    assert lengths == {number: len(movie.get("torrents", [])) for number, movie in expected.items()}
    assert min(lengths.values()) == 0


def test_an_unknown_id_is_a_failed_item_that_says_so(catalogue, truth):
    """The service answers with another movie, which would enter the table as the wrong one."""
    run = catalogue.details([truth[0], 3, truth[1]], progress=False)
    assert run.result()["id"].to_list() == truth[:2]
    failed = run.results()[1]
    assert isinstance(failed.error, StudyError)
    assert "movie 3 is unknown" in str(failed.error)
    assert failed.key == failed.error.key == "movie/3"
    assert run.stats().failed == 1


def test_an_unknown_id_without_quirks_is_a_failed_item_too(bed, catalogue):
    """A service that says "not found" in its envelope, with status 200, has not sent a movie."""
    bed.configure("catalogue", quirks=False)
    run = catalogue.details([3], progress=False)
    assert run.result().is_empty()
    assert "Movie not found" in str(run.results()[0].error)


@pytest.mark.parametrize("batch_size", [1, 7, 1000])
def test_batches_change_neither_the_table_nor_the_pace(bed, catalogue, truth, batch_size):
    """The original waited for the slowest of every batch."""
    bed.configure("catalogue", latency=0.02, jitter=0.5)
    picked = truth[:120]
    run = catalogue.details(picked, 9, batch_size, progress=False).wait()
    flight = run.concurrency()
    busy = flight.filter(pl.col("time") < run.frame()["started"].max())["in_flight"]
    assert busy[9:].min() >= 8  # one leaves, the next one comes
    assert bed.counters("catalogue")["max_in_flight"] == 9
    bed.configure(profile="flat")
    assert run.result().equals(catalogue.details(picked, progress=False).result())


def test_details_of_no_ids_are_an_empty_table(catalogue):
    """The last step of a pipeline with nothing to do must not fail, nor lose its columns."""
    run = catalogue.details([], progress=False)
    assert run.result().schema == MOVIES
    assert run.result().is_empty()


def test_details_take_ids_in_any_form(catalogue, truth):
    """Ids come from lists, generators and columns, and some twice."""
    expected = catalogue.details(truth[:6], progress=False).result()

    async def stream():
        for number in truth[:6]:
            yield number

    for given in (iter(truth[:6]), pl.Series(truth[:6]), stream(), [*truth[:6], truth[0]]):
        assert catalogue.details(given, progress=False).result().equals(expected)


def test_details_survive_faults(bed, catalogue, truth):
    """A refused or cut answer must cost an attempt, not a movie."""
    bed.configure("catalogue", **MIXED)
    run = catalogue.details(truth[:300], workers=50, progress=False)
    assert run.result()["id"].to_list() == truth[:300]
    assert run.stats().retries == sum(bed.counters("catalogue")["faults"].values()) > 0


def test_a_detail_run_can_be_saved_and_read_back(catalogue, truth, tmp_path):
    """The executed notebook's figures must be reproducible without a server."""
    run = catalogue.details(truth[:20], progress=False)
    saved = fl.load(run.save(tmp_path / "run"))
    assert saved.frame().equals(run.frame())
    assert saved.table()["run.key" if "key" in MOVIES else "key"].to_list() == [
        f"movie/{number}" for number in truth[:20]
    ]


# suggestions


def test_suggestions_are_four_other_movies(catalogue, truth):
    """A movie suggested beside itself, or another table's columns, would be of no use."""
    table = catalogue.suggestions(truth[5])
    assert table.schema == MOVIES
    assert table.height == table["id"].n_unique() == 4
    assert truth[5] not in table["id"]
    assert set(table["id"]) <= set(truth)


def test_suggestions_for_an_unknown_movie_are_an_error_that_says_so(catalogue):
    """An empty table would look like a movie that resembles no other."""
    with pytest.raises(StudyError, match="Movie not found"):
        catalogue.suggestions(3)


# knobs


@pytest.mark.parametrize("url", ["", "example.org", "ftp://example.org", None])
def test_a_base_url_that_cannot_work_is_refused(url):
    """Otherwise the first word of it would be seventy thousand failed requests."""
    with pytest.raises(ConfigError, match="base_url"):
        Catalogue(url)


@pytest.mark.parametrize("value", [0, -1, 2.5, "4", True])
@pytest.mark.parametrize("knob", ["max_pages", "parallel_pages", "workers", "batch_size"])
def test_knobs_that_cannot_work_are_refused_by_name(bed, catalogue, knob, value):
    """A typing mistake should be told at the call, before any request, with the knob's name."""
    call = catalogue.ids if "page" in knob else partial(catalogue.details, [1])
    with pytest.raises(ConfigError, match=knob):
        call(**{knob: value})
    assert bed.counters("catalogue")["requests"] == 0


def test_two_ways_to_say_how_many_are_refused(catalogue):
    """One of the two would be ignored, and nobody could tell which."""
    with pytest.raises(ConfigError, match="workers"):
        catalogue.details([1], workers=4, strategy=fl.Async(5))


def test_a_catalogue_is_shown_by_its_url(bed, catalogue):
    """A cell that ends with the client should say which service it speaks to."""
    assert repr(catalogue) == f"Catalogue('{bed.urls['catalogue']}')"
    assert Catalogue(bed.urls["catalogue"] + "/").base_url == bed.urls["catalogue"]


@pytest.mark.slow
def test_all_details_at_200_workers(bed, catalogue, truth):
    """The whole job, 70,613 movies, as the notebook promises it."""
    run = catalogue.details(truth, workers=200, progress=False)
    table = run.result()
    assert table["id"].to_list() == truth
    assert table.schema == MOVIES
    assert run.stats().failed == 0
    assert bed.counters("catalogue")["requests"] == len(truth)
