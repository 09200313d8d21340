"""The server process: claims its ports, says so, serves until its parent's pipe closes."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import os
import signal
import sys
import threading
from email.utils import formatdate
from typing import TYPE_CHECKING, Any

from uvicorn.config import Config
from uvicorn.server import ServerState

from fetchlab.errors import TestbedError
from fetchlab.testbed.alarm import Alarm
from fetchlab.testbed.app import App
from fetchlab.testbed.control import ControlWire
from fetchlab.testbed.ports import BACKLOG, claim
from fetchlab.testbed.protocol import Connection
from fetchlab.testbed.registry import CONTROL, WIRES, World, load
from fetchlab.testbed.settings import Settings

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

__all__ = ["main"]

_KEEP_ALIVE = 3600
_FILES = 65_536


def main() -> None:
    """Serve as the first line of standard input asks, until there is no more input."""
    if hasattr(signal, "SIGINT"):
        # An interrupted cell must not take the server with it; the parent decides.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    _raise_file_limit()
    order = json.loads(sys.stdin.buffer.readline())
    try:
        port, sockets = claim(order["port"], strict=order["strict"])
    except TestbedError as wrong:
        _say({"error": str(wrong)})
        return
    threading.Thread(target=_end_with_parent, daemon=True).start()
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(_serve(World(order["seed"], port), order, sockets))


async def _serve(world: World, order: dict[str, Any], sockets: dict[str, socket.socket]) -> None:
    alarm = Alarm(asyncio.get_running_loop())
    apps = {}
    for name in WIRES:
        settings = Settings().replace(**order["settings"][name])
        apps[name] = App(load(name)(name, world), settings, alarm)
    control = App(ControlWire(world, order["token"], apps), Settings(), alarm)
    states = []
    listeners = []
    for name, app in {**apps, CONTROL: control}.items():
        config = Config(
            app,
            interface="asgi3",
            lifespan="off",
            ws="none",
            log_config=None,
            log_level="warning",
            access_log=False,
            proxy_headers=False,
            server_header=False,
            timeout_keep_alive=_KEEP_ALIVE,
        )
        config.load()
        state = ServerState()
        states.append(state)
        listeners.append(await _listen(config, state, sockets[name]))
    gc.collect()
    gc.freeze()
    # Collecting young objects while a thousand requests are in flight costs a sixth of the throughput.
    gc.set_threshold(50_000, 20, 50)
    _say({"port": world.port})
    parent = os.getppid()
    while os.getppid() == parent:
        date = [(b"date", formatdate(usegmt=True).encode())]
        for state in states:
            state.default_headers = date
        await asyncio.sleep(1)


async def _listen(config: Config, state: ServerState, sock: socket.socket) -> asyncio.Server:
    def connected() -> Connection:
        return Connection(config=config, server_state=state, app_state={})

    return await asyncio.get_running_loop().create_server(connected, sock=sock, backlog=BACKLOG)


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop
    except ImportError:
        return None
    made: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return made


def _end_with_parent() -> None:
    # The pipe closes when the parent stops us and when it dies, however it dies. Nothing here needs saving.
    while sys.stdin.buffer.read(4096):
        pass
    os._exit(0)


def _say(message: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


def _raise_file_limit() -> None:
    with contextlib.suppress(ImportError, OSError, ValueError):
        import resource

        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        wanted = _FILES if hard == resource.RLIM_INFINITY else min(hard, _FILES)
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
