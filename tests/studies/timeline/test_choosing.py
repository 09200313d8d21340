"""The cheapest source that carries what is wanted, and a reason that can be read."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fetchlab.errors import ConfigError
from fetchlab.studies.timeline.choosing import CARRIES, FIELDS, cheapest

from .truths import SHORT


@given(st.sets(st.sampled_from(FIELDS), min_size=1), st.sets(st.sampled_from(list(CARRIES))))
def test_what_is_chosen_carries_everything_and_nothing_cheaper_does(fields, there):
    """Cheap and incomplete is the seed's own mistake; complete and dear costs days."""
    able = [source for source in CARRIES if source in there and fields <= CARRIES[source]]
    if not able:
        with pytest.raises(ConfigError, match="fields"):
            cheapest(fields, there)
        return
    source, why = cheapest(fields, there)
    assert source == able[0]
    assert why.startswith(f"{source} is the cheapest")
    assert all(f"{other} " in why for other in list(CARRIES)[: list(CARRIES).index(source)])


def test_a_field_that_does_not_exist_is_refused():
    """A misspelled field would be carried by nobody, or by everybody."""
    for wrong in (["txt"], "text"):
        with pytest.raises(ConfigError, match="fields"):
            cheapest(wrong, CARRIES)


def test_auto_says_what_it_chose(timeline, truth):
    """Whoever reads the table must know what it can hold."""
    run = timeline.collect(truth.handle(SHORT), "auto", fields=["text", "history"], progress=False)
    assert run.wait().notes["collector"] == "rss"
    assert run.notes["why"] == ("rss is the cheapest that carries what is asked for; api carries no history")
    run = timeline.collect(truth.handle(SHORT), "auto", progress=False).wait()
    assert run.notes["collector"] == "api"
    assert run.result()["source"].unique().to_list() == ["api"]
    with pytest.raises(ConfigError, match="fields: are for"):
        timeline.collect("a", "rss", fields=["text"])
