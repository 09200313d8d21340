"""What was typed into password fields, taken out before a notebook is written."""

from __future__ import annotations

from typing import Any

__all__ = ["take"]

STATE = "application/vnd.jupyter.widget-state+json"


def take(book: Any) -> frozenset[str]:
    """Empty every password field in the saved state of a notebook's widgets, and return what was in them.

    The screen shows dots, the state clear text. The field itself may be shared: an empty one loses nothing,
    for whoever gets the notebook is to type a password of their own.
    """
    taken = set()
    states = book.metadata.get("widgets", {}).get(STATE, {}).get("state", {})
    for saved in states.values():
        if saved.get("model_name") == "PasswordModel" and saved["state"].get("value"):
            taken.add(str(saved["state"]["value"]))
            saved["state"]["value"] = ""
    return frozenset(taken)
