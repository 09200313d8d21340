"""The files of the timeline's site: one document for every address, one program, one style sheet."""

from __future__ import annotations

from functools import cache
from hashlib import blake2b
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["FILES", "document", "static"]

FILES = "/responsive-web/client-web"
"""Where the wire ``media`` serves program and style, as services have them on another host."""
_PARTS = ("elements", "wire", "text", "media", "post", "rows", "cells", "views", "site")
"""The program's parts, in the order in which they build on each other."""


@cache
def static() -> dict[str, tuple[bytes, str]]:
    """Bytes and content type by file name; a name changes with what is in the file."""
    joined = "\n".join(_read(f"{part}.js") for part in _PARTS)
    program = f'"use strict";\n(() => {{\n{joined}}})();\n'.encode()
    style = _read("style.css").encode()
    return {
        f"main.{_digest(program)}.js": (program, "text/javascript; charset=utf-8"),
        f"main.{_digest(style)}.css": (style, "text/css; charset=utf-8"),
    }


def document(media: str, state: Mapping[str, Any]) -> bytes:
    """The page that is served whatever is asked for.

    Args:
        media: base URL of the wire that serves program and style.
        state: what the program is told.
    """
    program, style = (f"{media}{FILES}/{name}" for name in static())
    # Inside a script element a "<" could end it.
    told = msgspec.json.encode(state).decode().replace("<", "\\u003c")
    page = _read("page.html")
    for name, value in (("program", program), ("style", style), ("state", told)):
        page = page.replace(f"{{{name}}}", value)
    return page.encode()


def _read(name: str) -> str:
    return (files("fetchlab.testbed") / "site" / name).read_text(encoding="utf-8")


def _digest(body: bytes) -> str:
    return blake2b(body, digest_size=4).hexdigest()
