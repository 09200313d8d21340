"""A file on its way: ``name.part`` holds the bytes, ``name.part.json`` says of what.

The second one makes the first usable in another process: the key of its request, the version its bytes
are of and the size of the whole. Secrets are masked in keys, so none is written here.

Everything here blocks and belongs in a thread. A partial file is locked while it is open (where the
system has ``flock``), so that two processes never write to the same one.
"""

from __future__ import annotations

import json
import os
import sys
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from fetchlab.policy.resume import Partial, Version

if sys.platform != "win32":
    import fcntl

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

__all__ = ["PART", "SIDECAR", "PartFile", "read_sidecar"]

PART = ".part"
SIDECAR = ".json"
_MOST_BUFFERS = 512  # writev takes 1,024
_LARGEST_SIDECAR = 100_000
_TEXTS = ("name", "etag", "modified", "validator")
_FLAGS = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)


class PartFile:
    """An open partial file, its position at its end.

    Attributes:
        path: where it is.
        partial: what an earlier attempt left in it, None if nothing that could be used.
        name: what the server called the file, None if it did not say.
    """

    def __init__(self, path: Path, fd: int, told: dict[str, Any] | None) -> None:
        self.path = path
        self.name: str | None = told.get("name") if told else None
        self._fd = fd
        self.partial = _partial(told, self.size)

    @classmethod
    def open(cls, path: Path) -> PartFile | None:
        """Open a partial file, made if there is none; None if somebody else has it open.

        Raises:
            OSError: it cannot be opened.
        """
        fd = os.open(path, _FLAGS, 0o666)
        try:
            if not _lock(fd, path):
                os.close(fd)
                return None
            os.lseek(fd, 0, os.SEEK_END)
            return cls(path, fd, read_sidecar(path))
        except BaseException:
            with suppress(OSError):
                os.close(fd)
            raise

    @property
    def size(self) -> int:
        """Bytes in it now."""
        return os.fstat(self._fd).st_size

    @property
    def closed(self) -> bool:
        """True once it was moved, dropped or closed."""
        return self._fd < 0

    def begin(self, key: str, name: str | None, version: Version, total: int | None, *, anew: bool) -> None:
        """Note what the bytes are of, before the first of them is written.

        Args:
            key: of the request.
            name: what the server calls it.
            version: of the file they belong to.
            total: the whole file's size, None if unknown.
            anew: let go of what is there.
        """
        with self._named():
            self._begin(key, name, version, total, anew=anew)
        self.name = name
        self.partial = Partial(self.size, total, version)

    def _begin(self, key: str, name: str | None, version: Version, total: int | None, *, anew: bool) -> None:
        if anew:  # first: old bytes beside a new sidecar would be the mix that must not be
            os.ftruncate(self._fd, 0)
            os.lseek(self._fd, 0, os.SEEK_SET)
        told = {
            "key": key,
            "name": name,
            "total": total,
            "etag": version.etag,
            "modified": version.modified,
            "validator": version.validator,
        }
        _sidecar(self.path).write_text(json.dumps(told), encoding="utf-8")

    def write(self, buffers: Sequence[bytes | memoryview]) -> None:
        """Write all buffers at the end."""
        with self._named():
            self._write(buffers)

    def _write(self, buffers: Sequence[bytes | memoryview]) -> None:
        if len(buffers) <= _MOST_BUFFERS and hasattr(os, "writev"):
            written = os.writev(self._fd, buffers)
            if written == sum(map(len, buffers)):
                return
            rest = memoryview(b"".join(buffers))[written:]
        else:
            rest = memoryview(b"".join(buffers))
        while rest:
            rest = rest[os.write(self._fd, rest) :]

    def digest(self, hashing: Any) -> bytes:
        """Return the digest of all of it, by an empty hash of hashlib."""
        os.lseek(self._fd, 0, os.SEEK_SET)
        while block := os.read(self._fd, 2**20):
            hashing.update(block)
        digest: bytes = hashing.digest()
        return digest

    def sync(self) -> None:
        """Wait until it is on the disk."""
        with self._named():
            os.fsync(self._fd)

    def move(self, target: Path) -> None:
        """Put it in its place, atomically, and close it."""
        if os.name == "nt":  # where an open file cannot be moved; elsewhere the lock is held until it is
            self.close()
        self.path.replace(target)
        self.close()
        _sidecar(self.path).unlink(missing_ok=True)

    def drop(self) -> None:
        """Close it and remove it."""
        if os.name == "nt":
            self.close()
        self.path.unlink(missing_ok=True)
        _sidecar(self.path).unlink(missing_ok=True)
        self.close()

    def close(self) -> None:
        """Close it as it is, for another attempt."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)

    @contextmanager
    def _named(self) -> Iterator[None]:
        """Name the file in errors: the system's own calls on open files do not."""
        try:
            yield
        except OSError as error:
            error.filename = error.filename or str(self.path)
            raise


def read_sidecar(part: Path) -> dict[str, Any] | None:
    """Return what a partial file's sidecar tells, None if there is none that can be read."""
    try:
        with _sidecar(part).open("rb") as file:
            told = json.loads(file.read(_LARGEST_SIDECAR))
    except (OSError, ValueError):
        return None
    if not isinstance(told, dict) or not isinstance(told.get("key"), str):
        return None
    texts = [told.get(name) for name in _TEXTS]
    return told if all(text is None or isinstance(text, str) for text in texts) else None


def _sidecar(part: Path) -> Path:
    return part.with_name(part.name + SIDECAR)


def _partial(told: dict[str, Any] | None, size: int) -> Partial | None:
    if told is None:
        return None
    total = told.get("total")
    if total is not None and (not isinstance(total, int) or total < size):
        return None
    return Partial(size, total, Version(told.get("etag"), told.get("modified"), told.get("validator")))


def _lock(fd: int, path: Path) -> bool:
    """Lock an open file; False if it is locked, or was moved away by the one who held the lock."""
    if sys.platform == "win32":
        return True
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks
        return True
    try:
        return os.path.samestat(os.fstat(fd), path.lstat())
    except FileNotFoundError:
        return False
