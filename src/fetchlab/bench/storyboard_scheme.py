"""The published scheme of downloads, as its document describes it, on the same wire as ours.

Jobs are polled; those that are ready are queued and downloaded five at a time, while nobody polls; the next
five wait for the slowest of these. What the document leaves open is decided in its favour: all jobs are asked
about at the same time, and what is ready is begun at once instead of when five are.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from fetchlab.engine.calls import fetch
from fetchlab.engine.downloads import download
from fetchlab.errors import StudyError
from fetchlab.model import Request

if TYPE_CHECKING:
    from pathlib import Path

    from fetchlab.transport.client import Client

__all__ = ["published"]


def published(
    url: str, key: str, prompts: list[str], folder: Path, client: Client, downloads: int, poll: float
) -> dict[str, Path]:
    """Order, poll and download; return each job's file.

    Args:
        url: the service's root.
        key: the account's.
        prompts: what is ordered.
        folder: where files go.
        client: whose wire is used.
        downloads: files in a batch.
        poll: seconds between two rounds of looks.

    Raises:
        StudyError: a job failed.
    """
    said = {"Authorization": f"Bearer {key}"}
    shared: dict[str, Any] = {"client": client, "progress": False}
    told = [{"prompt": prompt, "model": "sora-2", "seconds": "8", "size": "1280x720"} for prompt in prompts]
    orders = [Request(f"{url}/videos", "POST", headers=said, json=one) for one in told]
    ordered = fetch(orders, parse="json", workers=20, key=lambda order: order.content, **shared)
    waiting = [job["id"] for job in ordered.raise_for_errors().result()]
    files: dict[str, Path] = {}

    def place(request: Request) -> Path:
        return folder / f"{request.url.split('/')[-2]}.mp4"

    while waiting:
        looks = [Request(f"{url}/videos/{job}", headers=said) for job in waiting]
        states = fetch(looks, parse="json", workers=20, **shared).raise_for_errors().result()
        if any(state["status"] == "failed" for state in states):
            raise StudyError("a job failed")
        ready = [state["id"] for state in states if state["status"] == "completed"]
        for first in range(0, len(ready), downloads):
            batch = ready[first : first + downloads]
            contents = [Request(f"{url}/videos/{job}/content", headers=said) for job in batch]
            came = download(contents, to=place, workers=downloads, **shared)
            files |= dict(zip(batch, (one.path for one in came.raise_for_errors().result()), strict=True))
        waiting = [job for job in waiting if job not in files]
        if waiting and not ready:
            time.sleep(poll)
    return files
