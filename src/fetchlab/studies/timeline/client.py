"""The timelines' client: collected from whichever source, kept in one file."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self, TypeAlias

import polars as pl

from fetchlab.engine.calls import MAX_BYTES, start
from fetchlab.engine.journal import Journal
from fetchlab.engine.knobs import whole
from fetchlab.engine.places import calling_task, fetching_task
from fetchlab.engine.strategies import Async
from fetchlab.errors import ConfigError
from fetchlab.policy.timeout import Timeout
from fetchlab.redaction import redact_url
from fetchlab.studies.timeline.api import Api
from fetchlab.studies.timeline.choosing import CARRIES, cheapest
from fetchlab.studies.timeline.collecting import Collecting, Keeping
from fetchlab.studies.timeline.dom import Dom
from fetchlab.studies.timeline.network import Network
from fetchlab.studies.timeline.paging import Pages
from fetchlab.studies.timeline.reading import Options
from fetchlab.studies.timeline.rss import Rss
from fetchlab.studies.timeline.storing import Store
from fetchlab.studies.timeline.summing import summed
from fetchlab.transport.client import Client
from fetchlab.transport.pages import Browser

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from os import PathLike
    from pathlib import Path

    from fetchlab.engine.run import Run
    from fetchlab.policy.rate import RateKnob
    from fetchlab.policy.retry import Retry
    from fetchlab.studies.timeline.paging import Source

__all__ = ["Timeline"]

Collector = Literal["auto", "network", "dom", "api", "rss"]
REFUSALS = {"api": (429,), "rss": (403, 404)}
"""Statuses whose bodies say more than the status does."""
_Parts: TypeAlias = tuple[Any, ...]
"""A task, its items, what leads to more, what names an item, where it all goes, and what makes its value."""
_HANDLE = re.compile(r"@?(\w{1,15})", re.ASCII)


class Timeline:
    """Posts of users, from sites and accounts that you are allowed to collect from.

    Pacing is politeness; nothing here hides what it is.

    Args:
        base_url: the site's root.
        api_url: the root of its API, without ``/2``; needs a ``token``.
        rss_url: the root of a frontend that gives feeds.
        token: the API's bearer token; the environment's ``TIMELINE_TOKEN`` unless told.
        store: the file that posts, media, edges and users are kept in, made with the first of them.
        client: an ``fl.Client`` or async client with httpx's interface; a shared one unless told.
        retry: what is tried again; ``fl.Retry()`` unless told.
        timeout: seconds per request.
        browser: an ``fl.Browser`` that pages are opened in; one of its own, kept until :meth:`close`, unless
            told.

    Raises:
        ConfigError: a knob has a value that cannot work.
    """

    readers: ClassVar[Mapping[str, type[Network | Dom]]] = {"network": Network, "dom": Dom}
    """What reads in a browser, by the collector's name."""

    def __init__(
        self,
        base_url: str,
        api_url: str | None = None,
        rss_url: str | None = None,
        token: str | None = None,
        store: str | PathLike[str] = "data/runs/timeline.db",
        *,
        client: Any = None,
        retry: Retry | None = None,
        timeout: Timeout | float | None = Timeout(),  # noqa: B008  # frozen
        browser: Browser | None = None,
    ) -> None:
        if browser is not None and not isinstance(browser, Browser):
            raise ConfigError("browser", f"give fl.Browser(…), not {browser!r}")
        self.base_url = _root("base_url", base_url)
        self.api_url = None if api_url is None else _root("api_url", api_url)
        self.rss_url = None if rss_url is None else _root("rss_url", rss_url)
        self._token = token or os.environ.get("TIMELINE_TOKEN", "")
        self._store = Store(os.fspath(store))
        self._client = client
        self._retry = retry
        self._timeout = Timeout.of(timeout)
        self._browser = browser
        self._own_browser: Browser | None = None

    def collect(
        self,
        users: Iterable[str] | str,
        collector: Collector = "network",
        *,
        workers: int = 4,
        max_posts: int | None = None,
        latest: bool = False,
        resume: bool = True,
        threads: bool = True,
        fast: bool = False,
        fields: Collection[str] = (),
        min_delay: float = 0.5,
        max_delay: float = 1.5,
        batch_write_size: int = 50,
        rate: RateKnob = None,
        journal: Journal | str | Path | None = None,
        progress: bool | None = None,
    ) -> Run:
        """Collect users' timelines into the store.

        Args:
            users: handles, with or without ``@``.
            collector: where posts come from: ``"network"`` (a browser opens the page, and what the page is
                answered is read), ``"dom"`` (what the page shows: no ids of reposts, and not what a post
                answers), ``"api"`` (the newest 3,200 of a user, whole), ``"rss"`` (what feeds carry), or
                ``"auto"`` for the cheapest of them that carries the ``fields``.
            workers: users at a time.
            max_posts: posts of each user at most, the newest; None for all.
            latest: only what is newer than what is stored.
            resume: go on where an earlier call was stopped; of a timeline that was read to its end only what
                is new. False reads everything again.
            threads: threads as a whole, by visiting the pages of those that the timeline shortens; the API
                has them in any case, feeds never.
            fast: the same as ``threads=False``.
            fields: with ``"auto"``, what is wanted: of ``text``, ``photos``, ``quotes``, ``videos``,
                ``counts``, ``language``, ``replies``, ``reposts``, ``threads`` and ``history`` (beyond the
                newest 3,200); all but ``history`` unless told.
            min_delay: seconds from the beginning of a browser's step to that of the next, at least.
            max_delay: the same, at most.
            batch_write_size: posts per commit; a row that cannot be stored costs no other one.
            rate: ``fl.RateLimit(5)``, say. The service's own 429 is heeded in any case.
            journal: a file to watch the run by, ``fetchlab monitor FILE``. Nothing is answered from it: what
                is known stands in the store.
            progress: whether to show progress.

        Returns:
            A run whose ``result()`` is a table of these users' posts (``POSTS`` schema), the newest first;
            its ``notes`` say from where and why, how many were found (``posts``) and how many each account is
            said to have (``stated``), how each timeline ended (``end``, ``most``, ``known``) and what could
            not be stored; :meth:`by_user` is a table of that. A user who is unknown, protected, suspended or
            has posted nothing is a failed item.

        Raises:
            ConfigError: a knob has a value that cannot work.
            StoreError: the store cannot be used.
        """
        if max_posts is not None:
            whole("max_posts", max_posts)
        options = Options(
            most=max_posts,
            latest=latest,
            resume=resume,
            threads=threads and not fast,
            pause=_pause(min_delay, max_delay),
        )
        return self._collect(
            _named(users),
            self._chosen(collector, fields),
            options,
            workers=workers,
            batch=batch_write_size,
            rate=rate,
            journal=journal,
            progress=progress,
        )

    def refetch(
        self,
        ids: Iterable[int] | int,
        *,
        workers: int = 4,
        min_delay: float = 0.5,
        max_delay: float = 1.5,
        journal: Journal | str | Path | None = None,
        progress: bool | None = None,
    ) -> Run:
        """Read stored posts anew, each on its own page, in a browser; what they quote, too.

        Args:
            ids: of posts that are stored.
            workers: pages at a time.
            min_delay: seconds before a failed step is tried again, at least.
            max_delay: the same, at most; doubled with every failure.
            journal: a file to watch the run by.
            progress: whether to show progress.

        Returns:
            A run keyed ``post/4242`` whose ``result()`` is a table of these posts (``POSTS`` schema). A post
            that is not stored, or not there any more, is a failed item.

        Raises:
            ConfigError: a knob has a value that cannot work.
            StoreError: the store cannot be used.
        """
        whole("workers", workers)
        numbers = [ids] if isinstance(ids, int) else list(ids)
        if not all(isinstance(one, int) and not isinstance(one, bool) and one > 0 for one in numbers):
            raise ConfigError("ids", f"are whole numbers, not {numbers!r}")
        store = Store(self._store.path)
        options = Options(pause=_pause(min_delay, max_delay))
        collecting = Collecting(store, "network", options, continues=False)
        reader = Network(self.base_url, collecting, self._seen)
        return start(
            Keeping(calling_task(Async(1), self.browser.task(reader.read_one), timeout=None), store),
            numbers,
            knob="ids",
            strategy=Async(workers),
            key=lambda number: f"post/{number}",
            retry=self._retry,
            product=lambda _: store.table("posts").filter(pl.col("id").is_in(numbers)),
            journal=_watched(journal),
            call="refetch",
            origin=self.base_url,
            progress=progress,
        )

    def refetch_all(
        self,
        users: Iterable[str] | str,
        collector: Collector = "network",
        *,
        workers: int = 4,
        threads: bool = True,
        min_delay: float = 0.5,
        max_delay: float = 1.5,
        batch_write_size: int = 50,
        rate: RateKnob = None,
        journal: Journal | str | Path | None = None,
        progress: bool | None = None,
    ) -> Run:
        """Collect timelines anew, and put each into the place of the old rows once it is complete.

        Nothing is looked up meanwhile. Until a user is complete the new rows lie beside the old ones, so
        that a call that fails or is killed loses nothing. Old rows that the collector cannot speak of stay:
        what is older than the API's last post, what no feed carries, threads without ``threads``, texts that
        others quote. Arguments, and what is returned, are those of :meth:`collect`.
        """
        options = Options(anew=True, threads=threads, pause=_pause(min_delay, max_delay))
        chosen = self._chosen(collector, ())
        return self._collect(
            _named(users),
            chosen,
            options,
            workers=workers,
            batch=batch_write_size,
            rate=rate,
            journal=journal,
            progress=progress,
        )

    def by_user(self, run: Run) -> pl.DataFrame:
        """Return what became of each user of a run that has ended; a row per user, in their order.

        Args:
            run: of :meth:`collect` or :meth:`refetch_all`.

        Returns:
            A table (``BY_USER`` schema).

        Raises:
            StoreError: the store cannot be read.
        """
        return summed(run, self._store)

    def frame(self, table: str = "posts") -> pl.DataFrame:
        """Return a table of the whole store: ``posts``, ``media``, ``edges``, ``users`` or ``windows``.

        Raises:
            ConfigError: there is no such table.
            StoreError: the store cannot be read.
        """
        return self._store.table(table)

    def export(self, folder: str | PathLike[str], kind: str = "parquet") -> list[Path]:
        """Write every table into a file of a folder: ``"parquet"``, ``"csv"`` or ``"ndjson"``."""
        return self._store.export(os.fspath(folder), kind)

    @property
    def browser(self) -> Browser:
        """The browser that pages are opened in, kept between calls: ``timeline.browser.stats()``."""
        if self._browser is not None:
            return self._browser
        if self._own_browser is None:
            self._own_browser = Browser()
        return self._own_browser

    def close(self) -> None:
        """End the browser that was opened for it, if one was."""
        if self._own_browser is not None:
            self._own_browser.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Timeline({redact_url(self.base_url)!r}, store={str(self._store.path)!r})"

    def _collect(
        self,
        users: list[str],
        chosen: tuple[str, str],
        options: Options,
        *,
        workers: int,
        batch: int,
        rate: RateKnob,
        journal: Journal | str | Path | None,
        progress: bool | None,
    ) -> Run:
        whole("workers", workers)
        whole("batch_write_size", batch)
        collector, why = chosen
        store = Store(self._store.path, batch_size=batch)
        task, items, further, key, collecting, taken = (
            self._in_browser(collector, users, store, options)
            if collector in self.readers
            else self._by_pages(collector, users, store, options)
        )
        run = start(
            Keeping(task, store, taken),
            items,
            knob="users",
            strategy=Async(workers),
            key=key,
            retry=self._retry,
            rate=rate,
            follow=further,
            product=lambda _: store.table("posts", users),
            journal=_watched(journal),
            call=(collector, options),
            origin=self.base_url,
            progress=progress,
        )
        run.notes_from(lambda: {**collecting.notes(), "why": why})
        return run

    def _chosen(self, collector: str, fields: Collection[str]) -> tuple[str, str]:
        """The collector, and why it is that one."""
        if collector == "auto":
            given = {"api": bool(self.api_url and self._token), "rss": self.rss_url is not None}
            return cheapest(fields, [source for source in CARRIES if given.get(source, True)])
        if fields:
            raise ConfigError("fields", "are for collector='auto'")
        if collector not in CARRIES:
            raise ConfigError("collector", f"is one of auto, {', '.join(CARRIES)}, not {collector!r}")
        return collector, "asked for"

    @property
    def _seen(self) -> Path:
        """Where screenshots and HTML of odd pages go: a folder beside the store."""
        return self._store.path.with_suffix(".seen")

    def _by_pages(self, collector: str, users: list[str], store: Store, options: Options) -> _Parts:
        """A run over requests, each of which leads to the next."""
        source = self._source(collector)
        collecting = Collecting(store, collector, options, continues=True)
        pages = Pages(source, collecting, asks_first=collector == "api")
        task = fetching_task(
            Async(1),
            Client.of(self._client),
            source.request,
            source.parse,
            accept=REFUSALS[collector],
            timeout=self._timeout,
            max_bytes=MAX_BYTES,
        )
        return task, pages.first(users), pages.further, pages.key, collecting, pages.taken

    def _in_browser(self, collector: str, users: list[str], store: Store, options: Options) -> _Parts:
        """A run over users, each of whom has a page."""
        collecting = Collecting(store, collector, options, continues=False)
        reader = self.readers[collector](self.base_url, collecting, self._seen)
        task = calling_task(Async(1), self.browser.task(reader.read), timeout=None)
        return task, users, None, lambda user: f"{collector}/{user}", collecting, None

    def _source(self, collector: str) -> Source:
        if collector == "api":
            if self.api_url is None:
                raise ConfigError("api_url", "give the API's root, or another collector")
            if not self._token:
                raise ConfigError("token", "give the API's bearer token, or set TIMELINE_TOKEN")
            return Api(self.api_url, self._token)
        if self.rss_url is None:
            raise ConfigError("rss_url", "give the root of a frontend with feeds, or another collector")
        return Rss(self.rss_url)


def _root(knob: str, url: str) -> str:
    if not str(url).startswith(("http://", "https://")):
        raise ConfigError(knob, f"give the service's root such as https://example.org, not {url!r}")
    return str(url).rstrip("/")


def _named(users: Iterable[str] | str) -> list[str]:
    names = [users] if isinstance(users, str) else list(users)
    found = [_HANDLE.fullmatch(name) if isinstance(name, str) else None for name in names]
    wrong = next((name for name, match in zip(names, found, strict=True) if match is None), None)
    if wrong is not None:
        raise ConfigError("users", f"are handles of up to 15 letters, digits and _, not {wrong!r}")
    return list(dict.fromkeys(match[1].lower() for match in found if match))


def _watched(journal: Journal | str | Path | None) -> Journal | None:
    """A journal from which nothing is answered: the store knows more."""
    given = Journal.of(journal)
    return given and Journal(given.path, batch_size=given.batch_size, skip_known=False)


def _pause(least: float, most: float) -> tuple[float, float]:
    for knob, value in (("min_delay", least), ("max_delay", most)):
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 3600:
            raise ConfigError(knob, f"is seconds from 0 to 3600, not {value!r}")
    if least > most:
        raise ConfigError("min_delay", f"{least:g} is more than max_delay, {most:g}")
    return float(least), float(most)
