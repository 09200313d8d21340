"""Counters, queues and clients that leave."""

from __future__ import annotations

import selectors

from fetchlab.testbed.counters import total

from .client import ask, dial, until


def test_requests_by_route(bed):
    """Otherwise a test could not prove which requests a client made."""
    for path in ("/bytes/1", "/bytes/2", "/json?a=1", "/nowhere"):
        ask(bed.urls["echo"], path)
    ask(bed.urls["echo"], "/anything", "POST", b"x")
    ask(bed.urls["echo"], "/json", "HEAD")
    seen = bed.counters("echo")
    assert seen["by_route"] == {
        "GET /bytes/{n}": 2,
        "GET /json": 1,
        "HEAD /json": 1,
        "POST /anything": 1,
        "GET (no such route)": 1,
    }
    assert seen["requests"] == 6
    assert seen["connections"] == 6
    assert bed.counters("echo2")["requests"] == 0
    assert bed.counters()["requests"] == 6


def test_reset_counters(bed):
    """Otherwise one measurement would count the requests of another."""
    ask(bed.urls["echo"], "/json")
    bed.reset_counters()
    assert bed.counters() == total([])


def test_total_adds_up():
    """Otherwise the counters of all wires would not be those of each."""
    one = total([]) | {"requests": 1, "max_in_flight": 5, "by_route": {"GET /a": 1}, "faults": {"503": 1}}
    two = total([]) | {"requests": 2, "max_in_flight": 3, "by_route": {"GET /a": 2}}
    both = total([one, two])
    assert both["requests"] == 3
    assert both["max_in_flight"] == 5
    assert both["by_route"] == {"GET /a": 3}
    assert both["faults"] == {"503": 1}


def test_in_flight_until_the_client_leaves(bed):
    """Otherwise cancelled requests could not be told from running ones."""
    bed.configure("echo", latency=600.0)
    lines = [dial(bed.urls["echo"], "/json") for _ in range(7)]
    until(lambda: bed.counters("echo")["in_flight"] == 7)
    for line in lines:
        line.close()
    until(lambda: bed.counters("echo")["in_flight"] == 0)
    assert bed.counters("echo")["max_in_flight"] == 7


def test_capacity_is_first_come_first_served(bed):
    """Otherwise a queue at the service would starve some requests."""
    bed.configure("echo", latency=600.0, capacity=1)
    lines = []
    with selectors.DefaultSelector() as ready:
        for place in range(6):
            line = dial(bed.urls["echo"], f"/json?place={place}")
            lines.append(line)
            ready.register(line, selectors.EVENT_READ, place)
            until(lambda place=place: bed.counters("echo")["in_flight"] == place + 1)
        # The first keeps its place for ten minutes; the third gives up its turn, then the first leaves.
        bed.configure("echo", latency=0.02)
        for place in (2, 0):
            ready.unregister(lines[place])
            lines[place].close()
            if place == 2:
                until(lambda: bed.counters("echo")["in_flight"] == 5)
        served = []
        while len(served) < 4:
            for key, _ in sorted(ready.select(20), key=lambda event: event[0].data):
                assert key.fileobj.recv(4096)
                served.append(key.data)
                ready.unregister(key.fileobj)
                key.fileobj.close()
    assert served == [1, 3, 4, 5]
    assert bed.counters("echo")["max_in_flight"] == 6


def test_lifting_the_capacity_frees_the_queue(bed):
    """Otherwise a live change would leave requests waiting for ever."""
    bed.configure("echo", latency=600.0, capacity=1)
    with dial(bed.urls["echo"], "/json"), dial(bed.urls["echo"], "/json") as second:
        until(lambda: bed.counters("echo")["in_flight"] == 2)
        bed.configure("echo", latency=0.0, capacity=None)
        assert b"200 OK" in second.recv(4096)
    until(lambda: bed.counters("echo")["in_flight"] == 0)
