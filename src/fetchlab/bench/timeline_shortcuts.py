"""Three shortcuts that a published document forbids, to see what they gain and what they lose.

Nothing but their measurement uses them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from fetchlab.studies.timeline import Timeline
from fetchlab.studies.timeline.dom import SCROLL, Dom, Scrolling

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fetchlab.studies.timeline.rows import Post

__all__ = ["SHORTCUTS", "timeline_with"]

FAR = (1_500, 3_000)
"""Pixels of a scroll; the document: of more than 1,000 posts are missed."""


class _Far(Scrolling):
    """Scrolls far, and does not look whether rows were passed over."""

    async def _scrolled(self, before: Mapping[str, Any]) -> dict[str, Any]:
        del before
        await self._page.evaluate(SCROLL, self._random.randint(*FAR))
        return await self._settled(self._page)


class _WithoutQuotes(Scrolling):
    """Opens no quote."""

    async def _quoted(self, one: Mapping[str, Any]) -> Post | None:
        del one
        return None


class _WithoutVideos(Scrolling):
    """Does not wait for what videos ask for, and keeps nothing of it."""

    async def _wire(self, one: Mapping[str, Any]) -> None:
        """Wait for nothing."""

    def _asked(self, request: Any) -> None:
        """Keep nothing."""


SHORTCUTS: dict[str, type[Scrolling]] = {
    "scroll 1,500–3,000 px": _Far,
    "no quote navigation": _WithoutQuotes,
    "no video capture": _WithoutVideos,
}


def timeline_with(shortcut: str) -> type[Timeline]:
    """Return a client whose ``dom`` collector takes a shortcut, one of SHORTCUTS."""

    class Shortened(Dom):
        scrolling = SHORTCUTS[shortcut]

    class Hasty(Timeline):
        readers: ClassVar = {**Timeline.readers, "dom": Shortened}

    return Hasty
