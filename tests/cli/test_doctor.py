"""``fetchlab doctor``: what is there, what is missing, and how a script hears of it."""

from __future__ import annotations

import getpass
import json
import resource
import socket
from importlib import metadata
from pathlib import Path

import pytest

from fetchlab import loop
from fetchlab.bench import checkup
from fetchlab.bench.checkup import GOOD, MISSING, WARNING
from fetchlab.bench.machine import PACKAGES


@pytest.fixture
def bare(monkeypatch, tmp_path):
    """As on a machine with no program on PATH, no browser and no peers."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("FETCHLAB_BROWSER", raising=False)
    monkeypatch.delenv("PLAYWRIGHT_BROWSERS_PATH", raising=False)
    monkeypatch.setattr("fetchlab.bench.nginx._SYSTEM_PLACES", ())
    monkeypatch.setattr(checkup, "EXTRAS", {"no-such-package": ("a row", "bench")})


def found(what, **where):
    (check,) = (check for check in checkup.checkup(**where) if check.what == what)
    return check


def test_it_shows_the_record_and_what_is_missing(fetchlab, bare):
    """A newcomer whose table lacks the row for wrk looks here first."""
    said = fetchlab("doctor")
    assert said.code == 0, "optional things are no reason to fail"
    for words in ("Recorded with every figure", "python", "gil", "apt-get install wrk", "nginx-light"):
        assert words in said.out
    for name in ("browser", *checkup.PROGRAMS, "no-such-package"):
        assert found(name).state == MISSING
        assert found(name).remedy
        assert found(name).purpose


def test_a_script_reads_the_same(fetchlab):
    """Scraping a table of words breaks with the next column."""
    said = fetchlab("doctor", "--json")
    told = json.loads(said.out)
    assert (said.code, told["ready"]) == (0, True)
    assert told["environment"]["packages"].keys() <= set(PACKAGES)
    assert {check["what"] for check in told["checks"]} >= {"packages", "browser", "wrk", "load", "event loop"}
    assert all(check["remedy"] for check in told["checks"] if check["state"] != GOOD)


def test_it_names_no_person_place_or_machine(fetchlab):
    """It is pasted into bug reports."""
    said = fetchlab("doctor", "--json")
    for secret in {str(Path.home()), str(Path.cwd()), socket.gethostname(), getpass.getuser()} - {
        "root",
        "/",
    }:
        assert secret not in said.out


def test_a_package_that_is_missing_fails(fetchlab, monkeypatch):
    """The exit code is what a setup script goes by."""
    wanted = [
        "polars>=1",
        "no-such-package>=2",
        "aiohttp; extra == 'bench'",
        "nor-this; python_version < '3'",
    ]
    monkeypatch.setattr(metadata, "requires", lambda _: wanted)
    said = fetchlab("doctor")
    assert said.code == 1
    assert "pip install 'no-such-package>=2'" in said.out
    assert "nor-this" not in said.out


def test_a_package_that_is_too_old_counts_as_missing(monkeypatch):
    """It is imported without complaint and fails in the middle of a run."""
    monkeypatch.setattr(metadata, "requires", lambda _: ["polars>=999"])
    check = found("polars")
    assert (check.state, check.needed) == (MISSING, True)
    assert "not >=999" in check.found


def test_a_data_folder_that_cannot_be_written_fails(fetchlab, tmp_path):
    """Every journal, cache and table would fail later, each with an error of its own."""
    (tmp_path / "data").write_text("a file where the folder would be")
    said = fetchlab("doctor")
    assert said.code == 1
    assert "cannot be written" in said.out


def test_looking_leaves_nothing_behind(tmp_path):
    """A folder that appears by being looked for would be committed some day."""
    assert found("data folder", data=tmp_path / "deep" / "data").state == GOOD
    assert list(tmp_path.iterdir()) == []


def test_a_low_limit_of_open_files_is_told(monkeypatch):
    """A thousand workers against a local server run out of 1,024 files without saying why."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (1024, hard))
    try:
        check = found("open files")
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert (check.state, check.found) == (WARNING, "1,024")
    assert check.remedy.startswith("ulimit -n 4096")


@pytest.mark.parametrize(("load", "state"), [(0.0, GOOD), (99.0, WARNING)])
def test_a_busy_machine_is_told(monkeypatch, load, state):
    """Whoever measures beside a compiler measures the compiler."""
    monkeypatch.setattr("psutil.getloadavg", lambda: (load, 0.0, 0.0))
    assert found("load").state == state


def test_a_browser_that_is_named_but_absent_is_told(monkeypatch, tmp_path):
    """The variable wins over every browser that is there, so the fault is in it."""
    monkeypatch.setenv("FETCHLAB_BROWSER", str(tmp_path / "absent"))
    check = found("browser")
    assert (check.state, check.remedy) == (MISSING, "unset FETCHLAB_BROWSER")


def test_the_loop_that_is_told_is_the_one_in_use():
    """An installed uvloop that the engine does not run on would look like a good one."""
    assert found("event loop").found.startswith(type(loop.get()).__module__.partition(".")[0])
