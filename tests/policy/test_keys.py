"""Keys: one spelling for all equivalents, stable, without secrets."""

from __future__ import annotations

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fetchlab.model import Request
from fetchlab.policy import keys
from fetchlab.policy.keys import host_of, normalise_url, own_key, plain_key, request_key
from fetchlab.redaction import redact_url

PIECES = r"a B 7 %7E %7e %2f %2F % %%37E %41 ~ . .. / // - _ : @ ? = & ; + # ä é ' | ^ * ! \ <".split()  # noqa: SIM905
AUTHORITIES = """
    example.org EXAMPLE.org h:80 h:443 h:0080 h:8080 h: [::1] [::1]:80 [2001:DB8::1]:81 user:pw@h u@h:443 h.
    127.0.0.1:65536 h:99999 münchen.de h:x
""".split()  # noqa: SIM905
pieces = st.sampled_from([*PIECES, " ", "\u2028", '"', "\udc80"])
authorities = st.sampled_from([*AUTHORITIES, ""])
urls = st.builds(
    lambda scheme, authority, path, query: f"{scheme}://{authority}{path}{query}",
    st.sampled_from(["http", "https", "HTTP", "ftp"]),
    authorities,
    st.lists(pieces, max_size=8).map(lambda parts: "/" + "".join(parts)) | st.just(""),
    st.lists(pieces, max_size=6).map(lambda parts: "?" + "".join(parts)) | st.just(""),
)


@given(urls | st.text())
@example("http://h/%%37E")
@example("http://h:99999/")
def test_normalising_twice_changes_nothing(url):
    """A key made from a key must not differ, else a cache forgets what it has."""
    once = normalise_url(url)
    assert normalise_url(once) == once


@given(urls)
@example("http://h/?")
@example("http://h:0080/")
@example("https://h:80/")
@example("http://h/ä")
def test_the_fast_path_agrees_with_the_slow_one(url):
    """Two spellings of one rule drift apart, and equal URLs would get unequal keys."""
    assert normalise_url(url) == keys._normalise(url)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("http://example.org", "http://example.org/"),
        ("HTTP://EXAMPLE.org/", "http://example.org/"),
        ("http://example.org:80/a", "http://example.org/a"),
        ("https://example.org:443/a", "https://example.org/a"),
        ("http://example.org:/a", "http://example.org/a"),
        ("http://h/%7Euser", "http://h/~user"),
        ("http://h/%7euser", "http://h/~user"),
        ("http://h/%c3%a4", "http://h/%C3%A4"),
        ("http://h/ä", "http://h/%C3%A4"),
        ("http://h/a b", "http://h/a%20b"),
        ("http://h/a/./b/../c", "http://h/a/c"),
        ("http://h/../a", "http://h/a"),
        ("http://h/a/..", "http://h/"),
        ("http://h/a/.", "http://h/a/"),
        ("http://h/%2e%2e/a", "http://h/a"),
        ("http://h/a?q=%41", "http://h/a?q=A"),
        ("http://h/a#part", "http://h/a"),
        ("http://[2001:DB8::1]:80/a", "http://[2001:db8::1]/a"),
    ],
)
def test_equivalents_share_a_key(one, other):
    """RFC 3986 section 6.2: a page must not be fetched twice for being spelt twice."""
    assert request_key(Request(one)) == request_key(Request(other))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("http://h/a", "http://h/A"),
        ("http://h/a", "http://h/a/"),
        ("http://h/a%2Fb", "http://h/a/b"),
        ("http://h/?a=1&b=2", "http://h/?b=2&a=1"),
        ("http://h/?a=%26b", "http://h/?a=&b"),
        ("http://h/?a=%2B", "http://h/?a=+"),
        ("http://h/", "https://h/"),
        ("http://h:80/", "http://h:81/"),
        ("http://h/?page_token=abc", "http://h/?page_token=def"),
        ("http://h/?pagination_token=abc", "http://h/?pagination_token=def"),
        ("http://h/?nextPageToken=abc", "http://h/?nextPageToken=def"),
        ("http://h/?code=DE", "http://h/?code=US"),
        ("http://h/?key=1", "http://h/?key=2"),
        (
            "http://h/?key=0e4f8b2e-0001-4f6b-9d3c-aaaaaaaaaaaa",
            "http://h/?key=0e4f8b2e-0002-4f6b-9d3c-aaaaaaaaaaaa",
        ),
        ("http://h/?access_token=user1", "http://h/?access_token=user2"),
        ("http://h/a;sid=1", "http://h/a;sid=2"),
        ("http://user1@h/", "http://user2@h/"),
        ("http://h/?u=/x%3Ftoken%3Duser1", "http://h/?u=/x%3Ftoken%3Duser2"),
    ],
)
def test_different_things_have_different_keys(one, other):
    """A page under another page's key would be lost without a word."""
    assert request_key(Request(one)) != request_key(Request(other))


def test_method_and_body_belong_to_the_key():
    """Two searches by POST to one URL are two items."""
    bodies = [Request("http://h/", "POST", json={"q": q}) for q in ("a", "b")]
    made = {request_key(r) for r in [*bodies, Request("http://h/", "POST"), Request("http://h/")]}
    assert len(made) == 4
    assert request_key(Request("http://h/", "post", content=b"a")) == (
        "POST http://h/ sha256:ca978112ca1bbdca"  # the SHA-256 of "a", as published
    )


@given(
    st.sampled_from(
        ["api_key", "token", "access_token", "password", "sig", "X-Amz-Signature", "client_secret"]
    )
)
def test_no_secret_in_a_key(name):
    """Keys go to frames, files and screens."""
    key = request_key(Request(f"http://user:hunter2@h/p?a=1&{name}=S3cretS3cretS3cret&b=2"))
    assert "hunter2" not in key
    assert "S3cret" not in key
    assert "a=1" in key
    assert "b=2" in key


@pytest.mark.parametrize("name", ["Authorization", "cookie", "X-Api-Key", "x-auth-token"])
def test_what_is_asked_for_two_accounts_is_two_items(name):
    """Everybody would get the data of the account that came first."""
    one, other = (request_key(Request("http://h/", headers={name: f"hunter2 {n}"})) for n in "ab")
    assert one != other
    assert "hunter2" not in one
    assert one.startswith(f"GET http://h/ {name.lower()}=***")
    assert one == request_key(Request("http://h/", headers={"accept": "x", name.upper(): "hunter2 a"}))


@pytest.mark.parametrize("name", ["Accept", "Content-Type", "If-None-Match", "Idempotency-Key", "User-Agent"])
def test_other_headers_are_no_part_of_the_key(name):
    """What was fetched before would be fetched again."""
    assert request_key(Request("http://h/", headers={name: "a1b2c3"})) == "GET http://h/"


SECRET_URLS = """
    /?url=/x%3Fapi_key%3DSECR&b=1 /?url=/x%3fapi_key%3dSECR%26c%3D1 /?u=%253Ftoken%253DSECR%2526c%253D1%26d=2
    /?u=%25253Fsid%25253DSECR%252526c&e=1 /?u=%3Fapi_key%3DSE%2526CR /a;jsessionid=SECR /?appid=SECR
    /?pin=SECR /?api_key=SE%26CR /?filter=token%3DSECR /?hmac=SECR /?u=%3Fkey%3DSECR-0123456789-0123%26a
""".split()  # noqa: SIM905


@pytest.mark.parametrize("path", SECRET_URLS)
def test_no_secret_of_a_url_within_a_url_is_in_a_key(path):
    """A link to be followed carries the credentials of another service, percent-encoded."""
    key = request_key(Request(f"http://h{path}"))
    for made in (key, plain_key(f"http://h{path}"), redact_url(f"http://h{path}")):
        assert "SE" not in made
        assert "CR" not in made
    assert keys.key_url(key) == key, "a key made from a key must not differ"


@pytest.mark.parametrize(
    "text",
    ["token=SECR", "Authorization: Bearer SECR", "a token: SECR", "Bearer abSECR123", "X-Api-Key: SECR",
     "pin=SECR", "password = 'SECR SECR'", "//user:SECR@h/", '{"token": "SECR"}', "key=SECR-0123456789-0123",
     "sk-SECR0123456789abc"],
)  # fmt: skip
def test_no_secret_in_the_key_of_a_text(text):
    """Items of ``map`` and keys of a cache are any text at all."""
    for made in (plain_key(text), plain_key((text, 1)), own_key(lambda item: item)(text)):
        assert "SECR" not in made
        assert "***" in made
    assert plain_key(text) != plain_key(text.replace("SECR", "OTHR"))
    assert plain_key(plain_key(text)) == plain_key(text)


@pytest.mark.parametrize(
    "text",
    ["page/17", "tt0111161", "basic research", "monkey: 17", "author: Anna", "passage: 12", "a=b", "50% off",
     "Harry Potter: the code", "https://h/p?page_token=abc", "me@example.org", "keyboard", "cookie recipes"],
)  # fmt: skip
def test_a_text_without_a_secret_is_its_own_key(text):
    """What a journal or a cache knows it by must stay."""
    assert plain_key(text) == text


@given(urls | st.text())
def test_nothing_raises(url):
    """A key or host that cannot be made would take the item's error with it."""
    assert isinstance(request_key(Request(url)), str)
    assert isinstance(host_of(url), str)


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("HTTP://Example.ORG:80/a", "http://example.org"),
        ("https://example.org:8443/a?b", "https://example.org:8443"),
        ("http://u:p@example.org?x=/", "http://example.org"),
        ("http://[::1]:8080/", "http://[::1]:8080"),
        ("http://example.org", "http://example.org"),
        ("http://example.org#x", "http://example.org"),
    ],
)
def test_host_is_scheme_host_and_port(url, host):
    """Politeness and statistics count by host: one host under two names gets twice the load."""
    assert host_of(url) == host


@pytest.mark.parametrize(
    ("item", "key"),
    [
        ("page/17", "page/17"),
        ("", ""),
        (17, "17"),
        (1.5, "1.5"),
        (True, "true"),
        (("a", 1), '["a", 1]'),
        (("a", ""), '["a", ""]'),
        ((), "[]"),
        (("a", ("b", 2)), '["a", ["b", 2]]'),
        (("u", "http://h/?api_key=x"), '["u", "http://h/?api_key=***2d711642b726b044"]'),
        (None, None),
        ({"a": 1}, None),
        (("a", None), None),
        ([1], None),
    ],
    ids=repr,
)
def test_plain_items_are_their_own_key(item, key):
    """Tuples with an empty string, or nested ones, are as good a key as any."""
    assert plain_key(item) == key


@given(
    st.recursive(
        st.text() | st.integers() | st.floats(allow_nan=False), lambda inner: st.tuples(inner, inner)
    )
)
def test_tuples_are_json(item):
    """A journal reads keys back as JSON."""
    if isinstance(item, tuple):
        assert isinstance(json.loads(plain_key(item)), list)


def test_a_users_key_cannot_hurt():
    """It is called when the item has ended: an exception there would lose the value."""
    assert own_key(lambda item: item["id"])({"id": 7}) == "7"
    assert own_key(lambda item: item["id"])({}) == "<key raised KeyError: 'id'>"
    assert own_key(lambda item: f"http://h/?api_key={item}")("x") == (
        "http://h/?api_key=***2d711642b726b044"  # the SHA-256 of "x", as published
    )
