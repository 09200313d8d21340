"""``download``: requests into files, on the same engine as ``fetch``."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from fetchlab.engine.calls import start
from fetchlab.engine.knobs import function, not_one, statuses, whole
from fetchlab.engine.strategies import Async, choose
from fetchlab.errors import ConfigError
from fetchlab.model import Request
from fetchlab.policy.digests import Digest
from fetchlab.policy.filenames import from_url, numbered
from fetchlab.policy.keys import host_of, own_key, request_key
from fetchlab.policy.timeout import Timeout
from fetchlab.store.cache import Cache
from fetchlab.transport.client import Client
from fetchlab.transport.disk import Disk
from fetchlab.transport.download import Place, Receiver
from fetchlab.transport.folder import MOST_NUMBERS, Folder

if TYPE_CHECKING:
    import os
    from collections.abc import AsyncIterable, Iterable

    from fetchlab.engine.journal import Journal
    from fetchlab.engine.run import Run
    from fetchlab.engine.strategies import Strategy
    from fetchlab.engine.work import Work
    from fetchlab.model import Downloaded, Result
    from fetchlab.policy.retry import Retry

__all__ = ["Downloading", "download"]

WORKERS = 5


def download(
    requests: Iterable[Any] | AsyncIterable[Any],
    *,
    to: str | os.PathLike[str] | Callable[[Any], str | os.PathLike[str]],
    workers: int | None = None,
    strategy: Strategy | None = None,
    retry: Retry | None = None,
    timeout: Timeout | float | None = Timeout(connect=5, read=30, total=None),  # noqa: B008  # frozen
    accept: Collection[int] = (),
    max_bytes: int | None = None,
    digest: Callable[[Any], str | None] | Mapping[str, str] | None = None,
    key: Callable[[Any], str] | None = None,
    order: Literal["completed", "input"] = "completed",
    follow: Callable[[Result], Iterable[Any]] | None = None,
    cache: Cache | str | os.PathLike[str] | None = None,
    journal: Journal | str | Path | None = None,
    client: Any = None,
    progress: bool | None = None,
    overwrite: bool = False,
) -> Run:
    """Download files, several at a time; start at once and return the run.

    Bytes go into ``name.part`` beside the target, and the file appears whole or not at all. An attempt that
    breaks off is resumed where it stopped, also by a later call in another process, if the server says that
    the file has not changed; otherwise the file begins anew.

    What is there already: a file that an earlier call downloaded is skipped after the server has said that
    it has not changed (or without asking, if it has the ``digest``), and replaced if it has. Any other file
    is left alone: the download is then called ``name (2).ext``. With ``overwrite`` everything is
    downloaded, whatever is in its place.

    Args:
        requests: an iterable or async iterable of ``str``, ``fl.Request`` or ``httpx.Request``.
        to: a folder, made if need be; files are named by ``Content-Disposition``, else by the URL, and
            never lie outside of it. Or a plain function of the item that returns the file's path; its
            folders are made, and ``..`` in it is refused.
        workers: files at a time, 5 unless told; short for ``strategy=fl.Async(workers)``.
        strategy: how items are put onto workers.
        retry: what is tried again, and after what wait; ``fl.Retry()`` unless told.
        timeout: seconds per attempt; a download may take as long as it goes on
            (``fl.Timeout(connect=5, read=30, total=None)``).
        accept: statuses of 400 and above whose body is a file like any other.
        max_bytes: the largest file, no limit unless told.
        digest: what files must have, as ``"sha256:…"`` (also sha512, sha384, sha1, md5): a plain function
            of the item, or a dict by key or URL. What a server promises is checked as well.
        key: makes an item's key, by which its file is known to later calls; method, normalised URL and body
            hash unless told. Give one where URLs are signed anew each time.
        order: the order of iteration, as files are finished or as the input stands.
        follow: makes further items from a result that is ok; they join the same run.
        cache: an ``fl.Cache``, or a file's path for one. It holds no files, but when each was last downloaded
            or found unchanged: while that is good, a file that is there and whole is not asked about.
        journal: a file that remembers every download that ended; see :func:`fetch`. One counts as known
            while its file is where ``to`` puts it, with the same name and size, wherever that was before.
        client: an ``fl.Client``, or an async client with httpx's interface; a shared one unless told.
        progress: True shows progress, False does not, None shows it where a person looks.
        overwrite: download what is there already, and replace it.

    Returns:
        The run; its values are :class:`~fetchlab.model.Downloaded`, in ``run.table()`` with ``mb_per_s``.

    Raises:
        ConfigError: a knob has a value that cannot work.
        JournalError: the journal is in use, or cannot be read and written.
    """
    not_one(requests)
    if max_bytes is not None:
        whole("max_bytes", max_bytes, instead=", or None")
    if not isinstance(overwrite, bool):
        raise ConfigError("overwrite", f"is True or False, not {overwrite!r}")
    disk = Disk()
    receiver = Receiver(
        Client.of(client),
        disk,
        accept=statuses(accept),
        timeout=Timeout.of(timeout),
        max_bytes=max_bytes,
        overwrite=overwrite,
    )
    named = _key if key is None else own_key(function("key", key, may_yield=True))
    chosen = choose(workers, strategy, plain=False) if (workers, strategy) != (None, None) else Async(WORKERS)
    folder = _folder(to)
    return start(
        Downloading(receiver, disk, folder, _digests(digest), named, Cache.of(cache)),
        requests,
        strategy=chosen,
        retry=retry,
        key=named,
        order=order,
        follow=follow,
        journal=journal,
        call=("download", str(to) if isinstance(to, str | Path) else to, key, follow),
        holds=partial(_there, folder),
        progress=progress,
        knob="requests",
    )


class Downloading:
    """Downloads an item into a file.

    Args:
        receiver: makes the attempts.
        disk: its threads, closed at the end.
        to: a folder, or a function of the item that returns the file's path.
        digest: what an item's file must have, given item and key.
        key: an item's key.
        cache: knows when a file was last asked about; None asks always.
    """

    def __init__(
        self,
        receiver: Receiver,
        disk: Disk,
        to: Path | Callable[[Any], Any],
        digest: Callable[[Any, str], Digest | None],
        key: Callable[[Any], str],
        cache: Cache | None = None,
    ) -> None:
        self._tiers = None if cache is None or cache.rules.mode == "off" else cache.tiers
        self._since = time.time()
        self._receiver = receiver
        self._disk = disk
        self._to = to
        self._digest = digest
        self._key = key
        self._folders: dict[Path, Folder] = {}
        self._places: dict[int, Place] = {}

    def prepare(self, work: Work) -> None:
        """Note what is asked of which host, and which name the file would have; in the input's order."""
        request = Request.of(work.item)
        work.method = request.method
        work.host = host_of(request.url)
        if request.method == "HEAD":
            raise ConfigError("requests", "a HEAD brings no body to download")
        if work.index not in self._places:
            self._places[work.index] = self._place(work, request)

    async def __call__(self, work: Work) -> Downloaded:
        """Make one attempt."""
        if work.index not in self._places:
            self.prepare(work)
        place = self._places[work.index]
        digest = self._digest(work.item, place.key)
        tiers, name = self._tiers, f"download {place.key}"
        if tiers is not None:
            place.offline = tiers.rules.mode == "offline"
            place.fresh = tiers.good(name, self._since) is not None
        done = await self._receiver.receive(Request.of(work.item), place, digest, work)
        if tiers is not None and not work.cached:
            tiers.store_value(name, {"name": done.path.name, "bytes": done.bytes}, near=True)
        del self._places[work.index]
        return done

    def close(self) -> None:
        """Let the disk threads end."""
        self._disk.close()

    def _place(self, work: Work, request: Request) -> Place:
        key = self._key(work.item)
        if isinstance(self._to, Path):
            path, fixed = self._to / from_url(request.url), False
        else:
            path, fixed = _chosen(self._to(work.item)), True
        where = path.parent.absolute()
        folder = self._folders.get(where)
        if folder is None:
            folder = self._folders[where] = Folder(path.parent)
        folder.enter(work.index, key, path.name, fixed=fixed)
        return Place(folder, work.index, key, path.name, fixed)


def _there(to: Path | Callable[[Any], Any], item: Any, done: Any) -> Downloaded | None:
    """Return what a journal tells of a file, if this call would put it where one of that name and size is.

    Where the file was before does not count: a project may have moved, or be called from another folder.
    """
    try:
        if isinstance(to, Path):
            path = to / done.path.name
        else:
            path = _chosen(to(item))
            name = done.path.name
            if any(name == numbered(path.name, number) for number in range(1, MOST_NUMBERS)):
                path = path.with_name(name)
        return replace(done, path=path) if path.stat().st_size == done.bytes else None
    except Exception:  # to= raised, or this is no download: it is asked for, and told under its own name
        return None


def _chosen(given: Any) -> Path:
    """The user's own path. One with ``..`` was most likely made of a URL, and is nobody's intention."""
    try:
        path = Path(given)
    except TypeError:
        raise ConfigError("to", f"its function returns a path, not {given!r}") from None
    if ".." in path.parts or not path.name or "\0" in str(path):
        raise ConfigError("to", f"its function returns a file's path without '..', not {str(given)!r}")
    return path


def _folder(to: Any) -> Path | Callable[[Any], Any]:
    if callable(to):
        of_item: Callable[[Any], Any] = function("to", to, may_yield=True)
        return of_item
    try:
        folder = Path(to)
        folder.mkdir(parents=True, exist_ok=True)
    except TypeError:
        raise ConfigError("to", f"is a folder or a plain function of the item, not {to!r}") from None
    except (OSError, ValueError) as error:
        raise ConfigError("to", f"{to} cannot be a folder: {error}") from error
    return folder


def _digests(digest: Any) -> Callable[[Any, str], Digest | None]:
    if digest is None:
        return lambda _item, _key: None
    if isinstance(digest, Mapping):
        known = {name: Digest.of(text) for name, text in digest.items()}

        def listed(item: Any, key: str) -> Digest | None:
            found = known.get(key)
            return known.get(item) if found is None and isinstance(item, str) else found

        return listed
    of_item = function("digest", digest, may_yield=True)

    def asked(item: Any, _key: str) -> Digest | None:
        text = of_item(item)
        return None if text is None else Digest.of(text)

    return asked


def _key(item: Any) -> str:
    try:
        return request_key(Request.of(item))
    except Exception:  # it fails as an item, under some name
        return type(item).__name__
