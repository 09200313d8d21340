"""A plain client: the standard library's, so that nothing is retried, followed or repaired."""

from __future__ import annotations

import http.client
import json
import socket
import time
from typing import NamedTuple
from urllib.parse import urlsplit


class Answer(NamedTuple):
    status: int
    headers: dict
    body: bytes

    @property
    def json(self):
        return json.loads(self.body)


def ask(base, path, method="GET", body=None, headers=None, read=None, patience=30):
    line = http.client.HTTPConnection(urlsplit(base).netloc, timeout=patience)
    try:
        line.request(method, path, body, headers or {})
        response = line.getresponse()
        content = response.read(read)
        names = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, names, content)
    finally:
        line.close()


def dial(base, path):
    """A connection on which the request has been sent and nothing read."""
    host, port = urlsplit(base).netloc.split(":")
    line = socket.create_connection((host, int(port)), timeout=30)
    line.sendall(f"GET {path} HTTP/1.1\r\nhost: {host}\r\n\r\n".encode())
    return line


def until(condition, seconds=20.0):
    """Poll for an event that another process brings about; fail if it never comes."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "the event did not happen"
        time.sleep(0.005)
