"""The knobs that every bench's ``collect`` shares and hands on to :func:`~fetchlab.bench.rounds.measure`."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Measuring"]


class Measuring(TypedDict, total=False):
    """How often and in which order arms are measured.

    Attributes:
        rounds: measured rounds.
        seed: of the arms' order.
        on_round: called before each measurement with the round and the arm.
    """

    rounds: int
    seed: int
    on_round: Callable[[int, str], None]
