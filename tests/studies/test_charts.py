"""The charts' calls against the testbed, whose every app is known."""

from __future__ import annotations

import tracemalloc
from collections import Counter
from itertools import islice

import pytest

import fetchlab as fl
from fetchlab.errors import Cancelled, ConfigError, FetchlabError, StatusError, StudyError
from fetchlab.notebook.panel import views
from fetchlab.studies import charts
from fetchlab.studies.charts.names import CATEGORIES, COLLECTIONS, COUNTRIES
from fetchlab.testbed import play_words
from fetchlab.testbed.play_answers import review_count
from fetchlab.testbed.play_charts import Charts
from fetchlab.testbed.play_data import Apps, price

CALL = "POST /_/PlayStoreUi/data/batchexecute"
WHERE, WHAT = ["us", "kr", "jp"], ["GAME_ACTION", "SOCIAL"]
QUICK = fl.Retry(base=0.01, budget=1.0)


@pytest.fixture
def url(bed, monkeypatch):
    monkeypatch.setenv("FETCHLAB_PLAY_URL", bed.urls["play"])
    return bed.urls["play"]


@pytest.fixture(scope="module")
def truth():
    apps = Apps(0)
    return apps, Charts(apps, 0)


def ids(truth, country, category, count, collection="topselling_free", day=0):
    apps, ranked = truth
    places = ranked.chart(country, category, collection, day)[:count]
    return [apps.app(place).app_id for place in places]


def pairs(countries=WHERE, categories=WHAT):
    return [(country, category) for country in countries for category in categories]


# --- the published snippets, verbatim but for the import


SNIPPETS = {
    "small": """
results = fetch_category_lists(
    countries=["us", "kr", "jp"], categories=["GAME_ACTION", "SOCIAL"], num_results=100
)
""",
    "medium": """
organized = fetch_top_apps(
    countries=["us", "kr", "jp"], categories=["GAME_ACTION", "SOCIAL"], num_results=100
)

# Easy access
us_games = organized["us"]["GAME_ACTION"]
kr_social = organized["kr"]["SOCIAL"]
results = [us_games, kr_social]
""",
    "large": """
fetcher = BatchFetcher(
    lang="en", default_num_results=100, default_collection="topselling_free"
)

# Multiple fetches with shared defaults
batch1 = fetcher.category_lists(
    countries=["us", "kr", "jp"], categories=["GAME_ACTION", "SOCIAL"]
)

batch2 = fetcher.category_lists(
    countries=["de", "gb", "fr"], categories=["PRODUCTIVITY", "ENTERTAINMENT"]
)
results = batch1 + batch2
""",
    "low level": """
countries, categories = ["us", "kr"], ["GAME_ACTION"]
builder = BatchRequestBuilder()
requests = list(builder.build_list_requests(countries, categories))
results = fetch_and_parse_list_batch(requests)
""",
    "builder": """
countries, categories = ["us", "kr"], ["GAME_ACTION"]
builder = BatchRequestBuilder(
    collection="topselling_free", lang="en", intern_strings=True
)

requests = list(builder.build_list_requests(countries=countries, categories=categories))
results = fetch_and_parse_list_batch(requests)
""",
}


@pytest.mark.usefixtures("url")
@pytest.mark.parametrize("name", SNIPPETS)
def test_the_published_snippets_run(name, truth):
    """Whoever knows the published interface must not have to learn another one."""
    names = {name: getattr(charts, name) for name in charts.__all__}
    exec(SNIPPETS[name], names)
    for found in names["results"]:
        request = found.request
        assert [app.app_id for app in found] == ids(truth, request.country, request.category, 100)


# --- what comes


def test_lists_come_in_the_order_asked_for(url, truth):
    """Country by country, whatever call a list rode in and whenever it came."""
    found = charts.fetch_category_lists(WHERE, WHAT, 30)
    assert [(one.country, one.request.category) for one in found] == pairs()
    assert [[app.app_id for app in one] for one in found] == [ids(truth, *pair, 30) for pair in pairs()]
    assert {one.error for one in found} == {None}


STRATEGIES = {
    "sequential": {"strategy": fl.Sequential()},
    "threads": {"strategy": fl.Threads(3)},
    "chunked": {"strategy": fl.Chunked(4), "batch_size": 1},
    "batch": {"strategy": fl.Batch(), "batch_size": 1},
    "multiplexed": {"strategy": fl.Batch(), "batch_size": 50},
    "pairs": {"workers": 6, "batch_size": 2},
    "processes": {"strategy": fl.Processes(1)},
}
SLOW = {"processes"}  # they start for longer than all others take


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] * (name in SLOW)) for name in STRATEGIES]
)
def test_every_strategy_brings_the_same(url, bed, name):
    """Times mean nothing if the lists differ; and each makes as many calls as it should."""
    usual = charts.fetch_category_lists(WHERE, WHAT, 20)
    bed.reset_counters()
    assert charts.fetch_category_lists(WHERE, WHAT, 20, **STRATEGIES[name]) == usual
    assert bed.counters("play")["by_route"] == {CALL: 3 if name in ("multiplexed", "pairs") else 6}


def test_every_fact_of_an_app_is_read(url, truth):
    """A path that is off by one would give everybody the wrong price."""
    apps, _ = truth
    for collection in COLLECTIONS:
        (found,) = charts.fetch_category_lists(["jp"], ["GAME"], 60, collection)
        assert len(found) == 60
        for got in found:
            app = apps.find(got.app_id)
            micros, currency, _ = price(app.dollars, play_words.COUNTRIES["jp"])
            assert (got.price, got.currency, got.free) == (micros / 1e6, currency, micros == 0)
            assert (got.title, got.developer, got.genre) == (app.title, app.developer, app.genre)
            assert (got.score, got.summary, got.url) == (app.score, app.summary, app.url)
            assert (got.installs, got.min_installs) == (app.installs_text, app.installs)
            assert len(got.screenshots) == app.screenshots
            assert got.icon.endswith(f"/{app.place}/icon.png")
            assert (got.video is not None) == app.video


def test_a_list_says_what_it_is_of(url, bed):
    """A cell that ends in six lists must show six lines, not 600 apps; and a failure is seen at once."""
    (found,) = charts.fetch_category_lists(["us"], ["SOCIAL"], 100)
    named = ", ".join(app.title for app in found[:3])
    assert repr(found) == f"<list/us/SOCIAL/topselling_free/100/en: 100 · {named}, …>"
    (reviews,) = charts.BatchFetcher().reviews([found[0].app_id], num_reviews=1)
    assert repr(reviews).endswith(f"page/1/1: 1 · {reviews[0].text}>")
    bed.configure("play", error_rate={404: 1.0})
    assert repr(charts.fetch_category_lists(["us"], ["SOCIAL"])[0]).endswith(": 0 · StatusError: HTTP 404>")


def test_names_are_found_however_they_are_spelled(url):
    """Lower and upper case are one name; results go by the service's own spelling."""
    found = charts.fetch_top_apps(["US"], ["social"], 1)
    assert [[*inner] for inner in found.values()] == [["SOCIAL"]]
    assert [*found] == ["us"]


def test_one_list_by_itself(url, truth):
    """The lowest level: blocks, and raises what went wrong."""
    found = charts.fetch_and_parse_list("SOCIAL", "topgrossing", "en", "de", 5)
    assert [app.app_id for app in found] == ids(truth, "de", "SOCIAL", 5, "topgrossing")


def test_details_searches_and_reviews(url, truth):
    """The other things the fetcher is for, each aligned with what was asked for."""
    apps, ranked = truth
    wanted = [apps.app(place) for place in (2, 20, 34_003)]
    fetcher = charts.BatchFetcher()
    details = fetcher.apps([app.app_id for app in wanted], ["us", "de"])
    assert [one.app_id for one in details] == [app.app_id for app in wanted for _ in "ud"]
    assert [one.currency for one in details] == ["USD", "EUR"] * 3
    assert [one.real_installs for one in details[::2]] == [app.real_installs for app in wanted]
    (hits,) = fetcher.search(["golden quest"], num_results=12)
    assert [app.app_id for app in hits] == [apps.app(p).app_id for p in ranked.hits("golden quest", 12)]
    assert hits.request.query == "golden quest"
    assert [*fetcher.search(["xyzzy"])[0]] == []


def test_reviews_follow_their_pages(url, bed, truth):
    """More than a page of them: as many as wanted, newest first, none twice, for each app its own."""
    apps, _ = truth
    fetcher = charts.BatchFetcher()
    many = (place for place in range(100) if review_count(apps.app(place), 0) > 250)
    wanted = [apps.app(place).app_id for place in islice(many, 2)]
    found = fetcher.reviews(wanted, num_reviews=250)
    assert [len(one) for one in found] == [250, 250]
    assert bed.counters("play")["by_route"][CALL] < 4  # first pages share a call
    for one in found:
        moments = [review.at for review in one]
        assert moments == sorted(moments, reverse=True)
        assert len({review.review_id for review in one}) == 250
    best = fetcher.reviews(wanted[:1], num_reviews=1_000, sort="rating", score=5)[0]
    assert {review.score for review in best} == {5}
    every = fetcher.reviews(wanted[:1], num_reviews=1_000)[0]
    assert Counter(review.score for review in every)[5] == len(best)


def test_an_app_that_is_asked_for_twice_has_its_reviews_once_each(url, bed, truth):
    """Pages are told apart by whose they are: those of a second asker must not be taken for more of them."""
    apps, _ = truth
    app = next(apps.app(place).app_id for place in range(100) if review_count(apps.app(place), 0) > 250)
    found = charts.BatchFetcher().reviews([app, app], num_reviews=250)
    assert found[0] == found[1]
    assert len({review.review_id for review in found[0]}) == 250
    assert bed.counters("play")["requests"] == 2


def test_an_app_that_is_unknown_is_none(url):
    """One wrong id in a list must not cost the others."""
    run = charts.BatchFetcher().apps(["com.none", Apps(0).app(2).app_id], wait=False)
    assert [one and one.app_id for one in run.result()] == [None, Apps(0).app(2).app_id]
    assert run.errors()["error"].to_list() == [StatusError.__name__]


# --- several in a call


def test_riding_together_saves_calls(url, bed):
    """What the batch is for: fifteen lists of three countries are three calls."""
    where, what = ["us", "kr", "jp"], list(CATEGORIES[:5])
    run = charts.fetch_category_lists(where, what, wait=False).wait()
    assert bed.counters("play")["by_route"] == {CALL: 3}
    assert run.notes["http_calls"] == 3
    assert (run.notes["rpcs"], run.notes["largest_call"]) == (15, 5)
    assert run.stats().bytes == run.notes["http_bytes"]


def test_results_come_one_by_one(url, bed):
    """A reader need not wait for the slowest call of a batch."""
    bed.configure("play", latency=0.05, jitter=0.9, steady=True)
    run = charts.fetch_category_lists(WHERE, WHAT, 5, strategy=fl.Batch(), batch_size=1, wait=False)
    seen = [result.item.country for result in run]
    assert Counter(seen) == dict.fromkeys(WHERE, 2)
    assert run.frame()["finished"].n_unique() > 1


def test_priorities_hold_inside_a_batch(url):
    """The urgent ones ride in the first call, wherever they stand in the list."""
    urgent = {"TOOLS", "SPORTS"}
    run = charts.fetch_category_lists(
        ["us"], ["SOCIAL", "DATING", "TOOLS", "EVENTS", "SPORTS", "COMICS"], 5,
        workers=2, batch_size=2, priority=lambda request: request.category not in urgent, wait=False,
    ).wait()  # fmt: skip
    began = {key.split("/")[2]: at for key, at in run.frame().select("key", "started").iter_rows()}
    assert set(sorted(began, key=began.get)[:2]) == urgent


def test_the_size_of_a_batch_is_found(url, bed):
    """Where every rpc adds its time to a call, sizes shrink; where they ride for nothing, they grow."""

    def size(**settings):
        bed.configure("play", **settings)
        run = charts.fetch_category_lists(["us", "kr"], CATEGORIES, 1, workers=30, wait=False).wait()
        assert run.stats().ok == 2 * len(CATEGORIES)
        return run.notes["batch_size"]

    charts.fetch_category_lists(["us", "kr"], CATEGORIES, 1)  # the server has them ready then
    assert size(latency=0.01, rpc_cost=0.02) < size(latency=0.1, rpc_cost=0.0)


def test_what_an_rpc_costs_is_found_where_all_calls_are_alike(url, bed):
    """Few categories of many countries: without a trial every call would carry all of a country for ever."""
    bed.configure("play", latency=0.1, rpc_cost=0.1)
    run = charts.fetch_category_lists(COUNTRIES[:24], CATEGORIES[:4], 1, workers=8, wait=False).wait()
    assert run.stats().ok == 96
    assert run.notes["http_calls"] > 40
    assert run.notes["rpcs"] == 96


# --- trouble


def test_one_that_fails_is_one_row_with_its_error(url):
    """A category that the service does not know, among others in the same call."""
    requests = [charts.ListRequest("us", name) for name in ("SOCIAL", "GAME_UNHEARD", "TOOLS")]
    found = charts.fetch_and_parse_list_batch(requests)
    assert [len(one) for one in found] == [100, 0, 100]
    assert isinstance(found[1].error, StudyError)
    table = charts.frame(found)
    failed = table.filter(table["error"].is_not_null())
    assert failed.select("country", "category", "rank").rows() == [("us", "GAME_UNHEARD", None)]
    assert "no such list" in failed["error"][0]
    assert table.height == 201


def test_soft_limits_take_no_others_with_them(url, bed):
    """Half of a call is refused with status 200: that half is asked for again, the other is not."""
    bed.configure("play", soft_limit=1.0)
    run = charts.fetch_category_lists(["us"], CATEGORIES[:6], 5, retry=QUICK, batch_size=6, wait=False).wait()
    assert run.stats().ok == 6
    attempts = Counter(run.frame()["attempts"])
    assert attempts == {1: 3, 4: 3}  # each rpc alone is refused twice in a row at most


def test_one_that_spoils_its_call_spoils_it_once(url, bed):
    """A call that is refused as a whole for one of its rpcs: each is asked alone, and only that one fails."""
    bed.configure("play", error_rate={404: 1.0})
    run = charts.fetch_category_lists(["us"], CATEGORIES[:4], 5, retry=QUICK, batch_size=4, wait=False).wait()
    # the shared call, then each alone: 404 is not tried again
    assert bed.counters("play")["by_route"] == {CALL: 5}
    assert {type(error) for error in (one.error for one in run.result())} == {StatusError}


def test_a_host_in_trouble_is_told_of_once_per_call(url, bed):
    """Twenty riders of one broken call are one failure of the host: the breaker must stay closed."""
    bed.configure("play", reset=0.5)
    run = charts.fetch_category_lists(
        ["us", "kr"], CATEGORIES[:20], 5, retry=QUICK, batch_size=20, wait=False
    )
    assert run.wait().stats().ok == 40
    assert "breaker" not in set(run.attempts()["reason"].drop_nulls())


def test_riders_gather_where_a_rate_is_limited(url, bed):
    """A host that refuses is asked for one list after the other: in a call each they would all be refused."""
    bed.configure("play", rate=40, burst=2, retry_after=0.05)
    run = charts.fetch_category_lists(["us", "kr"], CATEGORIES[:30], 5, retry=QUICK, wait=False).wait()
    assert run.stats().ok == 60
    assert run.stats().refused > 0
    assert run.notes["http_calls"] < run.notes["rpcs"] / 3


@pytest.mark.parametrize("countries", [2, pytest.param(10, marks=pytest.mark.slow)])
def test_all_lists_come_through_trouble(url, bed, countries):
    """Of soft limits, 429s and resets a tenth each, and nothing is lost; 500 lists in the long version."""
    bed.configure("play", soft_limit=0.1, error_rate={429: 0.1}, reset=0.1, retry_after=0)
    where, what = COUNTRIES[:countries], CATEGORIES[:50] if countries == 10 else CATEGORIES[:20]
    size = "auto" if countries == 10 else 3
    run = charts.fetch_category_lists(where, what, 20, retry=QUICK, batch_size=size, wait=False).wait(200)
    assert run.stats().ok == countries * len(what)
    assert set(bed.counters("play")["faults"]) == {"soft_limit", "429", "reset"}
    bed.configure("play", profile="flat")
    assert run.result() == charts.fetch_category_lists(where, what, 20)


def test_html_with_status_200_is_tried_again(url, bed):
    """A maintenance page must not become an empty chart."""
    bed.configure("play", html200=1.0)
    found = charts.fetch_category_lists(["us"], WHAT, 5, retry=QUICK)
    assert [len(one) for one in found] == [5, 5]


def test_what_was_not_begun_says_so(url, bed):
    """After a stop the lists are as many as were asked for."""
    bed.configure("play", latency=5.0)
    run = charts.fetch_category_lists(WHERE, WHAT, strategy=fl.Sequential(), wait=False)
    found = run.cancel().wait().result()
    assert [(one.country, one.request.category) for one in found] == pairs()
    assert all(isinstance(one.error, Cancelled) for one in found)


# --- knobs


BAD = {
    "countries": {"countries": ["us", "xx"]},
    "categories": {"categories": ["GAME_ACTON"]},
    "collection": {"collection": "topfree"},
    "num_results": {"num_results": 0},
    "lang": {"lang": "e"},
    "batch_size": {"batch_size": 0},
    "retry": {"retry": 3},
    "base_url": {"base_url": "example.org"},
    "colour": {"colour": 1},
    "workers": {"workers": 0},
}
LANGUAGES = {"en": True, "pt-BR": True, "pt_BR": True, "es-419": True, "zh-Hant-TW": True, "fil": True,
             "e": False, "english": False, "en-": False, "en GB": False, 3: False}  # fmt: skip


@pytest.mark.parametrize("knob", BAD)
def test_what_cannot_work_is_refused_at_the_call(url, bed, knob):
    """The message names the knob; nothing is sent."""
    with pytest.raises(ConfigError) as error:
        charts.fetch_category_lists(**{"countries": WHERE, "categories": WHAT} | BAD[knob])
    assert error.value.knob == knob
    assert bed.counters("play")["requests"] == 0


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"countries": ["xx"]}, ["'xx'", "kr, mx", "us"]),
        ({"categories": ["GAME_ACTON"]}, ["SOCIAL", "did you mean 'GAME_ACTION'"]),
        ({"collection": "free"}, [*COLLECTIONS]),
        ({"num_results": 0}, ["from 1 to 500"]),
        ({"num_results": 10_000}, ["gives 500 at most", "10,000"]),
        ({"num_results": True}, ["whole number"]),
        ({"countries": "us"}, ["['us']", "not one string"]),
        ({"countries": None}, ["list of strings", "None"]),
        ({"categories": [3]}, ["are strings", "3"]),
        ({"strategy": fl.Threads(2), "batch_size": 3}, ["Threads"]),
    ],
)
def test_an_error_lists_what_is_allowed(url, given, words):
    """Whoever mistyped a name should not have to look it up."""
    with pytest.raises(ConfigError) as error:
        charts.fetch_category_lists(**{"countries": WHERE, "categories": WHAT} | given)
    for word in words:
        assert word in str(error.value)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_languages_are_codes(lang):
    """Latin America's Spanish has a number for a region; a misspelt code must not be sent."""
    if LANGUAGES[lang]:
        assert charts.BatchFetcher(lang).builder.lang == lang
    else:
        with pytest.raises(ConfigError, match="lang"):
            charts.BatchFetcher(lang)


def test_a_root_that_is_none_is_refused_without_its_secrets():
    """Before the first request, and what is wrong is shown without the password in it."""
    for root in ("http://", "https:///", "ftp://me:geheim@example.org"):
        with pytest.raises(ConfigError, match="base_url") as error:
            charts.fetch_category_lists(["us"], ["SOCIAL"], base_url=root)
        assert "geheim" not in str(error.value)


def test_without_a_service_it_says_how_to_name_one(monkeypatch):
    """Nothing is built in: the message names both ways."""
    monkeypatch.delenv("FETCHLAB_PLAY_URL", raising=False)
    with pytest.raises(ConfigError, match=r"base_url: .*FETCHLAB_PLAY_URL"):
        charts.fetch_category_lists(["us"], ["SOCIAL"])


def test_the_study_and_the_testbed_know_the_same_names():
    """A category that one of them lacks could not be fetched, or not be tested."""
    assert set(COUNTRIES) == set(play_words.COUNTRIES)
    assert set(CATEGORIES) == set(play_words.CATEGORIES)
    assert set(COLLECTIONS) == set(play_words.COLLECTIONS)


@pytest.mark.parametrize(
    ("method", "given", "knob"),
    [
        ("reviews", {"sort": "oldest"}, "sort"),
        ("reviews", {"score": 6}, "score"),
        ("reviews", {"num_reviews": -1}, "num_reviews"),
        ("search", {"num_results": 31}, "num_results"),
        ("apps", {"countries": ["zz"]}, "countries"),
        ("apps", {"app_ids": [None]}, "app_ids"),
        ("search", {"queries": 3}, "queries"),
        ("reviews", {"score": True}, "score"),
    ],
)
def test_the_fetchers_knobs_are_checked(url, method, given, knob):
    """At the call, although requests are built lazily."""
    first = {"search": "queries"}.get(method, "app_ids")
    with pytest.raises(ConfigError) as error:
        getattr(charts.BatchFetcher(), method)(**{first: ["com.a"]} | given)
    assert error.value.knob == knob


def test_a_fetchers_own_knobs_are_checked_at_once():
    """A misspelt default would be found out by the first call, far from where it stands."""
    with pytest.raises(ConfigError, match="colour: is no knob"):
        charts.BatchFetcher(colour=1)
    assert repr(charts.BatchFetcher("de", 20)) == "BatchFetcher('de', 20, 'topselling_free')"


@pytest.mark.parametrize("requests", [None, 5, [("us", "SOCIAL")]])
def test_only_requests_are_fetched(url, requests):
    """Whatever else is given, the message says what is meant."""
    with pytest.raises(ConfigError, match=r"requests: are .*BatchRequestBuilder"):
        charts.fetch_and_parse_list_batch(requests)


# --- requests


def test_ten_thousand_requests_weigh_little():
    """The published 0.9 MB for those that are held; those that are iterated weigh next to nothing."""
    countries, categories = COUNTRIES[:20], (CATEGORIES * 10)[:500]

    def peak(take):
        builder = charts.BatchRequestBuilder()
        tracemalloc.start()
        try:
            kept = take(builder.build_list_requests(countries, categories))
            return kept, tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    count, iterated = peak(lambda requests: sum(1 for _ in requests))
    held, together = peak(list)
    assert count == len(held) == 10_000
    assert iterated <= 64_000
    assert together <= 1_000_000


def test_texts_of_a_file_are_held_once():
    """A table of a million rows names a thousand apps: each name is one string, not a thousand."""

    def texts():
        return ("".join(["com.example.", str(number % 10)]) for number in range(100))

    shared = list(charts.BatchRequestBuilder().build_app_requests(texts()))
    apart = list(charts.BatchRequestBuilder(intern_strings=False).build_app_requests(texts()))
    assert shared == apart
    assert len({id(request.app_id) for request in shared}) == 10
    assert len({id(request.app_id) for request in apart}) == 100


def test_a_builder_counts():
    """What interning is worth should be seen, not believed."""
    builder = charts.BatchRequestBuilder()
    assert len(list(builder.build_list_requests(WHERE, WHAT))) == 6
    assert len(list(builder.build_search_requests(["a", "b"], ["us"]))) == 2
    stats = builder.stats()
    assert (stats.requests, stats.strings) == (8, 14)


def test_keys_say_what_is_meant():
    """A journal is read by people, and by the next version."""
    assert charts.ListRequest("us", "SOCIAL").key == "list/us/SOCIAL/topselling_free/100/en"
    assert charts.AppRequest("com.a", "de").key == "app/com.a/de/en"
    assert charts.SearchRequest("photo editor").key == "search/us/en/30/photo editor"
    page = charts.ReviewRequest("com.a", score=5, page=2, token="changes")
    assert page.key == "reviews/com.a/us/en/newest/5/page/2/100"


# --- panels, tables and journals


def test_a_panel_holds_the_study(url, truth):
    """The notebook opens with one: its strategy and rate are the study's knobs."""
    panel = fl.Panel(
        lambda settings: charts.fetch_category_lists(
            WHERE, WHAT, 10, strategy=settings.strategy, rate=settings.rate, wait=False, progress=False
        ),
        workers=4,
    )
    panel.wait()
    assert [app.app_id for app in panel.run.result()[0]] == ids(truth, "us", "GAME_ACTION", 10)
    assert "list/us/GAME_ACTION/topselling_free/10/en: 10" in views.tables(panel.run)


def test_the_table_is_typed(url, truth):
    """A row per country, category and rank; the dict of fetch_top_apps gives the same."""
    lists = charts.fetch_category_lists(WHERE, WHAT, 10)
    table = charts.frame(lists)
    assert table.schema == charts.CHARTS
    assert table.height == 60
    assert table["rank"].to_list() == list(range(1, 11)) * 6
    assert table.equals(charts.frame(charts.fetch_top_apps(WHERE, WHAT, 10)))
    assert charts.frame([]).schema == charts.CHARTS
    assert charts.frame(lists[0]).height == 10
    assert charts.frame(charts.fetch_top_apps(["us"], WHAT, 10)["us"]).height == 20


def test_a_runs_own_table_holds_the_apps(url, tmp_path):
    """A column of lists that a file can hold, not one of objects that are lost with the kernel."""
    run = charts.fetch_category_lists(["us"], WHAT, 3, wait=False).wait()
    titles = [[app.title for app in one] for one in run.result()]
    run.save(tmp_path / "run")
    for table in (run.table(), fl.load(tmp_path / "run").table()):
        assert [[app["title"] for app in one] for one in table["value"].to_list()] == titles


@pytest.mark.parametrize("given", [[[1, 2]], 3, None, "us", ["us"]])
def test_only_charts_make_a_table(given):
    """The message says what to give."""
    with pytest.raises(ConfigError, match="lists: give the finished lists"):
        charts.frame(given)


def test_reviews_make_no_table_of_charts(url):
    """They have no ranks."""
    found = charts.BatchFetcher().reviews([Apps(0).app(2).app_id])
    with pytest.raises(ConfigError, match="give charts, not what reviews/"):
        charts.frame(found)


@pytest.mark.parametrize("kind", ["category_lists", "apps", "search", "reviews"])
def test_a_journal_answers_the_second_time(url, bed, tmp_path, kind):
    """The same call again asks the service nothing and returns the same, types and all."""
    fetcher = charts.BatchFetcher(journal=tmp_path / "charts.db", progress=False)
    app = Apps(0).app(2).app_id
    given = {
        "category_lists": (WHERE, WHAT, 20),
        "apps": ([app],),
        "search": (["golden quest"],),
        "reviews": ([app], ["us"], 250),
    }[kind]
    first = getattr(fetcher, kind)(*given)
    bed.reset_counters()
    assert getattr(fetcher, kind)(*given) == first
    assert bed.counters("play")["requests"] == 0
    inner = first[0][0] if kind != "apps" else first[0]
    assert isinstance(inner, charts.Review | charts.App | charts.Details)


def test_errors_stay_in_our_tree(url, bed):
    """Whatever a list fails with, its error can be caught as one of ours."""
    bed.configure("play", error_rate={500: 1.0})
    found = charts.fetch_category_lists(["us"], WHAT, retry=fl.Retry(attempts=1))
    assert all(isinstance(one.error, FetchlabError) for one in found)


ALONE = {"together": {}, "alone": {"batch_size": 1}, "threads": {"strategy": fl.Threads(2)}}


@pytest.mark.parametrize("name", ALONE)
def test_a_cache_knows_lists_whatever_call_they_rode_in(url, bed, name):
    """A list that is there is not asked for again, nor is one country's taken for another's."""
    cache = fl.Cache()
    first = charts.fetch_category_lists(["us", "kr"], WHAT, 20, cache=cache)
    bed.reset_counters()
    run = charts.fetch_category_lists(WHERE, WHAT, 20, cache=cache, wait=False, **ALONE[name])
    assert run.result()[:4] == first
    assert run.stats().cached == 4
    assert bed.counters("play")["by_route"] == {CALL: 1 if name == "together" else 2}
    assert run.result() == charts.fetch_category_lists(WHERE, WHAT, 20)
    assert isinstance(run.result()[0][0], charts.App)


@pytest.mark.parametrize("kind", ["apps", "search", "reviews"])
def test_a_cache_holds_the_rest(url, bed, tmp_path, kind):
    """Pages and reviews, too, from the file that another kernel finds; a setting makes another answer."""
    app = Apps(0).app(2).app_id
    given = {"apps": ([app],), "search": (["golden quest"],), "reviews": ([app], ["us"], 250)}[kind]
    with fl.Cache(tmp_path / "play.db") as cache:
        first = getattr(charts.BatchFetcher(cache=cache), kind)(*given)
    bed.reset_counters()
    with fl.Cache(tmp_path / "play.db", mode="offline") as cache:
        assert getattr(charts.BatchFetcher(cache=cache), kind)(*given) == first
        other = getattr(charts.BatchFetcher("de", cache=cache), kind)(*given, wait=False).wait()
        assert other.stats().failed == 1
    assert bed.counters("play")["requests"] == 0


def test_what_fails_is_not_kept(url, bed):
    """An empty list that is remembered for an hour would be a chart that is gone."""
    cache = fl.Cache()
    requests = [charts.ListRequest("us", name) for name in ("SOCIAL", "GAME_UNHEARD")]
    for _ in range(2):
        found = charts.fetch_and_parse_list_batch(requests, cache=cache)
        assert [len(one) for one in found] == [100, 0]
    assert cache.stats().entries == 1
