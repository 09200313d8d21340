"""Ways to collect the same timelines, each done once: how long it took, how steadily, how complete it is."""

from __future__ import annotations

import tempfile
import threading
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from fetchlab.bench.rounds import Measurement
from fetchlab.bench.timeline_shortcuts import timeline_with
from fetchlab.bench.timeline_truth import complete
from fetchlab.bench.work import ended
from fetchlab.engine.snapshot import process_usage
from fetchlab.errors import StudyError
from fetchlab.studies.timeline import Timeline
from fetchlab.transport.client import Client
from fetchlab.transport.pages import Browser

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fetchlab.engine.run import Run
    from fetchlab.testbed import Testbed

__all__ = ["NOW", "OLD", "USERS", "Way", "collected", "handles", "steady"]

OLD, NOW = (1.0, 3.0), (0.5, 1.5)
"""Seconds between two steps before and after the published document's reduction."""
USERS = (13, 5, 2, 8, 0, 10, 12, 11)
"""Places of the testbed's users that are read, in this order: a thread, quotes and videos stand among their
newest posts."""
LOOK = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """One way to collect.

    Attributes:
        collector: where posts come from.
        places: of the testbed's users; the first of them are read.
        users: how many timelines.
        posts: of each, the newest.
        workers: timelines at a time.
        pause: seconds between two steps of a browser, at least and at most.
        threads: threads as a whole.
        batch: posts per commit.
        a_browser_each: a new browser for every user; else one that is kept.
        isolation: of a kept browser: contexts in one, or a browser for each worker.
        shortcut: one of SHORTCUTS, empty for none.
        weigh: look at the browsers' memory meanwhile, which costs some time.
        again: the same posts are stored already: ``resume=False`` reads them again.
        anew: ``refetch_all``, over all of the timelines.
    """

    collector: str = "dom"
    places: Sequence[int] = USERS
    users: int = 1
    posts: int = 20
    workers: int = 1
    pause: tuple[float, float] = NOW
    threads: bool = True
    batch: int = 50
    a_browser_each: bool = False
    isolation: str = "context"
    shortcut: str = ""
    weigh: bool = False
    again: bool = False
    anew: bool = False

    @property
    def in_browser(self) -> bool:
        """Whether it needs one."""
        return self.collector in Timeline.readers


def handles(bed: Testbed, way: Way) -> list[str]:
    """Return the users that a way reads."""
    users = bed.truth("timeline")["users"]
    return [users[place]["handle"] for place in way.places[: way.users]]


def collected(bed: Testbed, way: Way) -> Measurement:
    """Collect once, into a store of its own; its items are posts, its time includes the browser's start.

    Returns:
        A measurement with, beside the counts of :class:`~fetchlab.bench.timeline_truth.Complete`,
        ``steady_per_s`` (see :func:`steady`; posts per second where that is
        not to be known), ``memory`` (bytes of all browsers at most),
        ``browsers`` (started) and ``user_s`` (the mean seconds of a user).

    Raises:
        StudyError: a timeline did not come.
    """
    names = handles(bed, way)
    with ExitStack() as open_:
        folder = Path(open_.enter_context(tempfile.TemporaryDirectory(prefix="fetchlab-")))
        client = open_.enter_context(Client())
        begun = time.perf_counter()
        browser = _browser(way)
        timeline = _client(bed, way, folder / "timeline.db", client, browser)
        if browser is not None:
            open_.enter_context(browser)
        if way.again or way.anew:
            ended(_collect(timeline, way, names))
            begun = time.perf_counter()
        run = _collect(timeline, way, names, anew=way.anew)
        with _Watch(run, browser if way.weigh else None) as watch:
            ended(run)
        taken = time.perf_counter() - begun
        if run.stats().failed:
            raise StudyError(f"{run.stats().failed} items failed, such as {run.errors().row(0, named=True)}")
        found = complete(bed.truth("timeline"), names, timeline.frame(), timeline.frame("media"))
        started = 0 if browser is None else browser.stats().started
    cpu, peak = process_usage()
    seconds = run.frame()["finished"] - run.frame()["started"]
    more = found.figures() | {
        "steady_per_s": steady(watch.seen, way.workers) or found.rows / taken,
        "memory": float(watch.memory),
        "browsers": float(started),
        "user_s": float(seconds.sum()) / way.users,
        "users": float(way.users),
    }
    attempts = run.stats().done + run.stats().retries
    return Measurement(taken, found.rows, found.rows - found.wrong, attempts, 0, cpu, peak, more)


def steady(seen: Sequence[tuple[float, dict[str, int]]], workers: int) -> float | None:
    """Return posts per second with all workers under way: those between each user's first posts and its last.

    None where no user's posts came at two times.

    Args:
        seen: seconds, and how many posts each user had by then.
        workers: users at a time.
    """
    came: dict[str, list[tuple[float, int]]] = {}
    for at, posts in seen:
        for user, count in posts.items():
            there = came.setdefault(user, [])
            if count and (not there or there[-1][1] != count):
                there.append((at, count))
    posts_between = sum(times[-1][1] - times[0][1] for times in came.values() if times)
    seconds = sum(times[-1][0] - times[0][0] for times in came.values() if times)
    return workers * posts_between / seconds if seconds else None


def _browser(way: Way) -> Browser | None:
    if not way.in_browser:
        return None
    isolation: Any = way.isolation
    return Browser(isolation=isolation, pages=1 if way.a_browser_each else 200)


def _client(bed: Testbed, way: Way, store: Path, client: Client, browser: Browser | None) -> Timeline:
    made = timeline_with(way.shortcut) if way.shortcut else Timeline
    urls = bed.urls
    return made(urls["timeline"], urls["api"], urls["rss"], "a token", store, client=client, browser=browser)


def _collect(timeline: Timeline, way: Way, names: list[str], *, anew: bool = False) -> Run:
    knobs: dict[str, Any] = {
        "workers": way.workers,
        "threads": way.threads,
        "min_delay": way.pause[0],
        "max_delay": way.pause[1],
        "batch_write_size": way.batch,
        "progress": False,
    }
    collector: Any = way.collector
    if anew:
        return timeline.refetch_all(names, collector, **knobs)
    most = None if way.again or way.anew else way.posts
    return timeline.collect(names, collector, resume=False, max_posts=most, **knobs)


class _Watch:
    """Looks at a run while it goes on."""

    def __init__(self, run: Run, weighed: Browser | None) -> None:
        self.seen: list[tuple[float, dict[str, int]]] = []
        self.memory = 0
        self._run = run
        self._weighed = weighed
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, name="fetchlab-bench-watch", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        self._note()

    def _note(self) -> None:
        posts: Any = self._run.notes["posts"]
        self.seen.append((time.perf_counter(), dict(posts)))

    def _look(self) -> None:
        looks = 0
        while not self._over.wait(LOOK):
            self._note()
            looks += 1
            if self._weighed is not None and looks % 10 == 0:
                self.memory = max(self.memory, self._weighed.stats().memory)
