"""What ``fetchlab library`` says about scans, matches, plans, moves and the cache."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fetchlab.cli.tables import say, seen, show

if TYPE_CHECKING:
    import polars as pl

    from fetchlab.engine.run import Run
    from fetchlab.store.cache import Cache
    from fetchlab.studies.library import Library

__all__ = ["said_cache", "said_match", "said_moved", "said_plan", "said_scan"]

MOVES = 5
CONFLICTS = 10


def said_scan(library: Library, notes: dict[str, Any]) -> None:
    """Say what was found, what was passed over and how the walk was done."""
    sidecars = notes["files"] - notes["videos"]
    read = f"{notes['fast']:,} names read by the fast path, {notes['guessit']:,} by guessit"
    say(
        f"{seen(library.path)}: {notes['videos']:,} videos and {sidecars:,} sidecars in {notes['folders']:,} "
        f"folders · {read}"
    )
    last = notes["walk"][-1]
    passed = ", ".join(f"{count:,} {why}" for why, count in sorted(notes["skipped"].items()))
    say(f"Walked {last['mode']}: {last['why']}" + (f" · passed over: {passed}" if passed else ""))
    for problem in notes["problems"][:CONFLICTS]:
        say(f"  {problem['kind']}: {seen(problem['path'])}: {problem['message']}")
    more = len(notes["problems"]) - CONFLICTS
    if more > 0:
        say(f"  and {more:,} more")


def said_match(notes: dict[str, Any]) -> None:
    """Say what was asked, and what that saved."""
    asked = notes["searches"] + notes["seasons"] + notes["fallbacks"] + notes["ahead"]
    say(
        f"{notes['titles']:,} titles: {asked:,} requests ({notes['searches']:,} searches, "
        f"{notes['seasons']:,} seasons, {notes['fallbacks']:,} fallbacks), {notes['from_cache']:,} from the "
        f"cache, for {notes['lookups']:,} look-ups"
    )


def said_plan(table: pl.DataFrame, moves: int = MOVES) -> None:
    """Say what moves and what stays and why, with the first moves and conflicts."""
    import polars as pl

    moving = table.filter("move")
    say(f"{moving.height:,} of {table.height:,} files move, {int(moving['size'].sum()) / 1e9:,.1f} GB")
    counts = table.group_by("move", "reason", "kind").agg(files=pl.len())
    counts = counts.with_columns(pl.when("move").then(pl.lit("moves")).otherwise(pl.lit("stays")).alias(""))
    order = counts.sort("move", "files", "reason", "kind", descending=[True, True, False, False])
    show(order.select("", "files", "kind", "reason"))
    for source, target in moving.select("source", "target").head(moves).iter_rows():
        say(f"  {seen(source)}\n    → {seen(target)}")
    stuck = table.filter(pl.col("conflicts").list.len() > 0)
    if stuck.height:
        say(f"{stuck.height:,} conflict{'' if stuck.height == 1 else 's'}:")
    for source, reason, conflicts in (
        stuck.select("source", "reason", "conflicts").head(CONFLICTS).iter_rows()
    ):
        say(f"  {seen(source)}\n    {reason}: {seen('; '.join(conflicts))}")
    if stuck.height > CONFLICTS:
        say(f"  and {stuck.height - CONFLICTS:,} more, in the plan's column conflicts")


def said_moved(run: Run) -> None:
    """Say what became of the moves."""
    notes: dict[str, Any] = run.notes
    told = [
        f"{notes[name]:,} {words}"
        for name, words in (
            ("moved", "moved"),
            ("restored", "restored"),
            ("already", "already where they belong"),
            ("failed", "failed"),
            ("folders_removed", "folders removed"),
        )
        if notes.get(name)
    ]
    copied = f", {notes['copied']:,} by copy to another disk" if notes.get("copied") else ""
    say(f"{notes['files']:,} files: {' · '.join(told) or 'nothing to do'}{copied}")


def said_cache(cache: Cache) -> None:
    """Say what the cache saved."""
    cache.flush()
    held = cache.stats()
    say(
        f"Cache {cache.shared or cache.path}: "
        f"{held.hits:,} hits of {held.hits + held.misses:,} ({held.hit_rate:.0%}), "
        f"{held.seconds_saved:,.1f} s of requests saved; {held.entries:,} entries, {held.bytes / 1e6:,.1f} MB"
    )
