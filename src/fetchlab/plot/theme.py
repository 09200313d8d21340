"""The house look: white, sans-serif, 640 px wide, colours that colour-blind readers can tell apart."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from altair.theme import ThemeConfig

__all__ = ["COLOURS", "HEIGHT", "WIDTH", "house", "use_svg"]

NAME = "fetchlab"
WIDTH = 640
HEIGHT = 220

COLOURS = {
    "blue": "#0072B2",
    "sky": "#56B4E9",
    "green": "#009E73",
    "vermilion": "#D55E00",
    "orange": "#E69F00",
    "purple": "#CC79A7",
    "yellow": "#F0E442",
    "grey": "#999999",
    "ink": "#333333",
}
"""Okabe and Ito's palette (2008), with two greys."""


def use_svg() -> None:
    """Let this notebook show every chart as SVG, in the house theme.

    SVG needs no JavaScript, so charts stay visible in JupyterLab of any version, on GitHub, in offline HTML
    and in PDF. Call it once, in the first cell.
    """
    import altair as alt

    _register()
    alt.theme.enable(NAME)
    alt.renderers.enable("svg")


@contextmanager
def house() -> Iterator[None]:
    """The house theme for the length of a ``with`` block, unless the user has chosen a theme."""
    import altair as alt

    _register()
    if alt.theme.active != "default":
        yield
        return
    with alt.theme.enable(NAME):
        yield


def _register() -> None:
    import altair as alt

    if NAME not in alt.theme.names():
        alt.theme.register(NAME, enable=False)(_config)


def _config() -> ThemeConfig:
    # Liberation Sans, which vl-convert measures text with, has the metrics of Arial: labels fit as computed.
    font = "Arial, Helvetica, Liberation Sans, sans-serif"
    ink, soft = COLOURS["ink"], "#666666"
    return {
        "config": {
            "background": "white",
            "padding": 10,
            "font": font,
            "view": {"continuousWidth": WIDTH, "continuousHeight": HEIGHT, "stroke": "transparent"},
            "title": {
                "anchor": "start",
                "frame": "group",
                "fontSize": 15,
                "fontWeight": 600,
                "color": ink,
                "subtitleFontSize": 12,
                "subtitleColor": soft,
                "subtitlePadding": 4,
                "offset": 10,
            },
            "axis": {
                "labelFontSize": 11,
                "labelColor": soft,
                "titleFontSize": 12,
                "titleFontWeight": "normal",
                "titleColor": ink,
                "gridColor": "#E8E8E8",
                "domainColor": "#AAAAAA",
                "tickColor": "#AAAAAA",
                "titlePadding": 8,
            },
            "legend": {
                "orient": "top",
                "direction": "horizontal",
                "labelFontSize": 12,
                "labelColor": ink,
                "symbolType": "square",
                "symbolSize": 110,
                "offset": 8,
                "columnPadding": 16,
            },
            "text": {"fontSize": 11, "color": ink},
            "range": {
                "category": [
                    COLOURS[name]
                    for name in ("blue", "orange", "green", "purple", "sky", "vermilion", "grey")
                ]
            },
        }
    }
