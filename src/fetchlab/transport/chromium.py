"""One Chromium: started through Playwright, watched, weighed, ended.

The one place that imports Playwright. Its driver is a process of its own, which starts Chromium and ends it
when this process goes away, however that happens.
"""

from __future__ import annotations

import asyncio
import os
import re
import secrets
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fetchlab.errors import BrowserCrashed, ConfigError, PageError
from fetchlab.redaction import redact_text
from fetchlab.transport import browser as finder

if TYPE_CHECKING:
    from collections.abc import Callable

    import psutil
    from playwright.async_api import Browser, Playwright

__all__ = ["Chromium", "executable", "speaks_of_death", "start_driver", "stop_driver", "told", "weigh"]

START_SECONDS = 60.0
CLOSE_SECONDS = 4.0
"""Beyond which a Chromium that does not end is killed; less than the loop has for closing."""
_DIED = re.compile(r"has been closed|crashed|Connection closed|pipe closed", re.IGNORECASE)


def executable(knob: str = "browser", *, headless: bool = True) -> Path:
    """Return the Chromium to drive.

    Args:
        knob: what the user asked for that needs one.
        headless: False wants one that can show windows.

    Raises:
        ConfigError: there is none.
    """
    found = finder.find(headless=headless)
    if found is None:
        needs, command = (
            ("a Chromium", "--install") if headless else ("a Chromium with windows", "--install --windows")
        )
        raise ConfigError(
            knob,
            f"needs {needs}: `fetchlab browser {command}` gets one, FETCHLAB_BROWSER names your own",
        )
    return found


async def start_driver() -> Playwright:
    """Start Playwright's driver, which starts browsers and speaks with them."""
    from playwright.async_api import async_playwright

    return await async_playwright().start()


async def stop_driver(playwright: Playwright) -> None:
    """Stop it; it may be gone already."""
    with suppress(Exception):
        await playwright.stop()


class Chromium:
    """One running Chromium and what is known of it. All of it belongs to the engine's loop.

    Args:
        browser: Playwright's view of it.
        mark: an argument it was started with, by which its process is found.

    Attributes:
        browser: Playwright's view of it.
        opened: pages opened in it so far.
        users: who has a context in it now.
        spent: it is to get no further users.
    """

    def __init__(self, browser: Browser, mark: str) -> None:
        self.browser = browser
        self.opened = 0
        self.users = 0
        self.spent = False
        self.ending = False
        self._mark = mark
        self._process = _process_of(mark)
        self._mourners: set[Callable[[str], object]] = set()
        browser.on("disconnected", self._gone)

    @classmethod
    async def start(cls, playwright: Playwright, path: Path, *, headless: bool) -> Chromium:
        """Start one.

        Raises:
            BrowserCrashed: it does not start.
        """
        from playwright.async_api import Error

        mark = f"--fetchlab-mark={secrets.token_hex(8)}"
        try:
            browser = await playwright.chromium.launch(
                executable_path=str(path),
                args=[*finder.launch_args(), mark],
                headless=headless,
                handle_sigint=False,  # a cell's interrupt reaches the driver, too
                timeout=START_SECONDS * 1000,
            )
        except Error as error:
            raise BrowserCrashed(f"Chromium does not start: {_line(error)}") from error
        return cls(browser, mark)

    @property
    def alive(self) -> bool:
        """Whether it is there and answers."""
        return self.browser.is_connected()

    def watch(self, mourner: Callable[[str], object]) -> Callable[[], None]:
        """Have somebody told when it dies; returns what takes that back."""
        self._mourners.add(mourner)
        return lambda: self._mourners.discard(mourner)

    @property
    def driver(self) -> psutil.Process | None:
        """The driver's process, None if that is not known."""
        import psutil

        with suppress(psutil.Error):
            above = self._process and self._process.parent()
            while above is not None and self._mark in above.cmdline():
                above = above.parent()
            return above
        return None

    def processes(self) -> list[psutil.Process]:
        """Return its processes as they are now, the first one before those it started."""
        import psutil

        if self._process is None:
            return []
        with suppress(psutil.Error):
            return [self._process, *self._process.children(recursive=True)]
        return []

    async def close(self) -> None:
        """End it; kill it if it does not."""
        import psutil

        self.ending = self.spent = True
        processes = self.processes()
        closing = asyncio.ensure_future(self.browser.close())
        await asyncio.wait({closing}, timeout=CLOSE_SECONDS)
        if not closing.done():
            closing.cancel()
            for process in processes:
                with suppress(psutil.Error):
                    process.kill()
        elif not closing.cancelled():
            closing.exception()  # it had died: closed as well as can be

    def _gone(self, _: Any) -> None:
        self.spent = True
        for mourner in list(self._mourners):
            mourner("the browser ended while the page was in use")


def told(error: Exception) -> Exception:
    """Return an error of Playwright's as one of ours; any other as it is."""
    from playwright.async_api import Error

    if not isinstance(error, Error):
        return error
    return PageError(_line(error))


def speaks_of_death(error: Exception) -> bool:
    """Say whether an error may come of a page or browser that has gone."""
    from playwright.async_api import Error

    return isinstance(error, Error) and _DIED.search(error.message) is not None


def weigh(processes: list[psutil.Process]) -> int:
    """Return the bytes of memory that processes take.

    On Linux each one's proportional set size: what several share is counted once among them. Elsewhere
    their resident sets, in which it is counted in each.
    """
    return sum(_proportional(process.pid) or _resident(process) for process in processes)


def _proportional(pid: int) -> int:
    with suppress(OSError, ValueError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    return 0


def _resident(process: psutil.Process) -> int:
    import psutil

    with suppress(psutil.Error):
        return int(process.memory_info().rss)
    return 0


def _process_of(mark: str) -> psutil.Process | None:
    """Find the process that was started with an argument: below any script that has passed it on.

    A child that is just being forked has the argument for a moment, too, but is the same program.
    """
    import psutil

    for process in psutil.Process(os.getpid()).children(recursive=True):
        with suppress(psutil.Error):
            above = process.parent()
            first = above is None or mark not in above.cmdline() or above.exe() != process.exe()
            script = any(mark in one.cmdline() and one.exe() != process.exe() for one in process.children())
            if mark in process.cmdline() and first and not script:
                found: psutil.Process = process
                return found
    return None


def _line(error: Exception) -> str:
    """The first line of what Playwright says; the others are its log of the call."""
    message = str(error).strip()
    return redact_text(message.splitlines()[0] if message else type(error).__name__)
