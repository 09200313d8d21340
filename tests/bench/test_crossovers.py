"""Where one strategy becomes the faster one: measured at several values, and interpolated rightly."""

from __future__ import annotations

import polars as pl
import pytest

import fetchlab as fl
from fetchlab.bench import crossovers, six
from fetchlab.bench.crossovers import QUESTIONS, ask, crossing
from fetchlab.errors import ConfigError


def rows(*ratios, varied="x"):
    values = [(varied, float(value), "A", "B", ratio, 0.0, 9.0, "slower") for value, ratio in ratios]
    return pl.DataFrame(values, QUESTIONS, orient="row")


def test_the_crossing_is_interpolated_on_logarithms():
    """From 4 times slower at 1 to 4 times faster at 100, the two are equal at 10."""
    assert crossing(rows((1, 4.0), (100, 0.25))) == pytest.approx(10.0)
    assert crossing(rows((1, 9.0), (10, 2.0), (100, 0.5), (1000, 0.1))) == pytest.approx(10**1.5)


def test_there_may_be_none():
    """One that is always better has no crossing, and must not be given one."""
    assert crossing(rows((1, 0.9), (10, 0.5))) is None
    assert crossing(rows((1, 2.0), (10, 1.5))) is None
    with pytest.raises(ConfigError, match="rows"):
        crossing(pl.concat([rows((1, 2.0)), rows((1, 2.0), varied="y")]))


def test_a_question_is_asked_at_every_value(bed, echo):
    """Two strategies at each value, as a comparison with its interval."""
    found = ask(
        "requests",
        lambda count: [f"{echo}/delay/0.005?n={number}" for number in range(int(count))],
        (2, 8),
        lambda _: (fl.Sequential(), fl.Async(8)),
        rounds=2,
    )
    assert found.schema == QUESTIONS
    assert found["value"].to_list() == [2.0, 8.0]
    assert found["ratio"][1] < 1


@pytest.mark.parametrize(
    "only", [pytest.param(None, marks=pytest.mark.slow), ["requests", "spread of service times"]]
)
def test_the_questions_of_the_table(bed, only):
    """All four run; what they say depends on the machine."""
    found = crossovers.questions(bed, items=4, rounds=2, only=only)
    assert found["varied"].n_unique() == (4 if only is None else 2)
    assert found["ratio"].null_count() == 0


def test_service_times_have_the_spread_that_is_asked_for():
    """With another mean, more spread would mean more work, and the question would be another one."""
    times = pl.Series(crossovers._lognormal(1000, 0.02, 0.5))
    assert times.mean() == pytest.approx(0.02, rel=0.02)
    assert times.log().std() == pytest.approx(0.5, rel=0.02)


def test_the_six_stand_beside_their_published_speedups(bed, echo):
    """A reader wants to see the claim and the measurement in one row, and what was possible at all."""
    urls = [f"{echo}/delay/0.05?n={number}" for number in range(six.REQUESTS)]
    found = six.beside(fl.compare(urls, six.SIX, rounds=2, check=len))
    assert found["arm"].to_list() == list(six.SIX)
    assert found["published"].to_list() == [1.0, 3.88, 4.12, 4.15, 7.43, 7.68]
    assert found["measured"][0] == found["ideal"][0] == 1
    assert (found["ideal"][1:] > 1).all()
    assert (found["efficiency"] <= 1.25).all(), "no arm beats what was possible"
    assert found.filter(arm="Batch-5chunk")["ideal"].item() == pytest.approx(5, rel=0.25)
