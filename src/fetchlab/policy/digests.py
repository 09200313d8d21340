"""Which digests a file must have: the user's, and what the server promised.

The server's come from ``Repr-Digest`` and ``Content-Digest`` (RFC 9530) and from the older ``Digest``
(RFC 3230). Of each header the strongest algorithm known here is used; what cannot be read is ignored, as
a server's mistake in a header is no reason to throw a file away.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fetchlab.errors import ConfigError
from fetchlab.policy.resume import field

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Digest", "promised"]

_SIZES = {"sha512": 64, "sha384": 48, "sha256": 32, "sha1": 20, "md5": 16}
_NAMES = {"sha-512": "sha512", "sha-256": "sha256", "sha": "sha1", "md5": "md5"}
_STRONGEST = list(_SIZES)
_MEMBER = re.compile(r"([\w-]+)=:?([A-Za-z0-9+/]+={0,2}):?(?=\s*(?:[,;]|$))")


@dataclass(frozen=True, slots=True)
class Digest:
    """A digest that a file must have.

    Attributes:
        algorithm: its name in hashlib.
        value: the digest.
        source: who said so, for the message.
    """

    algorithm: str
    value: bytes
    source: str

    @classmethod
    def of(cls, text: object) -> Digest:
        """Return the digest that a user wrote: ``sha256:`` and hex digits.

        Raises:
            ConfigError: it is none.
        """
        algorithm, colon, digits = text.partition(":") if isinstance(text, str) else ("", "", "")
        size = _SIZES.get(algorithm.lower())
        try:
            value = bytes.fromhex(digits)
        except ValueError:
            value = b""
        if not colon or size is None or len(value) != size:
            raise ConfigError("digest", f"is 'sha256:' and 64 hex digits, not {text!r}")
        return cls(algorithm.lower(), value, "digest=")

    def new(self) -> hashlib._Hash:
        """Return an empty hash of the algorithm."""
        return hashlib.new(self.algorithm, usedforsecurity=False)

    def __str__(self) -> str:
        return f"{self.algorithm}:{self.value.hex()}"


def promised(status: int, headers: Mapping[str, str]) -> list[Digest]:
    """Return the digests that a response promises for the whole file.

    Args:
        status: ``Content-Digest`` is that of the response's own body: in a 206, of a part.
        headers: the response's headers.
    """
    names = ["Repr-Digest", "Digest"] + (["Content-Digest"] if status == 200 else [])
    found = [_strongest(name, field(headers, name.lower()) or "") for name in names]
    return [digest for digest in found if digest is not None]


def _strongest(name: str, value: str) -> Digest | None:
    known = [
        Digest(algorithm, decoded, name)
        for label, text in _MEMBER.findall(value)
        if (algorithm := _NAMES.get(label.lower())) is not None
        and len(decoded := _decoded(text)) == _SIZES[algorithm]
    ]
    return min(known, key=lambda digest: _STRONGEST.index(digest.algorithm), default=None)


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error:
        return b""
