"""The one thread that speaks with a server: all that waits when it is free goes in one trip.

Nobody else sends anything, so that an engine's loop never waits for a server. Orders are done in the order
they come; while one trip is under way the next one's fill. A server that is gone ends all that waits at once,
and is looked for now and then while somebody asks for it.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from fetchlab.store.shared_trouble import client_module
from fetchlab.store.shared_words import PROBE, SCRIPTS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from fetchlab.store.shared_address import Address
    from fetchlab.store.shared_words import Command

__all__ = ["Wire"]

CONNECT_SECONDS = 2.0
ANSWER_SECONDS = 5.0
IDLE_SECONDS = 30.0
"""A connection that was not used for so long is tried before it is used."""
RETRY_SECONDS = 1.0
"""Between two looks for a server that is gone."""
TRIP_COMMANDS = 2_000
TRIP_BYTES = 8_000_000
CLOCK_SECONDS = 60.0
SAME_CLOCK = 0.1
"""Clocks that differ by less are taken for one: the way to the server is part of what is seen."""

Done: TypeAlias = "Callable[[list[Any] | None], object]"
"""Given the answers, exceptions among them, or None where there are none; on the wire's thread."""
log = logging.getLogger("fetchlab.cache")


class _Order(NamedTuple):
    commands: Sequence[Command]
    done: Done | None
    bytes: int


class Wire:
    """Says commands to a server; safe from any thread.

    Args:
        address: where it is.
        on_down: told of the error when the server is gone, on the wire's thread.
        on_up: told when it is back.
        tend: called before every trip; may give orders.
        due: when :meth:`tend` is to be called without other orders, infinity for never; monotonic seconds.

    Attributes:
        up: False while the server is gone.
        parting: True at the end, when nobody is to be told any more that the server is gone.
        ahead: seconds by which the server's clock is ahead of ours.
    """

    def __init__(
        self,
        address: Address,
        *,
        on_down: Callable[[Exception], object],
        on_up: Callable[[], object],
        tend: Callable[[], object],
        due: Callable[[], float],
    ) -> None:
        self.up = True
        self.parting = False
        self.ahead = 0.0
        self._address = address
        self._on_down = on_down
        self._on_up = on_up
        self._tend = tend
        self._due = due
        self._redis = client_module()
        self._client: Any = None
        self._scripts: dict[str, str] = {}
        self._clock_read = 0.0
        self._wanted = threading.Condition()  # guards all below
        self._orders: deque[_Order] = deque()
        self._waiting = 0  # bytes of those
        self._missed = False  # somebody asked while the server was gone
        self._closing = False
        self._thread: threading.Thread | None = None

    @property
    def connected(self) -> bool:
        """True if there is a connection, which may be broken."""
        return self._client is not None

    @property
    def waiting(self) -> int:
        """Bytes that are not sent yet."""
        return self._waiting

    @property
    def wanted(self) -> bool:
        """Whether the server is there; who asks this would like to use it, so that it is looked for."""
        if not self.up and not self._missed:
            with self._wanted:
                self._missed = True
                self._start()
                self._wanted.notify()
        return self.up

    def open(self) -> None:
        """Connect; on the caller's thread, and again on the wire's after a trouble.

        Raises:
            redis.RedisError: the server does not answer, or does not want us.
        """
        redis = self._redis
        client = redis.Redis.from_url(
            self._address.url,
            **self._address.options,
            socket_connect_timeout=CONNECT_SECONDS,
            socket_timeout=ANSWER_SECONDS,
            health_check_interval=IDLE_SECONDS,
            retry=redis.retry.Retry(redis.backoff.NoBackoff(), 1, supported_errors=(redis.ConnectionError,)),
            protocol=2,
            decode_responses=False,
            client_name="fetchlab",
        )
        try:
            client.exists(PROBE)
            self._read_clock(client)
            self._scripts = {name: client.script_load(text) for name, text in SCRIPTS.items()}
        except BaseException:
            client.close()
            raise
        self._client, old = client, self._client
        if old is not None:
            old.close()

    def call(self, commands: Sequence[Command], done: Done | None = None, size: int = 0) -> bool:
        """Say commands on the next trip that has room; say whether they were taken.

        Args:
            commands: said in this order, and all on one trip.
            done: given their answers; None at once if the server is gone.
            size: bytes that they take, about.
        """
        with self._wanted:
            if taken := self.up:
                self._orders.append(_Order(commands, done, size))
                self._waiting += size
            else:
                self._missed = True
            self._start()
            self._wanted.notify()
        if not taken and done is not None:
            done(None)
        return taken

    def wake(self) -> None:
        """Ask anew when there is something to tend."""
        with self._wanted:
            self._start()
            self._wanted.notify()

    def close(self, timeout: float | None = None) -> None:
        """Disconnect and end the thread, when parting after all that waits; who needs it starts it again."""
        with self._wanted:
            self._closing = True
            thread, self._thread = self._thread, None
            self._wanted.notify()
        if thread is not None and thread is not threading.current_thread():
            thread.join(timeout)
        with self._wanted:
            self._closing = False
            if self._orders or self._due() < math.inf:  # others go on with it
                self._start()

    def _start(self) -> None:
        if self._thread is None and not self._closing:
            self._thread = threading.Thread(target=self._serve, name="fetchlab-shared", daemon=True)
            self._thread.start()

    def _serve(self) -> None:
        while self._wait():
            if self.up:
                self._trip()
            else:
                self._look()
        self._shut()

    def _wait(self) -> bool:
        """Wait for an order, for something to tend, or for the next look; say whether there is one."""
        with self._wanted:
            since = time.monotonic()
            while True:
                if self._thread is not threading.current_thread():
                    return self.parting and bool(self._orders)
                if self._orders:
                    break
                look = since + RETRY_SECONDS if self._missed else math.inf
                left = (self._due() if self.up else look) - time.monotonic()
                if left <= 0:
                    break
                self._wanted.wait(None if left == math.inf else left)
        return True

    def _trip(self) -> None:
        self._tend()
        orders = self._next()
        try:
            if self._client is None:
                self.open()
            answers = iter(self._said([command for order in orders for command in order.commands]))
        except Exception as error:
            self._lost(error, orders)
            return
        for order in orders:
            _tell(order, [next(answers) for _ in order.commands])

    def _next(self) -> list[_Order]:
        with self._wanted:
            orders: list[_Order] = []
            count = size = 0
            while self._orders and (not orders or (count < TRIP_COMMANDS and size < TRIP_BYTES)):
                order = self._orders.popleft()
                orders.append(order)
                count += len(order.commands)
                size += order.bytes
            self._waiting -= size
        return orders

    def _said(self, commands: list[Command]) -> list[Any]:
        """Return a server's answers; of a server that has forgotten our scripts they are loaded again."""
        if not commands:
            return []
        client = self._client
        if time.monotonic() > self._clock_read + CLOCK_SECONDS:
            self._read_clock(client)
        answers = self._pipelined(commands)
        forgotten = self._redis.exceptions.NoScriptError
        again = [place for place, one in enumerate(answers) if isinstance(one, forgotten)]
        if again:
            self._scripts = {name: client.script_load(text) for name, text in SCRIPTS.items()}
            for place, one in zip(again, self._pipelined([commands[place] for place in again]), strict=True):
                answers[place] = one
        for one in answers:
            if isinstance(one, self._redis.ConnectionError):  # it is loading its data, say
                raise one
        return answers

    def _pipelined(self, commands: list[Command]) -> list[Any]:
        pipe = self._client.pipeline(transaction=False)
        for command in commands:
            sha = self._scripts.get(command[0])
            pipe.execute_command(*(command if sha is None else ("EVALSHA", sha, *command[1:])))
        answers: list[Any] = pipe.execute(raise_on_error=False)
        return answers

    def _read_clock(self, client: Any) -> None:
        began = time.time()
        seconds, micros = client.time()
        ahead = seconds + micros / 1e6 - (began + time.time()) / 2
        self.ahead = ahead if abs(ahead) > SAME_CLOCK else 0.0
        self._clock_read = time.monotonic()

    def _lost(self, error: Exception, orders: list[_Order]) -> None:
        """The server is gone: nobody waits for it any more."""
        self._shut()
        with self._wanted:
            self.up = False
            self._missed = True
            orders += self._orders
            self._orders.clear()
            self._waiting = 0
        if not self.parting:
            self._on_down(error)
        for order in orders:
            _tell(order, None)

    def _look(self) -> None:
        """Look whether the server is back."""
        self._missed = False
        try:
            self.open()
        except Exception:  # it was told when it went
            return
        self.up = True
        self._on_up()

    def _shut(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            with suppress(Exception):
                client.close()


def _tell(order: _Order, answers: list[Any] | None) -> None:
    if order.done is None:
        return
    try:
        order.done(answers)
    except Exception:
        log.exception("what a shared tier answered was not taken")
