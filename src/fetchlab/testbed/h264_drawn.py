"""Pictures of anything as H.264: no compression but of what does not move.

The first picture's macroblocks are sent as plain samples (ITU-T H.264, 7.3.5.1), of later ones those that
changed; the rest is skipped. Any decoder plays it, and it needs no codec here.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from fetchlab.testbed.h264 import (
    FOLLOWING,
    KEY,
    WRITTEN_OUT,
    WRITTEN_OUT_AMID,
    ended,
    following,
    key,
    sample,
    ue,
)

if TYPE_CHECKING:
    from fetchlab.testbed.pictures import Picture

__all__ = ["drawn"]

_SIDE = 16


def drawn(pictures: list[Picture]) -> list[bytes]:
    """Samples for a file, the first of them a key picture.

    Args:
        pictures: of one size, whose width and height are even.
    """
    blocks = [_blocks(picture) for picture in pictures]
    later = (_changed(old, new, number) for number, (old, new) in enumerate(pairwise(blocks), 1))
    return [_whole(blocks[0]), *later]


def _whole(blocks: list[bytes]) -> bytes:
    bits = key()
    data = bytearray()
    for block in blocks:
        data += _aligned(bits + ue(WRITTEN_OUT)) + block
        bits = ""
    return sample(KEY, bytes(data) + ended(""))


def _changed(old: list[bytes], new: list[bytes], number: int) -> bytes:
    bits = following(number)
    data = bytearray()
    skipped = 0
    for before, block in zip(old, new, strict=True):
        if before == block:
            skipped += 1
            continue
        data += _aligned(bits + ue(skipped) + ue(WRITTEN_OUT_AMID)) + block
        bits, skipped = "", 0
    return sample(FOLLOWING, bytes(data) + ended(bits + ue(skipped) if skipped else bits))


def _aligned(bits: str) -> bytes:
    """The bits, with zeros up to a whole byte."""
    bits += "0" * (-len(bits) % 8)
    return int(bits, 2).to_bytes(len(bits) // 8)


def _blocks(picture: Picture) -> list[bytes]:
    """The samples of each macroblock: 256 of luma, 64 of each colour difference (BT.601, limited range)."""
    luma, blue, red = (bytes(table).ljust(256) for table in zip(*map(_ycc, picture.palette), strict=True))
    rows = picture.rows + picture.rows[-1:] * (-len(picture.rows) % _SIDE)
    rows = [row + row[-1:] * (-len(row) % _SIDE) for row in rows]
    bright = [row.translate(luma) for row in rows]
    tinted = [[row[::2].translate(table) for row in rows[::2]] for table in (blue, red)]
    half = _SIDE // 2
    return [
        b"".join(row[x : x + _SIDE] for row in bright[y : y + _SIDE])
        + b"".join(row[x // 2 : x // 2 + half] for plane in tinted for row in plane[y // 2 : y // 2 + half])
        for y in range(0, len(rows), _SIDE)
        for x in range(0, len(rows[0]), _SIDE)
    ]


def _ycc(colour: tuple[int, int, int]) -> tuple[int, int, int]:
    red, green, blue = (part / 255 for part in colour)
    bright = 0.299 * red + 0.587 * green + 0.114 * blue
    return (
        round(16 + 219 * bright),
        round(128 + 224 * (blue - bright) / 1.772),
        round(128 + 224 * (red - bright) / 1.402),
    )
