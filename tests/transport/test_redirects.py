"""Redirects: where they lead, what goes along, and that no credential reaches another host."""

from __future__ import annotations

from urllib.parse import quote

import httpx
import pytest

import fetchlab as fl
from fetchlab import loop
from fetchlab.transport.redirects import Redirected, redirected
from transport.conftest import sent_headers

ONCE = fl.Retry(attempts=1)
SECRETS = {
    "Authorization": "Bearer abc-123-secret",
    "Cookie": "sid=s3cr3t",
    "X-Api-Key": "k-s3cr3t",
    "X-Auth-Token": "t-s3cr3t",
    "Proxy-Authorization": "Basic c2VjcmV0",
    "X-Plain-Name": "ghp_0123456789012345678901234567890123456",
}


def hop(location, status=302, request="http://a.example/x/y?z=1", limit=10, **details):
    made = request if isinstance(request, fl.Request) else fl.Request(request, **details)
    return redirected(made, status, location, limit)


@pytest.mark.parametrize(
    ("location", "url", "foreign"),
    [
        ("/p", "http://a.example/p", False),
        ("p?q=1", "http://a.example/x/p?q=1", False),
        ("?q=2", "http://a.example/x/y?q=2", False),
        ("../p", "http://a.example/p", False),
        ("//a.example/p", "http://a.example/p", False),
        ("http://A.EXAMPLE:80/p", "http://A.EXAMPLE:80/p", False),
        ("  /p\t\r\n", "http://a.example/p", False),
        ("//b.example/p", "http://b.example/p", True),
        ("https://a.example/p", "https://a.example/p", True),
        ("http://a.example:8080/p", "http://a.example:8080/p", True),
        ("http://sub.a.example/p", "http://sub.a.example/p", True),
        ("http://a.example.b.example/", "http://a.example.b.example/", True),
        ("http://b.example\\@a.example/", "http://b.example/@a.example/", True),
        ("\\\\b.example/p", "http://b.example/p", True),
        ("/\t/b.example/p", "http://b.example/p", True),
        ("http://a.example@b.example/", "http://a.example@b.example/", True),
        ("/p?back=\\x", "http://a.example/p?back=\\x", False),
    ],
)
def test_where_it_leads(location, url, foreign):
    """As browsers read it: a URL that Python and the wire read differently could carry a token abroad."""
    made = hop(location)
    assert (made.url, made.foreign) == (url, foreign)


@pytest.mark.parametrize(
    "location",
    [
        "ftp://a.example/x",
        "javascript:alert(1)",
        "file:///etc/passwd",
        "data:,x",
        "http://[::1",
        "http://h:x/",
    ],
)
def test_where_it_must_not_lead(location):
    """A server must not make a fetcher read files or speak other protocols; and no attempt helps."""
    with pytest.raises(fl.errors.TransportError, match="leads to no http or https URL") as raised:
        hop(location)
    assert type(raised.value) is fl.errors.TransportError


@pytest.mark.parametrize(
    ("status", "method", "then"),
    [
        (301, "POST", "GET"), (302, "POST", "GET"), (303, "POST", "GET"), (307, "POST", "POST"),
        (308, "POST", "POST"), (301, "PUT", "PUT"), (302, "DELETE", "DELETE"), (303, "PUT", "GET"),
        (303, "HEAD", "HEAD"), (302, "HEAD", "HEAD"), (308, "PATCH", "PATCH"), (301, "GET", "GET"),
    ],
)  # fmt: skip
def test_the_method_and_the_body(status, method, then):
    """RFC 9110 section 15.4: a repeated POST could buy twice, a dropped one not at all."""
    made = hop("/p", status, method=method, content=b"body", headers={"content-type": "a/b", "Accept": "c/d"})
    kept = method == then and not (status == 303 and method not in ("GET", "HEAD"))
    assert (made.method, made.content) == (then, b"body" if kept else None)
    assert made.headers == ({"content-type": "a/b"} if kept else {}) | {"Accept": "c/d"}


def test_credentials_stay_and_do_not_come_back():
    """The other host chose the URL on the way back; with the token it could act in the user's name."""
    request = fl.Request("http://a.example/", headers=SECRETS | {"Accept": "a/b", "Host": "a.example"})
    same = redirected(request, 302, "/p", 10)
    assert same.headers == request.headers
    there = redirected(same, 302, "http://b.example/", 10)
    assert there.headers == {"Accept": "a/b"}
    back = redirected(there, 302, "http://a.example/", 10)
    assert (back.foreign, back.headers, back.hops, back.first) == (True, {"Accept": "a/b"}, 3, request)


def test_user_and_password_of_the_url():
    """They are credentials like any other: kept on the host, not taken along."""
    assert hop("/p", request="http://me:pw@a.example/").url == "http://me:pw@a.example/p"
    assert hop("http://a.example/p", request="http://me:pw@a.example/").url == "http://me:pw@a.example/p"
    assert hop("http://b.example/p", request="http://me:pw@a.example/").url == "http://b.example/p"


def test_the_fragment_is_inherited():
    """RFC 9110 section 10.2.2: the place that a reader asked for moves with the page."""
    assert hop("/p", request="http://a.example/#part").url == "http://a.example/p#part"
    assert hop("/p#own", request="http://a.example/#part").url == "http://a.example/p#own"


def test_the_limit_is_counted_over_the_chain():
    """A loop must end, and its error must not show the secrets of the URL."""
    request = fl.Request("http://a.example/")
    for number in range(3):
        request = hop("/?api_key=s3cr3t", request=request, limit=3)
        assert isinstance(request, Redirected)
        assert request.hops == number + 1
    with pytest.raises(fl.errors.TooManyRedirects, match="more than 3 redirects") as raised:
        hop("/?api_key=s3cr3t", request=request, limit=3)
    assert "s3cr3t" not in str(raised.value)


@pytest.fixture(params=["reqwest", "httpx", "own"])
def client(request):
    """Both wires and a user's own client, each with credentials in its settings."""
    if request.param != "own":
        with fl.Client(
            request.param,
            headers={"X-Api-Key": "c-s3cr3t", "X-Client": "1"},
            auth=("me", "s3cr3t"),
            cookies={"sid": "s3cr3t"},
        ) as made:
            yield made
        return
    theirs = httpx.AsyncClient(
        headers={"X-Api-Key": "c-s3cr3t", "X-Client": "1"}, auth=("me", "s3cr3t"), cookies={"sid": "s3cr3t"}
    )
    yield fl.Client(theirs)
    loop.submit(theirs.aclose()).result(30)


def seen_at(target, client, *, by, headers=None):
    """Fetch ``target`` by way of a redirect at ``by``; return the headers that arrived there."""
    request = fl.Request(f"{by}/redirect-to?url={quote(target, safe='')}", headers=headers)
    (result,) = fl.fetch([request], client=client, retry=ONCE, parse="response").results()
    assert result.ok, result
    assert result.value.url == target
    return sent_headers(result.value.content)


def test_no_credential_reaches_another_host(client, bed):
    """An open redirect is common; with it any token could be had by whoever places a link."""
    echo, other = bed.urls["echo"], bed.urls["echo2"]
    for headers in (None, SECRETS | {"X-Plain": "2"}):
        seen = seen_at(f"{other}/headers", client, by=echo, headers=headers)
        assert not any(
            "s3cr3t" in value or "secret" in value or "ghp_" in value for value in seen.values()
        ), seen
        assert not {name.lower() for name in SECRETS} & set(seen)
        assert seen["x-client"] == "1"
    assert seen["x-plain"] == "2"
    there_and_back = f"{other}/redirect-to?url={quote(echo + '/headers', safe='')}"
    request = fl.Request(f"{echo}/redirect-to?url={quote(there_and_back, safe='')}", headers=SECRETS)
    (value,) = fl.fetch([request], client=client).result()
    assert "s3cr3t" not in value.decode()


def test_credentials_stay_on_their_host(client, bed):
    """A redirect from /x to /x/ must not log the client out."""
    echo = bed.urls["echo"]
    seen = seen_at(f"{echo}/headers", client, by=echo)
    assert seen["authorization"].startswith("Basic ")
    assert (seen["x-api-key"], seen["cookie"]) == ("c-s3cr3t", "sid=s3cr3t")
    seen = seen_at(f"{echo}/headers", client, by=echo, headers={"X-Api-Key": "own"})
    assert seen["x-api-key"] == "own"


def test_a_body_goes_along_where_it_should(client, bed):
    """307 and 308 repeat the request, the others ask for a page."""
    echo, other = bed.urls["echo"], bed.urls["echo2"]
    items = [
        fl.Request(
            f"{by}/redirect-to?url={quote(other + '/anything', safe='')}&status_code={status}",
            "POST",
            json={"a": 1},
        )
        for by in (echo, other)
        for status in (301, 302, 303, 307, 308)
    ]
    run = fl.fetch(items, client=client, parse="json", retry=ONCE)
    seen = [(value["method"], value["json"]) for value in run.result()]
    assert (
        seen
        == [("GET", None)] * 3 + [("POST", {"a": 1})] * 2 + [("GET", None)] * 3 + [("POST", {"a": 1})] * 2
    )


def test_bad_redirects_among_good_ones(client, bed, raw):
    """Each is that item's error under its key, and the rest arrives."""
    echo = bed.urls["echo"]
    endless = raw(b"HTTP/1.1 302 Found\r\nLocation: /again\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
    urls = [
        f"{echo}/json",
        f"{echo}/redirect-to?url=ftp://127.0.0.1/x",
        endless,
        f"{echo}/redirect-to?url=http://nonexistent.invalid/",
        f"{echo}/redirect/3",
    ]
    run = fl.fetch(urls, client=client, retry=fl.Retry(attempts=2, base=0.01))
    kinds = [type(result.error).__name__ for result in run.results()]
    assert kinds == ["NoneType", "TransportError", "TooManyRedirects", "ConnectFailed", "NoneType"]
    assert [result.attempts for result in run.results()] == [1, 1, 1, 2, 1]
    assert [result.error.key for result in run.results() if not result.ok] == [
        f"GET {url}" for url in urls[1:4]
    ]


def test_a_redirect_without_a_place_is_an_answer(client, raw):
    """300 to 399 also has other uses; a 302 that names no place has nothing else to give."""
    url = raw(b"HTTP/1.1 302 Found\r\nContent-Length: 4\r\nConnection: close\r\n\r\nhere")
    (result,) = fl.fetch([url], client=client, parse="response", retry=ONCE).results()
    assert (result.status, result.value.content) == (302, b"here")


def test_the_body_of_a_redirect_does_not_count(client, echo, raw):
    """``max_bytes`` bounds what is kept; a chatty 302 must not fail a small page."""
    body = bytes(5000)
    head = f"HTTP/1.1 302 Found\r\nLocation: {echo}/bytes/50\r\nContent-Length: 5000\r\n".encode()
    (value,) = fl.fetch(
        [raw(head + b"Connection: close\r\n\r\n" + body)], client=client, max_bytes=100, retry=ONCE
    ).result()
    assert len(value) == 50


def test_the_total_timeout_covers_the_chain(client, echo, raw):
    """Ten redirects with a fresh total each would make ``total=5`` mean 55 seconds."""

    def silent(connection):
        connection.recv(1)

    url = raw(f"HTTP/1.1 302 Found\r\nLocation: {raw(silent)}\r\nContent-Length: 0\r\n\r\n".encode())
    (result,) = fl.fetch([url], client=client, timeout=fl.Timeout(read=None, total=0.4), retry=ONCE).results()
    assert str(result.error) == "total took longer than 0.4 s (timeout=fl.Timeout(total=…))"


def test_the_limit_is_a_knob(kind, echo):
    """0 shows redirects as they are; anything but a whole number is a typing error."""
    for limit, status in ((0, 302), (2, None), (3, 200)):
        with fl.Client(kind, redirects=limit) as client:
            run = fl.fetch([f"{echo}/redirect/3"], client=client, retry=ONCE)
            assert run.results()[0].status == status
    for wrong in (-1, 1.5, True, "3", None):
        with pytest.raises(fl.errors.ConfigError, match="redirects"):
            fl.Client(kind, redirects=wrong)


def test_a_location_that_is_not_ascii(kind, raw):
    """Against the RFC and yet common; the wire that cannot read it says which one can."""
    url = raw("HTTP/1.1 302 Found\r\nLocation: /ä\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
    with fl.Client(kind) as client:
        (result,) = fl.fetch([url], client=client, retry=ONCE).results()
    if kind == "reqwest":
        assert type(result.error) is fl.errors.TransportError
        assert "httpx" in str(result.error)
    else:
        assert isinstance(result.error, fl.errors.TooManyRedirects)
