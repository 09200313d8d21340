"""The charts' wire format: framings, rows told apart, nested arrays, and what is no answer at all."""

from __future__ import annotations

import json
from contextlib import suppress
from urllib.parse import parse_qsl

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fetchlab.errors import FetchlabError, ParseError, RateLimited, Retriable, StudyError
from fetchlab.model import Response
from fetchlab.studies import charts
from fetchlab.studies.charts import App, Details, Listing, ListRequest, Review, ReviewRequest
from fetchlab.studies.charts.framing import SOFT_LIMIT, body_of, payload_of, rows_of, sorted_out
from fetchlab.studies.charts.reading import apps_of, details_of, dig, hits_of, reviews_of
from fetchlab.studies.charts.sizing import ALIKE, LONGER, MOST, START, BatchSize
from fetchlab.studies.charts.wire import LISTS, REVIEWS

ERROR = [8, None, [[f"type.googleapis.com/{SOFT_LIMIT.decode()}", [8]]]]
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=5),
    max_leaves=30,
)


def answer(body, kind="application/json"):
    content = body if isinstance(body, bytes) else body.encode()
    return Response(200, {"content-type": kind}, content, "http://x/")


def row(payload, tag="generic", name="vyAe2", error=None):
    text = None if payload is None else json.dumps(payload)
    return ["wrb.fr", name, text, None, None, error, tag]


def page_of(key, data):
    told = f"{{key: '{key}', hash: '1', data:{json.dumps(data)}, sideChannel: {{}}}}"
    return answer(f"<script nonce='x'>AF_initDataCallback({told});</script>", "text/html")


def framed(rows, *, chunked):
    tail = [["di", 51], ["af.httprm", 50, "-1", 4]]
    if not chunked:
        return ")]}'\n\n" + json.dumps([*rows, *tail])
    lines = [json.dumps([one]) for one in rows] + [json.dumps(tail)]
    return ")]}'\n\n" + "".join(f"{len(line) + 2}\n{line}\n" for line in lines)


@given(payloads=st.lists(json_values, min_size=1, max_size=4))
@settings(max_examples=30)
def test_rows_come_back_from_both_framings(payloads):
    """Whatever a payload holds, line ends and quotes in it too, both framings give the same."""
    rows = [row(payload, str(number + 1)) for number, payload in enumerate(payloads)]
    for chunked in (True, False):
        found = sorted_out(rows_of(answer(framed(rows, chunked=chunked))), "vyAe2", len(payloads))
        assert [payload_of(one) for one in found] == payloads


@given(order=st.permutations(range(5)))
def test_rows_are_told_apart_by_their_tags(order):
    """A service answers in the order in which it is done: by place a row would be another category's."""
    rows = [row([number], str(number + 1)) for number in order]
    found = sorted_out(rows_of(answer(framed(rows, chunked=True))), "vyAe2", 5)
    assert [payload_of(one) for one in found] == [[number] for number in range(5)]


def test_rows_of_one_tag_are_told_apart_by_their_places():
    """Some servers give every rpc the same tag; with as many rows as rpcs their order is all there is."""
    rows = rows_of(answer(framed([row([0]), row([1]), row([2], name="other")], chunked=False)))
    assert [payload_of(one) for one in sorted_out(rows, "vyAe2", 2)] == [[0], [1]]
    assert sorted_out(rows, "vyAe2", 3) == [None] * 3


def test_a_row_that_is_missing_is_asked_for_again():
    """The others of its call have come and must not be lost."""
    found = sorted_out(rows_of(answer(framed([row([1], "1"), row([3], "3")], chunked=True))), "vyAe2", 3)
    assert payload_of(found[2]) == [3]
    with pytest.raises(ParseError, match="no row") as error:
        payload_of(found[1])
    assert error.value.retriable


def test_the_soft_limit_is_a_refusal_that_is_tried_again():
    """Status 200 must not pass for an empty chart."""
    limited = rows_of(answer(framed([row(None, error=ERROR)], chunked=False)))[0]
    with pytest.raises(RateLimited, match="soft limit") as error:
        payload_of(limited)
    assert isinstance(error.value.__cause__, Retriable)
    with pytest.raises(RateLimited):
        rows_of(answer(b"<html>" + SOFT_LIMIT, "text/html"))


def test_an_rpc_that_is_refused_is_not_tried_again():
    """An error of the service's own that is no limit will be the same the next time."""
    refused = rows_of(answer(framed([row(None, error=[3])], chunked=False)))[0]
    with pytest.raises(StudyError, match="code 3"):
        payload_of(refused)


def test_what_is_empty_is_empty_and_what_is_unknown_is_an_error():
    """A chart without apps and a category that does not exist are two things."""
    assert payload_of(rows_of(answer(framed([row(None)], chunked=False)))[0]) is None
    assert apps_of(None) == []
    assert apps_of([[None, [[None] * 28 + [[[]]]]]]) == []
    with pytest.raises(StudyError, match="no such list"):
        apps_of([[None, [[None, [1]]]]])


@given(content=st.binary(max_size=60))
def test_no_body_breaks_the_reader(content):
    """Whatever a proxy or a fault sends is an error of our own."""
    for body in (content, b")]}'\n\n" + content, b")]}'\n\n9\n[" + content):
        with suppress(FetchlabError):
            rows_of(answer(body))


@given(payload=json_values)
def test_no_payload_breaks_the_reader(payload):
    """The service leaves out at will: a fact that is missing is None, never an IndexError."""
    assert isinstance(reviews_of(payload).reviews, list)
    assert isinstance(hits_of(page_of("ds:4", payload)), list)
    outcome = LISTS.sort_out(answer(framed([row(payload)], chunked=True)), [ListRequest("us", "TOOLS")])[0]
    assert isinstance(outcome, list | FetchlabError)
    with suppress(FetchlabError):
        details_of(page_of("ds:5", payload))


IMAGE = [None, 2, [512, 512], [None, None, "http://x/a.png"]]
APP = [
    ["com.a", 7], IMAGE, [IMAGE], "A", ["4.5", 4.5], "Tools", None, None, [None, [[990_000, "EUR", "0,99"]]],
    None, [None, None, None, None, [None, None, "/a"]], None, [[IMAGE]], [None, "<b>good</b>"], "Anna", "10+",
]  # fmt: skip
odd = json_values | st.floats(allow_nan=False) | st.just(10**30) | st.just({"a": 1})


@given(place=st.integers(0, 15), deeper=st.lists(st.integers(0, 3), max_size=4), value=odd)
@settings(max_examples=200)
def test_an_odd_fact_is_missing_and_spoils_no_table(place, deeper, value):
    """One app whose score is a text would cost the whole table, and the journal's record of its list."""
    entry = json.loads(json.dumps(APP))
    inner, at = entry, place
    for further in deeper:
        if not isinstance(inner[at], list) or further >= len(inner[at]):
            break
        inner, at = inner[at], further
    inner[at] = value
    apps = apps_of([[None, [[None] * 28 + [[[[entry], [APP]]]]]]])
    assert apps[-1].title == "A"
    assert charts.frame(Listing(apps, ListRequest("us", "TOOLS"))).height == len(apps)
    assert msgspec.convert(msgspec.to_builtins(apps), list[App]) == apps


@given(
    place=st.sampled_from([0, 9, 10, 13, 18, 19, 37, 51, 57, 68, 69, 72, 73, 77, 79, 95, 140, 145]), value=odd
)
def test_an_odd_fact_of_a_page_is_missing(place, value):
    """Details are read back from a journal by their types."""
    facts = [["A"], *[None] * 145]
    facts[place] = value
    with suppress(FetchlabError):
        found = details_of(page_of("ds:5", [None, [None, None, facts]]))
        assert msgspec.convert(msgspec.to_builtins(found), Details) == found


@given(review=st.lists(odd, min_size=1, max_size=11))
def test_an_odd_fact_of_a_review_is_missing(review):
    """So are reviews."""
    (found,) = reviews_of([[["id", *review]]]).reviews
    assert msgspec.convert(msgspec.to_builtins(found), Review) == found


def test_hits_stand_in_either_of_two_places():
    """The store has moved its search results once."""
    entry = [[["com.a", 7], None, None, "A"]]
    for place in (22, 28):
        page = page_of("ds:4", [[None, [[None] * place + [[[entry]]]]]])
        assert [app.app_id for app in hits_of(page)] == ["com.a"]


def test_a_call_says_what_the_service_reads():
    """Count, collection, category, tags: at the places where the service looks for them."""
    requests = [
        ListRequest("kr", "SOCIAL", num_results=40),
        ListRequest("kr", "TOOLS", "topgrossing", num_results=7),
    ]
    call = LISTS.call("http://x", requests)
    assert call.url == "http://x/_/PlayStoreUi/data/batchexecute?rpcids=vyAe2&hl=en&gl=kr&rt=c"
    sent = json.loads(dict(parse_qsl(call.content.decode()))["f.req"])[0]
    assert [(one[0], one[3]) for one in sent] == [("vyAe2", "1"), ("vyAe2", "2")]
    inner = [json.loads(one[1]) for one in sent]
    assert [one[0][1][0][1][1] for one in inner] == [40, 7]
    assert [one[0][2] for one in inner] == [[2, "topselling_free", "SOCIAL"], [2, "topgrossing", "TOOLS"]]
    page = ReviewRequest("com.a", sort="rating", num_reviews=500, score=4, token="t")
    alone = json.loads(dict(parse_qsl(REVIEWS.call("http://x", [page]).content.decode()))["f.req"])[0]
    assert alone[0][3] == "generic"
    assert json.loads(alone[0][1]) == [None, [2, 3, [199, None, "t"], None, [None, 4]], ["com.a", 7]]
    assert body_of("x", [[1]]).startswith(b"f.req=")


def test_dig_never_fails():
    """It is called a thousand times per chart on data of anybody's shape."""
    assert dig([[1, [2]]], 0, 1, 0) == 2
    for value in (None, 1, "text", [], [[]], {"0": 1}):
        assert dig(value, 0, 1) is None


def test_a_batch_grows_while_it_costs_nothing():
    """Fewer calls are kinder to the service, and as fast where a call's rpcs run side by side."""
    size = BatchSize()
    for _ in range(6):
        size.saw(size.limit, 0.3)
    assert START < size.limit == MOST


@given(each=st.floats(0.001, 0.2), alone=st.floats(0.05, 1.0))
def test_a_batch_is_as_large_as_it_costs_little(each, alone):
    """A call takes a quarter longer than one rpc alone, at most, however dear an rpc is."""
    size = BatchSize()
    for number in range(60):
        rpcs = max(1, size.limit - number % 3)
        size.saw(rpcs, alone + each * (rpcs - 1))
    assert 1 <= size.limit <= MOST
    assert alone + each * (size.limit - 1) <= alone * (1 + LONGER) + 1e-6 or size.limit == 1


def test_noise_alone_does_not_shrink_a_batch():
    """With latency that varies by half, small samples show slopes that are none."""
    from random import Random

    random, size = Random(3), BatchSize()
    for number in range(40):
        size.saw(max(1, size.limit - number % 4), random.lognormvariate(-1.2, 0.47))
    assert size.limit > START


def test_equal_sizes_are_told_apart_by_a_trial():
    """Five categories in each of forty countries are always five: nothing would show what an rpc costs."""
    size = BatchSize()
    for _ in range(2 * ALIKE):
        rpcs = [1, 4] if size.trial(5) else [5]
        for count in rpcs:
            size.saw(count, 0.1 + 0.05 * (count - 1))
    assert size.cost() == pytest.approx((0.1, 0.05))
    assert size.limit == 1
    free = BatchSize()
    assert [free.trial(5) for _ in range(2 * ALIKE)] == ([False] * (ALIKE - 1) + [True]) * 2
    assert not any(free.trial(3 + number % 2) for number in range(3 * ALIKE))
    assert not any(free.trial(1) for number in range(3 * ALIKE))
    assert not any(BatchSize(5).trial(5) for number in range(3 * ALIKE))


def test_where_calls_are_counted_they_are_full():
    """A host that allows so many calls a second is slow by calls, whatever an rpc adds to one."""
    size = BatchSize()
    for rpcs in (1, 8, 1, 8, 1, 8):
        size.saw(rpcs, 0.01 * rpcs)
    assert size.room(limited=False) == size.limit == 1
    assert size.room(limited=True) == MOST
    assert BatchSize(5).room(limited=True) == 5


def test_a_fixed_size_stays():
    """Whoever gives a number gets it."""
    size = BatchSize(5)
    for rpcs, seconds in ((1, 0.1), (5, 9.0), (5, 8.0), (1, 0.1)):
        size.saw(rpcs, seconds)
    assert size.limit == 5
