"""The private listener through which the parent process talks to the running server."""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING, Any

import msgspec

from fetchlab.errors import TestbedError
from fetchlab.testbed.registry import CONTROL
from fetchlab.testbed.wire import Reply, Request, Route, Wire

if TYPE_CHECKING:
    from collections.abc import Callable

    from fetchlab.testbed.app import App
    from fetchlab.testbed.registry import World

__all__ = ["TOKEN", "ControlWire"]

TOKEN = b"x-testbed-token"


class ControlWire(Wire):
    """Settings and counters of all other wires; answers only who knows the token."""

    def __init__(self, world: World, token: str, apps: dict[str, App]) -> None:
        super().__init__(CONTROL, world)
        self._token = token.encode()
        self._apps = apps

    def routes(self) -> list[Route]:
        """One route for each thing a testbed's handle can do."""
        return [
            Route("GET", "/ping", self._private(lambda _: {})),
            Route("GET", "/settings", self._private(self._settings)),
            Route("POST", "/configure", self._private(self._configure)),
            Route("GET", "/counters", self._private(self._counters)),
            Route("GET", "/recorded", self._private(self._recorded)),
            Route("POST", "/reset", self._private(self._reset)),
        ]

    def _private(self, handler: Callable[[Request], Any]) -> Callable[[Request], Reply]:
        def guarded(request: Request) -> Reply:
            if not hmac.compare_digest(request.header(TOKEN) or b"", self._token):
                return Reply.json({"error": "this listener is private"}, 403)
            try:
                return Reply.json(handler(request))
            except TestbedError as wrong:
                return Reply.json({"error": str(wrong)}, 400)

        return guarded

    def _settings(self, _request: Request) -> Any:
        return {name: app.settings.as_dict() for name, app in self._apps.items()}

    def _configure(self, request: Request) -> Any:
        asked: dict[str, dict[str, Any]] = msgspec.json.decode(request.body)
        ready = {name: self._apps[name].settings.replace(**changes) for name, changes in asked.items()}
        for name, settings in ready.items():
            self._apps[name].configure(settings)
        return self._settings(request)

    def _counters(self, _request: Request) -> Any:
        return {name: app.counters.as_dict() for name, app in self._apps.items()}

    def _recorded(self, request: Request) -> Any:
        return self._apps[request.args["wire"]].wire.recorded()

    def _reset(self, _request: Request) -> Any:
        for app in self._apps.values():
            app.counters.reset()
            app.wire.forget()
        return {}
