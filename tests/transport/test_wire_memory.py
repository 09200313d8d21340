"""The wire's allocator: ordinary pages, and nothing left in the environment."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from fetchlab.wire_memory import OPTION

LOADED = """
import os, sys
import fetchlab as fl
assert "pyreqwest" not in sys.modules
fl.Client
huge = [line.split() for line in open("/proc/self/smaps") if line.startswith("VmFlags:")]
print(os.environ.get("MIMALLOC_ALLOW_THP"), sum("hg" in flags for flags in huge))
"""


def loaded(**more):
    environment = {name: value for name, value in os.environ.items() if name != OPTION} | more
    command = [sys.executable, "-c", LOADED]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    option, huge = done.stdout.split()
    return option, int(huge)


@pytest.mark.skipif(sys.platform != "linux", reason="read from /proc")
def test_no_huge_pages_are_asked_for():
    """They are eight megabytes of every process, of which one and a half are used."""
    assert loaded() == ("None", 0)


@pytest.mark.skipif(sys.platform != "linux", reason="read from /proc")
def test_who_sets_the_option_decides():
    """Somebody may have measured that huge pages help there."""
    option, _ = loaded(**{OPTION: "1"})
    assert option == "1"
