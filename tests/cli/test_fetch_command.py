"""``fetchlab fetch``: what it reads, sends, writes, says and exits with."""

from __future__ import annotations

import base64
import json
import signal
import subprocess
import sys
import time

import polars as pl
import pytest

from fetchlab.cli import inputs, output


@pytest.fixture
def listed(tmp_path):
    """``listed(urls)`` writes a list, a URL per line."""

    def write(urls, name="urls.txt"):
        (tmp_path / name).write_text("".join(f"{url}\n" for url in urls))
        return name

    return write


def until(happened, child):
    """Ask until an event comes about; fail if it never does, or the process has ended."""
    deadline = time.monotonic() + 30
    while not happened():
        assert child.poll() is None, child.communicate()
        assert time.monotonic() < deadline, "the event did not happen"


def test_a_list_becomes_a_table_of_bodies_and_timings(fetchlab, echo, listed, tmp_path):
    """The command that everybody types first; comments and blank lines are no URLs."""
    urls = ["# mine", "", *(f"  {echo}/bytes/{n}\r" for n in range(30))]
    said = fetchlab("fetch", listed(urls), "--workers", 4, "--out", "new/out.parquet")
    assert said.code == 0
    assert "30 rows written to new/out.parquet" in said.out
    table = pl.read_parquet(tmp_path / "new" / "out.parquet").sort("index")
    assert table["value"].dtype == pl.Binary
    assert [len(body) for body in table["value"]] == list(range(30))
    assert table["bytes"].to_list() == list(range(30))
    assert set(table.columns) >= {"key", "host", "status", "attempts", "started", "elapsed"}
    assert [file.name for file in (tmp_path / "new").iterdir()] == ["out.parquet"]


def test_json_becomes_columns_across_parts(fetchlab, echo, listed, tmp_path, monkeypatch):
    """Parts that look different must make one table, in which no field is mistaken for a timing."""
    monkeypatch.setattr(output, "ROWS", 3)
    bodies = [
        {"id": 1, "host": "a", "tags": {"x": 1}},
        {"id": 2, "odd": 5, "tags": {}},
        {"id": 3, "odd": [5]},
        {"id": 4, "odd": None, "tags": {"y": None}, "void": {}},
        {"id": 5, "big": 2**70, "host": "b", "void": {}},
        {"id": 6, "odd": {"deep": "ä"}, "void": {}},
        {"id": 7, "void": {"z": True}},
    ]
    said = fetchlab(
        "fetch", listed(said_by(echo, bodies)), "--parse", "json", "--out", "out.parquet", "--order", "input"
    )
    assert said.code == 0, said
    table = pl.read_parquet(tmp_path / "out.parquet")
    assert table["id"].to_list() == [1, 2, 3, 4, 5, 6, 7]
    assert table["big"].drop_nulls().to_list() == [str(2**70)]
    assert table["host"].to_list() == ["a", None, None, None, "b", None, None]
    assert table["run.host"].to_list() == [echo] * 7
    assert table["odd"].to_list() == [None, "5", "[5]", None, None, '{"deep": "ä"}', None]
    assert "as JSON text: big, odd" in said.out
    assert [json.loads(text) if isinstance(text, str) else text for text in table["void"]][3:] in (
        [{}, {}, {}, {"z": True}],
        [{"z": None}, {"z": None}, {"z": None}, {"z": True}],
    )


def said_by(echo, bodies):
    """URLs of a wire that answers with these bodies."""
    return [
        f"{echo}/base64/{base64.urlsafe_b64encode(json.dumps(body).encode()).decode()}" for body in bodies
    ]


def test_json_to_lines_and_to_csv(fetchlab, echo, listed, tmp_path, monkeypatch):
    """JSON Lines nest, CSV cannot: there a nested field is JSON text. A second part has no second header."""
    monkeypatch.setattr(output, "ROWS", 2)
    urls = listed([f"{echo}/json?n={n}" for n in range(3)])
    assert fetchlab("fetch", urls, "--parse", "json", "--out", "out.jsonl").code == 0
    lines = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert sorted((line["index"], line["value"]["args"]["n"]) for line in lines) == [
        (0, "0"),
        (1, "1"),
        (2, "2"),
    ]
    assert {line["status"] for line in lines} == {200}
    said = fetchlab("fetch", urls, "--parse", "json", "--out", "out.csv")
    assert "as JSON text: args" in said.out
    table = pl.read_csv(tmp_path / "out.csv").sort("index")
    assert [json.loads(text) for text in table["args"]] == [{"n": "0"}, {"n": "1"}, {"n": "2"}]
    assert table["wire"].to_list() == ["echo"] * 3


def test_json_that_is_no_dict_stays_in_one_column(fetchlab, echo, listed, tmp_path):
    """A list and a dict have no columns in common."""
    said = fetchlab(
        "fetch",
        listed(said_by(echo, [[1, 2], {"a": 1}, None])),
        "--parse",
        "json",
        "--out",
        "out.parquet",
        "--order",
        "input",
    )
    assert said.code == 0
    assert "as JSON text: value" in said.out
    values = pl.read_parquet(tmp_path / "out.parquet")["value"]
    assert [json.loads(value) for value in values] == [[1, 2], {"a": 1}, None]


@pytest.mark.parametrize("suffix", ["csv", "jsonl"])
def test_bodies_in_text_files_say_how_they_are_written(fetchlab, echo, listed, tmp_path, suffix, monkeypatch):
    """Bytes that are no text would be unreadable, or lost, in a text file."""
    monkeypatch.setattr(output, "ROWS", 1)
    urls = listed([f"{echo}/json", f"{echo}/bytes/200"])
    assert fetchlab("fetch", urls, "--out", f"out.{suffix}").code == 0
    read = pl.read_csv if suffix == "csv" else pl.read_ndjson
    rows = read(tmp_path / f"out.{suffix}").sort("index")
    assert rows["encoding"].to_list() == ["utf-8", "base64"]
    assert json.loads(rows["value"][0])["wire"] == "echo"
    assert len(base64.b64decode(rows["value"][1])) == 200


def test_what_failed_goes_to_its_own_file_and_the_exit_code(fetchlab, echo, listed, tmp_path):
    """A nightly job that lost half its pages must say so, and be able to fetch just those again."""
    urls = listed([f"{echo}/json", f"{echo}/status/404", f"{echo}/status/410", "no url"])
    said = fetchlab(
        "fetch", urls, "--retries", 0, "--accept", 410, "--out", "out.parquet", "--errors-out", "e.txt"
    )
    assert said.code == 1
    assert "what failed" in said.out
    assert "HTTP 404" in said.out
    assert pl.read_parquet(tmp_path / "out.parquet").height == 2
    assert sorted((tmp_path / "e.txt").read_text().splitlines()) == [f"{echo}/status/404", "no url"]
    assert fetchlab("fetch", "e.txt", "--errors-out", "e.csv").code == 1
    failed = pl.read_csv(tmp_path / "e.csv").sort("index")
    assert failed["error"].to_list() == ["StatusError", "TransportError"]
    assert (tmp_path / "e.txt").exists()


def test_nothing_that_came_leaves_a_good_file_alone(fetchlab, refused, listed, tmp_path):
    """One unreachable host would replace yesterday's table with nothing."""
    pl.DataFrame({"id": [1]}).write_parquet(tmp_path / "out.parquet")
    said = fetchlab("fetch", listed([refused]), "--retries", 0, "--out", "out.parquet")
    assert said.code == 1
    assert "nothing is written" in said.out
    assert pl.read_parquet(tmp_path / "out.parquet")["id"].to_list() == [1]


def test_the_statistics_as_json(fetchlab, echo, listed):
    """A script reads one line and nothing else from standard output."""
    said = fetchlab("fetch", listed([f"{echo}/json", f"{echo}/status/404"]), "--json", "--out", "out.csv")
    stats = json.loads(said.out)
    assert (stats["done"], stats["ok"], stats["errors"]) == (2, 1, {"StatusError": 1})
    assert (stats["exit_code"], stats["out"], stats["state"]) == (1, "out.csv", "done")
    assert said.code == 1


def test_progress_goes_to_standard_error_and_quiet_says_nothing(fetchlab, echo, listed, monkeypatch):
    """Output in a pipe must hold no progress lines."""
    monkeypatch.setattr("fetchlab.engine.progress.TextProgress.EVERY_PLAIN", 0.05)
    urls = listed([f"{echo}/delay/0.4"])
    said = fetchlab("fetch", urls, "--workers", 1)
    assert "running 0/1" in said.err
    assert "done 1/1" in said.out
    assert "running" not in said.out
    assert fetchlab("fetch", urls, "--quiet")[1:] == ("", "")


@pytest.mark.parametrize("suffix", ["csv", "parquet", "jsonl"])
def test_a_column_of_a_table(fetchlab, bed, echo, tmp_path, suffix):
    """URLs come from tables as often as from lists; empty cells are none."""
    table = pl.DataFrame({"id": [1, 2, 3], "link": [f"{echo}/json?n=1", None, f" {echo}/json?n=2 "]})
    write = {"csv": table.write_csv, "parquet": table.write_parquet, "jsonl": table.write_ndjson}[suffix]
    write(tmp_path / f"t.{suffix}")
    assert fetchlab("fetch", f"t.{suffix}", "--column", "link").code == 0
    assert bed.counters("echo")["requests"] == 2
    said = fetchlab("fetch", f"t.{suffix}")
    assert said.code == 2
    assert said.err == f"fetchlab: --column: t.{suffix} has no column 'url', but id, link\n"


def test_the_usual_column_needs_no_name(tmp_path):
    """A table's only column, or the one named url, is meant."""
    pl.DataFrame({"a": ["http://one/"]}).write_csv(tmp_path / "one.csv")
    pl.DataFrame({"a": [1], "url": ["http://two/"]}).write_csv(tmp_path / "two.csv")
    assert list(inputs.urls(str(tmp_path / "one.csv"), None)) == ["http://one/"]
    assert list(inputs.urls(str(tmp_path / "two.csv"), None)) == ["http://two/"]


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("empty.txt", "# nothing\n\n", "no URLs in empty.txt"),
        ("empty.csv", "url\n", "no URLs in empty.csv"),
        ("odd.parquet", "no parquet", "odd.parquet cannot be read"),
        ("odd.jsonl", "{", "odd.jsonl cannot be read"),
    ],
)
def test_a_list_without_urls_is_said(fetchlab, tmp_path, name, content, said):
    """Zero of zero fetched looks like success."""
    (tmp_path / name).write_text(content)
    told = fetchlab("fetch", name)
    assert told.code == 2
    assert said in told.err
    assert "Traceback" not in told.err


def test_standard_input_is_read_as_it_comes(bed, echo, process):
    """A crawler that writes URLs for hours must not wait for its own end."""
    child = process("fetch", "-", "--json", "--dedup", stdin=subprocess.PIPE)
    child.stdin.write(f"{echo}/json?n=1\n# no\n")
    child.stdin.flush()
    until(lambda: bed.counters("echo")["requests"] == 1, child)
    out, err = child.communicate(f"{echo}/json?n=2\n{echo}/json?n=1", timeout=60)
    assert child.returncode == 0, err
    assert json.loads(out)["done"] in (2, 3), "a twin ends with its first, or is left out if that has ended"
    assert bed.counters("echo")["requests"] == 2


def test_an_empty_standard_input_is_said(process):
    """A pipe whose first half failed must not look like a job done."""
    child = process("fetch", "-")
    out, err = child.communicate(timeout=60)
    assert (child.returncode, out) == (2, "")
    assert err == "fetchlab: URLS: no URLs on standard input, one per line\n"


def test_a_url_that_is_split_between_two_reads():
    """A pipe gives bytes, not lines."""
    assert list(inputs._wanted([b"\xef\xbb\xbfhttp://a/ \r", b"", b"#x", b"http://\xff/"])) == [
        "http://a/",
        "http://\udcff/",
    ]


def test_what_is_sent(fetchlab, echo, listed, tmp_path, monkeypatch):
    """Headers, and secrets from the environment or a file, so that they stand in no shell history."""
    monkeypatch.setenv("FETCHLAB_TEST_TOKEN", "tok-777")
    (tmp_path / "cookie").write_text("a=1\n")
    (tmp_path / "more").write_text("# mine\nX-One: 1\nX-Two: $$2\n")
    said = fetchlab(
        "fetch", listed([f"{echo}/headers"]), "--parse", "json", "--out", "out.jsonl", "--user-agent", "me/1",
        "--header", "Authorization: Bearer $FETCHLAB_TEST_TOKEN", "--header", "Cookie: @cookie",
        "--header", "@more",
    )  # fmt: skip
    assert said.code == 0
    (line,) = (tmp_path / "out.jsonl").read_text().splitlines()
    sent = json.loads(line)["value"]["headers"]
    sent = {name.lower(): value for name, value in sent.items()}
    assert sent["authorization"] == "Bearer tok-777"
    assert (sent["cookie"], sent["x-one"], sent["x-two"], sent["user-agent"]) == ("a=1", "1", "$2", "me/1")
    assert "tok-777" not in said.out + said.err


def test_a_secret_does_not_show_where_a_header_is_wrong(fetchlab, monkeypatch):
    """The message goes to a log that others read."""
    monkeypatch.setenv("FETCHLAB_TEST_TOKEN", "tok-777\nx")
    for word in ("Authorization Bearer tok-777", "Authorization: $FETCHLAB_TEST_TOKEN"):
        said = fetchlab("fetch", "-", "--header", word)
        assert said.code == 2
        assert "tok-777" not in said.err


def test_the_knobs_reach_the_run(fetchlab, bed, echo, listed):
    """A flag that is read and forgotten deceives."""
    bed.configure("echo", error_rate={503: 1.0})
    urls = listed([f"{echo}/bytes/{n}" for n in range(4)])
    assert fetchlab("fetch", urls, "--retries", 0, "--workers", 1).code == 1
    assert bed.counters("echo")["requests"] == 4
    bed.configure("echo", error_rate={})
    stats = json.loads(fetchlab("fetch", urls, "--max-bytes", 1, "--json", "--transport", "httpx").out)
    assert stats["errors"] == {"BodyTooLarge": 2}
    stats = json.loads(
        fetchlab("fetch", listed([f"{echo}/delay/5"]), "--timeout", "0.1", "--retries", 0, "--json").out
    )
    assert stats["errors"] == {"TimedOut": 1}
    said = fetchlab("fetch", listed([f"{echo}/delay/60"] * 2), "--deadline", "0.2")
    assert said.code == 1
    assert "Stopped: deadline=0.2 has passed" in said.err


def test_ctrl_c_writes_what_is_done(bed, echo, process, tmp_path, listed):
    """Whoever stops a fetch after an hour keeps the hour; a good file is not replaced by a part of it."""
    pl.DataFrame({"id": [1]}).write_parquet(tmp_path / "kept.parquet")
    bed.configure("echo", latency=0.01)
    urls = listed([f"{echo}/json?n={n}" for n in range(5000)])
    child = process("fetch", urls, "--out", "kept.parquet", "--errors-out", "rest.txt")
    until(lambda: bed.counters("echo")["requests"] > 300, child)
    child.send_signal(signal.SIGINT)
    out, err = child.communicate(timeout=60)
    assert child.returncode == 130
    assert "Traceback" not in err
    kept = pl.read_parquet(tmp_path / "kept.partial.parquet")
    assert 250 < kept.height < 5000
    assert f"Interrupted: {kept.height:,} of 5,000 came and are kept." in err
    assert f"{kept.height:,} rows written to kept.partial.parquet" in out
    assert pl.read_parquet(tmp_path / "kept.parquet").height == 1
    assert len((tmp_path / "rest.txt").read_text().splitlines()) <= 20
    assert not list(tmp_path.glob(".kept*"))


def test_ctrl_c_while_standard_input_is_silent(bed, echo, process):
    """A pipe that gives nothing any more must not hold the command."""
    child = process("fetch", "-", "--out", "kept.jsonl", stdin=subprocess.PIPE)
    child.stdin.write(f"{echo}/json\n")
    child.stdin.flush()
    until(lambda: bed.counters("echo")["requests"] == 1, child)
    child.send_signal(signal.SIGINT)
    assert child.wait(timeout=60) == 130
    assert "Fatal" not in child.stderr.read()


def test_a_full_disk_is_one_line(fetchlab, echo, listed, monkeypatch):
    """A stack trace at the end of an hour says nothing that helps."""

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pl.DataFrame, "write_parquet", full)
    said = fetchlab("fetch", listed([f"{echo}/json"]), "--out", "out.parquet")
    assert said.code == 1
    assert said.err == "fetchlab: out.parquet cannot be written: [Errno 28] No space left on device\n"


def test_the_list_itself_is_not_overwritten(fetchlab, bed, echo, tmp_path):
    """`fetch urls.csv --out urls.csv` is a slip that would cost the list."""
    pl.DataFrame({"url": [f"{echo}/json"]}).write_csv(tmp_path / "urls.csv")
    said = fetchlab("fetch", "urls.csv", "--out", "urls.csv")
    assert (said.code, said.err) == (2, "fetchlab: --out: urls.csv is the list itself\n")
    assert bed.counters("echo")["requests"] == 0


HOARDER = """
import sys
from pathlib import Path
from fetchlab.cli.output import Output
from fetchlab.model import Result

body = bytes(range(256)) * 4000
with Output(Path(sys.argv[1]), "bytes") as out:
    for n in range(800):
        value = n.to_bytes(8) + body
        out.add(Result(n, "k", "i", True, value, None, 200, 1, False, 0, 0.0, 0.0, 0.0, 0.0, len(value), "h"))
    print(out.close(complete=True))
print(next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("suffix", output.FORMATS)
def test_memory_does_not_grow_with_the_file(tmp_path, suffix):
    """800 MB of bodies through a file: neither while they come nor when it is made are they all held."""
    command = [sys.executable, "-c", HOARDER, str(tmp_path / f"out{suffix}")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert int(done.stdout.split()[-1]) < 400_000
