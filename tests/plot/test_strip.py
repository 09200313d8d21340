"""Pictures in rows: what a notebook shows of a storyboard."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from base64 import b64decode

import pytest

import fetchlab as fl
from fetchlab.errors import ConfigError
from fetchlab.testbed.pictures import landscape, png

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def pictures(tmp_path):
    paths = [tmp_path / f"scene-{number}.png" for number in range(5)]
    for number, path in enumerate(paths):
        path.write_bytes(png(landscape(f"door {number}", 32, 18, 0.5)))
    return paths


def test_each_picture_is_inside_with_its_caption(pictures):
    """The page is sent without the files; a title with < in it must not break it."""
    titles = ["One", "A <door> & a window", "x" * 80, "four words in here", "five"]
    drawn = ET.fromstring(fl.plot.strip(pictures, titles, columns=2)._repr_svg_())
    images = drawn.findall(f"{SVG}image")
    assert [b64decode(image.get("href").partition(",")[2]) for image in images] == [
        path.read_bytes() for path in pictures
    ]
    texts = [text.text for text in drawn.findall(f"{SVG}text")]
    assert texts[:2] == ["One", "A <door> & a window"]
    assert texts[2].endswith("…")
    places = {(image.get("x"), image.get("y")) for image in images}
    assert len(places) == 5
    assert float(drawn.get("height")) > max(float(y) for _, y in places) + 90
    assert float(drawn.get("width")) == 2 * 160 + 8


def test_what_cannot_be_drawn_is_told_by_its_knob(pictures, tmp_path):
    """A missing thumbnail must not end as an empty box."""
    with pytest.raises(ConfigError, match="captions: give one for each of 5"):
        fl.plot.strip(pictures, ["one"])
    with pytest.raises(ConfigError, match=r"pictures: gone.png cannot be read"):
        fl.plot.strip([tmp_path / "gone.png"])
    with pytest.raises(ConfigError, match=r"pictures: film.mp4 is none of .png"):
        fl.plot.strip([tmp_path / "film.mp4"])
