"""The library's client: scan, then match."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fetchlab.engine.calls import start
from fetchlab.engine.knobs import whole
from fetchlab.engine.strategies import Async
from fetchlab.errors import ConfigError
from fetchlab.store.cache import Cache
from fetchlab.studies.library.filters import Filter
from fetchlab.studies.library.scanning import Parsing, Scan
from fetchlab.studies.library.walk import Mode, Walk

if TYPE_CHECKING:
    from collections.abc import Callable
    from os import PathLike

    from fetchlab.engine.run import Run

__all__ = ["Library"]


class Library:
    """A folder of films and series, and a service that knows their titles.

    Args:
        path: the library's folder.
        tmdb_url: the root of a service that speaks TMDB's API, without ``/3``; only :meth:`match` needs it.
        api_key: its key or bearer token; the environment's ``TMDB_API_KEY`` unless told.
        to: the folder that the new layout goes to, ``path`` itself unless told.
        cache: an ``fl.Cache`` or a file's path: what guessit read and TMDB answered. In memory for an hour
            unless told.
        concurrency: folders read at a time, where that helps, and requests to TMDB under way at a time.
        threshold: up to so many videos are read one after the other, in this process.
        rules: what belongs to the library.

    Raises:
        ConfigError: a knob has a value that cannot work.
    """

    def __init__(
        self,
        path: str | PathLike[str],
        tmdb_url: str | None = None,
        api_key: str | None = None,
        to: str | PathLike[str] | None = None,
        cache: Cache | str | PathLike[str] | None = None,
        *,
        concurrency: int = 16,
        threshold: int = 10,
        rules: Filter | None = None,
    ) -> None:
        if not isinstance(path, str | os.PathLike):
            raise ConfigError("path", f"give the library's folder, not {path!r}")
        if isinstance(threshold, bool) or not isinstance(threshold, int) or threshold < 0:
            raise ConfigError("threshold", f"is a whole number of 0 or more, not {threshold!r}")
        if rules is not None and not isinstance(rules, Filter):
            raise ConfigError("rules", f"give library.Filter(…), not {rules!r}")
        if tmdb_url is not None and not str(tmdb_url).startswith(("http://", "https://")):
            raise ConfigError("tmdb_url", f"give the service's root, https://…, not {tmdb_url!r}")
        whole("concurrency", concurrency)
        self.path = Path(path).expanduser()
        self.to = self.path if to is None else Path(to).expanduser()
        self.tmdb_url = None if tmdb_url is None else str(tmdb_url).rstrip("/")
        self._api_key = api_key or os.environ.get("TMDB_API_KEY", "")
        self._cache = Cache() if cache is None else Cache.of(cache)
        self._concurrency = concurrency
        self._threshold = threshold
        self._rules = rules or Filter()

    def scan(
        self,
        *,
        walk: Mode = "auto",
        scandir: Callable[[str], Any] = os.scandir,
        progress: bool | None = None,
    ) -> Run:
        """Find the library's files, and read their names while they are being found.

        Args:
            walk: ``"sequential"`` or ``"parallel"``, or ``"auto"`` for whichever the folders' latency asks
                for.
            scandir: what reads folders, with the interface of :func:`os.scandir`.
            progress: whether to show progress.

        Returns:
            A run over chunks of names, keyed ``fast/0`` or ``guessit/0``. Its ``result()`` is a table of the
            files (``SCANNED`` schema) sorted by path; its ``notes`` say what was passed over and why, what
            could not be read, how the walk was done and how many names which parser read.

        Raises:
            ConfigError: a knob has a value that cannot work, or there is no such folder.
        """
        scan = Scan(
            Walk(self.path, self._rules, concurrency=self._concurrency, mode=walk, scandir=scandir),
            self._threshold,
        )
        run = start(
            Parsing(scan, self._cache),
            scan.chunks(),
            strategy=Async(os.cpu_count() or 1),
            key=lambda chunk: chunk.key,
            follow=scan.further,
            product=lambda _: scan.frame(),
            progress=progress,
        )
        run.notes_from(scan.notes)
        return run

    def __repr__(self) -> str:
        return f"Library({str(self.path)!r})"
