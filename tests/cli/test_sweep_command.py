"""``fetchlab sweep``: a list of URLs in, a recommended number of workers out."""

from __future__ import annotations

import pytest

import fetchlab as fl

QUICK = ("--rounds", 1, "--seconds", 0.1)


@pytest.fixture
def listed(tmp_path, bed, echo):
    """A list of forty URLs."""
    bed.configure(latency=0.01)
    (tmp_path / "urls.txt").write_text("".join(f"{echo}/json?n={number}\n" for number in range(40)))
    return "urls.txt"


def test_a_list_is_swept(fetchlab, listed, tmp_path):
    """The table, the advice and the time for the whole job are what somebody wants before it."""
    words = ("--items", 1000, "--out", "raw", "--plot", "chart.svg", "--header", "X-Who: me")
    said = fetchlab("sweep", listed, "--workers", "1,2,4", *QUICK, *words)
    assert said.code == 0, said.err
    assert "efficiency" in said.out
    assert "Recommended: " in said.out
    assert "Predicted: 1,000 items in " in said.out
    assert "<svg" in (tmp_path / "chart.svg").read_text()
    assert set(fl.Sweep.load(tmp_path / "raw").frame()["workers"]) == {1, 2, 4}


@pytest.mark.parametrize("workers", ["few", "0,2", "2,2", "", "100"])
def test_wrong_numbers_name_their_flag(fetchlab, listed, workers):
    """The knob's name as the user typed it."""
    said = fetchlab("sweep", listed, "--workers", workers, *QUICK)
    assert said.code == 2
    assert said.err.startswith(("fetchlab: --workers: ", "fetchlab: URLS: "))


def test_a_dead_list_is_a_failure(fetchlab, tmp_path, refused):
    """A script must not go on with a number that nobody measured."""
    (tmp_path / "dead.txt").write_text(f"{refused}\n" * 3)
    said = fetchlab("sweep", "dead.txt", "--workers", "1", *QUICK)
    assert said.code == 1
    assert "ConnectFailed" in said.out
