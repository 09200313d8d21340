"""The page's own answers: a browser opens the timeline, scrolls, and what the page loads is read as it comes.

Nothing is asked that the page would not ask. Posts are whole in these answers, quotes and the files of videos
too; of threads the timeline leaves posts out, which the thread's own page has.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fetchlab.errors import EmptyTimeline, LoginWall, MarkupChanged, PageError, StudyError
from fetchlab.studies.timeline.graphql import conversation_of, more_of, post_of, timeline_of
from fetchlab.studies.timeline.rows import Found
from fetchlab.studies.timeline.visiting import PARTS, Ears, InBrowser, Visit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from playwright.async_api import Page

    from fetchlab.studies.timeline.reading import Reading
    from fetchlab.studies.timeline.rows import Post

__all__ = ["Network"]

NUDGES = (2.0, 4.0, 8.0, 16.0)
"""Seconds after which a silent page is shown its end again; after the last it is given up."""
TALL = {"width": 1280, "height": 6_000}
"""A window in which a conversation stands as a whole, with the buttons in it."""


class Network(InBrowser):
    """Reads timelines from what the site's page is answered."""

    source = "network"

    async def read(self, page: Page, user: str) -> int:
        """Read a timeline; returns how many posts of it were found.

        Raises:
            StudyError: there is no timeline to read; its class says why.
            PageError: the page did not do what it should; another attempt may help.
        """
        visit = self._visit(page, user)
        try:
            return await self._read(visit, page, user)
        except LoginWall as error:
            raise LoginWall(str(error), await visit.saved()) from error
        except StudyError as error:
            if type(error) is not StudyError:
                raise
            raise MarkupChanged(str(error), await visit.saved()) from error

    async def _read(self, visit: Visit, page: Page, user: str) -> int:
        reading = self._collecting.begin(user)
        ears = Ears(page)
        await page.route(PARTS, lambda route: route.abort())
        await visit.open(page, visit.address())
        tries = 0
        while not reading.over:
            operation, answer, after = await self._next(visit, ears)
            if answer is None:
                await visit.again(page, tries, after)
                tries += 1
                continue
            tries = 0
            if operation == "UserByScreenName":
                account = visit.known(answer)
                self._collecting.added(user, Found(accounts=[account]))
            elif operation == "UserTweets":
                found = timeline_of(answer, user)
                reading = self._took(user, found)
                if self._collecting.options.threads:
                    await self._threads(visit, [post for post in found.threads if reading.has(post.id)])
                if not reading.over:
                    await visit.breathe()
                    await visit.scroll()
        if not reading.found and not reading.window.posts:
            raise EmptyTimeline(f"{user} has posted nothing", await visit.saved())
        return self._collecting.finish(user)

    async def read_one(self, page: Page, number: int) -> int:
        """Read a stored post on its own page, whoever wrote it; returns its id.

        Raises:
            StudyError: it is not stored, so that nobody knows its page, or it is not there any more.
            PageError: its page does not load.
        """
        user = self._collecting.store.author(number)
        if user is None:
            raise StudyError(f"post {number} is not stored, so that its page is not known")
        visit = self._visit(page, user)
        ears = Ears(page)
        await page.route(PARTS, lambda route: route.abort())
        await visit.open(page, visit.address(number))
        tries = 0
        while True:
            operation, answer, after = await self._next(visit, ears)
            if answer is None:
                await visit.again(page, tries, after)
                tries += 1
            elif operation == "TweetDetail":
                self._collecting.store.add(post_of(answer, number), self.source)
                return number

    def _took(self, user: str, found: Found) -> Reading:
        return self._collecting.took(user, found, last=not found.of_timeline() or found.cursor is None)

    async def _next(self, visit: Visit, ears: Ears) -> tuple[str, Any, float | None]:
        """The next answer; a page that asks for nothing is shown its end again."""
        for seconds in NUDGES:
            try:
                return await ears.next(seconds)
            except TimeoutError:
                await visit.page.evaluate("window.scrollBy(0, -600)")
                await visit.scroll()
        raise MarkupChanged(
            f"the page of {visit.user} asks for no posts, or in another way than it did", await visit.saved()
        )

    async def _threads(self, visit: Visit, threads: Sequence[Post]) -> None:
        """Visit the pages of threads that the timeline does not show whole."""
        for post in threads:
            await visit.breathe()
            self._collecting.added(visit.user, await self.conversation(visit, post.conversation or post.id))
        if threads:
            await visit.page.bring_to_front()  # a page behind another one does not notice that it is scrolled

    async def conversation(self, visit: Visit, root: int) -> Found:
        """Read a thread on its own page, folded parts as well.

        Args:
            visit: of the user whose thread it is.
            root: the post it began with.

        Raises:
            PageError: it does not load.
        """
        tab = await visit.tab()
        await tab.set_viewport_size(TALL)  # type: ignore[arg-type]  # a TypedDict of the same keys
        await tab.bring_to_front()
        ears = Ears(tab)
        try:
            await visit.open(tab, visit.address(root))
            return await self._unfolded(visit, tab, ears, root)
        finally:
            ears.close()

    async def _unfolded(self, visit: Visit, tab: Page, ears: Ears, root: int) -> Found:
        whole = Found()
        tries = 0
        while True:
            try:
                operation, answer, after = await ears.next()
            except TimeoutError:
                raise PageError(f"the thread {root} of {visit.user} does not load") from None
            if operation != "TweetDetail":
                continue
            if answer is None:
                await visit.again(tab, tries, after)
                tries += 1
                continue
            found = conversation_of(answer, visit.user, root)
            whole.posts += found.posts
            whole.accounts += found.accounts
            if not more_of(answer):
                return whole
            await visit.breathe()
            await tab.get_by_role("button", name="Show replies").first.click()
