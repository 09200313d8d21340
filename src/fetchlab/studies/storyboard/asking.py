"""One attempt at a part of a script: wait for what it needs, take a key, ask, read the reply."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from fetchlab import errors
from fetchlab.engine.parking import Postponed
from fetchlab.model import Request
from fetchlab.policy.keys import host_of
from fetchlab.studies.storyboard.prompts import body
from fetchlab.studies.storyboard.replies import read, reply_of
from fetchlab.studies.storyboard.script import Scene

if TYPE_CHECKING:
    from collections.abc import Callable

    from fetchlab.engine.work import Work
    from fetchlab.model import Result
    from fetchlab.studies.storyboard.accounts import Accounts
    from fetchlab.studies.storyboard.script import Part
    from fetchlab.studies.storyboard.writing import Writing

__all__ = ["Asking"]


class Asking:
    """Asks for parts. One that waits, for another part or for a key, holds no worker and spends no attempt.

    Args:
        accounts: the keys on the wire.
        url: where completions are asked for.
        idea: what the film is about.
        model: the model's name.
        fields: further fields of every request.
        writing: what may be asked for.
    """

    def __init__(
        self,
        accounts: Accounts,
        url: str,
        idea: str,
        model: str,
        fields: dict[str, Any],
        *,
        writing: Writing,
    ) -> None:
        self.tokens = self.mended = 0
        self._accounts = accounts
        self._url = url
        self._host = host_of(url)
        self._idea = idea
        self._model = model
        self._fields = fields
        self._writing = writing
        self._waiting: dict[Part, Callable[[], None]] = {}

    def prepare(self, work: Work) -> None:
        """Note the host; what the request holds is known when its turn comes."""
        work.method, work.host = "POST", self._host

    async def __call__(self, work: Work) -> Any:
        """Make one attempt."""
        part: Part = work.item
        self._writing.wanted(part)
        if not self._writing.may_begin(part):
            raise Postponed(partial(self._waiting.__setitem__, part))
        seat = self._accounts.any()
        self._writing.begins(part)
        self._stir()
        saw = self._writing.context(part)
        content = body(self._idea, part, self._writing, saw, self._model, self._fields)
        reply = await self._accounts.send(work, seat, Request(self._url, "POST", json=content))
        told = reply_of(reply)
        self.tokens += told.tokens
        value, mended = read(told, part, self._writing.plan)
        self.mended += mended
        if part.number:
            value = Scene(value, saw, seat.name)
        self._done(part, value)
        return value

    def recalled(self, result: Result) -> tuple[()]:
        """Take in a part that an earlier session wrote; adds no further items to the run."""
        self._done(result.item, result.value)
        return ()

    def rescue(self, work: Work, error: Exception) -> None:
        """A part fails for good: what needs it has nothing to wait for."""
        self._writing.failed(work.item, f"{type(error).__name__}: {error}")
        self._stir()

    def close(self) -> None:
        """Forget who waits."""
        self._waiting.clear()

    def _done(self, part: Part, value: Any) -> None:
        self._writing.finished(part, value)
        self._stir()

    def _stir(self) -> None:
        """Something has happened: let those go on who waited for it."""
        ready = [part for part in sorted(self._waiting) if self._ready(part)]
        for part in reversed(ready):  # whoever is woken goes before those that wait
            self._waiting.pop(part)()

    def _ready(self, part: Part) -> bool:
        try:
            return self._writing.may_begin(part)
        except errors.StudyError:  # its attempt will tell
            return True
