"""Widgets where no kernel is: what they told stays readable, what they could do is left out."""

from __future__ import annotations

import pytest

from fetchlab.notebook.offline_widgets import drawn


def states(**models):
    return {name: {"model_name": kind, "state": state} for name, (kind, state) in models.items()}


@pytest.mark.parametrize(
    ("kind", "state", "told"),
    [
        ("IntSliderModel", {"description": "Workers", "value": 20}, "Workers 20"),
        ("CheckboxModel", {"description": "auto", "value": False}, "auto off"),
        (
            "DropdownModel",
            {"description": "Cache", "_options_labels": ["off", "use"], "index": 1},
            "Cache use",
        ),
        ("TextModel", {"description": "Max <pages>", "value": ""}, "Max &lt;pages&gt; "),
    ],
)
def test_a_control_tells_what_it_was_set_to(kind, state, told):
    """With which settings the figures were made is what a reader asks first."""
    assert drawn("IPY_MODEL_one", states(one=(kind, state))) == f'<div class="control">{told}</div>'


def test_buttons_are_left_out():
    """A button that cannot be pressed is a broken page."""
    box = ("HBoxModel", {"children": ["IPY_MODEL_press"]})
    assert drawn("box", states(box=box, press=("ButtonModel", {"description": "Start"}))) == ""


def test_boxes_show_what_is_in_them_without_scripts():
    """Whoever is sent the page must not run what stood in an output."""
    found = drawn(
        "box",
        states(
            box=("VBoxModel", {"children": ["a", "gone"]}),
            a=("HTMLModel", {"value": "<b>7</b><script>1</script>"}),
        ),
    )
    assert found == "<div><div><b>7</b></div></div>"
