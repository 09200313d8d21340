"""The knobs that all calls share, and what they come to."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Literal, TypedDict

from fetchlab.engine.knobs import whole
from fetchlab.engine.strategies import Async, Processes, Sequential, Threads, choose
from fetchlab.errors import ConfigError
from fetchlab.policy.concurrency import Adaptive
from fetchlab.redaction import redact_url
from fetchlab.studies.charts.sizing import BatchSize

if TYPE_CHECKING:
    from collections.abc import Callable
    from os import PathLike
    from pathlib import Path

    from fetchlab.engine.journal import Journal
    from fetchlab.engine.strategies import Strategy
    from fetchlab.policy.rate import RateKnob
    from fetchlab.policy.retry import Retry
    from fetchlab.policy.timeout import Timeout
    from fetchlab.store.cache import Cache

__all__ = ["PAGES", "RPCS", "URL", "How", "known", "root_of", "service_of", "size_of", "strategy_of"]

URL = "FETCHLAB_PLAY_URL"
"""The environment variable that names the service's root where no ``base_url`` is given."""
RPCS = Adaptive(max=200, start=100)
PAGES = Adaptive(max=64, start=20)
"""Requests at a time unless told: those that ride together, and pages."""


class How(TypedDict, total=False):
    """The knobs that all calls share.

    Attributes:
        base_url: the service's root; ``$FETCHLAB_PLAY_URL`` unless told.
        workers: requests at a time; as many as the service serves well unless told.
        strategy: instead, any strategy of the engine.
        batch_size: rpcs that ride in one HTTP call at most; ``"auto"`` finds out. One alone in threads,
            processes and one after the other. Pages of details and searches always go alone.
        priority: a request's priority, lower goes first, also into a call.
        retry: what is tried again; all that is asked for only reads, so POST is, too.
        rate: requests per second: lists, say, however many of them ride in a call.
        timeout: seconds per attempt.
        client: an ``fl.Client``; a shared one unless told.
        cache: an ``fl.Cache`` or a file's path: what it holds is not asked for again. Lists and reviews are
            kept one by one, whatever call they rode in; details and searches as the pages they came in.
        journal: remembers every request, so that the same call goes on where an earlier one was stopped.
        progress: whether to show progress.
    """

    base_url: str | None
    workers: int | Adaptive | None
    strategy: Strategy | None
    batch_size: int | Literal["auto"]
    priority: Callable[[Any], int] | None
    retry: Retry | None
    rate: RateKnob
    timeout: Timeout | float | None
    client: Any
    cache: Cache | str | PathLike[str] | None
    journal: Journal | str | Path | None
    progress: bool | None


def known(how: How) -> How:
    """Return knobs.

    Raises:
        ConfigError: there is no such knob; the message lists all there are.
    """
    unknown = set(how) - set(How.__annotations__)
    if unknown:
        raise ConfigError(min(unknown), f"is no knob; there are {', '.join(How.__annotations__)}")
    return how


def root_of(base_url: str, knob: str = "base_url") -> str:
    """Return a service's root, without a slash at its end.

    Raises:
        ConfigError: it is no HTTP URL.
    """
    url = str(base_url)
    scheme, _, host = url.partition("://")
    if scheme not in ("http", "https") or not host.strip("/"):
        shown = redact_url(url)
        raise ConfigError(knob, f"give the service's root such as https://example.org, not {shown!r}")
    return url.rstrip("/")


def service_of(how: How) -> str:
    """Return the root of the service that calls go to.

    Raises:
        ConfigError: none is named, or what is named is no HTTP URL.
    """
    given = how.get("base_url")
    knob, url = ("base_url", given) if given is not None else (URL, os.environ.get(URL))
    if url is None:
        raise ConfigError("base_url", f"give the service's root, or set {URL}")
    return root_of(url, knob)


def strategy_of(how: How, usual: Adaptive) -> Strategy:
    """Return the strategy that was chosen, or workers on the loop."""
    workers, strategy = how.get("workers"), how.get("strategy")
    if workers is None and strategy is None:
        return Async(usual)
    return choose(workers, strategy, plain=False)


def size_of(how: How, strategy: Strategy) -> BatchSize | None:
    """How many rpcs ride together; None where each goes alone."""
    given = how.get("batch_size", "auto")
    if given != "auto":
        whole("batch_size", given, instead=" or 'auto'")
    alone = isinstance(strategy, Threads | Processes | Sequential)
    if given == 1 or (given == "auto" and alone):
        return None
    if alone:
        raise ConfigError(
            "batch_size",
            f"{type(strategy).__name__} has one request at a time in hand; give 1, or another strategy",
        )
    return BatchSize(None if given == "auto" else given)
