"""What belongs to a library and what does not, told from names before anything is asked of the disk."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from fetchlab.errors import ConfigError

__all__ = ["SIDECARS", "VIDEOS", "Filter"]

VIDEOS = frozenset(
    """
    3g2 3gp asf avi divx flv iso m2ts m4v mk3d mkv mov mp4 mpeg mpg mts ogm ogv rm rmvb ts vob webm wmv
    """.split()  # noqa: SIM905
)
"""Extensions of videos, in lower case."""
SIDECARS = frozenset("ass idx jpeg jpg nfo png smi srt ssa sub sup tbn vtt".split())  # noqa: SIM905
"""Extensions of what lies beside a video and moves with it."""

_SYSTEM = frozenset({"@eadir", "#recycle", "$recycle.bin", "system volume information", "lost+found"})
_DISCS = frozenset({"bdmv", "video_ts", "certificate"})
_SAMPLES = frozenset({"sample", "samples"})
_EXTRAS = frozenset(
    {
        "behind the scenes", "deleted scenes", "extras", "featurettes", "interviews", "scenes", "shorts",
        "trailers", "other", "bonus",
    }
)  # fmt: skip
_EXTRA_NAME = re.compile(
    r"(?:-(?:trailer|behindthescenes|deleted|featurette|interview|scene|short|other)|^trailer)$",
    re.IGNORECASE,
)
_SAMPLE_NAME = re.compile(r"(?:^|[^a-z0-9])sample(?:$|[^a-z0-9])", re.IGNORECASE)
_LARGEST_SAMPLE = 300_000_000

Kind = Literal["video", "sidecar"]


@dataclass(frozen=True, slots=True)
class Filter:
    """Decides by name, and for videos by size, what a walk keeps.

    Folder names for extras are those of Plex's documents ("Local media assets"). They count only below a
    title's folder: a library may well have a folder "Other" at its top.

    Attributes:
        extensions: of videos, without the dot, in lower case.
        sidecars: of what moves with a video.
        min_size: bytes; a smaller video is none.
        samples: keep samples.
        extras: keep trailers, featurettes and their like.
        hidden: keep names that begin with a dot.
    """

    extensions: frozenset[str] = VIDEOS
    sidecars: frozenset[str] = SIDECARS
    min_size: int = 1_000_000
    samples: bool = False
    extras: bool = False
    hidden: bool = False

    def __post_init__(self) -> None:
        if isinstance(self.min_size, bool) or not isinstance(self.min_size, int) or self.min_size < 0:
            raise ConfigError("min_size", f"is a whole number of bytes, 0 or more, not {self.min_size!r}")
        for knob in ("extensions", "sidecars"):
            given = getattr(self, knob)
            if isinstance(given, str) or not all(isinstance(name, str) for name in given):
                raise ConfigError(knob, f"give a set of extensions such as {{'mkv', 'mp4'}}, not {given!r}")
            object.__setattr__(self, knob, frozenset(name.lower().lstrip(".") for name in given))

    def folder(self, name: str, depth: int) -> str | None:
        """Return why a folder is passed over, None if it is walked.

        Args:
            name: its name.
            depth: how many folders below the library's root it is; 1 directly below.
        """
        lower = name.lower()
        if lower in _SYSTEM:
            return "hidden"
        if not self.hidden and name.startswith("."):
            return "hidden"
        if lower in _DISCS:
            return "disc"
        if not self.samples and lower in _SAMPLES:
            return "sample"
        if not self.extras and depth > 1 and lower in _EXTRAS:
            return "extra"
        return None

    def file(self, name: str) -> tuple[Kind | None, str]:
        """Return what a file is; or None, and why it is passed over."""
        stem, _, extension = name.rpartition(".")
        extension = extension.lower()
        if extension in self.extensions:
            if not self.hidden and name.startswith("."):
                return None, "hidden"
            if not self.extras and _EXTRA_NAME.search(stem):
                return None, "extra"
            return "video", ""
        if extension in self.sidecars and stem and (self.hidden or not name.startswith(".")):
            return "sidecar", ""
        return None, "hidden" if name.startswith(".") else "other"

    def video(self, name: str, size: int) -> str | None:
        """Return why a video of that size is passed over, None if it is kept."""
        if size < self.min_size:
            return "small"
        if not self.samples and size < _LARGEST_SAMPLE and _SAMPLE_NAME.search(name):
            return "sample"
        return None
