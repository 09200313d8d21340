"""What the paid services have in common: keys at the door, and errors as JSON."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import msgspec

from fetchlab.testbed.keys import Meters, key_of
from fetchlab.testbed.settings import Settings
from fetchlab.testbed.wire import Reply, Request, Wire

if TYPE_CHECKING:
    from fetchlab.testbed.keys import Refused
    from fetchlab.testbed.registry import World

__all__ = ["PaidWire", "body_of", "refused"]

_SERVER = "The server had an error while processing your request. Sorry about that!"
_SAID: dict[int, tuple[str, str | None, str]] = {
    400: ("invalid_request_error", None, "The request could not be understood."),
    401: ("invalid_request_error", "invalid_api_key", "Incorrect API key provided."),
    403: ("invalid_request_error", "permission_denied", "You are not allowed to do this."),
    404: ("invalid_request_error", "not_found", "There is no such thing."),
    408: ("server_error", "request_timeout", "Request timed out."),
    409: ("invalid_request_error", "conflict", "The state of this thing does not allow that."),
    410: ("invalid_request_error", "gone", "This thing is gone."),
    429: ("requests", "rate_limit_exceeded", "Rate limit reached for requests. Please try again later."),
    500: ("server_error", None, _SERVER),
    503: ("server_error", "service_unavailable", "The engine is currently overloaded."),
}


class PaidWire(Wire):
    """A service whose clients show a key; subclasses say which requests are paid."""

    def __init__(self, name: str, world: World) -> None:
        super().__init__(name, world)
        self._meters = Meters(Settings())

    def configure(self, settings: Settings) -> None:
        """Follow what is set for keys."""
        self._meters.configure(settings)

    def paid(self, request: Request) -> bool:
        """Whether a request counts against the key's rate and quota."""
        raise NotImplementedError

    def refuse(self, request: Request) -> Reply | None:
        """Turn away unknown keys, and those that ask too often or have spent their quota."""
        key = key_of(request)
        why = self._meters.refusal(key, paid=self.paid(request))
        return None if why is None else self.turned_away(why, self._meters.headers(key))

    def turned_away(self, why: Refused, limits: list[tuple[str, str]]) -> Reply:
        """How that is worded."""
        if why.why == "invalid":
            return refused(401)
        if why.why == "quota":
            message = "You exceeded your current quota, please check your plan and billing details."
            return refused(429, message, kind="insufficient_quota", code="insufficient_quota")
        return refused(429, headers=[*hints(why.wait), *limits])

    def limits(self, request: Request) -> list[tuple[str, str]]:
        """The headers that tell how much this key may still ask for."""
        return self._meters.headers(key_of(request))

    def error(self, status: int, title: str, retry_after: float | None) -> Reply:
        """What the service itself says in JSON; anything it has no words for comes from a proxy."""
        if status not in _SAID:
            return super().error(status, title, retry_after)
        told = retry_after is not None and status in (429, 503)
        return refused(status, headers=hints(retry_after or 0.0) if told else [])


def refused(
    status: int,
    message: str | None = None,
    *,
    kind: str | None = None,
    code: str | None = None,
    param: str | None = None,
    headers: list[tuple[str, str]] | None = None,
) -> Reply:
    """The service's error object; what is not given is what it says with this status."""
    usual_kind, usual_code, usual = _SAID[status]
    error = {
        "message": message or usual,
        "type": kind or usual_kind,
        "param": param,
        "code": code or usual_code,
    }
    return Reply.json({"error": error}, status, headers or ())


def hints(seconds: float) -> list[tuple[str, str]]:
    """When to ask again: in whole seconds, and exactly."""
    return [
        ("retry-after", str(math.ceil(seconds))),
        ("retry-after-ms", str(math.ceil(seconds * 1000))),
    ]


def body_of(request: Request) -> dict[str, Any] | None:
    """The JSON object in a request, None if there is none."""
    try:
        body = msgspec.json.decode(request.body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    return body if isinstance(body, dict) else None
