"""Landscapes for videos and thumbnails: drawn from a name, each unlike the others, in a few milliseconds."""

from __future__ import annotations

import math
import struct
import zlib
from colorsys import hls_to_rgb
from functools import lru_cache
from random import Random
from typing import NamedTuple

__all__ = ["Picture", "landscape", "png"]

_SHADES = 32
_SUN, _FAR, _NEAR = _SHADES, _SHADES + 1, _SHADES + 2
_HIGHEST = 255
_SIGNATURE = b"\x89PNG\r\n\x1a\n"

Colour = tuple[int, int, int]


class Picture(NamedTuple):
    """Rows of palette indices, one byte a pixel."""

    rows: list[bytes]
    palette: list[Colour]


def landscape(name: str, width: int, height: int, when: float = 0.3) -> Picture:
    """A sky, a sun and two chains of hills.

    Args:
        name: what colours and shapes are drawn from.
        width: pixels.
        height: pixels.
        when: how far the sun has come, from 0 to 1; nothing else moves.
    """
    palette, far, near, radius = _land(name, width, height)
    across, down = when * width, height * (0.4 - 0.25 * math.sin(math.pi * when))
    air = bytes(y * _SHADES // height for y in range(height))
    columns = bytearray()
    for x in range(width):
        low = min(near[x], height)
        high = max(low, min(far[x], height))
        column = bytearray(air[: height - high])
        half = radius**2 - (x - across) ** 2
        if half > 0:
            top, end = (max(0, min(len(column), round(down + side * math.sqrt(half)))) for side in (-1, 1))
            column[top:end] = bytes([_SUN]) * (end - top)
        columns += column + bytes([_FAR]) * (high - low) + bytes([_NEAR]) * low
    return Picture([bytes(columns[y::height]) for y in range(height)], palette)


def png(picture: Picture) -> bytes:
    """The picture as a file."""
    size = struct.pack(">II", len(picture.rows[0]), len(picture.rows))
    pixels = b"".join(b"\0" + row for row in picture.rows)
    chunks = [
        (b"IHDR", size + bytes((8, 3, 0, 0, 0))),
        (b"PLTE", bytes(part for colour in picture.palette for part in colour)),
        (b"IDAT", zlib.compress(pixels, 6)),
        (b"IEND", b""),
    ]
    return _SIGNATURE + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )


@lru_cache(maxsize=64)
def _land(name: str, width: int, height: int) -> tuple[list[Colour], list[int], list[int], float]:
    """What does not move: colours, the heights of both chains, and the sun's radius."""
    chance = Random(f"landscape {name}")  # noqa: S311 - not a secret
    hue = chance.random()
    palette = [_colour(hue + 0.12 * y / _SHADES, 0.25 + 0.5 * y / _SHADES, 0.6) for y in range(_SHADES)]
    palette += [
        _colour(hue + 0.5, 0.8, 0.9),
        _colour(hue + 0.08, 0.3, 0.35),
        _colour(hue + 0.16, 0.15, 0.4),
    ]
    far, near = (_hills(chance, width, height, middle) for middle in (0.4, 0.22))
    return palette, far, near, height * chance.uniform(0.06, 0.12)


def _hills(chance: Random, width: int, height: int, middle: float) -> list[int]:
    waves = [
        (chance.uniform(0.02, 0.07), chance.uniform(1, 5), chance.uniform(0, 2 * math.pi)) for _ in range(3)
    ]
    return [
        round(
            height * (middle + sum(a * math.sin(2 * math.pi * f * x / width + turn) for a, f, turn in waves))
        )
        for x in range(width)
    ]


def _colour(hue: float, light: float, strength: float) -> Colour:
    red, green, blue = (round(_HIGHEST * part) for part in hls_to_rgb(hue % 1, light, strength))
    return red, green, blue
