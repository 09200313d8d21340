"""A client of TMDB's API, version 3: requests for what is asked, and what reads the answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fetchlab.engine.calls import MAX_BYTES
from fetchlab.engine.places import fetching_task
from fetchlab.model import Request
from fetchlab.studies.library.wire import Candidate, SeasonTold, parse_search, parse_season
from fetchlab.transport.client import Client

if TYPE_CHECKING:
    from fetchlab.engine.strategies import Strategy
    from fetchlab.model import Response
    from fetchlab.policy.timeout import Timeout
    from fetchlab.store.cache import Cache
    from fetchlab.studies.library.asking import Asked

__all__ = ["Tmdb"]

_YEAR = {"movie": "primary_release_year", "tv": "first_air_date_year"}


class Tmdb:
    """The service, asked with a key.

    A key of 32 characters travels in the query and a token (a JWT) in a header, as the service wants it.
    Neither is a part of what the cache knows an answer by: that is what was asked, and of whom.

    Args:
        base_url: its root, without ``/3``.
        api_key: the key or token.
        client: an ``fl.Client`` or async client with httpx's interface; one of its own unless told.
    """

    def __init__(self, base_url: str, api_key: str, client: Any = None) -> None:
        self._base_url = base_url
        token = api_key.startswith("eyJ") and api_key.count(".") == 2
        self._query = {} if token else {"api_key": api_key}
        self._headers = {"Authorization": f"Bearer {api_key}"} if token else None
        self._client = Client.of(client)

    def task(self, strategy: Strategy, cache: Cache, timeout: Timeout) -> Any:
        """Return what fetches :class:`Asked` items."""
        return fetching_task(
            strategy,
            self._client,
            self.request,
            read,
            accept={404},
            timeout=timeout,
            max_bytes=MAX_BYTES,
            cache=cache,
            key=lambda asked: f"tmdb {self._base_url} {asked.key}",
        )

    def request(self, asked: Asked) -> Request:
        """Return the request for what is asked."""
        if asked.what == "season":
            path, params = f"tv/{asked.show}/season/{asked.season}", dict(self._query)
        else:
            path, params = f"search/{asked.what}", {"query": asked.query, **self._query}
            if asked.year is not None:
                params[_YEAR[asked.what]] = str(asked.year)
        return Request(f"{self._base_url}/3/{path}", params=params, headers=self._headers)

    def __repr__(self) -> str:
        return f"Tmdb({self._base_url!r})"


def read(response: Response) -> list[Candidate] | SeasonTold:
    """Read the answer to a search, or to the question for a season."""
    return parse_search(response) if "/3/search/" in response.url else parse_season(response)
