"""``batchexecute``: several rpcs in a form field, their answers as rows in one of two framings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote

import msgspec

from fetchlab.errors import ParseError, RateLimited, Retriable, StudyError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fetchlab.model import Response

__all__ = ["CALL", "Row", "body_of", "payload_of", "refused_softly", "rows_of", "sorted_out"]

CALL = "/_/PlayStoreUi/data/batchexecute"
GUARD = b")]}'"
"""What keeps the answer from being run as a script."""
SOFT_LIMIT = b"com.google.play.gateway.proto.PlayGatewayError"
ROW = "wrb.fr"


class Row(NamedTuple):
    """An rpc's answer.

    Attributes:
        name: the rpc's id.
        payload: JSON as text; None if it is empty.
        error: what the service says instead, None if nothing.
        tag: what the rpc was tagged with.
    """

    name: str
    payload: str | None
    error: Any
    tag: Any


def body_of(name: str, arguments: Sequence[Any]) -> bytes:
    """Return the form body of a call with an rpc for each of some arguments, tagged by their places."""
    encode = msgspec.json.encode
    one = len(arguments) == 1
    calls = [
        [name, encode(given).decode(), None, "generic" if one else str(place + 1)]
        for place, given in enumerate(arguments)
    ]
    return b"f.req=" + quote(encode([calls])).encode()


def rows_of(response: Response) -> list[Row]:
    """Return the rows of an answer, however it is framed.

    Raises:
        ParseError: it is no such answer; retriable, since the service answers nothing else.
        RateLimited: all of it is the service's soft limit; tried again.
    """
    content = response.content.lstrip()
    if not content.startswith(GUARD):
        if SOFT_LIMIT in content:
            raise refused_softly()
        raise ParseError(_strange(response), retriable=True)
    rest = content[len(GUARD) :].lstrip()
    try:
        documents = (
            [msgspec.json.decode(line) for line in rest.splitlines() if line.startswith(b"[")]
            if rest[:1].isdigit()
            else [msgspec.json.decode(rest)]
        )
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ParseError(f"{_strange(response)}: {error}", retriable=True) from None
    return [
        _row(row) for document in documents if isinstance(document, list) for row in document if _is_row(row)
    ]


def sorted_out(rows: list[Row], name: str, count: int) -> list[Row | None]:
    """Return the row of each of a call's rpcs: by tag, or by place where all carry the same one.

    An rpc without a row has None.
    """
    mine = [row for row in rows if row.name == name]
    by_tag = {row.tag: row for row in mine}
    tags = [str(place + 1) for place in range(count)]
    if count > 1 and by_tag.keys() & set(tags):
        return [by_tag.get(tag) for tag in tags]
    if len(mine) == count:
        return list(mine)
    return [None] * count


def payload_of(row: Row | None) -> Any:
    """Return an rpc's payload; None if it is empty.

    Raises:
        RateLimited: it is the service's soft limit; tried again.
        StudyError: the service refused the rpc.
        ParseError: the answer has no row for it, or one that is not JSON; tried again.
    """
    if row is None:
        raise ParseError("the answer has no row for this rpc", retriable=True)
    if row.error is not None and row.payload is None:
        if SOFT_LIMIT in msgspec.json.encode(row.error):
            raise refused_softly()
        code = row.error[0] if isinstance(row.error, list) and row.error else row.error
        raise StudyError(f"the service refused the rpc {row.name} with code {code}")
    if row.payload is None:
        return None
    try:
        return msgspec.json.decode(row.payload)
    except (msgspec.DecodeError, RecursionError) as error:
        raise ParseError(f"the payload of {row.name} is not JSON: {error}", retriable=True) from None


def refused_softly() -> RateLimited:
    """Return the error for the soft limit: status 200, and the service's own error instead of an answer."""
    error = RateLimited("the service answered with its soft limit (PlayGatewayError)")
    error.__cause__ = Retriable()
    return error


def _is_row(row: Any) -> bool:
    return isinstance(row, list) and len(row) >= 3 and row[0] == ROW and isinstance(row[1], str)


def _row(row: list[Any]) -> Row:
    more = row[3:]
    payload = row[2] if isinstance(row[2], str) else None
    return Row(row[1], payload, more[2] if len(more) > 2 else None, more[3] if len(more) > 3 else None)


def _strange(response: Response) -> str:
    kind = response.headers.get("content-type") or "no content type"
    return f"the body is no answer to a call ({kind}, {len(response.content):,} bytes)"
