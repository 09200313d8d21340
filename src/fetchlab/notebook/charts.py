"""Charts that a program would have to draw, drawn: Altair's and every other output that is Vega-Lite.

Altair shows a chart as a script that fetches its library from the network. Neither GitHub nor a page without
scripts runs it, and JupyterLab does not in a notebook that came from somebody else.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from fetchlab.redaction import redact_url

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["SVG", "draw"]

SVG = "image/svg+xml"
VIEW = "application/vnd.jupyter.widget-view+json"
STATE = "application/vnd.jupyter.widget-state+json"

_MIMETYPE = re.compile(r"application/vnd\.vega(?P<lite>lite)?\.v\d+(?:\.\d+)*[.+]json")
_SCHEMA = re.compile(r"/schema/vega(?P<lite>-lite)?/v(?P<version>(?P<major>\d+)(?:\.\d+)?)")
_EMBEDDED = re.compile(r"(?:\}\)\(|\b(?:var|let|const) spec = )(?=\{)")


def draw(book: Any) -> list[str]:
    """Give every chart in a notebook's outputs its SVG, which takes the place of HTML that is only a script.

    A chart is drawn from what it holds: one whose data are elsewhere stays as it is, for sharing reads no
    file and asks nobody.

    Args:
        book: the executed notebook, changed in place.

    Returns:
        A sentence for each chart that could not be drawn.
    """
    notes = []
    states = book.metadata.get("widgets", {}).get(STATE, {}).get("state", {})
    for number, cell in enumerate(book.cells, 1):
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            spec, useless = _chart(data, states)
            if spec is None or SVG in data:
                continue
            try:
                data[SVG] = _svg(spec)
            except ValueError as error:
                reason = re.sub(r"\s+at ext:.*", "", str(error), flags=re.DOTALL).splitlines()[-1]
                notes.append(f"cell {number}: a chart is not drawn: {reason}")
            else:
                for kind in useless:
                    del data[kind]
    return notes


def _chart(data: Any, states: Any) -> tuple[dict[str, Any] | None, list[str]]:
    """Return the chart that an output is, and which of its forms nobody needs beside a figure.

    These are HTML that is nothing but the chart's script, and Altair 6's mimetype, for a notebook may hold
    an object only under a name that ends in ``+json``.
    """
    embedded = _embedded(data)
    useless = ["text/html"] if embedded is not None else []
    for kind, value in data.items():
        if _MIMETYPE.fullmatch(kind) and isinstance(value, dict):
            return dict(value), [*useless, *([kind] if kind.endswith(".json") else [])]
    if VIEW in data:
        spec = states.get(data[VIEW]["model_id"], {}).get("state", {}).get("spec")
        return (spec if _is_chart(spec) else None), []
    return embedded, useless


def _embedded(data: Any) -> dict[str, Any] | None:
    """Return the one chart that a script in HTML hands to vega-embed."""
    text = data.get("text/html", "")
    text = "".join(text) if isinstance(text, list) else text
    if "vega" not in text:
        return None
    found = []
    for match in _EMBEDDED.finditer(text):
        try:
            spec, _ = json.JSONDecoder().raw_decode(text, match.end())
        except ValueError:
            continue
        if _is_chart(spec):
            found.append(spec)
    return found[0] if len(found) == 1 else None


def _is_chart(spec: Any) -> bool:
    return isinstance(spec, dict) and _SCHEMA.search(str(spec.get("$schema", ""))) is not None


def _svg(spec: dict[str, Any]) -> str:
    """Draw a chart with the library's version it was written for, as far as that is here."""
    import vl_convert

    for url in _outside(spec):
        raise ValueError(f"its data are elsewhere, in {url}")
    named = _SCHEMA.search(str(spec.get("$schema", "")))
    if named is not None and named["lite"] is None:
        return str(vl_convert.vega_to_svg(spec, allowed_base_urls=[]))
    known = vl_convert.get_vegalite_versions()
    version = None
    if named is not None:
        same = [one for one in known if one.split(".")[0] == named["major"]]
        version = named["version"] if named["version"] in known else same[-1] if same else None
    return str(vl_convert.vegalite_to_svg(spec, vl_version=version, allowed_base_urls=[]))


def _outside(value: Any, name: str = "") -> Iterator[str]:
    """Give the addresses of data that a chart does not hold itself."""
    if isinstance(value, dict):
        url = value.get("url")
        if name == "data" and isinstance(url, str) and not url.startswith("data:"):
            yield redact_url(url)
        for key, inner in value.items():
            yield from _outside(inner, key)
    elif isinstance(value, list):
        for inner in value:
            yield from _outside(inner, name)
