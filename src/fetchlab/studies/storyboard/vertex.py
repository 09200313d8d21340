"""Vertex AI's long-running operations as a service that makes videos. Sans I/O.

``POST …/models/M:predictLongRunning`` orders, ``POST …/models/M:fetchPredictOperation`` looks. A video comes
with the last look, or lies in a bucket from where it can be resumed: give ``store``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

import msgspec

from fetchlab.engine.parse import decode
from fetchlab.errors import ConfigError, ParseError
from fetchlab.model import Request
from fetchlab.policy.keys import host_of
from fetchlab.redaction import redact_text
from fetchlab.studies.storyboard.backends import State

if TYPE_CHECKING:
    from fetchlab.model import Response
    from fetchlab.studies.storyboard.orders import Order

__all__ = ["VertexVideos"]

INVALID_ARGUMENT = 3
GOOGLE = "googleapis.com"


class _Video(msgspec.Struct, rename="camel"):
    gcs_uri: str | None = None
    bytes_base64_encoded: bytes | None = None


class _Answer(msgspec.Struct, rename="camel"):
    videos: list[_Video] = []
    rai_media_filtered_reasons: list[str] = []


class _Error(msgspec.Struct):
    code: int = 0
    message: str = ""


class _Operation(msgspec.Struct):
    name: str
    done: bool = False
    error: _Error | None = None
    response: _Answer | None = None


class VertexVideos:
    """Operations of a model.

    Args:
        base_url: all before ``/models``: ``https://…/v1/projects/P/locations/L/publishers/google``.
        model: the model's name.
        store: a folder in a bucket, ``gs://bucket/folder``, where the service puts videos; None has them come
            with its answers.

    Raises:
        ConfigError: ``store`` is no folder in a bucket.
    """

    lengths: tuple[int, ...] = (4, 6, 8)

    def __init__(self, base_url: str, model: str, store: str | None = None) -> None:
        if store is not None and not (
            isinstance(store, str) and store.startswith("gs://") and store[5:].strip("/")
        ):
            raise ConfigError("store", f"is a folder in a bucket such as gs://bucket/folder, not {store!r}")
        self._url = f"{base_url}/models/{model}"
        self._store = store
        host = urlsplit(base_url).hostname or ""
        google = host == GOOGLE or host.endswith(f".{GOOGLE}")
        self._bucket_host = f"https://storage.{GOOGLE}" if google else host_of(base_url)

    def order(self, order: Order) -> Request:
        """Return the request that orders a video."""
        width, _, height = order.size.partition("x")
        wanted: dict[str, Any] = {
            "durationSeconds": order.seconds,
            "aspectRatio": "16:9" if int(width) >= int(height) else "9:16",
            "sampleCount": 1,
        }
        if self._store is not None:
            wanted["storageUri"] = self._store
        told = {"instances": [{"prompt": order.prompt}], "parameters": wanted}
        return Request(f"{self._url}:predictLongRunning", "POST", json=told)

    def look(self, job: str) -> Request:
        """Return the request that asks how an operation stands."""
        return Request(f"{self._url}:fetchPredictOperation", "POST", json={"operationName": job})

    def state(self, response: Response) -> State:
        """Return how an operation stands.

        Raises:
            ParseError: the answer is no operation.
        """
        told = decode(response, _Operation)
        if not told.done:
            return State(told.name, "in_progress")
        if told.error is not None:
            why = redact_text(f"code {told.error.code}: {told.error.message}")
            return State(told.name, "failed", why, told.error.code == INVALID_ARGUMENT)
        answer = told.response or _Answer()
        if not answer.videos:
            why = redact_text("; ".join(answer.rai_media_filtered_reasons)) or "it brought no video"
            return State(told.name, "failed", why, bool(answer.rai_media_filtered_reasons))
        video = answer.videos[0]
        if video.gcs_uri:
            return State(told.name, "completed", place=video.gcs_uri)
        content = video.bytes_base64_encoded
        if not content:
            raise ParseError("the operation is done and brought neither a video nor its place")
        return State(told.name, "completed", content=content)

    def content(self, job: str, place: str) -> Request | None:  # noqa: ARG002
        """Return the request for a video in a bucket, None for one that comes with a look."""
        bucket, _, name = place.removeprefix("gs://").partition("/")
        if not (bucket and name):
            return None
        return Request(f"{self._bucket_host}/storage/v1/b/{bucket}/o/{quote(name, safe='')}?alt=media")

    def thumbnail(self, job: str) -> None:
        """Return None: the service makes no thumbnails."""
