"""A small body behind a fast server: nginx where it is installed, else the testbed."""

from __future__ import annotations

import json
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from fetchlab.bench import nginx
from fetchlab.testbed import serve

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["SIZE", "Target", "facts", "notes", "target"]

SIZE = 11_264
"""11 KB: a page of an API."""
NO_NGINX = (
    "There is no nginx (apt-get install nginx-light): the testbed serves, and may itself be the limit, so "
    "ratios between clients come out too small."
)


@dataclass(frozen=True, slots=True)
class Target:
    """What is asked for.

    Attributes:
        url: of the body, the same for every query string.
        server: ``nginx`` or ``testbed``.
        json: the body is JSON.
        note: what the reader of a table must know, empty if nothing.
    """

    url: str
    server: str
    json: bool
    note: str

    def urls(self, count: int) -> list[str]:
        """So many different URLs of it."""
        return [f"{self.url}?n={number}" for number in range(count)]


@contextmanager
def target(size: int = SIZE) -> Iterator[Target]:
    """Serve a body of so many bytes, JSON from nginx, over connections that stay open."""
    if nginx.find() is None:
        with serve(port=0) as bed:
            yield Target(f"{bed.urls['echo']}/bytes/{size}", "testbed", json=False, note=NO_NGINX)
        return
    with tempfile.TemporaryDirectory(prefix="fetchlab-bench-") as folder:
        (Path(folder) / "body.json").write_bytes(body(size))
        with nginx.serve(folder) as base:
            yield Target(f"{base}/body.json", "nginx", json=True, note="")


def body(size: int) -> bytes:
    """JSON of exactly so many bytes (2 or more): a list of rows such as an API gives, blanks at its end."""
    row = {"id": 1234567, "title": "The Same Film Again", "year": 1999, "rating": 7.1, "seen": True}
    count = max(0, (size - 2) // (len(json.dumps(row)) + 2))
    return json.dumps([row] * count).encode().ljust(size)


def facts() -> dict[str, str]:
    """Say which server :func:`target` will start."""
    return {"server": "testbed" if nginx.find() is None else "nginx"}


def notes(body: str) -> list[str]:
    """Say who serves, and what that means for ratios."""
    return [f"{facts()['server']} serves {body}. {NO_NGINX if nginx.find() is None else ''}".rstrip()]
