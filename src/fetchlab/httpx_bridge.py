"""The one place that imports httpx: its requests come in, its responses go out.

httpx is the vocabulary many users already speak. Importing it costs more than the whole of fetchlab, so
nothing here happens before somebody asks for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import httpx

    from fetchlab.model import Request, Response

__all__ = ["is_async_client", "is_request", "library", "response_to_httpx"]


def library() -> Any:
    """Return the httpx module, imported now."""
    import httpx

    return httpx


def is_request(item: Any) -> bool:
    """Say whether an item has the interface of ``httpx.Request`` (its forks included)."""
    return (
        hasattr(item, "method")
        and hasattr(item, "url")
        and hasattr(item, "headers")
        and hasattr(item, "read")
    )


def is_async_client(client: Any) -> bool:
    """Say whether an object has the interface of ``httpx.AsyncClient`` (its forks included)."""
    return all(callable(getattr(client, name, None)) for name in ("build_request", "send", "aclose"))


def response_to_httpx(response: Response, request: Request | None = None) -> httpx.Response:
    """Return the response as an ``httpx.Response``, body read and decoded.

    Headers that describe the wire's encoding are left out: the content is decoded already.
    """
    module = library()
    wire = {"content-encoding", "transfer-encoding", "content-length"}
    headers = [(name, value) for name, value in response.headers.items() if name.lower() not in wire]
    method = request.method if request else "GET"
    made: httpx.Response = module.Response(
        response.status,
        headers=headers,
        content=response.content,
        request=module.Request(method, response.url),
        extensions={"http_version": response.http_version.encode()},
    )
    return made
