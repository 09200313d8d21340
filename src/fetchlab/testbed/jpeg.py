"""Real JPEG files, written by hand: baseline, a colour for each block of 8 × 8 pixels (ITU-T T.81)."""

from __future__ import annotations

from functools import cache
from struct import pack
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["jpeg", "landscape"]

_DC_LENGTHS = bytes((0, 1, 5, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0))
_DC_CODES = (
    "00",
    "010",
    "011",
    "100",
    "101",
    "110",
    "1110",
    "11110",
    "111110",
    "1111110",
    "11111110",
    "111111110",
)
_END_OF_BLOCK = "0"
Colour = tuple[int, int, int]


def jpeg(rows: Sequence[Sequence[Colour]]) -> bytes:
    """A picture of flat blocks.

    Args:
        rows: for every row of blocks the red, green and blue (0 to 255) of each.
    """
    height, width = len(rows) * 8, len(rows[0]) * 8
    scan: list[str] = []
    last = [0, 0, 0]
    for row in rows:
        for colour in row:
            levels = _levels(colour)
            for place, level in enumerate(levels):
                scan.append(_difference(level - last[place]))
            last = levels
    return b"".join(
        (
            b"\xff\xd8",
            _segment(0xE0, b"JFIF\0\1\1\0\0\1\0\1\0\0"),
            _segment(0xDB, b"\0" + bytes([8]) + bytes([1]) * 63),
            _segment(0xC0, pack(">BHHB", 8, height, width, 3) + b"\1\x11\0\2\x11\0\3\x11\0"),
            _segment(0xC4, b"\0" + _DC_LENGTHS + bytes(range(12))),
            _segment(0xC4, b"\x10" + bytes([1]) + bytes(15) + b"\0"),
            _segment(0xDA, b"\3\1\0\2\0\3\0\0\x3f\0"),
            _packed("".join(scan)),
            b"\xff\xd9",
        )
    )


def landscape(number: int, width: int, height: int) -> bytes:
    """A sky, a sun and hills: `number` decides on colours and shapes; sizes are in blocks."""
    hue = number % 360
    sky, low = _hued(hue, 250), _hued(hue + 40, 225)
    sun, hill = _hued(hue + 180, 240), _hued(hue + 20, 110)
    at, high = width * (20 + number % 61) / 100, height * 0.32
    rows: list[list[Colour]] = []
    for y in range(height):
        row = []
        for x in range(width):
            slope = height * (0.72 + 0.12 * _wave((x / width + number % 7 / 7) % 1))
            if y > slope:
                row.append(_mixed(hill, low, (y - slope) / height))
            elif (x - at) ** 2 + (y - high) ** 2 < (height * 0.13) ** 2:
                row.append(sun)
            else:
                row.append(_mixed(sky, low, y / height))
        rows.append(row)
    return jpeg(rows)


def _levels(colour: Colour) -> list[int]:
    r, g, b = colour
    return [
        round(0.299 * r + 0.587 * g + 0.114 * b) - 128,
        round(-0.1687 * r - 0.3313 * g + 0.5 * b),
        round(0.5 * r - 0.4187 * g - 0.0813 * b),
    ]


@cache
def _difference(value: int) -> str:
    size = abs(value).bit_length()
    bits = f"{value if value > 0 else value + (1 << size) - 1:0{size}b}" if size else ""
    return _DC_CODES[size] + bits + _END_OF_BLOCK


def _packed(bits: str) -> bytes:
    padded = bits + "1" * (-len(bits) % 8)
    return int(padded, 2).to_bytes(len(padded) // 8).replace(b"\xff", b"\xff\0")


def _segment(marker: int, body: bytes) -> bytes:
    return pack(">BBH", 0xFF, marker, len(body) + 2) + body


def _wave(turn: float) -> float:
    """A smooth hill: 0 at both ends, 1 and -1 between."""
    return 16 * turn * (turn - 0.5) * (turn - 1) * 1.3


def _hued(hue: int, brightness: int) -> Colour:
    """A muted colour of that hue, in degrees."""

    def channel(shift: int) -> int:
        turn = (hue + shift) % 360 / 60
        part = min(1.0, max(0.0, abs(turn - 3) - 1))
        return round(brightness * (0.62 + 0.38 * part))

    return channel(0), channel(240), channel(120)


def _mixed(one: Colour, other: Colour, part: float) -> Colour:
    keep = 1 - part
    return (
        round(one[0] * keep + other[0] * part),
        round(one[1] * keep + other[1] * part),
        round(one[2] * keep + other[2] * part),
    )
