"""An MP4 file around an H.264 stream (ISO/IEC 14496-12, 14496-15): one track, one chunk, constant rate."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from fetchlab.testbed.h264 import CONSTRAINTS, LEVEL, PROFILE

if TYPE_CHECKING:
    from fetchlab.testbed.h264 import Stream

__all__ = ["mp4"]

_UNITY = struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
_SCALE = 1000
_HEADER = 8


def mp4(stream: Stream, width: int, height: int, seconds: float, *, note: bytes, size: int = 0) -> bytes:
    """The file.

    Args:
        stream: the pictures.
        width: pixels.
        height: pixels.
        seconds: how long it plays.
        note: bytes that make this file unlike others, in a box that players pass over.
        size: bytes of the whole file at least, the rest of it repeating `note`.
    """
    samples = [struct.pack(">I", len(frame)) + frame for frame in stream.frames]
    media = _box(b"mdat", *samples)
    kind = _box(b"ftyp", b"isom", struct.pack(">I", 0x200), b"isomiso2avc1mp41")
    # The chunk's place depends on the header's length, and the length not on the place.
    place = len(kind) + len(_header(stream, samples, width, height, seconds, 0)) + _HEADER
    whole = kind + _header(stream, samples, width, height, seconds, place) + media
    room = max(len(note), size - len(whole) - _HEADER)
    return whole + _box(b"free", (note * (room // len(note) + 1))[:room])


def _header(
    stream: Stream, samples: list[bytes], width: int, height: int, seconds: float, place: int
) -> bytes:
    lasts = round(seconds * _SCALE)
    each, rest = divmod(lasts, len(samples))
    times: list[tuple[int, ...]] = (
        [(len(samples) - 1, each), (1, each + rest)] if rest and len(samples) > 1 else [(len(samples), each)]
    )
    movie = struct.pack(">4I I H 10x", 0, 0, _SCALE, lasts, 0x10000, 0x100) + _UNITY
    movie += struct.pack(">24x I", 2)
    track = struct.pack(">5I 8x 4H", 0, 0, 1, 0, lasts, 0, 0, 0, 0) + _UNITY
    track += struct.pack(">II", width << 16, height << 16)
    table = _box(
        b"stbl",
        _box(b"stsd", _versioned(), struct.pack(">I", 1), _entry(stream, width, height)),
        _table(b"stts", times),
        _table(b"stss", [(1,)]),
        _table(b"stsc", [(1, len(samples), 1)]),
        _box(b"stsz", _versioned(), struct.pack(f">II{len(samples)}I", 0, len(samples), *map(len, samples))),
        _table(b"stco", [(place,)]),
    )
    here = _box(b"dref", _versioned(), struct.pack(">I", 1), _box(b"url ", _versioned(1)))
    inner = _box(b"minf", _box(b"vmhd", _versioned(1), bytes(8)), _box(b"dinf", here), table)
    handler = _box(b"hdlr", _versioned(), struct.pack(">I4s12x", 0, b"vide"), b"video\0")
    clock = _box(b"mdhd", _versioned(), struct.pack(">4I2H", 0, 0, _SCALE, lasts, 0x55C4, 0))
    media = _box(b"mdia", clock, handler, inner)
    return _box(
        b"moov",
        _box(b"mvhd", _versioned(), movie),
        _box(b"trak", _box(b"tkhd", _versioned(3), track), media),
    )


def _entry(stream: Stream, width: int, height: int) -> bytes:
    """The sample entry: size, 72 dots an inch, and the decoder's configuration."""
    shape = struct.pack(">6x H 16x HH II 4x H 32x Hh", 1, width, height, 72 << 16, 72 << 16, 1, 24, -1)
    sets = b"\xe1" + struct.pack(">H", len(stream.sequence)) + stream.sequence
    sets += b"\x01" + struct.pack(">H", len(stream.picture)) + stream.picture
    return _box(b"avc1", shape, _box(b"avcC", bytes((1, PROFILE, CONSTRAINTS, LEVEL, 0xFF)), sets))


def _table(kind: bytes, rows: list[tuple[int, ...]]) -> bytes:
    numbers = [number for row in rows for number in row]
    return _box(kind, _versioned(), struct.pack(f">I{len(numbers)}I", len(rows), *numbers))


def _versioned(flags: int = 0) -> bytes:
    return struct.pack(">I", flags)


def _box(kind: bytes, *parts: bytes) -> bytes:
    body = b"".join(parts)
    return struct.pack(">I", len(body) + _HEADER) + kind + body
