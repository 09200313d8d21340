"""Films that the testbed draws and encodes itself: read back by a decoder that is not ours, and by hand."""

from __future__ import annotations

import io
import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fetchlab.testbed.h264 import KEY, ended, sample, ue
from fetchlab.testbed.h264_drawn import drawn
from fetchlab.testbed.mp4 import packed, padded
from fetchlab.testbed.pictures import landscape, png

SIDES = [(128, 72), (72, 128), (178, 102), (16, 16), (2, 2)]


def film(name="a", width=128, height=72, seconds=4, note=b"note", size=0):
    shown = [landscape(name, width, height, (k + 0.5) / seconds) for k in range(seconds)]
    return padded(packed(width, height, drawn(shown), step=1000), note, size)


def boxes(data):
    """The top boxes of a file, as ``(kind, body)``."""
    found, place = [], 0
    while place < len(data):
        size, kind = struct.unpack_from(">I4s", data, place)
        assert 8 <= size <= len(data) - place
        found.append((kind, data[place + 8 : place + size]))
        place += size
    return found


def unescaped(unit):
    return unit.replace(b"\x00\x00\x03", b"\x00\x00")


def test_the_boxes_fill_the_file():
    """A box too long or too short makes a player give up."""
    assert [kind for kind, _ in boxes(film())] == [b"ftyp", b"moov", b"mdat", b"free"]
    inside = dict(boxes(dict(boxes(film()))[b"moov"]))
    track = dict(boxes(inside[b"trak"]))
    assert struct.unpack(">II", track[b"tkhd"][-8:]) == (128 << 16, 72 << 16)
    assert struct.unpack_from(">II", inside[b"mvhd"], 12) == (1000, 4000)


@pytest.mark.parametrize("size", [0, 30_000, 30_001, 1_000_000])
def test_a_file_is_as_large_as_asked_for(size):
    """Throughput is measured with files of a size; the film in it stays the same."""
    made = film(size=size)
    assert len(made) == max(size, len(film()))
    assert made[: len(film()) - 12] == film()[:-12]


def test_files_differ_by_note_and_name():
    """Else a file under a wrong name would not be noticed."""
    assert len({film("a"), film("b"), film("a", note=b"other"), film("a")}) == 3


def test_the_first_picture_is_the_picture():
    """Raw samples: every macroblock's bytes are those of the drawing."""
    picture = landscape("a", 32, 16)
    (unit,) = drawn([picture])
    data = unescaped(unit)
    bright = [16 + 219 * (0.299 * r + 0.587 * g + 0.114 * b) / 255 for r, g, b in picture.palette]
    wanted = bytes(round(bright[index]) for row in picture.rows for index in row[:16])
    assert wanted in data
    assert len(data) < 2 * 384 + 16


def test_what_stands_still_is_not_sent_again():
    """Else films would be large for nothing."""
    still = landscape("a", 128, 72)
    first, second = drawn([still, still])
    assert len(second) < 14 < len(first)
    moved = drawn([still, landscape("a", 128, 72, 0.6)])[1]
    assert 14 < len(moved) < len(first) / 2


@given(st.binary(max_size=60).map(lambda data: data.replace(b"\xff", b"\0\0").replace(b"\xfe", b"\3")))
def test_no_start_code_is_seen_by_mistake(payload):
    """Three bytes that mean the beginning of a unit never stand inside one, and all bytes come back."""
    payload += b"\x80"  # as every unit ends
    unit = sample(KEY, payload)
    assert int.from_bytes(unit[:4]) == len(unit) - 4
    assert unit[4] == KEY
    sent = unit[5:]
    assert not any(bytes((0, 0, low)) in sent for low in (0, 1, 2))
    back, zeros = bytearray(), 0
    for byte in sent:
        if zeros >= 2 and byte == 3:
            zeros = 0
            continue
        zeros = zeros + 1 if byte == 0 else 0
        back.append(byte)
    assert bytes(back) == payload


@given(st.lists(st.integers(0, 70_000), min_size=1, max_size=20))
def test_numbers_are_written_as_the_standard_says(values):
    """Exponential Golomb: as many zeros as bits follow the first one."""
    bits = "".join(f"{byte:08b}" for byte in ended("".join(map(ue, values))))
    read, place = [], 0
    for _ in values:
        zeros = bits.index("1", place) - place
        read.append(int(bits[place + zeros : place + 2 * zeros + 1], 2) - 1)
        place += 2 * zeros + 1
    assert read == values
    assert bits[place] == "1"
    assert not bits[place + 1 :].strip("0")


@pytest.mark.parametrize("sides", SIDES)
def test_thumbnails_are_png(sides):
    """Every chunk's checksum holds, and the pixels are the drawing's."""
    picture = landscape("a", *sides)
    data = png(picture)
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    chunks, place = {}, 8
    while place < len(data):
        size, kind = struct.unpack_from(">I4s", data, place)
        body = data[place + 8 : place + 8 + size]
        assert struct.unpack_from(">I", data, place + 8 + size)[0] == zlib.crc32(kind + body)
        chunks[kind], place = body, place + 12 + size
    assert struct.unpack_from(">II", chunks[b"IHDR"]) == sides
    assert zlib.decompress(chunks[b"IDAT"]) == b"".join(b"\0" + row for row in picture.rows)
    assert chunks[b"PLTE"] == bytes(part for colour in picture.palette for part in colour)


@given(st.text(max_size=9), st.integers(1, 60), st.integers(1, 60), st.floats(0, 1))
def test_any_name_gives_a_picture(name, width, height, when):
    """Prompts are anybody's text."""
    picture = landscape(name, width, height, when)
    assert [len(row) for row in picture.rows] == [width] * height
    assert max(max(row) for row in picture.rows) < len(picture.palette)


@pytest.mark.parametrize("sides", SIDES)
def test_another_decoder_plays_them(sides):
    """FFmpeg's own: sizes, times, and every picture as it was drawn."""
    av = pytest.importorskip("av", reason="the decoder comes with the extra `video`")
    pictures = [landscape("play", *sides, (k + 0.5) / 4) for k in range(4)]
    with av.open(io.BytesIO(film("play", *sides))) as opened:
        (stream,) = opened.streams
        assert stream.codec_context.name == "h264"
        assert float(stream.duration * stream.time_base) == 4.0
        frames = list(opened.decode(stream))
    assert [(frame.width, frame.height) for frame in frames] == [sides] * 4
    assert [frame.time for frame in frames] == [0.0, 1.0, 2.0, 3.0]
    for frame, picture in zip(frames, pictures, strict=True):
        plane = frame.planes[0]
        seen = bytes(plane)[: plane.line_size * frame.height]
        for y in (0, sides[1] // 2, sides[1] - 1):
            row = seen[y * plane.line_size :][: sides[0]]
            luma = [16 + 219 * (0.299 * r + 0.587 * g + 0.114 * b) / 255 for r, g, b in picture.palette]
            assert list(row) == [round(luma[index]) for index in picture.rows[y]]
