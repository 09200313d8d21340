"""What only a notebook needs: runs that show themselves or are watched, and notebooks executed headless."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fetchlab.notebook.asyncio_run import allow_asyncio_run
    from fetchlab.notebook.headless import execute
    from fetchlab.notebook.listing import contents
    from fetchlab.notebook.sharing import share
    from fetchlab.notebook.watching import monitor

__all__ = ["allow_asyncio_run", "contents", "execute", "here", "monitor", "register", "say", "share"]

_HOME = {
    "allow_asyncio_run": "fetchlab.notebook.asyncio_run",
    "contents": "fetchlab.notebook.listing",
    "execute": "fetchlab.notebook.headless",
    "monitor": "fetchlab.notebook.watching",
    "share": "fetchlab.notebook.sharing",
}


def register() -> None:
    """Let every run show a progress line in the cell that starts it; called when a kernel is there."""
    from fetchlab.engine.run import Run
    from fetchlab.notebook import progress

    if Run.on_start is None and progress.in_kernel():
        Run.on_start = progress.show
        Run.on_end_seen = progress.finish


def say(markdown: str) -> None:
    """Show a sentence in the cell's output: prose that quotes computed values."""
    from IPython.display import Markdown, display

    display(Markdown(markdown))


def here(path: str | Path) -> Path:
    """Return a path below the project's root, the nearest folder upwards that holds ``data/``.

    JupyterLab starts a kernel in the notebook's folder, a headless run in whatever folder it is called
    from; both mean the same file.
    """
    start = Path.cwd()
    root = next((folder for folder in (start, *start.parents) if (folder / "data").is_dir()), start)
    return root / path


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'fetchlab.notebook' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOME[name]), name)
