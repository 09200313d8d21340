"""fetchlab: fetch tens of thousands of things from a notebook: fast, polite, measured, nothing lost.

    import fetchlab as fl

    run = fl.fetch(urls, workers=20)   # starts at once, returns a Run
    await run                          # in a cell; run.wait() in a script
    run.frame()                        # timings in polars, a row per item

Names are loaded when first used, so that the import itself stays light.
"""

from __future__ import annotations

import importlib
import logging
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fetchlab import bench, errors, plot, studies, testbed
    from fetchlab import notebook as notebook  # fl.notebook.monitor; what only notebooks need is not listed
    from fetchlab import reference as reference
    from fetchlab.bench.compare import compare
    from fetchlab.bench.comparison import Comparison as Comparison  # what calls return is here, not listed
    from fetchlab.bench.suggest import suggest
    from fetchlab.bench.sweep import sweep
    from fetchlab.bench.swept import Sweep as Sweep
    from fetchlab.cluster.strategy import Dask
    from fetchlab.engine.calls import fetch, map  # noqa: A004
    from fetchlab.engine.downloads import download
    from fetchlab.engine.journal import Journal
    from fetchlab.engine.preview import preview
    from fetchlab.engine.run import Run
    from fetchlab.engine.saved import load
    from fetchlab.engine.strategies import Async, Batch, Chunked, Processes, Sequential, Threads
    from fetchlab.errors import FetchlabError
    from fetchlab.model import Downloaded as Downloaded
    from fetchlab.model import Request, Response, Result
    from fetchlab.model import RunStats as RunStats
    from fetchlab.notebook.panel import Panel
    from fetchlab.policy.concurrency import Adaptive
    from fetchlab.policy.rate import RateLimit
    from fetchlab.policy.retry import Retry
    from fetchlab.policy.timeout import Timeout
    from fetchlab.store.cache import Cache
    from fetchlab.store.cache_stats import CacheStats as CacheStats
    from fetchlab.transport.client import Client
    from fetchlab.transport.pages import Browser
    from fetchlab.transport.pages import BrowserStats as BrowserStats

__version__ = "0.1.0"

__all__ = [
    "Adaptive",
    "Async",
    "Batch",
    "Browser",
    "Cache",
    "Chunked",
    "Client",
    "Dask",
    "FetchlabError",
    "Journal",
    "Panel",
    "Processes",
    "RateLimit",
    "Request",
    "Response",
    "Result",
    "Retry",
    "Run",
    "Sequential",
    "Threads",
    "Timeout",
    "bench",
    "compare",
    "download",
    "errors",
    "fetch",
    "load",
    "map",
    "plot",
    "preview",
    "studies",
    "suggest",
    "sweep",
    "testbed",
]

_HOMES = {
    "fetchlab.bench.compare": ("compare",),
    "fetchlab.bench.comparison": ("Comparison",),
    "fetchlab.bench.suggest": ("suggest",),
    "fetchlab.bench.sweep": ("sweep",),
    "fetchlab.bench.swept": ("Sweep",),
    "fetchlab.cluster.strategy": ("Dask",),
    "fetchlab.engine.calls": ("fetch", "map"),
    "fetchlab.engine.downloads": ("download",),
    "fetchlab.engine.journal": ("Journal",),
    "fetchlab.engine.preview": ("preview",),
    "fetchlab.engine.run": ("Run",),
    "fetchlab.engine.saved": ("load",),
    "fetchlab.engine.strategies": ("Async", "Batch", "Chunked", "Processes", "Sequential", "Threads"),
    "fetchlab.errors": ("FetchlabError",),
    "fetchlab.model": ("Downloaded", "Request", "Response", "Result", "RunStats"),
    "fetchlab.notebook.panel": ("Panel",),
    "fetchlab.policy.concurrency": ("Adaptive",),
    "fetchlab.policy.rate": ("RateLimit",),
    "fetchlab.policy.retry": ("Retry",),
    "fetchlab.policy.timeout": ("Timeout",),
    "fetchlab.store.cache": ("Cache",),
    "fetchlab.store.cache_stats": ("CacheStats",),
    "fetchlab.transport.client": ("Client",),
    "fetchlab.transport.pages": ("Browser", "BrowserStats"),
}
_HOME = {name: home for home, names in _HOMES.items() for name in names}
_ROOMS = ("bench", "errors", "notebook", "plot", "reference", "studies", "testbed")


logging.getLogger("fetchlab").addHandler(logging.NullHandler())  # silent unless told; engine/logbook.py


def __getattr__(name: str) -> Any:
    if name in _ROOMS:
        return importlib.import_module(f"fetchlab.{name}")
    if name not in _HOME:
        raise AttributeError(f"module 'fetchlab' has no attribute {name!r}")
    value = globals()[name] = getattr(importlib.import_module(_HOME[name]), name)
    if "ipykernel" in sys.modules:  # a notebook: let its runs show themselves
        importlib.import_module("fetchlab.notebook").register()
    return value


def __dir__() -> list[str]:
    return __all__
