"""Writes a script with a journal until it is killed: ``python killable.py URL JOURNAL``."""

from __future__ import annotations

import sys

import fetchlab as fl
from fetchlab.studies.storyboard import Storyboard

if __name__ == "__main__":
    url, path = sys.argv[1:]
    board = Storyboard(url, ["key-a", "key-b"], "storyboard-1", client=fl.Client())
    board.script("A lighthouse", 240, journal=path, progress=False).wait()
