"""Starting, finding, losing and ending the server process."""

from __future__ import annotations

import gc
import http.client
import os
import signal
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from fetchlab.errors import TestbedError
from fetchlab.testbed import launcher, serve
from fetchlab.testbed.registry import BLOCK, OFFSETS, WIRES

from .client import ask, until


def alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    if sys.platform == "linux":
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return True


def test_serves_until_stopped():
    """Otherwise a testbed could not be started, or would outlive its use."""
    with serve(port=0) as bed:
        assert set(bed.urls) == set(WIRES)
        assert ask(bed.urls["echo"], "/json").status == 200
        assert "running" in repr(bed)
        assert bed.urls["echo"] in repr(bed)
    assert not alive(bed.pid)
    assert "stopped" in repr(bed)
    bed.stop()
    with pytest.raises(TestbedError, match="stopped"):
        bed.counters()


def test_offsets_are_distinct_and_inside_the_block():
    """Otherwise two wires would fight for a port, or a block reach into the next one."""
    assert len(set(OFFSETS.values())) == len(OFFSETS)
    assert max(OFFSETS.values()) < BLOCK
    assert set(WIRES) < set(OFFSETS)


def test_offsets_never_change():
    """Otherwise cached and journalled URLs of earlier sessions would point at another wire."""
    stable = {"catalogue": 0, "tmdb": 1, "play": 2, "timeline": 3, "api": 4, "rss": 5}
    stable |= {"openai": 6, "vertex": 7, "media": 8, "echo": 9, "echo2": 10, "control": 15}
    assert stable.items() <= OFFSETS.items()


def test_any_free_block_for_many_at_once():
    """Otherwise test processes running in parallel would trip over each other's ports."""
    with ThreadPoolExecutor(4) as pool:
        beds = list(pool.map(lambda _: serve(port=0), range(4)))
    try:
        assert len({bed.port for bed in beds}) == 4
        assert not any(bed.moved for bed in beds)
        assert {ask(bed.urls["echo2"], "/json").status for bed in beds} == {200}
    finally:
        for bed in beds:
            bed.stop()


def test_moves_when_the_port_is_taken(bed):
    """Otherwise a notebook left open elsewhere would make every later one fail."""
    with serve(port=bed.port) as second:
        assert second.moved
        assert second.port > bed.port
        assert (second.port - bed.port) % BLOCK == 0
        assert ask(second.urls["echo"], "/json").status == 200


def test_strict_insists_on_the_port(bed):
    """Otherwise a caller who needs stable URLs would silently get others."""
    with pytest.raises(TestbedError, match=f"port: {bed.port} .*in use"):
        serve(port=bed.port, strict=True)


def test_one_foreign_listener_in_the_block_is_enough_to_move(bed):
    """Otherwise a half-taken block would start a testbed that lacks a wire."""
    with serve(port=0) as free:
        base = free.port
    with socket.socket() as squatter:
        squatter.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        squatter.bind(("127.0.0.1", base + OFFSETS["echo2"]))
        squatter.listen()
        with serve(port=base) as moved:
            assert moved.moved


def test_ends_when_its_parent_is_killed():
    """Otherwise `kill -9` of a notebook would leave a server holding the ports."""
    program = (
        "import sys, fetchlab.testbed as t\n"
        "bed = t.serve(port=0)\n"
        "print(bed.pid, flush=True)\n"
        "sys.stdin.read()\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    with parent:
        server = int(parent.stdout.readline())
        assert alive(server)
        parent.send_signal(signal.SIGKILL)
        parent.wait()
        until(lambda: not alive(server))


def test_ends_when_its_handle_is_forgotten():
    """Otherwise running a cell twice would leave the first server behind."""
    pid = serve(port=0).pid
    gc.collect()
    assert not alive(pid)


def test_ends_with_a_program_that_forgets_it():
    """Otherwise a script without `stop` would hang at its end, warn, or leave a server."""
    program = "import fetchlab.testbed as t; bed = t.serve(port=0); print(bed.pid)"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stderr == ""
    assert not alive(int(done.stdout))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_child_cannot_end_it():
    """Otherwise a worker process that exits would take the notebook's server with it."""
    program = (
        "import os, fetchlab.testbed as t\n"
        "bed = t.serve(port=0)\n"
        "child = os.fork()\n"
        "if not child:\n"
        "    bed.stop()\n"
        "    os._exit(0)\n"
        "os.waitpid(child, 0)\n"
        "print(bed.counters()['requests'])\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "0"


def test_survives_an_interrupt(bed):
    """Otherwise interrupting a cell would take the server with it."""
    os.kill(bed.pid, signal.SIGINT)
    assert ask(bed.urls["echo"], "/json").status == 200


def test_sudden_death_is_reported():
    """Otherwise a crashed server would look like a network problem."""
    with serve(port=0) as bed:
        os.kill(bed.pid, signal.SIGKILL)
        with pytest.raises(TestbedError, match="exit code -9"):
            bed.counters()


def test_failed_start_shows_the_last_words(monkeypatch, tmp_path):
    """Otherwise a broken installation would fail without a reason."""
    program = tmp_path / "python"
    program.write_text("#!/bin/sh\necho no such luck >&2\nexit 3\n")
    program.chmod(0o755)
    monkeypatch.setattr(launcher.sys, "executable", str(program))
    with pytest.raises(TestbedError, match=r"did not start.*exit code 3\nno such luck"):
        serve(port=0)


@pytest.mark.parametrize("port", [-1, 65_530, "8700", True, 1.5])
def test_impossible_port(port):
    """Otherwise the mistake would surface as a traceback from another process."""
    with pytest.raises(TestbedError, match="port: "):
        serve(port=port)


def test_unknown_names_are_named(bed):
    """Otherwise a typing error would silently measure the wrong thing."""
    with pytest.raises(TestbedError, match="profile: 'flatt'"):
        serve(port=0, profile="flatt")
    with pytest.raises(TestbedError, match="lateny: no such setting"):
        serve(port=0, lateny=1)
    with pytest.raises(TestbedError, match="wire: 'ecko'"):
        bed.counters("ecko")
    with pytest.raises(TestbedError, match="wire: 'ecko'"):
        bed.truth("ecko")


def test_private_listener_is_private(bed):
    """Otherwise any page in the user's browser could reconfigure the server."""
    control = f"http://127.0.0.1:{bed.port + OFFSETS['control']}"
    assert ask(control, "/counters").status == 403
    assert ask(control, "/counters", headers={"X-Testbed-Token": "guess"}).status == 403


def test_import_is_light():
    """Otherwise importing the package would pay for a server that runs elsewhere."""
    heavy = "{'uvicorn', 'uvloop', 'asyncio', 'msgspec', 'httpx', 'polars'}"
    program = f"import sys, fetchlab.testbed; print(*({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_works_without_httptools(monkeypatch, tmp_path):
    """Otherwise the testbed could not run, or could not break off, where httptools has no wheel."""
    (tmp_path / "httptools.py").write_text("raise ImportError('not here')\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with serve(port=0) as bed:
        assert ask(bed.urls["echo"], "/anything", "POST", b"x" * 100_000).json["data"] == "x" * 100_000
        bed.configure(reset=1.0)
        with pytest.raises(ConnectionResetError):
            ask(bed.urls["echo"], "/json")
        bed.configure(reset=0.0, truncate=1.0)
        with pytest.raises(http.client.IncompleteRead):
            ask(bed.urls["echo"], "/json")
