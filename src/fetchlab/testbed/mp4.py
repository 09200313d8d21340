"""Real MP4 files around H.264 pictures: whole ones, and in fragments (ISO/IEC 14496-12)."""

from __future__ import annotations

from struct import pack

from fetchlab.testbed.h264 import configuration, key_picture, repeated_picture

__all__ = ["SEGMENT", "initial", "packed", "padded", "segment", "whole"]

SEGMENT = 3.0
"""Seconds of a fragment."""
_SCALE = 1_000
_STEP = 500  # a picture's duration in those units
_MATRIX = pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)


def whole(width: int, height: int, seconds: float, number: int) -> bytes:
    """A file that plays from its beginning to its end; `number` decides on its colours."""
    return packed(width, height, _pictures(width, height, seconds, number))


def packed(width: int, height: int, samples: list[bytes], step: int = _STEP) -> bytes:
    """A file of these pictures, each of them shown for `step` milliseconds."""
    start = _box(b"ftyp", b"isom\0\0\2\0isomiso2avc1mp41")
    place = len(start) + len(_movie(width, height, samples, 0, step)) + 8
    return start + _movie(width, height, samples, place, step) + _box(b"mdat", b"".join(samples))


def padded(file: bytes, note: bytes, size: int = 0) -> bytes:
    """The file with a box that players pass over, of `note` again and again until there are `size` bytes."""
    room = max(len(note), size - len(file) - 8)
    return file + _box(b"free", (note * (room // len(note) + 1))[:room])


def initial(width: int, height: int) -> bytes:
    """What a player needs before the first fragment."""
    return _box(b"ftyp", b"iso5\0\0\2\0iso5iso6mp41") + _movie(width, height, [], 0)


def segment(width: int, height: int, place: int, seconds: float, number: int) -> bytes:
    """A fragment that begins `place` segments after the video's start."""
    samples = _pictures(width, height, seconds, number + place)
    sizes = b"".join(
        pack(">II", len(one), 0x02000000 if not n else 0x01010000) for n, one in enumerate(samples)
    )
    head = _full(b"mfhd", 0, pack(">I", place + 1))
    track = _full(b"tfhd", 0x020008, pack(">II", 1, _STEP))
    track += _full(b"tfdt", 0, pack(">I", round(place * SEGMENT * _SCALE)))
    length = 8 + len(head) + 8 + len(track) + 12 + 8 + len(sizes) + 8
    track += _full(b"trun", 0x000601, pack(">Ii", len(samples), length) + sizes)
    return (
        _box(b"styp", b"msdh\0\0\0\0msdhmsix")
        + _box(b"moof", head + _box(b"traf", track))
        + _box(b"mdat", b"".join(samples))
    )


def _pictures(width: int, height: int, seconds: float, number: int) -> list[bytes]:
    count = max(1, round(seconds * _SCALE / _STEP))
    return [
        repeated_picture(width, height, frame) if frame else key_picture(width, height, number % 8)
        for frame in range(count)
    ]


def _movie(width: int, height: int, samples: list[bytes], place: int, step: int = _STEP) -> bytes:
    duration = len(samples) * step
    header = (
        pack(">4I", 0, 0, _SCALE, duration)
        + pack(">IHxx8x", 0x10000, 0x100)
        + _MATRIX
        + bytes(24)
        + pack(">I", 2)
    )
    track = pack(">5I", 0, 0, 1, 0, duration) + bytes(16) + _MATRIX + pack(">II", width << 16, height << 16)
    media = _full(b"mdhd", 0, pack(">4I", 0, 0, _SCALE, duration) + pack(">HH", 0x55C4, 0))
    media += _full(b"hdlr", 0, bytes(4) + b"vide" + bytes(12) + b"pictures\0")
    links = _box(b"dinf", _full(b"dref", 0, pack(">I", 1) + _full(b"url ", 1, b"")))
    media += _box(
        b"minf", _full(b"vmhd", 1, bytes(8)) + links + _samples(width, height, samples, place, step)
    )
    boxes = _full(b"mvhd", 0, header) + _box(b"trak", _full(b"tkhd", 3, track) + _box(b"mdia", media))
    if not samples:
        boxes += _box(b"mvex", _full(b"trex", 0, pack(">5I", 1, 1, _STEP, 0, 0)))
    return _box(b"moov", boxes)


def _samples(width: int, height: int, samples: list[bytes], place: int, step: int) -> bytes:
    entry = bytes(6) + pack(">H", 1) + bytes(16) + pack(">HHIIIH", width, height, 0x480000, 0x480000, 0, 1)
    entry += bytes(32) + pack(">Hh", 24, -1) + _box(b"avcC", configuration(width, height))
    table = _full(b"stsd", 0, pack(">I", 1) + _box(b"avc1", entry))
    count = len(samples)
    table += _full(b"stts", 0, pack(">III", 1, count, step) if count else bytes(4))
    table += _full(b"stss", 0, pack(">II", 1, 1)) if count else b""
    table += _full(b"stsc", 0, pack(">4I", 1, 1, count, 1) if count else bytes(4))
    table += _full(b"stsz", 0, pack(f">II{count}I", 0, count, *map(len, samples)))
    table += _full(b"stco", 0, pack(">II", 1, place) if count else bytes(4))
    return _box(b"stbl", table)


def _box(kind: bytes, body: bytes) -> bytes:
    return pack(">I", len(body) + 8) + kind + body


def _full(kind: bytes, flags: int, body: bytes) -> bytes:
    return _box(kind, pack(">I", flags) + body)
