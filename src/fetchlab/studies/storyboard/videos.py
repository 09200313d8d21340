"""The jobs' client: scenes become video files."""

from __future__ import annotations

import math
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import polars as pl

from fetchlab.engine.calls import start
from fetchlab.engine.knobs import whole
from fetchlab.engine.strategies import Async
from fetchlab.errors import ConfigError
from fetchlab.policy.keys import host_of
from fetchlab.policy.retry import Retry
from fetchlab.policy.timeout import Timeout
from fetchlab.redaction import redact_url
from fetchlab.studies.storyboard.accounts import Accounts
from fetchlab.studies.storyboard.backends import OpenAIVideos
from fetchlab.studies.storyboard.client import KEY, root
from fetchlab.studies.storyboard.films import totals, videos_frame
from fetchlab.studies.storyboard.finishing import AT_ONCE, Finishing, how_of
from fetchlab.studies.storyboard.frames import INSTALL, there_is_pyav
from fetchlab.studies.storyboard.keys import Key, KeyRing, keys_of
from fetchlab.studies.storyboard.lost import Lost, recorded
from fetchlab.studies.storyboard.ordering import Ordering
from fetchlab.studies.storyboard.orders import Order
from fetchlab.studies.storyboard.paid import paid_journal
from fetchlab.studies.storyboard.places import Places
from fetchlab.studies.storyboard.rendering import Rendering
from fetchlab.studies.storyboard.slots import Slots
from fetchlab.studies.storyboard.vertex import VertexVideos
from fetchlab.studies.storyboard.working import Working
from fetchlab.transport.client import Client

if TYPE_CHECKING:
    import os

    from fetchlab.engine.journal import Journal
    from fetchlab.engine.run import Run
    from fetchlab.policy.rate import RateLimit
    from fetchlab.studies.storyboard.backends import Backend

__all__ = ["VideoJobs"]

MODELS = {"openai": "sora-2", "vertex": "veo-3.0-generate-001"}
USUAL = 8
"""Seconds of a video for a prompt that says nothing of it."""
MOST_SCENES = 2**32 - 1
"""What the table's column holds."""
LARGEST = 16_384
"""Pixels of a side, the most that H.264's levels know of."""


class VideoJobs:
    """A service that makes videos, and accounts of it.

    Args:
        base_url: the service's root with its version, ``http://…/v1``; ``$OPENAI_BASE_URL`` unless told.
        accounts: their keys or tokens, texts or :class:`Key`; ``$OPENAI_API_KEY`` unless told. Orders go to
            them in turn; each job is asked about and downloaded with its own account's, and never with
            another's.
        backend: ``"openai"``, the ``/v1/videos`` shape, or ``"vertex"``, whose ``base_url`` is all before
            ``/models``, and whose accounts are access tokens.
        model: the video model's name; ``sora-2`` or ``veo-3.0-generate-001`` unless told.
        store: with ``"vertex"``, a folder in a bucket, ``gs://bucket/folder``, where the service puts videos,
            so that downloads can be resumed; they come with its answers unless told.
        rate: the requests that each account may make, unless a :class:`Key` says otherwise.
        client: an ``fl.Client`` or async client with httpx's interface; a shared one unless told.
        retry: what is tried again.
        timeout: seconds per attempt; a download may take as long as it goes on.

    Raises:
        ConfigError: a knob has a value that cannot work.
    """

    def __init__(
        self,
        base_url: str | None = None,
        accounts: Iterable[str | Key] | str | Key | None = None,
        backend: Literal["openai", "vertex"] = "openai",
        *,
        model: str | None = None,
        store: str | None = None,
        rate: RateLimit | None = None,
        client: Any = None,
        retry: Retry | None = None,
        timeout: Timeout | float | None = Timeout(),  # noqa: B008  # frozen
    ) -> None:
        self.base_url = root(base_url)
        if backend not in MODELS:
            raise ConfigError("backend", f"is 'openai' or 'vertex', not {backend!r}")
        if model is not None and (not isinstance(model, str) or not model):
            raise ConfigError("model", f"give the model's name, not {model!r}")
        if store is not None and backend != "vertex":
            raise ConfigError("store", "is for backend='vertex'; other services keep their videos")
        if retry is not None and not isinstance(retry, Retry):
            raise ConfigError("retry", f"give fl.Retry(attempts=…), not {retry!r}")
        self.model = model or MODELS[backend]
        self._backend: Backend = (
            OpenAIVideos(self.base_url)
            if backend == "openai"
            else VertexVideos(self.base_url, self.model, store)
        )
        self._keys = [
            key if key.rate is not None else Key(key.secret, rate, key.name)
            for key in keys_of(accounts, "accounts", KEY)
        ]
        self._client = Client.of(client)
        chosen = retry or Retry()
        self._retry = replace(chosen, methods=chosen.methods | {"POST"})  # after a look whether it was taken
        self._timeout = Timeout.of(timeout)

    def render(
        self,
        scenes: pl.DataFrame | Iterable[str],
        to: str | os.PathLike[str],
        downloads: int = 5,
        upscale: str | Callable[[Path, Path], object] | None = None,
        *,
        thumbnails: bool = True,
        seconds: int | None = None,
        size: str = "1280x720",
        resubmit: int = 1,
        workers: int = 20,
        journal: Journal | str | Path | None = None,
        progress: bool | None = None,
    ) -> Run:
        """Have a video made of every scene, and download each the moment it is ready.

        Args:
            scenes: the table of :meth:`Storyboard.script`, or prompts.
            to: the folder of the videos, ``scene-017.mp4``. They appear whole or not at all; a download that
                breaks off is resumed, also by a later call.
            downloads: at a time; as one ends the next begins, the one that expires first.
            upscale: a size such as ``3840x2160``, to which each video is scaled on this machine, keeping its
                shape (needs the extra ``video``); or a function that is given the paths of the video and of
                the file to write, and is called in a thread. The result is ``scene-017 3840x2160.mp4``.
            thumbnails: have a picture of each, ``scene-017.png``: the service's, else the video's first frame
                (needs the extra ``video``).
            seconds: of each video, one of the lengths that the service makes; a scene's own length, rounded
                up to one of these, unless told.
            size: of each video, such as ``1280x720``.
            resubmit: how often a scene is ordered again after its job failed or its video expired. A prompt
                that the service does not allow is not.
            workers: orders and looks at a time, beside downloads.
            journal: remembers every job from the moment its order was answered, so that a kill pays nothing
                twice: the same call goes on with the jobs that are there, and adopts one whose answer was
                    lost.
            progress: whether to show progress.

        Returns:
            A run over steps, keyed ``job/17``, ``ready/17``, ``video/17``, and ``thumbnail/17`` and
            ``upscaled/17`` where they are wanted. Its ``result()`` is a table of
            scenes (``VIDEOS`` schema), in order; its ``notes`` hold running totals and what accounts did.

        Raises:
            ConfigError: a knob has a value that cannot work.
            JournalError: the journal is in use, of another service, or cannot be read and written.
        """
        whole("downloads", downloads)
        whole("workers", workers)
        if not isinstance(resubmit, int) or isinstance(resubmit, bool) or resubmit < 0:
            raise ConfigError("resubmit", f"is a whole number of 0 or more, not {resubmit!r}")
        larger = self._finished(upscale, thumbnails)
        orders = _orders(scenes, self.model, seconds, size, self._backend.lengths)
        folder = _folder(to)
        journal = paid_journal(journal)
        known = journal is not None and journal.skip_known
        since, claimed = recorded(journal.path) if journal is not None and known else (None, set())
        accounts = Accounts(
            self._client, KeyRing(self._keys, self._retry, time.perf_counter(), "account"), self._timeout
        )
        lost = Lost(time.time() if since is None else since, claimed)
        ordering = Ordering(self._backend, accounts, lost, resumed=since is not None)
        then = [kind for kind, wanted in (("thumbnail", thumbnails), ("upscaled", larger)) if wanted]
        rendering, slots = Rendering(orders, resubmit, folder, then, how_of(larger)), Slots(downloads)
        places = Places(folder, host_of(self.base_url))
        working = Working(
            self._backend,
            accounts,
            ordering,
            rendering,
            slots,
            places=places,
            finishing=Finishing(self._backend, accounts, rendering, places, larger),
            client=self._client,
            timeout=replace(self._timeout, total=None),
            host=host_of(self.base_url),
        )
        return start(
            working,
            rendering.steps(),
            strategy=Async(workers + downloads + (AT_ONCE if larger else 0)),
            key=lambda step: step.key,
            retry=self._retry,
            follow=rendering.further,
            product=lambda run: videos_frame(run, rendering, folder),
            journal=journal,
            call=(
                "storyboard.render",
                self.base_url,
                self.model,
                [order.mark for order in orders],
                str(folder),
                then,
                how_of(larger),
            ),
            origin=f"{self.base_url} videos",
            holds=rendering.holds,
            notes=lambda: totals(rendering, working, accounts, slots),
            progress=progress,
        )

    def _finished(
        self, upscale: Any, thumbnails: object
    ) -> tuple[int, int] | Callable[[Path, Path], object] | None:
        """Return how videos are made larger, after a look whether what is wanted can be made here."""
        if not isinstance(thumbnails, bool):
            raise ConfigError("thumbnails", f"is True or False, not {thumbnails!r}")
        if thumbnails and self._backend.thumbnail("") is None and not there_is_pyav():
            raise ConfigError(
                "thumbnails",
                f"this service makes none, and first frames need PyAV: {INSTALL}, or thumbnails=False",
            )
        if upscale is None:
            return None
        if callable(upscale):
            function: Callable[[Path, Path], object] = upscale
            return function
        size = _size("upscale", upscale, "'3840x2160' or a function")
        if not there_is_pyav():
            raise ConfigError("upscale", f"needs PyAV: {INSTALL}")
        return size

    def __repr__(self) -> str:
        return f"VideoJobs({redact_url(self.base_url)!r}, model={self.model!r}, {len(self._keys)} accounts)"


def _orders(scenes: Any, model: str, seconds: int | None, size: str, lengths: tuple[int, ...]) -> list[Order]:
    if seconds is not None and seconds not in lengths:
        raise ConfigError("seconds", f"is one of {', '.join(map(str, lengths))}, not {seconds!r}")
    _size("size", size, "'1280x720'")
    if isinstance(scenes, pl.DataFrame):
        wanted = {"scene", "prompt", "seconds"}
        if not wanted <= set(scenes.columns):
            raise ConfigError("scenes", f"the table needs columns {', '.join(sorted(wanted))}")
        rows = scenes.select("scene", "prompt", "seconds").rows()
    elif isinstance(scenes, Iterable) and not isinstance(scenes, str | bytes):
        rows = [(number, prompt, USUAL) for number, prompt in enumerate(scenes, 1)]
    else:
        raise ConfigError("scenes", f"give the table of a script, or a list of prompts, not {scenes!r:.60}")
    for number, _, long in rows:
        _plain(number, long)
    empty = [number for number, prompt, _ in rows if not (isinstance(prompt, str) and prompt.strip())]
    if empty:
        raise ConfigError("scenes", f"scene {empty[0]} has no prompt; leave out those that were not written")
    if len({number for number, _, _ in rows}) < len(rows):
        raise ConfigError("scenes", "a scene is in there twice")
    return [
        Order(number, prompt, model, seconds or _length(long, lengths), size) for number, prompt, long in rows
    ]


def _plain(number: object, long: object) -> None:
    """See that a scene's number can name files and rows, before anything is paid for it."""
    if not isinstance(number, int) or isinstance(number, bool) or not 1 <= number <= MOST_SCENES:
        raise ConfigError("scenes", f"a scene's number is a whole one from 1 on, not {number!r}")
    if not isinstance(long, int | float) or isinstance(long, bool) or not 0 < long < math.inf:
        raise ConfigError("scenes", f"scene {number} is of seconds above 0, not {long!r}")


def _size(knob: str, given: object, such: str) -> tuple[int, int]:
    width, cross, height = str(given).partition("x")
    sides = (width, height)
    if not cross or any(
        not (side.isdecimal() and side.isascii() and 2 <= int(side) <= LARGEST) for side in sides
    ):
        raise ConfigError(knob, f"is such as {such}, not {given!r}")
    return int(width), int(height)


def _length(seconds: float, lengths: tuple[int, ...]) -> int:
    return next((length for length in lengths if length >= seconds - 1e-9), lengths[-1])


def _folder(to: Any) -> Path:
    try:
        folder = Path(to)
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass  # what is ordered is paid for, wherever it may be kept
    except (TypeError, OSError, ValueError) as error:
        raise ConfigError("to", f"{to!r} cannot be a folder: {error}") from error
    return folder
