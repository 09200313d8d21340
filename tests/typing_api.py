"""The public face as a user's type checker sees it; checked by mypy, never run."""

from __future__ import annotations

from typing import assert_type

import polars as pl

import fetchlab as fl


async def in_a_cell() -> None:
    run = fl.fetch(["http://127.0.0.1/json"], workers=3, parse="json", retry=fl.Retry(attempts=2))
    assert_type(await run, fl.Run)
    async for result in run:
        assert_type(result, fl.Result)


def in_a_script() -> None:
    run = fl.map(str.upper, ["a"], strategy=fl.Threads(2), timeout=fl.Timeout(total=1.0))
    assert_type(fl.map(str.upper, ["a"], strategy=fl.Dask("tcp://127.0.0.1:8786", chunk=0.5)), fl.Run)
    assert_type(run.wait(), fl.Run)
    assert_type(run.frame(), pl.DataFrame)
    assert_type(run.stats().eta, float | None)
    run.workers = 5
    for result in run:
        assert_type(result.attempts, int)
    files = fl.download(["http://127.0.0.1/a.bin"], to="data", digest={"http://127.0.0.1/a.bin": "sha256:00"})
    assert_type(files, fl.Run)
    kept = fl.fetch(["http://127.0.0.1/json"], journal=fl.Journal("j.db", batch_size=100))
    assert_type(kept.stats().earlier, int)
    cache = fl.Cache("c.db", shared="redis://127.0.0.1:6379/0")
    assert_type(cache.shared, str | None)
    assert_type(cache.stats().hits_shared, int)
    sweep = fl.sweep(["http://127.0.0.1/json"], (1, 2, 4), parse="json")
    assert_type(sweep, fl.Sweep)
    assert_type(sweep.recommended, int)
    assert_type(sweep.predict(1000).seconds, float)
    with fl.Journal.open("j.db") as journal:
        assert_type(journal.sessions(), pl.DataFrame)
        assert_type(journal.stats(), fl.RunStats | None)
    assert_type(fl.studies.library.Library("media", "http://127.0.0.1", "key").match(), fl.Run)
    with fl.Browser(block=("image",)) as browser:
        assert_type(browser.stats().memory, int)
        assert_type(browser.stats(), fl.BrowserStats)
    timeline = fl.studies.timeline.Timeline("http://127.0.0.1", token="t", browser=browser)
    assert_type(timeline.collect(["somebody"], "auto", fields=["text"]), fl.Run)
    assert_type(timeline.frame("media"), pl.DataFrame)
    charts = fl.studies.charts
    lists = charts.fetch_category_lists(["us"], ["SOCIAL"], base_url="http://127.0.0.1")
    assert_type(lists[0][0].title, str)
    assert_type(lists[0].error, Exception | None)
    assert_type(charts.fetch_top_apps(["us"], ["SOCIAL"])["us"]["SOCIAL"], charts.Listing[charts.App])
    assert_type(charts.fetch_category_lists(["us"], ["SOCIAL"], wait=False), fl.Run)
    store = charts.BatchFetcher(workers=5)
    assert_type(store.apps(["com.a"]), list[charts.Details | None])
    assert_type(store.reviews(["com.a"])[0], charts.Listing[charts.Review])
    assert_type(store.search(["weather"], wait=False), fl.Run)
    assert_type(fl.notebook.monitor("j.db").wait().standing.state, str)
