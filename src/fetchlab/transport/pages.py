"""Pages of a browser that is kept: a context for each item, a new Chromium where one died or is worn out."""

from __future__ import annotations

import asyncio
import os
import sys
import weakref
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from inspect import iscoroutinefunction
from typing import TYPE_CHECKING, Any, Literal, Self, TypeAlias, TypeVar, get_args

from fetchlab import loop
from fetchlab.errors import BrowserCrashed, ConfigError
from fetchlab.transport import chromium
from fetchlab.transport.chromium import Chromium

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Coroutine, Mapping

    from playwright.async_api import BrowserContext, Page, Playwright, Route

__all__ = ["Browser", "BrowserStats"]

CLOSE_ORDER = 15
"""After the runs that use its pages, before the clients."""
CLOSE_SECONDS = 5.0
GRACE = 1.0
"""Seconds in which news of a death must come, once an error speaks of it."""
KINDS = (
    "document", "stylesheet", "image", "media", "font", "script", "texttrack", "xhr", "fetch",
    "eventsource", "websocket", "manifest", "other",
)  # fmt: skip
"""What Playwright tells requests apart by."""
Isolation = Literal["context", "browser"]
Look: TypeAlias = "Callable[[Page, Any], Coroutine[Any, Any, Any]]"
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class BrowserStats:
    """A snapshot of a :class:`Browser`.

    Attributes:
        browsers: Chromiums running.
        pages: pages open.
        opened: pages opened so far.
        started: Chromiums started so far.
        crashed: Chromiums and pages that died by themselves.
        replaced: Chromiums ended because they had opened enough pages.
        memory: bytes that all processes of the Chromiums and of Playwright's driver take: proportional set
            sizes on Linux, elsewhere resident sets, in which shared memory is counted several times.
    """

    browsers: int
    pages: int
    opened: int
    started: int
    crashed: int
    replaced: int
    memory: int


class Browser:
    """A Chromium that is kept, and a page of it for every item that asks for one.

    ``fl.map(browser.task(look), urls, workers=4)`` calls ``await look(page, url)`` with a page in a context
    of its own: no cookie, storage or cache is seen by another item. When the function is done its pages are
    closed, then the context. The Chromium starts with the first page and stays until :meth:`close` or the
    end of the program. A Chromium that dies is replaced, and the items whose pages it had are tried again.

    For sites that you may read so. It says what it is and hides nothing.

    Args:
        isolation: ``"context"`` for contexts in one Chromium, ``"browser"`` for a Chromium for each page
            open at a time: about twice the memory, and a crash costs one page.
        headless: False shows the windows.
        block: kinds of requests that are not made: of Playwright's ``image``, ``media``, ``font``,
            ``stylesheet``, ``script``, ``xhr``, ``fetch``, … Nobody reads pictures in a text.
        pages: how many pages a Chromium opens before another takes its place, for they grow.
        context: what else a context is made with, as Playwright's ``browser.new_context`` takes it:
            ``locale``, ``viewport``, ``storage_state``, ``user_agent``, …

    Raises:
        ConfigError: a knob has a value that cannot work, or there is no Chromium.
    """

    def __init__(
        self,
        *,
        isolation: Isolation = "context",
        headless: bool = True,
        block: Collection[str] = ("image", "media", "font"),
        pages: int = 200,
        context: Mapping[str, Any] | None = None,
    ) -> None:
        if isolation not in get_args(Isolation):
            raise ConfigError("isolation", f"is 'context' or 'browser', not {isolation!r}")
        if isinstance(block, str) or not set(block) <= set(KINDS):
            raise ConfigError("block", f"is a list of {', '.join(KINDS)}, not {block!r}")
        if isinstance(pages, bool) or not isinstance(pages, int) or pages < 1:
            raise ConfigError("pages", f"must be a whole number of 1 or more, not {pages!r}")
        if not headless and not _has_display():
            raise ConfigError(
                "headless", "False needs a display, and there is none here (DISPLAY is not set)"
            )
        self._executable = chromium.executable("browser" if headless else "headless", headless=headless)
        self._isolation = isolation
        self._headless = headless
        self._block = frozenset(block)
        self._most = pages
        self._context = dict(context or {})
        self._driver: Playwright | None = None
        self._running: list[Chromium] = []
        self._open: set[_Lease] = set()
        self._starting = asyncio.Lock()
        self._opened = self._started = self._crashed = self._replaced = 0
        self._forget: Callable[[], None] = lambda: None
        _browsers.add(self)

    def task(self, look: Look) -> Callable[[Any], Coroutine[Any, Any, Any]]:
        """Make a task for :func:`fetchlab.map` of an async function of a page and an item.

        What the page does not do in time, and what does not load, is a ``PageError``, a page or browser that
        dies a ``BrowserCrashed``; both are tried again as ``retry`` allows.

        Args:
            look: gets a Playwright page (``playwright.async_api.Page``) and the item; what it returns is the
                item's value. Further pages come from ``page.context.new_page()`` and need not be closed.

        Raises:
            ConfigError: it is no async function.
        """
        if not iscoroutinefunction(look.func if isinstance(look, partial) else look):
            raise ConfigError(
                "look", "give an async function of a page and an item: async def look(page, item)"
            )
        return partial(_on_a_page, self, look)

    def stats(self) -> BrowserStats:
        """Return how it stands; from any thread."""
        running = list(self._running)
        processes = {process.pid: process for one in running for process in one.processes()}
        drivers = {process.pid: process for one in running if (process := one.driver) is not None}
        return BrowserStats(
            browsers=sum(one.alive for one in running),
            pages=sum(lease.pages for lease in list(self._open)),
            opened=self._opened,
            started=self._started,
            crashed=self._crashed,
            replaced=self._replaced,
            memory=chromium.weigh([*(drivers | processes).values()]),
        )

    def close(self) -> None:
        """End every Chromium; the next page starts one anew. Safe from any thread but the engine's."""
        if loop.on_loop_thread():
            raise ConfigError("browser", "close it outside of tasks: here, waiting would be for ever")
        if self._driver is not None:
            self._forget()
            loop.submit(self._close()).result()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        knobs = f"isolation={self._isolation!r}, headless={self._headless}, block={sorted(self._block)}"
        more = f", context=<{', '.join(sorted(self._context))}>" if self._context else ""
        return f"Browser({knobs}, pages={self._most}{more})"

    # on the loop

    async def _lease(self) -> _Lease:
        async with self._starting:
            one = await self._a_chromium()
            one.users += 1
        lease = _Lease(one)
        try:
            await lease.outlived_by(self._opened_for(lease))
        except BaseException as error:
            died = isinstance(error, Exception) and chromium.speaks_of_death(error)
            one.spent |= died
            await self._let_go(lease)
            if died:
                raise BrowserCrashed("the browser ended before it could open a page") from error
            raise
        self._open.add(lease)
        return lease

    async def _opened_for(self, lease: _Lease) -> None:
        lease.context = await lease.chromium.browser.new_context(**self._context)
        lease.context.on("page", partial(self._came, lease))
        if self._block:
            await lease.context.route("**/*", self._sift)
        lease.page = await lease.context.new_page()

    async def _a_chromium(self) -> Chromium:
        """One that takes another user: a running one, or a new one."""
        self._running = [one for one in self._running if one.alive or one.users]
        for one in self._running:
            free = self._isolation == "context" or not one.users
            if one.alive and not one.spent and free:
                return one
        if self._driver is None:
            self._driver = await chromium.start_driver()
            self._forget = loop.on_close(self._close, order=CLOSE_ORDER)
        try:
            one = await Chromium.start(self._driver, self._executable, headless=self._headless)
        except Exception:
            if not self._running:  # the driver itself may be what is broken
                self._forget()
                driver, self._driver = self._driver, None
                await chromium.stop_driver(driver)
            raise
        one.watch(partial(self._died, one))
        self._started += 1
        self._running.append(one)
        return one

    def _came(self, lease: _Lease, page: Page) -> None:
        """A page was opened, by us, the task or a script."""
        self._opened += 1
        one = lease.chromium
        one.opened += 1
        if one.opened >= self._most and not one.spent:
            one.spent = True
            self._replaced += 1
        lease.pages += 1
        page.on("close", lambda _: lease.closed_one())
        page.on("crash", lambda _: self._page_died(lease))

    def _page_died(self, lease: _Lease) -> None:
        self._crashed += 1
        lease.lose("the page crashed")

    def _died(self, one: Chromium, _: str) -> None:
        if not one.ending:
            self._crashed += 1

    async def _sift(self, route: Route) -> None:
        with suppress(Exception):  # the page may be gone
            if route.request.resource_type in self._block:
                await route.abort("blockedbyclient")
            else:
                await route.continue_()

    async def _let_go(self, lease: _Lease) -> None:
        """Close its pages, then its context, then its Chromium if that is done with."""
        self._open.discard(lease)
        lease.end()
        closing = asyncio.ensure_future(_closed(lease))
        await asyncio.wait({closing}, timeout=CLOSE_SECONDS)
        one = lease.chromium
        if not closing.done():
            closing.cancel()
            one.spent = True  # it hangs
        one.users -= 1
        if one.spent and not one.users and one in self._running:
            self._running.remove(one)
            await one.close()

    async def _close(self) -> None:
        running, self._running = self._running, []
        driver, self._driver = self._driver, None
        self._starting = asyncio.Lock()
        if running:
            await asyncio.wait([asyncio.ensure_future(one.close()) for one in running])
        if driver is not None:
            await chromium.stop_driver(driver)

    def _leave_alone(self) -> None:
        """In a forked child: the browsers are the parent's, start others."""
        _left_alone.append((self._driver, self._running, self._open))
        self._driver, self._running, self._open = None, [], set()
        self._starting = asyncio.Lock()


class _Lease:
    """A context with its first page, for one item.

    Attributes:
        pages: how many are open in it.
        why: what killed it.
    """

    context: BrowserContext
    page: Page

    def __init__(self, one: Chromium) -> None:
        self.chromium = one
        self.pages = 0
        self.why = ""
        self.lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._unwatch = one.watch(self.lose)

    def lose(self, why: str) -> None:
        """Hear that it is dead."""
        if not self.lost.done():
            self.why = why
            self.lost.set_result(None)

    def closed_one(self) -> None:
        """Hear that a page of it was closed."""
        self.pages -= 1

    async def outlived_by(self, work: Coroutine[Any, Any, T]) -> T:
        """Do something for which it must be alive: what waits for a page that has died waits for ever.

        Raises:
            BrowserCrashed: it died meanwhile.
        """
        doing = asyncio.ensure_future(work)
        try:
            either: set[asyncio.Future[Any]] = {doing, self.lost}
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            if not doing.done():
                raise BrowserCrashed(self.why)
            return doing.result()
        finally:
            if not doing.done():
                doing.cancel()
                doing.add_done_callback(_heard)
                await asyncio.wait({doing}, timeout=CLOSE_SECONDS)

    async def is_lost(self, error: Exception) -> bool:
        """Say whether an error came of its death; the news of that may come a moment later."""
        if not self.lost.done() and chromium.speaks_of_death(error):
            await asyncio.wait({self.lost}, timeout=GRACE)
        return self.lost.done()

    def end(self) -> None:
        """Hear of no death any more."""
        self._unwatch()
        self.lost.cancel()


def _heard(done: asyncio.Future[Any]) -> None:
    """Take an error that nobody waits for."""
    if not done.cancelled():
        done.exception()


async def _closed(lease: _Lease) -> None:
    if not hasattr(lease, "context"):
        return
    with suppress(Exception):  # what has died need not be closed
        await lease.context.unroute_all(behavior="ignoreErrors")
        for page in lease.context.pages:
            await page.close()
    with suppress(Exception):
        await lease.context.close()


async def _on_a_page(browser: Browser, look: Look, item: Any) -> Any:
    """Make one attempt at an item, on a page of its own."""
    lease = await browser._lease()  # noqa: SLF001  # a function, not a method: its name tells tasks apart
    try:
        return await lease.outlived_by(look(lease.page, item))
    except BrowserCrashed:
        raise
    except Exception as error:
        if await lease.is_lost(error):
            raise BrowserCrashed(lease.why) from error
        ours = chromium.told(error)
        if ours is error:
            raise
        raise ours from error
    finally:
        await browser._let_go(lease)  # noqa: SLF001


def _has_display() -> bool:
    return sys.platform != "linux" or any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY"))


_browsers: weakref.WeakSet[Browser] = weakref.WeakSet()
_left_alone: list[object] = []  # even to free them would reach into the parent's pipes


def _after_fork() -> None:
    for browser in list(_browsers):
        browser._leave_alone()  # noqa: SLF001


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
