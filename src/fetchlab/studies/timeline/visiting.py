"""A page of the site, as collectors use it: paced, saved where something is odd, its answers overheard."""

from __future__ import annotations

import asyncio
import re
import time
from contextlib import suppress
from random import Random
from typing import TYPE_CHECKING, Any

from fetchlab.errors import LoginWall, PageError, ProtectedUser, SuspendedUser, UnknownUser
from fetchlab.policy.hints import retry_after
from fetchlab.studies.timeline.graphql import account_of
from fetchlab.transport import chromium

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.async_api import Page, Request, Response

    from fetchlab.studies.timeline.collecting import Collecting
    from fetchlab.studies.timeline.rows import Account

__all__ = ["Ears", "InBrowser", "Visit"]

PATIENCE = 20.0
"""Seconds to wait for an answer of the service."""
OPEN_SECONDS = 15.0
TRIES = 6
"""How often a page's Retry button is pressed in a row."""
LONGEST_PAUSE = 60.0
PARTS = re.compile(r"\.(m3u8|m4s|mp4)(\?|$)")
"""Addresses of what plays: they are seen, and need not be loaded."""
END = """async () => {
  const drawn = () => new Promise((done) => {
    requestAnimationFrame(() => requestAnimationFrame(done));
    setTimeout(done, 200);  // behind another page nothing is drawn
  });
  for (let look = 0; look < 5; look += 1) {
    window.scrollTo(0, document.documentElement.scrollHeight);
    await drawn();
    if (window.scrollY + window.innerHeight >= document.documentElement.scrollHeight - 2) break;
  }
}"""
"""Goes to the end: what is shown there for the first time may be taller than the page thought, and its end
further down."""
_OPERATION = re.compile(r"/graphql/[^/]+/(\w+)")


class Ears:
    """Hears what a page's own interface answers.

    Args:
        page: the page.
    """

    def __init__(self, page: Page) -> None:
        self._heard: asyncio.Queue[tuple[str, Response | None]] = asyncio.Queue()
        self._begun: set[Request] = set()
        self._page = page
        page.on("response", self._answered)
        page.on("requestfailed", self._failed)

    def close(self) -> None:
        """Hear nothing more."""
        self._page.remove_listener("response", self._answered)
        self._page.remove_listener("requestfailed", self._failed)

    async def next(self, seconds: float = PATIENCE) -> tuple[str, Any, float | None]:
        """Wait for an answer.

        Returns:
            The operation; its decoded JSON, None if there is none to use; the seconds that the service asks
            to wait.

        Raises:
            TimeoutError: there was none in time.
            LoginWall: the service asks for a login.
        """
        operation, response = await asyncio.wait_for(self._heard.get(), seconds)
        if response is None:
            return operation, None, None
        if response.status in (401, 403):
            raise LoginWall(f"the service asks for a login (HTTP {response.status} from {operation})")
        if response.status >= 400:
            return operation, None, retry_after(response.headers, time.time())
        try:
            return operation, await response.json(), None
        except Exception:  # cut, or no JSON: the page has the same trouble with it
            return operation, None, None

    def _answered(self, response: Response) -> None:
        found = _OPERATION.search(response.url)
        if found is not None:
            self._begun.add(response.request)
            self._heard.put_nowait((found[1], response))

    def _failed(self, request: Request) -> None:
        found = _OPERATION.search(request.url)
        if found is not None and request not in self._begun:  # one that was cut has been heard of
            self._heard.put_nowait((found[1], None))


class Visit:
    """One visit to a user's page.

    Args:
        page: a page of the browser.
        base_url: the site's root.
        user: whose page it is.
        pause: seconds from the beginning of a step to that of the next, at least and at most.
        folder: where screenshots and HTML go.
    """

    def __init__(
        self, page: Page, base_url: str, user: str, pause: tuple[float, float], folder: Path
    ) -> None:
        self.page = page
        self.user = user
        self._base = base_url
        self._pause = pause
        self._folder = folder
        self._random = Random()  # noqa: S311  # how long to wait
        self._tab: Page | None = None
        self._next = self._due()

    async def breathe(self) -> None:
        """Wait until the next step may begin, out of politeness; the last one is part of the pause."""
        await asyncio.sleep(max(0.0, self._next - time.monotonic()))
        self._next = self._due()

    def _due(self) -> float:
        return time.monotonic() + self._random.uniform(*self._pause)

    async def scroll(self) -> None:
        """Go to the end of what is there, which brings more."""
        await self.page.evaluate(END)

    async def tab(self) -> Page:
        """Return a second page beside the first."""
        if self._tab is None or self._tab.is_closed():
            self._tab = await self.page.context.new_page()
            await self._tab.route(PARTS, lambda route: route.abort())
        return self._tab

    def address(self, post: int | None = None, user: str | None = None) -> str:
        """Return the address of the user, or of a post."""
        home = f"{self._base}/{user or self.user}"
        return home if post is None else f"{home}/status/{post}"

    async def open(self, page: Page, address: str) -> None:
        """Open an address; where the service or the wire fails, again after a longer pause each time.

        Raises:
            PageError: it failed often enough.
        """
        for tries in range(TRIES):
            why, after = "", None
            try:
                response = await page.goto(
                    address, wait_until="domcontentloaded", timeout=OPEN_SECONDS * 1000
                )
            except Exception as error:
                if chromium.speaks_of_death(error):
                    raise
                why = str(chromium.told(error))
            else:
                if response is None or response.status < 400:
                    return
                why, after = f"HTTP {response.status}", retry_after(response.headers, time.time())
            await self._back_off(tries, after)
        raise PageError(f"the page of {self.user} does not load: {why}")

    async def again(self, page: Page, tries: int, after: float | None = None) -> None:
        """Press the page's Retry button, each time after a longer pause.

        Raises:
            PageError: it was pressed often enough, or there is none.
        """
        if tries >= TRIES:
            raise PageError(f"the page of {self.user} still says that something went wrong")
        await self._back_off(tries, after)
        await page.get_by_role("button", name="Retry").first.click(timeout=5_000)

    async def _back_off(self, tries: int, after: float | None) -> None:
        wait = self._random.uniform(0.0, self._pause[1] * 2.0**tries)
        await asyncio.sleep(min(LONGEST_PAUSE, max(wait, after or 0.0)))

    async def saved(self) -> tuple[str, ...]:
        """Keep a screenshot and the page's HTML; returns their paths."""
        self._folder.mkdir(parents=True, exist_ok=True)
        base = self._folder / f"{self.user}-{time.strftime('%Y%m%dT%H%M%S')}"
        paths = []
        with suppress(Exception):  # a page may be past showing itself
            await self.page.screenshot(path=base.with_suffix(".png"))
            paths.append(str(base.with_suffix(".png")))
        with suppress(Exception):
            base.with_suffix(".html").write_text(await self.page.content(), encoding="utf-8")
            paths.append(str(base.with_suffix(".html")))
        return tuple(paths)

    def known(self, answer: Any) -> Account:
        """Read what the service says of the user.

        Raises:
            UnknownUser: there is no such account.
            SuspendedUser: the service has closed it.
            ProtectedUser: only those whom its owner lets in see its posts.
        """
        account, state = account_of(answer)
        if state == "suspended":
            raise SuspendedUser(f"the account {self.user} is suspended")
        if account is None:
            raise UnknownUser(f"there is no account {self.user}")
        if state == "protected":
            raise ProtectedUser(f"the account {self.user} is protected")
        return account


class InBrowser:
    """What collectors that read in a browser have alike.

    Args:
        base_url: the site's root.
        collecting: where it goes.
        folder: where screenshots and HTML go.
    """

    def __init__(self, base_url: str, collecting: Collecting, folder: Path) -> None:
        self._base = base_url
        self._collecting = collecting
        self._folder = folder

    def _visit(self, page: Page, user: str) -> Visit:
        return Visit(page, self._base, user, self._collecting.options.pause, self._folder)
