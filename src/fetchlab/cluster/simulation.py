"""A plan on paper, played through: every chunk, node by node, with what a formula leaves out.

A discrete-event simulation of the closed network that :mod:`~fetchlab.cluster.capacity` bounds. Chunks are
sized and handed out as the strategy does it; nodes differ, vary, and are lost; scheduler, links and the
client serve one after the other, in order of arrival.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from heapq import heappop, heappush
from random import Random
from typing import TYPE_CHECKING

import polars as pl

from fetchlab.errors import ConfigError

if TYPE_CHECKING:
    from fetchlab.cluster.capacity import Plan

__all__ = ["Simulated", "beside", "simulate"]

MOST_TASKS = 3_000_000
"""Chunks that are played through at most; that takes some twenty seconds."""
EVEN = 1e-3
"""Of a spread: below it nothing is drawn."""
THERE, MADE, BACK, LOST, HERE = range(5)


@dataclass(frozen=True, slots=True)
class Simulated:
    """What a simulation saw.

    Attributes:
        seconds: from the first chunk's leaving to the last one's return.
        items: that came back.
        tasks: that the scheduler saw, those made again among them.
        again: chunks that were made again, since their node was lost.
        losses: of nodes.
        busy: the share of the time that each station was busy, by its name.
        most_under_way: items, at any moment.
    """

    seconds: float
    items: int
    tasks: int
    again: int
    losses: int
    busy: dict[str, float]
    most_under_way: int

    @property
    def hours(self) -> float:
        """The same in hours."""
        return self.seconds / 3600

    @property
    def busiest(self) -> str:
        """The station that was busy for most of the time."""
        return max(self.busy, key=lambda what: self.busy[what])


def simulate(plan: Plan, seed: int = 0) -> Simulated:
    """Return what became of a plan, played through once.

    A chunk of *k* items keeps a node busy for a gamma-distributed time, as a sum of *k* independent service
    times of the measured mean and spread is. Nodes are lost after exponential times; whatever they had is
    made again. The first nodes are the stragglers.

    Args:
        plan: the plan.
        seed: of the drawing.

    Raises:
        ConfigError: there are more tasks than can be played through.
    """
    if plan.tasks > MOST_TASKS:
        raise ConfigError(
            "items",
            f"make {plan.tasks:,} chunks, more than {MOST_TASKS:,}: simulate fewer items or longer chunks",
        )
    return _Simulation(plan, Random(seed)).run()  # noqa: S311  # a simulation


def beside(plan: Plan, simulated: Simulated) -> pl.DataFrame:
    """Return the formula's figures beside the simulation's.

    Columns: ``quantity str, formula f64, simulated f64, ratio f64?`` (simulated / formula). First time, items
    a second and tasks, then each station's share of busy time.
    """
    formula = {limit.what: plan.items / limit.per_s / plan.seconds for limit in plan.bounds}
    rows = [
        ("hours", plan.hours, simulated.hours),
        ("items a second", plan.items / plan.seconds, simulated.items / simulated.seconds),
        ("tasks", float(plan.tasks), float(simulated.tasks)),
        *(
            (f"busy: {what}", formula[what], share)
            for what, share in simulated.busy.items()
            if what in formula
        ),
    ]
    return pl.DataFrame(rows, ["quantity", "formula", "simulated"], orient="row").with_columns(
        ratio=pl.when(pl.col("formula") > 0).then(pl.col("simulated") / pl.col("formula"))
    )


class _Queue:
    """A station that serves one after the other, in order of arrival."""

    __slots__ = ("busy", "free")

    def __init__(self) -> None:
        self.free = 0.0
        self.busy = 0.0

    def serve(self, now: float, seconds: float) -> float:
        """Return when it will have served who arrives now."""
        self.busy += seconds
        self.free = max(self.free, now) + seconds
        return self.free


class _Node:
    """A node: its speed, what it was given, and until when it works on that."""

    __slots__ = ("chunks", "free", "lost", "out", "per_s")

    def __init__(self, per_s: float) -> None:
        self.per_s = per_s
        self.free = 0.0
        self.out = 0  # chunks that have not come back to the client
        self.chunks: dict[int, int] = {}  # those that are not made yet: number to items
        self.lost = False


class _Simulation:
    """One run of it."""

    def __init__(self, plan: Plan, random: Random) -> None:
        cluster = plan.cluster
        self.plan = plan
        self.random = random
        self.left = plan.items
        self.under_way = self.most_under_way = self.came = 0
        self.tasks = self.again = self.losses = self.seen = 0
        self.worked = 0.0
        self.events: list[tuple[float, int, int, int, int]] = []
        self.orphans: deque[int] = deque()  # items of chunks that are to be made again
        slow = plan.node_per_s / cluster.slow_factor
        self.nodes = [
            _Node(slow if number < cluster.slow else plan.node_per_s) for number in range(cluster.nodes)
        ]
        self.scheduler, self.hosts = _Queue(), _Queue()
        self.scheduler_link, self.client_link, self.client = _Queue(), _Queue(), _Queue()
        for number in range(cluster.nodes):
            self._fails_after(0.0, number)

    def run(self) -> Simulated:
        now = 0.0
        for _ in range(self.plan.chunks_each):
            for number in range(len(self.nodes)):
                self._send(now, number)
        while self.under_way:
            now, _, kind, number, chunk = heappop(self.events)
            node = self.nodes[number]
            if kind == MADE:
                self._made(now, node, number, chunk)
            elif kind == BACK:
                self.under_way -= chunk
                self.came += chunk
                node.out -= 1
                self._fill(now, number)
            elif kind == THERE:
                self._begin(now, node, number, chunk)
            elif kind == LOST:
                self._lose(now, node, number)
            else:
                self._return(now, node, number)
        return self._told(now)

    def _send(self, now: float, number: int) -> None:
        """Give a node a chunk, if there is one."""
        plan, node = self.plan, self.nodes[number]
        if self.orphans:
            items = self.orphans.popleft()
        elif self.left:
            items = plan.sizing.items(plan.service.workers, left=self.left, machines=len(self.nodes))
            items = min(items, plan.chunk_items, self.left)
            self.left -= items
            self.under_way += items
            self.most_under_way = max(self.most_under_way, self.under_way)
        else:
            return
        self.tasks += 1
        node.out += 1
        node.chunks[self.tasks] = items
        self._at(self.scheduler.serve(now, plan.cluster.task_seconds), THERE, number, self.tasks)

    def _fill(self, now: float, number: int) -> None:
        node = self.nodes[number]
        while not node.lost and node.out < self.plan.chunks_each and (self.left or self.orphans):
            self._send(now, number)

    def _begin(self, now: float, node: _Node, number: int, chunk: int) -> None:
        """A chunk has come to its node."""
        if node.lost or chunk not in node.chunks:
            return
        items = node.chunks[chunk]
        seconds = self._drawn(items) / node.per_s
        node.free = max(node.free, now) + seconds
        done = node.free
        if self.plan.host_per_s:
            allowed = self.hosts.serve(now, items / self.plan.host_per_s)
            done = max(done, allowed + self.plan.service.seconds)
        self.worked += seconds
        self._at(done, MADE, number, chunk)

    def _made(self, now: float, node: _Node, number: int, chunk: int) -> None:
        """A chunk is made: its part goes through the scheduler to the client."""
        if node.lost or chunk not in node.chunks:
            return
        items = node.chunks.pop(chunk)
        cluster, size = self.plan.cluster, items * self.plan.value_bytes
        sent = self.scheduler_link.serve(now, size / cluster.scheduler_bytes_per_s)
        here = self.client_link.serve(sent, size / cluster.client_bytes_per_s)
        told = self.client.serve(here, items * cluster.client_seconds / cluster.client_cores)
        self._at(told, BACK, number, items)

    def _lose(self, now: float, node: _Node, number: int) -> None:
        """A node is lost, with all that it was given."""
        self.losses += 1
        node.lost = True
        self._at(now + self.plan.cluster.lost_seconds, HERE, number, 0)

    def _return(self, now: float, node: _Node, number: int) -> None:
        """The loss is noticed: others get the chunks, and another node is there."""
        node.lost = False
        node.free = now
        self.again += len(node.chunks)
        node.out -= len(node.chunks)
        self.orphans.extend(node.chunks.values())
        node.chunks = {}
        self._fails_after(now, number)
        for other in range(len(self.nodes)):
            self._fill(now, other)

    def _drawn(self, items: int) -> float:
        """So many items, by how long they take."""
        spread = self.plan.service.variation
        if spread < EVEN:
            return float(items)
        return self.random.gammavariate(items / spread**2, spread**2)

    def _fails_after(self, now: float, number: int) -> None:
        per_hour = self.plan.cluster.losses
        if per_hour:
            self._at(now + self.random.expovariate(per_hour / 3600), LOST, number, 0)

    def _at(self, when: float, kind: int, number: int, chunk: int) -> None:
        self.seen += 1
        heappush(self.events, (when, self.seen, kind, number, chunk))

    def _told(self, seconds: float) -> Simulated:
        nodes = len(self.nodes)
        shares = {
            "the workers": self.worked / nodes,
            "the scheduler": self.scheduler.busy,
            "the scheduler's link": self.scheduler_link.busy,
            "the client's link": self.client_link.busy,
            "the client's core": self.client.busy,
            "the hosts' limit": self.hosts.busy,
        }
        busy = {what: spent / seconds for what, spent in shares.items()}
        return Simulated(seconds, self.came, self.tasks, self.again, self.losses, busy, self.most_under_way)
