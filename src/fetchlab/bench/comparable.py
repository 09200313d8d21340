"""Whether figures of two runs may be held against each other, and what else differed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from fetchlab.bench.stability import BUSY

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["DIFFERENCES", "differences", "reasons"]

DIFFERENCES = pl.Schema({"what": pl.String, "earlier": pl.String, "later": pl.String})
MACHINE = {"cpu": "CPU", "machine": "architecture", "cores_usable": "cores", "memory_gib": "GiB of memory"}
SOFTWARE = ("git", "python", "implementation", "gil", "free_threading", "loop", "sqlite", "os")
FREE = ("rounds", "seed")
"""Settings that say how often and in which order, not what is measured."""
NEAR = 0.05
"""Memory differs by so much between two starts of one machine."""


def reasons(earlier: Mapping[str, Any], later: Mapping[str, Any]) -> list[str]:
    """Return why two runs cannot be compared, empty if they can.

    Args:
        earlier: the environment record of the one, with its settings.
        later: that of the other.
    """
    found = []
    changed = [
        f"{name} {_text(new)}, earlier {_text(old)}"
        for name, old, new in _unequal(earlier.get("settings", {}), later.get("settings", {}))
        if name not in FREE
    ]
    if changed:
        found.append(f"other settings: {'; '.join(changed)}")
    other = [
        f"{word} {_text(later.get(name))}, earlier {_text(earlier.get(name))}"
        for name, word in MACHINE.items()
        if not _alike(earlier.get(name), later.get(name))
    ]
    if _system(earlier) != _system(later):
        other.append(f"{_system(later)}, earlier {_system(earlier)}")
    if other:
        found.append(f"another machine: {'; '.join(other)}")
    return found


def differences(earlier: Mapping[str, Any], later: Mapping[str, Any]) -> pl.DataFrame:
    """Return what differs between two runs and may explain a change: software, load, rounds and seed.

    Returns:
        Columns ``what``, ``earlier`` and ``later``, as text; ``–`` where it was not there.
    """
    rows = [(name, old, new) for name, old, new in _unequal(earlier, later) if name in SOFTWARE]
    for kind in ("programs", "packages"):
        rows += _unequal(earlier.get(kind, {}), later.get(kind, {}))
    settings = _unequal(earlier.get("settings", {}), later.get("settings", {}))
    rows += [(name, old, new) for name, old, new in settings if name in FREE]
    loads = [about.get("load_1min") for about in (earlier, later)]
    cores = [about.get("cores_usable") or about.get("cores") or 1 for about in (earlier, later)]
    if any(load is not None and load > BUSY * count for load, count in zip(loads, cores, strict=True)):
        rows.append(("load before the first round", loads[0], loads[1]))
    return pl.DataFrame(
        [(name, _text(old), _text(new)) for name, old, new in rows], DIFFERENCES, orient="row"
    )


def _unequal(earlier: Mapping[str, Any], later: Mapping[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    for name in sorted({*earlier, *later}):
        if earlier.get(name) != later.get(name):
            yield name, earlier.get(name), later.get(name)


def _alike(old: Any, new: Any) -> bool:
    """Whether two machines may be one; what a record does not say tells them not apart."""
    if old is None or new is None:
        return True
    if isinstance(old, float) and isinstance(new, float):
        return abs(new - old) <= NEAR * max(old, new)
    return bool(old == new)


def _system(about: Mapping[str, Any]) -> str:
    """``Linux`` of ``Linux 6.1``: another release is another version, another system another machine."""
    return str(about.get("os") or "an unknown system").partition(" ")[0]


def _text(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, list):
        return ", ".join(map(_text, value))
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)
