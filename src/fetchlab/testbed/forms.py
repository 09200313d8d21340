"""The fields of a request, however its body is encoded: JSON, multipart or URL-encoded."""

from __future__ import annotations

from email.parser import BytesParser
from email.policy import HTTP
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from fetchlab.testbed.paid import body_of

if TYPE_CHECKING:
    from fetchlab.testbed.wire import Request

__all__ = ["fields_of"]


def fields_of(request: Request) -> dict[str, Any] | None:
    """Names and values, of a file its bytes; None where the body is not what its content type says."""
    kind = (request.header(b"content-type") or b"application/json").lower()
    if kind.startswith(b"multipart/form-data"):
        return _multipart(request)
    if kind.startswith(b"application/x-www-form-urlencoded"):
        return dict(parse_qsl(request.body.decode("utf-8", "replace")))
    return body_of(request)


def _multipart(request: Request) -> dict[str, Any] | None:
    kind = request.header(b"content-type") or b""
    message = BytesParser(policy=HTTP).parsebytes(b"content-type: " + kind + b"\r\n\r\n" + request.body)
    if not message.is_multipart():
        return None
    found: dict[str, Any] = {}
    for part in message.iter_parts():
        name = part.get_param("name", header="content-disposition")
        content = part.get_payload(decode=True)
        if isinstance(name, str) and isinstance(content, bytes):
            found[name] = content if part.get_filename() else content.decode("utf-8", "replace")
    return found
