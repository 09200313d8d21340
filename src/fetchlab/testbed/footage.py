"""Sending a job's files, in whole or in part, at the pace that belongs to the job."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fetchlab.testbed.conditional import conditional
from fetchlab.testbed.wire import Reply, Request

if TYPE_CHECKING:
    from fetchlab.testbed.jobs import Job

__all__ = ["thumbnail_sent", "video_sent"]

_MODIFIED = "Sat, 01 Nov 2025 00:00:00 GMT"


def video_sent(request: Request, job: Job, body: bytes, now: float) -> Reply:
    """The film, or the part of it that is asked for; noted as a download of the job."""
    reply = _sent(request, f'"{job.id[-16:]}-{len(body)}"', body, "video/mp4")
    if request.method == "GET" and reply.status in (200, 206):
        reply.pace = job.pace * len(reply.body) / len(body)
        job.sent.append((now, reply.pace))
    return reply


def thumbnail_sent(request: Request, job: Job, body: bytes) -> Reply:
    """The picture, likewise; it takes no time and is not counted."""
    return _sent(request, f'"{job.id[-16:]}-thumbnail"', body, "image/png")


def _sent(request: Request, etag: str, body: bytes, kind: str) -> Reply:
    headers = [("etag", etag), ("last-modified", _MODIFIED), ("accept-ranges", "bytes")]
    return conditional(request, Reply(body, 200, kind, headers), etag, _MODIFIED)
