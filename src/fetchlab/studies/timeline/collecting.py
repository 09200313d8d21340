"""One call of ``collect``: what its collector finds goes into the store, timeline by timeline."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fetchlab.studies.timeline.reading import begun
from fetchlab.studies.timeline.storing import Window

if TYPE_CHECKING:
    from collections.abc import Callable

    from fetchlab.engine.work import Work
    from fetchlab.studies.timeline.reading import Options, Reading
    from fetchlab.studies.timeline.rows import Found
    from fetchlab.studies.timeline.storing import Store

__all__ = ["Collecting", "Keeping"]


class Collecting:
    """Keeps the readings of one call. Used on the engine's loop.

    Args:
        store: where rows go.
        source: the collector's name.
        options: what is asked for.
        continues: the source can go on in the middle of a timeline, by a cursor.
    """

    def __init__(self, store: Store, source: str, options: Options, *, continues: bool) -> None:
        self.store = store
        self.source = source
        self.options = options
        self._continues = continues
        self._readings: dict[str, Reading] = {}
        self._ends: dict[str, str] = {}
        self._stated: dict[str, int] = {}

    def begin(self, user: str) -> Reading:
        """Begin with a timeline, or begin anew after a failed attempt."""
        window = self.store.window(user, self.source)
        if window is not None and not (self._continues or window.whole):
            window = None  # all of it is to be passed once more
        if self.options.anew:
            self.store.begin_anew(user)
        reading = begun(window, Window(user, self.source), self.options)
        self._readings[user] = reading
        return reading

    def reading(self, user: str) -> Reading:
        """Return the reading of a timeline, begun if it was not."""
        return self._readings.get(user) or self.begin(user)

    def took(self, user: str, page: Found, *, last: bool) -> Reading:
        """Store a page of a timeline; say how its reading stands."""
        reading = self.reading(user)
        self._heard(user, page)
        self.store.add(reading.take(page, last=last), self.source, of=self._of(user))
        if not self.options.anew and not reading.topping:
            self.store.note(reading.window)
        return reading

    def added(self, user: str, more: Found) -> None:
        """Store posts of threads, or accounts."""
        self._heard(user, more)
        self.store.add(self.reading(user).add(more), self.source, of=self._of(user))

    def finish(self, user: str) -> int:
        """Close a reading; returns how many posts of the timeline it has found."""
        reading = self.reading(user)
        self._ends[user] = reading.over
        if self.options.anew:
            self.store.replace(user)
        self.store.note(reading.window)
        return reading.found

    def notes(self) -> dict[str, object]:
        """What was found, how each reading ended, and what could not be stored. Safe from any thread."""
        return {
            "collector": self.source,
            "posts": {user: reading.found for user, reading in list(self._readings.items())},
            "stated": dict(self._stated),
            "ends": dict(self._ends),
            "rejected": list(self.store.rejected),
        }

    def _heard(self, user: str, found: Found) -> None:
        """Hear how many posts the account is said to have, replies to others among them."""
        for account in found.accounts:
            if account.user == user and account.posts is not None:
                self._stated[user] = account.posts

    def _of(self, user: str) -> str | None:
        return user if self.options.anew else None


class Keeping:
    """A task at whose end the store lets go of its file.

    Args:
        task: makes attempts.
        store: what they write to.
        taken: given an item and what came for it, returns the item's value.
    """

    def __init__(self, task: Any, store: Store, taken: Callable[[Any, Any], int] | None = None) -> None:
        self._task = task
        self._store = store
        self._taken = taken
        self.prepare = task.prepare

    async def __call__(self, work: Work) -> int:
        """Make one attempt."""
        came = await self._task(work)
        return int(came) if self._taken is None else self._taken(work.item, came)

    def close(self) -> None:
        """Commit what waits; a run that goes on opens the file again."""
        self._task.close()
        self._store.rest()
