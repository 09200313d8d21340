"""Old cells that call ``asyncio.run(...)``: let them, on request, and only where no cell gets lost by it."""

from __future__ import annotations

import asyncio
import importlib
import importlib.util
import sys
from typing import NamedTuple

from fetchlab.errors import ConfigError

__all__ = ["Surroundings", "allow_asyncio_run", "choose"]

HELPER = "allow_asyncio_run"
SAFE, OLD = "nest_asyncio2", "nest_asyncio"
INSTEAD = "Write `await main()` in the cell in place of `asyncio.run(main())`"


class Surroundings(NamedTuple):
    """What decides which patch is safe.

    Attributes:
        loop: the module of the running loop's class.
        patched: what has patched asyncio already, empty if nothing has.
        present: which of the two packages can be imported.
        python: the interpreter's version.
        ipykernel: the kernel's major version, 0 if this is none.
    """

    loop: str
    patched: str
    present: frozenset[str]
    python: tuple[int, int]
    ipykernel: int


def allow_asyncio_run() -> str:
    """Let ``asyncio.run(...)`` work in the cells of this kernel, which otherwise refuse it.

    fetchlab never needs this: its loop has a thread of its own, and ``await`` works in every cell. It is
    for old cells that call ``asyncio.run(main())``. Nothing is patched before it is called; from then on
    asyncio is patched for the whole kernel, until that is restarted: tasks and futures become pure Python,
    so that other code's asyncio gets slower.

    Of the two packages that can do it, nest-asyncio2 is taken where it is present, which it is unless
    somebody removed it. nest-asyncio 1.6.0, its predecessor, is archived: under ipykernel 7 the cells that
    are queued behind a nested ``asyncio.run`` never answer (measured: *Run All* on five cells executed the
    first one), so it is taken only with an older kernel. Both at once would patch each other.

    Returns:
        The package in force; empty where no loop is running, since ``asyncio.run`` then works as it is.

    Raises:
        ConfigError: neither would be safe: the running loop is uvloop's, which cannot be nested; only
            nest-asyncio is there, with Python 3.14 or ipykernel 7 or newer; or it was applied there before.
    """
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        return ""
    name = choose(_look(loop))
    importlib.import_module(name).apply(loop)  # what is patched already it leaves as it is
    return name


def choose(around: Surroundings) -> str:
    """Return the package that is safe here.

    Raises:
        ConfigError: none is.
    """
    if around.loop.split(".")[0] == "uvloop":
        raise ConfigError(HELPER, f"the running loop is uvloop's, which cannot be nested. {INSTEAD}")
    if around.patched != OLD and SAFE in around.present:
        return SAFE
    trouble = ""
    if around.python >= (3, 14):
        trouble = "breaks asyncio in Python 3.14 and newer"
    elif around.ipykernel >= 7:
        trouble = f"swallows the cells queued behind the running one under ipykernel {around.ipykernel}"
    if around.patched == OLD:
        if trouble:
            raise ConfigError(
                HELPER,
                f"asyncio is patched by nest-asyncio already, which {trouble}. "
                "Remove its apply() from the notebook and restart the kernel",
            )
        return OLD
    if OLD not in around.present:
        raise ConfigError(HELPER, f"needs `pip install nest-asyncio2`. {INSTEAD}")
    if trouble:
        raise ConfigError(HELPER, f"only nest-asyncio is here, which {trouble}: `pip install nest-asyncio2`")
    return OLD


def _look(loop: asyncio.AbstractEventLoop) -> Surroundings:
    kernel = sys.modules.get("ipykernel")
    patched = ""
    if hasattr(asyncio, "_nest_patched"):
        patched = SAFE if hasattr(asyncio, "_nest_asyncio2") else OLD
    return Surroundings(
        loop=type(loop).__module__,
        patched=patched,
        present=frozenset(name for name in (SAFE, OLD) if _present(name)),
        python=sys.version_info[:2],
        ipykernel=kernel.version_info[0] if kernel is not None else 0,
    )


def _present(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except ValueError:  # somebody put None or a module without a spec in its place
        return sys.modules.get(name) is not None
