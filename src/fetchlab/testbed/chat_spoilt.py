"""Replies of a language model that went wrong: fenced, cut short, declined, withheld, not JSON, misshapen."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["SPOILT"]

DECLINED = "I'm sorry, but I can't help with that request."

Choice = dict[str, Any]


def _fenced(choice: Choice) -> None:
    choice["message"]["content"] = (
        f"Sure! Here is the JSON you asked for:\n\n```json\n{choice['message']['content']}\n```\n\n"
        "Let me know if you would like any changes."
    )


def _cut(choice: Choice) -> None:
    content = choice["message"]["content"]
    choice["message"]["content"] = content[: len(content) * 2 // 3]
    choice["finish_reason"] = "length"


def _declined(choice: Choice) -> None:
    choice["message"] |= {"content": None, "refusal": DECLINED}


def _withheld(choice: Choice) -> None:
    choice["message"]["content"] = ""
    choice["finish_reason"] = "content_filter"


def _malformed(choice: Choice) -> None:
    """As models do it: single quotes, trailing commas, or a key without quotes, by the length of the text."""
    content = choice["message"]["content"]
    ways: tuple[Callable[[str], str], ...] = (
        lambda text: text.replace('":', "':", 1).replace('{"', "{'", 1),
        lambda text: text.replace("}", ",}", 1),
        lambda text: text.replace('{"', "{", 1).replace('":', ":", 1),
    )
    spoilt = ways[len(content) % len(ways)](content)
    choice["message"]["content"] = spoilt if spoilt != content else f"{content} }}"


def _misshapen(choice: Choice) -> None:
    """Valid JSON: objects lose their last property, and numbers become words."""
    content = choice["message"]["content"]
    try:
        value = json.loads(content)
    except ValueError:
        value = content
    choice["message"]["content"] = json.dumps(_bent(value), ensure_ascii=False)


def _bent(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _bent(one) for name, one in list(value.items())[: max(1, len(value) - 1)]}
    if isinstance(value, list):
        return [_bent(one) for one in value]
    return f"number {value}" if isinstance(value, int | float) else value


SPOILT: dict[str, Callable[[Choice], None]] = {
    "fenced": _fenced,
    "cut": _cut,
    "refusal": _declined,
    "filtered": _withheld,
    "malformed": _malformed,
    "misshapen": _misshapen,
}
"""Fault → what it does to a choice of a completion, in place."""
