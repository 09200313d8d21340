"""The library's client: scan, match, plan, apply, undo."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from fetchlab.engine.calls import start
from fetchlab.engine.journal import Journal
from fetchlab.engine.knobs import whole
from fetchlab.engine.strategies import Async, choose
from fetchlab.errors import ConfigError
from fetchlab.policy.retry import Retry
from fetchlab.policy.timeout import Timeout
from fetchlab.store.cache import Cache
from fetchlab.studies.library.filters import Filter
from fetchlab.studies.library.matching import MATCHED, Matching
from fetchlab.studies.library.planning import plan_of
from fetchlab.studies.library.runs import journal_of, start_apply, start_undo
from fetchlab.studies.library.scanning import SCANNED, Parsing, Scan
from fetchlab.studies.library.tmdb import Tmdb
from fetchlab.studies.library.walk import Mode, Walk

if TYPE_CHECKING:
    from collections.abc import Callable
    from os import PathLike

    from fetchlab.engine.run import Run
    from fetchlab.policy.concurrency import Adaptive
    from fetchlab.policy.rate import RateKnob

__all__ = ["Library"]

PATIENT = Retry(patience=30.0)
IN_MEMORY = 256
MOVERS = 4
MOST_ERRORS = 0.5
"""Share of requests without an answer from which on, after 200, the service is left alone."""


class Library:
    """A folder of films and series, and a service that knows their titles.

    Args:
        path: the library's folder.
        tmdb_url: the root of a service that speaks TMDB's API, without ``/3``; only :meth:`match` needs it.
        api_key: its key or bearer token; the environment's ``TMDB_API_KEY`` unless told.
        to: the folder that the new layout goes to, ``path`` itself unless told.
        cache: an ``fl.Cache`` or a file's path: what guessit read, and what TMDB answered within an hour. In
            memory unless told.
        concurrency: folders read at a time, where that helps, and requests to TMDB under way at a time.
        threshold: up to so many videos are read one after the other, in this process; of more, names with
            one reading as far as that takes less than starting another one.
        rules: what belongs to the library.
        client: an ``fl.Client`` or async client with httpx's interface; one of its own unless told.
        retry: what is tried again; unless told ``fl.Retry(patience=30)``, so that a service that is down does
            not hold up a library for long.
        timeout: seconds per attempt.

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
        client: Any = None,
        retry: Retry | None = None,
        timeout: Timeout | float | None = Timeout(),  # noqa: B008  # frozen
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
        self._cache: Cache = _cache_of(cache)
        self._client = client
        self._retry = retry or PATIENT
        self._timeout = Timeout.of(timeout)
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

    def match(
        self,
        scanned: pl.DataFrame | None = None,
        *,
        ahead: int = 0,
        workers: int | Adaptive | None = None,
        rate: RateKnob = None,
        journal: Journal | str | Path | None = None,
        progress: bool | None = None,
    ) -> Run:
        """Look up what the library's films and series are.

        One search serves all files of a title, one call all episodes of a season; what the cache holds is not
        asked for again, and of many who ask for one title at once one asks the service. Where it is down or
        has no answer, its files stay without a match, and say so.

        Args:
            scanned: what :meth:`scan` gave; unless told it is scanned now, and this call waits for it.
            ahead: seasons to have in the cache beyond the last one that is there.
            workers: requests at a time, ``concurrency`` unless told, or ``fl.Adaptive()``.
            rate: ``fl.RateLimit(50)``, say. The service's own 429 and ``Retry-After`` are heeded in any case.
            journal: remembers every answer, so that the same call goes on where an earlier one was stopped.
            progress: whether to show progress.

        Returns:
            A run over requests, keyed ``movie/the silent harbour/2014``, ``tv/…`` or ``season/1399/1``. Its
            ``result()`` is a table of the videos (``MATCHED`` schema) sorted by path; its ``notes`` count
            requests by why they were made, and say how many were saved.

        Raises:
            ConfigError: a knob has a value that cannot work, or there is no service or key to ask with.
            JournalError: the journal is in use, of another service, or cannot be read and written.
        """
        if self.tmdb_url is None:
            raise ConfigError("tmdb_url", "give the root of a service that speaks TMDB's API")
        if not self._api_key:
            raise ConfigError("api_key", "give the service's key or token, or set TMDB_API_KEY")
        if isinstance(ahead, bool) or not isinstance(ahead, int) or ahead < 0:
            raise ConfigError("ahead", f"is a whole number of seasons, 0 or more, not {ahead!r}")
        matching = Matching(self._scanned(scanned), ahead)
        tmdb = Tmdb(self.tmdb_url, self._api_key, self._client)
        chosen = choose(self._concurrency if workers is None else workers, None, plain=False)
        run = start(
            tmdb.task(chosen, self._cache, self._timeout),
            matching.asking.first(),
            strategy=chosen,
            key=lambda asked: asked.key,
            retry=self._retry,
            rate=rate,
            follow=matching.further,
            product=matching.frame_of,
            max_error_rate=MOST_ERRORS,
            journal=journal,
            call=("library.match", self.tmdb_url, ahead),
            origin=self.tmdb_url,
            progress=progress,
        )
        run.notes_from(matching.notes)
        return run

    def plan(
        self,
        confidence: float = 0.8,
        *,
        scanned: pl.DataFrame | None = None,
        matched: pl.DataFrame | None = None,
        progress: bool | None = None,
    ) -> pl.DataFrame:
        """Say where every file would go in Plex's layout, or why it stays. Nothing is touched.

        Films go to ``Movies/Title (Year)/Title (Year) {tmdb-ID} - 1080p.ext``, episodes to
        ``TV Shows/Show (Year)/Season 01/Show (Year) - s01e02 - Title.ext``; subtitles, facts and pictures go
        with their video, or with all videos of their folder. What stays has ``move`` False and says why:
        its match is less sure than ``confidence``, its target exists, another file goes there. Set ``move``
        or ``target`` of a row, or leave rows out, before the plan goes to :meth:`apply`.

        Args:
            confidence: the least with which a video is moved, from 0 to 1.
            scanned: what :meth:`scan` gave; unless told it is scanned now.
            matched: what :meth:`match` gave of it; unless told it is matched now.
            progress: whether to show progress.

        Returns:
            A table of the files (``PLAN`` schema) sorted by source.

        Raises:
            ConfigError: a knob has a value that cannot work, or there is no service or key to ask with.
        """
        if (
            isinstance(confidence, bool)
            or not isinstance(confidence, int | float)
            or not 0 <= confidence <= 1
        ):
            raise ConfigError("confidence", f"is a number from 0 to 1, not {confidence!r}")
        scanned = self._scanned(scanned, progress=progress)
        if matched is None:
            matched = self.match(scanned, progress=progress).result()
        elif not isinstance(matched, pl.DataFrame) or not set(MATCHED) <= set(matched.columns):
            raise ConfigError("matched", "give the table that match() returned")
        return plan_of(scanned, matched, self.path, self.to, confidence)

    def apply(
        self,
        plan: pl.DataFrame,
        journal: Journal | str | Path | None = None,
        *,
        workers: int = MOVERS,
        progress: bool | None = None,
    ) -> Run:
        """Move files as a plan says, each video together with its sidecars. Nothing is overwritten.

        On one file system a file is renamed; to another one it is copied, read back and then removed, with
        its times and mode. What is meant is in the journal before the first file moves: after ``kill -9``,
        :meth:`apply` goes on and :meth:`undo` takes back, and no file is lost or there twice. A file that
        was changed since the plan was made stays, and so does one whose target exists; the rest goes on.
        Folders that become empty stay.

        Args:
            plan: what :meth:`plan` gave, rows left out or changed as you like.
            journal: remembers what was moved; :attr:`journal` unless told. One library, one journal: a
                further plan's moves are added to it.
            workers: files at a time.
            progress: whether to show progress.

        Returns:
            A run over videos with their sidecars, keyed ``move/`` and the path. Its ``result()`` is a table
            of the planned moves (``MOVED`` schema) sorted by source; its ``notes`` count what was done.

        Raises:
            ConfigError: a knob has a value that cannot work, or the plan leaves the folders.
            JournalError: the journal is in use, of another library, or cannot be read and written.
        """
        whole("workers", workers)
        kept = Journal.of(self.journal if journal is None else journal)
        assert kept is not None  # for the type checker
        return start_apply(plan, self.path, self.to, kept, workers=workers, progress=progress)

    def undo(
        self,
        journal: Journal | str | Path | None = None,
        *,
        workers: int = MOVERS,
        progress: bool | None = None,
    ) -> Run:
        """Take back everything that a journal's applies moved, the latest first.

        Files get their old paths, sizes and times; folders that applies made are removed if they are empty. A
        file that is somewhere else by now, or whose old place is taken, is told of and left.

        Args:
            journal: what :meth:`apply` was given.
            workers: files at a time.
            progress: whether to show progress.

        Returns:
            A run over files, keyed ``undo/1/`` and the path. Its ``result()`` is a table of the moves
            (``MOVED`` schema) sorted by source; its ``notes`` count what was done.

        Raises:
            ConfigError: a knob has a value that cannot work.
            JournalError: there is no such journal, it is in use, of another library, or cannot be read.
        """
        whole("workers", workers)
        kept = Journal.of(self.journal if journal is None else journal)
        assert kept is not None  # for the type checker
        return start_undo(self.path, self.to, kept, workers=workers, progress=progress)

    @property
    def journal(self) -> Path:
        """Where :meth:`apply` journals unless told: ``data/runs/library-….db``, one file for each library."""
        return journal_of(self.path, self.to)

    def _scanned(self, given: pl.DataFrame | None, *, progress: bool | None = False) -> pl.DataFrame:
        """The files, scanned now unless given."""
        if given is None:
            scanned: pl.DataFrame = self.scan(progress=progress).raise_for_errors().result()
            return scanned
        if not isinstance(given, pl.DataFrame) or not set(SCANNED) <= set(given.columns):
            raise ConfigError("scanned", "give the table that scan() returned")
        return given

    @property
    def cache(self) -> Cache:
        """What is remembered: ``library.cache.stats()``, ``library.cache.clear()``."""
        return self._cache

    def __repr__(self) -> str:
        return f"Library({str(self.path)!r})"


def _cache_of(cache: Any) -> Cache:
    """The cache of the knob; one of a file's path holds little in memory, for each answer is read once."""
    return (
        Cache(cache, memory=IN_MEMORY) if isinstance(cache, str | os.PathLike) else Cache.of(cache) or Cache()
    )
