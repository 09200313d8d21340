"""Files, SVG text and the house theme; and what importing costs."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime
from xml.etree import ElementTree as ET

import altair as alt
import polars as pl
import pytest

import fetchlab.plot as fp
from fetchlab.errors import ConfigError
from fetchlab.plot import theme

from .conftest import record

DAY = datetime(2026, 11, 1, tzinfo=UTC)
ONE = pl.DataFrame({"session": [1], "started": [DAY], "ended": [DAY], "state": ["done"]})
CHARTS = {
    "gantt": lambda run: fp.gantt(run.frame),
    "gantt with attempts": lambda run: fp.gantt(*run),
    "latency": lambda run: fp.latency(run.frame),
    "latency by host": lambda run: fp.latency(run.frame, by="host"),
    "latency by worker": lambda run: fp.latency(run.frame, by="worker"),
    "throughput": lambda run: fp.throughput(run.frame),
    "sessions": lambda run: fp.sessions(run.frame, ONE),
}


@pytest.fixture(scope="module")
def large():
    return record(70_000, workers=200)


@pytest.fixture
def chart(recorded):
    return fp.latency(recorded.frame)


@pytest.mark.parametrize("name", CHARTS)
def test_svg_is_xml_and_small(large, name):
    """Seventy thousand marks would make a notebook that neither opens nor fits into git."""
    text = fp.svg(CHARTS[name](large))
    root = ET.fromstring(text)
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert len(text) < 150_000
    assert "NaN" not in text


@pytest.mark.parametrize("name", CHARTS)
def test_charts_fit_a_notebook(recorded, name):
    """Wider than the page, a chart is scaled down until its labels cannot be read."""
    root = ET.fromstring(fp.svg(CHARTS[name](recorded)))
    assert float(root.get("width")) < 800


@pytest.mark.parametrize("name", CHARTS)
def test_charts_describe_themselves(recorded, name):
    """A screen reader has only the description."""
    chart = CHARTS[name](recorded)
    shown = {
        "gantt": "5,000 requests",
        "gantt with attempts": " attempts",
        "throughput": "5,000 items",
        "sessions": "5,000 items",
    }
    assert shown.get(name, "4,835 fetched") in chart.description


def test_save_by_suffix(chart, tmp_path):
    """A suffix that chose the wrong writer would leave a file nothing opens."""
    assert ET.parse(fp.save(chart, tmp_path / "deep" / "a.svg")).getroot().tag.endswith("svg")
    assert fp.save(chart, str(tmp_path / "a.PNG")).read_bytes().startswith(b"\x89PNG")


def test_html_works_offline(chart, tmp_path):
    """A page that asks a CDN for Vega is blank without a network."""
    page = fp.save(chart, tmp_path / "a.html").read_text(encoding="utf-8")
    assert 'src="http' not in page
    assert "from 'http" not in page
    assert 'from "http' not in page
    assert len(page) > 500_000


@pytest.mark.parametrize("name", ["a.pdf", "a", "a.svg.gz"])
def test_other_suffixes_are_refused(chart, tmp_path, name):
    """The message has to name the suffix and the three that work."""
    with pytest.raises(ConfigError, match=r"path: suffix .* is none of \.svg, \.png, \.html"):
        fp.save(chart, tmp_path / name)
    assert not list(tmp_path.iterdir())


def test_theme_lasts_no_longer_than_the_file(chart):
    """Drawing one chart must not restyle the other charts of a notebook."""
    assert alt.theme.active == "default"
    assert "Arial" in fp.svg(chart)
    assert alt.theme.active == "default"


def test_theme_of_the_user_wins(chart):
    """Somebody who chose a theme chose it for all charts."""
    with alt.theme.enable("dark"):
        assert "Arial" not in fp.svg(chart)


def test_use_svg_shows_svg(chart):
    """JupyterLab does not render the Vega-Lite version Altair emits: a notebook needs the SVG."""
    active, name = alt.renderers.active, alt.theme.active
    try:
        fp.use_svg()
        fp.use_svg()
        bundle = chart._repr_mimebundle_()
        assert list(bundle) == ["image/svg+xml"]
        assert "Arial" in bundle["image/svg+xml"]
        assert alt.theme.active == theme.NAME
    finally:
        alt.renderers.enable(active)
        alt.theme.enable(name)


def test_import_loads_no_altair():
    """Altair costs half a second that `import fetchlab` must not pay."""
    code = (
        "import sys, fetchlab.plot as p; dir(p); p.gantt, p.intervals, p.save; print('altair' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_face_is_complete():
    """A name that is listed but not there breaks `from fetchlab.plot import *`."""
    assert fp.__all__ == sorted(fp.__all__)
    assert all(callable(getattr(fp, name)) for name in fp.__all__)
    assert set(fp.__all__) <= set(dir(fp))
    with pytest.raises(AttributeError, match="no attribute 'bars'"):
        fp.bars  # noqa: B018


def test_charts_join_others(recorded):
    """Researchers put our charts beside their own: a baked-in theme would make Altair refuse."""
    mine = alt.Chart(pl.DataFrame({"a": [1], "b": [2]})).mark_point().encode(x="a:Q", y="b:Q")
    assert "<svg" in fp.svg(alt.vconcat(fp.throughput(recorded.frame), fp.gantt(recorded.frame), mine))
