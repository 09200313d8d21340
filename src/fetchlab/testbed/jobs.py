"""Video jobs: who ordered what, when it is made, and how it ends; decided by the seed when it is ordered."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from hashlib import blake2b, sha256
from heapq import heappop, heappush
from time import monotonic, time
from typing import TYPE_CHECKING, Any, NamedTuple

from fetchlab.testbed.faults import LONGEST_STREAK
from fetchlab.testbed.h264_drawn import drawn
from fetchlab.testbed.hashing import share
from fetchlab.testbed.mp4 import packed, padded
from fetchlab.testbed.pictures import landscape, png
from fetchlab.testbed.store import Shelf

if TYPE_CHECKING:
    from collections.abc import Callable

    from fetchlab.testbed.registry import World
    from fetchlab.testbed.settings import Settings

__all__ = ["BLOCKED", "FAILED", "Job", "Jobs", "Order", "jobs_of"]

BLOCKED = "moderation_blocked"
FAILED = "video_generation_failed"
SAID = {
    BLOCKED: "Your request was blocked by our moderation system.",
    FAILED: "Video generation failed. Please try again.",
}
_DAY = 86_400.0
_SMALLER = 10
"""A video has a tenth of the ordered width and height, a thumbnail a quarter."""
_THUMBNAIL = 4


class Order(NamedTuple):
    """What is ordered: `size` as ``1280x720``, `seconds` a whole number."""

    prompt: str
    model: str
    seconds: int
    size: str


@dataclass(slots=True)
class Job:
    """One order. Times are seconds since the epoch.

    Attributes:
        started: when it left the queue.
        ready: when it is completed, or fails.
        wrong: the code of its error, None where it succeeds.
        expires: when its content is gone.
        pace: seconds that sending its content takes.
        looks: when its owner asked how it is.
        sent: when sending its content began, in whole or in part, and how long it was to take.
        strangers: how often somebody else asked for it.
    """

    id: str
    account: str
    order: Order
    serial: int
    created: float
    started: float
    ready: float
    wrong: str | None
    expires: float
    pace: float
    least: int
    deleted: bool = False
    looks: list[float] = field(default_factory=list)
    sent: list[tuple[float, float]] = field(default_factory=list)
    strangers: int = 0

    def status(self, now: float) -> str:
        """``queued``, ``in_progress``, ``completed`` or ``failed``."""
        if now < self.started:
            return "queued"
        if now < self.ready:
            return "in_progress"
        return "failed" if self.wrong else "completed"

    def progress(self, now: float) -> int:
        """Per cent; a failed job stays where it was."""
        if self.status(now) == "completed":
            return 100
        if now < self.started:
            return 0
        return min(99, int(100 * (now - self.started) / max(1e-9, self.ready - self.started)))

    @property
    def message(self) -> str:
        """What its error says."""
        return SAID[self.wrong] if self.wrong else ""


@dataclass
class Jobs:
    """All jobs of one testbed, whichever wire they came by.

    Args:
        seed: what times, failures and pictures are drawn from.
        clock: seconds since the epoch, never going back.
    """

    seed: int
    clock: Callable[[], float]
    _known: dict[str, Job] = field(default_factory=dict)
    _made: dict[tuple[str, Order], int] = field(default_factory=dict)
    _tried: dict[Order, tuple[int, int]] = field(default_factory=dict)
    _busy: list[float] = field(default_factory=list)
    _files: Shelf[str, bytes] = field(default_factory=lambda: Shelf(256 * 2**20))
    _films: Shelf[Order, bytes] = field(default_factory=lambda: Shelf(32 * 2**20))

    def configure(self) -> None:
        """Forget which orders have failed, and who occupies a slot."""
        self._tried.clear()
        self._busy.clear()

    def order(self, account: str, order: Order, settings: Settings) -> Job:
        """Begin a job. An order fails at most twice in a row, unless its prompt is blocked."""
        now = self.clock()
        attempt, streak = self._tried.get(order, (0, 0))
        key = "\0".join(map(str, order))
        wrong = None
        if share(self.seed, f"blocked {order.prompt}", 0) < settings.job_blocked:
            wrong = BLOCKED
        elif streak < LONGEST_STREAK and share(self.seed, f"fails {key}", attempt) < settings.job_failure:
            wrong = FAILED
        self._tried[order] = attempt + 1, streak + 1 if wrong == FAILED else 0
        lasts = settings.job_time + settings.job_spread * share(self.seed, f"lasts {key}", attempt)
        started = self._slot(now, settings.job_slots)
        if settings.job_slots is not None:
            heappush(self._busy, started + lasts)
        made = self._made[account, order] = self._made.get((account, order), 0) + 1
        text = f"{self.seed}\0{account}\0{key}\0{made}"
        job = Job(
            id=f"video_{blake2b(text.encode(), digest_size=16).hexdigest()}",
            account=account,
            order=order,
            serial=len(self._known),
            created=now,
            started=started,
            ready=started + lasts,
            wrong=wrong,
            expires=started + lasts + (_DAY if settings.job_expiry is None else settings.job_expiry),
            pace=settings.content_time + settings.content_spread * share(self.seed, f"sent {key}", 0),
            least=settings.job_size,
        )
        self._known[job.id] = job
        return job

    def find(self, account: str, name: str) -> Job | None:
        """The job of that id, if it is this account's and has not been deleted."""
        job = self._known.get(name)
        if job is None or job.deleted:
            return None
        if job.account != account:
            job.strangers += 1
            return None
        return job

    def of(self, account: str) -> list[Job]:
        """An account's jobs, oldest first."""
        return [job for job in self._known.values() if job.account == account and not job.deleted]

    def video(self, job: Job) -> bytes:
        """The MP4 file: a landscape whose sun moves once a second, unlike any other job's file."""
        kept = self._files.get(job.id)
        if kept is not None:
            return kept
        film = self._films.get(job.order) or self._films.put(job.order, _drawn(job.order))
        return self._files.put(job.id, padded(film, job.id.encode(), job.least))

    def thumbnail(self, job: Job) -> bytes:
        """The first picture as a PNG file, larger."""
        width, height = (side // _THUMBNAIL for side in _sides(job.order.size))
        return png(landscape(job.order.prompt, width, height, 0.5 / job.order.seconds))

    def recorded(self) -> list[dict[str, Any]]:
        """Every job with what became of it."""
        return [self._stated(job) for job in self._known.values()]

    def _stated(self, job: Job) -> dict[str, Any]:
        now = self.clock()
        content = self.video(job) if job.status(now) == "completed" else b""
        return {
            "id": job.id,
            "account": job.account,
            **job.order._asdict(),
            "status": job.status(now),
            "error": job.wrong,
            "created": job.created,
            "started": job.started,
            "ready": job.ready,
            "expires": job.expires,
            "deleted": job.deleted,
            "bytes": len(content),
            "sha256": sha256(content).hexdigest() if content else None,
            "polls": len(job.looks),
            "downloads": len(job.sent),
            "looks": job.looks,
            "sent": job.sent,
            "strangers": job.strangers,
        }

    def _slot(self, now: float, slots: int | None) -> float:
        """When the next slot is free: first come, first served."""
        if slots is None:
            return now
        while self._busy and self._busy[0] <= now:
            heappop(self._busy)
        return heappop(self._busy) if len(self._busy) >= slots else now


def _drawn(order: Order) -> bytes:
    width, height = (2 * (side // (2 * _SMALLER)) for side in _sides(order.size))
    count = order.seconds
    shown = [landscape(order.prompt, width, height, (k + 0.5) / count) for k in range(count)]
    return packed(width, height, drawn(shown), step=1000)


def _sides(size: str) -> tuple[int, int]:
    width, _, height = size.partition("x")
    return int(width), int(height)


@cache
def jobs_of(world: World) -> Jobs:
    """The jobs of this testbed: its wires serve the same ones."""
    began = time() - monotonic()
    return Jobs(world.seed, lambda: began + monotonic())
