"""``fetchlab bench overhead|latency|adaptive|fairness|memory|exits|journal``: budgets, measured."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from fetchlab.cli.measured import RUNS, Items, Out, Rounds, Seed, failed, filled, keep, telling
from fetchlab.cli.tables import say, show

if TYPE_CHECKING:
    from fetchlab.bench.served import Target

__all__ = ["register"]


def register(benches: typer.Typer) -> None:
    """Add the commands to ``fetchlab bench``."""
    for command in (overhead, latency, adaptive, fairness, memory, exits, cache, journal):
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
    show(filled(bench.table(rows)), "Requests per second, 11 KB, connections kept")
    show(bench.budget_table(rows), "Budgets: ratios of speeds")
    keep(rows, out, "overhead", server=target.server, items=items, seconds=seconds, rounds=rounds, seed=seed)


def _ablation(target: Target, items: int, rounds: int, seed: int, out: Out) -> None:
    from fetchlab.bench import ablation as bench

    rows = bench.collect(target, items=items, rounds=rounds, seed=seed, on_round=telling(rounds))
    show(bench.table(rows), "What each policy costs, alone; ratios of times, 20 workers")
    keep(rows, out, "ablation", server=target.server, items=items, rounds=rounds, seed=seed)


def _layers(target: Target, items: int, rounds: int, seed: int, out: Out) -> None:
    from fetchlab.bench import layers as bench

    rows = bench.collect(target, items=items, rounds=rounds, seed=seed, on_round=telling(rounds))
    show(bench.table(rows), "Where the microseconds go, 20 workers")
    keep(rows, out, "layers", server=target.server, items=items, rounds=rounds, seed=seed)


def latency(
    workers: Annotated[
        list[int] | None,
        typer.Option(min=1, help="Requests in flight; repeatable. 200 and 1,000 unless told."),
    ] = None,
    items: Annotated[
        int | None, typer.Option(min=10, help="Requests of each arm; as many as take --seconds at best.")
    ] = None,
    seconds: Annotated[int, typer.Option(min=1, help="For how long wrk goes on.")] = 4,
    delay: Annotated[float, typer.Option(min=0.001, help="Seconds per answer of the testbed.")] = 0.05,
    rounds: Rounds = 5,
    seed: Seed = 0,
    out: Out = RUNS,
) -> None:
    """Hundreds of requests in flight at a server that takes 50 ms for each, beside wrk and the ideal."""
    from fetchlab import testbed
    from fetchlab.bench import latency as bench
    from fetchlab.bench import wrk

    if wrk.find() is None:
        say("There is no wrk (apt-get install wrk): its rows and the budgets are missing.")
    with testbed.serve(port=0, latency=delay) as bed:
        rows = bench.collect(
            f"{bed.urls['echo']}/json",
            workers=workers or bench.WORKERS,
            items=items,
            latency=delay,
            seconds=seconds,
            rounds=rounds,
            seed=seed,
            on_round=telling(rounds),
        )
    title = f"Requests per second from the testbed at {delay * 1000:g} ms an answer; ideal: workers / latency"
    show(filled(bench.table(rows, latency=delay)), title)
    keep(rows, out, "latency", latency=delay, items=items, seconds=seconds, rounds=rounds, seed=seed)


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
    show(bench.table(rows), "Adaptive() and the best fixed number of workers, items per second")
    for name in rows["profile"].unique(maintain_order=True):
        if bench.CASES[name].note:
            say(f"{name}: {bench.CASES[name].note}.")
    keep(rows, out, "adaptive", items=items, rounds=rounds, seed=seed)


def fairness(
    items: Annotated[
        int, typer.Option(min=40, help="Of the fast host; the slow one has a fortieth.")
    ] = 2_000,
    workers: Annotated[int, typer.Option(min=2, help="At both hosts together.")] = 20,
    rounds: Rounds = 5,
    seed: Seed = 0,
    out: Out = RUNS,
) -> None:
    """Two hosts in one run: what a slow one that refuses costs the fast one."""
    from fetchlab import testbed
    from fetchlab.bench import fairness as bench

    with testbed.serve(port=0, seed=seed) as bed:
        rows = bench.collect(
            bed, items=items, workers=workers, rounds=rounds, seed=seed, on_round=telling(rounds)
        )
    show(bench.table(rows, workers=workers), f"The fast host in company, {workers} workers for both")
    say(
        "Items wait after they were read; to find items of both hosts, up to 65,536 of a list are read ahead."
    )
    keep(rows, out, "fairness", items=items, workers=workers, rounds=rounds, seed=seed)


def memory(
    items: Annotated[int, typer.Option(min=10, help="From a generator, with keep=False.")] = 300_000,
    workers: Annotated[int, typer.Option(min=1, help="At a time.")] = 200,
    rounds: Rounds = 3,
    seed: Seed = 0,
    out: Out = RUNS,
) -> None:
    """Peak memory of a long run in a fresh process, and the time to its first result."""
    from fetchlab.bench import memory as bench
    from fetchlab.bench import served

    with served.target(bench.BODY) as target:
        say(f"{target.server} serves {bench.BODY} bytes. {target.note}".rstrip())
        rows = bench.collect(
            target.url, items=items, workers=workers, rounds=rounds, seed=seed, on_round=telling(rounds)
        )
    failed(rows)
    show(bench.table(rows), f"keep=False, {workers} workers; ideal: what the small run needs")
    keep(rows, out, "memory", server=target.server, items=items, workers=workers, rounds=rounds, seed=seed)


def journal(
    items: Items = 20_000,
    known: Annotated[
        int, typer.Option(min=0, help="Items of the journal that a run goes on from; 0 leaves that out.")
    ] = 1_000_000,
    workers: Annotated[int, typer.Option(min=1, help="Requests in flight.")] = 200,
    delay: Annotated[float, typer.Option(min=0.001, help="Seconds per answer of the testbed.")] = 0.05,
    rounds: Rounds = 5,
    seed: Seed = 0,
    out: Out = RUNS,
) -> None:
    """What a journal costs while a run writes it, and how soon a run goes on from a large one."""
    from fetchlab import testbed
    from fetchlab.bench import journal as bench

    with testbed.serve(port=0, latency=delay) as bed:
        rows = bench.collect(
            bed.urls["echo"],
            items=items,
            workers=workers,
            rounds=rounds,
            seed=seed,
            on_round=telling(rounds),
        )
        failed(rows)
        show(
            filled(bench.table(rows, workers=workers, latency=delay)),
            f"11 KB from the testbed at {delay * 1000:g} ms an answer, {workers} requests in flight",
        )
        keep(rows, out, "journal", items=items, workers=workers, latency=delay, rounds=rounds, seed=seed)
        if known:
            say(f"Making a journal of {known:,} items …")
            rows = bench.resume(bed.urls["echo"], items=known, rounds=rounds, on_round=telling(rounds))
            failed(rows)
            show(filled(bench.resume_table(rows)), "From the call to the first request, all but 1 % known")
            keep(rows, out, "resume", items=known, rounds=rounds, seed=seed)


def exits(
    items: Annotated[int, typer.Option(min=1, help="Requests of each process.")] = 20,
    rounds: Annotated[int, typer.Option(min=1, help="Processes of each way to end.")] = 200,
    seed: Seed = 0,
    out: Out = RUNS,
) -> None:
    """Short-lived processes: every exit code, and how long each took."""
    from fetchlab import testbed
    from fetchlab.bench import exits as bench

    with testbed.serve(port=0, latency=0.005) as bed:
        url = f"{bed.urls['echo']}/json"
        say(f"{rounds} processes of each way to end, {items} requests each …")
        rows = bench.collect(url, items=items, rounds=rounds, seed=seed)
    failed(rows)
    show(bench.table(rows), "Exit codes and wall time, start of the interpreter included")
    keep(rows, out, "exits", items=items, rounds=rounds, seed=seed)


def cache(
    items: Items = 10_000,
    size: Annotated[int, typer.Option(min=0, help="Bytes of a body.")] = 11_000,
    workers: Annotated[int, typer.Option(min=1, help="Of the engine.")] = 20,
    rounds: Rounds = 5,
    seed: Seed = 0,
    out: Out = RUNS,
) -> None:
    """Replay a warm cache, beside requests-cache, hishel and plain SQLite; and what a cold one costs."""
    from fetchlab import testbed
    from fetchlab.bench import cache as bench

    for name in bench.missing():
        say(f"There is no {name} (pip install 'fetchlab[bench]'): its rows and budgets are missing.")
    with testbed.serve(port=0) as bed:
        rows = bench.collect(
            f"{bed.urls['echo']}/bytes/{size}",
            items=items,
            workers=workers,
            rounds=rounds,
            seed=seed,
            on_round=telling(rounds),
        )
    show(filled(bench.table(rows)), f"Items per second, {size:,} bytes each, {workers} workers")
    show(filled(bench.budget_table(rows)), "Budgets: ratios of speeds")
    keep(rows, out, "cache", items=items, size=size, workers=workers, rounds=rounds, seed=seed)
