"""The wire `vertex`: the same video jobs as long-running operations, behind access tokens.

``POST …/models/M:predictLongRunning`` orders, ``POST …/models/M:fetchPredictOperation`` looks. A finished
operation brings its video in base64 (``bytesBase64Encoded``), or its place (``gcsUri``) where the order named
a ``storageUri``; what lies there is served as by the store's own API, below ``/storage/v1/b/BUCKET/o/``.
"""

from __future__ import annotations

from base64 import b64encode
from typing import TYPE_CHECKING, Any
from uuid import UUID

from fetchlab.testbed.footage import video_sent
from fetchlab.testbed.jobs import BLOCKED, Job, Order, jobs_of
from fetchlab.testbed.keys import account, key_of
from fetchlab.testbed.paid import PaidWire, body_of, hints
from fetchlab.testbed.settings import Settings
from fetchlab.testbed.wire import Reply, Request, Route

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fetchlab.testbed.keys import Refused
    from fetchlab.testbed.registry import World

__all__ = ["VertexWire"]

_MODELS = (
    "/{version}/projects/{project}/locations/{location}/publishers/{publisher}/models/{model}",
    "/{version}/publishers/{publisher}/models/{model}",
)
_ORDER, _LOOK = ":predictLongRunning", ":fetchPredictOperation"
_STORE = "/storage/v1/b/{bucket}/o/{object*}"
_SECONDS = (4, 6, 8)
_SIZES = {"16:9": "1280x720", "9:16": "720x1280"}
_INTERNAL = 13
_SAID: dict[int, tuple[str, str]] = {
    400: ("INVALID_ARGUMENT", "Request contains an invalid argument."),
    401: ("UNAUTHENTICATED", "Request had invalid authentication credentials."),
    403: ("PERMISSION_DENIED", "The caller does not have permission."),
    404: ("NOT_FOUND", "Requested entity was not found."),
    409: ("ABORTED", "The operation was aborted."),
    429: ("RESOURCE_EXHAUSTED", "Resource has been exhausted (e.g. check quota)."),
    500: ("INTERNAL", "Internal error encountered."),
    503: ("UNAVAILABLE", "The service is currently unavailable."),
    504: ("DEADLINE_EXCEEDED", "Deadline expired before operation could complete."),
}


class VertexWire(PaidWire):
    """Operations of one testbed's jobs; a token sees its own."""

    records = True

    def __init__(self, name: str, world: World) -> None:
        super().__init__(name, world)
        self._jobs = jobs_of(world)
        self._places: dict[str, str] = {}
        self._settings = Settings()

    def configure(self, settings: Settings) -> None:
        """Follow what is set for keys and for jobs that are ordered from now on."""
        super().configure(settings)
        self._settings = settings
        self._jobs.configure()

    def routes(self) -> list[Route]:
        """Ordering and looking, with and without a project, and the store."""
        calls = [(_ORDER, self._order), (_LOOK, self._look)]
        made = [Route("POST", f"{model}{verb}", handler) for model in _MODELS for verb, handler in calls]
        return [*made, Route("GET", _STORE, self._stored)]

    def paid(self, request: Request) -> bool:
        """Orders are."""
        return request.path.endswith(_ORDER)

    def recorded(self) -> dict[str, Sequence[dict[str, Any]]]:
        """All jobs of the testbed."""
        return {"jobs": self._jobs.recorded()}

    def turned_away(self, why: Refused, limits: list[tuple[str, str]]) -> Reply:
        """As the service words it; a spent quota names what it violates and no time."""
        if why.why == "invalid":
            return _refused(401)
        if why.why == "quota":
            violation = {"subject": "project", "description": "The quota of this project is spent."}
            kind = "type.googleapis.com/google.rpc.QuotaFailure"
            return _refused(429, details=[{"@type": kind, "violations": [violation]}])
        return _refused(429, headers=[*hints(why.wait), *limits])

    def error(self, status: int, title: str, retry_after: float | None) -> Reply:
        """What the service itself says in JSON; anything it has no words for comes from a proxy."""
        if status not in _SAID:
            return super().error(status, title, retry_after)
        told = retry_after is not None and status in (429, 503)
        return _refused(status, headers=hints(retry_after or 0.0) if told else [])

    def _order(self, request: Request) -> Reply:
        body = body_of(request) or {}
        instances, parameters = body.get("instances"), body.get("parameters") or {}
        if not (isinstance(instances, list) and len(instances) == 1 and isinstance(instances[0], dict)):
            return _refused(400, "instances: there must be exactly one.")
        if not isinstance(parameters, dict):
            return _refused(400, "parameters: they must be an object.")
        prompt = instances[0].get("prompt")
        seconds = parameters.get("durationSeconds", _SECONDS[-1])
        size = _SIZES.get(str(parameters.get("aspectRatio", "16:9")))
        if not isinstance(prompt, str) or not prompt.strip():
            return _refused(400, "instances[0].prompt: it must not be empty.")
        if seconds not in _SECONDS or size is None or parameters.get("sampleCount", 1) != 1:
            return _refused(
                400, "parameters: durationSeconds 4, 6 or 8; aspectRatio 16:9 or 9:16; one sample."
            )
        order = Order(prompt, request.params["model"], seconds, size)
        job = self._jobs.order(account(key_of(request)), order, self._settings)
        if parameters.get("storageUri"):
            self._places[job.id] = str(parameters["storageUri"]).rstrip("/")
        model = request.path.removesuffix(_ORDER).partition("/")[2].partition("/")[2]
        return Reply.json({"name": f"{model}/operations/{_named(job)}"}, headers=self.limits(request))

    def _look(self, request: Request) -> Reply:
        name = (body_of(request) or {}).get("operationName")
        if not isinstance(name, str):
            return _refused(400, "operationName: it must be given.")
        job = self._find(request, name.rpartition("/")[2])
        now = self._jobs.clock()
        if job is None or now >= job.expires:
            return _refused(404, f"Operation {name} was not found.")
        status = job.status(now)
        job.looks.append(now)
        if status == "failed" and job.wrong != BLOCKED:
            wrong = {"code": _INTERNAL, "message": job.message}
            return Reply.json({"name": name, "done": True, "error": wrong})
        if status not in ("completed", "failed"):
            return Reply.json({"name": name, "done": False})
        reply = Reply.json({"name": name, "done": True, "response": self._response(job)})
        if status == "completed" and job.id not in self._places:
            reply.pace = job.pace
            job.sent.append((now, job.pace))
        return reply

    def _response(self, job: Job) -> dict[str, Any]:
        if job.wrong:
            return {"raiMediaFilteredCount": 1, "raiMediaFilteredReasons": [job.message]}
        place = self._places.get(job.id)
        if place:
            where = {"gcsUri": f"{place}/{_named(job)}/sample_0.mp4"}
        else:
            where = {"bytesBase64Encoded": b64encode(self._jobs.video(job)).decode()}
        kind = "type.googleapis.com/cloud.ai.large_models.vision.GenerateVideoResponse"
        return {"@type": kind, "raiMediaFilteredCount": 0, "videos": [{**where, "mimeType": "video/mp4"}]}

    def _stored(self, request: Request) -> Reply:
        path = f"gs://{request.params['bucket']}/{request.params['object']}"
        job = self._find(request, path.split("/")[-2])
        if job is None or not path.startswith(f"{self._places.get(job.id)}/{_named(job)}/"):
            return _refused(404, f"No such object: {path}")
        now = self._jobs.clock()
        if job.status(now) != "completed" or now >= job.expires:
            return _refused(404, f"No such object: {path}")
        body = self._jobs.video(job)
        if request.args.get("alt") != "media":
            return Reply.json(
                {"kind": "storage#object", "name": request.params["object"], "size": str(len(body))}
            )
        return video_sent(request, job, body, now)

    def _find(self, request: Request, name: str) -> Job | None:
        return self._jobs.find(account(key_of(request)), f"video_{name.replace('-', '')}")


def _named(job: Job) -> str:
    return str(UUID(job.id.removeprefix("video_")))


def _refused(
    status: int,
    message: str | None = None,
    *,
    details: list[dict[str, Any]] | None = None,
    headers: list[tuple[str, str]] | None = None,
) -> Reply:
    """The service's error object; what is not given is what it says with this status."""
    name, usual = _SAID[status]
    error = {"code": status, "message": message or usual, "status": name}
    return Reply.json({"error": {**error, "details": details} if details else error}, status, headers or ())
