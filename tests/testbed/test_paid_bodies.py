"""Any JSON at the paid wires: an answer in the service's words, never an error of the server's own."""

from __future__ import annotations

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from fetchlab.testbed.chat_spoilt import SPOILT
from fetchlab.testbed.openai import OpenAIWire
from fetchlab.testbed.registry import World
from fetchlab.testbed.settings import Settings
from fetchlab.testbed.vertex import VertexWire
from fetchlab.testbed.wire import Request, Router

MODEL = "/v1/publishers/google/models/m"
WORLD = World(0, 1)
WIRES = [OpenAIWire("openai", WORLD), VertexWire("vertex", WORLD)]
PATHS = [
    (0, "/v1/chat/completions"),
    (0, "/v1/videos"),
    (1, f"{MODEL}:predictLongRunning"),
    (1, f"{MODEL}:fetchPredictOperation"),
]
WORDS = """
model messages role content n stream stream_options max_tokens type name properties items enum const anyOf
allOf $ref required minItems maxLength minimum prompt seconds size instances parameters storageUri
durationSeconds operationName scene title context scenes
"""
NAMES = st.sampled_from(WORDS.split())
SAID = [
    "m",
    "user",
    "Write scene 3.",
    "Write the outline for 3 scenes.",
    "object",
    "array",
    "integer",
    "#/",
    "4",
]
PLAIN = st.none() | st.booleans() | st.integers(-5, 99) | st.floats(allow_nan=False) | st.sampled_from(SAID)
JSON = st.recursive(
    PLAIN,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=6),
    max_leaves=25,
)
CHATS = st.fixed_dictionaries(
    {
        "model": st.just("m"),
        "messages": st.lists(st.fixed_dictionaries({"role": st.just("user"), "content": JSON}), min_size=1),
    },
    optional={
        "response_format": st.fixed_dictionaries(
            {
                "type": st.just("json_schema"),
                "json_schema": st.fixed_dictionaries({"name": JSON, "schema": JSON}),
            }
        ),
        **dict.fromkeys(("n", "stream", "stream_options", "max_tokens"), JSON),
    },
)


def answered(wire, path, body, kind=b"application/json"):
    router = Router(wire.routes())
    route, params, _ = router.find("POST", path)
    request = Request("POST", path, b"", [(b"authorization", b"Bearer k"), (b"content-type", kind)], params)
    request.body = body
    wire.subject(request)
    return request, route.handler(request)


@settings(max_examples=200)
@given(st.sampled_from(PATHS), JSON | CHATS, st.sampled_from([*SPOILT]))
def test_any_json(path, body, fault):
    """A client under test may send anything; the testbed must live to tell it."""
    wire = WIRES[path[0]]
    wire.configure(Settings(job_failure=0.3))
    request, reply = answered(wire, path[1], json.dumps(body).encode())
    assert reply.status in (200, 400, 404)
    assert wire.spoil(fault, request, reply).status == reply.status


@given(
    st.binary(),
    st.sampled_from(
        [b"multipart/form-data; boundary=x", b"multipart/form-data", b"multipart/form-data; boundary=\xff",
         b"application/x-www-form-urlencoded", b"text/plain"]
    ),
)  # fmt: skip
def test_any_form(body, kind):
    """Bytes of any kind, under any type."""
    assert answered(WIRES[0], "/v1/videos", body, kind)[1].status in (200, 400)
