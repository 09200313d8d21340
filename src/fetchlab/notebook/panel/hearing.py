"""Buttons and sliders that are heard while a cell runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["hear_at_once"]

ROUTE = "_reply_subshell_for"
"""What ipykernel asks a comm for the subshell of a message; where it does not, the page's wish stands."""


def hear_at_once(widgets: Iterable[Any]) -> None:
    """Let the page decide which thread of the kernel hears these widgets.

    JupyterLab sends what a person does to a *subshell*, a thread beside the one that executes cells.
    ipykernel 7.4 sends it on to whichever loop wrote to the widget last, which is the cells' own: then a
    slider moved while a cell waits is heard when it is too late. Nothing changes where the page asks for no
    subshell, or the kernel has none.
    """
    for widget in widgets:
        comm = getattr(widget, "comm", None)
        if hasattr(comm, ROUTE):
            setattr(comm, ROUTE, _as_asked)


def _as_asked(_data: object, asked: str | None) -> str | None:
    return asked
