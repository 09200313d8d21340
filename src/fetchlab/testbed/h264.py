"""Real H.264 pictures, written by hand: bands of colour, and pictures that repeat the one before.

Constrained baseline profile (ITU-T H.264). The first macroblock of each row is written out sample by sample,
all others are predicted from the one to their left, so that a picture takes some kilobytes. Pictures of
anything else are in :mod:`fetchlab.testbed.h264_drawn`.
"""

from __future__ import annotations

import re
from functools import lru_cache

__all__ = [
    "FOLLOWING",
    "KEY",
    "WRITTEN_OUT",
    "WRITTEN_OUT_AMID",
    "configuration",
    "ended",
    "following",
    "key",
    "key_picture",
    "repeated_picture",
    "sample",
    "ue",
]

WRITTEN_OUT, WRITTEN_OUT_AMID = 25, 30
"""The macroblock type of plain samples, in pictures that stand by themselves and in those that follow."""
KEY, FOLLOWING = 0x65, 0x41

_PROFILE, _CONSTRAINTS, _LEVEL = 66, 0xC0, 31
_SAMPLES = 16 * 16
_START_CODE = re.compile(rb"\0\0(?=[\0-\3])")
_PREDICTED_FIRST = "011" + "010" + "1" + "000011"
_PREDICTED = "011" + "010" + "1" + "1"
"""Macroblock type 2 (16 × 16, horizontal), chroma horizontal, the same quantiser, no coefficients.

How the last is written depends on the neighbours: a macroblock written out counts as full of them."""


def configuration(width: int, height: int) -> bytes:
    """The decoder's configuration record, as the box ``avcC`` holds it (ISO/IEC 14496-15)."""
    sequence, picture = _sequence(width, height), _picture()
    return b"".join(
        (
            bytes((1, _PROFILE, _CONSTRAINTS, _LEVEL, 0xFF, 0xE1)),
            len(sequence).to_bytes(2),
            sequence,
            b"\1",
            len(picture).to_bytes(2),
            picture,
        )
    )


@lru_cache(maxsize=64)
def key_picture(width: int, height: int, number: int) -> bytes:
    """A picture that stands by itself, as a sample; `number` decides on its colours."""
    across, down = _blocks(width), _blocks(height)
    bits = key()
    for row in range(down):
        bits += ue(WRITTEN_OUT)
        bits += "0" * (-len(bits) % 8) + _written_out(row / down, number)
        bits += (_PREDICTED_FIRST if across > 1 else "") + _PREDICTED * (across - 2)
    return sample(KEY, ended(bits))


def repeated_picture(width: int, height: int, frame: int) -> bytes:
    """A picture like the one before it; `frame` counts from the last key picture."""
    return sample(FOLLOWING, ended(following(frame) + ue(_blocks(width) * _blocks(height))))


def key() -> str:
    """The bits with which a picture begins that stands by itself."""
    # first macroblock 0, an I slice, parameters 0, frame 0, picture 0, no marking, quantiser as it was,
    # no deblocking
    return "1" + ue(7) + "1" + "0000" + "1" + "00" + "1" + ue(1)


def following(frame: int) -> str:
    """The bits with which one begins that refers to the one before it."""
    # first macroblock 0, a P slice, parameters 0, frame, no override, no reordering, no marking, …
    return "1" + ue(5) + "1" + f"{frame % 16:04b}" + "0" + "0" + "0" + "1" + ue(1)


def _written_out(depth: float, number: int) -> str:
    luma = 90 + round(120 * abs(2 * ((depth + number % 8 / 8) % 1) - 1))
    blue, red = 90 + number * 37 % 76, 90 + number * 53 % 76
    samples = bytes([luma]) * _SAMPLES + bytes([blue]) * (_SAMPLES // 4) + bytes([red]) * (_SAMPLES // 4)
    return f"{int.from_bytes(samples):0{len(samples) * 8}b}"


def _sequence(width: int, height: int) -> bytes:
    across, down = _blocks(width), _blocks(height)
    bits = f"{_PROFILE:08b}{_CONSTRAINTS:08b}{_LEVEL:08b}"
    # id 0, frame numbers of 4 bits, output in coding order, one reference, no gaps
    bits += "1" + "1" + ue(2) + ue(1) + "0" + ue(across - 1) + ue(down - 1) + "1" + "1"
    right, bottom = (across * 16 - width) // 2, (down * 16 - height) // 2
    bits += "1" + "1" + ue(right) + "1" + ue(bottom) if right or bottom else "0"
    return b"\x67" + _safe(ended(bits + "0"))


def _picture() -> bytes:
    # ids 0 and 0, CAVLC, no order, one slice group, one reference each, no weights, usual quantisers,
    # deblocking under control
    bits = "1" + "1" + "0" + "0" + "1" + "1" + "1" + "0" + "00" + "1" + "1" + "1" + "1" + "0" + "0"
    return b"\x68" + _safe(ended(bits))


def sample(header: int, payload: bytes) -> bytes:
    """A unit with its length before it and nothing in it that looks like a start code."""
    unit = bytes([header]) + _safe(payload)
    return len(unit).to_bytes(4) + unit


def ended(bits: str) -> bytes:
    """The bits, their end marked."""
    marked = bits + "1"
    marked += "0" * (-len(marked) % 8)
    return int(marked, 2).to_bytes(len(marked) // 8)


def _safe(payload: bytes) -> bytes:
    return _START_CODE.sub(b"\0\0\3", payload)


def ue(value: int) -> str:
    """An unsigned number as Exp-Golomb code."""
    code = f"{value + 1:b}"
    return "0" * (len(code) - 1) + code


def _blocks(size: int) -> int:
    return -(-size // 16)
