"""Real H.264 pictures, written by hand: bands of colour, and pictures that repeat the one before.

Constrained baseline profile (ITU-T H.264). The first macroblock of each row is written out sample by sample,
all others are predicted from the one to their left, so that a picture takes some kilobytes.
"""

from __future__ import annotations

from functools import lru_cache

__all__ = ["configuration", "key_picture", "repeated_picture"]

_PROFILE, _CONSTRAINTS, _LEVEL = 66, 0xC0, 31
_SAMPLES = 16 * 16
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
    # first macroblock 0, an I slice, parameters 0, frame 0, picture 0, no marking, quantiser as it was,
    # no deblocking
    bits = "1" + _ue(7) + "1" + "0000" + "1" + "00" + "1" + _ue(1)
    for row in range(down):
        bits += _ue(25)
        bits += "0" * (-len(bits) % 8) + _written_out(row / down, number)
        bits += (_PREDICTED_FIRST if across > 1 else "") + _PREDICTED * (across - 2)
    return _sample(0x65, bits)


def repeated_picture(width: int, height: int, frame: int) -> bytes:
    """A picture like the one before it; `frame` counts from the last key picture."""
    # first macroblock 0, a P slice, parameters 0, frame, no override, no reordering, no marking, …
    bits = "1" + _ue(5) + "1" + f"{frame % 16:04b}" + "0" + "0" + "0" + "1" + _ue(1)
    return _sample(0x41, bits + _ue(_blocks(width) * _blocks(height)))


def _written_out(depth: float, number: int) -> str:
    luma = 90 + round(120 * abs(2 * ((depth + number % 8 / 8) % 1) - 1))
    blue, red = 90 + number * 37 % 76, 90 + number * 53 % 76
    samples = bytes([luma]) * _SAMPLES + bytes([blue]) * (_SAMPLES // 4) + bytes([red]) * (_SAMPLES // 4)
    return f"{int.from_bytes(samples):0{len(samples) * 8}b}"


def _sequence(width: int, height: int) -> bytes:
    across, down = _blocks(width), _blocks(height)
    bits = f"{_PROFILE:08b}{_CONSTRAINTS:08b}{_LEVEL:08b}"
    # id 0, frame numbers of 4 bits, output in coding order, one reference, no gaps
    bits += "1" + "1" + _ue(2) + _ue(1) + "0" + _ue(across - 1) + _ue(down - 1) + "1" + "1"
    right, bottom = (across * 16 - width) // 2, (down * 16 - height) // 2
    bits += "1" + "1" + _ue(right) + "1" + _ue(bottom) if right or bottom else "0"
    return b"\x67" + _bytes(bits + "0")


def _picture() -> bytes:
    # ids 0 and 0, CAVLC, no order, one slice group, one reference each, no weights, usual quantisers,
    # deblocking under control
    return b"\x68" + _bytes(
        "1" + "1" + "0" + "0" + "1" + "1" + "1" + "0" + "00" + "1" + "1" + "1" + "1" + "0" + "0"
    )


def _sample(header: int, bits: str) -> bytes:
    unit = bytes([header]) + _bytes(bits)
    return len(unit).to_bytes(4) + unit


def _bytes(bits: str) -> bytes:
    """The bits, their end marked, with nothing in them that looks like a start code."""
    ended = bits + "1"
    ended += "0" * (-len(ended) % 8)
    raw = int(ended, 2).to_bytes(len(ended) // 8)
    safe = bytearray()
    zeros = 0
    for byte in raw:
        if zeros >= 2 and byte <= 3:
            safe.append(3)
            zeros = 0
        safe.append(byte)
        zeros = zeros + 1 if byte == 0 else 0
    return bytes(safe)


def _ue(value: int) -> str:
    """An unsigned number as Exp-Golomb code."""
    code = f"{value + 1:b}"
    return "0" * (len(code) - 1) + code


def _blocks(size: int) -> int:
    return -(-size // 16)
