"""The wire that serves what payloads point at: photos, stills, videos whole and in parts, portraits, emoji.

And the timeline's program and style, which services have on such a host, too.

Everything has exactly one address, which only a payload tells; any other one is answered with 404.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fetchlab.testbed import hls, mp4
from fetchlab.testbed import timeline_ids as ids
from fetchlab.testbed.conditional import conditional
from fetchlab.testbed.jpeg import landscape
from fetchlab.testbed.store import Shelf
from fetchlab.testbed.timeline_data import archive
from fetchlab.testbed.timeline_media import VIDEO
from fetchlab.testbed.timeline_site import FILES, static
from fetchlab.testbed.timeline_users import portrait, user_numbered
from fetchlab.testbed.wire import Reply, Request, Route, Wire

if TYPE_CHECKING:
    from collections.abc import Callable

    from fetchlab.testbed.registry import World
    from fetchlab.testbed.timeline_media import Media, Variant

__all__ = ["MediaWire"]

_MODIFIED = "Sun, 01 Nov 2026 00:00:00 GMT"
_HEADERS = [
    ("access-control-allow-origin", "*"),
    ("cache-control", "max-age=604800, must-revalidate"),
    ("last-modified", _MODIFIED),
    ("accept-ranges", "bytes"),
]
_PLAYLIST = "application/x-mpegURL"
_BLOCK = 8 * 4  # pixels of a picture that one block of its file stands for


class MediaWire(Wire):
    """Pictures and videos of the timeline's posts: small files, and always the same ones."""

    def __init__(self, name: str, world: World) -> None:
        super().__init__(name, world)
        self._archive = archive(world.seed)
        self._kept: Shelf[str, Reply] = Shelf(64 * 2**20)
        self._missing = Reply(b"", 404, "text/plain", _HEADERS[:1])

    def routes(self) -> list[Route]:
        """The service's paths for each kind of file."""
        video = "/amplify_video/{id}"
        return [
            Route("GET", "/media/{file}", self._served(self._photo)),
            Route("GET", "/tweet_video_thumb/{file}", self._served(self._photo)),
            Route("GET", "/amplify_video_thumb/{id}/img/{file}", self._served(self._photo)),
            Route("GET", "/tweet_video/{file}", self._served(self._gif)),
            Route("GET", f"{video}/pl/{{file}}", self._served(self._master)),
            Route("GET", f"{video}/pl/avc1/{{size}}/{{file}}", self._served(self._playlist)),
            Route("GET", f"{video}/vid/avc1/{{size}}/{{file}}", self._served(self._whole)),
            Route("GET", f"{video}/vid/avc1/{{begin}}/{{end}}/{{size}}/{{file}}", self._served(self._part)),
            Route("GET", "/profile_images/{id}/{file}", self._served(self._portrait)),
            Route("GET", "/emoji/v2/svg/{file}", self._served(_emoji)),
            Route("GET", f"{FILES}/{{file}}", self._served(_static)),
        ]

    def _served(self, make: Callable[[Request], Reply | None]) -> Callable[[Request], Reply]:
        """The handler that keeps what was made, and answers conditions and ranges."""

        def answer(request: Request) -> Reply:
            reply = self._kept.get(request.path)
            if reply is None:
                made = make(request)
                if made is None:
                    return self._missing
                reply = self._kept.put(request.path, made)
            return conditional(request, reply, _etag(reply), _MODIFIED)

        return answer

    def _photo(self, request: Request) -> Reply | None:
        stem, _, ending = request.params["file"].partition(".")
        found = ids.named(self.world.seed, stem)
        media = self._media_of(found.post) if found is not None else ()
        if found is None or found.number >= len(media) or ending not in ("jpg", ""):
            return None
        one = media[found.number]
        # Photos may also be asked for as /media/NAME?format=jpg&name=small, everything else has one address.
        if request.path != one.picture and not (one.kind == "photo" and request.path == one.picture[:-4]):
            return None
        size = one.width // _BLOCK, one.height // _BLOCK
        return _file(landscape(found.post % 9_973 * 41 + found.number, *size), "image/jpeg")

    def _gif(self, request: Request) -> Reply | None:
        found = ids.named(self.world.seed, request.params["file"].removesuffix(".mp4"))
        media = self._media_of(found.post) if found is not None else ()
        if not media or media[0].kind != "gif" or request.path != media[0].address:
            return None
        one = media[0]
        return _file(mp4.whole(one.width, one.height, 3.0, one.id % 9_973), "video/mp4")

    def _master(self, request: Request) -> Reply | None:
        video = self._video(request)
        if video is None or request.path != video.playlist.partition("?")[0]:
            return None
        return _file(hls.master(self.world.seed, video).encode(), _PLAYLIST)

    def _playlist(self, request: Request) -> Reply | None:
        video, size = self._sized(request)
        if (
            video is None
            or size is None
            or request.path != hls.playlist_path(self.world.seed, video.id, size)
        ):
            return None
        return _file(hls.playlist(self.world.seed, video, size).encode(), _PLAYLIST)

    def _whole(self, request: Request) -> Reply | None:
        video, size = self._sized(request)
        if video is None or size is None or request.path != size.path.partition("?")[0]:
            return None
        made = mp4.whole(size.width, size.height, video.seconds, video.id % 9_973)
        return _file(made, "video/mp4")

    def _part(self, request: Request) -> Reply | None:
        video, size = self._sized(request)
        if video is None or size is None:
            return None
        known = hls.parts(self.world.seed, video, size)
        place = next((n for n, (path, _) in enumerate(known) if path == request.path), None)
        if place is None:
            return None
        if place == 0:
            return _file(mp4.initial(size.width, size.height), "video/mp4")
        made = mp4.segment(size.width, size.height, place - 1, known[place][1], video.id % 9_973)
        return _file(made, "video/mp4")

    def _portrait(self, request: Request) -> Reply | None:
        number = request.params["id"]
        user = user_numbered(self.world.seed, int(number)) if number.isdecimal() else None
        if user is None or request.path != portrait(self.world.seed, user):
            return None
        return _file(landscape(user.place * 67, 6, 6), "image/jpeg")

    def _media_of(self, number: int) -> tuple[Media, ...]:
        post = self._archive.find(number)
        return post.media if post is not None else ()

    def _video(self, request: Request) -> Media | None:
        number = request.params["id"]
        media = self._media_of(int(number) + VIDEO) if number.isdecimal() and len(number) < 20 else ()
        return media[0] if media and media[0].kind == "video" else None

    def _sized(self, request: Request) -> tuple[Media | None, Variant | None]:
        video = self._video(request)
        if video is None:
            return None, None
        size = request.params["size"]
        return video, next((one for one in video.variants if f"{one.width}x{one.height}" == size), None)


def _emoji(request: Request) -> Reply | None:
    codes = request.params["file"].removesuffix(".svg").split("-")
    try:
        text = "".join(chr(int(code, 16)) for code in codes)
    except (ValueError, OverflowError):
        return None
    if not all(ord(letter) > 0x1FFF for letter in text):
        return None
    drawn = f'<text x="18" y="29" font-size="30" text-anchor="middle">{text}</text>'
    return _file(
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 36 36">{drawn}</svg>'.encode(), "image/svg+xml"
    )


def _static(request: Request) -> Reply | None:
    found = static().get(request.params["file"])
    return None if found is None else _file(*found)


def _file(body: bytes, kind: str) -> Reply:
    return Reply(body, kind=kind, headers=[*_HEADERS, ("etag", f'"{len(body):x}"')])


def _etag(reply: Reply) -> str:
    return f'"{len(reply.body):x}"'
