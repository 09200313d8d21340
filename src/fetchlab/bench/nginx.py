"""nginx for a while: a server that is not the bottleneck, to measure against.

A process of its own with its own configuration in a temporary folder, on a free port of 127.0.0.1. It
reads nothing of an installed nginx's configuration and writes nothing outside that folder.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from fetchlab.errors import ConfigError, TestbedError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["find", "serve"]

START_SECONDS = 10.0
TRIES = 5
_SYSTEM_PLACES = ("/usr/sbin/nginx", "/usr/local/sbin/nginx")  # not on every user's PATH
_TEMPORARY = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
_CONFIGURATION = """\
daemon off;
{user}worker_processes {processes};
pid "{scratch}/pid";
error_log "{scratch}/error.log" warn;
events {{ worker_connections 4096; }}
http {{
    access_log off;
    sendfile on;
    tcp_nopush on;
    keepalive_requests 1000000000;
    keepalive_timeout 1h;
    open_file_cache max=10000;
    default_type application/octet-stream;
    {temporary}
    server {{
        listen 127.0.0.1:{port} backlog=4096;
        root "{folder}";
    }}
}}
"""


def find() -> str | None:
    """Return the nginx to start, None where there is none."""
    return shutil.which("nginx") or next((place for place in _SYSTEM_PLACES if Path(place).is_file()), None)


@contextmanager
def serve(folder: str | Path, *, processes: int = 1) -> Iterator[str]:
    """Serve a folder's files and yield the base URL, without a slash at its end.

    Args:
        folder: what to serve; its files are answered with ``ETag``, ``Last-Modified`` and ranges.
        processes: nginx's worker processes.

    Raises:
        ConfigError: there is no nginx, or no such folder.
        TestbedError: it did not start.
    """
    program = find()
    if program is None:
        raise ConfigError("nginx", "is not installed; on Debian: apt-get install nginx-light")
    root = Path(folder).resolve()
    if not root.is_dir():
        raise ConfigError("folder", f"{folder} is no folder")
    with tempfile.TemporaryDirectory(prefix="fetchlab-nginx-") as scratch:
        process, port = _start(program, root, Path(scratch), processes)
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait()


def _start(program: str, root: Path, scratch: Path, processes: int) -> tuple[subprocess.Popen[bytes], int]:
    """Start it; a port that was free may be taken a moment later, so try several."""
    said = ""
    for _ in range(TRIES):
        port = _free_port()
        written = scratch / "nginx.conf"
        written.write_text(_configuration(root, scratch, port, processes), encoding="utf-8")
        command = [program, "-p", str(scratch), "-c", str(written), "-e", str(scratch / "error.log")]
        with (scratch / "stderr.log").open("wb") as told:
            process = subprocess.Popen(  # noqa: S603  # our own words
                command, stdin=subprocess.DEVNULL, stdout=told, stderr=told
            )
        if _answers(process, port):
            return process, port
        process.kill()
        process.wait()
        said = (scratch / "stderr.log").read_text(encoding="utf-8", errors="replace").strip()
        if "Address already in use" not in said:
            break
    raise TestbedError(f"nginx did not start: {said or 'it did not answer'}")


def _configuration(root: Path, scratch: Path, port: int, processes: int) -> str:
    temporary = "\n    ".join(f'{name}_temp_path "{scratch}/{name}";' for name in _TEMPORARY)
    root_needs = hasattr(os, "geteuid") and os.geteuid() == 0  # else its workers could not read our folder
    return _CONFIGURATION.format(
        user="user root;\n" if root_needs else "",
        processes=processes,
        scratch=scratch,
        temporary=temporary,
        port=port,
        folder=root,
    )


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def _answers(process: subprocess.Popen[bytes], port: int) -> bool:
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1.0).close()
        except OSError:
            time.sleep(0.01)
        else:
            return True
    return False
