"""A response's body into a file: resumed, checked, and put in its place atomically.

One attempt at one file. The bytes go into a partial file (:mod:`fetchlab.transport.part`), in large pieces
and in a thread, so that neither the loop nor the line waits for the disk. An attempt that fails leaves what
came for the next one, in this process or in another.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from fetchlab.errors import BodyTruncated, CacheMiss, DigestMismatch, Retriable, StatusError, TransportError
from fetchlab.model import Downloaded, Request
from fetchlab.policy.digests import promised
from fetchlab.policy.filenames import from_disposition, safe_name
from fetchlab.policy.resume import Step, Version, conditions, field, length_of, step, total_of
from fetchlab.transport.base import too_large
from fetchlab.transport.folder import Record

if TYPE_CHECKING:
    import asyncio
    from collections.abc import AsyncIterator, Collection, Sequence

    from fetchlab.policy.digests import Digest
    from fetchlab.policy.resume import Partial
    from fetchlab.policy.timeout import Timeout
    from fetchlab.transport.base import Incoming
    from fetchlab.transport.client import Client
    from fetchlab.transport.disk import Disk
    from fetchlab.transport.folder import Folder
    from fetchlab.transport.part import PartFile

__all__ = ["Place", "Receiver", "Seen"]

PIECE = 2**20
"""Bytes in one write."""
HELD_SECONDS = 0.25
"""The longest that received bytes wait to be written: what a killed process may lose of a slow body."""
_OWN_CONDITIONS = frozenset(
    {"range", "if-range", "if-match", "if-none-match", "if-modified-since", "if-unmodified-since"}
)

_now = time.perf_counter


class Seen(Protocol):
    """Who is told how an attempt goes."""

    status: int | None
    first_byte: float | None
    bytes: int
    cached: bool


@dataclass(slots=True)
class Place:
    """Where an item's file goes; the same for all its attempts.

    Attributes:
        folder: the folder.
        index: the item's place in the input.
        key: what the file is known by, secrets masked.
        wish: the file's name, if it is free.
        fixed: True if the server's own name for the file does not matter.
        record: the finished download that is there already.
        target: the file's name, once it is settled.
        looked: True once the folder was asked for ``record``.
        fresh: a file that is there and intact need not be asked about.
        offline: nothing may be asked at all.
    """

    folder: Folder
    index: int
    key: str
    wish: str
    fixed: bool = False
    record: Record | None = None
    target: str | None = None
    looked: bool = False
    fresh: bool = False
    offline: bool = False


class Receiver:
    """Receives files.

    Args:
        client: whose wire to use.
        disk: threads for what blocks.
        accept: statuses of 400 and above that are no errors.
        timeout: seconds per attempt.
        max_bytes: the largest file, None for no limit.
        overwrite: fetch also what is there already, and replace whatever has the name.
    """

    def __init__(
        self,
        client: Client,
        disk: Disk,
        *,
        accept: Collection[int],
        timeout: Timeout,
        max_bytes: int | None,
        overwrite: bool,
    ) -> None:
        self.client = client
        self.disk = disk
        self.accept = frozenset(accept)
        self.timeout = timeout
        self.max_bytes = max_bytes
        self.overwrite = overwrite

    async def receive(self, request: Request, place: Place, digest: Digest | None, seen: Seen) -> Downloaded:
        """Make one attempt.

        Args:
            request: what to send.
            place: where the file goes.
            digest: what the file must have.
            seen: told of status, first byte and bytes.

        Raises:
            TransportError: no whole body came.
            StatusError: the status says that there is no file.
            DigestMismatch: the file is not the one that was promised; nothing is left of it.
            WriteFailed: the disk refused.
        """
        return await _Reception(self, request, place, digest, seen).run()


class _Reception:
    """One attempt, with its open partial file."""

    def __init__(
        self, receiver: Receiver, request: Request, place: Place, digest: Digest | None, seen: Seen
    ) -> None:
        self._own = receiver
        self._disk = receiver.disk
        self._request = request
        self._place = place
        self._digest = digest
        self._seen = seen
        self._part: PartFile | None = None
        names = {name.lower() for name in request.headers or ()}
        self._plain = request.method != "GET" or bool(names & _OWN_CONDITIONS)  # nothing to resume or skip
        self._identity = {} if "accept-encoding" in names else {"Accept-Encoding": "identity"}

    async def run(self) -> Downloaded:
        place = self._place
        try:
            if await self._disk.run(self._look) and place.record is not None:
                self._seen.cached = True
                return self._skipped(place.record)
            if place.offline:
                raise CacheMiss(
                    f"the cache is offline and the file of {place.key} is not there, or not whole"
                )
            partial = self._part.partial if self._part is not None else None
            known = place.record.version if place.record is not None and self._may_skip else None
            asked = {} if self._plain else conditions(partial, known)
            done = await self._ask(asked, partial)
            if done is None:
                done = await self._ask({}, None)
            assert done is not None  # without conditions no answer asks for another request
            return done
        finally:
            if self._part is not None and not self._part.closed:
                await self._disk.run(place.folder.leave, place.key, self._part, keep=not self._plain)

    @property
    def _may_skip(self) -> bool:
        return self._part is None and not self._own.overwrite and self._digest is None

    def _look(self) -> bool:
        """See what is there already; True if that is the file itself. In a thread."""
        place = self._place
        if not place.looked:
            place.record = place.folder.finished(place.index, place.key, place.wish if place.fixed else "")
            place.target = place.record.name if place.record is not None else None
            place.looked = True
        if not self._plain:
            self._part = place.folder.resume(place.key)
        if self._part is not None or place.record is None or self._own.overwrite:
            return False
        if self._digest is None:
            return place.fresh
        with (place.folder.path / place.record.name).open("rb") as file:
            hashing = self._digest.new()
            while block := file.read(PIECE):
                hashing.update(block)
        return hashing.digest() == self._digest.value

    async def _ask(self, asked: dict[str, str], partial: Partial | None) -> Downloaded | None:
        """Send the request and take the answer; None if the whole file must be asked for."""
        own, seen, place = self._own, self._seen, self._place
        request = self._request
        headers = self._identity | (request.headers or {}) | asked
        outgoing = Request(request.url, request.method, headers=headers, content=request.content)
        began = _now()
        async with own.client.wire.stream(outgoing, own.timeout) as incoming:
            status = seen.status = incoming.status
            seen.first_byte = incoming.first_byte
            what = step(status, incoming.headers, asked, partial)
            if what is Step.AGAIN:
                return None
            if what is Step.UNCHANGED and place.record is not None:
                return self._skipped(place.record)
            if what is Step.COMPLETE and partial is not None and self._part is not None:
                if place.target is None and self._part.name:
                    place.folder.wish(place.index, safe_name(self._part.name))
                return await self._finish(incoming, partial.version, partial.size, began)
            if status == 304 or (status >= 400 and status not in own.accept):
                raise StatusError(f"HTTP {status}", status, incoming.headers)
            if what is Step.APPEND and partial is not None:
                version, offset = partial.version, partial.size
                total = total_of(incoming.headers) or partial.total
            else:
                self._check_whole(incoming)
                version, offset, total = Version.of(incoming.headers), 0, length_of(incoming.headers)
            await self._begin(incoming, version, total, anew=what is not Step.APPEND)
            await self._pour(incoming.chunks, offset)
            self._check_size(offset + seen.bytes, total)
            return await self._finish(incoming, version, offset, began)

    def _check_whole(self, incoming: Incoming) -> None:
        if incoming.status == 206 and not self._plain:
            raise TransportError("the server sent a part of the file (206) although all of it was asked for")

    async def _begin(self, incoming: Incoming, version: Version, total: int | None, *, anew: bool) -> None:
        place, most = self._place, self._own.max_bytes
        if most is not None and total is not None and total > most:
            await self._disk.run(self._throw_away)
            raise too_large(most, str(total))
        name = None if place.fixed else from_disposition(field(incoming.headers, "content-disposition"))
        if name is None and self._part is not None and not anew and self._part.name:
            name = safe_name(self._part.name)
        if place.target is None:
            place.folder.wish(place.index, name or place.wish)  # early, for the others to count with
        if self._part is None:
            self._part = await self._disk.run(self._create)
        await self._disk.run(self._part.begin, place.key, name, version, total, anew=anew)

    def _create(self) -> PartFile:
        place = self._place
        self._part = place.folder.create(
            place.target or place.wish
        )  # noted here: the caller may be cancelled
        return self._part

    async def _pour(self, chunks: AsyncIterator[bytes | memoryview], offset: int) -> None:
        """Write the body as it comes, one write behind the line; also what came before it broke off."""
        part, disk, seen = self._part, self._disk, self._seen
        assert part is not None
        room = None if self._own.max_bytes is None else self._own.max_bytes - offset
        held: list[bytes | memoryview] = []
        size, written = 0, 0.0
        writing: asyncio.Future[None] | None = None
        try:
            async for chunk in chunks:
                held.append(chunk)
                size += len(chunk)
                seen.bytes += len(chunk)
                if room is not None and seen.bytes > room:
                    held = []
                    raise too_large(self._own.max_bytes or 0)
                if size >= PIECE or _now() - written > HELD_SECONDS:
                    if writing is not None:
                        await disk.outcome(writing)
                    writing = disk.start(part.write, held)
                    held, size, written = [], 0, _now()
        finally:
            if writing is not None:  # where it failed, this raises, and nothing is written after the gap
                await disk.outcome(writing)
            if held:
                await disk.run(part.write, held)
            if room is not None and seen.bytes > room:
                await self._disk.run(self._throw_away)

    @staticmethod
    def _check_size(size: int, total: int | None) -> None:
        if total is not None and size != total:
            raise BodyTruncated(f"{size:,} bytes came, {total:,} were promised")

    async def _finish(self, incoming: Incoming, version: Version, offset: int, began: float) -> Downloaded:
        """Check the file and put it in its place."""
        seconds = _now() - began
        part, seen = self._part, self._seen
        assert part is not None
        whole = not self._plain or incoming.status == 200
        digests = promised(incoming.status, incoming.headers) if whole else []
        if self._digest is not None:
            digests.append(self._digest)
        place = self._place
        size, sha256 = await self._disk.run(self._settle, part, digests, version, resumed=offset > 0)
        encoding = field(incoming.headers, "content-encoding")
        return Downloaded(
            path=place.folder.path / (place.target or ""),
            bytes=size,
            received=seen.bytes,
            resumed_from=offset,
            mb_per_s=seen.bytes / 1e6 / seconds if seconds > 0 else 0.0,
            sha256=sha256,
            encoding=encoding if encoding not in ("", "identity") else None,
        )

    def _settle(
        self, part: PartFile, digests: Sequence[Digest], version: Version, *, resumed: bool
    ) -> tuple[int, str | None]:
        """Check the digests, make the bytes last, move the file. In a thread."""
        found: dict[str, bytes] = {}
        for digest in digests:
            if digest.algorithm not in found:
                found[digest.algorithm] = part.digest(digest.new())
            if found[digest.algorithm] != digest.value:
                self._throw_away()
                raise DigestMismatch(
                    f"the file's {digest.algorithm} is {found[digest.algorithm].hex()},"
                    f" not {digest.value.hex()} ({digest.source})"
                ) from (Retriable("an earlier attempt's bytes were among it") if resumed else None)
        place, size = self._place, part.size
        part.sync()
        if place.target is None:
            place.target = place.folder.settle(place.index, place.key, overwrite=self._own.overwrite)
        place.folder.record(Record(place.key, place.target, size, version.etag, version.modified))
        part.move(place.folder.path / place.target)
        place.folder.leave(place.key, part)
        return size, found["sha256"].hex() if "sha256" in found else None

    def _throw_away(self) -> None:
        if self._part is not None and not self._part.closed:
            self._part.drop()
            self._place.folder.leave(self._place.key, self._part)

    def _skipped(self, record: Record) -> Downloaded:
        sha256 = self._digest.value.hex() if self._digest and self._digest.algorithm == "sha256" else None
        return Downloaded(self._place.folder.path / record.name, record.bytes, skipped=True, sha256=sha256)
