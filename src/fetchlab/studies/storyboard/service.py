"""What an OpenAI-compatible service says of a request that it does not answer, and whose fault it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import msgspec

from fetchlab.redaction import redact_text

if TYPE_CHECKING:
    from fetchlab.model import Response

__all__ = ["SPENT", "Fault", "fault_of"]

SPENT = frozenset({"insufficient_quota"})
"""Codes that mean the same the next time: the key's quota is gone."""

QUOTA = "google.rpc.QuotaFailure"
"""A detail that says the same at Google's services."""


class _Detail(msgspec.Struct, rename={"kind": "@type"}):
    kind: str = ""


class _Error(msgspec.Struct):
    message: str | None = None
    type: str | None = None
    code: str | int | None = None
    status: str | None = None
    details: list[_Detail] = []


class _Body(msgspec.Struct):
    error: _Error


class Fault(NamedTuple):
    """An error answer.

    Attributes:
        whose: ``key`` (it is of no more use), ``pace`` (the key asks too fast), ``request`` or ``host``.
        text: what to say of it.
    """

    whose: str
    text: str


def fault_of(response: Response) -> Fault | None:
    """Return what an answer complains about, None if it is no error.

    The service's own message is told, without what looks like a credential in it.
    """
    status = response.status
    if status < 400:
        return None
    try:
        error = msgspec.json.decode(response.content, type=_Body).error
    except (msgspec.DecodeError, UnicodeDecodeError):
        error = _Error()
    code = error.status or (error.code if isinstance(error.code, str) else None) or error.type or ""
    said = f"HTTP {status}" + (f" {code}" if code else "")
    spent = code in SPENT or any(detail.kind.endswith(QUOTA) for detail in error.details)
    if status == 401 or spent:
        return Fault("key", said)
    if status == 429:
        return Fault("pace", said)
    if status >= 500:
        return Fault("host", said)
    message = redact_text(error.message or "")[:200]
    return Fault("request", f"{said}: {message}" if message else said)
