"""From a chat completion to a part of a script. Sans I/O.

Models wrap JSON in fences and prose, leave commas, quotes and brackets wrong, and stop in the middle. What is
whole is mended (json-repair) and held against the schema; what was cut off is not: mended, it would pass for
a scene whose text ends where the reply did.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

import json_repair
import msgspec

from fetchlab.engine.parse import decode
from fetchlab.errors import ParseError, StudyError
from fetchlab.redaction import redact_text
from fetchlab.studies.storyboard.prompts import TYPES

if TYPE_CHECKING:
    from fetchlab.model import Response
    from fetchlab.studies.storyboard.planning import Plan
    from fetchlab.studies.storyboard.script import Part

__all__ = ["Reply", "read", "reply_of"]

_DECODER = json.JSONDecoder()


class _Message(msgspec.Struct):
    content: str | None = None
    refusal: str | None = None


class _Choice(msgspec.Struct):
    message: _Message
    finish_reason: str | None = None


class _Usage(msgspec.Struct):
    prompt_tokens: int = 0
    completion_tokens: int = 0


class _Completion(msgspec.Struct):
    choices: list[_Choice]
    usage: _Usage | None = None


class Reply(NamedTuple):
    """What a model said.

    Attributes:
        text: its words.
        cut: it stopped because it may say no more.
        tokens: of prompt and reply together, as the service counts them.
    """

    text: str
    cut: bool
    tokens: int


def reply_of(response: Response) -> Reply:
    """Return the first choice of a chat completion.

    Raises:
        ParseError: the body is no chat completion, or there is no choice in it.
        StudyError: the model, or the service's filter, refused.
    """
    told = decode(response, _Completion)
    if not told.choices:
        raise ParseError("the completion has no choices", retriable=True)
    choice = told.choices[0]
    if choice.message.refusal or choice.finish_reason == "content_filter":
        why = choice.message.refusal or "the service's content filter"
        raise StudyError(f"the model refused: {redact_text(why)[:200]}")
    tokens = 0 if told.usage is None else told.usage.prompt_tokens + told.usage.completion_tokens
    return Reply(choice.message.content or "", choice.finish_reason == "length", tokens)


def read(reply: Reply, part: Part, plan: Plan) -> tuple[Any, bool]:
    """Return the part that a reply holds, and whether it had to be mended.

    Raises:
        ParseError: it holds none that is whole; another attempt may bring one.
    """
    text = _json_in(reply.text)
    try:
        value = msgspec.json.decode(text, type=TYPES[part.kind])
        mended = text != reply.text.strip()
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError) as error:
        if isinstance(error, msgspec.ValidationError):  # well-formed, so there is nothing to mend
            raise _wrong(part, str(error)) from None
        if reply.cut or not _ends(text):
            raise _wrong(part, f"it was cut off after {len(reply.text):,} characters") from None
        value, mended = _mended(text, part), True
    _check(value, part, plan)
    return value, mended


def _mended(text: str, part: Part) -> Any:
    try:
        return msgspec.convert(json_repair.loads(text), TYPES[part.kind])
    except (msgspec.ValidationError, ValueError, RecursionError) as error:
        raise _wrong(part, str(error)) from None


def _json_in(text: str) -> str:
    """Return the JSON object in a text without fences and prose around it, as far as it goes."""
    text = text.strip()
    first = text.find("{")
    if first < 0:
        return text
    try:
        _, end = _DECODER.raw_decode(text, first)
    except (ValueError, RecursionError):
        last = text.rfind("}") + 1
        whole = last > first and not set(text[last:]) & set('{["')
        return text[first:last] if whole else text[first:]
    return text[first:end]


def _ends(text: str) -> bool:
    """Say whether JSON, however wrong, goes on to its end: its last brace closes the first one."""
    if not text.startswith("{") or not text.endswith("}"):
        return False
    depth, quoted, escaped = 0, False, False
    for sign in text:
        if escaped:
            escaped = False
        elif sign == "\\":
            escaped = quoted
        elif sign == '"':
            quoted = not quoted
        elif not quoted:
            depth += (sign in "{[") - (sign in "}]")
    return not quoted and depth <= 0


def _check(value: Any, part: Part, plan: Plan) -> None:
    if part.kind == "scene" and value.scene != part.number:
        raise _wrong(part, f"it is of scene {value.scene}")
    if part.kind in ("outline", "script"):
        numbers = [one.scene for one in value.scenes]
        if numbers != list(range(1, plan.scenes + 1)):
            raise _wrong(part, f"its {len(numbers)} scenes are not 1 to {plan.scenes} in order")
    if part.kind in ("scene", "script"):
        for text in [value] if part.kind == "scene" else value.scenes:
            if not text.prompt.strip():
                raise _wrong(part, f"scene {text.scene} has an empty prompt")


def _wrong(part: Part, why: str) -> ParseError:
    return ParseError(f"the reply is no {part.kind} that can be used: {redact_text(why)}", retriable=True)
