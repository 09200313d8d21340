"""A watched run as a picture in a terminal, as wide and as high as there is room."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Group
from rich.padding import Padding
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from fetchlab.engine import wording

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderableType, RenderResult

    from fetchlab.engine.standing import Standing

__all__ = ["Picture"]

NARROW, WIDE = 90, 120
BAR, SPARK = 48, 60
LEAST_BAR, LEAST_SPARK = 10, 8
ROWS = 8
COLOURS = {
    "running": "green", "done": "green", "starting": "cyan", "empty": "cyan", "paused": "yellow",
    "cancelling": "yellow", "cancelled": "yellow", "stopped": "yellow", "silent": "red", "killed": "red",
}  # fmt: skip


class Picture:
    """Draws itself for the console it is printed on.

    Args:
        standing: what to draw.
        fits: keep to the terminal's height, which a picture that is drawn again and again must.
    """

    def __init__(self, standing: Standing, *, fits: bool = False) -> None:
        self._standing = standing
        self._fits = fits

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        width = options.max_width
        top = [*self._head(width), self._facts(width, ascii_only=options.ascii_only)]
        yield Group(*top)
        room = ROWS * 4
        if self._fits:
            room = console.size.height - 1 - len(console.render_lines(Group(*top), options, pad=False))
        for part, lines_each in ((self._errors, 2 if width < WIDE else 1), (self._hosts, 1)):
            rows = min(ROWS, (room - 2) // lines_each)  # a blank line and a head
            if rows < 1:
                continue
            drawn = part(rows, width)
            if drawn is not None:
                yield Padding(drawn, (1, 0, 0, 0), expand=False)
                room -= len(console.render_lines(drawn, options, pad=False)) + 1

    def _head(self, width: int) -> list[RenderableType]:
        standing = self._standing
        colour = COLOURS.get(standing.state, "default")
        head: list[RenderableType] = [
            _line((standing.state, f"bold {colour}"), f"  {wording.title(standing)}")
        ]
        if advice := wording.advice(standing):
            head.append(Text(advice, style=colour))
        if standing.state == "empty":
            return head
        told = wording.together(standing)
        share = wording.share(standing)
        room = min(BAR, width - len(told) - 2)
        if share is None or room < LEAST_BAR:
            head.append(Text(told, style="bold"))
            return head
        line = Table.grid(padding=(0, 2, 0, 0))
        line.add_column(width=room)
        line.add_column(no_wrap=True)
        bar = ProgressBar(
            total=1.0, completed=share, width=room, complete_style=colour, finished_style=colour
        )
        line.add_row(bar, Text(told, style="bold"))
        head.append(line)
        return head

    def _facts(self, width: int, *, ascii_only: bool) -> RenderableType:
        standing = self._standing
        grid = Table.grid(padding=(0, 2, 0, 0))
        grid.add_column(style="dim", no_wrap=True)
        grid.add_column(overflow="fold")
        if standing.state == "empty":
            return grid
        found = dict(wording.facts(standing))
        names = max(map(len, [*found, "pace"])) + 2
        pace = wording.pace(standing, SPARK, ascii_only=ascii_only)
        if pace is not None:
            room = min(SPARK, width - names - len(pace[1]) - 2)
            if room < LEAST_SPARK:
                room = min(SPARK, width - names)
            pace = wording.pace(standing, max(LEAST_SPARK, room), ascii_only=ascii_only)
        for name, text in found.items():
            style = "red" if name == "items" and standing.stats.failed else ""
            grid.add_row(name, Text(text, style=style))
            if name == "rate" and pace is not None:
                grid.add_row("pace", Text.assemble((pace[0], "cyan"), "  ", (pace[1], "dim")))
        return Padding(grid, (1, 0, 0, 0), expand=False)

    def _errors(self, rows: int, width: int) -> RenderableType | None:
        failures = self._standing.failures
        if not failures:
            return None
        some, rest = failures[:rows], failures[rows:]
        if width < WIDE:
            lines: list[RenderableType] = []
            for failure in some:
                counted = f"{failure.count:,} {failure.error}"
                lines.append(_line((counted, "red"), f"  {wording.example(failure)}"))
                if failure.knob:
                    lines.append(_line((f"    try: {failure.knob}", "dim")))
            drawn: RenderableType = Group(*lines)
        else:
            table = Table(box=None, pad_edge=False, header_style="dim")
            table.add_column("failed", justify="right", style="red", min_width=6)
            table.add_column("error", no_wrap=True, min_width=max(len(failure.error) for failure in some))
            table.add_column("for example", no_wrap=True, overflow="ellipsis")
            table.add_column("what helps", overflow="fold", style="dim")
            for failure in some:
                example = Text(wording.example(failure), no_wrap=True, overflow="ellipsis")
                table.add_row(f"{failure.count:,}", failure.error, example, Text(failure.knob))
            drawn = table
        return Group(drawn, Text(f"and {len(rest)} more", style="dim")) if rest else drawn

    def _hosts(self, rows: int, width: int) -> RenderableType | None:
        hosts = wording.told_hosts(self._standing.hosts)
        if not hosts:
            return None
        table = Table(box=None, pad_edge=False, header_style="dim")
        table.add_column("host", no_wrap=True, overflow="ellipsis", max_width=max(20, width - 40))
        table.add_column("limit" if width < NARROW else "at a time", justify="right", no_wrap=True)
        table.add_column("failed" if width < NARROW else "failed attempts", justify="right", no_wrap=True)
        table.add_column("median", justify="right", no_wrap=True)
        for row in hosts[:rows]:
            table.add_row(*map(Text, row))
        return table


def _line(*parts: str | tuple[str, str]) -> Text:
    """Return one line, cut where the terminal ends."""
    return Text.assemble(*parts, no_wrap=True, overflow="ellipsis")
