"""Photos, moving pictures and videos of posts, with the addresses under which they are served."""

from __future__ import annotations

from typing import NamedTuple

from fetchlab.testbed import timeline_ids as ids

__all__ = ["VIDEO", "Media", "Variant", "attached"]

VIDEO = 1 << 24
"""By how much the number of a video is less than that of its post."""

_SHAPES = ((1200, 675), (1200, 900), (900, 1200), (1080, 1080))
_FRAMES: dict[str, tuple[tuple[int, int, int], ...]] = {
    "wide": ((480, 270, 256_000), (640, 360, 832_000), (1280, 720, 2_176_000)),
    "square": ((320, 320, 432_000), (540, 540, 832_000), (720, 720, 1_280_000)),
    "tall": ((320, 568, 632_000), (480, 852, 950_000), (720, 1280, 2_176_000)),
}
_ALT = (
    "",
    "",
    "A chart with one bar much longer than the others",
    "The harbour at night",
)


class Variant(NamedTuple):
    """One size of a video as one file."""

    path: str
    width: int
    height: int
    bitrate: int


class Media(NamedTuple):
    """One medium of a post.

    Attributes:
        kind: ``photo``, ``gif`` (a silent video that repeats) or ``video``.
        id: its own number; of a photo nobody asks for it, of a video it stands in all its addresses.
        name: the fifteen characters in the address of its picture.
        picture: path of the photo, or of the still that stands for what moves.
        seconds: how long it plays, 0 for a photo.
        playlist: path of a video's master playlist.
        variants: files that play, by bitrate; of a GIF one.
    """

    kind: str
    id: int
    name: str
    picture: str
    width: int
    height: int
    alt: str
    seconds: float
    playlist: str
    variants: tuple[Variant, ...]

    @property
    def address(self) -> str:
        """Path of the thing itself: the photo, or the file of the highest bitrate."""
        return self.variants[-1].path if self.variants else self.picture


def attached(seed: int, post: int, d: tuple[int, ...], *, plain: bool) -> tuple[Media, ...]:
    """The media of a post, decided by its draws.

    Args:
        seed: what it is made from.
        post: the post's id.
        d: the post's draws.
        plain: whether it is an ordinary post; others have media more rarely.
    """
    drawn = d[10] % 100
    if drawn >= (50 if plain else 24):
        return ()
    if drawn % 5 == 0:
        return (_gif(seed, post, d),)
    if drawn % 3 == 0:
        return (_video(seed, post, d),)
    return tuple(_photo(seed, post, number, d) for number in range(1 + max(0, d[11] % 7 - 3)))


def _variants(seed: int, number: int, frame: str) -> tuple[Variant, ...]:
    """The files of a video, their names such that nobody guesses them."""
    return tuple(
        Variant(
            f"/amplify_video/{number}/vid/avc1/{width}x{height}/"
            f"{ids.digest(seed, f'file {number} {width}x{height}')}.mp4?tag=14",
            width,
            height,
            bitrate,
        )
        for width, height, bitrate in _FRAMES[frame]
    )


def _frame(d: tuple[int, ...]) -> str:
    """Wide, square or tall."""
    return ("wide", "wide", "square", "tall")[d[12] % 4]


def _photo(seed: int, post: int, number: int, d: tuple[int, ...]) -> Media:
    width, height = _SHAPES[(d[12] + number) % len(_SHAPES)]
    name = ids.name(seed, post, number)
    return Media(
        "photo",
        post - VIDEO + number,
        name,
        f"/media/{name}.jpg",
        width,
        height,
        _ALT[(d[13] + number) % len(_ALT)],
        0.0,
        "",
        (),
    )


def _gif(seed: int, post: int, d: tuple[int, ...]) -> Media:
    name = ids.name(seed, post, 0)
    width, height = (480, 270) if d[12] % 2 else (360, 360)
    return Media(
        "gif",
        post - VIDEO,
        name,
        f"/tweet_video_thumb/{name}.jpg",
        width,
        height,
        "",
        0.0,
        "",
        (Variant(f"/tweet_video/{name}.mp4", width, height, 0),),
    )


def _video(seed: int, post: int, d: tuple[int, ...]) -> Media:
    number = post - VIDEO
    files = _variants(seed, number, _frame(d))
    name = ids.name(seed, post, 0)
    return Media(
        "video",
        number,
        name,
        f"/amplify_video_thumb/{number}/img/{name}.jpg",
        files[-1].width,
        files[-1].height,
        "",
        4.0 + d[14] % 56,
        f"/amplify_video/{number}/pl/{ids.digest(seed, f'master {number}')}.m3u8?tag=14",
        files,
    )
