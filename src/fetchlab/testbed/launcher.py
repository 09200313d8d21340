"""Starting the server as a process of its own, and the handle on it.

Standard library only, so that importing it costs nothing.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import secrets
import subprocess
import sys
import tempfile
import threading
import weakref
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from fetchlab.errors import TestbedError
from fetchlab.testbed.counters import total
from fetchlab.testbed.profiles import settings_of
from fetchlab.testbed.registry import BLOCK, CONTROL, OFFSETS, WIRES, World, load
from fetchlab.testbed.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType
    from typing import Self

__all__ = ["Testbed", "serve"]

_START_SECONDS = 30.0
_STOP_SECONDS = 5.0
_TAIL = 2000


def serve(
    port: int = 8700,
    latency: float | None = None,
    profile: str = "flat",
    seed: int = 0,
    *,
    strict: bool = False,
    **settings: Any,
) -> Testbed:
    """Start a testbed on 127.0.0.1 and wait until it answers.

    Args:
        port: first of a block of 16 ports, one for each wire; 0 takes any free block.
        latency: seconds before the first byte of every answer; None means the profile's, which is 0.0 in
            ``"flat"``.
        profile: one of :data:`fetchlab.testbed.PROFILES`.
        seed: what the data and the faults are made from.
        strict: insist on `port`. Otherwise, if something else listens there, the next free block above
            is taken and :attr:`Testbed.moved` is True.
        **settings: any field of :class:`fetchlab.testbed.Settings`, for all wires.

    Returns:
        The handle on the running server, which is also a context manager. The server ends with
        :meth:`Testbed.stop`, or with this process, however that ends.

    Raises:
        TestbedError: a knob is wrong, the ports are in use, or the server did not start.
    """
    if isinstance(port, bool) or not isinstance(port, int) or not 0 <= port <= 65_536 - BLOCK:
        raise TestbedError(f"port: must be a whole number from 0 to {65_536 - BLOCK}, not {port!r}")
    if isinstance(seed, bool) or not isinstance(seed, int):
        raise TestbedError(f"seed: must be a whole number, not {seed!r}")
    if latency is not None:
        settings["latency"] = latency
    return Testbed(port, strict=strict, seed=seed, settings=settings_of(profile, settings))


class Testbed:
    """A running server. Made by :func:`serve`; usable from any thread.

    Attributes:
        port: the first port of its block.
        moved: whether that is another port than the one asked for.
        seed: what its data are made from.
        urls: base URL by wire.
        pid: the server's process id.
    """

    __test__ = False

    def __init__(self, port: int, *, strict: bool, seed: int, settings: dict[str, Settings]) -> None:
        self._token = secrets.token_hex(16)
        self._stderr = tempfile.TemporaryFile()  # noqa: SIM115 - closed by _end
        self._process = _start(self._stderr)
        self._end = weakref.finalize(self, _end, os.getpid(), self._process, self._stderr)
        order = {
            "port": port,
            "strict": strict,
            "seed": seed,
            "token": self._token,
            "settings": {wire: chosen.as_dict() for wire, chosen in settings.items()},
        }
        self.pid = self._process.pid
        self.seed = seed
        self.port = self._order(order)
        self.moved = port not in (0, self.port)
        self._world = World(seed, self.port)
        self.urls = {wire: self._world.url(wire) for wire in WIRES}
        self._ask("GET", "/ping")

    def configure(self, wire: str | None = None, *, profile: str | None = None, **settings: Any) -> None:
        """Change settings while running.

        What is under way finishes under the settings it began with. Fault histories, bursts and the clocks
        of outages start anew, so that the same requests meet the same faults after each call.

        Args:
            wire: the one to change, None for all.
            profile: begin from this profile instead of from the present settings.
            **settings: any field of :class:`fetchlab.testbed.Settings`.

        Raises:
            TestbedError: a wire, a setting or a value is wrong; the message says which.
        """
        wires = [_known(wire)] if wire is not None else list(WIRES)
        Settings().replace(**settings)
        changes: dict[str, dict[str, Any]] = dict.fromkeys(wires, settings)
        if profile is not None:
            whole = settings_of(profile, settings)
            changes = {name: whole[name].as_dict() for name in wires}
        self._ask("POST", "/configure", changes)

    def settings(self, wire: str) -> Settings:
        """The settings of `wire` at present."""
        return Settings().replace(**self._ask("GET", "/settings")[_known(wire)])

    def counters(self, wire: str | None = None) -> dict[str, Any]:
        """What `wire` has seen since the start or :meth:`reset_counters`; None adds up all wires.

        Returns:
            ``requests``; ``by_route``, such as ``{"GET /bytes/{n}": 3}``; ``in_flight``, arrived and
            unanswered; ``max_in_flight``, over all wires the most that any one held; ``refused``, answered
            with 429 or 503; ``connections``, opened; ``faults`` by kind, a status standing for itself.
        """
        if wire is not None:
            _known(wire)
        seen = self._ask("GET", "/counters")
        counted: dict[str, Any] = seen[wire] if wire is not None else total(list(seen.values()))
        return counted

    def reset_counters(self) -> None:
        """Count anew, on all wires."""
        self._ask("POST", "/reset", {})

    def truth(self, wire: str) -> dict[str, Sequence[dict[str, Any]]]:
        """The data behind `wire`, computed here from the seed; no request is made.

        Returns:
            Kind of thing → the things, each made when it is asked for (``list(…)`` makes them all).
            ``catalogue``: ``movies`` as the details endpoint states them, before any churn. ``play``:
            ``apps``, with prices in dollars.
        """
        return load(_known(wire)).truth(self._world)

    def wait(self) -> None:
        """Block until the server ends, which by itself it does not."""
        self._process.wait()

    def stop(self) -> None:
        """End the server; harmless if it has ended already."""
        self._end()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def __repr__(self) -> str:
        state = "running" if self._end.alive and self._process.poll() is None else "stopped"
        wires = ", ".join(f"{wire} {url}" for wire, url in self.urls.items())
        return f"<Testbed {state}, pid {self.pid}, seed {self.seed}: {wires}>"

    def _order(self, order: dict[str, Any]) -> int:
        out, into = self._process.stdout, self._process.stdin
        assert out is not None
        assert into is not None
        late = threading.Timer(_START_SECONDS, self._process.kill)
        late.daemon = True
        late.start()
        try:
            with contextlib.suppress(BrokenPipeError):
                into.write(json.dumps(order).encode() + b"\n")
                into.flush()
            line = out.readline()
        finally:
            late.cancel()
            out.close()
        answer = json.loads(line) if line else {"error": self._obituary("did not start")}
        if "error" in answer:
            self.stop()
            raise TestbedError(answer["error"])
        return int(answer["port"])

    def _ask(self, method: str, path: str, body: Any = None) -> Any:
        if not self._end.alive:
            raise TestbedError("the testbed has been stopped")
        line = http.client.HTTPConnection("127.0.0.1", self.port + OFFSETS[CONTROL], timeout=_START_SECONDS)
        try:
            content = None if body is None else json.dumps(body).encode()
            line.request(method, path, content, {"X-Testbed-Token": self._token})
            response = line.getresponse()
            answer = json.loads(response.read())
        except (OSError, http.client.HTTPException) as lost:
            raise TestbedError(self._obituary("does not answer")) from lost
        finally:
            line.close()
        if response.status != 200:
            raise TestbedError(answer["error"])
        return answer

    def _obituary(self, what: str) -> str:
        try:
            code = self._process.wait(1.0)
        except subprocess.TimeoutExpired:
            return f"the testbed (pid {self._process.pid}) {what}"
        size = self._stderr.seek(0, os.SEEK_END)
        self._stderr.seek(max(0, size - _TAIL))
        tail = self._stderr.read().decode("utf-8", "replace").strip()
        return f"the testbed {what}: its process ended with exit code {code}\n{tail}".strip()


def _known(wire: str) -> str:
    if wire not in WIRES:
        raise TestbedError(f"wire: {wire!r} is none of {', '.join(WIRES)}")
    return wire


def _start(stderr: IO[bytes]) -> subprocess.Popen[bytes]:
    package = str(Path(__file__).resolve().parents[2])
    paths = [package, *filter(None, [os.environ.get("PYTHONPATH")])]
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "fetchlab.testbed"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=stderr,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
        # Interrupting a cell signals the kernel's whole group.
        start_new_session=True,
    )


def _end(owner: int, process: subprocess.Popen[bytes], stderr: IO[bytes]) -> None:
    for pipe in (process.stdin, process.stdout, stderr):
        if pipe is not None:
            with contextlib.suppress(OSError):
                pipe.close()
    if os.getpid() != owner:
        # A forked child holds copies of the pipes; the server is not its to end.
        return
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
