"""One run of the command line: results to files as they come, Ctrl-C, progress, the summary."""

from __future__ import annotations

import dataclasses
import json
import signal
import sys
import threading
from contextlib import ExitStack, contextmanager, suppress
from datetime import datetime
from typing import TYPE_CHECKING

from fetchlab.cli import INTERRUPTED
from fetchlab.cli.inputs import STDIN
from fetchlab.cli.output import LIST, Output, write_errors
from fetchlab.cli.tables import say, show
from fetchlab.engine.progress import TextProgress, line
from fetchlab.errors import Cancelled, FetchlabError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from fetchlab.engine.run import Run

__all__ = ["USAGE", "Job", "every", "progress", "stoppable"]

FAILED, USAGE = 1, 2


class Job:
    """One run and its files."""

    def __init__(self, run: Run, out: Path | None, errors_out: Path | None, parse: str) -> None:
        self._run = run
        self._out = out
        self._errors_out = errors_out
        self._parse = parse
        self._written: dict[str, str] = {}
        self._notes: list[str] = []

    def take(self) -> None:
        """Take every result, and write the files."""
        with ExitStack() as files:
            output = None if self._out is None else files.enter_context(Output(self._out, self._parse))
            failed: dict[int, str] = {}
            listed = self._errors_out is not None and self._errors_out.suffix.lower() == LIST
            try:
                for result in self._run:
                    if not result.ok:
                        if listed:
                            failed[result.index] = result.item
                    elif output is not None:
                        output.add(result)
            except Exception as error:
                if isinstance(error, FetchlabError) or self._run.stopped_by is None:
                    self._run.cancel().wait()
                    raise
                # else the input ended in an error: what came before it is kept, and report() says it
            whole = self._run.state == "done"
            if output is not None:
                self._tell(output, output.close(complete=whole))
            if self._errors_out is not None:
                self._write_errors(
                    self._errors_out, [failed[index] for index in sorted(failed)] if listed else None
                )

    def _tell(self, output: Output, path: Path | None) -> None:
        if path is None:
            self._notes.append(f"Nothing came, so nothing is written to {output.path}.")
            return
        self._written["out"] = str(path)
        texts = f"; as JSON text: {', '.join(output.texts)}" if output.texts else ""
        self._notes.append(f"{output.rows:,} rows written to {path}{texts}")

    def _write_errors(self, path: Path, listed: list[str] | None) -> None:
        failed = self._run.stats().failed
        write_errors(path, self._run.frame() if listed is None else listed)
        self._written["errors_out"] = str(path)
        self._notes.append(f"{failed:,} failed ones written to {path}")

    def report(self, urls: str, *, quiet: bool) -> int:
        """Say what came of it; return the exit code."""
        run = self._run
        stats = run.stats()
        interrupted = run.state == "cancelled"
        if not (stats.done or interrupted or run.stopped_by):
            where = "on standard input" if urls == STDIN else f"in {urls}"
            print(f"fetchlab: URLS: no URLs {where}, one per line", file=sys.stderr)
            return USAGE
        if not quiet:
            say(line(stats))
            errors = run.errors()
            errors = errors.filter(errors["error"] != Cancelled.__name__)
            if errors.height:
                columns = ("error", "count", "example_key", "message", "host", "knob")
                show(errors.select(columns), "what failed")
        if run.stopped_by is not None:
            print(f"Stopped: {run.stopped_by}; {stats.ok:,} came.", file=sys.stderr)
        elif interrupted:
            of = "" if stats.total is None else f" of {stats.total:,}"
            print(f"Interrupted: {stats.ok:,}{of} came and are kept.", file=sys.stderr)
        for note in self._notes if not quiet else ():
            say(note)
        if interrupted:
            return INTERRUPTED
        return FAILED if stats.failed or run.stopped_by is not None else 0

    def as_json(self, code: int) -> str:
        """Return the final statistics as one line."""
        stats = dataclasses.asdict(self._run.stats()) | {"stopped_by": self._run.stopped_by}
        return json.dumps(stats | self._written | {"exit_code": code}, default=datetime.isoformat)


@contextmanager
def stoppable(run: Run) -> Iterator[None]:
    """Ctrl-C ends the run, and what is on its way here still comes; a second one ends the command.

    By a handler, because an exception could strike while a result is between the run and its file.
    """
    before = signal.getsignal(signal.SIGINT)

    def stop(*_: object) -> None:
        signal.signal(signal.SIGINT, before)
        threading.Thread(target=run.cancel, daemon=True).start()  # it takes a lock that this thread may hold

    if before is not signal.default_int_handler or threading.current_thread() is not threading.main_thread():
        yield
        return
    signal.signal(signal.SIGINT, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def every(seconds: float, show: Callable[[], object]) -> Iterator[None]:
    """Call a function every so many seconds, in a thread of its own."""
    over = threading.Event()

    def tick() -> None:
        while not over.wait(seconds):
            with suppress(OSError, ValueError):  # nobody reads it any more
                show()

    ticker = threading.Thread(target=tick, name="fetchlab-progress", daemon=True)
    ticker.start()
    try:
        yield
    finally:
        over.set()
        ticker.join()


@contextmanager
def progress(run: Run, *, wanted: bool) -> Iterator[None]:
    """Show the run's line on standard error while it goes on."""
    text = TextProgress(wanted=wanted)
    if not text.active:
        yield
        return
    try:
        with every(text.every, lambda: text.show(run.stats())):
            yield
    finally:
        text.clear()
