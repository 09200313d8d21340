"""What machine, what software, what state: the record that goes with every saved figure."""

from __future__ import annotations

import os
import platform
import sqlite3
import subprocess
import sys
import sysconfig
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

import psutil

from fetchlab import loop
from fetchlab.bench.programs import versions

__all__ = ["environment", "usable_cores"]

PACKAGES = (
    "aiohttp",
    "altair",
    "cloudpickle",
    "fetchlab",
    "great-tables",
    "hishel",
    "httpcore",
    "httptools",
    "httpx",
    "ipykernel",
    "ipywidgets",
    "jupyterlab",
    "msgspec",
    "nbformat",
    "papermill",
    "playwright",
    "polars",
    "psutil",
    "pyreqwest",
    "requests-cache",
    "scipy",
    "uvicorn",
    "uvloop",
    "vl-convert-python",
)


def environment(**more: Any) -> dict[str, Any]:
    """Return the environment record: plain JSON values, no paths, no names of people or machines.

    ``gil`` is whether Python holds its global lock, ``free_threading`` whether it was built to do without;
    ``loop`` is what the engine runs on; ``cores_usable`` are those that this process may use.

    Args:
        more: what else to record, such as a seed or the testbed's settings.
    """
    memory = psutil.virtual_memory()
    return {
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "cores_usable": usable_cores(),
        "load_1min": round(psutil.getloadavg()[0], 2),
        "memory_gib": round(memory.total / 2**30, 1),
        "memory_free_gib": round(memory.available / 2**30, 1),
        "python": platform.python_version(),
        "implementation": platform.python_implementation(),
        "gil": getattr(sys, "_is_gil_enabled", lambda: True)(),
        "free_threading": bool(sysconfig.get_config_var("Py_GIL_DISABLED")),
        "loop": type(loop.get()).__module__.partition(".")[0],
        "sqlite": sqlite3.sqlite_version,
        "os": f"{platform.system()} {'.'.join(platform.release().split('.')[:2])}",
        "machine": platform.machine(),
        "programs": versions(),
        "packages": {name: version for name in PACKAGES if (version := _version(name))},
        "git": _revision(),
    } | more


def usable_cores() -> int:
    """Return how many cores this process may use; a container or ``taskset`` may leave it fewer."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _cpu() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or "unknown"


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _revision() -> str | None:
    """The revision of the source checkout, with ``+`` if it has changes; None for an installed wheel."""
    here = str(Path(__file__).parents[1])  # the package: the bench itself is the least that may differ
    try:
        head = _git(here, "rev-parse", "--short=12", "HEAD")
        return head + ("+" if _git(here, "status", "--porcelain", "--", here) else "")
    except (OSError, subprocess.SubprocessError):
        return None


def _git(folder: str, *words: str) -> str:
    done = subprocess.run(  # noqa: S603  # fixed words
        ["git", "-C", folder, *words],  # noqa: S607  # whichever git the user has
        capture_output=True,
        text=True,
        check=True,
        timeout=10,
    )
    return done.stdout.strip()
