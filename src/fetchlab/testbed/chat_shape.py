"""A JSON value of the shape that a schema asks for, filled with what there is to say."""

from __future__ import annotations

from typing import Any

__all__ = ["shaped"]

Known = dict[str, Any]

_DEEPEST = 24
_ALIASES = {
    "number": "scene", "scene_number": "scene", "n": "scene", "index": "scene", "id": "scene",
    "heading": "title", "name": "title",
    "description": "visual", "action": "visual", "prompt": "visual", "video_prompt": "visual",
    "image_prompt": "visual", "visual_prompt": "visual", "visuals": "visual",
    "voiceover": "narration", "voice_over": "narration", "text": "narration", "dialogue": "narration",
    "duration": "seconds", "length": "seconds", "summary": "beat", "what": "beat", "event": "beat",
    "shots": "scenes", "storyboard": "scenes", "script": "scenes", "beats": "outline", "entries": "outline",
    "seen": "context", "earlier": "context", "continuity": "context", "people": "characters",
    "location": "setting", "world": "setting", "tone": "style", "premise": "logline", "synopsis": "logline",
}  # fmt: skip


def shaped(schema: dict[str, Any], known: Known) -> Any:
    """The smallest instance of `schema` that says all that is known.

    Properties are filled by their names (``scene`` or ``number``, ``title``, ``visual`` or ``prompt``, …);
    those that are neither known nor required are left out. Understood are types, ``properties``,
    ``required``, ``items``, ``enum``, ``const``, ``anyOf``, ``oneOf``, ``allOf``, local ``$ref``, and the
    bounds of lengths and numbers.

    Args:
        schema: a JSON schema.
        known: values by name; lists under ``scenes``, ``outline``, ``context`` and ``characters`` give
            arrays their elements.
    """
    return _Shaper(schema).make(schema, "", known, 0)


class _Shaper:
    def __init__(self, root: dict[str, Any]) -> None:
        self._root = root

    def make(self, schema: Any, name: str, known: Known, depth: int) -> Any:
        schema = self._resolved(schema, depth)
        if depth > _DEEPEST:
            return None
        if "const" in schema:
            return schema["const"]
        value = _look_up(known, name)
        choices = schema.get("enum")
        if choices:
            return value if value in choices else choices[0]
        kind = _type(schema)
        if kind == "object":
            return self._object(schema, value if isinstance(value, dict) else known, depth)
        if kind == "array":
            return self._array(schema, name, value, known, depth)
        return _plain(kind, schema, name, value)

    def _object(self, schema: dict[str, Any], known: Known, depth: int) -> dict[str, Any]:
        properties = schema.get("properties") or {}
        required = schema.get("required") or ()
        return {
            name: self.make(inner, name, known, depth + 1)
            for name, inner in properties.items()
            if name in required or _look_up(known, name) is not None
        }

    def _array(self, schema: dict[str, Any], name: str, value: Any, known: Known, depth: int) -> list[Any]:
        items = schema.get("items") or {}
        elements = value if isinstance(value, list) else self._elements(items, known, depth)
        made = [self.make(items, "element", _within(one), depth + 1) for one in elements]
        least = schema.get("minItems", 0)
        while len(made) < least:
            made.append(self.make(items, name, known, depth + 1))
        return made[: schema.get("maxItems")]

    def _elements(self, items: Any, known: Known, depth: int) -> list[Any]:
        """What an array of an unknown name holds: scenes or an outline, if its objects are numbered."""
        names = self._resolved(items, depth).get("properties") or {}
        if any(_ALIASES.get(name, name) == "scene" for name in names):
            return list(known.get("scenes") or known.get("outline") or ())
        return []

    def _resolved(self, schema: Any, depth: int) -> dict[str, Any]:
        for _ in range(_DEEPEST):
            if not isinstance(schema, dict):
                return {}
            if "$ref" in schema:
                schema = self._referred(schema["$ref"])
            elif "allOf" in schema:
                parts = [self._resolved(part, depth) for part in schema["allOf"]]
                schema = {key: value for part in (schema, *parts) for key, value in part.items()}
                del schema["allOf"]
            elif schema.get("anyOf") or schema.get("oneOf"):
                options = schema.get("anyOf") or schema["oneOf"]
                schema = next((one for one in options if one.get("type") != "null"), {"type": "null"})
            else:
                return schema
        return {}

    def _referred(self, pointer: str) -> Any:
        found: Any = self._root
        for part in pointer.removeprefix("#").strip("/").split("/"):
            found = found.get(part.replace("~1", "/").replace("~0", "~"), {}) if part else found
        return found


def _look_up(known: Known, name: str) -> Any:
    return known.get(name, known.get(_ALIASES.get(name.lower(), name.lower())))


def _within(element: Any) -> Known:
    """All that is known inside an element of a list: its neighbours are not its own."""
    inner = element if isinstance(element, dict) else {"name": element, "title": element}
    return {**inner, "element": element}


def _type(schema: dict[str, Any]) -> str:
    kind = schema.get("type")
    if isinstance(kind, list):
        kind = next((one for one in kind if one != "null"), "null")
    if kind is None:
        kind = "object" if "properties" in schema else "array" if "items" in schema else "string"
    return str(kind)


def _plain(kind: str, schema: dict[str, Any], name: str, value: Any) -> Any:
    if kind == "string":
        text = value if isinstance(value, str) else name if value is None else _listed(value)
        text = text.ljust(schema.get("minLength", 0), ".")
        return text[: schema.get("maxLength")]
    if kind in ("integer", "number"):
        value = value.get("scene") if isinstance(value, dict) else value
        number = value if isinstance(value, int | float) and not isinstance(value, bool) else 1
        number = max(number, schema.get("minimum", number))
        number = min(number, schema.get("maximum", number))
        return int(number) if kind == "integer" else number
    if kind == "boolean":
        return value if isinstance(value, bool) else True
    return None


def _listed(value: Any) -> str:
    if isinstance(value, dict):
        return ": ".join(str(part) for part in list(value.values())[:2])
    if isinstance(value, list):
        return "; ".join(_listed(one) for one in value)
    return str(value)
