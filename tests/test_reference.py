"""The published figures: complete, typed, and exactly as printed."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from fetchlab import reference
from fetchlab.errors import ConfigError

FILES = Path(__file__).parents[1] / "data" / "reference"


@pytest.fixture(scope="module")
def figures():
    return reference.load(folder=FILES)


def interval(figures, seed, table, row, quantity):
    found = figures.filter(seed=seed, table=table, row=row, quantity=quantity)
    assert found.height == 1, (seed, table, row, quantity, found.height)
    return found.select("low", "high", "unit").row(0)


def point(value, unit):
    return (value, value, unit)


def test_schema_is_typed_and_complete(figures):
    """A column lost or read as text would break every "published against measured" table."""
    assert figures.schema == reference.SCHEMA
    assert figures["seed"].unique(maintain_order=True).to_list() == list(reference.SEEDS)
    assert (
        figures.select("table", "row", "quantity", "unit", "seed", "line")
        .null_count()
        .sum_horizontal()
        .item()
        == 0
    )


def test_units_are_a_closed_set(figures):
    """A unit nobody uses, or a second spelling of one, would make figures that cannot be compared."""
    assert set(figures["unit"].unique()) == set(reference.UNITS)


def test_files_are_one_per_seed():
    """A row filed under another document would be quoted with a wrong source."""
    for number, study in reference.SEEDS.items():
        assert reference.load(number, FILES)["seed"].unique().to_list() == [number]
        assert reference.load(study, FILES).equals(reference.load(number, FILES))
    assert sorted(p.name for p in FILES.glob("*.csv")) == [f"{n}-{s}.csv" for n, s in reference.SEEDS.items()]


def test_intervals_have_an_end_and_are_ordered(figures):
    """A swapped or empty interval would turn a claim into its opposite, or into nothing."""
    assert figures.filter(pl.col("low") > pl.col("high")).is_empty()
    assert figures.filter(pl.col("low").is_null() & pl.col("high").is_null()).is_empty()
    assert figures.filter((pl.col("low") < 0) | (pl.col("high") < 0)).is_empty()
    assert figures.filter(pl.col("line") < 1).is_empty()


def test_no_claim_stands_twice(figures):
    """Two rows for one cell of a published table would make a lookup ambiguous."""
    assert not figures.select("seed", "table", "row", "quantity", "line").is_duplicated().any()


@pytest.mark.parametrize(
    ("pages", "before", "after", "speedup"),
    [
        (10, 2, (None, 1), (2, 3)),
        (100, 20, (1, 2), (10, 20)),
        (1000, 200, (10, 15), (13, 20)),
        (1412, 282, (14, 28), (10, 20)),
    ],
)
def test_catalogue_table(figures, pages, before, after, speedup):
    """A mistyped cell of seed 000's table would move the bar its study has to clear."""
    row = ("000", "speed-improvements", f"{pages} pages")
    assert interval(figures, *row, "pages") == point(pages, "pages")
    assert interval(figures, *row, "time_before") == point(before, "s")
    assert interval(figures, *row, "time_after") == (*after, "s")
    assert interval(figures, *row, "speedup") == (*speedup, "x")


def test_catalogue_contradictions_all_stand(figures):
    """Dropping the claims that disagree would hide that the document promises 10x and 50x for one job."""
    speedups = figures.filter(pl.col("line").is_in([24, 34, 160, 164]), seed="000", quantity="speedup")
    assert speedups.select("low", "high", "line").rows() == [
        (20, 50, 24),
        (10, 20, 34),
        (10, 20, 160),
        (20, 20, 164),
    ]


def test_catalogue_settings(figures):
    """A wrong default would run the study with other knobs than the published ones."""
    assert interval(figures, "000", "parameters", "--parallel-pages", "default") == point(20, "pages")
    assert interval(figures, "000", "parameters", "--parallel-pages", "recommended_range") == (5, 50, "pages")
    assert interval(figures, "000", "parameters", "--batch-size", "default") == point(50, "count")
    assert interval(figures, "000", "expected-timeline", "Movie Details", "time") == (2, 4, "h")


def test_library_targets(figures):
    """The target that seed 001 missed has to stand beside what it reached."""
    assert interval(figures, "001", "baseline-performance", "files", "rate") == point(183.6, "items/s")
    assert interval(figures, "001", "optimized-performance", "files", "rate") == point(181.1, "items/s")
    assert interval(figures, "001", "performance-targets", "Target Speed", "target_rate") == (
        500,
        None,
        "items/s",
    )
    assert interval(figures, "001", "performance-targets", "Memory Usage", "memory") == (None, 100, "MB")


def test_timeline_rates(figures):
    """Target and arithmetic disagree in seed 002 (5-10 and 12 posts/s): both have to be there."""
    assert interval(figures, "002", "current-state", "average", "rate") == point(1.5, "items/s")
    assert interval(figures, "002", "goal", "target", "rate") == (5, 10, "items/s")
    assert interval(figures, "002", "parallel-fetcher", "fast mode", "rate") == point(12, "items/s")
    assert interval(figures, "002", "do-not-skip", "conservative scroll amounts", "scroll_amount") == (
        400,
        800,
        "px",
    )


FIFTEEN = {
    "Asyncio+Executor": (0.67, 22.4, 2248, 7.68),
    "Batch-ALL": (0.69, 21.7, 2175, 7.43),
    "Batch-5chunk": (1.24, 12.1, 1214, 4.15),
    "ThreadPool-10": (1.24, 12.1, 1205, 4.12),
    "ThreadPool-5": (1.32, 11.4, 1136, 3.88),
    "Sequential": (5.12, 2.9, 293, 1.00),
}
NINE = {"Batch-ALL": (0.68, 900, 4.98), "Batch-3chunk": (1.08, 900, 3.14), "Sequential": (3.39, 900, 1.00)}
TWENTY_FIVE = {
    "Batch-ALL": (1.25, 20.05, 7.97),
    "Batch-5chunk": (2.82, 8.85, 3.52),
    "Sequential": (9.94, 2.51, 1.00),
}


@pytest.mark.parametrize(
    ("table", "cells", "columns"),
    [
        (
            "comparison-15-requests",
            FIFTEEN,
            (("time", "s"), ("request_rate", "requests/s"), ("rate", "items/s"), ("speedup", "x")),
        ),
        ("comparison-9-requests", NINE, (("time", "s"), ("apps", "count"), ("speedup", "x"))),
        (
            "comparison-25-requests",
            TWENTY_FIVE,
            (("time", "s"), ("request_rate", "requests/s"), ("speedup", "x")),
        ),
    ],
)
def test_charts_tables(figures, table, cells, columns):
    """A mistyped cell of seed 003's three tables would rank the strategies wrongly."""
    rows = figures.filter(pl.col("row") != "all rows", seed="003", table=table)
    assert rows["row"].unique(maintain_order=True).to_list() == list(cells)
    for arm, values in cells.items():
        for value, (quantity, unit) in zip(values, columns, strict=True):
            assert interval(figures, "003", table, arm, quantity) == point(value, unit)


@pytest.mark.parametrize(
    ("length", "scenes", "before", "after", "speedup", "saved"),
    [
        (3, 22, 3.0, 0.7, 4.3, 2.3),
        (5, 37, 5.0, 1.0, 5.0, 4.0),
        (10, 75, 10.0, 2.0, 5.0, 8.0),
        (15, 113, 15.1, 3.1, 4.9, 12.0),
    ],
)
def test_storyboard_script_table(figures, length, scenes, before, after, speedup, saved):
    """A mistyped cell of seed 004's script table would move the 5x its study has to clear."""
    row = ("004", "script-generation", f"{length} minutes")
    assert interval(figures, *row, "scenes") == point(scenes, "count")
    assert interval(figures, *row, "time_before") == point(before, "min")
    assert interval(figures, *row, "time_after") == point(after, "min")
    assert interval(figures, *row, "speedup") == point(speedup, "x")
    assert interval(figures, *row, "time_saved") == point(saved, "min")


@pytest.mark.parametrize(("videos", "after"), [(5, 1), (10, 2), (20, 4)])
def test_storyboard_download_table(figures, videos, after):
    """A mistyped cell of seed 004's download table would move the 5x its study has to clear."""
    row = ("004", "video-downloads", f"{videos} videos")
    assert interval(figures, *row, "time_before") == point(videos, "min")
    assert interval(figures, *row, "time_after") == point(after, "min")
    assert interval(figures, *row, "speedup") == point(5, "x")
    assert interval(figures, *row, "time_saved") == point(videos - after, "min")


def test_unknown_seed_is_refused():
    """A typo has to name the seeds there are, not end in a missing file."""
    with pytest.raises(ConfigError, match=r"seed: '005' is none of '000' \(catalogue\)"):
        reference.load("005")


def test_folder_comes_before_environment(tmp_path, monkeypatch):
    """A stale environment variable must not win over an explicit argument."""
    monkeypatch.setenv("FETCHLAB_DATA", str(tmp_path))
    assert reference.load("000", FILES).height > 0
    assert reference.load("000", str(FILES.parent)).height > 0


def test_environment_comes_before_the_working_folder(tmp_path, monkeypatch):
    """An installed wheel has no checkout around it: FETCHLAB_DATA is how it finds the files."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FETCHLAB_DATA", str(FILES.parent))
    assert reference.load("003").height == reference.load("003", FILES).height


@pytest.mark.parametrize("knob", ["folder", "FETCHLAB_DATA"])
def test_a_place_without_the_files_is_refused(tmp_path, monkeypatch, knob):
    """Falling back silently would read other figures than the ones asked for."""
    monkeypatch.setenv("FETCHLAB_DATA", str(tmp_path))
    with pytest.raises(ConfigError, match=f"{knob}: .*does not hold 000-catalogue.csv"):
        reference.load("000", tmp_path if knob == "folder" else None)


def test_found_from_a_folder_below(tmp_path, monkeypatch):
    """A notebook runs in notebooks/, a level below the data."""
    monkeypatch.delenv("FETCHLAB_DATA", raising=False)
    (tmp_path / "data" / "reference").mkdir(parents=True)
    text = "table,row,quantity,low,high,unit,seed,line\nmine,a,time,,1,s,000,7\n"
    (tmp_path / "data" / "reference" / "000-catalogue.csv").write_text(text, encoding="utf-8")
    (tmp_path / "notebooks" / "deep").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "notebooks" / "deep")
    assert reference.load("000").row(0) == ("mine", "a", "time", None, 1.0, "s", "000", 7)


def test_nowhere_says_what_to_set(tmp_path, monkeypatch):
    """Without any data folder the message has to name both ways out."""
    monkeypatch.delenv("FETCHLAB_DATA", raising=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(reference, "__file__", str(tmp_path / "lib" / "fetchlab" / "reference.py"))
    with pytest.raises(ConfigError, match=r"give folder=, or set FETCHLAB_DATA"):
        reference.load()
