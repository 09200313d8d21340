"""The library's tables: their arithmetic on rounds made up, and every way to do every phase once."""

from __future__ import annotations

import polars as pl
import pytest

import fetchlab as fl
from fetchlab.bench import library, library_arms, library_cases, library_memory, library_tables
from fetchlab.bench.library_shelf import CONCURRENCY, Shelf
from fetchlab.errors import ConfigError

from .made import rounds

COUNT = 16
ALL = [
    "parse: off", "parse: alone", "parse: on", "cache: off", "cache: on", "cache: warm", "discovery: off",
    "discovery: on", "local discovery: off", "local discovery: on", "local discovery: parallel", "whole: off",
    "whole: on", "whole: warm", "whole: capped",
]  # fmt: skip


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """Every way, once: its measurement, the testbed's requests, its ideal."""
    with fl.testbed.serve(port=0) as bed:
        shelf = Shelf.made(tmp_path_factory.mktemp("library"), bed.urls["tmdb"], COUNT)
        ways = library_arms.ways(shelf, off=True, capped=True, latency=0.01, cap=500.0)
        arms = library.arms(bed, shelf, capped=True, latency=0.01, cap=500.0)
        assert sorted(ways) == sorted(arms) == sorted(ALL)
        found = {}
        for name, arm in arms.items():
            bed.reset_counters()
            found[name] = arm(), bed.counters("tmdb")["requests"], ways[name].least
        return shelf, found


def test_every_way_does_all_of_the_library(done):
    """An arm that loses a file is fast, too."""
    _, found = done
    for measured, _, least in found.values():
        assert (measured.items, measured.ok) == (COUNT, COUNT)
        assert measured.more["ideal"] == least > 0
        assert least.why


def test_what_is_off_asks_for_every_file_and_what_is_on_once(done):
    """Otherwise the ratio would be of something else; counted by the service."""
    shelf, found = done
    for phase in ("cache", "whole"):
        off, served, _ = found[f"{phase}: off"]
        assert off.more["lookups"] == served == len(shelf.asked) > COUNT
        on, served, _ = found[f"{phase}: on"]
        assert on.more["lookups"] == off.more["lookups"]
        counted = sum(on.more[name] for name in ("searches", "seasons", "fallbacks"))
        assert counted == on.more["requests"] == served == len(shelf.answers) < off.more["requests"]
        warm, served, _ = found[f"{phase}: warm"]
        assert served == warm.more["requests"] == 0


def test_parsing_off_is_guessit_alone(done):
    """And on it is both, each with its count."""
    _, found = done
    assert found["parse: off"][0].more["guessit"] == COUNT
    on = found["parse: on"][0].more
    assert on["fast"] + on["guessit"] == COUNT
    assert on["fast"] > on["guessit"]


def test_a_slow_disk_is_walked_in_parallel_and_this_one_is_not(done):
    """Both decisions are the walk's own, and seen in the table."""
    _, found = done
    assert found["discovery: on"][0].more["threads"] == CONCURRENCY
    assert found["discovery: off"][0].more["threads"] == 1
    assert found["local discovery: parallel"][0].more["threads"] > 1


def test_ideals_are_of_the_work_that_there_is(done):
    """By hand: folders after the first on 16 threads, requests on 16 workers or two answers in a row."""
    shelf, found = done
    least = {name: float(one[2]) for name, one in found.items()}
    assert least["discovery: off"] == pytest.approx(0.005 * shelf.folders)
    assert least["discovery: on"] == pytest.approx(0.005 * (1 + -(-(shelf.folders - 1) // 16)))
    assert least["cache: on"] == pytest.approx(0.01 * max(2, -(-len(shelf.answers) // 16)))
    assert least["whole: capped"] >= (len(shelf.answers) - 1) / 500
    assert least["whole: on"] == max(least["parse: on"], least["cache: on"])
    assert least["whole: off"] == pytest.approx(least["parse: off"] + least["cache: off"])


def test_a_phase_is_compared_for_a_notebook(done, bed):
    """Its table is that of the bench, with the noise beside; what is no phase is refused."""
    shelf, found = done
    shelf.url = bed.urls["tmdb"]
    case = library_cases.case(bed, shelf, "cache", rounds=2, latency=0.005, progress=False)
    rows = {row["way"]: row for row in case.table().iter_rows(named=True)}
    assert list(rows) == ["off", "on", "warm", "off (A/A)"]
    assert rows["on"]["requests"] == found["cache: on"][0].more["requests"]
    assert rows["off"]["lookups"] == rows["off (A/A)"]["lookups"] == len(shelf.asked)
    assert rows["on"]["efficiency"] == pytest.approx(case.ways["on"].least / rows["on"]["median_s"])
    assert rows["off (A/A)"]["ideal_s"] == rows["off"]["ideal_s"]
    with pytest.raises(ConfigError, match="phase"):
        library_cases.case(bed, shelf, "parsing")


def made_up():
    seconds = {
        "417 whole: off": (4.0, 417), "417 whole: on": (1.0, 417), "417 whole: warm": (0.1, 417),
        "10000 whole: on": (12.5, 10_000), "10000 whole: warm": (4.0, 10_000),
        "417 parse: off": (3.0, 417), "417 parse: alone": (0.5, 417), "417 discovery: on": (0.05, 417),
    }  # fmt: skip
    scan = pl.col("seconds") * 0.25
    return rounds(seconds, ideal=0.045).with_columns(scan_s=scan, match_s=pl.col("seconds") - scan)


def test_the_whole_stands_beside_what_was_published():
    """417 files in 2.30 s, 181.1 a second; of other numbers nothing was published."""
    table = library_tables.phase(made_up(), "whole")
    same = {row["way"]: row for row in table.filter(files=417).iter_rows(named=True)}
    assert {(row["published_s"], row["published_per_s"]) for row in same.values()} == {(2.30, 181.1)}
    assert list(same) == ["off", "on", "warm"]
    assert same["on"]["ratio"] == pytest.approx(0.25)
    assert same["on"]["verdict"] == "faster"
    assert same["warm"]["efficiency"] == pytest.approx(0.45)
    others = table.filter(files=10_000)
    assert others["published_s"].null_count() == others["ratio"].null_count() == others.height == 2


def test_claims_are_held_against_what_was_asked():
    """A rate that is a little less is a no, however fast that looks."""
    table = library_tables.claims(made_up())
    rows = {(row["claim"], row["files"]): row for row in table.iter_rows(named=True)}
    told = {key: (row["measured"], row["met"]) for key, row in rows.items()}
    assert told["cold, files/s", 10_000] == (pytest.approx(800), "yes")
    assert told["warm, files/s", 10_000] == (pytest.approx(2_500), "yes")
    assert told["cold, files/s", 417] == (pytest.approx(417), "–")
    assert told["one process, × guessit's names/s", 417] == (pytest.approx(6), "yes")
    assert told["5 ms a folder, share of the ideal", 417] == (pytest.approx(0.9), "yes")


def test_shares_add_up():
    """Where the time goes is what the next improvement is chosen by."""
    table = library_tables.shares(made_up())
    assert table["files"].to_list() == [417, 417, 417, 10_000, 10_000]
    assert table["way"].to_list() == ["off", "on", "warm", "on", "warm"]
    assert (table["scan"] + table["match"]).to_list() == pytest.approx([1.0] * 5)


def test_rounds_without_a_phase_have_no_table():
    """Whoever measures one number of files gets the tables that there are."""
    assert library_tables.phase(made_up(), "cache").is_empty()
    assert library_tables.shares(made_up().filter(pl.col("arm") == "417 parse: off")).is_empty()


def test_memory_is_told_by_file_and_beside_its_floor():
    """Bytes beside the data's own, the default named; the peak beside that of the imports alone."""
    arms = dict.fromkeys((library_memory.NOTHING, *library_memory.HELD, library_memory.WHOLE), (1.0, 100))
    which = pl.col("arm").replace_strict(
        {
            "imports alone": 0.0,
            "columns": 20e3,
            "objects": 40e3,
            "objects, interned": 30e3,
            "scan and match": 0.0,
        }
    )
    peak = pl.when(pl.col("arm") == library_memory.WHOLE).then(90_000_000).otherwise(60_000_000)
    rows = rounds(arms, files=100.0, data=10e3).with_columns(held=which, rss_peak=peak.cast(pl.UInt64))
    held = {row["way"]: row for row in library_memory.held(rows).iter_rows(named=True)}
    assert [row["bytes_a_file"] for row in held.values()] == [200.0, 400.0, 300.0]
    assert [row["efficiency"] for row in held.values()] == pytest.approx([0.5, 0.25, 1 / 3])
    assert held["objects"]["ratio"] == pytest.approx(2.0)
    assert [row["default"] for row in held.values()] == [True, False, False]
    (row,) = library_memory.peaks(rows, 10_000).to_dicts()
    assert (row["peak"], row["ideal"], row["efficiency"]) == (90.0, 60.0, pytest.approx(2 / 3))
    assert (row["budget"], row["met"]) == (100.0, "yes")
    assert library_memory.peaks(rows, 7)["met"].item() == "–"


@pytest.mark.parametrize("what", [library_memory.NOTHING, *library_memory.HELD, library_memory.WHOLE])
def test_memory_is_measured_in_a_process_of_its_own(done, bed, what):
    """What this process held before would count, too."""
    shelf, _ = done
    measured = library_memory.arms(str(shelf.root), bed.urls["tmdb"], COUNT)[what]()
    assert measured.rss_peak > 20e6
    if what in library_memory.HELD:
        assert measured.more["files"] >= COUNT
        assert measured.more["data"] > 17 * COUNT
