"""The echo wires, route by route."""

from __future__ import annotations

import gzip
import json

import pytest

from .client import ask


@pytest.fixture
def url(bed):
    return bed.urls["echo"]


def test_bytes(bed, url):
    """Otherwise bodies of a known size and content could not be had."""
    big = ask(url, "/bytes/200000").body
    assert len(big) == 200_000
    assert ask(url, "/bytes/10").body == big[:10]
    assert ask(url, "/bytes/0").body == b""
    assert ask(bed.urls["echo2"], "/bytes/200000").body == big


def test_bytes_revalidate(url):
    """Otherwise a cache's conditional requests could not be tested."""
    first = ask(url, "/bytes/100")
    tag, date = first.headers["etag"], first.headers["last-modified"]
    for header in ({"If-None-Match": tag}, {"If-None-Match": f'"x", W/{tag}'}, {"If-Modified-Since": date}):
        again = ask(url, "/bytes/100", headers=header)
        assert again.status == 304
        assert again.body == b""
        assert again.headers["etag"] == tag
    stale = {"If-None-Match": '"other"', "If-Modified-Since": date}
    assert ask(url, "/bytes/100", headers=stale).status == 200


@pytest.mark.parametrize(
    ("asked", "status", "place", "part"),
    [
        ("bytes=0-9", 206, "bytes 0-9/100", slice(0, 10)),
        ("bytes=90-", 206, "bytes 90-99/100", slice(90, 100)),
        ("bytes=-5", 206, "bytes 95-99/100", slice(95, 100)),
        ("bytes=50-500", 206, "bytes 50-99/100", slice(50, 100)),
        ("bytes=100-", 416, "bytes */100", slice(0, 0)),
        ("lines=1-2", 200, None, slice(0, 100)),
    ],
)
def test_bytes_in_part(url, asked, status, place, part):
    """Otherwise a broken download could not be resumed."""
    answer = ask(url, "/bytes/100", headers={"Range": asked})
    assert answer.status == status
    assert answer.headers.get("content-range") == place
    assert answer.body == ask(url, "/bytes/100").body[part]


def test_part_only_of_the_same_version(url):
    """Otherwise a resumed download could join two versions of a file."""
    headers = {"Range": "bytes=50-", "If-Range": '"another version"'}
    assert ask(url, "/bytes/100", headers=headers).status == 200


def test_a_download(url):
    """Otherwise names that a server sends, files that change and slow files could not be tested."""
    file = ask(url, "/download/5000")
    assert len(file.body) == 5000
    assert ask(url, "/download/5000", headers={"Range": "bytes=4990-"}).body == file.body[4990:]
    other = ask(url, "/download/5000?etag=2")
    assert other.headers["etag"] == '"2"'
    assert other.body != file.body
    mixed = {"Range": "bytes=4990-", "If-Range": file.headers["etag"]}
    assert ask(url, "/download/5000?etag=2", headers=mixed).status == 200
    named = ask(url, "/download/5?disposition=attachment;filename=../%C3%A9")
    assert named.headers["content-disposition"].encode("latin-1") == "attachment;filename=../é".encode()
    assert ask(url, "/download/5?disposition=a%0d%0ab").status == 400


def test_a_slow_download(url):
    """Otherwise no download could be broken off at a chosen point."""
    slow = ask(url, "/download/5000?seconds=0.05")
    assert slow.body == ask(url, "/download/5000").body
    assert slow.headers["content-length"] == "5000"
    part = ask(url, "/download/5000?seconds=0.05", headers={"Range": "bytes=4000-"})
    assert (part.status, part.body) == (206, slow.body[4000:])
    assert part.headers["etag"] == slow.headers["etag"]


def test_json(url):
    """Otherwise query arguments could not be checked."""
    assert ask(url, "/json?a=1&b=%C3%A9&c=").json == {"wire": "echo", "args": {"a": "1", "b": "é", "c": ""}}
    assert ask(url, "/json").headers["content-type"] == "application/json"


def test_anything(url):
    """Otherwise a request's method, headers and body could not be checked."""
    seen = ask(url, "/anything?q=1", "PUT", json.dumps({"n": 1}), {"X-Some": "thing"}).json
    assert seen["method"] == "PUT"
    assert seen["args"] == {"q": "1"}
    assert seen["headers"]["x-some"] == "thing"
    assert seen["json"] == {"n": 1}
    assert seen["data"] == '{"n": 1}'
    assert ask(url, "/anything", "DELETE", b"\xff").json["json"] is None


def test_large_bodies_arrive_whole(url):
    """Otherwise uploads beyond one network read would be cut."""
    sent = "x" * 1_000_000
    assert ask(url, "/anything", "POST", sent).json["data"] == sent


def test_headers(url):
    """Otherwise a client's headers could not be checked."""
    assert ask(url, "/headers", headers={"User-Agent": "me"}).json["headers"]["user-agent"] == "me"


@pytest.mark.parametrize("status", [200, 204, 304, 404, 429, 503, 599])
def test_status(url, status):
    """Otherwise a client's handling of statuses could not be tested."""
    assert ask(url, f"/status/{status}").status == status


def test_status_with_any_hint(url):
    """Otherwise odd Retry-After values could not be tested."""
    answer = ask(url, "/status/503?retry_after=soon")
    assert answer.headers["retry-after"] == "soon"


def test_refuse(bed, url):
    """Otherwise a client that comes back after odd hints could not be seen to come back."""
    path = "/refuse/2?id=1&retry-after=-1&X-Left=%C3%A9"
    answers = [ask(url, path) for _ in range(4)]
    assert [answer.status for answer in answers] == [429, 429, 200, 200]
    assert [answer.json["left"] for answer in answers] == [2, 1, 0, 0]
    assert {answer.headers["retry-after"] for answer in answers} == {"-1"}
    assert answers[0].headers["x-left"] == "\xe9"
    assert ask(url, "/refuse/2?id=2&status=503").status == 503
    assert ask(bed.urls["echo2"], path).status == 429
    bed.configure("echo")
    assert ask(url, path).status == 429


@pytest.mark.parametrize("query", ["a=1%0D%0Ab: 2", "=1", "a=%F0%9F%92%A4", "status=20"])
def test_refuse_with_headers_that_are_none(url, query):
    """Otherwise a mistake in a test's URL would break the connection."""
    assert ask(url, f"/refuse/1?{query.replace(' ', '%20')}").status == 400


def test_redirects(url):
    """Otherwise following and counting redirects could not be tested."""
    assert ask(url, "/redirect/3").headers["location"] == "/redirect/2"
    assert ask(url, "/redirect/1").headers["location"] == "/anything"
    there = ask(url, "/redirect-to?url=http%3A%2F%2Fa.invalid%2F&status_code=307")
    assert (there.status, there.headers["location"]) == (307, "http://a.invalid/")


@pytest.mark.parametrize("path", ["/redirect/1", "/redirect-to?url=/anything"])
def test_redirects_of_any_method(url, path):
    """Otherwise what becomes of a method and its body could not be tested."""
    for method in ("POST", "PUT", "DELETE", "HEAD"):
        answer = ask(url, path, method, "x" if method != "HEAD" else None)
        assert (answer.status, answer.headers["location"]) == (302, "/anything")


def test_gzip(url):
    """Otherwise decoding, and limits on decoded size, could not be tested."""
    answer = ask(url, "/gzip/100003")
    assert answer.headers["content-encoding"] == "gzip"
    assert len(answer.body) < 2000
    assert len(gzip.decompress(answer.body)) == 100_003


def test_html(url):
    """Otherwise there would be no page for a parser."""
    answer = ask(url, "/html")
    assert answer.headers["content-type"].startswith("text/html")
    assert b"<h1>" in answer.body


def test_delay(url):
    """Otherwise a single slow answer could not be had."""
    assert ask(url, "/delay/0.01").json["delay"] == 0.01


def test_drip(url):
    """Otherwise a slow body of known length could not be had."""
    answer = ask(url, "/drip?bytes=2500&seconds=0.05")
    assert answer.headers["content-length"] == "2500"
    assert answer.body == ask(url, "/bytes/2500").body
    assert ask(url, "/drip?bytes=0").body == b""


def test_stream(url):
    """Otherwise a body of unknown length could not be had."""
    answer = ask(url, "/stream/20?a=1")
    lines = [json.loads(line) for line in answer.body.splitlines()]
    assert lines == [{"line": n, "args": {"a": "1"}} for n in range(20)]
    assert "content-length" not in answer.headers


def test_head(url):
    """Otherwise a client's HEAD would be answered with a body, or not at all."""
    answer = ask(url, "/bytes/100", "HEAD")
    assert (answer.status, answer.body, answer.headers["content-length"]) == (200, b"", "100")


@pytest.mark.parametrize(
    "path", ["/bytes/x", "/bytes/-1", "/delay/x", "/delay/-1", "/status/20", "/redirect/x"]
)
def test_nonsense(url, path):
    """Otherwise a mistake in a test's URL would look like a fault of the server."""
    answer = ask(url, path)
    assert answer.status == 400
    assert answer.json["error"]


def test_no_such_route(url):
    """Otherwise a wrong path would go unnoticed."""
    assert ask(url, "/nowhere").status == 404
    assert ask(url, "/json", "DELETE").status == 404
