"""The wire `openai`: chat completions (:mod:`fetchlab.testbed.chat`) and video jobs beside them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fetchlab.testbed.chat import ChatWire
from fetchlab.testbed.videos import VIDEOS, Videos

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fetchlab.testbed.registry import World
    from fetchlab.testbed.settings import Settings
    from fetchlab.testbed.wire import Request, Route

__all__ = ["OpenAIWire"]


class OpenAIWire(ChatWire):
    """Everything below ``/v1``; completions and orders of videos are paid."""

    def __init__(self, name: str, world: World) -> None:
        super().__init__(name, world)
        self._videos = Videos(world, self.limits)

    def configure(self, settings: Settings) -> None:
        """Follow what is set for keys, chat and jobs."""
        super().configure(settings)
        self._videos.configure(settings)

    def routes(self) -> list[Route]:
        """Those of both."""
        return [*super().routes(), *self._videos.routes()]

    def paid(self, request: Request) -> bool:
        """Completions and orders are."""
        return super().paid(request) or (request.method == "POST" and request.path == VIDEOS)

    def recorded(self) -> dict[str, Sequence[dict[str, Any]]]:
        """Completions since they were last forgotten, and all jobs."""
        return {**super().recorded(), "jobs": self._videos.recorded()}
