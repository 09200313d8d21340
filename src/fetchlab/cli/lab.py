"""``fetchlab lab``: JupyterLab on the notebooks, with the testbed running."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

from fetchlab.cli.tables import say

__all__ = ["register"]

FIRST = "00-start-here.ipynb"
"""Opened first, where it is in the folder."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(name="lab")(lab)


def lab(
    folder: Annotated[Path, typer.Argument(help="Where the notebooks are.")] = Path("notebooks"),
    port: Annotated[int, typer.Option(help="Of JupyterLab; the next free one if taken.")] = 8888,
    latency: Annotated[float, typer.Option(min=0, help="Seconds per answer of the testbed.")] = 0.05,
    browser: Annotated[bool, typer.Option(help="Open a browser.")] = True,
) -> None:
    """Open JupyterLab on this machine only, with its token on, and the testbed beside it."""
    from fetchlab import testbed
    from fetchlab.errors import ConfigError
    from fetchlab.testbed.sharing import VARIABLE

    if not folder.is_dir():
        raise ConfigError("folder", f"{folder} is not a folder")
    bed = testbed.shared(latency=latency)  # ends with this process
    say(f"The testbed serves {', '.join(f'{wire} {url}' for wire, url in bed.urls.items())}.")
    command = [sys.executable, "-m", "jupyterlab", "--ServerApp.ip=127.0.0.1", f"--ServerApp.port={port}"]
    command.append("--KernelManager.transport_encryption=auto")  # else each kernel warns that it is not
    if (folder / FIRST).is_file():
        command.append(f"--LabApp.default_url=/lab/tree/{FIRST}")
    if not browser:
        command.append("--no-browser")
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        command.append("--allow-root")
    urls = {f"FETCHLAB_{wire.upper()}_URL": url for wire, url in bed.urls.items()}
    environment = os.environ | urls | {VARIABLE: bed.address}
    with subprocess.Popen([*command, str(folder)], env=environment) as server:  # noqa: S603  # fixed words
        code = _outlive(server)
    raise typer.Exit(code)


def _outlive(server: subprocess.Popen[bytes]) -> int:
    """Wait for the server. Ctrl-C is its business: it asks whether that is meant, and saves."""
    while True:
        with contextlib.suppress(KeyboardInterrupt):
            return server.wait()
