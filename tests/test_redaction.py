"""Secrets vanish wherever they are planted; harmless words stay."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import fetchlab as fl
from fetchlab.redaction import key_text, redact_headers, redact_text, redact_url

TOKEN = "s3cr3t-T0ken-0123456789"
tokens = st.text(
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_", min_size=20, max_size=40
).map(lambda text: "7" + text)
NAMES = """
    api_key apikey api-key APIKey x_api_key access_key token access_token accessToken auth_token
    refresh_token id_token sessiontoken secret client_secret clientSecret password passwd pwd auth
    authorization credential signature sig X-Amz-Signature X-Amz-Credential session_id sessionid sid
    PHPSESSID jwt auth_code key subscription-key code session apiToken api_secret
""".split()  # noqa: SIM905
HARMLESS = """
    monkey=1234567890123456789 page=17 postcode=1234567890123456789 keyword=abc
    keywords=a1b2c3d4e5f6g7h8i9 key=name sort_key=created_at code=DE country_code=US
    zipcode=12345678901234567 tokens=512 max_tokens=4096 page_token=CAUQAA1234567890123
    next_page_token=1234567890123456789 pageToken=1234567890123456789
    pagination_token=7140dibdnow9c7btw480y5xgmlpwtbsh continuation-token=1234567890123456789
    sync_token=1234567890123456789 cursor=1234567890123456789 author=hunter2345678901234
    design=1234567890123456789 side=left insider=1 secretary=anna passage=12
""".split()  # noqa: SIM905


@given(token=tokens)
@settings(max_examples=20)
def test_secret_parameters_are_masked(token):
    """An API key in a frame is an API key in a shared notebook."""
    for name in NAMES:
        url = redact_url(f"https://h/p?a=1&{name}={token}&page=2")
        assert token not in url, name
        assert url.startswith(f"https://h/p?a=1&{name}=***")
        assert url.endswith("&page=2")


@pytest.mark.parametrize("pair", HARMLESS)
def test_harmless_parameters_stay(pair):
    """A masked page token would give every page of a list the same key."""
    assert redact_url(f"https://h/p?{pair}&b=1") == f"https://h/p?{pair}&b=1"
    assert redact_url(f"https://h/p?b=1&{pair}") == f"https://h/p?b=1&{pair}"


@given(one=tokens, other=tokens)
def test_doubtful_values_stay_apart(one, other):
    """``?key=`` may hold a credential or a record's id: hidden in both cases, and still two keys."""
    masked = [redact_url(f"https://h/?key={value}") for value in (one, other)]
    assert (masked[0] == masked[1]) == (one == other)


@given(token=tokens)
@pytest.mark.parametrize(
    "text",
    [
        "https://user:{0}@host/path failed",
        "https://{0}@host/path failed",
        "http://user:p@ss{0}@host/",
        "Authorization: Bearer {0}",
        "Authorization: token {0}",
        "authorization: {0}",
        "{{'Authorization': 'token {0}', 'Accept': '*/*'}}",
        '{{"access_token": "{0}", "page": 2}}',
        '{{"password": "{0}"}}',
        "Cookie: a=1; sid={0}; b=2",
        "X-Api-Key: {0}",
        "client_secret={0}",
        "password = '{0}' rejected",
        "no route to https://h/p?q=1&api_key={0}, giving up",
        "redirected to https://h/cb#access_token={0}",
        "Incorrect API key provided: sk-{0}",
        "jwt eyJhbGciOiJIUzI1NiJ9.{0}.{0}",
    ],
)
@settings(max_examples=25)
def test_secrets_in_free_text_are_masked(text, token):
    """Exceptions quote what they choked on."""
    assert token not in redact_text(text.format(token))


@pytest.mark.parametrize(
    "text",
    [
        "SERVICE_TOKEN={0} is set",
        "token: {0}",
        "x-auth: {0}",
        "Ocp-Apim-Subscription-Key: {0}",
        "<Headers X-Api-Token={0}>",
        "token {0} was refused",
        "Incorrect API key provided: {0}",
        "invalid token '{0}'",
        "GET https://h/bot123456789:{0}/getMe gave 401",
        "POST https://hooks.slack.com/services/T00000000/B00000000/{0} gave 404",
        "POST https://h/api/webhooks/123456789/{0} gave 404",
    ],
)
@given(token=st.from_regex(r"[a-z][0-9][A-Za-z0-9]{14,30}", fullmatch=True))
@settings(max_examples=25)
def test_what_services_say_of_a_token_is_masked(text, token):
    """The sentence of a refusal goes into frame, log and journal as it came."""
    once = redact_text(text.format(token))
    assert token not in once
    assert redact_text(once) == once


@given(one=tokens, other=tokens)
@pytest.mark.parametrize("path", ["/bot123456789:{}/send", "hooks.slack.com/services/T0/B0/{}"])
def test_a_key_tells_two_credentials_in_a_path_apart(path, one, other):
    """Two bots that ask for one thing are two items, and neither token stands in the journal."""
    keys = [key_text(f"https://h{path.format(token)}") for token in (one, other)]
    assert one not in keys[0]
    assert (keys[0] == keys[1]) == (one == other)


@pytest.mark.parametrize(
    "text",
    [
        "Unexpected token: '<' at position 0",
        "next_page_token: CAUQAA1a2b3c4d5e6f7g8h9 is stale",
        "0.01234567890123456 seconds per token: 0.01234567890123456",
        "no model org/some-model-3.1-70b-instruct-2024-07-18, token: org/some-model-3.1-70b-instruct",
        "bad revision 2fd4e1c67a2d28fced849ee1bb76e7391b93eb12",
        "no item 1b4e28ba-2fa1-41d2-883f-0016d3cca427",
        "token expected",
        "the key is missing: 'id'",
        "KeyError: 'monkey'",
        "basic types only",
        "the code = 17",
        "Expecting value: line 1 column 1 (char 0)",
        "author: Anna Secret",
        "page=2&keyword=a@b.example",
    ],
)
def test_ordinary_messages_stay(text):
    """An error that masks its own reason helps nobody."""
    assert redact_text(text) == text


@given(st.text())
def test_redacting_twice_changes_nothing(text):
    """Messages pass through more than one hand."""
    once = redact_text(text)
    assert redact_text(once) == once


def test_headers():
    """The name stays, so that a reader sees what was sent."""
    sent = {
        "Authorization": TOKEN,
        "X-Api-Key": TOKEN,
        "Cookie": TOKEN,
        "X-Auth-Token": TOKEN,
        "Accept": "a/b",
    }
    assert redact_headers(sent) == dict.fromkeys(sent, "***") | {"Accept": "a/b"}


def test_reprs_hide_secrets():
    """A repr is what a notebook shows when a cell ends in a variable."""
    request = fl.Request(f"http://u:{TOKEN}@h/?api_key={TOKEN}", headers={"Authorization": TOKEN})
    response = fl.Response(200, {}, b"", request.url)
    client = fl.Client(headers={"Authorization": TOKEN})
    error = ValueError(f"http://h/?api_key={TOKEN}")
    result = fl.Result(0, "k", None, False, None, error, None, 1, False, 0, 0.0, 0.0, None, 0.0, 0, "")
    for thing in (request, response, client, result):
        assert TOKEN not in repr(thing), type(thing)


def test_a_quoted_token_field_and_a_url_without_a_scheme_are_masked():
    """A task that raises with the JSON it was sent would put a token into frame and notebook."""
    assert "SEC" not in redact_text("""{"token": "SEC"} {'token': 'SEC'} //user:SEC@example.org/""")
    assert redact_text("token: page") == "token: page"


@pytest.mark.parametrize(
    "prefix",
    """
    sk- sk_live_ rk_test_ ghp_ github_pat_ glpat- hf_ npm_ pypi- AIza ya29. xoxb- xapp- gsk_ AKIA ASIA
    """.split(),  # noqa: SIM905
)
def test_known_token_shapes_are_masked_without_a_name(prefix):
    """A token printed by itself has only its shape to be known by."""
    token = prefix + "A1B2C3D4E5F6G7H8" * (3 if prefix[-1] in "-_a." else 1)
    if prefix == "npm_":
        token = token[:40]
    assert redact_text(f"value {token} here") == "value *** here"
    assert redact_text("SG." + "a1B2" * 5 + "." + "c3D4" * 8) == "***"
