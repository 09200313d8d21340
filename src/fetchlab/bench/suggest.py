"""``fl.suggest``: knobs for a host, each with the evidence that speaks for it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from fetchlab.bench import proposals
from fetchlab.bench.comparison import Comparison
from fetchlab.bench.evidence import changes, measured, sessions, unrefused
from fetchlab.bench.proposals import Suggestion
from fetchlab.bench.publish import published
from fetchlab.bench.swept import Sweep
from fetchlab.bench.work import Work
from fetchlab.engine import remembered
from fetchlab.errors import ConfigError, FetchlabError
from fetchlab.policy.concurrency import Adaptive
from fetchlab.policy.keys import host_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from os import PathLike

    import great_tables

__all__ = ["Suggestions", "suggest"]

DATA = Path("data")
COLUMNS = ("host", "knob", "value", "evidence", "source")


class Suggestions:
    """What ``fl.suggest`` found.

    Attributes:
        rows: a :class:`~fetchlab.bench.proposals.Suggestion` per host and knob.
    """

    def __init__(self, rows: list[Suggestion]) -> None:
        self.rows = rows

    def frame(self) -> pl.DataFrame:
        """Return a row per host and knob.

        Columns: ``host, knob, value`` (as Python code)``, evidence, source str, when datetime[UTC]?``.
        """
        text = dict.fromkeys(COLUMNS, pl.String())
        rows = [
            (one.host, one.knob, repr(one.value), one.evidence, one.source, one.when) for one in self.rows
        ]
        return pl.DataFrame(rows, {**text, "when": pl.Datetime("us", "UTC")}, orient="row")

    @property
    def knobs(self) -> dict[str, Any]:
        """What to give to ``fl.fetch``: ``workers``, and ``rate`` where a host refused.

        Of several hosts the workers are found while running, beginning where each one's limit stood.
        """
        counts = [row.value for row in self.rows if row.knob == "workers"]
        rates = {row.host: row.value for row in self.rows if row.knob == "rate" and row.value is not None}
        found = {"workers": Adaptive(start="history") if len(counts) > 1 else counts[0]}
        return found | ({"rate": rates} if rates else {})

    def table(self) -> great_tables.GT:
        """Return the rows as a table worth publishing, as plain HTML."""
        return published(self.frame().drop("when"), "Suggested settings", "Each with what speaks for it")

    def __repr__(self) -> str:
        return "\n".join(
            f"{one.host} {one.knob}={one.value!r}: {one.evidence}"
            + (f" [{one.source}]" if one.source else "")
            for one in self.rows
        )

    def _repr_html_(self) -> str:
        return self.table().as_raw_html()


def suggest(work: Any, folder: str | PathLike[str] = DATA) -> Suggestions:
    """Propose workers, rate, time to live and batch size for the hosts of some work, from what was measured.

    Reads the journals, caches, saved sweeps and comparisons in a folder; asks no server. A sweep speaks
    before a comparison, both before an adaptive limit, that before the rates of single sessions; the latest
    first. Where nothing is known it says so, and what finds out.

    Args:
        work: a list of URLs or requests, or one URL.
        folder: where to look, subfolders included.

    Returns:
        A row per host and knob; ``fl.fetch(work, **fl.suggest(work).knobs)`` follows them.

    Raises:
        ConfigError: there is no host in it.
    """
    hosts = [host_of(work)] if isinstance(work, str) else Work.of(work).hosts
    if not hosts or not all("://" in host for host in hosts):
        raise ConfigError("work", "give URLs or requests; a function's items have no host to know of")
    where = Path(folder)
    rows = [row for host in hosts for row in _of_host(where, host)]
    return Suggestions([replace(row, source=_below(where, row.source)) for row in rows])


def _below(folder: Path, source: str) -> str:
    """A path as it is seen from the folder, so that a shared table tells nothing of the machine."""
    return Path(source).relative_to(folder).as_posix() if source else ""


def _of_host(folder: Path, host: str) -> Iterator[Suggestion]:
    known = sessions(folder, host)
    limit = remembered.limit_of(host, remembered.limits(remembered.journals(folder)))
    yield _measured(folder, host) or proposals.workers(host, known, limit)
    yield proposals.rate(host, known, unrefused(folder, host))
    yield proposals.ttl(host, changes(folder, host))
    yield proposals.batch_size(host, known)


def _measured(folder: Path, host: str) -> Suggestion | None:
    """What the latest sweep says, else the latest comparison."""
    reads = {"sweep": _swept, "compare": _compared}
    for kind, read in reads.items():
        for place, when in measured(folder, host, kind):
            found = read(place)
            if found is not None:
                return Suggestion(host, "workers", *found, str(place), when)
    return None


def _swept(place: Path) -> tuple[int, str] | None:
    try:
        found = Sweep.load(place).recommendation
    except FetchlabError:
        return None
    return found.workers, f"a sweep: {found.why}"


def _compared(place: Path) -> tuple[int, str] | None:
    try:
        found = Comparison.load(place)
    except FetchlabError:
        return None
    arms = found.summary().filter(pl.col("arm") != found.settings["same"]).drop_nulls("median_s")
    if not arms.height:
        return None
    best = arms.sort("median_s").row(0, named=True)
    width = found.frame().filter(arm=best["arm"])["workers"].drop_nulls().to_list()[-1]
    speed = f"{best['items_per_s']:,.0f} items/s"
    return int(width), f"the fastest of {arms.height} arms compared: {best['arm']}, {speed}"
