"""Pictures of a video, and the same video larger: PyAV, in threads. Needs the extra ``video``."""

from __future__ import annotations

import importlib.util
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from fetchlab.errors import StudyError

if TYPE_CHECKING:
    import threading
    from collections.abc import Iterator
    from pathlib import Path

    import av

__all__ = ["INSTALL", "Stopped", "first_frame", "fitted", "scaled", "there_is_pyav"]

INSTALL = "pip install 'fetchlab[video]'"
WIDEST = 640
"""Pixels of a first frame's longer side, at most."""
ENCODERS = ("libx264", "mpeg4")
QUALITY = {"crf": "18", "preset": "veryfast"}


class Stopped(Exception):
    """The work was called off."""


def there_is_pyav() -> bool:
    """Say whether PyAV is installed."""
    return importlib.util.find_spec("av") is not None


def fitted(width: int, height: int, box: tuple[int, int]) -> tuple[int, int]:
    """Return the largest size of the same shape that a box holds, in even pixels.

    The box lies or stands as the film does.
    """
    long, short = max(box), min(box)
    across, down = (long, short) if width >= height else (short, long)
    factor = min(Fraction(across, width), Fraction(down, height))
    return max(2, 2 * round(width * factor / 2)), max(2, 2 * round(height * factor / 2))


def first_frame(path: Path) -> bytes:
    """Return a video's first frame as a PNG file, at most 640 pixels wide or high.

    Raises:
        StudyError: there is no PyAV, or the file is no video.
    """
    av = _pyav("the first frame")
    try:
        with av.open(str(path)) as film:
            frame = next(film.decode(video=0), None)
            if frame is None:
                raise StudyError(f"{path.name} has no frame")
            width, height = frame.width, frame.height
            if max(width, height) > WIDEST:
                width, height = fitted(width, height, (WIDEST, WIDEST))
            return _png(frame.reformat(width, height, format="rgb24"))
    except av.error.FFmpegError as error:
        raise StudyError(f"{path.name} cannot be read as a video: {error.strerror}") from error


def _png(frame: av.VideoFrame) -> bytes:
    import av

    codec = av.CodecContext.create("png", "w")
    codec.width, codec.height, codec.pix_fmt = frame.width, frame.height, "rgb24"
    codec.time_base = Fraction(1)
    return b"".join(bytes(packet) for packet in (*codec.encode(frame), *codec.encode(None)))


def scaled(source: Path, target: Path, box: tuple[int, int], stop: threading.Event) -> None:
    """Write a video at the largest size that a box holds; sound is taken over as it is.

    Args:
        source: the video.
        target: the file to write, an MP4.
        box: width and height in pixels.
        stop: set by who wants no more of it.

    Raises:
        StudyError: there is no PyAV, or the file is no video.
        Stopped: ``stop`` was set.
        OSError: the disk refused.
    """
    av = _pyav("upscaling")
    try:
        with av.open(str(source)) as film, av.open(str(target), "w", format="mp4") as made:
            for packet in _larger(film, made, box):
                if stop.is_set():
                    raise Stopped
                made.mux(packet)
    except av.error.FFmpegError as error:
        raise StudyError(f"{source.name} cannot be scaled: {error.strerror}") from error


def _larger(
    film: av.container.InputContainer, made: av.container.OutputContainer, box: tuple[int, int]
) -> Iterator[av.Packet]:
    import av

    if not film.streams.video:
        raise StudyError("there are no pictures in it")
    shown = film.streams.video[0]
    encoder = next(name for name in ENCODERS if name in av.codecs_available)
    picture = made.add_stream(encoder, rate=shown.average_rate, options=QUALITY if "x264" in encoder else {})
    picture.width, picture.height = fitted(shown.width, shown.height, box)
    picture.pix_fmt, picture.time_base = "yuv420p", shown.time_base
    sounds = {stream.index: made.add_stream_from_template(stream) for stream in film.streams.audio}
    for packet in film.demux(shown, *film.streams.audio):
        if packet.stream.index in sounds:
            if packet.dts is not None:  # the empty one at the end has none
                packet.stream = sounds[packet.stream.index]
                yield packet
            continue
        for frame in packet.decode():
            larger = frame.reformat(picture.width, picture.height, "yuv420p", interpolation="LANCZOS")
            larger.pts, larger.time_base = frame.pts, frame.time_base
            yield from picture.encode(larger)
    yield from picture.encode(None)


def _pyav(what: str) -> Any:
    try:
        import av
        import av.error
    except ImportError as error:
        raise StudyError(f"{what} needs PyAV: {INSTALL}") from error
    return av
