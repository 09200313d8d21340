"""Applies in a process that can be killed: forked from one that has imported everything, so it starts fast.

Reads lines ``root to plan journal step`` and forks a child for each that applies the plan, or with the word
``undo`` for a plan takes back what the journal has; prints ``steps``, the changes to the disk it made, if it
came to its end, and ``code``, how it ended. With a step above 0 the child kills itself before that change.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from pathlib import Path

import polars as pl

from fetchlab.store import writer
from fetchlab.studies.library import Library, copying, moving
from fetchlab.studies.library.intents import Book

STEPS = [
    (moving, "rename_new"),
    (copying, "rename_new"),
    (copying.os, "ftruncate"),
    (copying.os, "fsync"),
    (copying.shutil, "copystat"),
    (Path, "unlink"),
    (Path, "mkdir"),
    (Path, "rmdir"),
    (writer.Writer, "write"),
]


def die_at(step, counted):
    """Have the process killed before the step-th call of what changes the disk; count the calls."""
    lock = threading.Lock()

    def counting(call):
        def counter(*args, **knobs):
            with lock:
                counted[0] += 1
                if counted[0] == step:
                    os.kill(os.getpid(), signal.SIGKILL)
            return call(*args, **knobs)

        return counter

    for home, name in STEPS:
        setattr(home, name, counting(getattr(home, name)))


def child(root, to, plan, journal, step):
    counted = [0]
    die_at(step, counted)
    library = Library(root, to=to)
    if plan == "undo":
        run = library.undo(journal, progress=False)
    else:
        run = library.apply(pl.read_parquet(plan), journal, progress=False)
    run.raise_for_errors()
    print("steps", counted[0], flush=True)


def main():
    _ = Book  # imported before any fork
    for line in sys.stdin:
        *words, step = line.split()
        pid = os.fork()
        if not pid:
            try:
                child(*words, int(step))
            except BaseException as error:
                print(repr(error), file=sys.stderr)
                os._exit(1)
            os._exit(0)
        _, status = os.waitpid(pid, 0)
        print("code", os.waitstatus_to_exitcode(status), flush=True)


if __name__ == "__main__":
    main()
