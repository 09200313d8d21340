"""What a response says about when to come back.

``Retry-After`` in seconds or as an HTTP date (RFC 9110 section 10.2.3), ``retry-after-ms`` (OpenAI's and
Azure's), and, where the quota is used up, the reset of ``x-ratelimit-*`` or ``x-rate-limit-*``: seconds,
seconds since the epoch, or a duration such as ``6m0s``. A hint that cannot be meant (nothing, 0, the past,
more than a day) is no hint.
"""

from __future__ import annotations

import re
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["LONGEST", "clock_ahead", "has_quota", "retry_after", "until_reset"]

LONGEST = 86_400.0
"""Seconds; a longer wait is a mistake or a joke."""

_QUOTAS = (
    ("x-ratelimit-remaining", "x-ratelimit-reset"),
    ("x-rate-limit-remaining", "x-rate-limit-reset"),
    ("x-ratelimit-remaining-requests", "x-ratelimit-reset-requests"),
    ("ratelimit-remaining", "ratelimit-reset"),
)
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
_NUMBER = re.compile(r"\d{1,18}(?:\.\d{1,9})?")


def retry_after(headers: Mapping[str, str] | None, wall: float) -> float | None:
    """Return the seconds that a refusal asks to wait, None without a usable hint.

    Args:
        headers: the response's, names case-insensitive.
        wall: now, in seconds since the epoch.
    """
    if headers is None:
        return None
    exact = _number(_said(headers, "retry-after-ms"))
    if exact is not None and _meant(exact / 1000):
        return exact / 1000
    given = _said(headers, "retry-after")
    if given:
        seconds = _number(given)
        if seconds is None:
            seconds = _date(given, wall)
        if seconds is not None and _meant(seconds):
            return seconds
    return until_reset(headers, wall)


def until_reset(headers: Mapping[str, str], wall: float) -> float | None:
    """Return the seconds until a quota that is used up is given anew, None if none is used up."""
    for left, reset in _QUOTAS:
        remaining = _number(_said(headers, left))
        if remaining is not None and remaining < 1:
            seconds = _reset(_said(headers, reset), wall)
            if seconds is not None and _meant(seconds):
                return seconds
    return None


def clock_ahead(headers: Mapping[str, str], wall: float) -> float:
    """Return the seconds by which a server's clock is ahead of ours, by its ``Date``; 0.0 without one."""
    return _date(_said(headers, "date"), wall) or 0.0


def has_quota(headers: Mapping[str, str]) -> bool:
    """Say whether a response tells of a quota at all."""
    return any(left in headers for left, _ in _QUOTAS)


def _said(headers: Mapping[str, str], name: str) -> str | None:
    try:
        return headers.get(name)
    except ValueError:  # bytes that are no text
        return None


def _meant(seconds: float) -> bool:
    return 0 < seconds <= LONGEST


def _number(text: str | None) -> float | None:
    text = (text or "").strip()
    return float(text) if _NUMBER.fullmatch(text) else None


def _reset(text: str | None, wall: float) -> float | None:
    """A number above what a day holds is a moment: in seconds, or in milliseconds since the epoch."""
    number = _number(text)
    if number is not None:
        if number <= LONGEST:
            return number
        return (number / 1000 if number > 1e11 else number) - wall
    parts = _DURATION.findall((text or "").strip())
    if parts and "".join(amount + unit for amount, unit in parts) == (text or "").strip():
        return sum(float(amount) * _UNITS[unit] for amount, unit in parts)
    return _date(text, wall)


def _date(text: str | None, wall: float) -> float | None:
    """All forms of an HTTP date are in UTC, also those that do not say so (RFC 9110 section 5.6.7)."""
    try:
        date = parsedate_to_datetime(text or "")
        return (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp() - wall
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
