"""Services that make videos: how one is ordered, asked about and downloaded. Sans I/O."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol, runtime_checkable

import msgspec

from fetchlab.engine.parse import decode
from fetchlab.model import Request
from fetchlab.redaction import redact_text

if TYPE_CHECKING:
    from fetchlab.model import Response
    from fetchlab.studies.storyboard.orders import Order

__all__ = ["Backend", "Listed", "Lists", "OpenAIVideos", "State"]

PAGE = 100
FINAL = frozenset({"moderation_blocked", "content_policy_violation", "sentinel_block"})
"""Codes of failures that the same prompt meets again."""


class State(NamedTuple):
    """How a job stands.

    Attributes:
        job: its id.
        status: ``queued``, ``in_progress``, ``completed`` or ``failed``.
        why: what went wrong.
        final: the same order would fail again.
        created: when the service took it, seconds since the epoch.
        expires: when its video is gone.
        place: where a service says that its video is.
        content: the video, where it came with the answer.
    """

    job: str
    status: str
    why: str = ""
    final: bool = False
    created: float | None = None
    expires: float | None = None
    place: str = ""
    content: bytes | None = None


class Listed(NamedTuple):
    """A job in a service's list.

    Attributes:
        job: its id.
        what: what it shows, see :attr:`Order.what`.
        created: when it was taken.
        model: who makes it, empty where the service does not say.
    """

    job: str
    what: tuple[str, str, str]
    created: float
    model: str = ""


class Backend(Protocol):
    """A service. Requests are without credentials; each is sent with those of the job's own account."""

    lengths: tuple[int, ...]
    """Seconds of film that can be ordered."""

    def order(self, order: Order) -> Request:
        """Return the request that orders a video."""

    def look(self, job: str) -> Request:
        """Return the request that asks how a job stands."""

    def state(self, response: Response) -> State:
        """Return how a job stands, from the answer to either."""

    def content(self, job: str, place: str) -> Request | None:
        """Return the request for a finished job's video, None if it comes with a look."""

    def thumbnail(self, job: str) -> Request | None:
        """Return the request for a finished job's thumbnail, None if the service makes none."""


@runtime_checkable
class Lists(Protocol):
    """A service whose jobs can be listed, so that an order whose answer was lost can be found."""

    def page(self, after: str | None) -> Request:
        """Return the request for a page of the account's jobs, latest first."""

    def listed(self, response: Response) -> tuple[list[Listed], str | None]:
        """Return the jobs of a page, and after which one the next page begins, None if there is none."""


class _Error(msgspec.Struct):
    code: str | None = None
    message: str | None = None


class _Video(msgspec.Struct):
    id: str
    status: str = ""
    created_at: float | None = None
    expires_at: float | None = None
    error: _Error | None = None
    prompt: str | None = None
    seconds: str | int | float | None = None
    size: str | None = None
    model: str | None = None


class _Page(msgspec.Struct):
    data: list[_Video]
    has_more: bool = False


class OpenAIVideos:
    """The ``/v1/videos`` shape.

    Args:
        base_url: the service's root with its version.
    """

    lengths: tuple[int, ...] = (4, 8, 12)

    def __init__(self, base_url: str) -> None:
        self._url = f"{base_url}/videos"

    def order(self, order: Order) -> Request:
        """Return the request that orders a video."""
        told = {
            "prompt": order.prompt,
            "model": order.model,
            "seconds": str(order.seconds),
            "size": order.size,
        }
        return Request(self._url, "POST", json=told)

    def look(self, job: str) -> Request:
        """Return the request that asks how a job stands."""
        return Request(f"{self._url}/{job}")

    def state(self, response: Response) -> State:
        """Return how a job stands.

        Raises:
            ParseError: the answer is no job.
        """
        told = decode(response, _Video)
        error = told.error or _Error()
        code = error.code or ""
        why = redact_text(": ".join(part for part in (code, error.message or "") if part))
        failed = told.status in ("failed", "cancelled", "expired")
        status = "failed" if failed else told.status
        return State(
            told.id,
            status,
            why or told.status if failed else "",
            code in FINAL,
            told.created_at,
            told.expires_at,
        )

    def content(self, job: str, place: str) -> Request:  # noqa: ARG002
        """Return the request for a finished job's video."""
        return Request(f"{self._url}/{job}/content")

    def thumbnail(self, job: str) -> Request:
        """Return the request for a finished job's thumbnail."""
        return Request(f"{self._url}/{job}/content", params={"variant": "thumbnail"})

    def page(self, after: str | None) -> Request:
        """Return the request for a page of the account's jobs, latest first."""
        params = {"limit": str(PAGE), "order": "desc"} | ({"after": after} if after else {})
        return Request(self._url, params=params)

    def listed(self, response: Response) -> tuple[list[Listed], str | None]:
        """Return the jobs of a page, and after which one the next page begins, None if there is none.

        Raises:
            ParseError: the answer is no list.
        """
        page = decode(response, _Page)
        jobs = [
            Listed(
                one.id,
                (one.prompt or "", str(one.seconds or ""), one.size or ""),
                one.created_at or 0.0,
                one.model or "",
            )
            for one in page.data
        ]
        return jobs, jobs[-1].job if page.has_more and jobs else None
