"""The catalogue's client: ids from list pages, then details."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import polars as pl

from fetchlab.engine.calls import MAX_BYTES, start
from fetchlab.engine.knobs import whole
from fetchlab.engine.parse import decode
from fetchlab.engine.places import fetching_task
from fetchlab.engine.strategies import Async, Strategy, choose
from fetchlab.errors import ConfigError, StudyError
from fetchlab.model import Request
from fetchlab.policy.concurrency import Adaptive
from fetchlab.policy.timeout import Timeout
from fetchlab.redaction import redact_url
from fetchlab.store.cache import Cache
from fetchlab.studies.catalogue.paging import PageRead, Paging
from fetchlab.studies.catalogue.wire import (
    MOVIES,
    Answer,
    DetailsAnswer,
    ListAnswer,
    Movie,
    SuggestionsAnswer,
    movies_frame,
)
from fetchlab.transport.client import Client

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Callable, Iterable
    from os import PathLike
    from pathlib import Path

    from fetchlab.engine.journal import Journal
    from fetchlab.engine.run import Run
    from fetchlab.model import Response, Result
    from fetchlab.policy.retry import Retry

__all__ = ["Catalogue"]

T = TypeVar("T")

PAGE_LIMIT = 50
"""The most movies the service puts on a page."""
AUTO = Adaptive(max=50)

log = logging.getLogger("fetchlab.catalogue")


class Catalogue:
    """A movie catalogue that speaks the YTS API v2.

    Args:
        base_url: the service's root, without ``/api/v2``. Its domain moves, so none is built in.
        client: an ``fl.Client`` or async client with httpx's interface; a shared one unless told.
        retry: what is tried again; ``fl.Retry()`` unless told.
        timeout: seconds per attempt.
        cache: an ``fl.Cache`` or a file's path: pages and details that it holds are not asked for again.

    Raises:
        ConfigError: ``base_url`` is no HTTP URL.
    """

    def __init__(
        self,
        base_url: str,
        *,
        client: Any = None,
        retry: Retry | None = None,
        timeout: Timeout | float | None = Timeout(),  # noqa: B008  # frozen
        cache: Cache | str | PathLike[str] | None = None,
    ) -> None:
        if not str(base_url).startswith(("http://", "https://")):
            raise ConfigError(
                "base_url", f"give the service's root such as https://example.org, not {base_url!r}"
            )
        self.base_url = str(base_url).rstrip("/")
        self._client = Client.of(client)
        self._retry = retry
        self._timeout = Timeout.of(timeout)
        self._cache = Cache.of(cache)

    def ids(
        self,
        max_pages: int | None = None,
        parallel_pages: int | Literal["auto"] = 20,
        *,
        strategy: Strategy | None = None,
        journal: Journal | str | Path | None = None,
        progress: bool | None = None,
    ) -> Run:
        """Collect the ids of all movies from list pages of 50.

        The first page tells how many there are; the others follow in parallel. Pages that fail are
        retried, once more at the end, then reported. Movies seen twice or missing because the list
        changed are mended by reading pages again.

        Args:
            max_pages: read only the first so many pages, newest uploads first; None for all.
            parallel_pages: pages at a time, or ``"auto"`` for as many as the service serves well, up to 50.
                The service asks for restraint above that.
            strategy: instead of ``parallel_pages``, any strategy of the engine.
            journal: remembers every page, so that the same call goes on where an earlier one was stopped.
                Pages are always read anew where the list is doubted.
            progress: whether to show progress.

        Returns:
            A run over pages, keyed ``page/17``. Its ``result()`` is the sorted ``list[int]`` of unique ids;
            its ``notes`` say what was seen twice, mended, missing or failed.

        Raises:
            ConfigError: a knob has a value that cannot work.
            JournalError: the journal is in use, of another service, or cannot be read and written.
        """
        if max_pages is not None:
            whole("max_pages", max_pages)
        pages = AUTO if parallel_pages == "auto" else parallel_pages
        if not isinstance(pages, Adaptive):
            whole("parallel_pages", pages, instead=" or 'auto'")
        chosen = choose(None if strategy else pages, strategy, plain=False)
        paging = Paging(PAGE_LIMIT, max_pages)
        run = start(
            self._fetching(chosen, self._page_request, _parse_page, tells=_reading),
            paging.first(),
            strategy=chosen,
            key=_page_key,
            retry=self._retry,
            follow=lambda result: paging.saw(result.item, *result.value),
            drained=paging.next_round,
            product=lambda _: _ids_of(paging),
            journal=journal,
            call=("catalogue.ids", self.base_url, max_pages),
            origin=self.base_url,
            recalls=lambda read: read.reading == 1,
            progress=progress,
        )
        run.notes_from(paging.notes)
        return run

    def details(
        self,
        ids: Iterable[int] | AsyncIterable[int],
        workers: int | Adaptive | None = None,
        batch_size: int = 50,
        *,
        strategy: Strategy | None = None,
        with_images: bool = True,
        with_cast: bool = True,
        journal: Journal | str | Path | None = None,
        progress: bool | None = None,
    ) -> Run:
        """Fetch the details of movies.

        Args:
            ids: movie ids, read lazily.
            workers: requests at a time, 20 unless told, or ``fl.Adaptive()``.
            batch_size: details per write to the table; workers never wait for a batch.
            strategy: instead of ``workers``, any strategy of the engine.
            with_images: ask for screenshot images.
            with_cast: ask for the cast.
            journal: remembers every movie, so that the same call goes on where an earlier one was stopped;
                may be that of :meth:`ids`, once that has ended.
            progress: whether to show progress.

        Returns:
            A run keyed ``movie/4242``. Its ``result()`` is the details table (``MOVIES`` schema: typed,
            torrents and cast as nested lists), sorted by id. An id the service does not know is a failed
            item.

        Raises:
            ConfigError: a knob has a value that cannot work.
            JournalError: the journal is in use, of another service, or cannot be read and written.
        """
        whole("batch_size", batch_size)
        without = [part for part, wanted in (("images", with_images), ("cast", with_cast)) if not wanted]
        kind = "".join(
            f"/without-{part}" for part in without
        )  # another answer must not pass for the whole one
        flags = {"with_images": str(with_images).lower(), "with_cast": str(with_cast).lower()}
        url = f"{self.base_url}/api/v2/movie_details.json"
        table = _MovieTable(batch_size)
        chosen = choose(workers, strategy, plain=False)
        return start(
            self._fetching(
                chosen, lambda movie: Request(url, params={"movie_id": movie} | flags), _parse_movie
            ),
            ids,
            knob="ids",
            strategy=chosen,
            key=lambda movie: f"movie/{movie}{kind}",
            retry=self._retry,
            follow=table.add,
            product=lambda _: table.frame(),
            journal=journal,
            call=("catalogue.details", self.base_url, kind),
            origin=self.base_url,
            progress=progress,
        )

    def suggestions(self, movie: int, *, progress: bool | None = False) -> pl.DataFrame:
        """Return the movies (at most four) that the service suggests beside one, MOVIES schema; blocks.

        Raises:
            StudyError: the service does not know the movie.
            ItemError: no answer came, or none that could be read.
        """
        url = f"{self.base_url}/api/v2/movie_suggestions.json"
        one = Async(1)
        run = start(
            self._fetching(one, lambda movie: Request(url, params={"movie_id": movie}), _parse_suggestions),
            [movie],
            strategy=one,
            key=lambda movie: f"suggestions/{movie}",
            retry=self._retry,
            progress=progress,
        )
        return movies_frame(run.raise_for_errors().result()[0])

    def __repr__(self) -> str:
        return f"Catalogue({redact_url(self.base_url)!r})"

    def _page_request(self, read: PageRead) -> Request:
        return Request(
            f"{self.base_url}/api/v2/list_movies.json", params={"limit": PAGE_LIMIT, "page": read.page}
        )

    def _fetching(
        self, strategy: Strategy, build: Any, parse: Any, tells: Callable[[Any], str] | None = None
    ) -> Any:
        return fetching_task(
            strategy,
            self._client,
            build,
            parse,
            accept=(),
            timeout=self._timeout,
            max_bytes=MAX_BYTES,
            cache=self._cache,
            tells=tells,
        )


class _MovieTable:
    """Movies as they come, turned into columns ``batch_size`` at a time."""

    def __init__(self, batch_size: int) -> None:
        self._batch_size = batch_size
        self._fresh: list[Movie] = []
        self._chunks: list[pl.DataFrame] = []

    def add(self, result: Result) -> tuple[()]:
        """Take in a movie; adds no further items to the run.

        Raises:
            StudyError: it is another movie than the one asked for, which is how the service says that it
                does not know that one.
        """
        if str(result.value.id) != str(result.item):
            raise StudyError(
                f"movie {result.item} is unknown: the catalogue answered with movie {result.value.id}"
            )
        self._fresh.append(result.value)
        if len(self._fresh) >= self._batch_size:
            fresh, self._fresh = self._fresh, []
            self._chunks.append(movies_frame(fresh))
        return ()

    def frame(self) -> pl.DataFrame:
        """Return all movies so far, sorted by id."""
        parts = [*self._chunks, movies_frame(self._fresh)] if self._fresh else self._chunks
        if not parts:
            return MOVIES.to_frame()
        return pl.concat(parts).unique("id", keep="last", maintain_order=True).sort("id")


def _page_key(read: PageRead) -> str:
    return read.key


def _parse_page(response: Response) -> tuple[int, list[int]]:
    page = _data(decode(response, ListAnswer))
    return page.movie_count, [movie.id for movie in page.movies]


def _parse_movie(response: Response) -> Movie:
    return _data(decode(response, DetailsAnswer)).movie


def _parse_suggestions(response: Response) -> list[Movie]:
    return _data(decode(response, SuggestionsAnswer)).movies


def _data(answer: Answer[T]) -> T:
    if answer.status != "ok" or answer.data is None:
        raise StudyError(f"the catalogue answered {answer.status!r}: {answer.status_message}")
    return answer.data


def _ids_of(paging: Paging) -> list[int]:
    if paging.missing:
        log.warning(
            "%d movies missing, %d pages not read; see run.notes and run.errors()",
            paging.missing,
            len(paging.unread),
        )
    return sorted(paging.ids)


def _reading(read: PageRead) -> str:
    """Pages read again are known apart: the first reading's entry is what they shall not see."""
    return "" if read.reading == 1 else f" #{read.reading}"
