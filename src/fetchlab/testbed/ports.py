"""Claiming a block of ports: all listeners of a testbed, or none."""

from __future__ import annotations

import random
import socket
import sys
from typing import TYPE_CHECKING

from fetchlab.errors import TestbedError
from fetchlab.testbed.registry import BLOCK, CONTROL, OFFSETS, WIRES

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["BACKLOG", "claim"]

BACKLOG = 4096
_BLOCKS_TRIED = 64
# Below the range from which systems take ports for outgoing connections.
_LOWEST, _HIGHEST = 10_000, 32_000


def _listen(port: int) -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        if sys.platform == "win32":
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        else:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(("127.0.0.1", port))
        # With SO_REUSEADDR two processes may both bind; only one may listen.
        sock.listen(BACKLOG)
    except OSError:
        sock.close()
        raise
    sock.setblocking(False)
    return sock


def _take(base: int) -> dict[str, socket.socket] | None:
    taken: dict[str, socket.socket] = {}
    try:
        for wire in (*WIRES, CONTROL):
            taken[wire] = _listen(base + OFFSETS[wire])
    except (OSError, OverflowError):
        for sock in taken.values():
            sock.close()
        return None
    return taken


def _candidates(port: int, strict: bool) -> Iterator[int]:
    if port == 0:
        pick = random.SystemRandom()
        while True:
            yield pick.randrange(_LOWEST, _HIGHEST, BLOCK)
    yield port
    if not strict:
        yield from range(port + BLOCK, 65_536 - BLOCK, BLOCK)


def claim(port: int, *, strict: bool) -> tuple[int, dict[str, socket.socket]]:
    """Listen on one block of ports: the asked one, else the next free one above, or any for 0.

    Raises:
        TestbedError: nothing free was found.
    """
    for base, _ in zip(_candidates(port, strict), range(_BLOCKS_TRIED), strict=False):
        taken = _take(base)
        if taken is not None:
            return base, taken
    raise TestbedError(
        f"port: {port} to {port + BLOCK - 1} on 127.0.0.1 are in use, perhaps by another testbed (a notebook "
        "that still runs?); stop that one, choose another port, or give port=0 for any that is free"
    )
