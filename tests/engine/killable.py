"""Downloads in a process that can be killed: forked from one that has imported everything, so it starts fast.

Reads lines ``url folder step`` and forks a child for each that downloads; prints the child's id, then how it
ended. With a step above 0 the child kills itself before its step-th change to the disk.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import fetchlab as fl
from fetchlab.transport import part
from fetchlab.transport.folder import Folder

STEPS = [
    (part.os, "ftruncate"),
    (part.os, "writev"),
    (part.os, "fsync"),
    (part.PartFile, "_begin"),
    (part.PartFile, "close"),
    (Path, "write_text"),
    (Path, "replace"),
    (Path, "unlink"),
    (Folder, "record"),
]


def die_at(step):
    """Have the process killed before the step-th call of what changes the disk."""
    left = [step]

    def counting(call):
        def counted(*args, **knobs):
            left[0] -= 1
            if not left[0]:
                os.kill(os.getpid(), signal.SIGKILL)
            return call(*args, **knobs)

        return counted

    for home, name in STEPS:
        setattr(home, name, counting(getattr(home, name)))


def child(url, folder, step):
    if step:
        die_at(step)
    client = fl.Client("reqwest")
    run = fl.download([url], to=folder, client=client, retry=fl.Retry(attempts=1), progress=False)
    run.raise_for_errors()


def main():
    _ = fl.download, fl.Retry, fl.Client  # imported before any fork
    for line in sys.stdin:
        url, folder, step = line.split()
        pid = os.fork()
        if not pid:
            try:
                child(url, folder, int(step))
            except BaseException as error:
                print(repr(error), file=sys.stderr)
                os._exit(1)
            os._exit(0)
        print(pid, flush=True)
        _, status = os.waitpid(pid, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


if __name__ == "__main__":
    main()
