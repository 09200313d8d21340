"""What somebody may do who owns nothing here, also where the tests run as root."""

from __future__ import annotations

import os
from contextlib import contextmanager


@contextmanager
def nobody():
    """As a user who may not write everywhere."""
    if os.geteuid():
        yield
        return
    os.seteuid(65_534)
    try:
        yield
    finally:
        os.seteuid(0)
