"""A video's playlists, and the addresses in them (RFC 8216)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fetchlab.testbed.mp4 import SEGMENT
from fetchlab.testbed.timeline_ids import digest

if TYPE_CHECKING:
    from fetchlab.testbed.timeline_media import Media, Variant

__all__ = ["CODEC", "Part", "master", "parts", "playlist", "playlist_path"]

CODEC = "avc1.42C01F"
Part = tuple[str, float]
"""Where a part of a video is, and how many seconds it plays; the first plays none and tells what follows."""


def master(seed: int, video: Media) -> str:
    """The list of a video's sizes."""
    lines = ["#EXTM3U", "#EXT-X-VERSION:6", "#EXT-X-INDEPENDENT-SEGMENTS"]
    for size in video.variants:
        lines.append(
            f"#EXT-X-STREAM-INF:AVERAGE-BANDWIDTH={size.bitrate * 4 // 5},BANDWIDTH={size.bitrate},"
            f'RESOLUTION={size.width}x{size.height},CODECS="{CODEC}"'
        )
        lines.append(playlist_path(seed, video.id, size))
    return "\n".join(lines) + "\n"


def playlist_path(seed: int, number: int, size: Variant) -> str:
    """Path of the playlist of one size."""
    name = digest(seed, f"playlist {number} {size.width}x{size.height}")
    return f"/amplify_video/{number}/pl/avc1/{size.width}x{size.height}/{name}.m3u8"


def parts(seed: int, video: Media, size: Variant) -> list[Part]:
    """Everything that a player fetches of one size, in order."""
    root, frame = f"/amplify_video/{video.id}/vid/avc1", f"{size.width}x{size.height}"
    made = [(f"{root}/0/0/{frame}/{digest(seed, f'map {video.id} {frame}')}.mp4", 0.0)]
    for number in range(int(-(-video.seconds // SEGMENT))):
        begin = number * SEGMENT
        end = min(video.seconds, begin + SEGMENT)
        name = digest(seed, f"part {video.id} {frame} {number}")
        made.append((f"{root}/{begin * 1000:.0f}/{end * 1000:.0f}/{frame}/{name}.m4s", end - begin))
    return made


def playlist(seed: int, video: Media, size: Variant) -> str:
    """The list of a size's parts."""
    (first, _), *others = parts(seed, video, size)
    lines = [
        "#EXTM3U",
        "#EXT-X-VERSION:6",
        "#EXT-X-MEDIA-SEQUENCE:0",
        f"#EXT-X-TARGETDURATION:{SEGMENT:.0f}",
        "#EXT-X-PLAYLIST-TYPE:VOD",
        f'#EXT-X-MAP:URI="{first}"',
    ]
    for path, seconds in others:
        lines += [f"#EXTINF:{seconds:.3f},", path]
    return "\n".join([*lines, "#EXT-X-ENDLIST"]) + "\n"
