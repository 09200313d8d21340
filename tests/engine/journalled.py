"""A journalled run in a process that can be killed: ``python journalled.py JOURNAL BASE ITEMS WORKERS``.

It prints a line when it has begun, and the final statistics when it has ended.
"""

from __future__ import annotations

import sys

import fetchlab as fl


def urls(base, items):
    return [f"{base}/bytes/{number % 97}?n={number}" for number in range(items)]


def start(path, base, items, workers):
    retry = fl.Retry(attempts=6, base=0.01, cap=0.05)
    return fl.fetch(urls(base, items), workers=workers, retry=retry, journal=path, progress=False)


def main(path, base, items, workers):
    run = start(path, base, int(items), int(workers))
    print("begun", flush=True)
    run.wait()
    stats = run.stats()
    print(stats.done, stats.ok, stats.earlier, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
