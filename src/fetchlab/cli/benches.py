"""``fetchlab bench overhead|latency|adaptive|fairness|memory|exits``: the engine's budgets, measured."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from fetchlab.cli.measured import RUNS, Items, Out, Rounds, Seed, keep, telling
from fetchlab.cli.tables import say, show

if TYPE_CHECKING:
    from fetchlab.bench.served import Target

__all__ = ["register"]


def register(benches: typer.Typer) -> None:
    """Add the commands to ``fetchlab bench``."""
    for command in (overhead, adaptive):
        benches.command(name=command.__name__)(command)


def overhead(
    items: Items = 20_000,
    seconds: Annotated[int, typer.Option(min=1, help="For how long wrk goes on.")] = 2,
    rounds: Rounds = 5,
    seed: Seed = 0,
    out: Out = RUNS,
    ablation: Annotated[
        bool, typer.Option("--ablation", help="Instead: what each policy costs, switched on alone.")
    ] = False,
    profile: Annotated[
        bool, typer.Option("--profile", help="Instead: where the microseconds go, layer by layer.")
    ] = False,
) -> None:
    """Requests per second over connections that stay open, beside wrk, pyreqwest, aiohttp and httpx."""
    from fetchlab.bench import served

    with served.target() as target:
        say(f"{target.server} serves 11 KB on 127.0.0.1. {target.note}".rstrip())
        if ablation:
            _ablation(target, items, rounds, seed, out)
        if profile:
            _layers(target, items, rounds, seed, out)
        if not ablation and not profile:
            _overhead(target, items, seconds, rounds, seed, out)


def _overhead(target: Target, items: int, seconds: int, rounds: int, seed: int, out: Out) -> None:
    from fetchlab.bench import loops, wrk
    from fetchlab.bench import overhead as bench

    if wrk.find() is None:
        say("There is no wrk (apt-get install wrk): its rows are missing.")
    if not loops.has_aiohttp():
        say("There is no aiohttp (pip install 'fetchlab[bench]'): its rows are missing.")
    rows = bench.collect(
        target, items=items, seconds=seconds, rounds=rounds, seed=seed, on_round=telling(rounds)
    )
    show(bench.table(rows, seed=seed), "Requests per second, 11 KB, connections kept")
    show(bench.budget_table(rows, seed=seed), "Budgets: ratios of speeds")
    keep(rows, out, "overhead", server=target.server, items=items, seconds=seconds, rounds=rounds, seed=seed)


def _ablation(target: Target, items: int, rounds: int, seed: int, out: Out) -> None:
    from fetchlab.bench import ablation as bench

    rows = bench.collect(target, items=items, rounds=rounds, seed=seed, on_round=telling(rounds))
    show(bench.table(rows, seed=seed), "What each policy costs, alone; ratios of times, 20 workers")
    keep(rows, out, "ablation", server=target.server, items=items, rounds=rounds, seed=seed)


def _layers(target: Target, items: int, rounds: int, seed: int, out: Out) -> None:
    from fetchlab.bench import layers as bench

    rows = bench.collect(target, items=items, rounds=rounds, seed=seed, on_round=telling(rounds))
    show(bench.table(rows), "Where the microseconds go, 20 workers")
    keep(rows, out, "layers", server=target.server, items=items, rounds=rounds, seed=seed)


def adaptive(
    profile: Annotated[
        list[str] | None, typer.Option(help="A profile of the testbed; repeatable. All unless told.")
    ] = None,
    items: Annotated[
        int | None, typer.Option(min=10, help="Items of each arm; 5,000 or what the profile allows.")
    ] = None,
    rounds: Rounds = 5,
    seed: Seed = 0,
    out: Out = RUNS,
) -> None:
    """Adaptive() beside the best fixed number of workers of a sweep, per profile."""
    import polars as pl

    from fetchlab import testbed
    from fetchlab.bench import adaptive as bench

    parts = []
    with testbed.serve(port=0, seed=seed) as bed:
        for name in profile or bench.CASES:
            tell = telling(rounds, name)
            parts.append(bench.collect(bed, name, items=items, rounds=rounds, seed=seed, on_round=tell))
    rows = pl.concat(parts, how="diagonal")
    show(bench.table(rows, seed=seed), "Adaptive() and the best fixed number of workers, items per second")
    for name in rows["profile"].unique(maintain_order=True):
        if bench.CASES[name].note:
            say(f"{name}: {bench.CASES[name].note}.")
    keep(rows, out, "adaptive", items=items, rounds=rounds, seed=seed)
