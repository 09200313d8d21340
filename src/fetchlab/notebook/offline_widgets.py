"""Widgets as plain HTML, from the state that was saved with the notebook."""

from __future__ import annotations

import html
from typing import Any

from fetchlab.notebook.scrubbing import scrub

__all__ = ["drawn"]

_POINTER = "IPY_MODEL_"


def drawn(model: str, states: dict[str, Any]) -> str:
    """Return a widget as it stood; empty if its state is not there or nothing of it can be shown.

    Text, bars and boxes are drawn; of a control its description and its value are told, buttons are left out.
    """
    saved = states.get(model.removeprefix(_POINTER))
    if saved is None:
        return ""
    kind, state = saved["model_name"], saved["state"]
    if "children" in state:
        inside = [drawn(child, states) for child in state["children"]]
        across = kind == "HBoxModel"
        style = ' style="display:flex;gap:.6em;align-items:center;flex-wrap:wrap"' if across else ""
        return f"<div{style}>{''.join(inside)}</div>" if any(inside) else ""
    value = state.get("value")
    if kind in ("HTMLModel", "HTMLMathModel"):
        text = scrub(str(value or ""))
        return f"<div>{text}</div>" if text else ""
    if kind == "ButtonModel":  # nothing can be pressed here
        return ""
    told = html.escape(str(state.get("description") or ""))
    labels, place = state.get("_options_labels"), state.get("index")
    if labels and isinstance(place, int):
        value = labels[place]
    elif isinstance(value, bool):
        value = "on" if value else "off"
    if kind in ("FloatProgressModel", "IntProgressModel"):
        low, high = state.get("min") or 0.0, state.get("max")
        bar = f'value="{(value or 0.0) - low}" max="{(100.0 if high is None else high) - low}"'
        named = f'aria-label="{told or "progress"}" style="width:24em"'
        return f"<div>{told} <progress {named} {bar}></progress></div>"
    if isinstance(value, str | int | float):
        return f'<div class="control">{told} {html.escape(str(value))}</div>'
    return f'<div class="control">{told}</div>' if told else ""
