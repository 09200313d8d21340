"""A Redis or Valkey server for a while: what machines share a cache by, to measure and to test against.

A process of its own on a free port of the loopback, which keeps everything in memory and writes nothing
outside a temporary folder. As a module, ``python -m fetchlab.bench.redis_server``, it says which server there
is, and installs one where there is none and something to install it with.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Self

from fetchlab.errors import ConfigError, TestbedError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["HINT", "RedisServer", "find", "install"]

VARIABLE = "FETCHLAB_REDIS_SERVER"
NAMES = ("valkey-server", "redis-server")
HINT = "no Redis or Valkey server; on Debian: apt-get install redis-server"
START_SECONDS = 10.0
QUIET = ("--save", "", "--appendonly", "no", "--daemonize", "no", "--loglevel", "warning")
ADDRESSES = ("127.0.0.1", "127.0.0.2")


def find() -> str | None:
    """Return the server to start: ``FETCHLAB_REDIS_SERVER``, else one on PATH; None where there is none."""
    named = os.environ.get(VARIABLE)
    return named or next(filter(None, map(shutil.which, NAMES)), None)


def install(say: Callable[[str], None]) -> str | None:
    """Install a server by the system's packages; return it, None if that did not work."""
    tries: list[list[str]] = []
    environment = dict(os.environ)
    if shutil.which("apt-get"):
        apt = ["apt-get", "-o", "DPkg::Lock::Timeout=300"]  # another installation may be under way
        tries = [[*apt, "update"], [*apt, "install", "-y", "--no-install-recommends", "redis-server"]]
        environment |= {"DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}  # no service is to be started
    elif shutil.which("dnf"):
        tries = [["dnf", "install", "-y", "valkey"]]
    elif shutil.which("brew"):
        tries = [["brew", "install", "valkey"]]
    for command in tries:
        say("  " + " ".join(command))
        done = subprocess.run(  # noqa: S603  # fixed words
            command, check=False, capture_output=True, text=True, env=environment
        )
        if done.returncode != 0:
            last = (done.stderr or done.stdout).strip().splitlines()[-1:]
            say(f"    failed: {' '.join(last) or f'exit code {done.returncode}'}")
        elif (found := find()) is not None:
            return found
    return find()


class RedisServer:
    """A server that is started, stopped and started again, on the same port; it forgets all in between.

    Args:
        folder: for what it says; a temporary one unless told.
        options: further words of its command line.

    Attributes:
        port: where it listens, on 127.0.0.1 and where there is such an address on 127.0.0.2.

    Raises:
        ConfigError: none is installed.
        TestbedError: it did not start.
    """

    def __init__(self, folder: str | Path | None = None, *options: str) -> None:
        found = find()
        if found is None:
            raise ConfigError("redis", HINT)
        self._program = found
        self._options = options
        self._own = tempfile.TemporaryDirectory(prefix="fetchlab-redis-") if folder is None else None
        self._folder = Path(self._own.name if self._own is not None else str(folder))
        self._process: subprocess.Popen[bytes] | None = None
        self.addresses = [address for address in ADDRESSES if _is_ours(address)]
        with socket.create_server(("127.0.0.1", 0)) as listener:
            self.port: int = listener.getsockname()[1]
        self.start()

    def url(self, database: int = 0, host: str = "127.0.0.1") -> str:
        """Return the URL of one of its databases."""
        return f"redis://{host}:{self.port}/{database}"

    def start(self) -> None:
        """Start it, and wait until it answers.

        Raises:
            TestbedError: it does not.
        """
        where = ["--port", str(self.port), "--bind", *self.addresses, "--dir", str(self._folder)]
        with (self._folder / "redis.log").open("ab") as told:
            self._process = subprocess.Popen(  # noqa: S603  # our own words
                [self._program, *where, *QUIET, *self._options],
                stdin=subprocess.DEVNULL,
                stdout=told,
                stderr=told,
            )
        deadline = time.monotonic() + START_SECONDS
        while self._process.poll() is None and time.monotonic() < deadline:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1.0).close()
            except OSError:
                time.sleep(0.01)
            else:
                return
        self.kill()
        said = (self._folder / "redis.log").read_text(encoding="utf-8", errors="replace").strip()
        raise TestbedError(f"{self._program} did not start: {said[-500:] or 'it did not answer'}")

    def stop(self) -> None:
        """Stop it."""
        self._end(subprocess.Popen.terminate)
        if self._own is not None:
            self._own.cleanup()

    def kill(self) -> None:
        """Kill it, as a power cut would."""
        self._end(subprocess.Popen.kill)

    def hang(self) -> None:
        """Have it answer nothing for a while, as behind a network that has gone away."""
        self._signal("SIGSTOP")

    def go_on(self) -> None:
        """Have it answer again."""
        self._signal("SIGCONT")

    def _signal(self, name: str) -> None:
        if self._process is not None:
            self._process.send_signal(getattr(signal, name))

    def _end(self, how: Callable[[subprocess.Popen[bytes]], None]) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.send_signal(getattr(signal, "SIGCONT", 0))
            how(process)
            process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def _is_ours(address: str) -> bool:
    """Say whether this machine has an address; macOS has one loopback unless told."""
    try:
        socket.create_server((address, 0)).close()
    except OSError:
        return False
    return True


def _main() -> None:
    found = find()
    if found is None:
        print("No Redis or Valkey server found: installing one …")  # noqa: T201  # a command of the Makefile
        found = install(print)
    print(f"Server for shared caches: {found}" if found else f"There is {HINT}; its tests are skipped.")  # noqa: T201
    sys.exit(found is None)


if __name__ == "__main__":
    _main()
