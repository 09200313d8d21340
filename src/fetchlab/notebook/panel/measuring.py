"""One measurement at a time, in a thread of its own, that anybody may end at once."""

from __future__ import annotations

import html
import threading
from typing import TYPE_CHECKING

from fetchlab.bench.work import ended
from fetchlab.errors import ConfigError
from fetchlab.notebook.panel.views import told

if TYPE_CHECKING:
    from collections.abc import Callable

    from fetchlab.engine.run import Run

__all__ = ["Measuring"]

ENDED = "cancelled before there was anything to compare"


class Measuring:
    """Measures in the background; all methods are safe from any thread, and none writes to a widget."""

    def __init__(self) -> None:
        self._lock = threading.Lock()  # guards all below
        self._shown: dict[str, str] = {}
        self._place: str | None = None
        self._run: Run | None = None
        self._stopped = False

    @property
    def place(self) -> str | None:
        """For whom a measurement goes on, None while there is none."""
        return self._place

    def shown(self, place: str) -> str | None:
        """Return what there is to see as HTML: the last line, the answer, or what went wrong."""
        return self._shown.get(place)

    def begin(self, place: str, measure: Callable[[], str]) -> None:
        """Begin a measurement.

        Args:
            place: for whom.
            measure: measures with :meth:`tell` and :meth:`wait_for`, and returns the answer as HTML.

        Raises:
            ConfigError: one goes on.
        """
        with self._lock:
            if self._place is not None:
                raise ConfigError("start", "a measurement goes on: Cancel in its tab ends it")
            self._place, self._stopped = place, False
            self._shown[place] = "measuring …"
        threading.Thread(
            target=self._measured, args=(place, measure), name="fetchlab-panel", daemon=True
        ).start()

    def refuse(self, place: str, error: Exception) -> None:
        """Show why no measurement could begin."""
        self._shown[place] = told(error)

    def cancel(self) -> None:
        """End the measurement, and the run under way; whole rounds are kept."""
        with self._lock:
            self._stopped = True
            run = self._run
        if run is not None:
            run.cancel()

    def tell(self, line: str) -> None:
        """Hear how far it is."""
        if self._place is not None and not self._stopped:
            self._shown[self._place] = f'<div style="font-family:monospace">{html.escape(line)}</div>'

    def wait_for(self, run: Run) -> Run:
        """Wait for a run's end.

        Raises:
            KeyboardInterrupt: the measurement was cancelled, which the lab hears as it does a person's.
        """
        with self._lock:
            self._run = run
        if self._stopped:
            run.cancel()
        try:
            ended(run)
        finally:
            with self._lock:
                self._run = None
        if self._stopped:
            raise KeyboardInterrupt
        return run

    def _measured(self, place: str, measure: Callable[[], str]) -> None:
        try:
            answer = measure()
        except KeyboardInterrupt:
            answer = ENDED
        except Exception as error:
            answer = told(error)
        with self._lock:
            self._shown[place] = answer
            self._place = None
