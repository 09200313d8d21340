"""The app store's wire: charts and reviews by ``batchexecute``, details and search as pages of HTML."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import TYPE_CHECKING, Any

import msgspec

from fetchlab.testbed import play_answers as answers
from fetchlab.testbed import play_words as words
from fetchlab.testbed.play_calls import GATEWAY_ERROR, Rpc, answered, rpcs_of, softly_refused
from fetchlab.testbed.play_charts import LONGEST, Charts
from fetchlab.testbed.play_data import Apps
from fetchlab.testbed.store import Shelf
from fetchlab.testbed.wire import BadRequest, Reply, Request, Route, Wire

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from fetchlab.testbed.registry import World
    from fetchlab.testbed.settings import Settings

__all__ = ["PlayWire"]

HITS = 30
PAGE = 199
"""Reviews on a page at most."""
_COUNT = 20
_SORTS: dict[int, Callable[[list[Any]], Any]] = {
    1: lambda review: (-review[6], -review[5][0]),
    2: lambda review: -review[5][0],
    3: lambda review: (-review[2], -review[5][0]),
}


class PlayWire(Wire):
    """Charts of 51,000 apps in 43 countries; their details, reviews and a search."""

    def __init__(self, name: str, world: World) -> None:
        super().__init__(name, world)
        self._apps = Apps(world.seed)
        self._charts = Charts(self._apps, world.seed)
        self._images = world.url("media")
        self._lists: Shelf[tuple[Any, ...], bytes] = Shelf(96 * 2**20)
        self._rpcs: dict[str, Callable[[Any, str], bytes | None]] = {
            "vyAe2": self._list,
            "oCPfdb": lambda arguments, _: self._reviews(arguments[1], arguments[2]),
            "UsvDTd": lambda arguments, _: self._reviews(arguments[2], arguments[3]),
        }

    def configure(self, settings: Settings) -> None:
        """Follow `day` and `rpc_cost`."""
        self._day = settings.day
        self._rpc_cost = settings.rpc_cost

    def routes(self) -> list[Route]:
        """The call that carries others, and the two pages."""
        return [
            Route("POST", "/_/PlayStoreUi/data/batchexecute", self._call),
            Route("GET", "/store/apps/details", self._details),
            Route("GET", "/store/search", self._search),
        ]

    @classmethod
    def truth(cls, world: World) -> dict[str, Sequence[dict[str, Any]]]:
        """All apps, as they are before any country's prices."""
        return {"apps": Apps(world.seed)}

    def parts(self, request: Request) -> list[str]:
        """The rpcs of a call, whatever call they ride in."""
        if request.method != "POST":
            return []
        try:
            rpcs = rpcs_of(request.body)
        except BadRequest:
            return []
        return [f"{_country(request)} {rpc.name} {rpc.arguments}" for rpc in rpcs]

    def spoil(self, fault: str, request: Request, reply: Reply) -> Reply:
        """The service's soft limit: status 200, and an error where the answer should be."""
        if fault != "soft_limit":
            return reply
        if request.method == "POST" and reply.status == 200:
            return softly_refused(self._rows(request), chunked=_chunked(request))
        return Reply.html(f"<!DOCTYPE html><html><body><!-- {GATEWAY_ERROR} --></body></html>")

    def _call(self, request: Request) -> Reply:
        rows = self._rows(request)
        reply = answered(rows, chunked=_chunked(request))
        reply.delay = self._rpc_cost * (len(rows) - 1)
        return reply

    def _rows(self, request: Request) -> list[tuple[Rpc, bytes | None]]:
        # As the service does, by the id inside f.req; the query's rpcids say the same and are not read.
        country = _country(request)
        return [(rpc, self._payload(rpc, country)) for rpc in rpcs_of(request.body)]

    def _payload(self, rpc: Rpc, country: str) -> bytes | None:
        answer = self._rpcs.get(rpc.name)
        try:
            return None if answer is None else answer(rpc.arguments, country)
        except (IndexError, TypeError, ValueError):
            return None

    def _list(self, arguments: Any, country: str) -> bytes:
        wanted = arguments[0]
        count, (_, collection, category) = int(wanted[1][0][1][1]), wanted[2]
        key = country, category, collection, self._day, max(0, min(LONGEST, count))
        kept = self._lists.get(key)
        if kept is None:
            places = self._charts.chart(*key[:4])[: key[4]]
            kept = self._lists.put(key, msgspec.json.encode(answers.chart(self._entries(places, country))))
        return kept

    def _entries(self, places: Sequence[int], country: str) -> list[Any]:
        where = words.COUNTRIES[country]
        return [answers.entry(self._apps.app(place), where, self._images) for place in places]

    def _reviews(self, how: Any, whose: Any) -> bytes | None:
        app = self._apps.find(whose[0])
        if app is None:
            return None
        window = how[2] or []
        count, token = (*window, None, None, None)[0], (*window, None, None, None)[2]
        scored = how[4] if len(how) > 4 else None
        score = scored[1] if scored and len(scored) > 1 else None
        seed, images = self.world.seed, self._images
        every = [
            answers.review(app, number, seed, images) for number in range(answers.review_count(app, seed))
        ]
        kept = sorted(
            (review for review in every if score in (None, review[2])), key=_SORTS.get(how[1], _SORTS[1])
        )
        start = _place(token)
        end = start + max(1, min(PAGE, int(count or _COUNT)))
        if start >= len(kept):
            return b"[]"
        more = urlsafe_b64encode(b"from %d" % end).decode() if end < len(kept) else None
        return msgspec.json.encode([kept[start:end], [None, more], None])

    def _details(self, request: Request) -> Reply:
        app = self._apps.find(request.args.get("id", ""))
        if app is None:
            return Reply.html(
                "<!DOCTYPE html><html><head><title>Not Found</title></head><body>"
                "We're sorry, the requested URL was not found on this server.</body></html>",
                404,
            )
        where = words.COUNTRIES[_country(request)]
        return _page(app.title, "ds:5", answers.app_page(app, where, self._images))

    def _search(self, request: Request) -> Reply:
        query = request.args.get("q", "")
        entries = self._entries(self._charts.hits(query, HITS), _country(request))
        return _page("Search", "ds:4", answers.hits(entries))


def _country(request: Request) -> str:
    """The service shows an unknown country what it shows the United States."""
    country = request.args.get("gl", "us").lower()
    return country if country in words.COUNTRIES else "us"


def _chunked(request: Request) -> bool:
    return request.args.get("rt") == "c"


def _place(token: str | None) -> int:
    if not token:
        return 0
    return int(urlsafe_b64decode(token).removeprefix(b"from "))


def _page(title: str, key: str, data: Any) -> Reply:
    """A page with its data in a script, as the store's pages have them."""
    # Inside a script element a "<" could end it.
    told = msgspec.json.encode(data).decode().replace("<", "\\u003c")
    shown = title.replace("&", "&amp;").replace("<", "&lt;")
    scripts = _script("ds:1", "1", "[]") + _script(key, "13", told)
    return Reply.html(
        f'<!doctype html><html lang="en"><head><title>{shown}</title></head><body>{scripts}</body></html>'
    )


def _script(key: str, digest: str, data: str) -> str:
    return (
        f"<script nonce=\"x\">AF_initDataCallback({{key: '{key}', hash: '{digest}', data:{data}, "
        "sideChannel: {}});</script>"
    )
