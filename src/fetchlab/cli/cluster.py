"""``fetchlab cluster-check``: is a Dask cluster fit for ``strategy=fl.Dask(…)``?"""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated

import typer

from fetchlab.cli.tables import say, show

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(name="cluster-check")(cluster_check)


def cluster_check(
    address: Annotated[
        str, typer.Argument(metavar="ADDRESS", help="The scheduler's, such as tcp://10.0.0.7:8786.")
    ],
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object, for scripts.")] = False,
) -> None:
    """Look whether a Dask cluster is fit to be used: who answers, versions, clocks, sockets, a probe.

    The probe has a hundred items of nothing served by all workers. Exit code 1 if something keeps fetchlab
    from using the cluster, else 0.
    """
    import polars as pl

    from fetchlab.bench.checkup import MISSING
    from fetchlab.cluster import check

    checks = check.cluster_check(address)
    ready = not any(one.state == MISSING for one in checks)
    if as_json:
        typer.echo(json.dumps({"ready": ready, "checks": [asdict(one) for one in checks]}, indent=2))
    else:
        columns = ("what", "state", "found", "purpose", "remedy")
        rows = [[getattr(one, column) for column in columns] for one in checks]
        show(pl.DataFrame(rows, columns, orient="row"), f"The cluster at {address}")
        say()
        say("Ready." if ready else "The cluster cannot be used like this.")
    if not ready:
        raise typer.Exit(1)
