"""A completion as a stream of events, for clients that ask for one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["EVENTS", "streamed"]

EVENTS = "text/event-stream; charset=utf-8"
_PIECE = 16


def streamed(completion: dict[str, Any], *, usage: bool) -> bytes:
    """All events of a completion: its text in pieces, how it ended, and what it cost if that is asked for."""
    parts = [{"choices": [part], "usage": None} for part in _parts(completion["choices"])]
    parts += [{"choices": [], "usage": completion["usage"]}] if usage else []
    common = {name: completion[name] for name in ("id", "created", "model", "system_fingerprint")}
    events = [msgspec.json.encode({**common, "object": "chat.completion.chunk", **part}) for part in parts]
    return b"".join(b"data: " + event + b"\n\n" for event in [*events, b"[DONE]"])


def _parts(choices: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for choice in choices:
        message = choice["message"]
        deltas: list[dict[str, Any]] = [{"role": "assistant", "content": ""}]
        for field in ("content", "refusal"):
            text = message[field] or ""
            deltas += [{field: text[place : place + _PIECE]} for place in range(0, len(text), _PIECE)]
        for delta in deltas:
            yield {"index": choice["index"], "delta": delta, "finish_reason": None}
        yield {"index": choice["index"], "delta": {}, "finish_reason": choice["finish_reason"]}
