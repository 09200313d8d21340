"""Ordering jobs, so that none is paid for twice although answers get lost and processes are killed."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

from fetchlab import errors
from fetchlab.engine.parking import Postponed
from fetchlab.policy.hints import clock_ahead
from fetchlab.studies.storyboard.accounts import later
from fetchlab.studies.storyboard.backends import Lists
from fetchlab.studies.storyboard.orders import Ticket

if TYPE_CHECKING:
    from fetchlab.engine.work import Work
    from fetchlab.studies.storyboard.accounts import Accounts
    from fetchlab.studies.storyboard.backends import Backend
    from fetchlab.studies.storyboard.keys import Seat
    from fetchlab.studies.storyboard.lost import Lost
    from fetchlab.studies.storyboard.orders import Order

__all__ = ["Ordering"]

SOON = 0.05
"""Seconds until somebody looks again whether an equal order, or a list, has been answered."""
UNLISTED = frozenset({404, 405, 501})
UNWANTED = 503
"""Says that a request was not taken, where there is no list to be sure."""

log = logging.getLogger("fetchlab.storyboard")


class Ordering:
    """Orders jobs.

    Args:
        backend: the service.
        accounts: its accounts on the wire.
        lost: jobs that may be adopted.
        resumed: an earlier session may have ordered what it could not write down.

    Attributes:
        adopted: jobs that were found at the service.
    """

    def __init__(self, backend: Backend, accounts: Accounts, lost: Lost, *, resumed: bool) -> None:
        self.adopted = 0
        self._backend = backend
        self._accounts = accounts
        self._lost = lost
        self._doubtful = list(accounts.ring.seats) if resumed and isinstance(backend, Lists) else []
        self._listing = False
        self._ordering: set[tuple[str, str, str]] = set()

    async def order(self, work: Work, order: Order) -> Ticket:
        """Make one attempt: adopt the job if the order stands already, else order it.

        Raises:
            Postponed: an equal order is under way, or an account has to rest.
            StudyError: it may have been ordered, and there is no way to find out.
        """
        if order.what in self._ordering or self._listing:  # equal orders could not be told apart
            raise Postponed(later(SOON))
        self._ordering.add(order.what)
        try:
            await self._look_for_lost(work)
            found = self._lost.take(order)
            if found is not None:
                self.adopted += 1
                job, seat = found
                return Ticket(job.job, order.mark, seat.owner, seat.name, job.created, adopted=True)
            return await self._submit(work, order)
        finally:
            self._ordering.discard(order.what)

    async def _look_for_lost(self, work: Work) -> None:
        """Have every account listed that may have a job nobody knows of."""
        while self._doubtful:
            seat = self._accounts.own(self._doubtful[-1])
            self._doubtful.remove(seat)  # now: another answer may be lost while this goes on
            self._listing = True
            try:
                await self._list(work, seat)
            except BaseException:
                self._doubtful.append(seat)
                raise
            finally:
                self._listing = False

    async def _list(self, work: Work, seat: Seat) -> None:
        backend, after = self._backend, None
        assert isinstance(backend, Lists)  # for the type checker
        try:
            while True:
                response = await self._accounts.send(work, seat, backend.page(after))
                jobs, after = backend.listed(response)
                ahead = clock_ahead(response.headers, time.time())
                if not self._lost.saw(jobs, seat, ahead) or after is None:
                    return
                self._accounts.ring.use(seat, time.perf_counter())
        except errors.Retriable:
            if seat.retired is None:
                raise
        except errors.StatusError as error:
            if error.status not in UNLISTED:
                raise
            log.warning(
                "%s: the service lists no jobs; an order whose answer is lost may be paid twice", seat.name
            )

    async def _submit(self, work: Work, order: Order) -> Ticket:
        seat = self._accounts.any()
        submitted = time.time()
        try:
            response = await self._accounts.send(work, seat, self._backend.order(order))
            state = self._backend.state(response)
        except BaseException as error:
            if _may_stand(error):
                self._doubt(seat, error)
            raise
        self._lost.claimed.add(state.job)
        return Ticket(state.job, order.mark, seat.owner, seat.name, submitted)

    def _doubt(self, seat: Seat, error: BaseException) -> None:
        """The order may have been taken although its answer did not come.

        Raises:
            StudyError: there is no way to find out, and ordering again could pay twice.
        """
        if isinstance(self._backend, Lists):
            if seat not in self._doubtful:
                self._doubtful.append(seat)
        elif isinstance(error, errors.FetchlabError) and getattr(error, "status", None) != UNWANTED:
            raise errors.StudyError(f"{error}; it may have been ordered: no further order is made") from error


def _may_stand(error: BaseException) -> bool:
    """Say whether an order may have been taken that ended so."""
    if isinstance(error, errors.StatusError):
        return error.status >= 500
    if isinstance(error, errors.Retriable | errors.ConnectFailed):
        return False
    return not isinstance(error, Postponed)
