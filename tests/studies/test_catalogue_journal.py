"""The catalogue with a journal: ids and details that go on where they were stopped."""

from __future__ import annotations

import pytest

import fetchlab as fl
from fetchlab.errors import JournalError
from fetchlab.studies.catalogue import Catalogue


@pytest.fixture
def catalogue(bed):
    return Catalogue(bed.urls["catalogue"], retry=fl.Retry(attempts=2, base=0.01))


def test_ids_and_details_share_a_journal_and_ask_for_nothing_twice(bed, catalogue, tmp_path):
    """The product of a resumed run must be the whole product."""
    path = tmp_path / "catalogue.db"
    ids = catalogue.ids(4, journal=path).result()
    again = catalogue.ids(4, journal=path)
    assert again.result() == ids
    assert again.stats().earlier == 4
    assert again.notes["missing"] == 0
    assert bed.counters("catalogue")["requests"] == 4
    more = catalogue.ids(6, journal=path)
    assert len(more.result()) == 300
    assert bed.counters("catalogue")["requests"] == 6
    table = catalogue.details(ids[:50], journal=path).result()
    rest = catalogue.details(ids, journal=path)
    assert rest.result()["id"].to_list() == ids
    assert rest.result().filter(rest.result()["id"].is_in(table["id"].implode())).equals(table)
    assert rest.stats().earlier == 50
    assert bed.counters("catalogue")["requests"] == 6 + 200
    with fl.Journal.open(path) as journal:
        keys = journal.frame()["key"].to_list()
    assert {"page/1", "page/6", f"movie/{ids[0]}"} <= set(keys)


def test_other_details_of_the_same_movie_are_another_item(catalogue, tmp_path):
    """A table with cast would be made of answers without."""
    path = tmp_path / "catalogue.db"
    ids = catalogue.ids(1, journal=path).result()[:5]
    catalogue.details(ids, journal=path).wait()
    bare = catalogue.details(ids, with_cast=False, journal=path).wait()
    assert bare.stats().earlier == 0


def test_pages_that_failed_are_asked_for_again(bed, catalogue, tmp_path):
    """A gap in the list would stay for ever."""
    path = tmp_path / "catalogue.db"
    bed.configure("catalogue", error_rate={500: 0.35})
    hasty = Catalogue(bed.urls["catalogue"], retry=fl.Retry(attempts=2, base=0.01))
    first = hasty.ids(30, journal=path).wait()
    assert first.stats().failed > 0
    bed.configure(profile="flat")
    again = catalogue.ids(30, journal=path)
    assert len(again.result()) == 1500
    assert again.stats().earlier == sum(result.ok for result in first.results() if result.item.reading == 1)


def test_another_services_journal_is_refused(bed, catalogue, tmp_path):
    """Its page 17 would be taken for this one's."""
    path = tmp_path / "catalogue.db"
    catalogue.ids(1, journal=path).wait()
    other = Catalogue(bed.urls["catalogue"].replace("127.0.0.1", "localhost"))
    with pytest.raises(JournalError, match=r"this journal is of http://127.* give another file"):
        other.ids(1, journal=path)
    assert catalogue.ids(1, journal=path).wait().stats().earlier == 1
