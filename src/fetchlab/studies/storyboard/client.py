"""The script's client: an idea becomes a table of scenes."""

from __future__ import annotations

import hashlib
import os
import time
from dataclasses import astuple, replace
from typing import TYPE_CHECKING, Any, Literal

from fetchlab.engine.calls import start
from fetchlab.engine.strategies import Async
from fetchlab.errors import ConfigError
from fetchlab.policy.retry import Retry
from fetchlab.policy.timeout import Timeout
from fetchlab.redaction import redact_url
from fetchlab.studies.storyboard.accounts import Accounts
from fetchlab.studies.storyboard.asking import Asking
from fetchlab.studies.storyboard.keys import Key, KeyRing, keys_of
from fetchlab.studies.storyboard.paid import paid_journal
from fetchlab.studies.storyboard.planning import MOST, Plan, size_for
from fetchlab.studies.storyboard.tables import notes_of, scenes_frame
from fetchlab.studies.storyboard.writing import Writing
from fetchlab.transport.client import Client

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from fetchlab.engine.journal import Journal
    from fetchlab.engine.run import Run
    from fetchlab.policy.rate import RateLimit

__all__ = ["KEY", "Storyboard", "root"]

PATIENT = Timeout(connect=5, read=180, total=300)
"""A model thinks before its first byte."""
KEY, BASE = "OPENAI_API_KEY", "OPENAI_BASE_URL"


class Storyboard:
    """A model that writes scripts, behind an OpenAI-compatible service.

    Args:
        base_url: the service's root with its version, ``http://…/v1``; ``$OPENAI_BASE_URL`` unless told.
        keys: the service's keys, texts or :class:`Key`; ``$OPENAI_API_KEY`` unless told. They take turns; one
            whose quota is spent, or that the service does not know, is retired, and the others go on.
        model: the model's name.
        rate: the requests that each key may make, unless a :class:`Key` says otherwise. What the service says
            is heeded in any case, key by key.
        options: further fields of every request, ``{"temperature": 0.7}`` say.
        client: an ``fl.Client`` or async client with httpx's interface; a shared one unless told.
        retry: what is tried again; replies that cannot be used are, too.
        timeout: seconds per attempt.

    Raises:
        ConfigError: a knob has a value that cannot work.
    """

    def __init__(
        self,
        base_url: str | None = None,
        keys: Iterable[str | Key] | str | Key | None = None,
        model: str = "gpt-4o-mini",
        *,
        rate: RateLimit | None = None,
        options: Mapping[str, Any] | None = None,
        client: Any = None,
        retry: Retry | None = None,
        timeout: Timeout | float | None = PATIENT,
    ) -> None:
        self.base_url = root(base_url)
        if not isinstance(model, str) or not model:
            raise ConfigError("model", f"give the model's name, not {model!r}")
        if retry is not None and not isinstance(retry, Retry):
            raise ConfigError("retry", f"give fl.Retry(attempts=…), not {retry!r}")
        self.model = model
        self._keys = [
            key if key.rate is not None else Key(key.secret, rate, key.name)
            for key in keys_of(keys, "keys", KEY)
        ]
        self._options = dict(options or {})
        self._client = Client.of(client)
        chosen = retry or Retry()
        self._retry = replace(
            chosen, methods=chosen.methods | {"POST"}
        )  # a reply that was lost is asked for anew
        self._timeout = Timeout.of(timeout)

    def script(
        self,
        idea: str,
        duration: float = 600,
        scene_seconds: float = 8,
        scenes: int | None = None,
        batch_size: int | Literal["auto"] = 5,
        threshold: float = 180,
        context: Literal["batch", "rolling"] = "batch",
        *,
        journal: Journal | str | Path | None = None,
        progress: bool | None = None,
    ) -> Run:
        """Write a script.

        Up to ``threshold`` one request writes all scenes. Above it come the story bible, the outline, then
        the scenes, several at a time; each is told the bible, the outline and every scene that was finished
        before its batch, under its own number. A scene that fails for good fails its batch and what needs it;
        what was finished is in the journal, and the same call again asks for nothing but the rest.

        Args:
            idea: what the film is about.
            duration: of the film, seconds.
            scene_seconds: of a scene.
            scenes: how many; as many whole ones as ``duration`` holds unless told.
            batch_size: scenes written at a time; ``"auto"`` goes by the number of keys, the limits that they
                are found to have, and how much the outline has in store for each scene.
            threshold: seconds of film up to which one request writes all of it.
            context: ``"batch"``: a batch begins when the one before is finished. ``"rolling"``: scenes begin
                one by one, as many under way as leave them at least the context that batches would, on
                average.
            journal: remembers every part, so that the same call goes on where an earlier one was stopped.
            progress: whether to show progress.

        Returns:
            A run over parts, keyed ``bible``, ``outline``, ``scene/17`` or ``script``. Its ``result()`` is
            the table of scenes (``SCENES`` schema), in order; its ``notes`` say what keys did, what replies
            cost and how much of the story scenes saw.

        Raises:
            ConfigError: a knob has a value that cannot work.
            JournalError: the journal is in use, of another script, or cannot be read and written.
        """
        if not isinstance(idea, str) or not idea.strip():
            raise ConfigError("idea", "say in a sentence what the film is about")
        plan = Plan.of(duration, scene_seconds, scenes, batch_size, threshold, context)
        journal = paid_journal(journal)
        ring = KeyRing(self._keys, self._retry, time.perf_counter())
        writing = Writing(plan, room=lambda: size_for(ring.room(), ring.latency))
        accounts = Accounts(self._client, ring, self._timeout)
        asking = Asking(
            accounts,
            f"{self.base_url}/chat/completions",
            idea,
            self.model,
            self._options,
            writing=writing,
        )
        return start(
            asking,
            writing.parts(),
            strategy=Async(MOST if batch_size == "auto" else batch_size),
            key=lambda part: part.key,
            retry=self._retry,
            follow=asking.recalled,
            product=lambda run: scenes_frame(run, plan),
            journal=journal,
            call=("storyboard.script", self.base_url, self.model, idea, astuple(plan)),
            origin=self._origin(idea, plan),
            notes=lambda: notes_of(writing, accounts, asking),
            progress=progress,
        )

    def _origin(self, idea: str, plan: Plan) -> str:
        """What a journal is of: another idea's scene 17 is another scene, whatever the batches."""
        told = [
            self.model,
            idea,
            str(plan.scenes),
            f"{plan.seconds:g}",
            str(plan.at_once),
            str(sorted(self._options.items())),
        ]
        mark = hashlib.sha256("\0".join(told).encode("utf-8", "replace")).hexdigest()[:12]
        return f"{self.base_url} script {mark} ({plan.scenes} scenes by {self.model})"

    def __repr__(self) -> str:
        return f"Storyboard({redact_url(self.base_url)!r}, model={self.model!r}, {len(self._keys)} keys)"


def root(base_url: object) -> str:
    """Return a service's root from what the knob ``base_url`` accepts.

    Raises:
        ConfigError: it is none, and the environment names none.
    """
    given = base_url or os.environ.get(BASE)
    if not isinstance(given, str) or not given.startswith(("http://", "https://")):
        raise ConfigError(
            "base_url", f"give the service's root such as https://example.org/v1, not {given!r}"
        )
    return given.rstrip("/")
