"""Chat completions that write storyboards.

Any key will do that `invalid_keys` does not name. Replies depend on the seed and on what the messages say,
never on when or with which key they are sent.

**What to write** is read from the last sentence that begins like one of these, in any message::

    Write the bible.                    Write the outline for 75 scenes.
    Write scene 7.                      Write scenes 6-10.        Write all 22 scenes.

``{"write": "scenes", "scenes": [6, 7]}`` says it in JSON; where nothing does, the schema's name is read.

**What the request shows** stands under headings, each on a line of its own or followed by a colon: ``Idea``,
``Bible``, ``Outline``, ``Finished scenes`` (or ``Scenes so far``, ``Context``). Markdown and tags around them
do not matter, and a message may be a JSON object with those keys. A finished scene is a JSON object with
``scene`` (or ``number``) and ``title``, or a line ``Scene 3: Silent Harbour``.

**The reply** to these is JSON: an instance of the schema in ``response_format``, else::

    bible     {"title", "logline", "style", "setting", "characters": [{"name", "look", "voice"}]}
    outline   {"title", "outline": [{"scene", "beat", "complexity"}]}
    a scene   {"scene", "title", "visual", "narration", "camera", "characters", "seconds", "complexity",
               "context": [{"scene", "title"}]}
    scenes    {"scenes": [a scene, …]}

A film is told by the title of its bible, else by its idea. Within a film no two scenes share a title, and a
title does not depend on what else was in the request. ``context`` lists the finished scenes that the request
showed, in its order and under *its* numbers: one shown under a wrong number is known by its title. The same
is kept in ``bed.truth("openai")["chats"]``, whatever the schema, with the bible's title (None if it was not
shown) and the scenes of which the outline spoke.

Anything else is answered with a sentence. A token is four characters. With ``stream`` the same comes as
events, which the faults of replies (`fenced`, `cut`, …) leave alone.
"""

from __future__ import annotations

import json
from collections import deque
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

import msgspec

from fetchlab.testbed import paid
from fetchlab.testbed.chat_asked import Asked, read
from fetchlab.testbed.chat_shape import shaped
from fetchlab.testbed.chat_spoilt import SPOILT
from fetchlab.testbed.chat_story import story_of
from fetchlab.testbed.chat_stream import EVENTS, streamed
from fetchlab.testbed.keys import account, key_of
from fetchlab.testbed.paid import PaidWire
from fetchlab.testbed.wire import Reply, Request, Route

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fetchlab.testbed.registry import World
    from fetchlab.testbed.settings import Settings

__all__ = ["ChatWire"]

_CHAT = "/v1/chat/completions"
_CREATED = 1_763_000_000
_MODELS = ("storyboard-1", "storyboard-1-mini", "sora-2", "sora-2-pro")
_CHARACTERS = 4
_REMEMBERED = 20_000
_MOST_CHOICES = 8


class ChatWire(PaidWire):
    """Chat completions; see the module for what they understand."""

    records = True

    def __init__(self, name: str, world: World) -> None:
        super().__init__(name, world)
        self._chats: deque[dict[str, Any]] = deque(maxlen=_REMEMBERED)

    def configure(self, settings: Settings) -> None:
        """Follow `token_time`, `bad_scenes`, and what is set for keys."""
        super().configure(settings)
        self._token_time = settings.token_time
        self._bad_scenes = frozenset(settings.bad_scenes)

    def routes(self) -> list[Route]:
        """Chat and the list of models."""
        return [
            Route("POST", _CHAT, self._chat),
            Route("GET", "/v1/models", lambda _: Reply.json({"object": "list", "data": _models()})),
        ]

    def paid(self, request: Request) -> bool:
        """Completions are."""
        return request.method == "POST" and request.path == _CHAT

    def subject(self, request: Request) -> str | None:
        """The scenes, so that a scene takes equally long whatever context it is given."""
        body = paid.body_of(request) if self.paid(request) else None
        messages = (body or {}).get("messages")
        if not isinstance(messages, list) or not _are_messages(messages):
            return None
        asked = read(messages)
        return f"{asked.kind} {asked.scenes}" if asked.kind else None

    def recorded(self) -> dict[str, Sequence[dict[str, Any]]]:
        """Every completion that was begun."""
        return {"chats": list(self._chats)}

    def forget(self) -> None:
        """Begin the record anew."""
        self._chats.clear()

    def spoil(self, fault: str, request: Request, reply: Reply) -> Reply:
        """The same completion, gone wrong in its own way."""
        bend = SPOILT.get(fault)
        whole = request.path == _CHAT and reply.status == 200 and reply.kind != EVENTS
        if bend is None or not whole:
            return reply
        completion = msgspec.json.decode(reply.body)
        for choice in completion["choices"]:
            bend(choice)
        return Reply(msgspec.json.encode(completion), headers=self.limits(request))

    def _chat(self, request: Request) -> Reply:
        body = paid.body_of(request)
        if body is None:
            return paid.refused(400, "We could not parse the JSON body of your request.")
        messages = body.get("messages")
        if not isinstance(body.get("model"), str):
            return paid.refused(400, "you must provide a model parameter", param="model")
        if not isinstance(messages, list) or not _are_messages(messages):
            return paid.refused(400, "'messages' must be a list of objects with a role", param="messages")
        wanted = body.get("response_format") or {}
        if not isinstance(wanted, dict):
            return paid.refused(400, "'response_format' must be an object", param="response_format")
        named = _schema(wanted)
        asked = read(messages, str(named.get("name", "")))
        self._chats.append(_record(asked, key_of(request), body["model"]))
        if self._bad_scenes.intersection(asked.scenes) and asked.kind == "scenes":
            return self.error(500, "Internal Server Error", None)
        try:
            content = self._written(asked, wanted, named.get("schema") or {})
        except (AttributeError, KeyError, TypeError, ValueError):
            return paid.refused(400, "Invalid schema for response_format.", param="response_format")
        completion, tokens = _completion(content, body, messages)
        seconds, limits = self._token_time * tokens, self.limits(request)
        if body.get("stream"):
            options = body.get("stream_options")
            events = streamed(
                completion, usage=isinstance(options, dict) and bool(options.get("include_usage"))
            )
            return Reply(events, 200, EVENTS, limits, pace=seconds)
        return Reply(msgspec.json.encode(completion), headers=limits, work=seconds)

    def _written(self, asked: Asked, wanted: dict[str, Any], schema: dict[str, Any]) -> str:
        story = story_of(self.world.seed, asked)
        known: dict[str, Any] = {}
        if asked.kind == "bible":
            known = whole = story.bible()
        elif asked.kind == "outline":
            beats = [story.beat(number) for number in asked.scenes]
            whole = {"title": story.title, "outline": beats}
            known = {**whole, "scenes": beats}
        elif asked.kind == "scenes" and asked.scenes:
            scenes = [story.scene(number, asked.shown) for number in asked.scenes]
            whole = scenes[0] if len(scenes) == 1 else {"scenes": scenes}
            known = {**scenes[0], "scenes": scenes}
        elif not schema and wanted.get("type") not in ("json_object", "json_schema"):
            return str(story.scene(1)["narration"])
        else:
            whole = {"answer": story.scene(1)["narration"]}
        return json.dumps(shaped(schema, known) if schema else whole, ensure_ascii=False)


def _completion(
    content: str, body: dict[str, Any], messages: list[dict[str, Any]]
) -> tuple[dict[str, Any], int]:
    """The answer's JSON, and its tokens."""
    said = json.dumps(messages, ensure_ascii=False)
    most = body.get("max_completion_tokens") or body.get("max_tokens")
    end = most * _CHARACTERS if isinstance(most, int) and most > 0 else len(content)
    content, whole = content[:end], len(content) <= end
    wanted = body.get("n")
    count = min(_MOST_CHOICES, max(1, wanted)) if isinstance(wanted, int) else 1
    spoken, written = _tokens(said), _tokens(content) * count
    message = {"role": "assistant", "content": content, "refusal": None}
    name = blake2b(f"{body['model']}\0{said}".encode(), digest_size=12).hexdigest()
    completion = {
        "id": f"chatcmpl-{name}",
        "object": "chat.completion",
        "created": _CREATED,
        "model": body["model"],
        "choices": [
            {
                "index": index,
                "message": message,
                "logprobs": None,
                "finish_reason": "stop" if whole else "length",
            }
            for index in range(count)
        ],
        "usage": {"prompt_tokens": spoken, "completion_tokens": written, "total_tokens": spoken + written},
        "system_fingerprint": "fp_fetchlab",
    }
    return completion, written


def _tokens(text: str) -> int:
    return -(-len(text) // _CHARACTERS)


def _are_messages(messages: list[Any]) -> bool:
    return bool(messages) and all(isinstance(one, dict) and "role" in one for one in messages)


def _schema(wanted: dict[str, Any]) -> dict[str, Any]:
    named = wanted.get("json_schema")
    return named if isinstance(named, dict) else {}


def _record(asked: Asked, key: str, model: str) -> dict[str, Any]:
    return {
        "account": account(key),
        "model": model,
        "kind": asked.kind,
        "scenes": asked.scenes,
        "shown": [{"scene": one.scene, "title": one.title} for one in asked.shown],
        "bible": asked.bible,
        "outline": asked.outline,
    }


def _models() -> list[dict[str, Any]]:
    return [{"id": name, "object": "model", "created": _CREATED, "owned_by": "fetchlab"} for name in _MODELS]
