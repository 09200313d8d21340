"""What many folders need: one real server, and sockets that misbehave."""

from __future__ import annotations

import gc
import os
import socket
import struct
import threading
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import settings

from fetchlab.bench import redis_server
from fetchlab.store import shared_at
from fetchlab.testbed import serve

settings.register_profile("fetchlab", deadline=None, derandomize=True)
settings.load_profile("fetchlab")


LONG = (
    "notebooks/",
    "notebook/test_jupyterlab.py",
    "transport/test_pages.py",
    "studies/timeline/",
    "browser/",
    "bench/",
    "notebook/",
    "docs/",
    "cli/",
)
"""Folders and files with few long tests: begun first, so that no core waits for another at the end."""


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config):
    """Two processes more than cores: most tests wait for servers, kernels and browsers."""
    del config
    return (os.cpu_count() or 1) + 2


def pytest_collection_modifyitems(items):
    """Order tests so that those of LONG come first."""
    home = Path(__file__).parent

    def place(item):
        path = item.path.relative_to(home).as_posix() if item.path.is_relative_to(home) else ""
        return next((rank for rank, start in enumerate(LONG) if path.startswith(start)), len(LONG))

    items.sort(key=place)


def pytest_collection_finish():
    """Leave what is imported and collected by now out of collections: a comparison makes one per arm."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def _bed_process():
    with serve(port=0) as bed:
        yield bed


@pytest.fixture
def bed(_bed_process):
    """The testbed, plain again before every test."""
    _bed_process.configure(profile="flat")
    _bed_process.reset_counters()
    return _bed_process


@pytest.fixture
def echo(bed):
    """The base URL of its echo wire."""
    return bed.urls["echo"]


@pytest.fixture(scope="session")
def _redis_process(tmp_path_factory):
    pytest.importorskip("redis", reason="the client is not installed: pip install 'fetchlab[redis]'")
    if redis_server.find() is None:
        pytest.skip(redis_server.HINT)
    with redis_server.RedisServer(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture
def redis(_redis_process):
    """A real server that machines share a cache by, empty before every test."""
    with client_of(_redis_process) as client:
        client.flushall()
    yield _redis_process
    for shared in list(shared_at._known.values()):
        shared.close()  # or the next test would find in memory what is not there any more


@pytest.fixture
def own_redis(tmp_path_factory):
    """``own_redis(*options)`` starts another one, to be stopped and filled."""
    servers = []
    pytest.importorskip("redis", reason="the client is not installed: pip install 'fetchlab[redis]'")

    def start(*options):
        if redis_server.find() is None:
            pytest.skip(redis_server.HINT)
        servers.append(redis_server.RedisServer(tmp_path_factory.mktemp("redis"), *options))
        return servers[-1]

    yield start
    for server in servers:
        server.stop()


def client_of(server, **options):
    """Return a plain client of a server, to look at what is there."""
    from redis import Redis

    return Redis(port=server.port, **options)


@pytest.fixture
def raw():
    """``raw(reply)`` starts a server and gives its URL: bytes to send before closing, or a function.

    A function gets the connection after the request's head has been read.
    """
    listeners = []

    def start(reply):
        listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        listeners.append(listener)
        threading.Thread(target=_accept, args=(listener, reply), daemon=True).start()
        return f"http://127.0.0.1:{listener.getsockname()[1]}/"

    yield start
    for listener in listeners:
        listener.close()


def _accept(listener, reply):
    with suppress(OSError):
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=_answer, args=(connection, reply), daemon=True).start()


def _answer(connection, reply):
    with suppress(OSError), connection:
        head = b""
        while b"\r\n\r\n" not in head:
            if not (part := connection.recv(65_536)):
                return
            head += part
        if callable(reply):
            reply(connection)
        else:
            connection.sendall(reply)


def reset(connection):
    """Close a connection with RST instead of FIN."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


@pytest.fixture
def refused():
    """A URL on whose port nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    return f"http://127.0.0.1:{port}/"
