"""Which browser to drive: found, or installed where there is none."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from fetchlab.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["find", "install", "launch_args"]

VARIABLE = "FETCHLAB_BROWSER"
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
QUIET = (
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
"""Keeps a browser in a closed network from asking for hosts of its own."""


def find() -> Path | None:
    """Return the Chromium to drive, None if there is none.

    In this order: ``FETCHLAB_BROWSER``, Playwright's own download, ``chromium`` and ``google-chrome`` on
    PATH.

    Raises:
        ConfigError: ``FETCHLAB_BROWSER`` names no file.
    """
    named = os.environ.get(VARIABLE)
    if named:
        if not Path(named).is_file():
            raise ConfigError(VARIABLE, f"{named} is not a file")
        return Path(named)
    for candidate in (_playwrights_own(), *(shutil.which(name) for name in NAMES)):
        if candidate is not None:
            return Path(candidate)
    return None


def launch_args() -> list[str]:
    """Return the arguments to start it with: quiet, and without its sandbox where root needs that."""
    root = hasattr(os, "geteuid") and os.geteuid() == 0
    return [*QUIET, *(["--no-sandbox"] if root else [])]


def install(say: Callable[[str], None]) -> Path | None:
    """Install a Chromium: Playwright's, else the system's package; return it, None if neither worked."""
    tries = [[sys.executable, "-m", "playwright", "install", "--with-deps", "chromium"]]
    if shutil.which("apt-get"):
        apt = ["apt-get", "-o", "DPkg::Lock::Timeout=300"]  # another installation may be under way
        tries += [[*apt, "update"], [*apt, "install", "-y", "chromium"]]
    for command in tries:
        say("  " + " ".join(command).replace(sys.executable, "python"))
        done = subprocess.run(command, check=False, capture_output=True, text=True)  # noqa: S603  # fixed words
        if done.returncode != 0:
            last = (done.stderr or done.stdout).strip().splitlines()[-1:]
            say(f"    failed: {' '.join(last) or f'exit code {done.returncode}'}")
        elif (found := find()) is not None:
            return found
    return find()


def _playwrights_own() -> str | None:
    """Look where Playwright keeps its downloads, without starting its driver."""
    roots = [os.environ.get("PLAYWRIGHT_BROWSERS_PATH"), *_cache_roots()]
    patterns = (
        "chromium-*/chrome-*/chrome",
        "chromium-*/chrome-*/chrome.exe",
        "chromium-*/chrome-*/*.app/Contents/MacOS/*",
    )
    for root in filter(None, roots):
        for pattern in patterns:
            found = max(Path(root).glob(pattern), key=_download_number, default=None)
            if found is not None:
                return str(found)
    return None


def _download_number(path: Path) -> tuple[int, str]:
    """Read ``chromium-1185`` as a number: the newest is the one this Playwright fits."""
    folder = next(part for part in reversed(path.parts) if part.startswith("chromium-"))
    digits = folder.removeprefix("chromium-")
    return (int(digits) if digits.isdigit() else 0, str(path))


def _cache_roots() -> list[str]:
    home = Path.home()
    places = (home / ".cache", home / "Library" / "Caches", home / "AppData" / "Local")
    return [str(place / "ms-playwright") for place in places]
