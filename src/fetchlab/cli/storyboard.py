"""``fetchlab storyboard script|render``: an idea becomes a script, and its scenes become videos."""

from __future__ import annotations

import hashlib
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import typer

from fetchlab.cli import INTERRUPTED
from fetchlab.cli.bars import bars
from fetchlab.cli.beds import base_url as serving
from fetchlab.cli.keys import Env, KeyFile, keys_from
from fetchlab.cli.knobs import flag_of
from fetchlab.cli.monitor import watch_line
from fetchlab.cli.output import check
from fetchlab.cli.study import interrupted, tell, write
from fetchlab.cli.tables import say, seen
from fetchlab.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator

    import polars as pl

    from fetchlab.engine.run import Run

__all__ = ["register"]

SCRIPT = Path("data/runs/storyboard.parquet")
VIDEOS = Path("data/runs/videos.parquet")
RUNS = Path("data/runs")
KEY = "OPENAI_API_KEY"
FORMATS = (".parquet", ".json")
KEYS = ("testbed-key-1", "testbed-key-2")
VERTEX_ROOT = "/v1/projects/testbed/locations/us-central1/publishers/google"
USAGE = 2

Url: TypeAlias = Annotated[
    str | None, typer.Option(help="The service's root, http://…/v1. Without it, a local testbed is started.")
]
Latency: TypeAlias = Annotated[
    float, typer.Option(min=0, help="Seconds per answer of the testbed, if it is started.")
]
JournalFile: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="Remembers what was paid for, so that the same command goes on.",
        show_default="one for each script or folder, in data/runs",
    ),
]
NoJournal: TypeAlias = Annotated[
    bool, typer.Option("--no-journal", help="Remember nothing: what a kill loses is paid again.")
]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    commands = typer.Typer(
        help="An idea to a script, scenes to videos; nothing is paid twice.", no_args_is_help=True
    )
    for command in (script, render):
        commands.command()(command)
    app.add_typer(commands, name="storyboard")


def script(
    idea: Annotated[
        str | None, typer.Argument(metavar="IDEA", help="What the film is about.", show_default=False)
    ] = None,
    *,
    idea_file: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Instead: a text that says it.")
    ] = None,
    duration: Annotated[float, typer.Option(help="Of the film, seconds.")] = 600,
    scene_seconds: Annotated[float, typer.Option(help="Of a scene.")] = 8,
    scenes: Annotated[
        int | None, typer.Option(help="How many.", show_default="as many whole ones as the film holds")
    ] = None,
    batch_size: Annotated[
        str, typer.Option(help="Scenes written at a time, or 'auto': by keys and what scenes hold.")
    ] = "5",
    threshold: Annotated[
        float, typer.Option(help="Seconds of film up to which one request writes all of it.")
    ] = 180,
    context: Annotated[
        str, typer.Option(help="batch: one batch after the other; rolling: scene by scene, without barriers.")
    ] = "batch",
    base_url: Url = None,
    model: Annotated[str, typer.Option(help="The model's name.")] = "gpt-4o-mini",
    env: Env = None,
    key_file: KeyFile = None,
    out: Annotated[Path, typer.Option(help="File for the scenes, .parquet or .json.")] = SCRIPT,
    journal: JournalFile = None,
    no_journal: NoJournal = False,
    latency: Latency = 0.05,
) -> None:
    """Write a script, scene by scene, to a table.

    Keys come from OPENAI_API_KEY, --env or --key-file; several take turns. Ctrl-C stops it and writes what is
    there; the same command goes on and pays only for the rest, also after it was killed. It exits with 1 if a
    scene is missing, with 130 if it was interrupted.
    """
    from fetchlab.cli.storyboard_said import said_script, scenes_bars
    from fetchlab.studies.storyboard import Storyboard

    with _usage():
        check("--out", out, FORMATS)
        told = _idea(idea, idea_file)
        size = _batch(batch_size)
        keys = keys_from(env, key_file, KEY, () if base_url else KEYS)
        with serving(base_url, "openai", latency) as url:
            film = {"duration": duration, "scene_seconds": scene_seconds, "scenes": scenes}
            remembers = _journal(journal, no_journal, url, model, told, *film.values(), threshold)
            how: dict[str, Any] = film | {"batch_size": size, "context": context, "threshold": threshold}
            board = Storyboard(url, keys, model)
            run = board.script(told, journal=remembers, progress=False, **how)
            stopped = _watched(run, scenes_bars)
            table = run.result()
    said_script(run, table)
    tell(run, "parts that failed")
    _end(table, out, remembers, stopped)


def render(
    scenes: Annotated[
        Path,
        typer.Argument(
            metavar="SCENES", help="What script wrote, .parquet or .json; or a JSON list of prompts."
        ),
    ],
    *,
    to: Annotated[Path, typer.Option("--to", metavar="DIR", help="The folder of the videos.")],
    downloads: Annotated[int, typer.Option(help="At a time.")] = 5,
    backend: Annotated[
        str, typer.Option(help="openai: /v1/videos; vertex: Vertex AI's operations.")
    ] = "openai",
    upscale: Annotated[
        str | None, typer.Option(metavar="WxH", help="Also make each larger on this machine, 3840x2160 say.")
    ] = None,
    no_thumbnails: Annotated[bool, typer.Option("--no-thumbnails", help="Leave pictures out.")] = False,
    seconds: Annotated[
        int | None, typer.Option(help="Of each video.", show_default="the scene's own, rounded up")
    ] = None,
    size: Annotated[str, typer.Option(help="Of each video, as it is ordered.")] = "1280x720",
    resubmit: Annotated[int, typer.Option(help="How often a job that failed is ordered again.")] = 1,
    base_url: Url = None,
    model: Annotated[
        str | None, typer.Option(help="The model's name.", show_default="the service's own")
    ] = None,
    store: Annotated[
        str | None, typer.Option(metavar="gs://…", help="vertex: folder in a bucket where videos are put.")
    ] = None,
    env: Env = None,
    key_file: KeyFile = None,
    out: Annotated[Path, typer.Option(help="File for the table of jobs, .parquet or .json.")] = VIDEOS,
    journal: JournalFile = None,
    no_journal: NoJournal = False,
    latency: Latency = 0.05,
) -> None:
    """Have a video made of every scene, and download each the moment it is ready.

    Keys or tokens come from OPENAI_API_KEY, --env or --key-file; several accounts take turns. Ctrl-C stops
    it; the same command goes on with the jobs that were ordered, also after it was killed. It exits with 1 if
    a file is missing, with 130 if it was interrupted.
    """
    from fetchlab.cli.storyboard_said import said_videos, videos_bars
    from fetchlab.studies.storyboard import VideoJobs

    with _usage():
        check("--out", out, FORMATS)
        wanted = _scenes(scenes)
        accounts = keys_from(env, key_file, KEY, () if base_url else KEYS)
        wire = "vertex" if backend == "vertex" else "openai"
        with serving(base_url, wire, latency) as url:
            root = url + (VERTEX_ROOT if base_url is None and backend == "vertex" else "")
            jobs = VideoJobs(root, accounts, backend, model=model, store=store)  # type: ignore[arg-type]
            remembers = _journal(journal, no_journal, root, "videos", to.resolve())
            run = jobs.render(
                wanted, to, downloads, upscale,
                thumbnails=not no_thumbnails, seconds=seconds, size=size, resubmit=resubmit,
                journal=remembers, progress=False,
            )  # fmt: skip
            stopped = _watched(run, videos_bars)
            table = run.result()
    said_videos(run, table, to)
    _end(table, out, remembers, stopped)


def _watched(run: Run, read: Any) -> bool:
    with bars(lambda: read(run)):
        return interrupted(run)


def _end(table: pl.DataFrame, out: Path, remembers: Path | None, stopped: bool) -> None:
    missing = table["error"].count()
    write(table, out, complete=not missing)
    again = "begins anew" if remembers is None else f"goes on from there, by {remembers}"
    if stopped:
        say(f"The same command {again}.")
        raise typer.Exit(INTERRUPTED)
    if missing:
        say(f"Not everything came; running the command again {again}.")
        raise typer.Exit(1)


def _journal(given: Path | None, without: bool, *what: object) -> Path | None:
    """The journal's path: one for each piece of work, so that none is taken for another's."""
    if without:
        return None
    mark = hashlib.sha256("\0".join(map(str, what)).encode("utf-8", "replace")).hexdigest()[:8]
    path = given or RUNS / f"storyboard-{mark}.db"
    say(watch_line(path))
    return path


def _idea(idea: str | None, file: Path | None) -> str:
    if (idea is None) == (file is None):
        raise ConfigError("IDEA", "say in a sentence what the film is about, or give --idea-file")
    if idea is not None:
        return idea
    assert file is not None  # for the type checker
    try:
        return file.read_text(encoding="utf-8-sig").strip()
    except (OSError, ValueError) as error:
        raise ConfigError("--idea-file", f"{file} cannot be read: {_why(error)}") from error


def _batch(word: str) -> Any:
    return int(word) if word.isdecimal() and word.isascii() else word  # 'auto', or what the study refuses


def _scenes(file: Path) -> Any:
    """Return a script's table, or prompts; scenes that were not written are left out, and that is said."""
    import json

    import polars as pl

    try:
        if file.suffix.lower() == ".json":
            told = json.loads(file.read_text(encoding="utf-8-sig"))
            if isinstance(told, list) and told and all(isinstance(one, str) for one in told):
                return told
            table = pl.DataFrame(told, infer_schema_length=None)
        else:
            table = pl.read_parquet(file)
    except (OSError, ValueError, TypeError, RecursionError, pl.exceptions.PolarsError) as error:
        raise ConfigError("SCENES", f"{seen(file)} cannot be read as scenes: {_why(error)}") from error
    if "prompt" not in table.columns:
        raise ConfigError("SCENES", f"{seen(file)} has no column prompt")
    written = table.filter(pl.col("prompt").is_not_null())
    if written.height < table.height:
        say(f"{table.height - written.height:,} scenes were not written and are left out.")
    if not written.height:
        raise ConfigError("SCENES", f"{seen(file)} has no scene that was written")
    return written


def _why(error: Exception) -> str:
    return getattr(error, "strerror", None) or (str(error).splitlines() or [type(error).__name__])[0][:200]


@contextmanager
def _usage() -> Iterator[None]:
    """A knob that cannot work is told by its flag's name."""
    try:
        yield
    except ConfigError as error:
        named = {"keys": "--key-file", "accounts": "--key-file", "scenes": "SCENES"}
        if error.knob in named and not (error.knob == "scenes" and "whole number" in str(error)):
            error = ConfigError(named[error.knob], str(error).removeprefix(f"{error.knob}: "))
        print(f"fetchlab: {flag_of(error)}", file=sys.stderr)
        raise typer.Exit(USAGE) from None
