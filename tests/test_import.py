"""``import fetchlab`` is light: a notebook's first cell must not take seconds."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys

import pytest

import fetchlab as fl

HEAVY = {
    "altair", "great_tables", "ipywidgets", "IPython", "playwright", "guessit", "dask", "distributed",
    "polars", "httpx", "uvicorn", "pyreqwest", "msgspec", "asyncio", "papermill", "pandas", "numpy", "redis",
}  # fmt: skip


PROBE = """
import fetchlab, json, resource, sys
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
if sys.platform == "linux":  # getrusage counts what the starting process held as well
    peak = next(int(line.split()[1]) * 1024 for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(json.dumps([sorted(sys.modules), peak]))
"""


def test_what_the_import_loads():
    """Modules and peak memory of a fresh process."""
    done = subprocess.run([sys.executable, "-c", PROBE], capture_output=True, text=True, check=True)
    modules, peak = json.loads(done.stdout)
    assert not HEAVY & {module.split(".")[0] for module in modules}
    assert peak < 75e6
    assert done.stderr == ""


def test_the_public_names():
    """Sorted, few, and each of them there."""
    assert fl.__all__ == sorted(fl.__all__)
    assert len(fl.__all__) <= 34
    assert len(set(fl.__all__)) == len(fl.__all__)
    for name in fl.__all__:
        assert getattr(fl, name) is not None
    assert dir(fl) == fl.__all__


def test_a_star_import_gives_them_all():
    """``from fetchlab import *`` in a notebook."""
    space: dict[str, object] = {}
    exec("from fetchlab import *", space)
    assert set(fl.__all__) <= set(space)


def test_an_unknown_name_is_an_attribute_error():
    """``hasattr`` and misspellings must work as everywhere."""
    assert not hasattr(fl, "fetsch")
    with pytest.raises(AttributeError, match="fetsch"):
        importlib.import_module("fetchlab").fetsch  # noqa: B018
