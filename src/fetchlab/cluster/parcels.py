"""What crosses between a run and the machines of its cluster: bytes, packed and unpacked by us alone.

Values cross as plain data (pickle), as in :mod:`~fetchlab.engine.crossing`. Whoever runs a cluster can run
code in its clients anyway: Dask's own messages are pickled. Requests carry credentials, and Dask shows and
logs the arguments of tasks; a :class:`Parcel` shows its size.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from fetchlab.engine.crossing import pack, pack_checked, pack_error, raise_again, unpack
from fetchlab.engine.threads import fit_for_a_coroutine
from fetchlab.errors import ConfigError, TaskError
from fetchlab.model import Request

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Chunk", "Entry", "Parcel", "Part", "Row", "packed_job", "plain_item", "request_from"]


class Parcel:
    """Bytes that show nothing of themselves.

    Args:
        data: the bytes.
    """

    __slots__ = ("data",)

    def __init__(self, data: bytes) -> None:
        self.data = data

    def __reduce__(self) -> tuple[Any, ...]:
        return Parcel, (self.data,)

    def __repr__(self) -> str:
        return f"<{len(self.data):,} bytes>"


class Entry(NamedTuple):
    """An item of a chunk.

    Attributes:
        item: what the attempt is made with: a URL, a Request, or a function's argument.
        wants: the value, the response beside it, or the same where the answer 304 says that there is none.
        start: when the attempt may start, by the run's clock; None for any time. It is a lease of one
        request:
            once it is past by more than the tolerance, the item goes back without an attempt.
    """

    item: Any
    wants: Literal["value", "response", "news"]
    start: float | None


class Chunk(NamedTuple):
    """What goes out as one Dask task.

    Attributes:
        token: the run's.
        number: counted up over the run.
        slots: workers on each machine, by its address.
        clocks: seconds by which each machine's clock is ahead of the run's, by its address.
        grace: seconds after which what is done is reported, though not all is.
        entries: the items.
    """

    token: str
    number: int
    slots: dict[str, int]
    clocks: dict[str, float]
    grace: float
    entries: list[Entry]

    def pack(self) -> Parcel:
        """Return it as bytes that can be unpacked.

        Raises:
            Exception: whatever the reduction of an item raises, or what makes it again.
        """
        return Parcel(pack_checked((*self[:-1], [tuple(entry) for entry in self.entries])))

    @classmethod
    def unpack(cls, parcel: Parcel) -> Chunk:
        """Return the chunk that was packed."""
        chunk = cls(*unpack(parcel.data))
        return chunk._replace(entries=[Entry(*entry) for entry in chunk.entries])


class Row(NamedTuple):
    """What became of an entry. Times are those of the machine's clock.

    Attributes:
        slot: which of the machine's workers made the attempt.
        began: when it began.
        finished: when it ended.
        first_byte: when the response's headers were there.
        status: HTTP status.
        size: decoded body.
        error: the packed error, None for a value.
    """

    slot: int
    began: float
    finished: float
    first_byte: float | None
    status: int | None
    size: int
    error: bytes | None


class Part(NamedTuple):
    """What comes back for a chunk: all of it, or what was done when others took long.

    Attributes:
        address: the machine that made it.
        late: entries that came after their time to start.
        left: entries that another part will tell of.
        places: which entries this one tells of.
        rows: a row for each of them; None for one that was given back without an attempt.
        values: a value for each of them.
    """

    address: str
    late: int
    left: int
    places: list[int]
    rows: list[tuple[Any, ...] | None]
    values: list[Any]

    def pack(self) -> bytes:
        """Return it as bytes; a value that cannot cross becomes its item's error."""
        try:
            return pack_checked(tuple(self))
        except Exception:
            return pack(tuple(self._mended()))

    def _mended(self) -> Part:
        rows, values = list(self.rows), list(self.values)
        for nth, row in enumerate(rows):
            if row is None or Row(*row).error is not None:
                continue
            try:
                pack_checked(values[nth])
            except Exception as error:
                name = type(values[nth]).__name__
                failure = TaskError(_cannot("value", f"back from a cluster's worker ({name})", error))
                failure.__cause__ = error
                values[nth] = None
                rows[nth] = tuple(Row(*row)._replace(error=pack_error(failure)))
        return self._replace(rows=rows, values=values)

    @classmethod
    def unpack(cls, data: bytes) -> Part:
        """Return the part that was packed."""
        return cls(*unpack(data))

    def outcomes(self) -> Iterator[tuple[int, Row | None, Any]]:
        """Return for each entry its place, its row, and its value or error; no row if it was given back."""
        for place, told, value in zip(self.places, self.rows, self.values, strict=True):
            row = None if told is None else Row(*told)
            yield place, row, value if row is None or row.error is None else _error_from(row.error)


def packed_job(kind: str, knobs: tuple[Any, ...], *, names: tuple[str, ...]) -> Parcel:
    """Return what is done with items as bytes.

    Args:
        kind: ``"fetch"`` or ``"call"``.
        knobs: its parts.
        names: the user's names of those that the user has given, in the same order; empty for the others.

    Raises:
        ConfigError: one of them cannot cross.
    """
    for name, value in zip(names, knobs, strict=True):
        if name:
            try:
                pack(value)
            except Exception as error:
                said = f"{type(error).__name__}: {error}"
                raise ConfigError(
                    name,
                    f"cannot cross to a cluster's workers ({said}); it may use only plain data and modules",
                ) from error
    return Parcel(pack((kind, knobs)))


def plain_item(item: Any) -> Any:
    """Return a request as little as it can be: most are a URL."""
    if isinstance(item, Request) and item.method == "GET" and not item.headers and item.content is None:
        return item.url
    return item


def request_from(item: Any) -> Request:
    """Return the request that :func:`plain_item` made little of."""
    return Request.get(item) if isinstance(item, str) else item


def _error_from(data: bytes) -> BaseException:
    try:
        raise_again(data)
    except BaseException as error:
        return fit_for_a_coroutine(error)


def _cannot(what: str, where: str, error: Exception) -> str:
    return f"the {what} cannot cross {where}: {type(error).__name__}: {error}; give plain data"
