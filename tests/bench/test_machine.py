"""The environment record: what a referee would ask for, and the programs figures are measured beside."""

from __future__ import annotations

import re
import stat
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from fetchlab.bench import environment, programs
from fetchlab.bench.machine import PACKAGES, usable_cores


def test_every_peer_that_a_bench_measures_is_in_the_record():
    """A ratio to a client of an unknown version can be reproduced by nobody."""
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8"))[
        "project"
    ]
    peers = {Requirement(text).name for text in project["optional-dependencies"]["bench"]}
    assert peers | {"scipy", "great-tables", "uvloop"} <= set(PACKAGES)
    assert list(PACKAGES) == sorted(PACKAGES)


def test_the_record_tells_the_loop_the_lock_and_the_cores_that_may_be_used():
    """Half the cores, another loop or no lock: each of them is another machine."""
    about = environment()
    assert about["loop"] in ("uvloop", "asyncio")
    assert about["gil"] is True or about["free_threading"]
    assert 1 <= about["cores_usable"] == usable_cores() <= about["cores"]
    assert re.fullmatch(r"3\.\d+\.\d+", about["sqlite"])


def test_the_record_has_a_version_of_every_program_that_is_there():
    """One budget is held against wrk, another against curl: theirs are figures of a version, too."""
    assert set(environment()["programs"]) == {name for name, find in programs.FINDERS.items() if find()}


@pytest.mark.parametrize(
    ("prints", "version"),
    [
        ("nginx version: nginx/1.22.1", "1.22.1"),
        ("wrk debian/4.1.0-3+b2 [epoll] Copyright", "4.1.0-3"),
        ("no number", "unknown"),
    ],
)
def test_a_program_s_version_is_read_from_what_it_prints(tmp_path, prints, version):
    """They print names, paths and years around it, which belong in no published record."""
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\necho '{prints}' >&2\nexit 1\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    assert programs.version(str(program)) == version


def test_a_program_that_cannot_be_started_has_no_version(tmp_path):
    """A broken installation must not take the record of an hour's figures with it."""
    assert programs.version(str(tmp_path / "absent")) == "unknown"
