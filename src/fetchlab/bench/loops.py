"""Clients in a bare loop: N tasks take from one iterator, ask, read the body, and keep nothing.

That is the least a Python program can do with a client, so it is what an engine around it is measured
against. All of them run where the engine runs: on its thread, on its event loop (uvloop where it
installs).
"""

from __future__ import annotations

import asyncio
import importlib.util
import time
from typing import TYPE_CHECKING, Any

from fetchlab import httpx_bridge, loop
from fetchlab.bench.rounds import Measurement
from fetchlab.errors import StudyError
from fetchlab.model import Request
from fetchlab.policy.timeout import Timeout

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Sequence

__all__ = ["aiohttp", "has_aiohttp", "httpx", "pyreqwest", "pyreqwest_streamed", "transport"]

MAX_BYTES = 50_000_000


def pyreqwest(urls: Sequence[str], workers: int) -> Measurement:
    """Ask with pyreqwest as it comes: the body in one piece."""
    return loop.submit(_pyreqwest(urls, workers, streamed=False)).result()


def pyreqwest_streamed(urls: Sequence[str], workers: int) -> Measurement:
    """Ask with pyreqwest and the body read as a stream, as our transport reads it to bound its size."""
    return loop.submit(_pyreqwest(urls, workers, streamed=True)).result()


def transport(urls: Sequence[str], workers: int) -> Measurement:
    """Ask with our transport, without the engine: timeouts, bounded body, errors in our own tree."""
    return loop.submit(_transport(urls, workers)).result()


def httpx(urls: Sequence[str], workers: int) -> Measurement:
    """Ask with httpx, as many connections as workers."""
    return loop.submit(_httpx(urls, workers)).result()


def aiohttp(urls: Sequence[str], workers: int) -> Measurement:
    """Ask with aiohttp, as many connections as workers; see :func:`has_aiohttp`."""
    return loop.submit(_aiohttp(urls, workers)).result()


def has_aiohttp() -> bool:
    """Say whether aiohttp is installed: ``pip install fetchlab[bench]``."""
    return importlib.util.find_spec("aiohttp") is not None


async def _pyreqwest(urls: Sequence[str], workers: int, *, streamed: bool) -> Measurement:
    from pyreqwest.client import ClientBuilder

    async with ClientBuilder().build() as client:

        async def whole(url: str) -> tuple[int, int]:
            answer = await client.get(url).build().send()
            return answer.status, len(await answer.bytes())

        async def piecewise(url: str) -> tuple[int, int]:
            async with client.get(url).build_streamed() as answer:
                body = await answer.body_reader.read(MAX_BYTES)
                return answer.status, 0 if body is None else len(body)

        return await _drive(piecewise if streamed else whole, urls, workers)


async def _transport(urls: Sequence[str], workers: int) -> Measurement:
    from fetchlab.transport.options import Options
    from fetchlab.transport.reqwest import ReqwestTransport

    wire, limits = ReqwestTransport(Options()), Timeout()

    async def ask(url: str) -> tuple[int, int]:
        answer = await wire.send(Request(url), limits, MAX_BYTES)
        return answer.status, len(answer.content)

    try:
        return await _drive(ask, urls, workers)
    finally:
        await wire.aclose()


async def _httpx(urls: Sequence[str], workers: int) -> Measurement:
    module = httpx_bridge.library()
    limits = module.Limits(max_connections=workers, max_keepalive_connections=workers)
    async with module.AsyncClient(limits=limits, timeout=module.Timeout(30.0, pool=None)) as client:

        async def ask(url: str) -> tuple[int, int]:
            answer = await client.get(url)
            return answer.status_code, len(answer.content)

        return await _drive(ask, urls, workers)


async def _aiohttp(urls: Sequence[str], workers: int) -> Measurement:
    import aiohttp as module

    connector = module.TCPConnector(limit=workers)
    async with module.ClientSession(connector=connector) as session:

        async def ask(url: str) -> tuple[int, int]:
            async with session.get(url) as answer:
                return answer.status, len(await answer.read())

        return await _drive(ask, urls, workers)


async def _drive(
    ask: Callable[[str], Awaitable[tuple[int, int]]], urls: Iterable[str], workers: int
) -> Measurement:
    """Let N tasks take URLs from one iterator until none is left."""
    left = iter(urls)
    count = size = 0

    async def work() -> None:
        nonlocal count, size
        for url in left:
            status, length = await ask(url)
            if status >= 400:
                raise StudyError(f"{url} answered HTTP {status}")
            count += 1
            size += length

    begun, cpu = time.perf_counter(), time.process_time()
    await _all([work() for _ in range(workers)])
    seconds, cpu = time.perf_counter() - begun, time.process_time() - cpu
    return Measurement(seconds, count, count, count, size, cpu)


async def _all(works: list[Any]) -> None:
    async with asyncio.TaskGroup() as group:
        for work in works:
            group.create_task(work)
