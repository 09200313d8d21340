"""What the studies' commands share: journals, Ctrl-C, what failed, and a file that is whole or not there."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from fetchlab.cli.tables import say, show
from fetchlab.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

    import polars as pl

    from fetchlab.engine.run import Run

__all__ = ["interrupted", "of_another", "remembered", "tell", "writable", "write"]


def of_another(journal: Path, url: str) -> bool:
    """Say, also to the user, whether a journal is of another service than the testbed at hand."""
    from fetchlab.engine.journaling import origin_of

    origin = origin_of(journal) if journal.exists() else None
    if origin in (None, url):
        return False
    say(f"{journal} is the journal of {origin}, so nothing is remembered of this one.")
    return True


def remembered(run: Run, what: str) -> str:
    """Return how many items earlier sessions finished, to be added to a line; nothing if none."""
    earlier = run.stats().earlier
    return f" · {earlier:,} {what} from earlier, by the journal" if earlier else ""


def interrupted(run: Run) -> bool:
    """Wait; on Ctrl-C cancel, which keeps what is done. Say whether that happened."""
    try:
        run.wait()
    except KeyboardInterrupt:
        run.cancel().wait()
    return run.state == "cancelled"


def tell(run: Run, what: str) -> None:
    """Show what failed, and how often."""
    failed = run.errors()
    failed = failed.filter(failed["error"] != "Cancelled")
    if failed.height:
        show(failed.select("error", "count", "example_key", "message", "host"), what)


def writable(out: Path) -> None:
    """Refuse before the first request what would fail after the last."""
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError("--out", f"{out.parent} cannot be made: {error.strerror}") from error
    if out.is_dir() or not os.access(out.parent, os.W_OK):
        raise ConfigError("--out", f"{out} is not a file that can be written")


def write(table: pl.DataFrame, out: Path, *, complete: bool) -> None:
    """Write a whole file or none; what is not complete never replaces what is there."""
    if not complete and out.exists():
        out = out.with_suffix(f".partial{out.suffix}")
    if not table.height:
        say(f"Nothing came, so nothing is written to {out}.")
        return
    part = out.with_suffix(".part")
    if out.suffix == ".json":
        table.write_json(part)
    else:
        table.write_parquet(part)
    part.replace(out)
    say(f"{table.height:,} rows written to {out}")
