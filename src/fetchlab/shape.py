"""What values look like: the types at every place of nested data, over many values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["Shape"]

MOST_FIELDS = 200
"""Different fields in one place, beyond which they are data (a dict by id), not fields."""
_LARGE = "large int"


class Shape:
    """The types seen at one place, and below it.

    Attributes:
        seen: how many values were seen here.
        kinds: names of their types, None among them.
        fields: the shapes of a dict's fields by name.
        inner: the shape of a list's entries.
    """

    __slots__ = ("fields", "inner", "kinds", "seen")

    def __init__(self) -> None:
        self.seen = 0
        self.kinds: dict[str, int] = {}
        self.fields: dict[str, Shape] = {}
        self.inner: Shape | None = None

    def add(self, value: Any) -> None:
        """See one more value."""
        self.seen += 1
        kind = _kind(value)
        self.kinds[kind] = self.kinds.get(kind, 0) + 1
        if kind == "dict":
            for name, entry in value.items():
                self._field(str(name)).add(entry)
        elif kind == "list":
            if self.inner is None:
                self.inner = Shape()
            for entry in value:
                self.inner.add(entry)

    def _field(self, name: str) -> Shape:
        field = self.fields.get(name)
        if field is None:
            if len(self.fields) >= MOST_FIELDS:
                name = "…"
                field = self.fields.get(name)
            if field is None:
                field = self.fields[name] = Shape()
        return field

    @property
    def mixed(self) -> bool:
        """True if no nested column holds all: dicts, lists and plain values in one place, or huge numbers."""
        families = {kind if kind in ("dict", "list") else "plain" for kind in self.kinds if kind != "None"}
        return (
            len(families) > 1
            or _LARGE in self.kinds
            or any(field.mixed for field in self.fields.values())
            or (self.inner is not None and self.inner.mixed)
        )

    @property
    def nested(self) -> bool:
        """True if there are dicts or lists here."""
        return "dict" in self.kinds or "list" in self.kinds

    def outline(self, indent: str = "") -> str:
        """Return the types as indented text, a line per field; ``?`` where one may be missing or None."""
        lines = []
        owner = self._owner()
        for name, field in owner.fields.items():
            optional = "?" if field.seen < owner.kinds["dict"] or "None" in field.kinds else ""
            lines.append(f"{indent}{name}{optional}: {field.word()}")
            below = field.outline(indent + "    ")
            if below:
                lines.append(below)
        if not indent:
            return "\n".join([self.word(), *lines])
        return "\n".join(lines)

    def word(self) -> str:
        """Return the types of this place in a word: ``int``, ``str | None``, ``list of dict``."""
        words = [self._named(kind) for kind in self.kinds if kind != "None"]
        return " | ".join(words or ["None"])

    def _named(self, kind: str) -> str:
        if kind != "list" or self.inner is None or not self.inner.seen:
            return kind
        return f"list of {self.inner.word()}"

    def _owner(self) -> Shape:
        """Whose fields to list: of a list its entries'."""
        return self if self.fields or self.inner is None else self.inner._owner()  # noqa: SLF001  # its own kind

    def __repr__(self) -> str:
        return self.outline()


def _kind(value: Any) -> str:
    if value is None:
        return "None"
    if isinstance(value, Mapping):
        return "dict"
    if isinstance(value, list | tuple):
        return "list"
    if isinstance(value, int) and value.bit_length() > 63:
        return _LARGE
    return type(value).__name__
