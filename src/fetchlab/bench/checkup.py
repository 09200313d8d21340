"""Is everything here that fetchlab needs, and is the machine fit to measure on?

A check finds out one thing. What is *needed* and missing keeps fetchlab from working; anything else missing
costs one feature or some rows of a table, and says which.
"""

from __future__ import annotations

import importlib.util
import os
import tempfile
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
from packaging.requirements import Requirement
from packaging.version import InvalidVersion, Version

from fetchlab import loop
from fetchlab.bench import programs
from fetchlab.bench.machine import usable_cores
from fetchlab.bench.stability import BUSY
from fetchlab.errors import ConfigError
from fetchlab.transport import browser

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["GOOD", "MISSING", "WARNING", "Check", "checkup", "ready"]

GOOD, MISSING, WARNING = "good", "missing", "look"
PACKAGE = "fetchlab"
FILES = 4096
"""Open files that a thousand workers, their server on the same machine and a browser need together."""
FREE_GIB = 1.0
PROGRAMS = {
    "wrk": ("rows and budgets of bench overhead and latency", "apt-get install wrk"),
    "nginx": ("a server that is not the limit: bench overhead and download", "apt-get install nginx-light"),
    "redis-server": ("its row in bench cache, and tests of shared caches", "apt-get install redis-server"),
    "curl": ("the row beside fl.download in bench download", "apt-get install curl"),
    "ffmpeg": ("joining and checking videos", "apt-get install ffmpeg"),
}
EXTRAS = {
    "aiohttp": ("its rows in bench overhead", "bench"),
    "av": ("first frames of videos, and larger ones", "video"),
    "distributed": ("strategy=fl.Dask(…)", "dask"),
    "hishel": ("its rows in bench cache", "bench"),
    "redis": ("caches that machines share", "redis"),
    "requests-cache": ("its rows in bench cache", "bench"),
}


@dataclass(frozen=True, slots=True)
class Check:
    """What was looked at, and what was found.

    Attributes:
        what: was looked at.
        state: ``good``, ``missing`` or ``look`` (there, but measurements or large runs may suffer).
        found: in a few words.
        needed: fetchlab does not work without it.
        purpose: what it is for.
        remedy: how to get it or mend it, empty if good.
    """

    what: str
    state: str
    found: str
    needed: bool = False
    purpose: str = ""
    remedy: str = ""


def checkup(data: str | Path = "data") -> list[Check]:
    """Look at everything, without changing anything.

    Args:
        data: the folder that journals, caches and tables are to be written to.
    """
    return [
        *_packages(),
        _browser(),
        *(_program(name) for name in PROGRAMS),
        *(_extra(name) for name in EXTRAS),
        _loop(),
        _files(),
        _load(),
        _memory(),
        _writable(Path(data)),
    ]


def ready(checks: Iterable[Check]) -> bool:
    """Say whether nothing that is needed is missing."""
    return not any(check.needed and check.state == MISSING for check in checks)


def _packages() -> list[Check]:
    try:
        wanted = [Requirement(text) for text in metadata.requires(PACKAGE) or ()]
    except metadata.PackageNotFoundError:  # run from a folder of sources
        return [
            Check("packages", WARNING, "fetchlab is not installed", remedy="pip install -e . in its folder")
        ]
    wanted = [one for one in wanted if one.marker is None or one.marker.evaluate({"extra": ""})]
    bad = [check for one in wanted if (check := _package(one)) is not None]
    good = f"{len(wanted) - len(bad)} of {len(wanted)} there"
    return [*bad, *([] if bad else [Check("packages", GOOD, good, needed=True, purpose="everything")])]


def _package(wanted: Requirement) -> Check | None:
    """Return what is wrong with a package, None if nothing is."""
    remedy = f"pip install '{wanted.name}{wanted.specifier}'"
    try:
        version = Version(metadata.version(wanted.name))
    except (metadata.PackageNotFoundError, InvalidVersion):
        return Check(wanted.name, MISSING, "not installed", needed=True, purpose="fetchlab", remedy=remedy)
    if wanted.specifier.contains(version, prereleases=True):
        return None
    return Check(
        wanted.name,
        MISSING,
        f"{version}, not {wanted.specifier}",
        needed=True,
        purpose="fetchlab",
        remedy=remedy,
    )


def _browser() -> Check:
    purpose, remedy = "pages that only a browser can show", "fetchlab browser --install"
    try:
        there = browser.find() is not None
    except ConfigError:  # its message has the path, which belongs in no bug report
        found = f"{browser.VARIABLE} names no file"
        return Check("browser", MISSING, found, purpose=purpose, remedy=f"unset {browser.VARIABLE}")
    if there:
        return Check("browser", GOOD, "a Chromium", purpose=purpose)
    return Check("browser", MISSING, "no Chromium", purpose=purpose, remedy=remedy)


def _program(name: str) -> Check:
    purpose, remedy = PROGRAMS[name]
    version = programs.versions().get(name)
    if version is None:
        return Check(name, MISSING, "not installed", purpose=purpose, remedy=remedy)
    return Check(name, GOOD, version, purpose=purpose)


def _extra(name: str) -> Check:
    purpose, extra = EXTRAS[name]
    if importlib.util.find_spec(name.replace("-", "_")) is None:
        remedy = f"pip install '{PACKAGE}[{extra}]'"
        return Check(name, MISSING, "not installed", purpose=purpose, remedy=remedy)
    return Check(name, GOOD, metadata.version(name), purpose=purpose)


def _loop() -> Check:
    name = type(loop.get()).__module__.partition(".")[0]
    purpose = "the engine's event loop"
    if name == "uvloop" or os.name == "nt":
        return Check("event loop", GOOD, name, purpose=purpose)
    return Check("event loop", WARNING, f"{name}, not uvloop", purpose=purpose, remedy="pip install uvloop")


def _files() -> Check:
    purpose = f"connections and files; a thousand workers need {FILES:,}"
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return Check("open files", GOOD, "no limit", purpose=purpose)
    limit, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    found = "no limit" if limit == resource.RLIM_INFINITY else f"{limit:,}"
    if limit == resource.RLIM_INFINITY or limit >= FILES:
        return Check("open files", GOOD, found, purpose=purpose)
    allowed = most == resource.RLIM_INFINITY or most >= FILES
    remedy = f"ulimit -n {FILES}" + ("" if allowed else ", after root has raised the hard limit")
    return Check("open files", WARNING, found, purpose=purpose, remedy=remedy)


def _load() -> Check:
    load, cores = psutil.getloadavg()[0], usable_cores()
    found = f"{load:.2f} on {cores} core{'s' if cores != 1 else ''}"
    purpose = "measurements: other work would be in the figures"
    if load <= BUSY * cores:
        return Check("load", GOOD, found, purpose=purpose)
    return Check("load", WARNING, found, purpose=purpose, remedy="wait or end what runs before you measure")


def _memory() -> Check:
    free = psutil.virtual_memory().available / 2**30
    purpose = "keep=True holds every value"
    if free >= FREE_GIB:
        return Check("memory", GOOD, f"{free:.1f} GiB free", purpose=purpose)
    return Check("memory", WARNING, f"{free:.1f} GiB free", purpose=purpose, remedy="close something")


def _writable(data: Path) -> Check:
    """Try it: permission bits do not tell of a read-only disk, or of one that is full."""
    purpose = "journals, caches, tables"
    folder = next((place for place in (data, *data.absolute().parents) if place.exists()), data)
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"\0" * 4096)
    except OSError as error:
        remedy = "run it where you may write, or mend the folder's rights"
        why = error.strerror or type(error).__name__
        return Check("data folder", MISSING, f"cannot be written: {why}", True, purpose, remedy)
    return Check("data folder", GOOD, "can be written", needed=True, purpose=purpose)
