"""Whether the machines of a cluster fit the process that uses them. Sans I/O."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["PACKAGES", "mismatches"]

PACKAGES = ("fetchlab", "polars", "pyreqwest")
"""Asked for beside what Dask tells of itself."""
_PARTS = {"python": 2, "fetchlab": 3, "polars": 1, "distributed": 2, "cloudpickle": 1}
"""So many leading numbers must be equal: functions cross as bytecode, values as their classes."""


def mismatches(here: Mapping[str, str | None], there: Mapping[str, Mapping[str, str | None]]) -> list[str]:
    """Return what does not fit, a line for each package and version.

    Args:
        here: versions by package, ``python`` among them, of the process that makes the call.
        there: the same by machine.

    Returns:
        Such as ``"fetchlab 0.2.0 here, missing on tcp://10.0.0.7:40331 and 3 others"``; empty if all fit.
    """
    found = []
    for name, parts in _PARTS.items():
        own = here.get(name)
        others: dict[str | None, list[str]] = {}
        for machine, versions in there.items():
            version = versions.get(name)
            if version is None or _head(version, parts) != _head(own or "", parts):
                others.setdefault(version, []).append(machine)
        for version, machines in others.items():
            more = f" and {len(machines) - 1} others" if len(machines) > 1 else ""
            said = "missing" if version is None else _shown(version)
            found.append(f"{name} {_shown(own or 'missing')} here, {said} on {machines[0]}{more}")
    return found


def _head(version: str, parts: int) -> list[str]:
    return version.split(".")[:parts]


def _shown(version: str) -> str:
    return version.removesuffix(".final.0")
