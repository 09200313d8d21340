"""A credential is found wherever it is planted; a word, a mask or a variable is none."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fetchlab.notebook.credentials import find, known, masked

tokens = st.text(string.ascii_letters + string.digits + "-_", min_size=20, max_size=40).map("7{}".format)
opaque = st.text(string.ascii_letters + string.digits, min_size=16, max_size=40).map("a7{}".format)

ANYWHERE = [
    "https://h/p?page=2&api_key={0}",
    "https://h/p?key={0}",
    "redirected to https://h/cb#access_token={0}",
    "https://anna:{0}@h/p",
    "https://{0}@h/p",
    '{{"Authorization": "Bearer {0}", "Accept": "*/*"}}',
    "{{'authorization': 'token {0}'}}",
    "[('x-api-key', '{0}'), ('accept', '*/*')]",
    "[(b'cookie', b'sid={0}')]",
    '{{"X-Auth-Token": "{0}"}}',
    "password = '{0}'",
    "client_secret='{0}',",
    "os.environ['TMDB_API_KEY'] = '{0}'",
    "os.environ.setdefault('SERVICE_TOKEN', '{0}')",
    "token = '{0}'",
    "curl -H 'Authorization: Bearer {0}' https://h",
    'line = "X-Api-Key: {0}"',
    "key = 'sk-{0}'",
    "print('ghp_{0}')".replace("{0}", "0123456789abcdefghijABCDEFGHIJ"),
    "-----BEGIN RSA PRIVATE KEY-----\n{0}\n-----END RSA PRIVATE KEY-----",
]
IN_OUTPUT = [
    "Authorization: Bearer {0}",
    "Cookie: a=1; sid={0}",
    "api_key={0} was refused",
    "StatusError: GET https://h/?token={0} gave 401",
    "password: {0}",
]


@pytest.mark.parametrize("text", ANYWHERE)
@given(token=tokens)
def test_a_planted_credential_is_found_in_code_and_in_output(text, token):
    """Whoever gets the page gets the key; and the place that is told must cover all of it."""
    planted = text.format(token)
    for code in (True, False):
        secrets = find(planted, code=code)
        assert secrets
        shown, places = masked(planted, secrets)
        assert token not in shown
        assert all(shown[start:end] == "***" for start, end in places)


@pytest.mark.parametrize("text", IN_OUTPUT)
@given(token=tokens)
def test_in_output_it_needs_no_quotes(text, token):
    """What a cell printed is no code: a header stands there as it was sent."""
    planted = text.format(token)
    assert token not in masked(planted, find(planted))[0]


LOOSE = [
    "https://h/?apiToken={0}",
    "https://h/?u=https%3A%2F%2Fi%2F%3Ftoken%3D{0}",
    "https://h/?u=https%253A%252F%252Fi%252F%253Fapi_key%253D{0}%2526page%253D2",
    "https://chat.example/bot123456789:{0}/getMe",
    "https://hooks.slack.com/services/T00000000/B00000000/{0}",
    "https://chat.example/api/webhooks/123456789/{0}",
    "GITHUB_TOKEN={0}",
    "export AWS_SESSION_TOKEN={0}",
    "token: {0}",
    "token={0}, page 2",
    "X-Token: {0}",
    "x-auth: {0}",
    "X-Functions-Key: {0}",
    "Ocp-Apim-Subscription-Key: {0}",
    "<Headers X-Api-Token={0}>",
    "token {0} was refused",
    "Incorrect API key provided: {0}.",
    "invalid token '{0}'",
    "The access key is {0}",
    "**token**: `{0}`",
    "token → {0}",
    "githubToken: {0}",
    "DB_PASSWORD_PROD={0}",
    "{{'token': ['{0}']}}",
]


@pytest.mark.parametrize("text", LOOSE)
@given(token=opaque)
def test_it_needs_no_exact_form(text, token):
    """Logs, exceptions and services' own paths say it in their own ways."""
    planted = text.format(token)
    assert token not in masked(planted, find(planted))[0]


@given(token=opaque)
def test_what_was_recognised_once_is_known_everywhere(token):
    """The value of a header is printed without its name a cell later."""
    again = known([f"Bearer {token}"], ["hunter two"])
    for text in (f"it was {token}", f"<td>{token}x</td>", "typed: hunter two", "typed: hunter%20two"):
        shown, _ = masked(text, again(text))
        assert token not in shown
        assert "***" in shown
    assert again("Bearer of news, hunter twofold") == []


@pytest.mark.parametrize(
    "text",
    [
        "https://h/?token=my-secret-value",
        "{'Authorization': 'secretsecret'}",
        "Cookie: sid=abcdefghijkl",
        "aws_secret_access_key = 'wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY'",
    ],
)
def test_a_weak_credential_is_one_as_well(text):
    """What looks made up may be in use."""
    assert find(text)


@pytest.mark.parametrize(
    "text",
    [
        'headers={"Authorization": f"Bearer {token}"}',
        "headers = {'Authorization': 'Bearer ' + token}",
        'headers = {"Authorization": token, "X-Api-Key": os.environ["KEY"]}',
        "library = Library(path, tmdb_url, api_key=api_key2)",
        'client = fl.Client(headers={"X-Api-Key": "$TMDB_API_KEY"})',
        "password = getpass.getpass()",
        'url = f"https://{user}:{password}@h/?api_key={key}"',
        'os.environ["API_KEY"] = "YOUR_API_KEY"',
        'token = response.json()["next"]',
        'page_token = "CAUQAA1234567890123"',
        'sort_key = "released_at_2020_01"',
        'print("wrong password")',
        'parse_token = "page"',
        'token = os.environ["X1234567890123456789"]',
        "token = getpass()",
        "token = tokens_by_name_2024_01[0]",
        "auth = sessions.build_2024_client(1)",
        'df.select("password", "user").rename({"n": "count"})',
        'columns = ["cookie", "user", "api_key", "secret"]',
        'url = f"https://h/?u=https%3A%2F%2Fi%2F%3Ftoken%3D{token}"',
    ],
)
def test_code_that_names_a_secret_and_holds_none_is_left_alone(text):
    """A refusal that cannot be overridden must be right, or people stop sharing."""
    assert find(text, code=True) == []


@pytest.mark.parametrize(
    "text",
    [
        "GET https://h/?api_key=***&key=***0123456789abcdef",
        "https://***@h/p",
        "{'Authorization': '***', 'cookie': '[secure]'}",
        "Headers({'authorization': '[secure]'})",
        "Basic authentication and bearer authentication, digest mismatch",
        "Authorization: see the guide",
        "| `Authorization: Bearer …` | `fl.Client(auth=f'Bearer {apiKey}')` |",
        "The `Authorization` header, cookies and an api_key: all of them",
        "https://h/?page=17&tokens=512&page_token=1234567890123456789",
        "sk-container-id sk-toggleable__content",
        "key GET http://127.0.0.1:8700/json?n=1",
        "git clone ssh://git@github.com/a/b",
        "Unexpected token: '<' at position 0",
        '"session": "first", "key": "GET http://h/a1234567890"',
        "sha256 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "revision 2fd4e1c67a2d28fced849ee1bb76e7391b93eb12",
        "id 1b4e28ba-2fa1-41d2-883f-0016d3cca427, key 1b4e28ba-2fa1-41d2-883f-0016d3cca427",
        "model org/some-model-3.1-70b-instruct-2024-07-18, per token some-model-4o-mini-2024-07-18",
        "token: how many words",
        "token: org/some-model-3.1-70b-instruct",
        "seconds per token: 0.01234567890123456",
        "token: 0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48",
        "next page token: CAUQAA1a2b3c4d5e6f7g8h9",
        "nextPageToken=CAUQAA1a2b3c4d5e6f7g8h9",
        "{'nextPageToken': 'CAUQAA1a2b3c4d5e6f7g8h9'}",
        "authors: 2, tokens: 1234567890123456789",
        "https://h/bot/123456789 https://h/services/T0/B0/1234567890123456",
        "['password', 'user'] ('cookie', 'user', 'page') {'cookie': ['name', 'value']}",
    ],
)
def test_masks_placeholders_and_prose_are_none(text):
    """What redaction has masked is safe to show, and a sentence about headers is no header."""
    assert find(text) == []


@given(st.text())
def test_masking_leaves_the_rest_as_it_was(text):
    """An excerpt is only of use if it can be found again in the notebook."""
    secrets = find(text)
    kept, end = [], 0
    for secret in secrets:
        kept.append(text[end : secret.start])
        end = secret.end
    assert masked(text, secrets)[0] == "***".join([*kept, text[end:]])
