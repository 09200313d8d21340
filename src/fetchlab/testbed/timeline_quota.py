"""What the public API allows: so many requests in a window, so many posts in a month."""

from __future__ import annotations

import math
from time import time
from typing import TYPE_CHECKING

from fetchlab.testbed.wire import Reply

if TYPE_CHECKING:
    from fetchlab.testbed.settings import Settings

__all__ = ["Quota", "problem"]

_PROBLEMS = "https://api.twitter.com/2/problems"


class Quota:
    """Counts requests by route, and posts.

    Args:
        settings: `quota` requests in `quota_period` seconds, `usage_cap` posts.
    """

    def __init__(self, settings: Settings) -> None:
        self._limit = settings.quota
        self._period = settings.quota_period
        self._cap = settings.usage_cap
        self._used: dict[str, tuple[float, int]] = {}
        self._told = 0

    def take(self, route: str) -> Reply | None:
        """Count a request; the refusal if it is one too many."""
        begun, used = self._window(route)
        self._used[route] = begun, used + 1
        if used >= self._limit:
            return problem(429, "Too Many Requests", "Too Many Requests", headers=self.headers(route))
        return None

    def spend(self, posts: int) -> Reply | None:
        """Count posts that are told; the refusal if the month's are used up."""
        if self._cap is not None and self._told >= self._cap:
            return problem(
                429,
                "UsageCapExceeded",
                "Usage cap exceeded: Monthly product cap",
                f"{_PROBLEMS}/usage-capped",
                product_name="standard-basic",
                period="Monthly",
                scope="Product",
            )
        self._told += posts
        return None

    def headers(self, route: str) -> list[tuple[str, str]]:
        """What is left, as every answer says it; the reset is in Unix time."""
        begun, used = self._window(route)
        return [
            ("x-rate-limit-limit", str(self._limit)),
            ("x-rate-limit-remaining", str(max(0, self._limit - used))),
            ("x-rate-limit-reset", str(math.ceil(begun + self._period))),
        ]

    def _window(self, route: str) -> tuple[float, int]:
        now = time()
        begun, used = self._used.get(route, (now, 0))
        return (begun, used) if now < begun + self._period else (now, 0)


def problem(
    status: int,
    title: str,
    detail: str,
    kind: str = "about:blank",
    *,
    headers: list[tuple[str, str]] | None = None,
    **more: object,
) -> Reply:
    """A problem document (RFC 9457)."""
    body = {**more, "title": title, "detail": detail, "type": kind, "status": status}
    return Reply.json(body, status, headers or [])
