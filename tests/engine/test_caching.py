"""A cache under a run: what was fetched once is not fetched again, whoever asks, however many at once."""

from __future__ import annotations

import dataclasses
import logging
import time
from typing import ClassVar

import polars as pl
import pytest
from polars.testing import assert_frame_equal

import fetchlab as fl
from fetchlab import errors
from fetchlab.store.entry import Entry
from fetchlab.testbed import serve


@dataclasses.dataclass
class Echo:
    wire: str
    args: dict[str, str]


def urls_of(base, count, path="/json"):
    return [f"{base}{path}?n={number}" for number in range(count)]


def aged(cache, key, seconds):
    """Put an entry's time back, as if it had been stored so long ago."""
    old = cache.tiers.old(cache.key_of(key))
    expires = None if old.expires is None else old.expires - seconds
    cache.tiers.store(old.renewed(old.stored - seconds, expires))
    cache.flush()


@pytest.fixture(params=["memory", "file", "shared"])
def cache(request, tmp_path):
    kind = request.param
    path = tmp_path / "c.db" if "file" in kind else None
    return fl.Cache(path, shared=request.getfixturevalue("redis").url() if "shared" in kind else None)


@pytest.mark.parametrize(
    "parse", ["bytes", "text", "json", Echo, lambda response: response.json()["args"]["n"]]
)
def test_a_second_run_asks_nothing_and_gives_the_same(bed, echo, cache, parse):
    """A cell that is run again would fetch everything again, or show other values."""
    first = fl.fetch(urls_of(echo, 30), cache=cache, parse=parse).wait()
    second = fl.fetch(urls_of(echo, 30), cache=cache, parse=parse).wait()
    assert bed.counters("echo")["requests"] == 30
    assert second.result() == first.result()
    assert (first.stats().cached, second.stats().cached) == (0, 30)
    columns = ["index", "key", "host", "ok", "status", "bytes"]
    assert_frame_equal(first.frame().select(columns), second.frame().select(columns))
    assert second.frame()["cached"].all()
    assert second.attempts().is_empty()


def test_the_file_outlives_its_process_and_its_cache(bed, echo, tmp_path):
    """A notebook opened on the next day would begin from nothing."""
    path = tmp_path / "c.db"
    with fl.Cache(path) as cache:
        fl.fetch(urls_of(echo, 10), cache=cache).wait()
    with fl.Cache(path, memory=0) as again:
        run = fl.fetch(urls_of(echo, 10), cache=again).wait()
        assert (run.stats().cached, again.stats().hits_file) == (10, 10)
    assert fl.fetch(urls_of(echo, 10), cache=str(path)).wait().stats().cached == 10
    assert bed.counters("echo")["requests"] == 10


def test_a_response_comes_back_whole(bed, echo, tmp_path):
    """``parse="response"`` and parsers that read headers would fail on what is cached."""
    path = tmp_path / "c.db"
    (first,) = fl.fetch([f"{echo}/bytes/100"], cache=path, parse="response").result()
    (second,) = fl.fetch([f"{echo}/bytes/100"], cache=path, parse="response").result()
    assert (second.status, second.content, second.url) == (200, first.content, first.url)
    assert second.headers["ETag"] == first.headers["etag"]
    assert second.to_httpx().content == first.content


def test_a_hundred_askers_make_one_request(bed, echo, cache):
    """A cold page asked for by many would be fetched by each of them."""
    run = fl.fetch([f"{echo}/delay/0.2"] * 100, workers=10, cache=cache, parse="json").wait()
    assert bed.counters("echo")["requests"] == 1
    assert run.result() == [{"wire": "echo", "args": {}, "delay": 0.2}] * 100
    assert run.stats().cached == 99
    assert run.attempts().height == 1


def test_those_who_wait_hold_no_worker(bed, echo, cache):
    """Nine workers would stand idle behind the tenth while other pages could be fetched."""
    urls = [f"{echo}/delay/0.3?slow"] * 50 + urls_of(echo, 30)
    run = fl.fetch(urls, workers=3, cache=cache).wait()
    ends = run.frame()["finished"]
    assert ends[50:].max() < ends[:50].min()


def test_two_runs_at_once_share_their_requests(bed, echo, tmp_path):
    """Two cells, or two panels, would fetch the same pages side by side."""
    urls = [f"{echo}/delay/0.05?n={number}" for number in range(40)]
    runs = [fl.fetch(urls, workers=20, cache=fl.Cache(tmp_path / "c.db")) for _ in range(2)]
    results = [run.result() for run in runs]
    assert bed.counters("echo")["requests"] == 40
    assert results[0] == results[1]
    assert sum(run.stats().cached for run in runs) == 40


def test_when_the_leader_fails_the_next_one_leads(bed, echo, cache):
    """One unlucky request would fail everybody who waited for it, or leave them waiting for ever."""
    run = fl.fetch(
        [f"{echo}/refuse/2?status=500"] * 6, workers=6, cache=cache, retry=fl.Retry(attempts=1)
    ).wait()
    assert (run.stats().failed, run.stats().ok, run.stats().cached) == (2, 4, 3)
    assert bed.counters("echo")["requests"] == 3


def test_when_the_leading_run_is_cancelled_another_one_goes_on(bed, echo, cache):
    """A cell stopped by hand would leave every other run waiting for it."""
    leader = fl.fetch([f"{echo}/delay/30"], cache=cache)
    while not bed.counters("echo")["in_flight"]:
        time.sleep(0.005)
    other = fl.fetch([f"{echo}/delay/30"], cache=cache, timeout=0.2, retry=fl.Retry(attempts=1))
    while not other.stats().waits:
        time.sleep(0.005)
    assert other.stats().waits == {"another's request": 1}
    leader.cancel().wait()
    assert isinstance(other.wait().results()[0].error, errors.TimedOut)


def test_a_cancelled_run_keeps_those_who_waited_for_later(bed, echo, cache):
    """What waited for another's request would be lost with the run."""
    leader = fl.fetch([f"{echo}/delay/0.3"], cache=cache)
    follower = fl.fetch([f"{echo}/delay/0.3"] * 3, cache=cache)
    while not follower.stats().waits:
        time.sleep(0.002)
    follower.cancel().wait()
    assert follower.stats().done == 0
    leader.wait()
    assert follower.retry_failed().wait().stats().cached == 3
    assert bed.counters("echo")["requests"] == 1


def test_what_is_cached_takes_no_share_of_the_rate(bed, echo, cache):
    """A warm run would crawl at the pace of the service it never asks."""
    fl.fetch(urls_of(echo, 40), cache=cache).wait()
    rate = fl.RateLimit(1, per=3600)
    run = fl.fetch([*urls_of(echo, 40), f"{echo}/json?new"], cache=cache, rate=rate).wait()
    assert (run.stats().cached, run.stats().ok) == (40, 41)


def test_what_is_cached_needs_no_host(bed, echo, cache):
    """A service that is down would make even what is there unavailable."""
    fl.fetch(urls_of(echo, 5), cache=cache).wait()
    bed.configure("echo", error_rate={"503": 1.0}, retry_after=3600)
    urls = [*urls_of(echo, 5, "/html"), *urls_of(echo, 5)]
    run = fl.fetch(urls, workers=1, cache=cache, retry=fl.Retry(attempts=1, patience=0)).wait()
    assert run.frame()["ok"].to_list() == [False] * 5 + [True] * 5


def test_an_entry_past_its_time_is_asked_about_and_kept(bed, echo, cache):
    """A body that has not changed would be sent again; one that has would not be seen."""
    url = f"{echo}/bytes/5000"
    fl.fetch([url], cache=cache).wait()
    aged(cache, url, 7200)
    run = fl.fetch([url], cache=cache).wait()
    assert run.result() == fl.fetch([url]).result()
    assert run.frame().select("status", "cached", "attempts").row(0) == (200, False, 1)
    assert cache.stats().revalidated == 1
    assert bed.counters("echo")["requests"] == 3
    assert fl.fetch([url], cache=cache).wait().stats().cached == 1


def test_an_entry_without_a_validator_is_fetched_again(bed, echo, cache):
    """It would live for ever, or an error would come of the question."""
    url = f"{echo}/json?n=1"
    fl.fetch([url], cache=cache).wait()
    aged(cache, url, 7200)
    assert fl.fetch([url], cache=cache).wait().stats().cached == 0
    assert (cache.stats().revalidated, bed.counters("echo")["requests"]) == (0, 2)


def test_refresh_asks_for_everything_once(bed, echo, tmp_path):
    """``refresh`` would give what is old, or ask for the same twice in one run."""
    path = tmp_path / "c.db"
    fl.fetch(urls_of(echo, 5), cache=path).wait()
    run = fl.fetch(urls_of(echo, 5) * 2, workers=3, cache=fl.Cache(path, mode="refresh")).wait()
    assert run.stats().cached == 5
    assert bed.counters("echo")["requests"] == 10


def test_off_neither_looks_nor_stores(bed, echo, tmp_path):
    """A benchmark would measure the cache."""
    path = tmp_path / "c.db"
    off = fl.Cache(path, mode="off")
    for _ in range(2):
        assert fl.fetch(urls_of(echo, 3), cache=off).wait().stats().cached == 0
    assert not path.exists()


def test_offline_replays_and_names_what_is_missing(tmp_path):
    """A shared notebook could not be run where the service is not."""
    path = tmp_path / "c.db"
    with fl.testbed.serve(port=0) as bed:
        base = bed.urls["echo"]
        first = fl.fetch(urls_of(base, 20), parse="json", cache=path).wait()
    offline = fl.Cache(path, mode="offline")
    again = fl.fetch([*urls_of(base, 20), f"{base}/json?new"], parse="json", cache=offline).wait()
    assert again.result() == [*first.result(), None]
    (row,) = again.errors().iter_rows(named=True)
    assert (row["error"], row["count"]) == ("CacheMiss", 1)
    assert row["example_key"] == f"GET {base}/json?new"
    assert f"{base}/json?new" in row["message"]
    assert row["knob"]
    error = again.results()[20].error
    assert (error.key, error.item, error.attempts) == (f"GET {base}/json?new", f"{base}/json?new", 1)


def test_offline_does_not_mind_how_old_an_entry_is(bed, echo, tmp_path):
    """A notebook of last year could not be replayed."""
    path = tmp_path / "c.db"
    with fl.Cache(path) as cache:
        fl.fetch([f"{echo}/json?n=1"], cache=cache).wait()
        aged(cache, f"{echo}/json?n=1", 10**8)
    assert fl.fetch([f"{echo}/json?n=1"], cache=fl.Cache(path, mode="offline")).wait().stats().cached == 1


@pytest.mark.parametrize("seconds", [3700, 10_000])
def test_an_old_entry_stands_in_for_a_host_that_fails(bed, echo, tmp_path, seconds):
    """An outage would stop an analysis that could do with last hour's pages; or very old ones be shown."""
    url = f"{echo}/json?n=1"
    cache = fl.Cache(tmp_path / "c.db", stale_if_error=3600)
    fl.fetch([url], cache=cache).wait()
    aged(cache, url, seconds)
    bed.configure("echo", error_rate={"500": 1.0})
    run = fl.fetch([url], cache=cache, parse="json", retry=fl.Retry(attempts=2, base=0.001)).wait()
    if seconds > 7200:
        assert isinstance(run.results()[0].error, errors.StatusError)
        return
    assert run.result() == [{"wire": "echo", "args": {"n": "1"}}]
    assert run.frame().select("ok", "cached", "attempts", "status").row(0) == (True, True, 2, 200)
    assert run.attempts()["status"].to_list() == [500, 500]
    assert run.attempts()["reason"].to_list() == ["backoff", "stale"]
    assert cache.stats().stale == 1


def test_an_old_entry_stands_in_for_an_item_that_was_given_up(bed, echo, tmp_path):
    """Only failed attempts would fall back, and those that waited in vain would not."""
    url = f"{echo}/json?n=1"
    cache = fl.Cache(tmp_path / "c.db", stale_if_error=3600)
    fl.fetch([url], cache=cache).wait()
    aged(cache, url, 3700)
    bed.configure("echo", error_rate={"429": 1.0}, retry_after=100)
    run = fl.fetch([f"{echo}/html", url], workers=1, cache=cache, retry=fl.Retry(patience=0.01)).wait()
    assert run.frame()["ok"].to_list() == [False, True]


def test_an_asker_who_is_tried_again_is_one_miss(bed, echo, cache):
    """The hit rate would depend on the service's faults."""
    urls = [f"{echo}/refuse/2?status=500&n={number}" for number in range(10)]
    for _ in range(2):
        fl.fetch(urls, cache=cache, retry=fl.Retry(attempts=3, base=0.001)).wait()
    stats = cache.stats()
    assert (stats.misses, stats.hits, stats.hit_rate) == (10, 10, 0.5)
    assert bed.counters("echo")["requests"] == 30


def test_a_client_error_is_no_reason_for_old_values(bed, echo, tmp_path):
    """A page that was deleted would live on."""
    cache = fl.Cache(tmp_path / "c.db", stale_if_error=3600)
    url = f"{echo}/refuse/1?status=404"
    now = time.time()
    cache.tiers.store(Entry.of_value(cache.key_of(url), b"old", stored=now - 9, expires=now - 1, seconds=0.1))
    assert fl.fetch([url], cache=cache).wait().stats().failed == 1


def test_failures_are_not_cached(bed, echo, cache):
    """An error page would be served for an hour."""
    url = f"{echo}/refuse/1?status=404"
    assert fl.fetch([url], cache=cache).wait().stats().failed == 1
    assert fl.fetch([url], cache=cache).wait().stats().ok == 1


def test_what_the_parser_refuses_is_not_cached(bed, echo, cache):
    """A maintenance page with status 200 would be served for an hour."""
    assert (
        fl.fetch([f"{echo}/html"], parse="json", cache=cache, retry=fl.Retry(attempts=1))
        .wait()
        .stats()
        .failed
    )
    assert cache.stats().entries == 0


def test_an_accepted_status_is_cached_with_its_status(bed, echo, cache):
    """``accept={404}`` says that the answer is a value."""
    for _ in range(2):
        run = fl.fetch([f"{echo}/status/404"], accept={404}, parse="response", cache=cache).wait()
    assert run.frame().select("status", "cached").row(0) == (404, True)
    assert run.result()[0].status == 404


ONCE = fl.Retry(attempts=1)


def test_a_status_that_was_accepted_is_none_for_who_does_not(bed, echo, cache):
    """A page that is not there would be a success, because another cell could do with it."""
    url = f"{echo}/refuse/2?status=404"
    assert fl.fetch([url], accept={404}, cache=cache).wait().stats().ok == 1
    run = fl.fetch([url], cache=cache, retry=ONCE).wait(20)
    assert (run.results()[0].error.status, run.attempts().height) == (404, 1)
    assert fl.fetch([url], accept={404}, cache=cache).wait().stats().cached == 1
    assert fl.fetch([url], cache=cache).wait(20).frame().select("ok", "status", "cached").row(0) == (
        True,
        200,
        False,
    )
    assert (cache.stats().hits, bed.counters("echo")["requests"]) == (1, 3)


def test_a_body_above_the_limit_is_none_for_who_set_it(bed, echo, cache):
    """What a live answer may not be, a replayed one would be."""
    url = f"{echo}/bytes/5000"
    fl.fetch([url], cache=cache).wait()
    run = fl.fetch([url], cache=cache, max_bytes=100).wait(20)
    assert isinstance(run.results()[0].error, errors.BodyTooLarge)
    assert fl.fetch([url], cache=cache).wait().stats().cached == 1


@pytest.mark.parametrize("ahead", [0, 400])
def test_a_body_of_another_kind_is_asked_for_anew(bed, echo, cache, ahead):
    """An error page that somebody stored as bytes would fail each JSON run, retries included, for ever."""
    url = f"{echo}/json?n=1"
    page = fl.fetch([f"{echo}/html"], parse="response").result()[0]
    cache.put(url, page)
    others = urls_of(echo, ahead, "/anything")
    fl.fetch(others, cache=cache).wait()
    for cached in (ahead, ahead + 1):
        run = fl.fetch([*others, url], workers=2, parse="json", cache=cache, retry=ONCE).wait(30)
        assert run.result()[-1] == {"wire": "echo", "args": {"n": "1"}}
        assert run.stats().cached == cached


def test_a_body_that_is_unchanged_and_of_another_kind_is_asked_for_in_full(bed, echo, tmp_path):
    """The server would say at each attempt that what the parser refuses still holds."""
    cache = fl.Cache(tmp_path / "c.db")
    url = f"{echo}/bytes/64"
    fl.fetch([url], cache=cache).wait()
    aged(cache, url, 7200)

    def parse(response):
        if response.headers.get("date") == old.headers.get("date") and not tried:
            tried.append(1)
            raise errors.Retriable("not this one")
        return len(response.content)

    tried, old = [], cache.tiers.old(cache.key_of(url)).response()
    run = fl.fetch([url], cache=cache, parse=parse, retry=fl.Retry(attempts=2, base=0.001)).wait(20)
    assert (run.result(), run.stats().cached) == ([64], 0)
    assert (bed.counters("echo")["requests"], cache.stats().revalidated) == (3, 1)


def test_offline_what_is_none_for_the_call_fails_as_it_would_live(tmp_path):
    """A replay would show other errors than the run it replays, or succeed where that failed."""
    path = tmp_path / "c.db"
    with fl.testbed.serve(port=0) as bed:
        base = bed.urls["echo"]
        urls = [f"{base}/status/404", f"{base}/html", f"{base}/bytes/5000"]
        fl.fetch(urls, accept={404}, cache=path).wait()
        live = fl.fetch(urls, parse="json", max_bytes=1000, retry=ONCE).wait()
    offline = fl.Cache(path, mode="offline")
    replayed = fl.fetch(urls, parse="json", max_bytes=1000, cache=offline).wait(20)
    for one, other in zip(live.results(), replayed.results(), strict=True):
        assert type(one.error) is type(other.error)
        assert str(one.error) == str(other.error)


def test_an_entry_that_is_none_for_the_call_waits_for_its_host(bed, echo, cache):
    """What takes a request would be let past the rate, as what takes none is."""
    urls = [f"{echo}/status/404?n={number}" for number in range(3)]
    fl.fetch(urls, accept={404}, cache=cache).wait()
    run = fl.fetch(urls, cache=cache, rate=fl.RateLimit(1, per=3600), retry=ONCE)
    while run.stats().waits.get("rate", 0) < 2:
        assert not run.ended
        time.sleep(0.005)
    run.cancel().wait()


def test_only_what_is_safe_is_cached_unless_told(bed, echo, cache, tmp_path):
    """A job would not be submitted a second time, because the first answer was there."""
    request = fl.Request(f"{echo}/anything", "POST", json={"a": 1})
    other = fl.Request(f"{echo}/anything", "POST", json={"a": 2})
    fl.fetch([request, request], cache=cache).wait()
    assert bed.counters("echo")["requests"] == 2
    posts = fl.Cache(tmp_path / "posts.db", methods=("POST",))
    fl.fetch([request, request, other], cache=posts).wait()
    assert bed.counters("echo")["requests"] == 4


def test_a_part_of_a_file_is_not_taken_for_the_whole(bed, echo, cache):
    """The next one to ask for the file would get its first ten bytes."""
    fl.fetch([fl.Request(f"{echo}/bytes/100", headers={"Range": "bytes=0-9"})], cache=cache).wait()
    assert len(fl.fetch([f"{echo}/bytes/100"], cache=cache).result()[0]) == 100


def test_headers_that_matter_make_another_entry(bed, echo, tmp_path):
    """The German page would be given to who asked for the French one."""
    cache = fl.Cache(tmp_path / "c.db", vary=("Accept-Language",))
    ask = [fl.Request(f"{echo}/anything", headers={"accept-language": name}) for name in ("de", "fr", "de")]
    german, french, again = fl.fetch(ask, workers=1, cache=cache, parse="json").result()
    assert german == again != french
    own = fl.Client(headers={"Accept-Language": "de"})
    assert fl.fetch([f"{echo}/anything"], client=own, cache=cache).wait().stats().cached == 1


def test_parameters_that_do_not_matter_make_none(bed, echo, cache, tmp_path):
    """A time stamp in the query would make every key a new one."""
    cache = fl.Cache(tmp_path / "c.db", ignore=("_",))
    fl.fetch([f"{echo}/json?a=1&_={stamp}" for stamp in range(20)], workers=1, cache=cache).wait()
    assert bed.counters("echo")["requests"] == 1


def test_a_key_of_ones_own_names_the_entry(bed, echo, cache):
    """URLs that are signed anew each time would never be found again."""
    for signature in "ab":
        urls = [f"{echo}/json?n={number}&sig={signature}" for number in range(3)]
        run = fl.fetch(urls, key=lambda url: url.split("&")[0], cache=cache).wait()
    assert run.stats().cached == 3


def test_a_ttl_by_response_says_what_is_stored_and_how_long(bed, echo, cache, tmp_path):
    """Large bodies could not be kept out, nor short-lived pages refreshed sooner."""
    cache = fl.Cache(tmp_path / "c.db", ttl=lambda response: 0 if len(response.content) > 1000 else 60)
    for _ in range(2):
        run = fl.fetch([f"{echo}/bytes/10", f"{echo}/bytes/2000"], cache=cache).wait()
    assert run.frame()["cached"].to_list() == [True, False]


@pytest.mark.parametrize("ttl", [lambda response: response.headers["x-ttl"] + 1, lambda _: "an hour"])
def test_a_ttl_function_that_fails_costs_no_item(bed, echo, ttl):
    """The value was there, and would be lost to a header that is not."""
    cache = fl.Cache(ttl=ttl)
    with pytest.warns(RuntimeWarning, match="ttl: .* is kept for 1 h") as told:
        run = fl.fetch(urls_of(echo, 3), cache=cache).wait()
    assert (run.stats().ok, len(told)) == (3, 1)
    assert fl.fetch(urls_of(echo, 3), cache=cache).wait().stats().cached == 3


@pytest.mark.parametrize("strategy", [fl.Threads(3), fl.Processes(2), fl.Chunked(4), fl.Sequential()])
def test_every_strategy_caches_alike(bed, echo, tmp_path, strategy):
    """Results would depend on where they were made."""
    path = tmp_path / "c.db"
    first = fl.fetch(urls_of(echo, 12), strategy=strategy, parse="json", cache=path).wait()
    second = fl.fetch(urls_of(echo, 12), strategy=strategy, parse="json", cache=path).wait()
    assert first.result() == second.result() == [{"wire": "echo", "args": {"n": str(n)}} for n in range(12)]
    assert (second.stats().cached, bed.counters("echo")["requests"]) == (12, 12)


@pytest.mark.parametrize("strategy", [fl.Async(3), fl.Threads(3)])
def test_revalidation_works_wherever_it_is_asked(bed, echo, tmp_path, strategy):
    """A 304 has no body to parse."""
    cache = fl.Cache(tmp_path / "c.db")
    url = f"{echo}/bytes/50"
    fl.fetch([url], cache=cache).wait()
    aged(cache, url, 7200)
    run = fl.fetch([url], strategy=strategy, cache=cache).wait()
    assert (len(run.result()[0]), cache.stats().revalidated) == (50, 1)


def test_follow_sees_cached_pages_alike(bed, echo, cache):
    """A warm crawl would end at its first page."""

    def more(result):
        return urls_of(echo, 5, "/anything") if result.index == 0 else []

    for _ in range(2):
        run = fl.fetch([f"{echo}/json?start"], cache=cache, follow=more).wait()
        assert run.stats().ok == 6
    assert run.stats().cached == 6


@pytest.mark.parametrize(
    "knobs", [{"priority": len}, {"dedup": True}, {"order": "input"}, {"workers": fl.Adaptive()}]
)
def test_other_knobs_bear_a_cache(bed, echo, cache, knobs):
    """Two features would work alone and not together."""
    urls = urls_of(echo, 30) + urls_of(echo, 30)
    for _ in range(2):
        run = fl.fetch(urls, cache=cache, parse="json", **knobs).wait()
        assert [value["args"]["n"] for value in run.result()] == [str(n) for n in range(30)] * 2
    assert bed.counters("echo")["requests"] == 30


def test_values_of_functions_are_cached_by_item(cache):
    """A computation of an hour would be made again."""

    class Called:
        by: ClassVar = []  # a class is known by its name; a list that grows would be another one at each call

    def square(number):
        Called.by.append(number)
        return {"square": number**2}

    for _ in range(2):
        run = fl.map(square, range(5), cache=cache).wait()
    assert run.result() == [{"square": n**2} for n in range(5)]
    assert (sorted(Called.by), run.stats().cached) == ([0, 1, 2, 3, 4], 5)


def test_a_changed_function_is_called_anew(cache):
    """Who mends a function would see its old results."""
    assert fl.map(lambda number: number + 1, [1], cache=cache).result() == [2]
    assert fl.map(lambda number: number + 2, [1], cache=cache).result() == [3]


def test_an_async_function_with_frames_as_values(cache):
    """Tables are what people compute."""

    async def table(number):
        return pl.DataFrame({"n": [number] * 2})

    fl.map(table, [1, 2], cache=cache).wait()
    run = fl.map(table, [1, 2], cache=cache).wait()
    assert run.stats().cached == 2
    assert_frame_equal(run.result()[1], pl.DataFrame({"n": [2, 2]}))


def test_items_without_a_name_ask_for_the_knob(cache):
    """Two different items would share a value, or the run would end in a riddle."""
    run = fl.map(lambda item: item["a"], [{"a": 1}], cache=cache).wait()
    error = run.results()[0].error
    assert isinstance(error, errors.ConfigError)
    assert "key" in str(error)
    assert fl.map(lambda item: item["a"], [{"a": 1}], cache=cache, key=lambda item: item["a"]).result() == [1]


@pytest.mark.parametrize("kept", [0, 100])
def test_half_a_character_in_a_key_is_a_key_like_others(tmp_path, kept):
    """One item of a list from some JSON would keep the whole batch, and what comes after, from the file."""
    items = ["\ud83d", "ä", "\ud83e", *"abc"]
    for cached in (0, 6):
        with fl.Cache(tmp_path / "c.db", memory=kept) as cache:
            run = fl.map(ascii, items, cache=cache).wait()
            assert (run.result(), run.stats().cached) == (list(map(ascii, items)), cached)
            cache.flush()
            assert (cache.stats().trouble, cache.stats().entries) == ("", 6)
            assert cache.frame().height == 6


def test_a_method_needs_a_key(cache):
    """Two objects' methods have one source: the second would be given the first one's values."""

    class Adding:
        def __init__(self, number):
            self.number = number

        def to(self, other):
            return self.number + other

    with pytest.raises(errors.ConfigError, match="key: with a cache, what is bound"):
        fl.map(Adding(1).to, [1], cache=cache)
    for number in (1, 2):
        named = fl.map(
            Adding(number).to, [1], cache=cache, key=lambda item, number=number: f"{number}+{item}"
        )
        assert named.result() == [number + 1]


def test_more_entries_than_are_read_ahead_come_from_the_file(bed, echo, tmp_path):
    """Items far ahead would be looked for again and again, or asked for."""
    path = tmp_path / "c.db"
    urls = urls_of(echo, 700)
    with fl.Cache(path) as cache:
        fl.fetch(urls, cache=cache).wait()
    knobs = {"priority": lambda url: -len(url), "workers": 4, "cache": fl.Cache(path, memory=0)}
    assert fl.fetch(urls, **knobs).wait().stats().cached == 700
    assert bed.counters("echo")["requests"] == 700


def test_a_value_that_cannot_be_stored_is_still_a_value(cache, caplog):
    """A cache would make a run fail that works without one."""
    with caplog.at_level(logging.WARNING, "fetchlab"):
        run = fl.map(lambda item: {item: object()}, [1, 2], cache=cache).wait()
    assert run.stats().ok == 2
    assert sum("is not cached" in record.message for record in caplog.records) == 1


def test_a_wrong_cache_knob_is_named(bed, echo):
    """A number would be taken for a file."""
    with pytest.raises(errors.ConfigError, match=r"cache: give fl\.Cache"):
        fl.fetch([], cache=3)


@pytest.fixture
def moving():
    """A testbed of its own: a list that has changed stays changed."""
    with serve(port=0) as own:
        yield own


def test_the_catalogue_is_replayed_with_its_mended_pages(moving):
    """The second crawl would fetch 1,413 pages again, or find other ids."""
    moving.configure("catalogue", churn=40)
    cache = fl.Cache()
    catalogue = fl.studies.catalogue.Catalogue(moving.urls["catalogue"], cache=cache)
    first = catalogue.ids(max_pages=30)
    ids = first.result()
    asked = moving.counters("catalogue")["requests"]
    second = catalogue.ids(max_pages=30)
    assert second.result() == ids
    assert second.stats().cached == first.stats().done
    assert moving.counters("catalogue")["requests"] == asked
    table = catalogue.details(ids[:20]).result()
    assert_frame_equal(catalogue.details(ids[:20]).result(), table)
    assert moving.counters("catalogue")["requests"] == asked + 20


def test_a_downloaded_file_is_not_asked_about_while_its_entry_is_good(bed, echo, tmp_path):
    """A hundred files would cost a hundred requests each time, to learn that nothing has changed."""
    cache = fl.Cache(tmp_path / "c.db")
    urls = [f"{echo}/download/{size}" for size in (100, 200)]
    for times in (1, 2):
        run = fl.download(urls, to=tmp_path / "files", cache=cache).wait()
        assert [value.path.stat().st_size for value in run.result()] == [100, 200]
        assert bed.counters("echo")["requests"] == 2
        assert run.stats().cached == 2 * (times == 2)
    assert [value.skipped for value in run.result()] == [True, True]
    aged(cache, f"download GET {urls[0]}", 7200)
    assert fl.download(urls, to=tmp_path / "files", cache=cache).wait().stats().cached == 1
    assert bed.counters("echo")["requests"] == 3


def test_a_file_that_is_gone_is_downloaded_whatever_the_cache_says(bed, echo, tmp_path):
    """Who removes a file would not get it back for an hour."""
    cache = fl.Cache(tmp_path / "c.db")
    url = f"{echo}/download/100"
    (done,) = fl.download([url], to=tmp_path / "files", cache=cache).result()
    done.path.unlink()
    assert fl.download([url], to=tmp_path / "files", cache=cache).result()[0].received == 100
    assert fl.download([url], to=tmp_path / "others", cache=cache).result()[0].received == 100


def test_offline_files_that_are_there_are_taken_and_others_missed(bed, echo, tmp_path):
    """A shared notebook with its files could not be run where the service is not."""
    path, url = tmp_path / "c.db", f"{echo}/download/100"
    with fl.Cache(path) as cache:
        fl.download([url], to=tmp_path / "files", cache=cache).wait()
    before = bed.counters("echo")["requests"]
    offline = fl.Cache(path, mode="offline")
    run = fl.download([url, f"{echo}/download/7"], to=tmp_path / "files", cache=offline).wait()
    assert run.frame()["error"].to_list() == [None, "CacheMiss"]
    assert bed.counters("echo")["requests"] == before
