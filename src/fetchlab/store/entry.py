"""What the cache holds under a key: a response, or a value of the user's."""

from __future__ import annotations

import hashlib
import zlib
from typing import TYPE_CHECKING, Any

from fetchlab.model import Response
from fetchlab.store import values
from fetchlab.store.responses import head_of, read_head, response_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fetchlab.store.responses import Head

__all__ = ["Entry", "id_of", "spelt"]

RESPONSE = "response"
OVERHEAD = 200
"""Bytes that a row takes beside its key, head and body, about."""


def id_of(key: str) -> int:
    """Return the number under which a key is stored: 63 bits of its BLAKE2b digest."""
    return (
        int.from_bytes(hashlib.blake2b(key.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big")
        >> 1
    )


def spelt(key: str) -> str:
    """Return a key as a file can hold it: half a character, as JSON has some, is written out."""
    return key if key.isascii() else key.encode("utf-8", "backslashreplace").decode()


class Entry:
    """What is stored under a key. Times are seconds since the epoch.

    Attributes:
        key: secrets masked.
        kind: ``"response"``, or the kind of a value (:mod:`~fetchlab.store.values`).
        head: status, headers and the rest of a response as JSON; None for a value.
        body: the response's body, or the value as bytes.
        stored: when it was stored or last found unchanged.
        expires: until when it is good, None for ever.
        seconds: what it took to get.
    """

    __slots__ = ("_head", "body", "expires", "head", "key", "kind", "seconds", "stored")

    def __init__(
        self,
        key: str,
        kind: str,
        head: bytes | None,
        body: bytes,
        *,
        stored: float,
        expires: float | None,
        seconds: float,
    ) -> None:
        self.key = key
        self.kind = kind
        self.head = head
        self.body = body
        self.stored = stored
        self.expires = expires
        self.seconds = seconds
        self._head: Head | None = None

    @classmethod
    def of_response(
        cls, key: str, response: Response, *, stored: float, expires: float | None, seconds: float
    ) -> Entry:
        """Return the entry of a response; its secret headers are masked."""
        head = head_of(response)
        return cls(key, RESPONSE, head, response.content, stored=stored, expires=expires, seconds=seconds)

    @classmethod
    def of_value(cls, key: str, value: Any, *, stored: float, expires: float | None, seconds: float) -> Entry:
        """Return the entry of a value.

        Raises:
            StoreError: it is nothing that can be stored.
        """
        if isinstance(value, Response):
            return cls.of_response(key, value, stored=stored, expires=expires, seconds=seconds)
        kind, body = values.encode(value)
        return cls(key, kind, None, body, stored=stored, expires=expires, seconds=seconds)

    @property
    def size(self) -> int:
        """Bytes it takes, about."""
        return len(self.body) + len(self.head or b"") + len(self.key) + OVERHEAD

    def checksums(self) -> tuple[int, int]:
        """Return the CRC-32 of the body, and of body and head: SQLite itself does not see a flipped bit."""
        body = zlib.crc32(self.body)
        return body, zlib.crc32(self.head or b"", body)

    @property
    def headers(self) -> Mapping[str, str]:
        """A response's headers by their names in lower case; none for a value."""
        return dict(self._read().headers) if self.head else {}

    @property
    def status(self) -> int | None:
        """A response's status; None for a value."""
        return self._read().status if self.head else None

    def response(self) -> Response:
        """Return the response."""
        return response_of(self._read(), self.body)

    def value(self) -> Any:
        """Return the value, a response for a response.

        Raises:
            StoreError: its bytes are damaged.
        """
        return self.response() if self.kind == RESPONSE else values.decode(self.kind, self.body)

    def renewed(self, stored: float, expires: float | None) -> Entry:
        """Return the same with another time."""
        return Entry(
            self.key, self.kind, self.head, self.body, stored=stored, expires=expires, seconds=self.seconds
        )

    def _read(self) -> Head:
        if self._head is None:
            self._head = read_head(self.head or b"")
        return self._head
