"""The benches' commands: each takes its settings; measuring and telling is the same for all."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003  # typer reads it
from typing import Annotated

import typer

from fetchlab.cli.measured import Items, Plan, Rounds, Seed, command

__all__ = ["COMMANDS"]

MB = 1_000_000


@command
def catalogue(
    pages: Annotated[
        list[int] | None,
        typer.Option(
            min=1, help="A row's number of pages; repeatable. 10, 100, 1,000 and 1,413 unless told."
        ),
    ] = None,
    rounds: Rounds = 5,
    workers: Annotated[int, typer.Option(min=1, help="Pages at a time.")] = 20,
    latency: Annotated[float, typer.Option(min=0, help="Seconds per answer of the testbed.")] = 0.05,
    seed: Seed = 0,
    all_details: Annotated[
        bool, typer.Option("--all-details", help="Also fetch the details of all movies at 200 workers, once.")
    ] = False,
) -> Plan:
    """List pages in parallel and one by one, beside the published figures and the ideal."""
    from fetchlab.bench.catalogue import COUNTS

    listed = {
        "pages": pages or COUNTS,
        "workers": workers,
        "latency": latency,
        "rounds": rounds,
        "seed": seed,
    }
    detailed = {"workers": 200, "latency": latency, "rounds": 1, "seed": seed}
    return {"catalogue": listed} | ({"details": detailed} if all_details else {})


@command
def charts(
    requests: Annotated[
        list[int] | None,
        typer.Option(min=1, help="Lists of a published table: 9, 15 or 25; repeatable. All unless told."),
    ] = None,
    law: Annotated[
        list[str] | None,
        typer.Option(help="Of latency: constant, lognormal or slowest; repeatable. All unless told."),
    ] = None,
    rounds: Rounds = 5,
    latency: Annotated[float, typer.Option(min=0, help="Mean seconds per answer of the testbed.")] = 0.34,
    jitter: Annotated[
        float, typer.Option(min=0, help="Coefficient of variation of the lognormal law.")
    ] = 0.5,
    seed: Seed = 0,
) -> Plan:
    """App-store charts by eight published strategies and two of ours, under three laws of latency."""
    from fetchlab.bench.charts_arms import CASES, LAWS

    which = {"requests": requests or tuple(CASES), "laws": law or LAWS}
    chosen = {**which, "latency": latency, "jitter": jitter}
    return {"charts": {**chosen, "rounds": rounds, "seed": seed}}


@command
def download(
    files: Annotated[int, typer.Option(min=1, help="Files, all at a time.")] = 5,
    mb: Annotated[int, typer.Option(min=1, max=250, help="Megabytes of each.")] = 200,
    rounds: Rounds = 5,
    seed: Seed = 0,
    folder: Annotated[
        Path | None, typer.Option(help="Where files are made and put; the temporary folder unless told.")
    ] = None,
) -> Plan:
    """Download large files, beside curl doing the same."""
    place = {} if folder is None else {"folder": folder}
    return {"download": {"files": files, "size": mb * MB, "rounds": rounds, "seed": seed, **place}}


@command
def overhead(
    items: Items = 20_000,
    seconds: Annotated[int, typer.Option(min=1, help="For how long wrk goes on.")] = 2,
    rounds: Rounds = 5,
    seed: Seed = 0,
    ablation: Annotated[
        bool, typer.Option("--ablation", help="Instead: what each policy costs, switched on alone.")
    ] = False,
    profile: Annotated[
        bool, typer.Option("--profile", help="Instead: where the microseconds go, layer by layer.")
    ] = False,
) -> Plan:
    """Requests per second over connections that stay open, beside wrk, pyreqwest, aiohttp and httpx."""
    shared = {"items": items, "rounds": rounds, "seed": seed}
    instead = {"ablation": shared} if ablation else {}
    instead |= {"layers": shared} if profile else {}
    return instead or {"overhead": {**shared, "seconds": seconds}}


@command
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
) -> Plan:
    """Hundreds of requests in flight at a server that takes 50 ms for each, beside wrk and the ideal."""
    from fetchlab.bench.latency import WORKERS

    chosen = {"workers": workers or WORKERS, "items": items, "seconds": seconds, "latency": delay}
    return {"latency": {**chosen, "rounds": rounds, "seed": seed}}


@command
def library(
    files: Annotated[
        list[int] | None,
        typer.Option(min=1, help="Videos; repeatable. 9, 99, 417, 1,500 and 10,000 unless told."),
    ] = None,
    off: Annotated[
        int, typer.Option(min=0, help="Up to so many videos, also measure without the improvements.")
    ] = 1_500,
    capped: Annotated[
        list[int] | None,
        typer.Option(min=1, help="Videos also asked about under the service's limit; 417 and 10,000."),
    ] = None,
    memory: Annotated[
        list[int] | None, typer.Option(min=1, help="Videos whose memory is measured; 10,000 unless told.")
    ] = None,
    rounds: Rounds = 5,
    latency: Annotated[float, typer.Option(min=0, help="Seconds per answer of the testbed.")] = 0.05,
    cap: Annotated[float, typer.Option(min=1, help="Requests per second of the service's limit.")] = 50.0,
    seed: Seed = 0,
) -> Plan:
    """A media library's phases off and on, cold and warm: parsing, cache, discovery, all, and memory."""
    from fetchlab.bench.library_arms import COUNTS

    which = {"files": files or COUNTS, "off": off, "capped": capped or (417, 10_000)}
    how = {"memory": memory or (10_000,), "latency": latency, "cap": cap, "rounds": rounds, "seed": seed}
    return {"library": {**which, **how}}


@command
def storyboard(
    scenes: Annotated[
        list[int] | None,
        typer.Option(min=1, help="Scenes of a script; repeatable. 22, 37, 75 and 113 unless told."),
    ] = None,
    videos: Annotated[
        list[int] | None, typer.Option(min=1, help="Downloads; repeatable. 5, 10 and 20 unless told.")
    ] = None,
    rounds: Rounds = 3,
    latency: Annotated[float, typer.Option(min=0, help="Seconds of a reply of the testbed.")] = 0.4,
    short: Annotated[
        float, typer.Option(min=0, help="The same where batches are compared, on average.")
    ] = 0.1,
    draws: Annotated[int, typer.Option(min=1, help="Draws of latencies that batches are compared on.")] = 6,
    content: Annotated[float, typer.Option(min=0, help="Seconds of a download.")] = 0.35,
    scale: Annotated[
        float, typer.Option(min=0, help="Of jobs that are ready over 60 s, with downloads of 1 to 4 s.")
    ] = 0.1,
    quick: Annotated[bool, typer.Option("--quick", help="A small size, in seconds: what is where.")] = False,
    seed: Seed = 0,
) -> Plan:
    """Scripts and video downloads: one by one, by the published schemes, and ours."""
    from fetchlab.bench.storyboard import MAIN, QUICK, SCENES, SIZES, VIDEOS

    if quick:
        return {"storyboard": {**QUICK, "seed": seed}}
    which = {"scenes": scenes or SCENES, "videos": videos or VIDEOS, "draws": draws, "scale": scale}
    how = {"latency": latency, "short": short, "content": content, "sizes": SIZES, "trade_scenes": MAIN}
    return {"storyboard": {**which, **how, "rounds": rounds, "seed": seed}}


@command
def timeline(
    table: Annotated[
        list[str] | None,
        typer.Option(
            help="improvements, workers, threads, shortcuts, writes or memory; repeatable. All unless told."
        ),
    ] = None,
    workers: Annotated[
        list[int] | None,
        typer.Option(min=1, max=8, help="Users at a time; repeatable. 1, 2, 4 and 8 unless told."),
    ] = None,
    dom_posts: Annotated[int, typer.Option(min=1, help="Posts of each user that are scrolled past.")] = 8,
    network_posts: Annotated[int, typer.Option(min=1, help="Posts of each user for network.")] = 80,
    rounds: Rounds = 2,
    latency: Annotated[float, typer.Option(min=0, help="Seconds per answer of the testbed.")] = 0.05,
    seed: Seed = 0,
    quick: Annotated[
        bool, typer.Option("--quick", help="Seconds instead of minutes: hardly any pauses, few posts.")
    ] = False,
) -> Plan:
    """Timelines in real browsers: improvements, collectors, workers and shortcuts, with what they lose."""
    from fetchlab.bench.timeline import COUNTS, QUICK, TABLES, WHOLE

    which = {"tables": table or TABLES, "latency": latency, "rounds": rounds, "seed": seed}
    posts = {"dom": dom_posts, "network": network_posts}
    sizes = {"counts": workers or COUNTS, "posts": posts, "pace": 1.0, "whole": WHOLE}
    if quick:
        sizes = QUICK | ({"counts": workers} if workers else {})
    return {"timeline": which | sizes}


@command
def adaptive(
    profile: Annotated[
        list[str] | None, typer.Option(help="A profile of the testbed; repeatable. All unless told.")
    ] = None,
    items: Annotated[
        int | None, typer.Option(min=10, help="Items of each arm; 5,000 or what the profile allows.")
    ] = None,
    rounds: Rounds = 5,
    seed: Seed = 0,
) -> Plan:
    """Adaptive() beside the best fixed number of workers of a sweep, per profile."""
    from fetchlab.bench.adaptive import CASES

    return {"adaptive": {"profile": profile or list(CASES), "items": items, "rounds": rounds, "seed": seed}}


@command
def fairness(
    items: Annotated[
        int, typer.Option(min=40, help="Of the fast host; the slow one has a fortieth.")
    ] = 2_000,
    workers: Annotated[int, typer.Option(min=2, help="At both hosts together.")] = 20,
    rounds: Rounds = 5,
    seed: Seed = 0,
) -> None:
    """Two hosts in one run: what a slow one that refuses costs the fast one."""


@command
def memory(
    items: Annotated[int, typer.Option(min=10, help="From a generator, with keep=False.")] = 300_000,
    workers: Annotated[int, typer.Option(min=1, help="At a time.")] = 200,
    rounds: Rounds = 3,
    seed: Seed = 0,
) -> None:
    """Peak memory of a long run in a fresh process, and the time to its first result."""


@command
def exits(
    items: Annotated[int, typer.Option(min=1, help="Requests of each process.")] = 20,
    rounds: Annotated[int, typer.Option(min=1, help="Processes of each way to end.")] = 200,
    seed: Seed = 0,
) -> None:
    """Short-lived processes: every exit code, and how long each took."""


@command
def cache(
    items: Items = 10_000,
    size: Annotated[int, typer.Option(min=0, help="Bytes of a body.")] = 11_000,
    workers: Annotated[int, typer.Option(min=1, help="Of the engine.")] = 20,
    rounds: Rounds = 5,
    seed: Seed = 0,
) -> None:
    """Replay a warm cache, beside requests-cache, hishel and plain SQLite; and what a cold one costs."""


@command
def journal(
    items: Items = 20_000,
    known: Annotated[
        int, typer.Option(min=0, help="Items of the journal that a run goes on from; 0 leaves that out.")
    ] = 1_000_000,
    workers: Annotated[int, typer.Option(min=1, help="Requests in flight.")] = 200,
    delay: Annotated[float, typer.Option(min=0.001, help="Seconds per answer of the testbed.")] = 0.05,
    rounds: Rounds = 5,
    seed: Seed = 0,
) -> Plan:
    """What a journal costs while a run writes it, and how soon a run goes on from a large one."""
    shared = {"latency": delay, "rounds": rounds, "seed": seed}
    resumed = {"resume": {"items": known, **shared}} if known else {}
    return {"journal": {"items": items, "workers": workers, **shared}} | resumed


@command
def panel(
    items: Items = 100_000,
    workers: Annotated[int, typer.Option(min=1, help="At a time.")] = 50,
    rounds: Rounds = 5,
    seed: Seed = 0,
) -> None:
    """What a panel costs the run that it shows: speed, messages to the page, processor time."""


COMMANDS = (
    catalogue,
    charts,
    download,
    overhead,
    latency,
    library,
    storyboard,
    timeline,
    adaptive,
    fairness,
    memory,
    exits,
    cache,
    journal,
    panel,
)
