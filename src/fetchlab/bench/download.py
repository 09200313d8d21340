"""Downloads beside curl's: the same files, the same server, the same folder, in the same rounds."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

import polars as pl

from fetchlab.bench import nginx
from fetchlab.bench.named import Bench, Table
from fetchlab.bench.rounds import Measurement, measure
from fetchlab.bench.served import facts as server_facts
from fetchlab.bench.summary import summarise
from fetchlab.engine.downloads import download
from fetchlab.errors import ConfigError, StudyError
from fetchlab.testbed import serve
from fetchlab.transport.client import Client

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from fetchlab.bench.measuring import Measuring

__all__ = ["CURL", "OURS", "SYNCED", "downloads", "served", "table"]

OURS = "fl.download"
CURL = "curl --parallel"
SYNCED = "curl --parallel, then sync"
"""curl leaves its files in the system's memory; ``fl.download`` waits until they are on the disk."""
BLOCK = 2**20


@contextmanager
def served(files: int, size: int, folder: str | Path | None = None) -> Iterator[list[str]]:
    """Make files of random bytes, serve them with nginx and yield their URLs.

    Args:
        files: how many.
        size: bytes of each.
        folder: where to make them; the system's folder for temporary files unless told.

    Raises:
        ConfigError: there is no nginx.
    """
    with tempfile.TemporaryDirectory(prefix="fetchlab-bench-", dir=folder) as source:
        for number in range(files):
            block = os.urandom(BLOCK)
            with (Path(source) / f"{number}.bin").open("wb") as file:
                for start in range(0, size, BLOCK):
                    file.write(block[: size - start])
        with nginx.serve(source) as base:
            yield [f"{base}/{number}.bin" for number in range(files)]


def downloads(
    urls: Sequence[str],
    size: int,
    *,
    folder: str | Path | None = None,
    **how: Unpack[Measuring],
) -> pl.DataFrame:
    """Measure ``fl.download`` and, where it is installed, curl, each with all files at a time.

    Args:
        urls: what to download.
        size: bytes of each file.
        folder: where to put them; each measurement has an empty folder in it.
        how: rounds, seed and what is told of them; see :class:`~fetchlab.bench.measuring.Measuring`.

    Returns:
        The raw rounds; :func:`table` makes the table of them.
    """
    arms: dict[str, Callable[[Path], None]] = {OURS: lambda into: _ours(urls, into)}
    if shutil.which("curl"):
        arms[CURL] = lambda into: _curl(urls, into)
        arms[SYNCED] = lambda into: _curl(urls, into, sync=True)
    check = _Check(len(urls), size)
    work = {
        name: lambda name=name, arm=arm: _measured(name, arm, check, folder) for name, arm in arms.items()
    }
    return measure(work, warmup=1, **how)


def table(rounds: pl.DataFrame) -> pl.DataFrame:
    """Return a row per arm: seconds, MB/s, and the speed relative to curl with its 95 % interval.

    Returns:
        ``ideal`` is the fastest arm's MB/s: what this disk and this server are known to be good for.
    """
    arms = set(rounds["arm"])
    summary = summarise(rounds, baseline=CURL if CURL in arms else OURS)
    sizes = rounds.filter(pl.col("bytes") > 0).group_by("arm").agg(pl.col("bytes").max())
    return (
        summary.join(sizes, on="arm", how="left", maintain_order="left")
        .select(
            "arm",
            "rounds",
            "median_s",
            "mad_s",
            mb_per_s=pl.col("bytes") / 1e6 / pl.col("median_s"),
            ideal=(pl.col("bytes") / 1e6 / pl.col("median_s")).max(),
            efficiency=pl.col("bytes") / pl.col("median_s") / (pl.col("bytes") / pl.col("median_s")).max(),
            speed=1 / pl.col("ratio"),
            low=1 / pl.col("high"),
            high=1 / pl.col("low"),
            verdict="verdict",
            error="error",
        )
        .rename({"speed": "speed / curl" if CURL in arms else "speed"})
    )


class _Check:
    """All arms must have downloaded the same: sizes every time, contents the first time."""

    def __init__(self, files: int, size: int) -> None:
        self._sizes = [size] * files
        self._digests: list[str] | None = None
        self._seen: set[str] = set()

    def __call__(self, arm: str, into: Path) -> int:
        paths = sorted(path for path in into.iterdir() if not path.name.startswith("."))
        sizes = [path.stat().st_size for path in paths]
        if sizes != self._sizes:
            raise StudyError(f"{arm} left files of {sizes} bytes, not of {self._sizes}")
        if arm not in self._seen:
            self._seen.add(arm)
            digests = sorted(map(_sha256, paths))
            self._digests = self._digests or digests
            if digests != self._digests:
                raise StudyError(f"{arm} left other contents than the arm before it")
        return sum(sizes)


def _measured(
    name: str, arm: Callable[[Path], None], check: _Check, folder: str | Path | None
) -> Measurement:
    with tempfile.TemporaryDirectory(prefix="fetchlab-bench-", dir=folder) as into:
        os.sync()  # what the arm before has left to write is not this one's
        begun, cpu = time.perf_counter(), _cpu()
        arm(Path(into))
        seconds, cpu = time.perf_counter() - begun, _cpu() - cpu
        files = sum(not path.name.startswith(".") for path in Path(into).iterdir())
        return Measurement(seconds, files, files, files, check(name, Path(into)), cpu)


def _ours(urls: Sequence[str], into: Path) -> None:
    with Client() as client:
        run = download(urls, to=into, workers=len(urls), client=client, progress=False)
        run.raise_for_errors()


def _curl(urls: Sequence[str], into: Path, *, sync: bool = False) -> None:
    program = shutil.which("curl")
    if program is None:
        raise ConfigError("curl", "is not installed")
    targets = [into / str(number) for number in range(len(urls))]
    words = [word for url, target in zip(urls, targets, strict=True) for word in ("-o", str(target), url)]
    subprocess.run(  # noqa: S603  # our own words
        [program, "--silent", "--fail", "--parallel", "--parallel-max", str(len(urls)), *words],
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    if sync:
        for target in targets:
            with target.open("rb") as file:
                os.fsync(file.fileno())


def _cpu() -> float:
    """CPU seconds of this process and of the children it has waited for."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _collect(
    *, files: int = 5, size: int = 200_000_000, folder: Path | None = None, **how: Unpack[Measuring]
) -> pl.DataFrame:
    with ExitStack() as stack:
        if nginx.find() is not None:
            urls = stack.enter_context(served(files, size, folder))
        else:
            base = stack.enter_context(serve(port=0)).urls["echo"]
            urls = [f"{base}/download/{size}?etag={number}" for number in range(files)]
        return downloads(urls, size, folder=folder, **how)


def _notes(**_: Any) -> list[str]:
    missing = nginx.find() is None
    return [
        "There is no nginx (apt-get install nginx-light); the testbed serves and may be the limit."
    ] * missing


def _tables(rows: pl.DataFrame, *, files: int, size: int, server: str, **_: Any) -> list[Table]:
    title = f"{files} files of {size / 1e6:g} MB from {server}, all at a time"
    return [Table(title, table(rows))]


BENCH = Bench(
    name="download",
    collect=_collect,
    tables=_tables,
    notes=_notes,
    facts=server_facts,
    yardsticks=lambda arm: (CURL,) if arm == OURS else (),
)
