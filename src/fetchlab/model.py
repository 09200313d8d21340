"""The nouns: what is asked, what came back, what became of an item, how a run stands.

Slotted, without behaviour beyond conversion.
"""

from __future__ import annotations

import json as _json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import msgspec

from fetchlab import httpx_bridge
from fetchlab.errors import ConfigError, ParseError
from fetchlab.redaction import redact_headers, redact_text, redact_url

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from pathlib import Path

    import httpx

_WIRE_HEADERS = frozenset({"host", "content-length", "transfer-encoding", "connection"})
_PRIMITIVES = {True: "true", False: "false", None: ""}

__all__ = ["Downloaded", "Request", "Response", "Result", "RunStats"]


class Request:
    """One HTTP request.

    Args:
        url: absolute URL, http or https.
        method: HTTP method.
        params: query parameters, added to those the URL already has.
        headers: request headers; they override the client's.
        content: body as bytes or text.
        data: form fields, sent urlencoded.
        json: any JSON value, sent as the body.

    Raises:
        ConfigError: more than one of ``content``, ``data``, ``json`` was given.
    """

    __slots__ = ("content", "headers", "method", "url")

    def __init__(
        self,
        url: str,
        method: str = "GET",
        *,
        params: Mapping[str, Any] | Sequence[tuple[str, Any]] | None = None,
        headers: Mapping[str, str] | None = None,
        content: bytes | bytearray | memoryview | str | None = None,
        data: Mapping[str, Any] | None = None,
        json: Any = None,
    ) -> None:
        self.url = _with_params(str(url), params) if params else str(url)
        self.method = method.upper()
        self.headers: dict[str, str] | None = dict(headers) if headers else None
        self.content: bytes | None = (
            content if content is None else content.encode() if isinstance(content, str) else bytes(content)
        )
        if data is not None or json is not None:
            if sum(part is not None for part in (content, data, json)) > 1:
                raise ConfigError("request", "give one of content, data and json")
            kind = "application/json" if json is not None else "application/x-www-form-urlencoded"
            body = _json.dumps(json) if json is not None else _form(data or {})
            self.content = body.encode()
            self.headers = {"Content-Type": kind} | (self.headers or {})

    @classmethod
    def of(cls, item: Any) -> Request:
        """Return a request from what ``fetch`` accepts: a URL, a Request or an ``httpx.Request``."""
        if isinstance(item, cls):
            return item
        if isinstance(item, str):
            return cls(item)
        if httpx_bridge.is_request(item):
            headers = {
                name: value for name, value in item.headers.items() if name.lower() not in _WIRE_HEADERS
            }
            return cls(str(item.url), item.method, headers=headers, content=item.read() or None)
        raise ConfigError(
            "requests", f"items are URLs, fl.Request or httpx.Request, not {type(item).__name__}"
        )

    @classmethod
    def get(cls, url: str) -> Request:
        """Return a plain GET; made once per item, so it costs as little as it can."""
        request = cls.__new__(cls)
        request.url, request.method, request.headers, request.content = url, "GET", None, None
        return request

    def __repr__(self) -> str:
        shown = f", headers={redact_headers(self.headers)}" if self.headers else ""
        size = f", {len(self.content)} bytes" if self.content else ""
        return f"Request({redact_url(self.url)!r}, {self.method!r}{shown}{size})"


def _with_params(url: str, params: Mapping[str, Any] | Sequence[tuple[str, Any]]) -> str:
    """Add to the query, before any fragment."""
    base, mark, fragment = url.partition("#")
    joint = "?" if "?" not in base else "" if base.endswith(("?", "&")) else "&"
    return f"{base}{joint}{_form(params)}{mark}{fragment}"


def _form(fields: Mapping[str, Any] | Sequence[tuple[str, Any]]) -> str:
    """Urlencode as httpx does: lists repeat the name, True is ``true``, None is empty."""
    pairs = fields.items() if hasattr(fields, "items") else fields
    plain = [
        (name, _PRIMITIVES.get(one, one) if one is None or isinstance(one, bool) else one)
        for name, value in pairs
        for one in (value if isinstance(value, list | tuple) else (value,))
    ]
    return urlencode(plain)


class Response:
    """What came back: status, headers, the decoded body.

    Attributes:
        status: HTTP status code.
        headers: header fields, names case-insensitive.
        content: the body, content encoding already undone.
        url: the URL that answered, after redirects where the transport tells it.
        http_version: ``HTTP/1.1`` or ``HTTP/2.0``.
    """

    __slots__ = ("content", "first_byte", "headers", "http_version", "status", "url")

    def __init__(
        self,
        status: int,
        headers: Mapping[str, str],
        content: bytes,
        url: str,
        http_version: str = "HTTP/1.1",
        first_byte: float | None = None,
    ) -> None:
        self.status = status
        self.headers = headers
        self.content = content
        self.url = url
        self.http_version = http_version
        self.first_byte = first_byte

    @property
    def text(self) -> str:
        """The body as text, by the charset of ``Content-Type``, else UTF-8.

        Raises:
            ParseError: the body is not text in that charset.
        """
        charset = "utf-8"
        for part in (self.headers.get("content-type") or "").split(";")[1:]:
            name, _, value = part.partition("=")
            if name.strip().lower() == "charset":
                charset = value.strip(" \"'") or charset
        try:
            return self.content.decode(charset)
        except (UnicodeDecodeError, LookupError) as error:
            raise ParseError(f"the body is not text in {charset}: {error}") from error

    def json(self) -> Any:
        """Return the body read as JSON.

        Raises:
            ParseError: the body is not JSON.
        """
        try:
            return msgspec.json.decode(self.content)
        except (msgspec.DecodeError, UnicodeDecodeError):  # the standard library takes more: NaN, UTF-16
            pass
        try:
            return _json.loads(self.content)
        except ValueError as error:
            raise ParseError(f"the body is not JSON: {redact_text(str(error))}") from error

    def to_httpx(self) -> httpx.Response:
        """Return the same response as an ``httpx.Response``."""
        return httpx_bridge.response_to_httpx(self)

    def __repr__(self) -> str:
        return f"Response({self.status}, {redact_url(self.url)!r}, {len(self.content)} bytes)"


@dataclass(slots=True)
class Result:
    """What became of one item.

    Times are seconds since the run's start on a monotonic clock.

    Attributes:
        index: the item's place in the input, from 0; items added by ``follow`` come after. Where the
            input has no length, nobody knows where it ends, so all are numbered as they join the run.
        key: the item's identity, secrets masked.
        item: the item as given.
        ok: True if ``value`` holds.
        value: what the task returned or ``parse`` made; None on failure.
        error: what went wrong, None on success.
        status: last HTTP status seen, None if none.
        attempts: attempts made.
        cached: True if no request was needed.
        worker: the slot that ended it.
        queued: when it was read from the input.
        started: when its first attempt began.
        first_byte: when the last attempt's response headers were there, None if they never were.
        finished: when it ended.
        bytes: decoded size of the last body.
        host: scheme, host and port; empty for tasks without one.
    """

    index: int
    key: str
    item: Any
    ok: bool
    value: Any
    error: Exception | None
    status: int | None
    attempts: int
    cached: bool
    worker: int
    queued: float
    started: float
    first_byte: float | None
    finished: float
    bytes: int
    host: str

    def __repr__(self) -> str:
        what = "ok" if self.ok else redact_text(f"{type(self.error).__name__}: {self.error}")
        return (
            f"Result({self.index}, {self.key!r}, {what}, {self.finished - self.started:.3f} s, "
            f"attempts={self.attempts})"
        )


@dataclass(frozen=True, slots=True)
class Downloaded:
    """A file that :func:`fetchlab.download` has put in its place.

    Attributes:
        path: where it is.
        bytes: its size.
        received: bytes of it that the last attempt received.
        resumed_from: the offset at which the last attempt went on, 0 where it began anew.
        skipped: True if the file was there already and has not changed.
        mb_per_s: megabytes (10⁶ bytes) received per second of the last attempt, from sending the request to
            the last byte; 0 where there was nothing to receive.
        sha256: its SHA-256 in hex digits, where ``digest`` or the server gave one to check it with.
        encoding: the content encoding it is in, where the server sent one although none was asked for.
    """

    path: Path
    bytes: int
    received: int = 0
    resumed_from: int = 0
    skipped: bool = False
    mb_per_s: float = 0.0
    sha256: str | None = None
    encoding: str | None = None


@dataclass(frozen=True, slots=True)
class RunStats:
    """A snapshot of a run.

    Attributes:
        state: ready, running, paused, cancelling, cancelled, stopped or done.
        total: items in all, None while unknown.
        done: items that ended, ``ok`` + ``failed``.
        ok: items with a value.
        failed: items with an error.
        cached: items that needed no request.
        retries: attempts beyond each item's first.
        refused: responses 429 or 503.
        bytes: decoded body bytes.
        rate: items per second, exponentially weighted over 5 s.
        mean_rate: items per second since the start.
        eta: seconds to the end at ``rate``, None while unknown.
        elapsed: seconds since the start, the end once it ended.
        in_flight: attempts under way.
        workers: slots now.
        parked: items that must wait; they hold no worker.
        waits: the same by reason: backoff, retry-after, rate or breaker.
        errors: failed items by error kind.
        cpu_s: CPU seconds of the whole process since the run's start.
        limits: workers allowed by host where that is adaptive.
        rss_peak: peak resident memory of the process in bytes.
        started_at: wall-clock start, UTC.
        earlier: items that earlier sessions of the journal finished: among ``done``, and ``ok`` or
            ``failed``, in no rate.
    """

    state: str
    total: int | None
    done: int
    ok: int
    failed: int
    cached: int
    retries: int
    refused: int
    bytes: int
    rate: float
    mean_rate: float
    eta: float | None
    elapsed: float
    in_flight: int
    workers: int
    parked: int
    errors: dict[str, int] = field(default_factory=dict)
    limits: dict[str, int] = field(default_factory=dict)
    waits: dict[str, int] = field(default_factory=dict)
    cpu_s: float = 0.0
    rss_peak: int = 0
    started_at: datetime | None = None
    earlier: int = 0
