"""A folder that downloads go to: which names are taken, what is finished, what was begun.

Finished downloads are recorded in ``.fetchlab-downloads.jsonl``, a line each: key, name, size and version.
By it a later run knows which file belongs to which request, whatever name the server gave it, and asks
only whether it has changed. A name that somebody else's file has is never used.
"""

from __future__ import annotations

import json
import os
import stat
import threading
from bisect import bisect_left, insort
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from fetchlab.policy.filenames import numbered, same
from fetchlab.policy.resume import Version
from fetchlab.transport.part import PART, SIDECAR, PartFile, read_sidecar

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["MOST_NUMBERS", "RECORDS", "Folder", "Record"]

RECORDS = ".fetchlab-downloads.jsonl"
MOST_NUMBERS = 100


@dataclass(frozen=True, slots=True)
class Record:
    """A finished download.

    Attributes:
        key: of its request, secrets masked.
        name: of its file.
        bytes: the file's size.
        etag: the entity tag it came with.
        modified: the date of its last modification on the server, as it came.
    """

    key: str
    name: str
    bytes: int
    etag: str | None = None
    modified: str | None = None

    @property
    def version(self) -> Version:
        """The version of the file, for asking whether it has changed."""
        return Version(self.etag, self.modified)


class Folder:
    """One folder, for as long as a run writes to it.

    Methods may be called in any thread; all but :meth:`enter` and :meth:`wish` block. What they decide
    depends on the items' indices, not on who comes first, as far as their names are known by then.

    Args:
        path: where it is; made when it is first needed.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._wish_lock = threading.Lock()  # guards these three: never held while anything blocks
        self._wishes: dict[str, list[int]] = {}
        self._wish_of: dict[int, str] = {}
        self._equals: dict[tuple[str, str], list[int]] = {}  # items that ask for the same file
        self._lock = threading.Lock()  # guards everything below
        self._loaded = False
        self._records: dict[str, dict[str, Record]] = {}  # by key, then by name
        self._begun: dict[str, list[str]] = {}  # partial files of earlier attempts, by key
        self._held: set[str] = set()  # partial files of this run; not every system has locks
        self._taken: set[str] = set()  # names of this run's files, in the form of same()

    def enter(self, index: int, key: str, name: str, *, fixed: bool) -> None:
        """Note an item that will want a file here.

        Args:
            index: the item's place in the input.
            key: of its request.
            name: its file's name, if it were alone.
            fixed: True if the server may not give it another one.
        """
        self.wish(index, name)
        with self._wish_lock:
            insort(self._equals.setdefault((key, name if fixed else ""), []), index)

    def wish(self, index: int, name: str) -> None:
        """Note which name an item would have if it were alone; a later wish replaces it."""
        with self._wish_lock:
            before = self._wish_of.get(index)
            if before is not None:
                self._wishes[same(before)].remove(index)
            self._wish_of[index] = name
            insort(self._wishes.setdefault(same(name), []), index)

    def settle(self, index: int, key: str, *, overwrite: bool) -> str:
        """Return the item's name and take it.

        Of several items with one wish the lowest index has the plain name, the next one ``name (2)``.
        """
        with self._wish_lock:
            name = self._wish_of[index]
            number = 1 + bisect_left(self._wishes[same(name)], index)
        with self._lock:
            self._load()
            while not self._free(numbered(name, number), key, overwrite=overwrite):
                number += 1
            name = numbered(name, number)
            self._taken.add(same(name))
            return name

    def finished(self, index: int, key: str, name: str) -> Record | None:
        """Return the item's finished download if its file is still there, and take its name.

        Args:
            index: the item's place in the input.
            key: of its request.
            name: the one it must have, be it with a number; empty for whatever name it has.
        """
        with self._wish_lock:
            rank = bisect_left(self._equals[key, name], index)
        with self._lock:
            self._load()
            found = [
                record
                for record in self._records.get(key, {}).values()
                if (not name or any(record.name == numbered(name, n) for n in range(1, MOST_NUMBERS)))
                and self._intact(record)
            ]
            found.sort(key=lambda record: (len(record.name), record.name))
            if rank >= len(found) or same(found[rank].name) in self._taken:
                return None
            self._taken.add(same(found[rank].name))
            return found[rank]

    def resume(self, key: str) -> PartFile | None:
        """Open a partial file that an earlier attempt at this key left."""
        with self._lock:
            self._load()
            left = self._begun.get(key, [])
            while left:
                part = self._open(left.pop(0), empty=False)
                if part is not None:
                    return part
        return None

    def create(self, name: str) -> PartFile:
        """Open a new partial file for a file of this name."""
        with self._lock:
            self._load()
            number = 1
            while (part := self._open(numbered(name, number) + PART, empty=True)) is None:
                number += 1
            return part

    def leave(self, key: str, part: PartFile, *, keep: bool = True) -> None:
        """Let go of a partial file, and keep it for the next attempt if there is anything in it."""
        name, kept = part.path.name, keep and not part.closed and part.size > 0
        if kept:
            part.close()
        elif not part.closed:
            part.drop()
        with self._lock:
            self._held.discard(name)
            if kept:
                self._begun.setdefault(key, []).append(name)

    def record(self, record: Record) -> None:
        """Write down a finished download, before its file is moved: a move can be made up for, this not."""
        line = json.dumps(asdict(record), ensure_ascii=False) + "\n"
        with self._lock, (self.path / RECORDS).open("ab") as book:
            book.write(line.encode("utf-8", "backslashreplace"))
            self._records.setdefault(record.key, {})[record.name] = record

    def _open(self, name: str, *, empty: bool) -> PartFile | None:
        """Open a partial file of ours; None if it is in use, or is not what it should be."""
        path = self.path / name
        try:
            there = path.lstat()
        except FileNotFoundError:
            usable = empty
        else:
            usable = stat.S_ISREG(there.st_mode) and not (empty and there.st_size)
        if not usable or name in self._held:
            return None
        part = PartFile.open(path)
        if part is not None:
            self._held.add(name)
        return part

    def _free(self, name: str, key: str, *, overwrite: bool) -> bool:
        if same(name) in self._taken:
            return False
        if overwrite or not os.path.lexists(self.path / name):
            return True
        own = self._records.get(key, {}).get(name)
        return own is not None and self._intact(own)

    def _intact(self, record: Record) -> bool:
        try:
            return (self.path / record.name).stat(follow_symlinks=False).st_size == record.bytes
        except OSError:
            return False

    def _load(self) -> None:
        if self._loaded:
            return
        self.path.mkdir(parents=True, exist_ok=True)
        with os.scandir(self.path) as entries:
            parts = sorted(
                entry.name.removesuffix(SIDECAR) for entry in entries if entry.name.endswith(PART + SIDECAR)
            )
        for name in parts:
            told = read_sidecar(self.path / name)
            if not os.path.lexists(self.path / name):  # killed after the move
                (self.path / (name + SIDECAR)).unlink(missing_ok=True)
            elif told is not None:
                self._begun.setdefault(told["key"], []).append(name)
        for record in self._recorded():
            self._records.setdefault(record.key, {})[record.name] = record
        self._loaded = True

    def _recorded(self) -> list[Record]:
        try:
            lines = (self.path / RECORDS).read_bytes().splitlines()
        except FileNotFoundError:
            return []
        return [record for line in lines if (record := _record(line)) is not None]


def _record(line: bytes) -> Record | None:
    """Read a line; None for one that a killed process left unfinished, or that is not ours."""
    try:
        told: Any = json.loads(line)
        record = Record(**told)
    except (ValueError, TypeError):
        return None
    texts = (record.key, record.name, record.etag or "", record.modified or "")
    plain = all(isinstance(text, str) for text in texts) and isinstance(record.bytes, int)
    return record if plain and record.name == os.path.basename(record.name) else None  # noqa: PTH119
