"""The page as a reader sees it: scrolled in small steps, unfolded, quotes opened in a second tab.

Nothing is read but what stands on the page, and the addresses that it asks for. Of a list that keeps only the
rows near the window in the page, small steps see every row.
"""

from __future__ import annotations

import asyncio
from functools import cache
from importlib.resources import files
from random import Random
from typing import TYPE_CHECKING, Any

from fetchlab.errors import (
    EmptyTimeline,
    LoginWall,
    MarkupChanged,
    PageError,
    ProtectedUser,
    SuspendedUser,
    UnknownUser,
)
from fetchlab.studies.timeline.articles import account_shown, place_of, post_shown, video_of
from fetchlab.studies.timeline.rows import Found
from fetchlab.studies.timeline.visiting import PARTS, PATIENCE, InBrowser, Visit

if TYPE_CHECKING:
    from collections.abc import Mapping

    from playwright.async_api import Page, Request

    from fetchlab.studies.timeline.collecting import Collecting
    from fetchlab.studies.timeline.rows import Post

__all__ = ["SCROLL", "Dom", "Scrolling"]

STEP = (400, 800)
"""Pixels of one scroll. Of more than 1,000 a list that unmounts its rows shows only some."""
SCROLL = """async (step) => {
  window.scrollBy(0, step);
  for (let frame = 0; frame < 2; frame += 1) await new Promise(requestAnimationFrame);
}"""
"""Scrolls, and waits until the page has drawn what is there now."""
LOOK = 0.2
"""Seconds between two looks at what is awaited."""
FOLDED = '[data-testid="tweet-text-show-more-link"]'
QUOTE = 'article[tabindex="-1"] div[role="link"][tabindex="0"]'
TALL = {"width": 1280, "height": 4_000}


class Dom(InBrowser):
    """Reads timelines from what the site's page shows."""

    source = "dom"
    scrolling: type[Scrolling]
    """What scrolls one timeline."""

    async def read(self, page: Page, user: str) -> int:
        """Read a timeline; returns how many posts of it were found.

        Raises:
            StudyError: there is no timeline to read; its class says why.
            PageError: the page did not do what it should; another attempt may help.
        """
        return await self.scrolling(self._visit(page, user), self._collecting).read()


class Scrolling:
    """One timeline being scrolled.

    Args:
        visit: of the user whose timeline it is.
        collecting: where it goes.
    """

    def __init__(self, visit: Visit, collecting: Collecting) -> None:
        self._visit = visit
        self._page = visit.page
        self._collecting = collecting
        self._random = Random()  # noqa: S311  # how far to scroll
        self._playlists: dict[int, str] = {}
        self._done: set[tuple[str, bool]] = set()
        self._threads: set[str] = set()
        self._page.context.on("request", self._asked)

    async def read(self) -> int:
        """Scroll to where enough was found; returns how many posts that were."""
        user = self._visit.user
        await self._page.route(PARTS, lambda route: route.abort())
        reading = self._collecting.begin(user)
        await self._visit.open(self._page, self._visit.address())
        seen = await self._settled(self._page)
        while not reading.over:
            found, threads = await self._take(seen)
            reading = self._collecting.took(user, found, last=False)
            for path in threads if self._collecting.options.threads else ():
                if (place := place_of({"path": path})) and reading.has(place[1]):
                    await self._thread(path)
            if reading.over:
                break
            at_end = seen["bottom"]
            await self._visit.breathe()
            seen = await self._scrolled(await self._look(self._page))
            if at_end and seen["bottom"] and not self._new(seen):
                reading = self._collecting.took(user, Found(), last=True)
        return self._collecting.finish(user)

    async def _scrolled(self, before: Mapping[str, Any]) -> dict[str, Any]:
        """Go a step on; where rows would be passed over, back again."""
        step = self._random.randint(*STEP)
        await self._page.evaluate(SCROLL, step)
        seen = await self._settled(self._page)
        gap = (seen["top"] or 0) - (before["end"] or 0)
        if gap > 0:
            await self._page.evaluate(SCROLL, -gap - STEP[0])
            seen = await self._settled(self._page)
        return seen

    def _new(self, seen: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        """Articles that were not on the page before."""
        return [one for one in seen["posts"] if place_of(one) is not None and _mark(one) not in self._done]

    async def _take(self, seen: Mapping[str, Any]) -> tuple[Found, list[str]]:
        """Take in what stands on the page and was not there before."""
        fresh = self._new(seen)
        if any(one["folded"] for one in fresh):
            marks = {_mark(one) for one in fresh}
            fresh = [one for one in await self._unfolded(self._page) if _mark(one) in marks]
        posts: list[Post] = []
        for one in fresh:
            quoted = await self._quoted(one) if one["quotes"] else None
            await self._wire(one)
            posts.append(post_shown(one, self._visit.user, self._playlists, quoted=quoted))
            if quoted is not None:
                posts.append(quoted)
            self._done.add(_mark(one))
        threads = [path for path in seen["threads"] if path not in self._threads]
        self._threads.update(threads)
        accounts = [account for one in fresh if (account := account_shown(one)) is not None]
        return Found(posts, accounts), threads

    async def _unfolded(self, page: Page) -> list[Mapping[str, Any]]:
        """Press every "Show more" that is on the page, and look again."""
        buttons = page.locator(FOLDED)
        while await buttons.count():
            await buttons.first.dispatch_event("click")  # wherever it is: nothing moves
        return list((await self._look(page))["posts"])

    async def _quoted(self, one: Mapping[str, Any]) -> Post | None:
        """Open a quote, which has no address, by a click on the page of the post that it stands in."""
        place = place_of(one)
        assert place is not None  # for the type checker
        tab = await self._opened(self._visit.address(place[1], place[0]))
        await tab.locator(QUOTE).first.click(timeout=PATIENCE * 1000)
        for _ in range(int(PATIENCE / LOOK)):
            seen = await self._look(tab)
            focal = next((one for one in seen["posts"] if one["focal"]), None)
            if focal is not None and place_of(focal) not in (None, place):
                await self._wire(focal)
                return post_shown(focal, "", self._playlists)
            if seen["failed"]:
                await self._visit.again(tab, 0)
            await asyncio.sleep(LOOK)
        raise PageError(f"the quote in {place[0]}/status/{place[1]} does not open")

    async def _thread(self, path: str) -> None:
        """Read a thread on its own page."""
        user = self._visit.user
        await self._visit.breathe()
        tab = await self._opened(f"{self._visit.address()[: -len(user) - 1]}{path}")
        folded = tab.get_by_role("button", name="Show replies")
        while await folded.count():
            await folded.first.click()
            await asyncio.sleep(LOOK)
            await self._settled(tab)
        there = await self._unfolded(tab)
        shown = [one for one in there if (place := place_of(one)) and place[0] == user]
        root = min((place[1] for one in shown if (place := place_of(one))), default=None)
        posts = []
        for one in shown:
            known = _mark(one) in self._done
            quoted = await self._quoted(one) if one["quotes"] and not known else None
            await self._wire(one)
            posts.append(post_shown(one, user, self._playlists, quoted=quoted, root=root))
            if quoted is not None:
                posts.append(quoted)
        self._collecting.added(user, Found(posts))

    async def _opened(self, address: str) -> Page:
        """Open an address in the second tab, and wait for what it shows."""
        tab = await self._visit.tab()
        await tab.set_viewport_size(TALL)  # type: ignore[arg-type]  # a TypedDict of the same keys
        await tab.bring_to_front()
        await self._visit.open(tab, address)
        await self._settled(tab)
        await self._page.bring_to_front()
        return tab

    async def _settled(self, page: Page) -> dict[str, Any]:
        """Wait until a page shows posts or says why not; press Retry where something went wrong.

        Raises:
            StudyError: it says why not.
            MarkupChanged: it shows nothing that is known.
        """
        tries, waited = 0, 0.0
        while True:
            seen = await self._look(page)
            if seen["login"]:
                raise LoginWall("the service asks for a login", await self._visit.saved())
            if seen["empty"] is not None and page is self._page:
                await self._refused(seen["empty"])
            if seen["failed"]:
                await self._visit.again(page, tries)
                tries, waited = tries + 1, 0.0
            elif seen["posts"] and not (seen["loading"] and seen["bottom"]):
                return seen
            elif waited > PATIENCE:
                raise MarkupChanged(
                    f"the page of {self._visit.user} shows nothing that is known as a post",
                    await self._visit.saved(),
                )
            await asyncio.sleep(LOOK)
            waited += LOOK

    async def _refused(self, said: str) -> None:
        user = self._visit.user
        if "exist" in said:
            raise UnknownUser(f"there is no account {user}")
        if "suspended" in said:
            raise SuspendedUser(f"the account {user} is suspended")
        if "protected" in said:
            raise ProtectedUser(f"the account {user} is protected")
        raise EmptyTimeline(f"{user} has posted nothing", await self._visit.saved())

    async def _look(self, page: Page) -> dict[str, Any]:
        seen: dict[str, Any] = await page.evaluate(_script())
        return seen

    async def _wire(self, one: Mapping[str, Any]) -> None:
        """Wait until the videos of an article have asked for their playlists."""
        wanted = {video_of(medium["poster"]) for medium in one["media"] if medium["kind"] == "video"}
        for _ in range(int(5.0 / LOOK)):
            if wanted <= self._playlists.keys():
                return
            await asyncio.sleep(LOOK)

    def _asked(self, request: Request) -> None:
        number = video_of(request.url) if ".m3u8" in request.url else None
        if number is not None:
            self._playlists.setdefault(number, request.url)


Dom.scrolling = Scrolling


@cache
def _script() -> str:
    return (files("fetchlab.studies.timeline") / "dom.js").read_text(encoding="utf-8")


def _mark(one: Mapping[str, Any]) -> tuple[str, bool]:
    """What tells an article from others: one that is pinned or reposted may stand there as itself, too."""
    social = str(one["social"] or "")
    return str(one["path"]), social == "Pinned" or social.endswith("reposted")
