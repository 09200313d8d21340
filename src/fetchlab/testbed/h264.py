"""A small H.264 encoder (ITU-T H.264, Constrained Baseline): no compression but of what does not move.

The first picture's macroblocks are sent as raw samples (`I_PCM`, 7.3.5.1), of later pictures only those that
changed; the rest is skipped. Any decoder plays it, and it needs no codec here.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from fetchlab.testbed.pictures import Picture

__all__ = ["Stream", "encode"]

PROFILE, CONSTRAINTS, LEVEL = 66, 0xC0, 30
_BLOCK = 16
_RAW_IN_I, _RAW_IN_P = 25, 30  # mb_type of I_PCM
_EMULATED = re.compile(rb"\x00\x00(?=[\x00-\x03])")
_SETS, _IDR, _PICTURE = (b"\x67", b"\x68"), b"\x65", b"\x41"


class Stream(NamedTuple):
    """Parameter sets and one unit for each picture, without start codes; the first is a key frame."""

    sequence: bytes
    picture: bytes
    frames: list[bytes]


def encode(pictures: list[Picture]) -> Stream:
    """Pictures of one size, whose width and height are even, as a stream."""
    width, height = len(pictures[0].rows[0]), len(pictures[0].rows)
    blocks = [_blocks(picture) for picture in pictures]
    frames = [_first(blocks[0])]
    for number, (old, new) in enumerate(pairwise(blocks), 1):
        frames.append(_next(old, new, number))
    return Stream(_sequence(width, height), _parameters(), frames)


class _Bits:
    """Bits, most significant first."""

    def __init__(self) -> None:
        self._text: list[str] = []

    def put(self, value: int, width: int) -> _Bits:
        self._text.append(f"{value:0{width}b}")
        return self

    def ue(self, *values: int) -> _Bits:
        """Exponential Golomb codes (9.1)."""
        for value in values:
            length = (value + 1).bit_length()
            self.put(value + 1, 2 * length - 1)
        return self

    def aligned(self) -> bytes:
        """The bits, with zeros up to a whole byte."""
        text = "".join(self._text)
        text += "0" * (-len(text) % 8)
        return int(text, 2).to_bytes(len(text) // 8) if text else b""

    def ended(self) -> bytes:
        """The bits with their stop bit (7.3.2.11)."""
        return self.put(1, 1).aligned()


def _unit(header: bytes, payload: bytes) -> bytes:
    """A unit in which no start code can be seen by mistake (7.4.1.1)."""
    return header + _EMULATED.sub(b"\x00\x00\x03", payload)


def _sequence(width: int, height: int) -> bytes:
    across, down = -(-width // _BLOCK), -(-height // _BLOCK)
    bits = _Bits().put(PROFILE, 8).put(CONSTRAINTS, 8).put(LEVEL, 8)
    bits.ue(0, 0, 2, 1).put(0, 1)  # ids, 4 bits of frame_num, output in decoding order, one reference
    bits.ue(across - 1, down - 1).put(0b11, 2)
    bits.put(1, 1).ue(0, (across * _BLOCK - width) // 2, 0, (down * _BLOCK - height) // 2)
    return _unit(_SETS[0], bits.put(0, 1).ended())


def _parameters() -> bytes:
    bits = _Bits().ue(0, 0).put(0, 2).ue(0, 0, 0).put(0, 3).ue(0, 0, 0)
    return _unit(_SETS[1], bits.put(0b100, 3).ended())  # slices say how they are deblocked


def _first(blocks: list[bytes]) -> bytes:
    bits = _Bits().ue(0, 7, 0).put(0, 4).ue(0).put(0, 2).ue(0, 1)
    data = bytearray()
    for block in blocks:
        data += bits.ue(_RAW_IN_I).aligned() + block
        bits = _Bits()
    return _unit(_IDR, bytes(data) + bits.ended())


def _next(old: list[bytes], new: list[bytes], number: int) -> bytes:
    bits = _Bits().ue(0, 5, 0).put(number % 16, 4).put(0, 3).ue(0, 1)
    data = bytearray()
    skipped = 0
    for before, block in zip(old, new, strict=True):
        if before == block:
            skipped += 1
            continue
        data += bits.ue(skipped, _RAW_IN_P).aligned() + block
        bits, skipped = _Bits(), 0
    if skipped:
        bits.ue(skipped)
    return _unit(_PICTURE, bytes(data) + bits.ended())


def _blocks(picture: Picture) -> list[bytes]:
    """The samples of each macroblock: 256 of luma, 64 of each colour difference (BT.601, limited range)."""
    luma, blue, red = (bytes(table).ljust(256) for table in zip(*map(_ycc, picture.palette), strict=True))
    rows = picture.rows + picture.rows[-1:] * (-len(picture.rows) % _BLOCK)
    rows = [row + row[-1:] * (-len(row) % _BLOCK) for row in rows]
    bright = [row.translate(luma) for row in rows]
    tinted = [[row[::2].translate(table) for row in rows[::2]] for table in (blue, red)]
    half = _BLOCK // 2
    return [
        b"".join(row[x : x + _BLOCK] for row in bright[y : y + _BLOCK])
        + b"".join(row[x // 2 : x // 2 + half] for plane in tinted for row in plane[y // 2 : y // 2 + half])
        for y in range(0, len(rows), _BLOCK)
        for x in range(0, len(rows[0]), _BLOCK)
    ]


def _ycc(colour: tuple[int, int, int]) -> tuple[int, int, int]:
    red, green, blue = (part / 255 for part in colour)
    bright = 0.299 * red + 0.587 * green + 0.114 * blue
    return (
        round(16 + 219 * bright),
        round(128 + 224 * (blue - bright) / 1.772),
        round(128 + 224 * (red - bright) / 1.402),
    )
