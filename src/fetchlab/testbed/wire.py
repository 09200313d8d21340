"""What a wire is: routes, each a plain function from a request to a reply.

Handlers neither wait nor fail on purpose. Latency, queues, refusals and faults happen around them, in
:mod:`fetchlab.testbed.app`, and are the same for every wire.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import msgspec

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

    from fetchlab.testbed.registry import World
    from fetchlab.testbed.settings import Settings

__all__ = [
    "BadRequest",
    "Header",
    "Reply",
    "Request",
    "Route",
    "Router",
    "Wire",
    "error_page",
    "number",
    "whole",
]

Header = tuple[bytes, bytes]


class BadRequest(ValueError):
    """The request cannot be served; it is answered with status 400 and the message."""


class Request:
    """One request; whoever makes it reads the body, if there is any."""

    __slots__ = ("_args", "body", "headers", "method", "params", "path", "query")

    def __init__(
        self,
        method: str,
        path: str,
        query: bytes,
        headers: Sequence[Header],
        params: dict[str, str],
    ) -> None:
        self.method = method
        self.path = path
        self.query = query
        self.headers = headers
        self.params = params
        self.body = b""
        self._args: dict[str, str] | None = None

    @property
    def args(self) -> dict[str, str]:
        """The query's names and values; of a repeated name the last one."""
        if self._args is None:
            self._args = dict(parse_qsl(self.query.decode("latin-1"), keep_blank_values=True))
        return self._args

    def header(self, name: bytes) -> bytes | None:
        """The first header of that lower-case name."""
        for key, value in self.headers:
            if key == name:
                return value
        return None


class Reply:
    """One answer, ready to send, and therefore safe to keep and send again.

    Args:
        body: the bytes, or what comes before them if there is a `stream`.
        status: the HTTP status.
        kind: the content type.
        headers: more headers.
        delay: seconds this answer takes beyond the wire's latency.
        work: seconds of the service's own work on it: added to the latency, and swinging with that.
        pace: seconds over which the body trickles in.
        stream: makes the chunks that follow `body`; `length` is their sum with `body`, None = chunked.
    """

    __slots__ = (
        "body", "delay", "headers", "kind", "last", "length", "pace", "start", "status", "stream", "work"
    )  # fmt: skip

    def __init__(
        self,
        body: bytes = b"",
        status: int = 200,
        kind: str = "application/json",
        headers: Sequence[tuple[str, str]] = (),
        *,
        delay: float = 0.0,
        work: float = 0.0,
        pace: float = 0.0,
        stream: Callable[[], AsyncIterator[bytes]] | None = None,
        length: int | None = None,
    ) -> None:
        self.body = body
        self.status = status
        self.kind = kind
        self.delay = delay
        self.work = work
        self.pace = pace
        self.stream = stream
        self.length = len(body) if stream is None else length
        self.headers: list[Header] = [] if status == 304 else [(b"content-type", kind.encode())]
        self.headers += [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]
        sized = [(b"content-length", str(self.length).encode())]
        bare = self.length is None or status in (204, 304)
        self.start: dict[str, Any] = {
            "type": "http.response.start",
            "status": status,
            "headers": self.headers if bare else self.headers + sized,
        }
        self.last: dict[str, Any] = {"type": "http.response.body", "body": body}

    def __len__(self) -> int:
        return len(self.body)

    @classmethod
    def json(cls, value: Any, status: int = 200, headers: Sequence[tuple[str, str]] = ()) -> Reply:
        """`value` as JSON."""
        return cls(msgspec.json.encode(value), status, headers=headers)

    @classmethod
    def html(cls, page: str, status: int = 200) -> Reply:
        """A page of HTML."""
        return cls(page.encode(), status, "text/html; charset=utf-8")


class Route:
    """A method (``*`` for any), a path template such as ``/bytes/{n}``, and the handler of both.

    A name stands for one segment of the path, one with a star (``{rest*}``) for all that follow.
    """

    __slots__ = ("handler", "method", "pattern", "template")

    def __init__(self, method: str, template: str, handler: Callable[[Request], Reply]) -> None:
        self.method = method
        self.handler = handler
        self.template = template
        parts = re.split(r"\{(\w+\*?)\}", template)
        self.pattern = re.compile(
            "".join(_matching(part) if place % 2 else re.escape(part) for place, part in enumerate(parts))
        )


def _matching(name: str) -> str:
    return f"(?P<{name.removesuffix('*')}>{'.+' if name.endswith('*') else '[^/]+'})"


def _unknown(request: Request) -> Reply:
    return Reply.json({"error": f"no such route: {request.method} {request.path}"}, 404)


_UNKNOWN = Route("*", "(no such route)", _unknown)
_REMEMBERED = 8192


class Router:
    """Finds the route of a path, and remembers it: clients ask for the same paths again and again."""

    def __init__(self, routes: Sequence[Route]) -> None:
        self._routes = routes
        self._found: dict[tuple[str, str], tuple[Route, dict[str, str], str]] = {}

    def find(self, method: str, path: str) -> tuple[Route, dict[str, str], str]:
        """The route, what its template's names stand for, and what to count it as; GET serves HEAD."""
        found = self._found.get((method, path))
        if found is None:
            if len(self._found) >= _REMEMBERED:
                self._found.clear()
            route, params = self._search("GET" if method == "HEAD" else method, path)
            found = self._found[method, path] = route, params, f"{method} {route.template}"
        return found

    def _search(self, method: str, path: str) -> tuple[Route, dict[str, str]]:
        for route in self._routes:
            if route.method in (method, "*"):
                match = route.pattern.fullmatch(path)
                if match:
                    return route, match.groupdict()
        return _UNKNOWN, {}


class Wire:
    """One service. Subclasses give `routes` and, where there is data, `truth`."""

    #: Whether it keeps what clients do or make there, and gives it as `recorded`.
    records = False

    def __init__(self, name: str, world: World) -> None:
        self.name = name
        self.world = world

    def routes(self) -> list[Route]:
        """What this wire answers; the first match wins."""
        raise NotImplementedError

    def configure(self, settings: Settings) -> None:
        """Take note of new settings, if the wire itself follows any."""

    def parts(self, request: Request) -> list[str]:
        """What a request is made of, where its parts have latencies of their own; by default it is one."""
        del request
        return []

    def subject(self, request: Request) -> str | None:
        """What is asked for, where that tells how long it takes rather than the request's every byte."""
        del request
        return None

    def refuse(self, request: Request) -> Reply | None:
        """What is said at the door to a request that is not let in, at once and whatever the latency."""
        del request
        return None

    def spoil(self, fault: str, request: Request, reply: Reply) -> Reply:
        """What the wire answers instead, for a fault in its own words; by default it knows none."""
        del fault, request
        return reply

    def recorded(self) -> dict[str, Sequence[dict[str, Any]]]:
        """What clients have done and made here; part of its truth."""
        return {}

    def forget(self) -> None:
        """Begin such records anew, as counters do."""

    def error(self, status: int, title: str, retry_after: float | None) -> Reply:
        """How a refusal or a fault is worded: a proxy's page of HTML, unless the wire knows better."""
        return error_page(status, title, retry_after)

    @classmethod
    def truth(cls, world: World) -> dict[str, Sequence[dict[str, Any]]]:
        """The data this wire serves, as it is before any change; empty where it has none."""
        del world
        return {}


def error_page(status: int, title: str, retry_after: float | None = None) -> Reply:
    """What a proxy in front of a service says, whatever the service speaks."""
    headers = [] if retry_after is None or status not in (429, 503) else [("retry-after", f"{retry_after:g}")]
    page = f"<!DOCTYPE html><html><head><title>{title}</title></head><body><h1>{title}</h1></body></html>"
    return Reply(page.encode(), status, "text/html; charset=utf-8", headers)


def whole(text: str, *, least: int = 0, most: int = 2**31) -> int:
    """The whole number that `text` writes.

    Raises:
        BadRequest: it is none, or out of range.
    """
    try:
        value = int(text)
    except ValueError:
        raise BadRequest(f"not a whole number: {text!r}") from None
    if not least <= value <= most:
        raise BadRequest(f"not between {least} and {most}: {text}")
    return value


def number(text: str, *, most: float = 3600.0) -> float:
    """The number from 0 to `most` that `text` writes.

    Raises:
        BadRequest: it is none, or out of range.
    """
    try:
        value = float(text)
    except ValueError:
        raise BadRequest(f"not a number: {text!r}") from None
    if not 0 <= value <= most:
        raise BadRequest(f"not between 0 and {most:g}: {text}")
    return value
