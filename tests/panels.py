"""A panel under a person's hands: what is pressed, what can be pressed, what is shown."""

from __future__ import annotations

import threading


def urls(echo, count, path="json"):
    return [f"{echo}/{path}?n={number}" for number in range(count)]


def press(panel, label):
    (button,) = [one for one in panel._buttons.values() if one.description == label]
    assert not button.disabled, f"{label} cannot be pressed"
    button.click()


def enabled(panel):
    return {one.description for one in panel._buttons.values() if not one.disabled}


def controls(panel):
    return {one.description: one for one in panel._controls.widgets() if hasattr(one, "description")}


def measured(panel, title):
    """Press a tab's button and wait; give what the tab shows."""
    tab(panel, title, "begin").click()
    settle(panel)
    return tab(panel, title, "answer").value


def tab(panel, title, part):
    return dict(zip(("begin", "cancel", "answer"), panel._lab._tabs[title], strict=True))[part]


def settle(panel):
    """Wait until no measurement goes on; write what it left."""
    for thread in threading.enumerate():
        if thread.name == "fetchlab-panel":
            thread.join(60)
    assert panel._lab.measuring.place is None
    panel.refresh()
