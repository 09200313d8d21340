"""Servers for what the testbed does not speak: TLS with a test authority, robots.txt, a proxy."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import trustme

import fetchlab as fl


@pytest.fixture(params=["reqwest", "httpx"])
def kind(request):
    """The two wires."""
    return request.param


@pytest.fixture
def client_of(kind):
    """``client_of(**knobs)`` makes a client on each wire and closes it at the end."""
    made = []

    def make(**knobs):
        made.append(fl.Client(kind, **knobs))
        return made[-1]

    yield make
    for client in made:
        client.close()


class Authority:
    """A test certificate authority, its files on disk."""

    def __init__(self, folder):
        self._ca = trustme.CA()
        self._folder = folder
        self._count = 0
        self.bundle = folder / "authority.pem"
        self._ca.cert_pem.write_to_path(self.bundle)

    def issue(self, *names, **details):
        """Return the path of a PEM file with key and certificate for these names."""
        self._count += 1
        path = self._folder / f"{self._count}.pem"
        self._ca.issue_cert(*names, **details).private_key_and_cert_chain_pem.write_to_path(path)
        return path

    def issue_apart(self, *names):
        """Return the paths of certificate and key, in two files."""
        self._count += 1
        made = self._ca.issue_cert(*names)
        cert, key = self._folder / f"{self._count}.crt", self._folder / f"{self._count}.key"
        made.cert_chain_pems[0].write_to_path(cert)
        made.private_key_pem.write_to_path(key)
        return cert, key


@pytest.fixture(scope="session")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def tls(authority):
    """``tls(cert=None, clients=None)`` starts a TLS server (HTTP/1.1 and HTTP/2) and gives its URL."""
    processes = []

    def start(cert=None, clients=None):
        listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        os.set_inheritable(listener.fileno(), True)
        command = [sys.executable, str(Path(__file__).with_name("tls_server.py")), str(listener.fileno())]
        command += [str(cert or authority.issue("127.0.0.1")), str(clients or "")]
        processes.append(subprocess.Popen(command, pass_fds=[listener.fileno()]))
        port = listener.getsockname()[1]
        listener.close()  # the child has it, and connections wait in its queue until it serves
        return f"https://127.0.0.1:{port}"

    yield start
    for process in processes:
        process.kill()
    for process in processes:
        process.wait()


class _Server(ThreadingHTTPServer):
    request_queue_size = 512


class Site:
    """A plain HTTP server whose pages a test sets: path → (status, headers, body)."""

    def __init__(self, address="127.0.0.1"):
        self.pages = {}
        self.seen = []
        self.hold = threading.Event()
        self.hold.set()
        self.arrived = threading.Event()
        site = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                site.seen.append((self.path, dict(self.headers)))
                site.arrived.set()
                site.hold.wait(30)
                status, headers, body = site.pages.get(self.path, (200, {}, b"page"))
                self.send_response(status)
                for name, value in ({"Content-Length": str(len(body))} | headers).items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = _Server((address, 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    def asked(self, path):
        """How often a path was asked for."""
        return sum(seen == path for seen, _ in self.seen)


@pytest.fixture
def site():
    made = Site()
    yield made
    made.hold.set()
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture
def site_everywhere():
    """One that answers on every loopback address, so that it is many hosts."""
    made = Site("0.0.0.0")
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture
def other_site():
    made = Site()
    yield made
    made.server.shutdown()
    made.server.server_close()


class Proxy:
    """A forward proxy that counts: ``CONNECT`` tunnels and plain requests."""

    def __init__(self, answer=None):
        self.lines, self.authorizations, self.connections = [], [], 0
        self._answer = answer
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self):
        self._listener.close()

    def _accept(self):
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self.connections += 1
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        with suppress(OSError), connection:
            head = b""
            while b"\r\n\r\n" not in head:
                if not (part := connection.recv(65_536)):
                    return
                head += part
            line, *fields = head.split(b"\r\n")
            self.lines.append(line.decode())
            values = dict(
                field.lower().split(b": ", 1) for field in head.split(b"\r\n")[1:] if b": " in field
            )
            self.authorizations.append(_plain(fields, values))
            if self._answer:
                connection.sendall(self._answer)
                return
            method, target, version = line.split()
            if method == b"CONNECT":
                name, _, port = target.decode().rpartition(":")
                with socket.create_connection((name, int(port))) as upstream:
                    connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
                    _relay(connection, upstream)
                return
            authority, _, path = target.removeprefix(b"http://").partition(b"/")
            name, _, port = authority.decode().partition(":")
            kept = [field for field in fields if not field.lower().startswith((b"connection:", b"proxy-"))]
            with socket.create_connection((name, int(port or 80))) as upstream:
                upstream.sendall(
                    b"\r\n".join([b" ".join([method, b"/" + path, version]), b"Connection: close", *kept])
                )
                while part := upstream.recv(65_536):
                    connection.sendall(part)


def _plain(fields, values):
    """The proxy's credentials as they were sent, None without."""
    if b"proxy-authorization" not in values:
        return None
    return next(
        f.split(b": ", 1)[1].decode() for f in fields if f.lower().startswith(b"proxy-authorization:")
    )


def _relay(one, other):
    def pump(source, sink):
        with suppress(OSError):
            while part := source.recv(65_536):
                sink.sendall(part)
            sink.shutdown(socket.SHUT_WR)

    thread = threading.Thread(target=pump, args=(other, one), daemon=True)
    thread.start()
    pump(one, other)
    thread.join(30)


@pytest.fixture
def proxy():
    """A counting proxy; ``proxy(answer)`` makes one that only ever answers that."""
    made = []

    def start(answer=None):
        made.append(Proxy(answer))
        return made[-1]

    yield start
    for one in made:
        one.close()


def sent_headers(value):
    """Header names and values that an echo wire saw, of a body or a parsed value."""
    seen = json.loads(value) if isinstance(value, bytes) else value
    return {name.lower(): text for name, text in seen["headers"].items()}
