"""Has the wire's library take ordinary pages of memory; imported before anything imports pyreqwest.

Its allocator, mimalloc, asks the system for huge pages, two megabytes at a time: eight in a process that
needs one and a half. It reads its options from the environment, once, when the library is loaded. Where the
option is set already, that stays.
"""

from __future__ import annotations

import importlib
import os
import sys

__all__ = ["OPTION"]

OPTION = "MIMALLOC_ALLOW_THP"

if "pyreqwest" not in sys.modules and OPTION not in os.environ:
    os.environ[OPTION] = "0"
    try:
        importlib.import_module("pyreqwest.http")
    finally:
        del os.environ[OPTION]  # it is no business of processes that are started from here
