"""Keys for commands: from the environment or a file, never from a word that a process list shows."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from fetchlab.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Env", "KeyFile", "keys_from"]

KeyFile: TypeAlias = Annotated[
    Path | None, typer.Option(metavar="FILE", help="File with a key on each line; # begins a comment.")
]
Env: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(metavar="NAME", help="Variable of the environment that holds a key; repeatable."),
]


def keys_from(
    names: Sequence[str] | None, file: Path | None, usual: str, testbed: Sequence[str]
) -> list[str]:
    """Return the keys that ``--env`` and ``--key-file`` mean.

    Args:
        names: variables of the environment.
        file: keys, one on a line.
        usual: the variable that is read where neither is given.
        testbed: keys for the testbed, which takes any; empty for another service.

    Raises:
        ConfigError: there is none. No message holds one.
    """
    keys = []
    for name in names or ():
        if not os.environ.get(name):
            raise ConfigError("--env", f"the environment has no {name}")
        keys.append(os.environ[name])
    if file is not None:
        try:
            lines = file.read_text(encoding="utf-8-sig").splitlines()
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or "it is not text"
            raise ConfigError("--key-file", f"{file} cannot be read: {reason}") from None
        keys += [line.strip() for line in lines if line.strip() and not line.lstrip().startswith("#")]
        if not keys:
            raise ConfigError("--key-file", f"{file} holds no key")
    if not keys:
        keys = list(testbed) or [key for key in [os.environ.get(usual, "")] if key]
    if not keys:
        raise ConfigError("--env", f"set {usual}, or name another variable, or give --key-file")
    return keys
