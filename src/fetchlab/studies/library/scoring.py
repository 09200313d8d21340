"""How well a film or show fits what a name says, and how sure that is.

The score is that of the title times that of the year. The confidence is the score, less where another one
fits as well: then only how well known they are speaks for the first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from fetchlab.studies.library.titles import alike, folded

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from fetchlab.studies.library.wire import Candidate

__all__ = ["Scored", "ranked", "year_fits"]

CLOSE = 0.05
"""Scores that are no further apart say nothing about which is the right one."""


class Scored(NamedTuple):
    """A candidate, how well it fits, and how sure it is to be meant; both from 0 to 1."""

    candidate: Candidate
    score: float
    confidence: float


def year_fits(wanted: int | None, found: int | None) -> float:
    """Return how well two years agree: films reach other countries a year later, and names err.

    A name without a year, or a film whose year nobody knows, says a little less than one that agrees.
    """
    if wanted is None:
        return 0.95
    if found is None:
        return 0.85
    apart = abs(wanted - found)
    return (1.0, 0.9, 0.7)[apart] if apart < 3 else 0.4


def ranked(
    titles: Sequence[tuple[str, float]], year: int | None, candidates: Iterable[Candidate]
) -> list[Scored]:
    """Return the candidates that could be meant, the likeliest first.

    Args:
        titles: what the name may mean, folded, each with what it counts, from 0 to 1.
        year: None if the name does not say it.
        candidates: what searches found, in any order; repeated ones count once.
    """
    scores = {
        one: max(
            counts * max(alike(title, folded(one.title)), alike(title, folded(one.original)))
            for title, counts in titles
        )
        * year_fits(year, one.year)
        for one in candidates
    }
    order = sorted(scores, key=lambda one: (-round(scores[one], 6), -one.popularity, one.id))
    return [
        Scored(one, scores[one], _confidence(one, place, order, scores)) for place, one in enumerate(order)
    ]


def _confidence(one: Candidate, place: int, order: list[Candidate], scores: dict[Candidate, float]) -> float:
    """The score, halved towards one's share of all that is known where others fit as well."""
    rivals = [other for other in order if other.id != one.id and scores[other] >= scores[one] - CLOSE]
    if not rivals:
        return scores[one]
    best = max(rival.popularity for rival in rivals)
    share = one.popularity / (one.popularity + best) if one.popularity + best else 0.5
    return scores[one] * (0.5 + 0.5 * share) if place == 0 else scores[one] * 0.5 * share
