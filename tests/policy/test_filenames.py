"""Names from servers and URLs: whatever they say, one harmless path segment comes out."""

from __future__ import annotations

import unicodedata
from pathlib import Path, PureWindowsPath

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fetchlab.policy.filenames import LONGEST, NAMELESS, from_disposition, from_url, numbered, safe_name, same

SIDECAR_ROOM = len(".part.json")
ANYTHING = st.text(st.characters(exclude_categories=()))
NASTY = st.text(st.sampled_from("./\\:\"%2Fe\0\r\n\u202e;=*'~ a.partCON"))


@given(ANYTHING | NASTY)
@example("..")
@example("../" * 50 + "etc/passwd")
@example("a" * 235 + ".part" + "b" * 100)
@example("é" * 400 + ".tar.gz")
@example("con .txt")
@example("\ud800.txt")
@example(". .txt")
@example("a/.fetchlab-downloads.jsonl")
def test_no_name_can_leave_the_folder_or_surprise_it(text):
    """One name that does would let a server write a user's .bashrc."""
    name = safe_name(text)
    folder = Path("/somewhere/here")
    assert (folder / name).parent == folder
    assert PureWindowsPath(name).name == name
    assert not PureWindowsPath(name).is_reserved()
    assert name not in ("", ".", "..")
    assert not name.startswith((".", " "))
    assert not name.endswith((".", " ", ".part", ".part.json"))
    assert len(name.encode()) <= 255 - SIDECAR_ROOM
    assert not {unicodedata.category(char) for char in name} & {"Cc", "Cf", "Cs"}
    assert not set('<>:"/\\|?*\0') & set(name)
    assert safe_name(name) == name, "a name that was made safe must stay what it is"


@given(ANYTHING | NASTY, st.integers(1, 10_000))
@example("a" * 300 + ".txt", 10)
@example("x.part", 2)
def test_numbered_names_are_safe_and_distinct(text, number):
    """The number must not push a name over the limit, nor be what is cut off."""
    name = safe_name(text)
    other = numbered(name, number)
    assert safe_name(other) == other
    assert (other == name) == (number == 1)
    assert same(other) != same(numbered(name, number + 1))


@given(ANYTHING | NASTY)
@example('attachment; filename="' + '\\"' * 10_000)
@example("attachment; filename*=UTF-8''%2e%2e%2fetc%2fpasswd")
@example("attachment; filename*=utf-16''%00")
def test_no_header_breaks_the_reading(text):
    """A header is a stranger's text: none may raise, or give what is not safe."""
    for header in (text, f'attachment; filename="{text}"', f"x; filename*=UTF-8''{text}"):
        name = from_disposition(header)
        assert name is None or (name == safe_name(name) and name != NAMELESS)
    assert from_url(text) == safe_name(from_url(text))


@pytest.mark.parametrize(
    ("header", "name"),
    [
        (None, None),
        ("", None),
        ("attachment", None),
        ("attachment; filename=plain.txt", "plain.txt"),
        ('attachment; filename="a b.txt"; size=3', "a b.txt"),
        ('ATTACHMENT;FileName = "a;b=c.txt"', "a;b=c.txt"),
        (r'attachment; filename="say \"hi\".txt"', "say _hi_.txt"),
        ("attachment; filename=x.txt; filename*=UTF-8''%e2%82%ac%20rates.txt", "€ rates.txt"),
        ("attachment; filename*=iso-8859-1'en'%A3.txt; filename=x.txt", "£.txt"),
        ("attachment; filename*=UTF-8''%ff%fe; filename=x.txt", "x.txt"),
        ("attachment; filename*=nonsense; filename=x.txt", "x.txt"),
        ("filename=no-type.txt", "no-type.txt"),
        ('attachment; filename="../../etc/passwd"', "passwd"),
        ('attachment; filename="/etc/passwd"', "passwd"),
        ("attachment; filename=..", None),
        ('attachment; filename="C:/Windows/system.ini"', "system.ini"),
        ('attachment; filename=".bashrc"', "_bashrc"),
        ('attachment; filename="nul.txt"', "_nul.txt"),
        ('attachment; name="filename=x"; other="; filename=y"', None),
        ("attachment; filename=" + "é.txt".encode().decode("latin-1"), "é.txt"),
    ],
)
def test_content_disposition(header, name):
    """RFC 6266's examples and what servers send instead of them."""
    assert from_disposition(header) == name


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("http://h/a/b.tar.gz?x=/y.zip#/z", "b.tar.gz"),
        ("http://h/a%20b%2Fc.txt", "c.txt"),
        ("http://h/..%2f..%2fetc%2fpasswd", "passwd"),
        ("http://h/%2e%2e", NAMELESS),
        ("http://h/a/", NAMELESS),
        ("http://h", NAMELESS),
        ("http://[broken", NAMELESS),
        ("http://h/%ff%fe.bin", "��.bin"),
        ("http://h/x.PART", "x_PART"),
    ],
)
def test_urls(url, name):
    """Without a name from the server, the URL's last segment is what curl and wget take too."""
    assert from_url(url) == name


@pytest.mark.parametrize(
    ("name", "second"),
    [
        ("a.txt", "a (2).txt"),
        ("a.tar.gz", "a (2).tar.gz"),
        ("noext", "noext (2)"),
        ("v1.2 final version of it", "v1.2 final version of it (2)"),
        ("a" * 300 + ".jpeg", "a" * (LONGEST - 9) + " (2).jpeg"),
    ],
)
def test_the_number_goes_before_the_suffix(name, second):
    """Behind it, the file would open in no program."""
    assert numbered(safe_name(name), 2) == second


def test_names_that_are_one_file_on_some_systems():
    """On macOS and Windows one of the two would overwrite the other."""
    assert same("A.TXT") == same("a.txt")
    assert same("e\u0301") == same("é")
    assert same("a.txt") != same("b.txt")
