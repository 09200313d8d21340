"""The app store's wire: the call that carries others, its two framings, its pages and its limits."""

from __future__ import annotations

import json
import re
from urllib.parse import quote, urlencode

import pytest

from fetchlab.testbed import play_words as words
from fetchlab.testbed.play_charts import LONGEST, Charts
from fetchlab.testbed.play_data import PER_CATEGORY, Apps, price

from .client import ask

CALL = "/_/PlayStoreUi/data/batchexecute"
FORM = {"content-type": "application/x-www-form-urlencoded"}
GATEWAY_ERROR = "com.google.play.gateway.proto.PlayGatewayError"


@pytest.fixture
def url(bed):
    return bed.urls["play"]


@pytest.fixture(scope="module")
def apps():
    return Apps(0)


@pytest.fixture(scope="module")
def charts(apps):
    return Charts(apps, 0)


def listing(category="GAME_ACTION", collection="topselling_free", count=100):
    return ["vyAe2", json.dumps([[None, [[8, [20, count]], True, None, [64]], [2, collection, category]]])]


def reviews(app_id, count=40, sort=2, token=None, score=None):
    window = [count] if token is None else [count, None, token]
    how = [2, sort, window, None, [None, score]]
    return ["oCPfdb", json.dumps([None, how, [app_id, 7]])]


def other_reviews(app_id, count=40, sort=2, token=None):
    return ["UsvDTd", json.dumps([None, None, [2, sort, [count, None, token], None, []], [app_id, 7]])]


def call(url, rpcs, country="us", **more):
    """The call's answer as text, tags being the rpcs' numbers."""
    calls = [[*rpc, None, str(number)] for number, rpc in enumerate(rpcs)]
    query = urlencode({"rpcids": rpcs[0][0], "hl": "en", "gl": country, **more})
    answer = ask(url, f"{CALL}?{query}", "POST", "f.req=" + quote(json.dumps([calls])), FORM)
    assert answer.status == 200
    assert answer.headers["content-type"].startswith("application/json")
    text = answer.body.decode()
    assert text.startswith(")]}'\n\n")
    return text


def rows(text):
    return [row for row in json.loads(text[6:]) if row[0] == "wrb.fr"]


def chunks(text):
    lines = text[6:].split("\n")
    assert lines[-1] == ""
    pairs = list(zip(lines[:-1:2], lines[1::2], strict=True))
    for length, line in pairs:
        assert int(length) == len(line) + 2
    return [row for _, line in pairs for row in json.loads(line) if row[0] == "wrb.fr"]


def entries(row):
    return json.loads(row[2])[0][1][0][28][0]


def script(body, key):
    text = body.decode()
    found = re.search(rf"AF_initDataCallback\({{key: '{key}', hash: '13', data:(.*?), sideChannel", text)
    return json.loads(found.group(1))


def test_both_framings_say_the_same(url, apps, charts):
    """A client reads one or the other; in chunks the data is on the fourth line, where clients look."""
    plain, chunked = call(url, [listing()]), call(url, [listing()], rt="c")
    assert json.loads(chunked.split("\n")[3])[0][1] == "vyAe2"
    assert chunks(chunked) == rows(plain)
    ids = [entry[0][0][0] for entry in entries(rows(plain)[0])]
    ranked = charts.chart("us", "GAME_ACTION", "topselling_free")[:100]
    assert ids == [apps.app(place).app_id for place in ranked]
    assert [row[0] for row in json.loads(plain[6:])] == ["wrb.fr", "di", "af.httprm"]


def test_each_rpc_of_a_call_has_its_row_and_its_tag(url, apps):
    """The rpc id inside counts, not the query's: one call asks for lists and reviews of two kinds."""
    app = next(app for app in apps if app["place"] == 5)
    text = call(
        url,
        [listing("SOCIAL", count=3), reviews(app["app_id"]), other_reviews(app["app_id"]), listing("TOOLS")],
    )
    found = rows(text)
    assert [(row[1], row[6]) for row in found] == [
        ("vyAe2", "0"), ("oCPfdb", "1"), ("UsvDTd", "2"), ("vyAe2", "3"),
    ]  # fmt: skip
    assert [entry[0][5] for entry in entries(found[0])] == ["Social"] * 3
    assert found[1][2] == found[2][2]
    assert len(entries(found[3])) == 100
    assert len(chunks(call(url, [listing("SOCIAL"), listing("TOOLS")], rt="c"))) == 2


def test_an_entry_states_an_app(url, apps):
    """Every fact stands where the service has it."""
    seen = set()
    for collection in words.COLLECTIONS:
        for entry in entries(rows(call(url, [listing(collection=collection)], "de"))[0]):
            a = entry[0]
            app = apps.find(a[0][0])
            micros, currency, text = a[8][1][0]
            assert (micros, currency, text) == price(app.dollars, words.COUNTRIES["de"])
            assert bool(micros) == bool(text)
            assert a[1][3][2].endswith(f"/play/{app.place}/icon.png")
            assert len([one[3][2] for one in a[2]]) == app.screenshots
            assert (a[3], a[5], a[13][1]) == (app.title, app.genre, app.summary)
            assert (a[4] is None) == (app.score is None)
            assert a[4] is None or a[4] == [f"{app.score:.1f}", app.score]
            assert a[10][4][2] == f"/store/apps/details?id={app.app_id}"
            assert (a[12] is not None) == app.video
            assert a[12] is None or a[12][0][0][3][2].endswith("trailer.mp4")
            assert (a[14], a[15]) == (app.developer, f"{app.installs:,}+")
            seen.add((collection, bool(micros)))
    assert {("topselling_free", False), ("topselling_paid", True), ("topgrossing", True)} <= seen
    assert ("topselling_free", True) not in seen


def test_what_is_unknown_is_empty(url):
    """An unknown category lacks the path to its apps; an unknown rpc or app has no payload at all."""
    unknown = rows(call(url, [listing("GAME_UNHEARD"), reviews("com.none"), ["xxxxxx", "[]"]]))
    assert json.loads(unknown[0][2]) == [[None, [[None, [1]]]]]
    assert [row[2] for row in unknown[1:]] == [None, None]
    assert rows(call(url, [listing()], "zz")) == rows(call(url, [listing()], "us"))


@pytest.mark.parametrize("body", ["", "f.req=", "f.req=%5B", "other=1", "f.req=%5B%5B%5D%5D"])
def test_a_call_that_cannot_be_read_is_400(url, body):
    """Otherwise a wrongly built request would look like an empty store."""
    assert ask(url, CALL, "POST", body, FORM).status == 400


def test_a_list_is_as_long_as_asked_for(url):
    """And never longer than the service's longest; there is no paging."""
    assert [len(entries(rows(call(url, [listing(count=n)]))[0])) for n in (1, 250, 10_000)] == [
        1,
        250,
        LONGEST,
    ]


def test_countries_differ_and_share(charts):
    """Without a taste per country there would be nothing to compare; without common apps neither."""
    us, kr = (set(charts.chart(code, "SOCIAL", "topselling_free")[:100]) for code in ("us", "kr"))
    assert 10 < len(us & kr) < 90


def test_a_day_moves_some(url, bed):
    """Two snapshots have movers, and are much alike."""
    before = [entry[0][0][0] for entry in entries(rows(call(url, [listing()]))[0])]
    bed.configure("play", day=1)
    after = [entry[0][0][0] for entry in entries(rows(call(url, [listing()]))[0])]
    assert before != after
    assert len({*before} & {*after}) > 70


def test_reviews_page_by_token(url, apps):
    """Every review once, in the order asked for, until there is no token."""
    app_id = apps.app(2).app_id
    seen, token = [], None
    for _ in range(10):
        page, (_, token), _ = json.loads(rows(call(url, [reviews(app_id, 199, token=token)]))[0][2])
        seen += page
        if token is None:
            break
    assert token is None
    assert len({review[0] for review in seen}) == len(seen) > 199
    moments = [review[5][0] for review in seen]
    assert moments == sorted(moments, reverse=True)
    best = json.loads(rows(call(url, [reviews(app_id, 199, sort=3, score=4)]))[0][2])[0]
    assert {review[2] for review in best} == {4}
    assert len(best) == sum(review[2] == 4 for review in seen)


def test_a_page_of_details(url, apps):
    """What clients read in two places stands in both."""
    for place in (0, 2, 17, 20):
        app = apps.app(place)
        answer = ask(url, f"/store/apps/details?id={app.app_id}&hl=en&gl=jp")
        assert answer.headers["content-type"].startswith("text/html")
        a = script(answer.body, "ds:5")[1][2]
        assert (a[0][0], a[72][0][1], a[73][0][1]) == (app.title, app.description, app.summary)
        assert a[13] == [app.installs_text, app.installs, app.real_installs]
        assert a[57][0][0][0][0][1][0] == list(price(app.dollars, words.COUNTRIES["jp"]))
        assert a[68][0] == a[37][0] == app.developer
        assert a[68][1][4][2] == f"/store/apps/dev?id={app.developer_id}"
        assert a[95][0][3][2] == a[9][1][3][2]
        assert a[140][1][1][0][0][1] == a[140][1][0][0][1] == app.android
        assert (a[140][0][0][0], a[9][0], a[79][0][0][2]) == (app.version, app.rating, app.category)
        assert bool(a[19]) == app.in_app
        assert bool(a[48]) == app.ads
        assert a[51] is None or (a[51][0][1], a[51][2][1]) == (app.score, app.ratings)
        assert b"<br>" not in answer.body.partition(b"data:[null")[2]
    assert ask(url, "/store/apps/details?id=com.none&gl=us").status == 404


def test_search_finds_titles_and_developers(url, apps):
    """The most installed ones first, and nothing for nonsense."""
    found = script(ask(url, "/store/search?q=golden%20quest&c=apps&gl=us").body, "ds:4")[0][1][0][22][0]
    hits = [apps.find(entry[0][0][0]) for entry in found]
    assert len(hits) == 30
    assert all(
        {"golden", "quest"} <= {*f"{app.title} {app.developer}".lower().replace(":", "").split()}
        for app in hits
    )
    assert [app.real_installs for app in hits] == sorted((a.real_installs for a in hits), reverse=True)
    assert script(ask(url, "/store/search?q=xyzzy").body, "ds:4")[0][1][0][22][0] == []


def test_the_soft_limit_takes_every_other_rpc(url, bed):
    """Status 200 and the service's own error; what came beside it is whole."""
    bed.configure("play", soft_limit=1.0)
    found = rows(call(url, [listing("SOCIAL"), listing("TOOLS"), listing("SPORTS")]))
    assert [row[2] is None for row in found] == [True, False, True]
    assert [GATEWAY_ERROR in json.dumps(row) for row in found] == [True, False, True]
    page = ask(url, "/store/search?q=golden")
    assert page.status == 200
    assert GATEWAY_ERROR in page.body.decode()
    assert bed.counters("play")["faults"] == {"soft_limit": 2}


def test_faults_are_told_apart_by_body(url, bed):
    """Calls differ in their bodies alone: with one history for all, one rpc could fail ten times in a row."""
    bed.configure("play", error_rate={404: 1.0})
    path = f"{CALL}?rpcids=vyAe2&gl=us"
    bodies = ["f.req=" + quote(json.dumps([[[*listing(c), None, "1"]]])) for c in ("SOCIAL", "TOOLS")]
    seen = [ask(url, path, "POST", body, FORM).status for _ in range(3) for body in bodies]
    assert seen == [404, 404, 404, 404, 200, 200]


def test_refusals_say_when_to_come_back(url, bed):
    """429 with Retry-After, 503 as a page of HTML."""
    bed.configure("play", error_rate={429: 1.0}, retry_after=2)
    answer = ask(url, "/store/search?q=golden")
    assert (answer.status, answer.headers["retry-after"]) == (429, "2")
    bed.configure("play", error_rate={503: 1.0})
    assert ask(url, "/store/search?q=golden").headers["content-type"].startswith("text/html")


def test_the_same_request_takes_equally_long(bed):
    """With `steady` a request's latency belongs to what is asked, so that arms meet the same latencies."""
    from fetchlab.testbed.gate import Gate
    from fetchlab.testbed.settings import Settings

    settings = Settings(latency=0.34, jitter=0.5, steady=True)
    drawn = [Gate(0, settings).seconds(1, f"request {n}") for n in range(2000)]
    assert drawn == [Gate(0, settings).seconds(9, f"request {n}") for n in range(2000)]
    mean = sum(drawn) / len(drawn)
    spread = (sum((x - mean) ** 2 for x in drawn) / len(drawn)) ** 0.5
    assert mean == pytest.approx(0.34, rel=0.05)
    assert spread / mean == pytest.approx(0.5, rel=0.1)


def test_a_call_may_take_as_long_as_its_slowest_rpc(url, bed):
    """Each rpc keeps its own latency whatever call it rides in: riding together must not look like luck."""
    from time import perf_counter

    from fetchlab.testbed.gate import Gate
    from fetchlab.testbed.play import PlayWire
    from fetchlab.testbed.registry import World
    from fetchlab.testbed.settings import Settings
    from fetchlab.testbed.wire import Request

    wire = PlayWire("play", World(0, 8700))

    def parts(rpcs):
        request = Request("POST", CALL, b"gl=us&rpcids=vyAe2", [], {})
        calls = [[*rpc, None, str(number)] for number, rpc in enumerate(rpcs)]
        request.body = ("f.req=" + quote(json.dumps([calls]))).encode()
        return wire.parts(request)

    rpcs = [listing(name, count=1) for name in ("SOCIAL", "TOOLS", "SPORTS", "DATING")]
    assert parts(rpcs) == [part for rpc in rpcs for part in parts([rpc])]
    settings = Settings(latency=0.1, jitter=0.8, steady=True, rpc_each=True)
    drawn = [Gate(0, settings).seconds(1, part) for part in parts(rpcs)]
    assert max(drawn) > 1.2 * min(drawn)
    bed.configure("play", latency=0.1, jitter=0.8, steady=True, rpc_each=True)
    begun = perf_counter()
    call(url, rpcs)
    assert perf_counter() - begun >= max(drawn)
    assert ask(url, CALL, "POST", "", FORM).status == 400


def test_an_rpc_may_cost(url, bed):
    """Otherwise nobody could tell whether a client finds out how many rpcs a call should carry."""
    from time import perf_counter

    bed.configure("play", rpc_cost=0.1)
    begun = perf_counter()
    call(url, [listing("SOCIAL", count=1)] * 3)
    assert perf_counter() - begun >= 0.2


def test_the_data_are_as_large_as_they_say(apps):
    """About forty countries, 54 categories, three collections; ids lead back to their apps."""
    assert (len(words.COUNTRIES), len(words.CATEGORIES), len(words.COLLECTIONS)) == (43, 54, 3)
    assert len(apps) == 51 * PER_CATEGORY
    assert all(apps.find(app["app_id"]).place == app["place"] for app in apps[:3000:7])
    assert apps.find("com.other.name.a2") is None
    assert apps[0] == Apps(0)[0] != Apps(1)[0]


@pytest.mark.parametrize("category", words.KINDS)
def test_a_large_category_holds_the_best_of_its_kinds(apps, category):
    """GAME is made of games, and of as many of each kind."""
    places = apps.places(category)
    assert len(set(places)) == len(places) > 100
    assert {apps.app(place).category for place in places[:60]} == set(words.KINDS[category])
