"""Which source carries what, and which of them costs least."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fetchlab.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

__all__ = ["CARRIES", "FIELDS", "cheapest"]

FIELDS = (
    "text", "photos", "quotes", "videos", "counts", "language", "replies", "reposts", "threads", "history",
)  # fmt: skip
"""What may be asked for: texts in full; photos; quotes in full, with their media; playable addresses of
videos; how often a post was liked and so on; languages; what a post answers; ids of reposts; threads in full;
posts beyond the newest 3,200."""
CARRIES: dict[str, frozenset[str]] = {
    "api": frozenset(FIELDS) - {"history"},
    "rss": frozenset({"text", "photos", "quotes", "history"}),
    "network": frozenset(FIELDS),
    "dom": frozenset(FIELDS) - {"replies", "reposts"},
}
"""By source, the cheapest first: a hundred posts in a request, twenty, twenty and a browser, a few in a step
of a browser."""


def cheapest(fields: Collection[str], there: Iterable[str]) -> tuple[str, str]:
    """Return the cheapest source that carries all of the fields, and why it is that one.

    Args:
        fields: of FIELDS; empty for all but ``history``.
        there: the sources that can be asked.

    Raises:
        ConfigError: there is no such field, or no source that carries them all.
    """
    if isinstance(fields, str) or not set(fields) <= set(FIELDS):
        raise ConfigError("fields", f"are of {', '.join(FIELDS)}, not {fields!r}")
    wanted = set(fields) or set(FIELDS) - {"history"}
    able = set(there)
    passed = []
    for source, carried in CARRIES.items():
        missing = sorted(wanted - carried)
        if source not in able:
            passed.append(f"{source} was not given")
        elif missing:
            passed.append(f"{source} carries no {', '.join(missing)}")
        else:
            return source, "; ".join([f"{source} is the cheapest that carries what is asked for", *passed])
    raise ConfigError("fields", f"no source carries them all: {'; '.join(passed)}")
