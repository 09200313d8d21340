"""Video jobs as the wire `openai` serves them: order, look, list, download, delete."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fetchlab.testbed.footage import thumbnail_sent, video_sent
from fetchlab.testbed.forms import fields_of
from fetchlab.testbed.hashing import share
from fetchlab.testbed.jobs import Job, Order, jobs_of
from fetchlab.testbed.keys import account, key_of
from fetchlab.testbed.paid import refused
from fetchlab.testbed.settings import Settings
from fetchlab.testbed.wire import BadRequest, Reply, Request, Route, whole

if TYPE_CHECKING:
    from collections.abc import Callable

    from fetchlab.testbed.registry import World

__all__ = ["VIDEOS", "Videos"]

VIDEOS = "/v1/videos"
_SECONDS = ("4", "8", "12")
_SIZES = ("720x1280", "1280x720", "1024x1792", "1792x1024")
_MODEL = "sora-2"
_LISTED = 20
_LONGEST_LIST = 100
_VARIANTS = ("video", "thumbnail")


class Videos:
    """The routes below ``/v1/videos``. A key sees its own jobs; another's do not exist for it.

    Args:
        world: whose jobs they are.
        limits: the headers that tell how much a request's key may still ask for.
    """

    def __init__(self, world: World, limits: Callable[[Request], list[tuple[str, str]]]) -> None:
        self._seed = world.seed
        self._limits = limits
        self._jobs = jobs_of(world)
        self._settings = Settings()

    def configure(self, settings: Settings) -> None:
        """Follow what is set for jobs: those that are ordered from now on, and all answers."""
        self._settings = settings
        self._jobs.configure()

    def routes(self) -> list[Route]:
        """The five endpoints."""
        return [
            Route("POST", VIDEOS, self._order),
            Route("GET", VIDEOS, self._list),
            Route("GET", f"{VIDEOS}/{{id}}", self._own(self._look)),
            Route("GET", f"{VIDEOS}/{{id}}/content", self._own(self._content)),
            Route("DELETE", f"{VIDEOS}/{{id}}", self._own(self._delete)),
        ]

    def recorded(self) -> list[dict[str, Any]]:
        """All jobs of the testbed."""
        return self._jobs.recorded()

    def _own(self, handler: Callable[[Request, Job], Reply]) -> Callable[[Request], Reply]:
        def answer(request: Request) -> Reply:
            name = request.params["id"]
            job = self._jobs.find(account(key_of(request)), name)
            return (
                refused(404, f"Video with id '{name}' not found.") if job is None else handler(request, job)
            )

        return answer

    def _order(self, request: Request) -> Reply:
        fields = fields_of(request)
        if fields is None:
            return refused(400, "We could not parse the body of your request.")
        prompt = fields.get("prompt")
        seconds, size = str(fields.get("seconds") or _SECONDS[0]), str(fields.get("size") or _SIZES[0])
        if not isinstance(prompt, str) or not prompt.strip():
            return refused(400, "Missing required parameter: 'prompt'.", param="prompt")
        for name, value, choices in (("seconds", seconds, _SECONDS), ("size", size, _SIZES)):
            if value not in choices:
                said = f"Invalid value: '{value}'. Supported values are: {', '.join(choices)}."
                return refused(400, said, code="invalid_value", param=name)
        order = Order(prompt, str(fields.get("model") or _MODEL), int(seconds), size)
        job = self._jobs.order(account(key_of(request)), order, self._settings)
        return Reply.json(self._stated(job), headers=[*self._advice(job), *self._limits(request)])

    def _look(self, _request: Request, job: Job) -> Reply:
        job.looks.append(self._jobs.clock())
        return Reply.json(self._stated(job), headers=self._advice(job))

    def _list(self, request: Request) -> Reply:
        try:
            limit = whole(request.args.get("limit", str(_LISTED)), least=1, most=_LONGEST_LIST)
        except BadRequest as wrong:
            return refused(400, f"Invalid 'limit': {wrong}.", code="invalid_value", param="limit")
        jobs = self._jobs.of(account(key_of(request)))
        if request.args.get("order", "desc") != "asc":
            jobs.reverse()
        after = request.args.get("after")
        if after:
            names = [job.id for job in jobs]
            if after not in names:
                return refused(404, f"Video with id '{after}' not found.", param="after")
            jobs = jobs[names.index(after) + 1 :]
        shown = [self._stated(job) for job in jobs[:limit]]
        return Reply.json(
            {
                "object": "list",
                "data": shown,
                "first_id": shown[0]["id"] if shown else None,
                "last_id": shown[-1]["id"] if shown else None,
                "has_more": len(jobs) > limit,
            }
        )

    def _content(self, request: Request, job: Job) -> Reply:
        variant = request.args.get("variant") or "video"
        if variant not in _VARIANTS:
            return refused(400, f"Invalid value: '{variant}'.", code="invalid_value", param="variant")
        missing = self._missing(job)
        if missing is not None:
            return missing
        if variant == "thumbnail":
            return thumbnail_sent(request, job, self._jobs.thumbnail(job))
        return video_sent(request, job, self._jobs.video(job), self._jobs.clock())

    def _missing(self, job: Job) -> Reply | None:
        """Why there is no content. Services disagree on the status: so do this one's jobs, with `quirks`."""
        now = self._jobs.clock()
        odd = self._settings.quirks and share(self._seed, job.id, 0) < 0.5
        status = job.status(now)
        if status == "failed":
            return refused(404, "Video generation failed; there is no content.")
        if status != "completed":
            return refused(404 if odd else 409, "Video is not ready yet, use GET /v1/videos/{id} to check.")
        if now >= job.expires:
            return refused(404 if odd else 410, "Video content has expired.")
        return None

    def _delete(self, _request: Request, job: Job) -> Reply:
        job.deleted = True
        return Reply.json({"id": job.id, "object": "video.deleted", "deleted": True})

    def _advice(self, job: Job) -> list[tuple[str, str]]:
        wait = self._settings.poll_after
        if wait is None or job.status(self._jobs.clock()) in ("completed", "failed"):
            return []
        return [("openai-poll-after-ms", str(round(wait * 1000)))]

    def _stated(self, job: Job) -> dict[str, Any]:
        now = self._jobs.clock()
        status = job.status(now)
        completed = status == "completed"
        return {
            "id": job.id,
            "object": "video",
            "model": job.order.model,
            "status": status,
            "progress": job.progress(now),
            "created_at": int(job.created),
            "completed_at": int(job.ready) if completed else None,
            "expires_at": int(job.expires) if completed else None,
            "prompt": job.order.prompt,
            "seconds": str(job.order.seconds),
            "size": job.order.size,
            "remixed_from_video_id": None,
            "error": {"code": job.wrong, "message": job.message} if status == "failed" else None,
        }
