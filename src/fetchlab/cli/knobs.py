"""Words of the command line as the knobs of ``fl.fetch``."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Any

from fetchlab.errors import ConfigError
from fetchlab.policy.concurrency import Adaptive
from fetchlab.policy.rate import RateLimit

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from fetchlab.engine.journal import Journal
    from fetchlab.policy.rate import RateKnob

__all__ = ["flag_of", "headers_of", "journal_of", "parameters_of", "rate_of", "workers_of"]

SECONDS = {"s": 1.0, "sec": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "hour": 3600.0}
_RATE = re.compile(r"(?P<count>\d+(?:\.\d+)?)(?:/(?P<many>\d+(?:\.\d+)?)?(?P<unit>[a-z]*))?", re.IGNORECASE)
_FLAGS = {
    "requests": "URLS",
    "work": "URLS",
    "headers": "--header",
    "retry": "--retries",
    "users": "--user",
    "max_posts": "--max",
    "fields": "--field",
    "ids": "--refetch",
    "token": "TIMELINE_TOKEN",
    "verify": "--ca",
    "notebook": "NOTEBOOK",
    "parameters": "--parameter",
}


def workers_of(word: str) -> int | Adaptive:
    """Return what ``--workers`` says: a number, or ``auto`` for as many as each host serves well."""
    if word == "auto":
        return Adaptive()
    if not word.isdecimal() or int(word) < 1:
        raise ConfigError("--workers", f"give a whole number of 1 or more, or auto, not {word!r}")
    return int(word)


def strategy_of(workers: str, dask: str | None) -> dict[str, Any]:
    """Return what ``--workers`` and ``--dask`` say, as knobs of a call."""
    count = workers_of(workers)
    if dask is None:
        return {"workers": count}
    if isinstance(count, Adaptive):
        raise ConfigError("--workers", "auto is not for clusters; give a whole number")
    from fetchlab.cluster.strategy import Dask

    return {"strategy": Dask(dask, workers_per_node=count)}


def rate_of(words: Sequence[str]) -> RateKnob:
    """Return what ``--rate`` says: one limit for every host, or limits by host."""
    limits: dict[str, RateLimit] = {}
    for word in words:
        host, _, rate = word.rpartition("=")
        if host in limits:
            raise ConfigError("--rate", f"given twice for {host or 'every host'}")
        limits[host] = _limit(rate)
    if "" not in limits:
        return limits or None
    if len(limits) > 1:
        raise ConfigError("--rate", "give one rate for every host, or HOST=RATE for each, not both")
    return limits[""]


def _limit(word: str) -> RateLimit:
    found = _RATE.fullmatch(word.strip())
    unit = (found["unit"] or "s").lower() if found else ""
    if found is None or unit not in SECONDS:
        raise ConfigError("--rate", f"give 50, 50/1s, 100/min or 1000/h, perhaps after HOST=, not {word!r}")
    return RateLimit(float(found["count"]), per=float(found["many"] or 1) * SECONDS[unit])


def headers_of(words: Sequence[str]) -> dict[str, str]:
    """Return what ``--header`` says.

    ``Name: value``, with ``$NAME`` or ``${NAME}`` in the value taken from the environment and ``$$`` for a
    dollar; ``Name: @file`` takes the value from a file, ``@file`` whole lines. So that no secret need stand
    in the shell's history.
    """
    headers: dict[str, str] = {}
    for word in words:
        for line in _header_lines(word):
            name, colon, value = (part.strip() for part in line.partition(":"))
            if not (name and colon):
                raise ConfigError(
                    "--header", f"give 'Name: value', not {line.split()[0] if line else line!r}"
                )
            if name.lower() in {known.lower() for known in headers}:
                raise ConfigError("--header", f"{name} is given twice")
            headers[name] = _read(value[1:]).strip() if value.startswith("@") else _filled(name, value)
    return headers


def journal_of(path: Path | None, *, refetch: bool) -> Journal | None:
    """Return what ``--journal`` and ``--refetch`` say."""
    from fetchlab.engine.journal import Journal

    if path is None:
        if refetch:
            raise ConfigError("--refetch", "is for --journal: without one everything is fetched anyway")
        return None
    return Journal(path, skip_known=not refetch)


def parameters_of(words: Sequence[str]) -> dict[str, Any]:
    """Return what ``-p name=value`` says: values are JSON, or else text."""
    given: dict[str, Any] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not (equals and name.strip()):
            raise ConfigError("--parameter", f"give name=value, not {word!r}")
        try:
            given[name.strip()] = json.loads(value)
        except ValueError:
            given[name.strip()] = value
    return given


def _header_lines(word: str) -> Iterator[str]:
    if not word.startswith("@"):
        yield word
        return
    for line in _read(word[1:]).splitlines():
        if line.strip() and not line.lstrip().startswith("#"):
            yield line


def _filled(name: str, value: str) -> str:
    try:
        return Template(value).substitute(os.environ)
    except KeyError as error:
        raise ConfigError("--header", f"{name}: the environment has no {error.args[0]}") from None
    except ValueError:
        raise ConfigError("--header", f"{name}: write $NAME for a variable, $$ for a dollar") from None


def _read(file: str) -> str:
    try:
        return Path(file).read_text(encoding="utf-8-sig")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is not text"
        raise ConfigError("--header", f"{file} cannot be read: {reason}") from error


def flag_of(error: ConfigError, **own: str) -> str:
    """Return the error's message with the flag's name instead of the knob's.

    Args:
        error: the error.
        own: the command's own flags by knob, where they are called otherwise.
    """
    problem = str(error).removeprefix(f"{error.knob}: ")
    knob = error.knob
    named = knob.startswith("-") or knob.isupper()
    return f"{knob if named else (_FLAGS | own).get(knob, '--' + knob.replace('_', '-'))}: {problem}"
