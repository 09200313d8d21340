"""A run watched from a notebook by its journal: one bar and one text, made once and only written to."""

from __future__ import annotations

import html
import threading
from typing import TYPE_CHECKING, Any

from fetchlab.engine import wording
from fetchlab.engine.progress import line
from fetchlab.engine.watcher import Watcher
from fetchlab.errors import JournalError
from fetchlab.notebook.ticker import ticker

if TYPE_CHECKING:
    import os
    from collections.abc import Callable

    from fetchlab.engine.standing import Standing

__all__ = ["Monitor", "monitor", "plain_table"]

EVERY = 0.5
SPARK = 60
ROWS = 8
STYLES = {
    "done": "success",
    "cancelled": "warning",
    "stopped": "warning",
    "silent": "danger",
    "killed": "danger",
}
_CELL = "text-align:left;padding:0 1em 0 0"


def monitor(path: str | os.PathLike[str]) -> Monitor:
    """Watch a run by its journal, which this or any other process writes.

    As a cell's last expression it shows itself and moves by itself, twice a second, until the run has ended
    or it is closed. It reads only.

    Args:
        path: the journal.

    Raises:
        JournalError: there is no such file, it is no journal, it is damaged or cannot be read.
    """
    return Monitor(path)


class Monitor:
    """What :func:`monitor` returns: a view of a run, in this notebook or elsewhere.

    Attributes:
        standing: how the run stood at the last look.
        widget: a bar and a text, None where there is no ipywidgets.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._watcher = Watcher(path)
        self._lock = threading.Lock()  # guards _watcher, which the ticker and a waiting cell both ask
        self._views: list[Callable[[], None]] = []
        self._closed = threading.Event()
        self._over = threading.Event()
        self._ticking = False
        self._trouble = ""
        self.standing = self._watcher.look()
        self.widget: Any = self._made()

    def refresh(self) -> bool:
        """Look, and write what there is to see; return whether it can still change."""
        if self._closed.is_set() or (self.widget is not None and self.widget.comm is None):
            self._over.set()
            return False
        with self._lock:
            try:
                self.standing = self._watcher.look()
                going = not self._watcher.finished(self.standing)
            except JournalError as error:  # the file went away, or another kind of file took its place
                self._trouble, going = str(error), False
            self._write()
        if not going:
            self._over.set()
        return going

    def wait(self, timeout: float | None = None) -> Monitor:
        """Wait until the run has ended, and write its last figures from this cell: a saved notebook has them.

        Args:
            timeout: seconds at most, None for as long as it takes.
        """
        self._start()
        self._over.wait(timeout)
        self.refresh()
        return self

    def close(self) -> None:
        """Stop watching and take the widget away; the run goes on."""
        self._closed.set()
        self._over.set()
        if self.widget is not None:
            for widget in (self._bar, self._text, self.widget):
                widget.close()

    def _start(self) -> None:
        with self._lock:
            if self._ticking:
                return
            self._ticking = True
        ticker.add(self.refresh, every=EVERY)

    def _made(self) -> Any:
        try:
            import ipywidgets
        except ImportError:
            return None
        self._bar = ipywidgets.FloatProgress(max=1.0, layout=ipywidgets.Layout(width="40em"))
        self._text = ipywidgets.HTML()
        box = ipywidgets.VBox([self._bar, self._text])
        self._write_widget()
        return box

    def _write(self) -> None:
        if self.widget is not None:
            self._write_widget()
        for view in self._views:
            view()

    def _write_widget(self) -> None:
        standing = self.standing
        with self._bar.hold_sync(), self._text.hold_sync():
            self._bar.value = wording.share(standing) or 0.0
            self._bar.bar_style = STYLES.get(standing.state, "info")
            self._text.value = self._html()

    def _html(self) -> str:
        trouble = f"<div>{html.escape(self._trouble)}</div>" if self._trouble else ""
        return page(self.standing) + trouble

    def _ipython_display_(self) -> None:
        """Show the widget; where no widget can be drawn, the same as HTML, written anew once it is over."""
        from IPython.display import display

        self._start()
        handle = display(self._bundle(), raw=True, display_id=True)
        saved = [self.standing.over]

        def renew() -> None:
            if self.widget is None or (self.standing.over and not saved[0]):
                saved[0] = self.standing.over
                handle.update(self._bundle(), raw=True)

        self._views.append(renew)

    def _bundle(self) -> dict[str, Any]:
        bundle = {"text/plain": repr(self), "text/html": self._html()}
        if self.widget is not None:
            bundle |= self.widget._repr_mimebundle_()
            bundle["text/plain"] = repr(self)
        return bundle

    def __repr__(self) -> str:
        standing = self.standing
        return f"Monitor({standing.path!r}): {line(standing.stats)}"


def page(standing: Standing) -> str:
    """Return how a run stands as plain HTML, which is readable wherever it is saved."""
    head = f"<b>{standing.state}</b>&ensp;{html.escape(wording.title(standing))}"
    lines = [head]
    if advice := wording.advice(standing):
        lines.append(html.escape(advice))
    if standing.state != "empty":
        lines.append(f"<b>{html.escape(wording.together(standing))}</b>")
    blocks = ["<br>".join(lines)]
    if standing.state != "empty":
        found = wording.facts(standing)
        pace = wording.pace(standing, SPARK)
        if pace is not None:
            found.insert(2, ("pace", f"{pace[0]}  {pace[1]}"))
        blocks.append(plain_table((), found))
    failures = [
        (f"{failure.count:,}", failure.error, wording.example(failure), failure.knob)
        for failure in standing.failures[:ROWS]
    ]
    if failures:
        blocks.append(plain_table(("failed", "error", "for example", "what helps"), failures))
    if hosts := wording.told_hosts(standing.hosts[:ROWS]):
        blocks.append(plain_table(("host", "at a time", "failed attempts", "median"), hosts))
    return f'<div style="font-family:monospace;font-size:90%;line-height:1.5">{"".join(blocks)}</div>'


def plain_table(head: tuple[str, ...], rows: list[Any]) -> str:
    """Return a table; every text is escaped."""

    def row(cells: Any, tag: str) -> str:
        filled = "".join(f'<{tag} style="{_CELL}">{html.escape(cell)}</{tag}>' for cell in cells)
        return f"<tr>{filled}</tr>"

    body = "".join(row(cells, "td") for cells in rows)
    return f'<table style="margin:.4em 0;border:0">{row(head, "th") if head else ""}{body}</table>'
