"""Which browser to drive: found, or installed where there is none.

Where no windows are wanted that is a *headless shell*: the same Chromium without the parts that draw windows,
tabs and menus. Pages see no difference; starting it and opening a page take about half the processor.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from fetchlab.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["find", "find_shell", "install", "launch_args"]

VARIABLE = "FETCHLAB_BROWSER"
SHELLS = ("chromium-headless-shell", "chrome-headless-shell")
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
DOWNLOADED_SHELLS = tuple(
    f"chromium_headless_shell-*/*/{name}{end}"
    for name in ("chrome-headless-shell", "headless_shell")
    for end in ("", ".exe")
)
DOWNLOADED = (
    "chromium-*/chrome-*/chrome",
    "chromium-*/chrome-*/chrome.exe",
    "chromium-*/chrome-*/*.app/Contents/MacOS/*",
)
QUIET = (
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
"""Keeps a browser in a closed network from asking for hosts of its own."""


def find(*, headless: bool = True) -> Path | None:
    """Return the Chromium to drive, None if there is none.

    In this order: ``FETCHLAB_BROWSER``; a headless shell, unless windows are wanted; a whole Chromium. Of
    each kind Playwright's own download comes before what is on PATH.

    Args:
        headless: False wants one that can show windows.

    Raises:
        ConfigError: ``FETCHLAB_BROWSER`` names no file.
    """
    named = os.environ.get(VARIABLE)
    if named:
        if not Path(named).is_file():
            raise ConfigError(VARIABLE, f"{named} is not a file")
        return Path(named)
    return (find_shell() if headless else None) or _first(DOWNLOADED, NAMES)


def find_shell() -> Path | None:
    """Return a headless shell, None if there is none."""
    return _first(DOWNLOADED_SHELLS, SHELLS)


def launch_args() -> list[str]:
    """Return the arguments to start it with: quiet, and without its sandbox where root needs that."""
    root = hasattr(os, "geteuid") and os.geteuid() == 0
    return [*QUIET, *(["--no-sandbox"] if root else [])]


def install(say: Callable[[str], None], *, headless: bool = True) -> Path | None:
    """Install a Chromium: Playwright's, else the system's package.

    Args:
        say: told every command, and why it failed.
        headless: False for one that can show windows.

    Returns:
        What :func:`find` finds then, which is an older one if nothing could be installed.
    """
    there = find(headless=headless) is not None
    wanted = SHELLS[0] if headless else NAMES[0]
    deps = [] if there else ["--with-deps"]  # what one has brought along serves the other
    tries = [[sys.executable, "-m", "playwright", "install", *deps, wanted]]
    if shutil.which("apt-get"):
        apt = ["apt-get", "-o", "DPkg::Lock::Timeout=300"]  # another installation may be under way
        packages = dict.fromkeys([wanted] if there else [wanted, NAMES[0]])
        tries += [[*apt, "update"], *([*apt, "install", "-y", package] for package in packages)]
    for command in tries:
        say("  " + " ".join(command).replace(sys.executable, "python"))
        done = subprocess.run(command, check=False, capture_output=True, text=True)  # noqa: S603  # fixed words
        found = find_shell() if headless else find(headless=False)
        if done.returncode != 0:
            lines = (done.stderr or done.stdout).strip().splitlines() or [f"exit code {done.returncode}"]
            say("    failed: " + next((line for line in lines if "rror" in line), lines[-1]).strip())
        elif found is not None:
            return found
    return find(headless=headless)


def _first(downloaded: Sequence[str], names: Sequence[str]) -> Path | None:
    own = _playwrights_own(downloaded)
    candidates = (own, *(shutil.which(name) for name in names))
    return next((Path(candidate) for candidate in candidates if candidate is not None), None)


def _playwrights_own(patterns: Sequence[str]) -> str | None:
    """Look where Playwright keeps its downloads, without starting its driver."""
    roots = [os.environ.get("PLAYWRIGHT_BROWSERS_PATH"), *_cache_roots()]
    for root in filter(None, roots):
        for pattern in patterns:
            found = max(Path(root).glob(pattern), key=_download_number, default=None)
            if found is not None:
                return str(found)
    return None


def _download_number(path: Path) -> tuple[int, str]:
    """Read ``chromium-1185`` as a number: the newest is the one this Playwright fits."""
    folder = next(part for part in reversed(path.parts) if part.startswith(("chromium-", "chromium_")))
    digits = folder.rpartition("-")[2]
    return (int(digits) if digits.isdigit() else 0, str(path))


def _cache_roots() -> list[str]:
    home = Path.home()
    places = (home / ".cache", home / "Library" / "Caches", home / "AppData" / "Local")
    return [str(place / "ms-playwright") for place in places]
