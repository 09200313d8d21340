"""A server that answers by script, for what no well-behaved one says; it keeps what it was asked."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress


class Scripted:
    """Answers the n-th request with the n-th answer, the last one again and again.

    An answer is the bytes to send before closing, or a function of the request's headers that returns them.
    """

    def __init__(self, *answers):
        self.answers = list(answers)
        self.asked = []
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}/file.bin"
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._listener.close()

    def _accept(self):
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection):
        with suppress(OSError), connection:
            head = b""
            while b"\r\n\r\n" not in head:
                if not (part := connection.recv(65_536)):
                    return
                head += part
            lines = head.decode("latin-1").partition("\r\n\r\n")[0].split("\r\n")[1:]
            pairs = (line.split(": ", 1) for line in lines)
            self.asked.append({name.lower(): value for name, value in pairs})
            answer = self.answers[min(len(self.asked), len(self.answers)) - 1]
            connection.sendall(answer(self.asked[-1]) if callable(answer) else answer)


def answer(body=b"", status=200, *, length=None, **headers):
    """Bytes of an HTTP answer; ``length`` lies about the body's."""
    size = len(body) if length is None else length
    fields = {name.replace("_", "-"): value for name, value in headers.items()}
    fields |= {"Content-Length": str(size), "Connection": "close"}
    lines = [f"HTTP/1.1 {status} X", *(f"{name}: {value}" for name, value in fields.items())]
    return "\r\n".join([*lines, "", ""]).encode() + body
