"""From requests to the wire and from responses to values: rpcs that may share a call, and pages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from fetchlab.errors import FetchlabError, ParseError
from fetchlab.model import Request
from fetchlab.studies.charts.framing import CALL, body_of, payload_of, rows_of, sorted_out
from fetchlab.studies.charts.names import SORTS
from fetchlab.studies.charts.reading import apps_of, reviews_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from fetchlab.model import Response
    from fetchlab.studies.charts.apps import App, ReviewPage
    from fetchlab.studies.charts.requests import AppRequest, ListRequest, ReviewRequest, SearchRequest

__all__ = ["LISTS", "PAGE", "REVIEWS", "Rpc", "app_page", "search_page"]

PAGE = 199
"""Reviews on a page at most."""
_FORM = {"Content-Type": "application/x-www-form-urlencoded;charset=UTF-8"}
_FIELDS = [
    *(64, 1, 195, 71, 8, 72, 9, 10, 11, 139, 12, 16, 145, 148, 150, 151, 152, 27, 30, 31, 96, 32, 34, 163),
    *(100, 165, 104, 169, 108, 110, 113, 55, 56, 57, 122),
]
"""Which facts of an app the store's own page asks for."""


class Rpc(NamedTuple):
    """A remote procedure call of the service.

    Attributes:
        name: its id.
        arguments: makes them of a request.
        value: makes a value of a payload.
        parse: the same from the response to a call of this rpc alone.
    """

    name: str
    arguments: Callable[[Any], Any]
    value: Callable[[Any], Any]
    parse: Callable[[Response], Any]

    def call(self, base_url: str, requests: Sequence[Any]) -> Request:
        """Return the call for requests of one country and language."""
        one = requests[0]
        params = {"rpcids": self.name, "hl": one.lang, "gl": one.country, "rt": "c"}
        body = body_of(self.name, [self.arguments(request) for request in requests])
        return Request(f"{base_url}{CALL}", "POST", params=params, content=body, headers=_FORM)

    def sort_out(self, response: Response, requests: Sequence[Any]) -> list[Any]:
        """Return for each request of a call its value, or the error that is its own."""
        rows = sorted_out(rows_of(response), self.name, len(requests))
        return [self._value_or_error(row) for row in rows]

    def _value_or_error(self, row: Any) -> Any:
        try:
            return self.value(payload_of(row))
        except FetchlabError as error:
            return error
        except Exception as error:
            told = ParseError(f"the payload of {self.name} is not as it should be: {error}")
            told.__cause__ = error
            return told


def parse_list(response: Response) -> list[App]:
    """Return the apps that a call for one list brought."""
    return apps_of(payload_of(sorted_out(rows_of(response), "vyAe2", 1)[0]))


def parse_reviews(response: Response) -> ReviewPage:
    """Return the reviews that a call for one page of them brought."""
    return reviews_of(payload_of(sorted_out(rows_of(response), "oCPfdb", 1)[0]))


def _list_arguments(request: ListRequest) -> Any:
    window = [[8, [20, request.num_results]], True, None, _FIELDS]
    return [[None, window, [2, request.collection, request.category]]]


def _review_arguments(request: ReviewRequest) -> Any:
    count = min(PAGE, request.num_reviews)
    window = [count] if request.token is None else [count, None, request.token]
    how = [2, SORTS[request.sort], window, None, [None, request.score]]
    return [None, how, [request.app_id, 7]]


LISTS = Rpc("vyAe2", _list_arguments, apps_of, parse_list)
REVIEWS = Rpc("oCPfdb", _review_arguments, reviews_of, parse_reviews)


def app_page(base_url: str, request: AppRequest) -> Request:
    """Return the request for an app's page."""
    params = {"id": request.app_id, "hl": request.lang, "gl": request.country}
    return Request(f"{base_url}/store/apps/details", params=params)


def search_page(base_url: str, request: SearchRequest) -> Request:
    """Return the request for a search's page."""
    params = {"q": request.query, "c": "apps", "hl": request.lang, "gl": request.country}
    return Request(f"{base_url}/store/search", params=params)
