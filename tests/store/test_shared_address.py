"""Where a shared tier is: read from its URL, and shown without what is secret."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

import fetchlab as fl
from fetchlab import errors
from fetchlab.redaction import redact_text
from fetchlab.store.shared_address import PASSWORD, Address, is_address

SECRETS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=8, max_size=20)


@pytest.mark.parametrize(
    ("url", "shown", "spoken"),
    [
        ("redis://h", "redis://h:6379/0", "redis://h"),
        ("redis://h:7000/3", "redis://h:7000/3", "redis://h:7000/3"),
        ("valkey://h/1", "valkey://h:6379/1", "redis://h/1"),
        ("VALKEYS://h", "valkeys://h:6379/0", "rediss://h"),
        ("rediss://[::1]:7/0?ssl_ca_certs=/ca.pem", "rediss://[::1]:7/0", None),
        ("unix:///run/redis.sock?db=2", "unix:///run/redis.sock", None),
    ],
)
def test_every_spelling_of_an_address(url, shown, spoken):
    """A server behind TLS, a socket or Valkey's own scheme could not be used."""
    address = Address(url)
    assert address.shown == shown
    assert address.url == (spoken or url)
    assert Address(address.plain).shown == shown


@given(user=st.one_of(st.just(""), SECRETS), password=SECRETS)
def test_no_password_is_ever_shown(user, password):
    """It would stand in a notebook's output, a log, a journal."""
    spelled = quote(password, safe="")
    words = f"{quote(user, safe='')}:{spelled}@"
    for url in (f"redis://{words}h:7000/1", f"unix://{words}/s.sock", f"redis://h/?password={spelled}"):
        address = Address(url)
        for said in (address.shown, address.plain, repr(address)):
            assert f":{spelled}" not in said
            assert f"={spelled}" not in said
        assert Address(address.plain).shown == address.shown


def test_the_password_may_stand_in_the_environment(monkeypatch):
    """A notebook that is sent must not hold it."""
    monkeypatch.setenv(PASSWORD, "S3CRET-word")
    assert Address("redis://user@h/0").options == {"password": "S3CRET-word"}
    assert Address("redis://:other@h/0").options == {}
    assert "S3CRET" not in repr(Address("redis://h")) + Address("redis://h").plain
    monkeypatch.delenv(PASSWORD)
    assert Address("redis://h").options == {}


@pytest.mark.parametrize(
    "url",
    [
        "redis://h:port/0",
        "redis://h/none",
        "redis://h/-1",
        "redis://:p#w@h",
        "redis://u:1?p#w@h",
        "redis://h:99999999/0",
    ],
)
def test_an_address_that_cannot_be_read_names_the_knob_and_no_password(url):
    """The mistake is most often an unescaped password: it must not stand in the traceback."""
    with pytest.raises(errors.ConfigError, match=r"^path: .*redis://host:6379/0") as caught:
        fl.Cache(url)
    assert "p#w" not in str(caught.value)
    assert caught.value.__cause__ is None
    with pytest.raises(errors.ConfigError, match=r"^shared: "):
        fl.Cache(shared=url)


@pytest.mark.parametrize("given", ["http://h/0", "h:6379", 3, "data/cache.db"])
def test_what_is_no_address_is_refused_as_such(given):
    """A file's name given as ``shared`` would be looked up as a host."""
    with pytest.raises(errors.ConfigError, match=r"^shared: give a server's URL"):
        fl.Cache(shared=given)


def test_two_addresses_are_one_too_many():
    """One of them would be forgotten without a word."""
    with pytest.raises(errors.ConfigError, match=r"^shared: is given as the path already"):
        fl.Cache("redis://h", shared="redis://h")


@pytest.mark.parametrize("name", ["c.db", "redis.db", "data/redis:/x", "~/c.db"])
def test_a_files_name_is_none(name):
    """Somebody's file would be taken for a host."""
    assert not is_address(name)


def test_what_the_panel_spells_holds_no_password():
    """It becomes a cell."""
    assert "S3CRET" not in redact_text("redis://:S3CRET-word@h/0")
    assert Address("redis://:S3CRET-word@h/0").plain == "redis://h:6379/0"
