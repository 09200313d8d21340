"""What one wire has seen, as plain numbers."""

from __future__ import annotations

from typing import Any

__all__ = ["Counters", "total"]


class Counters:
    """Counts of one wire. `in_flight` is a state and survives `reset`, the rest are sums since then."""

    __slots__ = ("by_route", "connections", "faults", "in_flight", "max_in_flight", "refused", "requests")

    def __init__(self) -> None:
        self.in_flight = 0
        self.reset()

    def reset(self) -> None:
        """Start counting anew."""
        self.requests = 0
        self.refused = 0
        self.connections = 0
        self.max_in_flight = self.in_flight
        self.by_route: dict[str, int] = {}
        self.faults: dict[str, int] = {}

    def begin(self, route: str) -> None:
        """A request has arrived."""
        self.requests += 1
        self.by_route[route] = self.by_route.get(route, 0) + 1
        self.in_flight += 1
        self.max_in_flight = max(self.max_in_flight, self.in_flight)

    def fault(self, kind: str) -> None:
        """A request has been answered wrongly on purpose."""
        self.faults[kind] = self.faults.get(kind, 0) + 1

    def as_dict(self) -> dict[str, Any]:
        """A copy to send or to keep."""
        return {
            "requests": self.requests,
            "by_route": dict(self.by_route),
            "in_flight": self.in_flight,
            "max_in_flight": self.max_in_flight,
            "refused": self.refused,
            "connections": self.connections,
            "faults": dict(self.faults),
        }


def total(parts: list[dict[str, Any]]) -> dict[str, Any]:
    """The sum over wires; `max_in_flight` is the most that any one of them held."""
    whole = Counters().as_dict()
    for part in parts:
        for name in ("requests", "in_flight", "refused", "connections"):
            whole[name] += part[name]
        whole["max_in_flight"] = max(whole["max_in_flight"], part["max_in_flight"])
        for name in ("by_route", "faults"):
            for kind, count in part[name].items():
                whole[name][kind] = whole[name].get(kind, 0) + count
    return whole
