"""``testbed``, ``bench``, ``demo``, ``notebooks`` and ``lab``."""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import re
import signal
import time

import nbformat
import polars as pl
import pytest

import fetchlab as fl
from fetchlab.bench import record


def served(child):
    """The URLs that the testbed command prints, wire by wire."""
    urls = {}
    for line in child.stdout:
        if line.startswith("Ctrl-C"):
            return urls
        found = re.fullmatch(r"(\w+) +(http://\S+)\n", line)
        if found:
            urls[found[1]] = found[2]
    raise AssertionError(child.stderr.read())


def get(url, path):
    host = url.removeprefix("http://")
    line = http.client.HTTPConnection(host, timeout=30)
    try:
        line.request("GET", path)
        response = line.getresponse()
        return response.status, response.read()
    finally:
        line.close()


def patiently(url, path):
    """Ask a server that announces itself before it listens."""
    deadline = time.monotonic() + 30
    while True:
        try:
            return get(url, path)
        except ConnectionRefusedError:
            assert time.monotonic() < deadline, "the server never listened"


def test_the_testbed_serves_until_ctrl_c(process):
    """A server that leaves a stack trace, or itself, behind would be started with care only."""
    child = process("testbed", "--port", 0, "--set", "html200=1.0")
    urls = served(child)
    assert {"catalogue", "echo", "echo2"} <= set(urls)
    status, body = get(urls["catalogue"], "/api/v2/list_movies.json?limit=1")
    assert (status, body[:5]) == (200, b"<!DOC"), "the setting is not in force"
    child.send_signal(signal.SIGINT)
    out, err = child.communicate(timeout=30)
    assert child.returncode in (0, 130)
    assert "Traceback" not in out + err
    with pytest.raises(OSError):
        get(urls["echo"], "/json")


def test_the_testbed_says_when_its_ports_are_others(process):
    """Whoever has the usual URLs in a notebook must be told that they lead elsewhere."""
    with fl.testbed.serve(port=0) as first:
        child = process("testbed", "--port", first.port)
        assert f"Port {first.port} is taken" in child.stdout.readline()
        assert served(child)["catalogue"] != first.urls["catalogue"]


def test_the_bench_prints_the_table_and_keeps_the_rows(fetchlab, tmp_path):
    """Without its raw rows and settings a table cannot be checked."""
    words = [
        "--rounds",
        "1",
        "--pages",
        "2",
        "--pages",
        "5",
        "--workers",
        "3",
        "--latency",
        "0.002",
        "--seed",
        "9",
        "--out",
        "raw",
    ]
    said = fetchlab("bench", "catalogue", *words, "--out", "raw")
    assert said.code == 0
    assert "List pages, seconds" in said.out
    assert "round 1/1: 5 pages" in said.out
    (path,) = (tmp_path / "raw").glob("catalogue-*.parquet")
    rows, about = record.read(path)
    assert set(rows["arm"]) == {"2 pages", "5 pages", "one by one", "one by one, paused"}
    assert about["settings"]["seed"] == 9
    assert about["settings"]["latency"] == 0.002


def test_the_download_bench(fetchlab, tmp_path):
    """The budget for downloads is measured with it, with or without nginx and curl."""
    said = fetchlab("bench", "download", "--files", 2, "--mb", 1, "--rounds", 1, "--out", "raw")
    assert said.code == 0
    assert "fl.download" in said.out
    (path,) = (tmp_path / "raw").glob("download-*.parquet")
    rows, about = record.read(path)
    assert set(rows["bytes"]) == {2_000_000}
    assert about["settings"]["files"] == 2


def test_the_demo_does_the_whole_job(fetchlab, tmp_path):
    """It is the first thing a newcomer runs, and the only thing some ever will."""
    said = fetchlab("demo", "--no-notebook", "--details", 50, "--out", "made")
    assert said.code == 0
    assert "70,613 unique ids, 0 missing, 0 pages failed." in said.out
    assert "14–28 s" in said.out or "–" in said.out
    assert re.search(r"^\d{4}s ", said.out, re.MULTILINE), "a decade is a name, not a number"
    assert pl.read_parquet(tmp_path / "made" / "demo-movies.parquet").height == 50
    assert fl.load(tmp_path / "made" / "demo-ids").stats().done == 1413
    assert (tmp_path / "made" / "demo-ids" / "requests.svg").read_text().startswith("<svg")


def test_notebooks_are_executed_with_parameters(fetchlab, tmp_path):
    """`-p name=value` is how a notebook is tried quickly before it is run for hours."""
    book = nbformat.v4.new_notebook()
    book.cells = [
        nbformat.v4.new_code_cell("count, name = 1, 'x'\n", metadata={"tags": ["parameters"]}),
        nbformat.v4.new_code_cell("print(count + 1, name)"),
    ]
    book.cells[0].source = "count = 1\nname = 'x'"
    nbformat.write(book, tmp_path / "small.ipynb")
    said = fetchlab("notebooks", "small.ipynb", "--out", "done", "-p", "count=41", "-p", "name=plain text")
    assert said.code == 0
    executed = nbformat.read(tmp_path / "done" / "small.ipynb", as_version=4)
    assert executed.cells[-1].outputs[0].text == "42 plain text\n"


@pytest.fixture
def book(tmp_path):
    """``book(code)`` writes ``books/small.ipynb`` with a parameter and a cell of this code."""

    def write(code):
        made = nbformat.v4.new_notebook()
        made.cells = [
            nbformat.v4.new_code_cell("count = 1", metadata={"tags": ["parameters"]}),
            nbformat.v4.new_code_cell(code),
        ]
        (tmp_path / "books").mkdir()
        nbformat.write(made, tmp_path / "books" / "small.ipynb")

    return write


def test_a_notebook_is_shared_with_parameters(fetchlab, tmp_path, book):
    """Progress, files and digests are said; what is written is what a colleague opens."""
    book("print(count + 1)")
    said = fetchlab("share", "books/small.ipynb", "-p", "count=41", "--out", "sent")
    assert said.code == 0
    assert "cell 3 of 3" in said.out
    for name in ("small.ipynb", "small.html"):
        digest = hashlib.sha256((tmp_path / "sent" / name).read_bytes()).hexdigest()
        assert re.search(rf"written to sent/{name}, \d+ KB, SHA-256 {digest}", said.out)
    assert "42" in (tmp_path / "sent" / "small.html").read_text()


def test_what_must_not_be_shared_is_listed_with_exit_code_1(fetchlab, tmp_path, book):
    """A script that publishes must stop; --force goes on in spite of paths and says so."""
    book("print('/home/' + 'somebody/x')")
    said = fetchlab("share", "books/small.ipynb")
    assert said.code == 1
    assert "fetchlab: small.ipynb is not shared, nothing was written:" in said.err
    path = "/home" + "/somebody/x"  # put together: the project's own files name none
    assert f"cell 2, In [2] output: a path in a home folder: {path}" in said.err
    assert not (tmp_path / "shared").exists()
    said = fetchlab("share", "books/small.ipynb", "--force")
    assert said.code == 0
    assert "shared in spite of cell 2, In [2] output: a path in a home folder" in said.out
    assert (tmp_path / "shared" / "small.html").exists()


def test_bad_words_to_share_are_told_by_their_flag(fetchlab, book):
    """`-p count` without a value must not execute an hour of defaults."""
    book("raise SystemExit")
    for words, told in {
        ("-p", "count"): "--parameter: give name=value, not 'count'",
        ("-p", "cuont=1"): "--parameter: small.ipynb has count, not cuont",
        ("--out", "books"): "--out: books holds the notebook itself, which is not to be replaced",
    }.items():
        said = fetchlab("share", "books/small.ipynb", *words)
        assert (said.code, said.err) == (2, f"fetchlab: {told}\n")
    assert fetchlab("share", "absent.ipynb").err == "fetchlab: NOTEBOOK: absent.ipynb is not a file\n"


def test_the_lab_serves_the_notebooks_with_the_testbed_beside(process, tmp_path):
    """Open to this machine only, with its token on, and the testbed's URLs in every kernel."""
    (tmp_path / "books").mkdir()
    with fl.testbed.serve(port=0) as free:
        port = free.port
    child = process("lab", "books", "--no-browser", "--port", port, start_new_session=True)
    try:
        for line in child.stderr:
            found = re.search(r"http://127\.0\.0\.1:(\d+)/lab\?token=(\w+)", line)
            if found:
                break
        assert "catalogue http://127.0.0.1:" in child.stdout.readline()
        assert patiently(f"http://127.0.0.1:{found[1]}", "/api/contents")[0] == 403
        status, body = get(f"http://127.0.0.1:{found[1]}", f"/api/contents?token={found[2]}")
        assert (status, json.loads(body)["type"]) == (200, "directory")
    finally:
        os.killpg(child.pid, signal.SIGTERM)
