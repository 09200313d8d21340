"""One client for many runs: headers, credentials, cookies, proxies, and how many connections it opens."""

from __future__ import annotations

import re
import subprocess
import sys
from base64 import b64encode
from collections import Counter

import httpx
import pytest

import fetchlab as fl
from fetchlab.errors import ConfigError
from transport.conftest import sent_headers

ONCE = fl.Retry(attempts=1)
TOKEN = "s3cr3t-T0ken-0123456789"


def headers_of(client, url, **request):
    """Send one request to an echo wire; return the headers that arrived."""
    (result,) = fl.fetch([fl.Request(f"{url}/headers", **request)], client=client, retry=ONCE).results()
    assert result.ok, result
    return sent_headers(result.value)


def test_headers_and_user_agent(client_of, echo):
    """The client's go with every request, and a request's own replace them whatever their case."""
    seen = headers_of(
        client_of(headers={"X-A": "1", "X-B": "ä"}, user_agent="me/1"), echo, headers={"x-a": "2"}
    )
    assert (seen["x-a"], seen["x-b"].encode("latin-1"), seen["user-agent"]) == ("2", "ä".encode(), "me/1")
    assert headers_of(client_of(headers={"user-agent": "mine/2"}), echo)["user-agent"] == "mine/2"
    assert headers_of(client_of(), echo)["user-agent"] == f"fetchlab/{fl.__version__}"


def test_auth(client_of, echo):
    """A pair is Basic (RFC 7617, UTF-8), text is the header as it stands; a request's own header wins."""
    basic = f"Basic {b64encode('mé:p:w'.encode()).decode()}"
    assert headers_of(client_of(auth=("mé", "p:w")), echo)["authorization"] == basic
    assert headers_of(client_of(auth=f"Bearer {TOKEN}"), echo)["authorization"] == f"Bearer {TOKEN}"
    own = {"authorization": "Own x"}
    assert headers_of(client_of(auth=f"Bearer {TOKEN}"), echo, headers=own)["authorization"] == "Own x"


def test_auth_by_function(client_of, echo, bed):
    """Signed requests and short-lived tokens need the request, and an answer each time."""
    asked = []

    def sign(request):
        asked.append(request.url)
        return {"X-Signature": f"{request.method} {len(asked)}", "Authorization": "Signed x"}

    async def fresh(request):
        return sign(request)

    for function in (sign, fresh):
        asked.clear()
        client = client_of(auth=function)
        assert headers_of(client, echo)["x-signature"] == "GET 1"
        seen = headers_of(client, echo, headers={"authorization": "Own x"})
        assert (seen["x-signature"], seen["authorization"]) == ("GET 2", "Own x")
        url = f"{echo}/redirect-to?url={bed.urls['echo2']}/headers"
        seen = sent_headers(fl.fetch([url], client=client).result()[0])
        assert not {"x-signature", "authorization"} & set(seen)
        assert len(asked) == 3
        same = sent_headers(fl.fetch([f"{echo}/redirect-to?url=/headers"], client=client).result()[0])
        assert same["x-signature"] == "GET 5"


def test_an_auth_function_that_fails(client_of, echo):
    """It is that item's error, without the secret it may have held; Retriable is tried again."""

    def moody(request):
        if "n=1" in request.url:
            raise ValueError(f"no token in api_key={TOKEN} Bearer {TOKEN}")
        if "n=2" in request.url:
            raise fl.errors.Retriable("later")
        return [1] if "n=3" in request.url else {}

    urls = [f"{echo}/json?n={n}" for n in range(4)]
    run = fl.fetch(urls, client=client_of(auth=moody), retry=fl.Retry(attempts=2, base=0))
    assert [result.ok for result in run.results()] == [True, False, False, False]
    assert [result.attempts for result in run.results()] == [1, 1, 2, 1]
    assert all(type(result.error) is fl.errors.TransportError for result in run.results()[1:])
    assert TOKEN not in str(run.results()[1].error)
    assert "dict of headers" in str(run.results()[3].error)


def test_cookies_are_sent_and_not_kept(client_of, site):
    """Parallel items must not change each other's requests unless a user asks for it."""
    site.pages["/set"] = (200, {"Set-Cookie": "sid=from-the-site; Path=/"}, b"")
    client = client_of(cookies={"a": "1", "b": "2"})
    for path in ("/set", "/next"):
        fl.fetch([site.url + path], client=client).wait()
    assert [headers.get("Cookie") for _, headers in site.seen] == ["a=1; b=2"] * 2
    fl.fetch([f"{site.url}/set"], client=(bare := client_of())).wait()
    fl.fetch([f"{site.url}/set", fl.Request(site.url, headers={"Cookie": "own=1"})], client=bare).wait()
    assert Counter(headers.get("Cookie") for _, headers in site.seen[2:]) == {None: 2, "own=1": 1}


def test_cookies_that_are_kept(client_of, site, other_site):
    """A login lasts, replaces what was given at first, ends when the site says so, and is nobody else's."""
    site.pages["/login"] = (302, {"Set-Cookie": "sid=in; Path=/; HttpOnly", "Location": "/home"}, b"")
    site.pages["/logout"] = (200, {"Set-Cookie": "sid=; Path=/; Max-Age=0"}, b"")
    site.pages["/odd"] = (200, {"Set-Cookie": "nonsense"}, b"")
    client = client_of(cookies={"sid": "first", "a": "1"}, keep_cookies=True)
    for path in ("/login", "/odd", "/home"):
        fl.fetch([site.url + path], client=client).wait()
    fl.fetch([fl.Request(f"{site.url}/home", headers={"Cookie": "own=1"})], client=client).wait()
    fl.fetch([f"{other_site.url}/"], client=client).wait()
    fl.fetch([f"{site.url}/logout"], client=client).wait()
    fl.fetch([f"{site.url}/home"], client=client).wait()
    sent = [headers["Cookie"] for _, headers in site.seen]
    assert sent == ["sid=first; a=1", *["sid=in; a=1"] * 3, "own=1", "sid=in; a=1", "sid=first; a=1"]
    assert other_site.seen[0][1]["Cookie"] == "sid=first; a=1"


def test_kept_cookies_do_not_follow_to_another_host(client_of, site, other_site):
    """Another port is another host; what that one set itself it gets back."""
    site.pages["/login"] = (200, {"Set-Cookie": "sid=in; Path=/"}, b"")
    site.pages["/away"] = (302, {"Location": f"{other_site.url}/set"}, b"")
    other_site.pages["/set"] = (302, {"Set-Cookie": "theirs=1", "Location": "/seen"}, b"")
    client = client_of(cookies={"a": "1"}, keep_cookies=True)
    for path in ("/login", "/away"):
        fl.fetch([site.url + path], client=client).wait()
    assert [headers.get("Cookie") for _, headers in other_site.seen] == [None, "theirs=1"]


def test_a_site_that_sets_a_cookie_first(client_of, site):
    """Without kept cookies it redirects for ever; the error says which knob helps."""
    site.pages["/"] = (302, {"Set-Cookie": "seen=1", "Location": "/"}, b"")
    (result,) = fl.fetch([f"{site.url}/"], client=client_of(), retry=ONCE).results()
    assert isinstance(result.error, fl.errors.TooManyRedirects)
    assert "keep_cookies=True" in str(result.error)


def test_runs_share_connections(client_of, bed, echo):
    """A pool per run would cost a hundred handshakes per worker, and run out of ports.

    The default wire may open a connection while one comes free (hyperium/hyper#4134): it then keeps both.
    """
    client, workers = client_of(), 5
    for _ in range(100):
        fl.fetch([f"{echo}/bytes/100"] * 10, client=client, workers=workers, timeout=30).wait()
    counters = bed.counters("echo")
    assert counters["requests"] == 1000
    assert counters["connections"] <= workers + 2


def test_a_closed_client_has_no_connections(client_of, bed, echo):
    """What stays open after ``close`` counts against the limits of both sides."""
    client = client_of(auth=("a", "b"))
    fl.fetch([f"{echo}/redirect-to?url={bed.urls['echo2']}/json"], client=client).wait()
    client.close()
    bed.reset_counters()
    fl.fetch([f"{echo}/json"], client=client).wait()
    assert bed.counters("echo")["connections"] == 1


MANY_HOSTS = """
import resource, sys
resource.setrlimit(resource.RLIMIT_NOFILE, (512, 512))
import fetchlab as fl
urls = [f"http://127.0.{n // 200}.{n % 200 + 1}:{sys.argv[2]}/" for n in range(1200)]
with fl.Client(sys.argv[1]) as client:
    print(fl.fetch(urls, client=client, workers=10, retry=fl.Retry(attempts=1)).wait().stats().ok)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="one loopback address only")
def test_many_hosts_do_not_use_up_the_open_files(kind, site_everywhere):
    """A connection kept for each of them would: then nothing can be opened any more, in the whole process."""
    port = site_everywhere.server.server_port
    command = [sys.executable, "-c", MANY_HOSTS, kind, str(port)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    assert done.stdout.split() == ["1200"], done.stderr


def test_every_request_goes_through_the_proxy(client_of, echo, proxy):
    """Counted at the proxy; its credentials go to it and not to the host."""
    through = proxy()
    url = through.url.replace("//", "//me:p%40ss@")
    run = fl.fetch([f"{echo}/headers?n={n}" for n in range(12)], client=client_of(proxy=url), workers=3)
    seen = [sent_headers(value) for value in run.result()]
    assert len(through.lines) == 12
    assert {re.sub(r"\d+ ", "", line) for line in through.lines} == {f"GET {echo}/headers?n=HTTP/1.1"}
    assert set(through.authorizations) == {f"Basic {b64encode(b'me:p@ss').decode()}"}
    assert not any("proxy-authorization" in headers for headers in seen)


def test_tls_goes_through_a_tunnel(client_of, authority, tls, proxy):
    """``CONNECT`` once per connection, TLS with the host inside it."""
    through, url = proxy(), tls()
    client = client_of(proxy=through.url.replace("//", "//me:pw@"), verify=authority.bundle, http2=True)
    run = fl.fetch([url] * 20, client=client, workers=1, parse="json")
    assert len({value["connection"] for value in run.result()}) == 1
    assert through.lines == [f"CONNECT {url.removeprefix('https://')} HTTP/1.1"]
    assert through.authorizations == [f"Basic {b64encode(b'me:pw').decode()}"]


def test_a_proxy_by_scheme(client_of, authority, tls, proxy, echo):
    """One for https only leaves http alone, and the environment's out of it."""
    through = proxy()
    client = client_of(proxy={"https": through.url}, verify=authority.bundle)
    assert fl.fetch([tls(), f"{echo}/json"], client=client, retry=ONCE).wait().stats().ok == 2
    assert [line.split()[0] for line in through.lines] == ["CONNECT"]


def test_the_environments_proxy(client_of, echo, proxy, monkeypatch):
    """Where a network has only one way out, a notebook finds it; ``False`` and ``NO_PROXY`` count."""
    through = proxy()
    for name in ("http_proxy", "HTTP_PROXY"):
        monkeypatch.setenv(name, through.url)
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    for proxies, count in ((None, 1), (False, 1), ({}, 1)):
        assert fl.fetch([f"{echo}/json"], client=client_of(proxy=proxies), retry=ONCE).results()[0].ok
        assert len(through.lines) == count
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.setenv(name, "127.0.0.1")
    assert fl.fetch([f"{echo}/json"], client=client_of(), retry=ONCE).results()[0].ok
    assert len(through.lines) == 1


def test_a_proxy_that_refuses_or_is_not_there(client_of, proxy, refused, tls, echo):
    """Each is that item's error, and the proxy's password is not in it."""
    denied = b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    for url in (proxy(denied).url, refused.rstrip("/")):
        client = client_of(proxy=url.replace("//", f"//me:{TOKEN}@"))
        run = fl.fetch([f"{echo}/json", tls()], client=client, retry=ONCE)
        plain, tunnelled = (result.error for result in run.results())
        assert isinstance(plain, fl.errors.StatusError | fl.errors.ConnectFailed)
        assert isinstance(tunnelled, fl.errors.ConnectFailed)
        assert TOKEN not in f"{plain} {tunnelled} {run.errors().write_csv()}"


def test_bad_hosts_among_good_ones(client_of, echo, authority, tls, raw, refused):
    """Whatever is wrong with one host is that item's typed error under its key, and the run goes on."""
    endless = raw(b"HTTP/1.1 302 Found\r\nLocation: /again\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
    bad = {
        "http://nonexistent.invalid/x": fl.errors.ConnectFailed,
        refused: fl.errors.ConnectFailed,
        echo.replace("http", "https") + "/json": fl.errors.ConnectFailed,
        tls(authority.issue("other.invalid")) + "/": fl.errors.ConnectFailed,
        endless: fl.errors.TooManyRedirects,
    }
    urls = [url for pair in zip([f"{echo}/json?n={n}" for n in range(5)], bad, strict=True) for url in pair]
    run = fl.fetch(urls, client=client_of(verify=authority.bundle), workers=4, retry=ONCE)
    results = run.results()
    assert [result.ok for result in results] == [True, False] * 5
    assert [type(result.error) for result in results[1::2]] == list(bad.values())
    assert [result.error.key for result in results[1::2]] == [f"GET {url}" for url in bad]
    assert [result.error.item for result in results[1::2]] == list(bad)


def test_the_repr_hides_every_secret(kind):
    """A cell that ends in a client shows it to whoever reads the notebook."""
    client = fl.Client(
        kind,
        headers={"X-Api-Key": TOKEN, "Accept": "a/b"},
        auth=("me", TOKEN),
        cookies={"sid": TOKEN},
        proxy={"http": f"http://me:{TOKEN}@proxy:1"},
        http2=True,
        robots=True,
    )
    assert TOKEN not in repr(client)
    assert b64encode(f"me:{TOKEN}".encode()).decode() not in repr(client)
    assert "'Accept': 'a/b'" in repr(client)
    assert "http://***@proxy:1" in repr(client)
    assert "robots=True" in repr(client)
    assert TOKEN not in repr(fl.Client(kind, proxy=f"http://me:{TOKEN}@proxy:1", auth=f"Bearer {TOKEN}"))
    assert repr(fl.Client(kind)) == f"Client({kind!r}, headers={{'User-Agent': 'fetchlab/{fl.__version__}'}})"


@pytest.mark.parametrize(
    ("knob", "knobs"),
    [
        ("headers", {"headers": {"X-A": f"{TOKEN}\n"}}),
        ("headers", {"headers": {"X A": "1"}}),
        ("headers", {"headers": {"X-A": 1}}),
        ("headers", {"headers": ["X-A"]}),
        ("user_agent", {"user_agent": "a\nb"}),
        ("user_agent", {"user_agent": "a", "headers": {"user-agent": "b"}}),
        ("auth", {"auth": f"{TOKEN}"}),
        ("auth", {"auth": f"Bearer {TOKEN}\n"}),
        ("auth", {"auth": ("me", 1)}),
        ("auth", {"auth": ("me", TOKEN, "x")}),
        ("auth", {"auth": ("me", TOKEN), "headers": {"authorization": TOKEN}}),
        ("cookies", {"cookies": {"a": f"{TOKEN};"}}),
        ("cookies", {"cookies": {"a b": "1"}}),
        ("cookies", {"cookies": f"a={TOKEN}"}),
        ("cookies", {"cookies": {"a": "1"}, "headers": {"Cookie": TOKEN}}),
        ("proxy", {"proxy": f"//me:{TOKEN}@host:1"}),
        ("proxy", {"proxy": f"ftp://me:{TOKEN}@host:1"}),
        ("proxy", {"proxy": f"http://me:{TOKEN}@host:x"}),
        ("proxy", {"proxy": {"ftp": "http://host:1"}}),
        ("proxy", {"proxy": {"http": 3}}),
        ("proxy", {"proxy": True}),
        ("redirects", {"redirects": -1}),
    ],
    ids=str,
)
def test_knobs_that_cannot_work(kind, knob, knobs):
    """Said at the call, with the knob's name and without the secret."""
    with pytest.raises(ConfigError) as raised:
        fl.Client(kind, **knobs)
    assert raised.value.knob == knob
    assert TOKEN not in str(raised.value)


@pytest.mark.parametrize(
    "knobs",
    [
        {"headers": {"X-A": "1"}}, {"user_agent": "me"}, {"http2": True}, {"verify": False},
        {"cert": "x.pem"}, {"proxy": False}, {"auth": ("a", "b")}, {"cookies": {"a": "1"}},
        {"keep_cookies": True},
    ],
    ids=str,
)  # fmt: skip
def test_a_users_own_client_keeps_its_settings(knobs):
    """Taken here and not heeded there, ``verify=True`` or a proxy would only seem to be set."""
    (knob,) = knobs
    with pytest.raises(ConfigError, match="your own client") as raised:
        fl.Client(httpx.AsyncClient(), **knobs)
    assert raised.value.knob == knob
