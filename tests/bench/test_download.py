"""The download benchmark: arms that did the same work, and a table that says so."""

from __future__ import annotations

import shutil

import pytest

import fetchlab as fl
from fetchlab.bench import download as bench
from fetchlab.bench import nginx

SIZE = 300_000


def test_a_small_round(echo, tmp_path):
    """Otherwise the benchmark would be found broken on the day it is needed."""
    urls = [f"{echo}/download/{SIZE}?etag={number}" for number in range(2)]
    rows = bench.downloads(urls, SIZE, folder=tmp_path, rounds=2)
    assert rows["error"].null_count() == len(rows)
    assert set(rows["bytes"]) == {2 * SIZE}
    assert not list(tmp_path.iterdir()), "what was downloaded stays on the disk"
    table = bench.table(rows)
    arms = {bench.OURS, bench.CURL, bench.SYNCED} if shutil.which("curl") else {bench.OURS}
    assert set(table["arm"]) == arms
    assert (table["mb_per_s"] > 0).all()


@pytest.mark.skipif(nginx.find() is None, reason="nginx is not installed")
def test_the_files_that_are_served(tmp_path):
    """Files that are equal, or of another size, would let a mix-up pass."""
    with bench.served(2, SIZE, tmp_path) as urls:
        run = fl.fetch(urls)
        one, two = run.result()
    assert len(one) == len(two) == SIZE
    assert one != two
    assert not list(tmp_path.iterdir())


def test_an_arm_that_did_less_has_no_time(echo, tmp_path, monkeypatch):
    """Half the bytes in half the time is no speed."""
    monkeypatch.setattr(bench, "_curl", lambda urls, into, sync=False: (into / "0").write_bytes(b"x"))
    monkeypatch.setattr(bench.shutil, "which", lambda name: name)
    rows = bench.downloads([f"{echo}/download/{SIZE}"], SIZE, folder=tmp_path, rounds=1)
    failed = rows.filter(rows["arm"] != bench.OURS)
    assert failed["seconds"].null_count() == len(failed)
    assert "not of" in failed["error"][0]
