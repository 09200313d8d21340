"""Chat completions of the wire `openai`: what they write and echo, at which price, and how they go wrong."""

from __future__ import annotations

import json

import pytest

from fetchlab.testbed import Settings
from fetchlab.testbed.chat import ChatWire
from fetchlab.testbed.chat_spoilt import SPOILT
from fetchlab.testbed.faults import LONGEST_STREAK
from fetchlab.testbed.gate import Gate
from fetchlab.testbed.keys import account
from fetchlab.testbed.registry import World
from fetchlab.testbed.wire import Request

from .client import ask

IDEA = "Idea: a lighthouse keeper\n\n"


@pytest.fixture
def url(bed):
    return bed.urls["openai"]


def chat(url, *texts, key="sk-one", **more):
    messages = [{"role": "user", "content": text} for text in texts]
    body = json.dumps({"model": "m", "messages": messages, **more})
    return ask(url, "/v1/chat/completions", "POST", body, {"authorization": f"Bearer {key}"})


def choice(answer):
    assert answer.status == 200, answer
    return answer.json["choices"][0]


def written(answer):
    return json.loads(choice(answer)["message"]["content"])


def script(url, scenes, batch, mislabel=0):
    """A whole film as the published scheme asks for it; `mislabel` shifts the numbers of what is shown."""
    bible = written(chat(url, f"{IDEA}Write the bible."))
    head = f"Bible:\n{json.dumps(bible)}\n"
    outline = written(chat(url, f"{head}Write the outline for {scenes} scenes."))
    done = []
    for first in range(1, scenes + 1, batch):
        shown = [{"scene": one["scene"] + mislabel, "title": one["title"]} for one in done]
        context = f"{head}Outline:\n{json.dumps(outline)}\nFinished scenes:\n{json.dumps(shown)}\n"
        numbers = range(first, min(first + batch, scenes + 1))
        done += [written(chat(url, f"{context}Write scene {number}.")) for number in numbers]
    return bible, outline, done


def test_a_completion_has_every_field(url):
    """Clients read all of them."""
    answer = chat(url, "Say hello.").json
    assert list(answer) == [
        "id", "object", "created", "model", "choices", "usage", "system_fingerprint",
    ]  # fmt: skip
    assert (answer["object"], answer["model"]) == ("chat.completion", "m")
    (only,) = answer["choices"]
    assert (only["index"], only["finish_reason"]) == (0, "stop")
    assert only["message"]["role"] == "assistant"
    assert only["message"]["refusal"] is None
    assert len(only["message"]["content"]) <= 4 * answer["usage"]["completion_tokens"]
    assert answer["usage"]["total_tokens"] == sum(
        answer["usage"][name] for name in ("prompt_tokens", "completion_tokens")
    )


def test_a_film_hangs_together(url):
    """Bible, outline and scenes are of one film, and every scene says what it was shown."""
    bible, outline, scenes = script(url, 6, 3)
    assert outline["title"] == bible["title"]
    assert [beat["scene"] for beat in outline["outline"]] == [1, 2, 3, 4, 5, 6]
    people = {person["name"] for person in bible["characters"]}
    titles = [{"scene": scene["scene"], "title": scene["title"]} for scene in scenes]
    for place, scene in enumerate(scenes):
        assert scene["scene"] == place + 1
        assert scene["complexity"] == outline["outline"][place]["complexity"]
        assert set(scene["characters"]) <= people
        assert scene["context"] == titles[: 3 * (place // 3)]


def test_a_wrong_label_is_seen(url):
    """The published scheme numbered finished scenes wrongly: that must not go unnoticed."""
    _, _, scenes = script(url, 4, 2, mislabel=1)
    assert scenes[3]["context"] == [
        {"scene": scene["scene"] + 1, "title": scene["title"]} for scene in scenes[:2]
    ]


def test_the_truth_tells_what_was_shown(bed, url):
    """Also where a schema leaves no room for it in the reply."""
    bible, _, scenes = script(url, 2, 1)
    bible_asked, outline_asked, _, last = bed.truth("openai")["chats"]
    assert [bible_asked["kind"], outline_asked["kind"], last["kind"]] == ["bible", "outline", "scenes"]
    assert last == {
        "account": account("sk-one"),
        "model": "m",
        "kind": "scenes",
        "scenes": [2],
        "shown": [{"scene": 1, "title": scenes[0]["title"]}],
        "bible": bible["title"],
        "outline": [1, 2],
    }
    assert (bible_asked["bible"], bible_asked["shown"]) == (None, [])
    bed.reset_counters()
    assert bed.truth("openai")["chats"] == []


def test_the_same_request_is_answered_alike(bed, url):
    """Whichever key it comes with; and a seed of its own writes another film."""
    one = chat(url, f"{IDEA}Write all 3 scenes.")
    assert one.body == chat(url, f"{IDEA}Write all 3 scenes.", key="sk-two").body
    assert [scene["scene"] for scene in written(one)["scenes"]] == [1, 2, 3]
    assert written(chat(url, "Idea: a harbour\nWrite all 3 scenes.")) != written(one)


def test_shapes_that_are_asked_for(url):
    """A schema's fields, or JSON, or n choices."""
    schema = {"type": "object", "properties": {"number": {"type": "integer"}}, "required": ["number"]}
    named = {"type": "json_schema", "json_schema": {"name": "scene", "schema": schema, "strict": True}}
    assert written(chat(url, "Write scene 4.", response_format=named)) == {"number": 4}
    assert "answer" in written(chat(url, "Say hello.", response_format={"type": "json_object"}))
    both = chat(url, "Write scene 4.", n=2).json["choices"]
    assert [one["index"] for one in both] == [0, 1]


def test_a_reply_ends_where_the_client_says(url):
    """And says that it was not finished."""
    ended = choice(chat(url, "Write scene 4.", max_tokens=10))
    assert len(ended["message"]["content"]) == 40
    assert ended["finish_reason"] == "length"
    assert choice(chat(url, "Write scene 4.", max_completion_tokens=9_000))["finish_reason"] == "stop"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"\xff",
        b'{"messages": []}',
        b'{"model": "m"}',
        b'{"model": "m", "messages": ["x"]}',
        b'{"model": "m", "messages": [{"role": "user"}], "response_format": 7}',
        b'{"model": "m", "messages": [{"role":1}], "response_format":{"json_schema":{"schema":{"enum":7}}}}',
    ],
)
def test_bad_requests_are_told(url, body):
    """In the service's words, and the server lives."""
    answer = ask(url, "/v1/chat/completions", "POST", body, {"authorization": "Bearer k"})
    assert answer.status == 400
    assert set(answer.json["error"]) == {"message", "type", "param", "code"}


# --- time


def test_tokens_take_time():
    """Longer replies take longer, and swing as the latency does; what takes none is not delayed."""
    assert Gate(0, Settings(latency=0.5)).seconds(1, "", 2.0) == 2.5
    assert Gate(0, Settings()).seconds(1, "", 2.0) == 2.0
    swinging = Gate(0, Settings(jitter=0.3, steady=True))
    assert swinging.seconds(1, "a", 2.0) == pytest.approx(2 * swinging.seconds(1, "a", 1.0))
    assert swinging.seconds(1, "a", 2.0) != swinging.seconds(1, "b", 2.0)


def test_a_scene_takes_its_time_whatever_its_context():
    """Or two ways to give context could not be compared on the same latencies."""
    wire = ChatWire("openai", World(0, 8700))

    def subject(text, path="/v1/chat/completions"):
        request = Request("POST", path, b"", [], {})
        request.body = json.dumps({"messages": [{"role": "user", "content": text}]}).encode()
        return wire.subject(request)

    bare, told = subject("Write scene 7."), subject("Finished scenes:\nScene 1: Moon\n\nWrite scene 7.")
    assert bare == told != subject("Write scene 8.")
    assert subject("Say hello.") is None
    assert subject("Write scene 7.", "/v1/videos") is None


def test_tokens_are_waited_for(bed, url):
    """A client with less patience than the reply has tokens gets nothing."""
    bed.configure("openai", token_time=60.0)
    with pytest.raises(TimeoutError):
        ask(url, "/v1/chat/completions", "POST", json.dumps({"model": "m", "messages": [{"role": "user"}]}),
            {"authorization": "Bearer k"}, patience=0.2)  # fmt: skip


# --- keys


def test_errors_have_the_services_words(bed, url):
    """A client tells by the code whether to wait, to take another key or to give up."""
    bed.configure("openai", invalid_keys=["bad"], key_quota={"poor": 0}, key_rate={"slow": 0.6}, key_burst=1)
    chat(url, "x", key="slow")
    seen = {key: chat(url, "x", key=key) for key in ("bad", "poor", "slow", "rich")}
    assert {key: answer.status for key, answer in seen.items()} == {
        "bad": 401,
        "poor": 429,
        "slow": 429,
        "rich": 200,
    }
    errors = {key: answer.json["error"] for key, answer in seen.items() if answer.status != 200}
    assert [errors[key]["code"] for key in ("bad", "poor", "slow")] == [
        "invalid_api_key",
        "insufficient_quota",
        "rate_limit_exceeded",
    ]
    assert errors["poor"]["type"] == "insufficient_quota"
    assert "retry-after" not in seen["poor"].headers
    slow = seen["slow"].headers
    assert 0 < int(slow["retry-after-ms"]) <= 100_000
    assert int(slow["retry-after"]) == -(-int(slow["retry-after-ms"]) // 1000)
    assert slow["x-ratelimit-limit-requests"] == "1"
    assert slow["x-ratelimit-remaining-requests"] == "0"
    assert ask(url, "/v1/models").status == 401
    assert bed.counters("openai")["refused"] == 2
    assert len(bed.truth("openai")["chats"]) == 2


def test_refusals_at_the_door_cost_no_time(bed, url):
    """A key that is turned away does not wait for a model."""
    bed.configure("openai", latency=60.0, invalid_keys=["bad"])
    assert chat(url, "x", key="bad").status == 401


def test_what_a_key_may_still_ask_is_told(bed, url):
    """With every reply."""
    bed.configure("openai", key_rate=0.6, key_burst=60)
    left = [chat(url, "x", key="k").headers["x-ratelimit-remaining-requests"] for _ in range(2)]
    assert left == ["59", "58"]


# --- faults


@pytest.mark.parametrize("kind", SPOILT)
def test_each_mode_is_itself(bed, url, kind):
    """And happens at most twice in a row to one request."""
    good = written(chat(url, "Write scene 5."))
    bed.configure("openai", **{kind: 1.0})
    for _ in range(LONGEST_STREAK):
        bad = choice(chat(url, "Write scene 5."))
        text = bad["message"]["content"]
        if kind == "fenced":
            assert text != json.dumps(good)
            assert json.loads(text.split("```json\n")[1].split("\n```")[0]) == good
        elif kind == "cut":
            assert bad["finish_reason"] == "length"
            assert json.dumps(good, ensure_ascii=False).startswith(text)
        elif kind == "refusal":
            assert (text, bool(bad["message"]["refusal"])) == (None, True)
        elif kind == "filtered":
            assert (text, bad["finish_reason"]) == ("", "content_filter")
        elif kind == "malformed":
            with pytest.raises(ValueError):
                json.loads(text)
            assert good["title"] in text
        else:
            assert json.loads(text) != good
            assert not isinstance(json.loads(text)["scene"], int)
    assert written(chat(url, "Write scene 5.")) == good
    assert bed.counters("openai")["faults"] == {kind: 2}


def test_every_malformed_reply_is_malformed(bed, url):
    """Whatever its length decides."""
    bed.configure("openai", malformed=1.0)
    for number in range(1, 13):
        with pytest.raises(ValueError):
            json.loads(choice(chat(url, f"Write scene {number}."))["message"]["content"])


def test_a_scene_that_never_comes(bed, url):
    """However often it is asked for; the others come, and so does an outline of it."""
    bed.configure("openai", bad_scenes=[70])
    assert [chat(url, "Write scene 70.").status for _ in range(4)] == [500] * 4
    assert chat(url, "Write scenes 68-71.").json["error"]["type"] == "server_error"
    assert chat(url, "Write scene 69.").status == chat(url, "Write the outline for 75 scenes.").status == 200


def test_faults_of_any_service(bed, url):
    """Worded by this one: 429 and 503 with both hints, 500; a proxy's page for what it has no words for."""
    bed.configure("openai", error_rate={503: 1.0}, retry_after=1.5)
    down = chat(url, "x")
    assert (down.status, down.json["error"]["code"]) == (503, "service_unavailable")
    assert (down.headers["retry-after"], down.headers["retry-after-ms"]) == ("2", "1500")
    bed.configure("openai", profile="flat", error_rate={502: 1.0})
    assert b"<html>" in chat(url, "x").body
    bed.configure("openai", profile="flat", rate=0.01, retry_after=3)
    chat(url, "x")
    assert chat(url, "x").json["error"]["code"] == "rate_limit_exceeded"


def test_modes_are_not_for_other_answers(bed, url):
    """A list of models cannot be declined."""
    bed.configure("openai", refusal=1.0)
    models = ask(url, "/v1/models", headers={"authorization": "Bearer k"}).json
    assert models["data"][0]["object"] == "model"
    assert bed.counters("openai")["faults"] == {}
