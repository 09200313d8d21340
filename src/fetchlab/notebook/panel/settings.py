"""What the controls say, and what they say of the cache before it is opened."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from fetchlab.engine.strategies import Async
from fetchlab.errors import ConfigError
from fetchlab.notebook import here
from fetchlab.store.cache import Cache

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from fetchlab.engine.strategies import Strategy
    from fetchlab.policy.freshness import Mode
    from fetchlab.policy.rate import RateKnob

__all__ = ["FILE", "CacheChoice", "Settings", "cache_mode"]

FILE = "data/cache/panel.db"
"""Below the project's root, where no other cache is given."""


@dataclass(frozen=True, slots=True)
class CacheChoice:
    """A cache in a mode, opened when a run begins.

    Attributes:
        given: the cache or its file; None for the panel's own file.
        mode: what is made of it.
    """

    given: Cache | str | Path | None
    mode: Mode

    def open(self) -> Cache | None:
        """Return the cache, None where it is off."""
        if self.mode == "off":
            return None
        if isinstance(self.given, Cache):
            return self.given.in_mode(self.mode)
        return Cache(here(FILE) if self.given is None else self.given, mode=self.mode)


@dataclass(frozen=True, slots=True)
class Settings:
    """What the controls say.

    Attributes:
        strategy: how items are put onto workers, the number of them included.
        rate: at most so many a second per host, None for no limit.
        cache: where answers are looked up, None for nowhere.
        own: the work's own knobs.
    """

    strategy: Strategy = Async()  # noqa: RUF009  # frozen
    rate: RateKnob = None
    cache: Cache | CacheChoice | None = None
    own: Mapping[str, Any] = field(default_factory=dict)

    @property
    def workers(self) -> Any:
        """The number of workers or ``Adaptive()``, None for a strategy that has none to choose."""
        return self.strategy.workers if isinstance(self.strategy, Async) else None

    def opened(self) -> Settings:
        """Return the same with its cache opened.

        Raises:
            ConfigError: it is no cache.
            CacheError: its file cannot be used.
        """
        cache = self.cache.open() if isinstance(self.cache, CacheChoice) else self.cache
        return replace(self, cache=cache)


def cache_mode(given: Any) -> Mode:
    """Return where the cache control begins: at the mode of the cache that was given.

    Raises:
        ConfigError: it is neither a cache nor a path.
    """
    if given is None:
        return "off"
    if isinstance(given, Cache):
        return given.rules.mode
    if not hasattr(given, "__fspath__") and not isinstance(given, str):
        raise ConfigError("cache", f"give fl.Cache(…) or a file's path, not {given!r}")
    return "use"
