"""The parts that wires are made of."""

from __future__ import annotations

import pytest

from fetchlab.testbed.registry import CONTROL, OFFSETS, WIRES, World, load
from fetchlab.testbed.store import Shelf
from fetchlab.testbed.wire import BadRequest, Reply, Request, Route, Router, Wire, number, whole


@pytest.mark.parametrize("name", WIRES)
def test_every_wire_can_be_made(name):
    """Otherwise a line in the registry would break the start of all wires."""
    wire = load(name)(name, World(0, 8700))
    assert isinstance(wire, Wire)
    labels = [(route.method, route.template) for route in wire.routes()]
    assert len(set(labels)) == len(labels) > 0


def test_urls():
    """Otherwise clients would get roots that are not their service's."""
    world = World(0, 8700)
    assert world.url("catalogue") == "http://127.0.0.1:8700"
    assert world.url("openai") == "http://127.0.0.1:8706/v1"
    assert world.url("media") == "http://127.0.0.1:8708"
    assert CONTROL in OFFSETS
    assert CONTROL not in WIRES


def test_no_truth_where_there_is_no_data(bed):
    """Otherwise asking for it would be an error rather than an empty answer."""
    assert bed.truth("echo") == {}


def test_router():
    """Otherwise requests would reach the wrong handler, or be counted under their own path."""
    router = Router(
        [
            Route("GET", "/3/tv/{id}/season/{n}", lambda _: Reply(b"season")),
            Route("*", "/3/tv/{id}", lambda _: Reply(b"show")),
        ]
    )
    for _ in range(2):
        route, params, label = router.find("GET", "/3/tv/7/season/2")
        assert (params, label) == ({"id": "7", "n": "2"}, "GET /3/tv/{id}/season/{n}")
        assert route.handler(Request("GET", "/", b"", [], params)).body == b"season"
    assert router.find("DELETE", "/3/tv/7")[2] == "DELETE /3/tv/{id}"
    assert router.find("HEAD", "/3/tv/7/season/2")[2] == "HEAD /3/tv/{id}/season/{n}"
    assert router.find("POST", "/3/tv/7/season/2")[2] == "POST (no such route)"
    assert router.find("GET", "/3/tvX7")[2] == "GET (no such route)"


def test_router_forgets():
    """Otherwise a million different paths would fill the server's memory."""
    router = Router([Route("GET", "/{n}", lambda _: Reply())])
    for n in range(20_000):
        router.find("GET", f"/{n}")
    assert len(router._found) <= 8192


def test_shelf():
    """Otherwise prepared answers would grow without end, or the wrong ones be thrown away."""
    shelf = Shelf(100)
    for key in range(10):
        shelf.put(key, b"x" * 20)
    assert [key for key in range(10) if shelf.get(key)] == [5, 6, 7, 8, 9]
    shelf.put(9, b"y")
    shelf.drop(5)
    shelf.drop(5)
    assert shelf._used == 61
    assert shelf.put("big", b"x" * 26) == b"x" * 26
    assert shelf.get("big") is None


def test_numbers():
    """Otherwise nonsense in a path would be a traceback instead of status 400."""
    assert whole("7") == 7
    assert number("0.5") == 0.5
    for wrong in ("x", "", "-1", "99999999999"):
        with pytest.raises(BadRequest):
            whole(wrong)
    for wrong in ("x", "-1", "nan", "inf"):
        with pytest.raises(BadRequest):
            number(wrong)
