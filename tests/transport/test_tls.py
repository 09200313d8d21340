"""TLS and HTTP/2 on real connections, with an authority that only the tests know."""

from __future__ import annotations

import datetime as dt
import shutil
import socket
import subprocess
from collections import Counter

import pytest

import fetchlab as fl

ONCE = fl.Retry(attempts=1)


def test_200_requests_on_one_http2_connection(client_of, authority, tls):
    """A connection per worker would give away what HTTP/2 is for: one handshake, one slot at the server."""
    client, url = client_of(http2=True, verify=authority.bundle), tls()
    seen = fl.fetch([url], client=client, parse="json").result()  # else the first two may race to connect
    seen += fl.fetch([f"{url}/?n={n}" for n in range(199)], client=client, workers=20, parse="json").result()
    assert Counter(value["version"] for value in seen) == {"2": 200}
    assert len({value["connection"] for value in seen}) == 1


def test_the_response_names_its_version(client_of, authority, tls):
    """A reader of ``http_version`` must see what was negotiated, and HTTP/1.1 unless asked for more."""
    url = tls()
    for http2, version in ((True, "HTTP/2"), (False, "HTTP/1.1")):
        client = client_of(http2=http2, verify=authority.bundle)
        (response,) = fl.fetch([url], client=client, parse="response").result()
        assert response.http_version.startswith(version)


def test_an_authority_as_path_text_or_bytes(client_of, authority, tls):
    """Companies hand their bundle out as a file; a notebook may hold it as bytes."""
    url = tls()
    other = authority.bundle.read_bytes()
    for verify in (authority.bundle, str(authority.bundle), other, other + other):
        assert fl.fetch([url], client=client_of(verify=verify), retry=ONCE).results()[0].ok


def test_an_unknown_authority_is_refused_unless_told(client_of, tls):
    """Taking any certificate by default would make TLS worthless; a test server must still be reachable."""
    url = tls()
    (refused,) = fl.fetch([url], client=client_of(), retry=ONCE).results()
    assert isinstance(refused.error, fl.errors.ConnectFailed)
    assert "certificate" in str(refused.error)
    assert fl.fetch([url], client=client_of(verify=False), retry=ONCE).results()[0].ok


def test_bad_certificates(client_of, authority, tls):
    """Another host's certificate, and one that has expired: each is that item's error, the run goes on."""
    past = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
    urls = [
        tls(),
        tls(authority.issue("other.invalid")),
        tls(authority.issue("127.0.0.1", not_before=past, not_after=past + dt.timedelta(days=9))),
    ]
    run = fl.fetch([*urls, urls[0]], client=client_of(verify=authority.bundle), retry=ONCE)
    results = run.results()
    assert [result.ok for result in results] == [True, False, False, True]
    assert {type(result.error) for result in results[1:3]} == {fl.errors.ConnectFailed}
    assert [result.error.key for result in results[1:3]] == [f"GET {url}/" for url in urls[1:]]


def test_a_client_certificate(client_of, authority, tls):
    """Services that know their callers by certificate must be reachable, and say why where one is missing."""
    url = tls(clients=authority.bundle)
    both, apart = authority.issue("me@example.org"), authority.issue_apart("me@example.org")
    for cert in (both, str(both), apart):
        client = client_of(verify=authority.bundle, cert=cert)
        assert fl.fetch([url], client=client, retry=ONCE).results()[0].ok
    (result,) = fl.fetch([url], client=client_of(verify=authority.bundle), retry=ONCE).results()
    assert isinstance(result.error, fl.errors.TransportError), result


def test_credentials_stay_when_tls_leads_to_plain(client_of, authority, tls, echo):
    """A redirect from https to http on the same name would show the token to everybody on the way."""
    url = f"{tls()}/?url={echo}/headers"
    client = client_of(verify=authority.bundle, auth="Bearer secret-token-123", http2=True)
    (value,) = fl.fetch([url], client=client, parse="json").result()
    assert "authorization" not in {name.lower() for name in value["headers"]}


@pytest.mark.parametrize(
    ("knob", "value"),
    [
        ("verify", b"no pem"),
        ("verify", "no/such/file.pem"),
        ("verify", 3),
        ("verify", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"),
        ("cert", "no/such/file.pem"),
        ("cert", 3),
        ("cert", ()),
        ("cert", ("a", "b", "c")),
    ],
    ids=str,
)
def test_certificates_that_cannot_work(kind, knob, value):
    """Found at the first request instead, each of ten thousand items would fail for it."""
    with pytest.raises(fl.errors.ConfigError) as raised:
        fl.Client(kind, **{knob: value})
    assert raised.value.knob == knob


def test_a_certificate_without_its_key(kind, authority):
    """The commonest mistake with client certificates."""
    cert, _ = authority.issue_apart("me@example.org")
    _, key = authority.issue_apart("me@example.org")
    for wrong in (cert, (cert, key), authority.bundle):
        with pytest.raises(fl.errors.ConfigError, match="cert"):
            fl.Client(kind, cert=wrong)


def test_http2_without_its_package(monkeypatch):
    """The wire would raise an ImportError at the first request, in the engine's thread."""
    monkeypatch.setattr("fetchlab.transport.options.find_spec", lambda name: None)
    with pytest.raises(fl.errors.ConfigError, match=r"http2.*httpx\[http2\]"):
        fl.Client("httpx", http2=True)
    with pytest.raises(fl.errors.ConfigError, match=r"proxy.*httpx\[socks\]"):
        fl.Client("httpx", proxy="socks5://127.0.0.1:1")
    fl.Client("reqwest", http2=True, proxy="socks5://127.0.0.1:1")


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("nginx") is None, reason="nginx is not installed")
def test_nginx_sees_one_http2_connection(client_of, authority, tmp_path):
    """The same with the server that most of the web runs on, by its own log of connections."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    pem = authority.issue("127.0.0.1")
    folders = "\n".join(
        f"{name}_temp_path {tmp_path}/{name};"
        for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (tmp_path / "nginx.conf").write_text(
        f"""daemon off; pid {tmp_path}/pid; error_log {tmp_path}/error.log;
        events {{}}
        http {{ {folders}
            log_format seen "$connection $server_protocol $status";
            access_log {tmp_path}/access.log seen;
            server {{ listen 127.0.0.1:{port} ssl http2; location / {{ return 200 page; }}
                      ssl_certificate {pem}; ssl_certificate_key {pem}; }} }}"""
    )
    command = ["nginx", "-p", str(tmp_path), "-c", str(tmp_path / "nginx.conf")]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        try:
            url = f"https://127.0.0.1:{port}/page"
            client = client_of(http2=True, verify=authority.bundle)
            started = fl.fetch([url], client=client, retry=fl.Retry(attempts=50, base=0.1, cap=0.2))
            assert started.results()[0].ok
            run = fl.fetch([url] * 200, client=client, workers=20)
            assert run.wait().stats().ok == 200
        finally:
            process.terminate()
    lines = (tmp_path / "access.log").read_text().splitlines()
    assert len(lines) == 201
    assert len({line.split()[0] for line in lines}) == 1
    assert {tuple(line.split()[1:]) for line in lines} == {("HTTP/2.0", "200")}
