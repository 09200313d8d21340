"""Digests: the user's must be exact, the server's are read as far as they can be."""

from __future__ import annotations

import base64
import hashlib

import pytest

from fetchlab.errors import ConfigError
from fetchlab.policy.digests import Digest, promised

BODY = b"hello"
HEX = hashlib.sha256(BODY).hexdigest()
B64 = base64.b64encode(hashlib.sha256(BODY).digest()).decode()
B512 = base64.b64encode(hashlib.sha512(BODY).digest()).decode()
MD5 = base64.b64encode(hashlib.md5(BODY).digest()).decode()


def test_what_a_user_writes():
    """The common spellings must be understood."""
    assert str(Digest.of(f"sha256:{HEX}")) == f"sha256:{HEX}"
    assert Digest.of(f"SHA256:{HEX.upper()}") == Digest.of(f"sha256:{HEX}")
    assert Digest.of("md5:" + hashlib.md5(BODY).hexdigest()).algorithm == "md5"


@pytest.mark.parametrize(
    "wrong", ["", HEX, "sha256:", "sha256:12", f"sha3:{HEX}", f"sha256:{HEX}zz", 7, b"x", None]
)
def test_what_is_no_digest(wrong):
    """One that is not understood must not pass as checked."""
    with pytest.raises(ConfigError, match="digest"):
        Digest.of(wrong)


@pytest.mark.parametrize(
    ("status", "headers", "found"),
    [
        (200, {}, []),
        (200, {"repr-digest": f"sha-256=:{B64}:"}, ["sha256"]),
        (206, {"repr-digest": f"sha-256=:{B64}:"}, ["sha256"]),
        (200, {"repr-digest": f"unixsum=:AAA=:, sha-256=:{B64}:, sha-512=:{B512}:"}, ["sha512"]),
        (200, {"content-digest": f"sha-256=:{B64}:;note=1"}, ["sha256"]),
        (206, {"content-digest": f"sha-256=:{B64}:"}, []),
        (200, {"digest": f"SHA-256={B64},md5={MD5}"}, ["sha256"]),
        (200, {"digest": f"MD5={MD5}"}, ["md5"]),
        (200, {"repr-digest": "sha-256=:AAAA:"}, []),
        (200, {"repr-digest": "sha-256=nonsense"}, []),
        (200, {"repr-digest": f"sha-256=:{B64}:", "digest": f"md5={MD5}"}, ["sha256", "md5"]),
    ],
)
def test_what_a_server_promises(status, headers, found):
    """RFC 9530's headers and the older one; a header that cannot be read says nothing about the file."""
    digests = promised(status, headers)
    assert [digest.algorithm for digest in digests] == found
    for digest in digests:
        assert digest.value == hashlib.new(digest.algorithm, BODY).digest()
