"""Which pages are read: a simulated list that changes and fails, and the decisions alone, without I/O."""

from __future__ import annotations

import math
from itertools import count
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fetchlab.studies.catalogue.paging import PageRead, Paging


class Service:
    """A list, newest first, that can change between two answers and fail for some pages."""

    def __init__(self, size, limit):
        self.movies = list(range(size, 0, -1))
        self.limit = limit
        self.fresh = size + 1

    def change(self, kind, place):
        if kind == "insert":
            self.movies.insert(0, self.fresh)
            self.fresh += 1
        elif self.movies:
            movie = self.movies.pop(place % len(self.movies))
            if kind == "upload again":
                self.movies.insert(0, movie)

    def page(self, number):
        return len(self.movies), self.movies[(number - 1) * self.limit : number * self.limit]


def inside(paging, reads):
    assert all(1 <= read.page <= paging.pages for read in reads), "pages outside the list are asked for"
    return list(reads)


def read_all(paging, service, *, workers=1, random=None, changes=(), fails=lambda _read: False, most=10_000):
    """Read as the engine does: many at a time, answers in any order, changes between any two answers."""
    random = random or Random(0)
    changes = iter(changes)
    asked, queue = [], list(paging.first())
    while queue:
        while queue:
            reads = [queue.pop(0) for _ in range(min(workers, len(queue)))]
            answers = []
            for read in reads:
                assert len(asked) < most, "it goes on and on"
                asked.append(read)
                if not fails(read):
                    answers.append((read, *service.page(read.page)))
                change = next(changes, None)
                if change is not None:
                    service.change(*change)
            random.shuffle(answers)
            for answer in answers:
                queue.extend(inside(paging, paging.saw(*answer)))
        queue = inside(paging, paging.next_round())
    return asked


kinds = st.sampled_from(["upload again", "insert", "remove"])
changing = st.lists(st.one_of(st.none(), st.tuples(kinds, st.integers(0, 200))), max_size=25)
growing = st.lists(
    st.one_of(st.none(), st.tuples(st.sampled_from(["upload again", "insert"]), st.integers(0, 200))),
    max_size=25,
)


@given(st.integers(0, 60), st.integers(1, 7), st.integers(1, 9), st.randoms(use_true_random=False))
def test_a_still_list_is_read_once(size, limit, workers, random):
    """Reading a page twice without need would double the load on somebody else's server."""
    paging, service = Paging(limit), Service(size, limit)
    asked = read_all(paging, service, workers=workers, random=random)
    assert sorted(read.page for read in asked) == list(range(1, max(1, math.ceil(size / limit)) + 1))
    assert sorted(paging.ids) == sorted(service.movies)
    notes = paging.notes()
    assert (notes["movies"], notes["ids"], notes["missing"], notes["reread"]) == (size, size, 0, 0)
    assert not any(notes[name] for name in ("seen_twice", "mended", "gone", "failed_pages", "unsettled"))


def test_the_published_list_takes_1413_reads():
    """Any other number would make the published times and ours incomparable."""
    paging, service = Paging(50), Service(70_613, 50)
    asked = read_all(paging, service, workers=20)
    assert len(asked) == len({read.key for read in asked}) == 1413
    assert len(paging.ids) == 70_613


@given(st.integers(1, 60), st.integers(2, 6), st.integers(1, 9), changing, st.randoms(use_true_random=False))
@settings(max_examples=400)
def test_movies_that_stay_are_found_though_the_list_changes(size, limit, workers, changes, random):
    """A movie that slips from a page not yet read to one already read would be lost in silence."""
    paging, service = Paging(limit), Service(size, limit)
    reads = len(range(0, size, limit))
    changes = changes[: reads - 1]  # all of them before the last page of the first round is read
    asked = read_all(paging, service, workers=workers, random=random, changes=changes)
    staying = {movie for movie in service.movies if movie <= size}
    assert staying <= set(paging.ids)
    assert len({read.key for read in asked}) == len(asked)
    assert paging.notes()["missing"] == 0 or len(service.movies) > len(staying)


@given(st.integers(1, 60), st.integers(2, 6), st.integers(1, 9), growing, st.randoms(use_true_random=False))
@settings(max_examples=200)
def test_nothing_is_missing_when_nothing_is_removed(size, limit, workers, changes, random):
    """New uploads are movies too: those the service counted by its last answer must be among the ids."""
    paging, service = Paging(limit), Service(size, limit)
    changes = changes[: len(range(0, size, limit)) - 1]
    read_all(paging, service, workers=workers, random=random, changes=changes)
    assert set(service.movies) == set(paging.ids) or paging.movie_count < len(service.movies)
    assert paging.notes()["missing"] == 0
    assert paging.notes()["gone"] == 0


@given(
    st.integers(1, 60),
    st.integers(2, 6),
    st.integers(1, 9),
    st.integers(0, 2**32),
)
@settings(max_examples=50)
def test_a_list_that_never_rests_comes_to_an_end(size, limit, workers, seed):
    """Reading until all is well would be for ever where it never is."""
    paging, service, random = Paging(limit), Service(size, limit), Random(seed)
    kinds = ("upload again", "upload again", "insert", "remove")
    changes = ((random.choice(kinds), random.randrange(200)) for _ in count())
    asked = read_all(paging, service, workers=workers, random=random, changes=changes)
    assert len(asked) <= (1 + Paging.ROUNDS) * max(read.page for read in asked)


@given(
    st.integers(1, 60),
    st.integers(2, 6),
    st.integers(1, 9),
    st.sets(st.integers(1, 30), max_size=4),
    st.randoms(use_true_random=False),
)
def test_pages_that_fail_once_are_read_at_the_end(size, limit, workers, unlucky, random):
    """A page that was down for a minute would otherwise cost fifty movies."""
    paging, service = Paging(limit), Service(size, limit)
    asked = read_all(
        paging,
        service,
        workers=workers,
        random=random,
        fails=lambda read: read.page in unlucky and read.reading == 1,
    )
    pages = math.ceil(size / limit)
    assert len(asked) == pages + len({page for page in unlucky if page <= pages})
    assert sorted(paging.ids) == sorted(service.movies)
    assert paging.notes()["failed_pages"] == []


@given(
    st.integers(1, 60),
    st.integers(2, 6),
    st.sets(st.integers(2, 30), max_size=4),
    st.randoms(use_true_random=False),
)
def test_pages_that_fail_for_good_are_asked_for_twice_and_told_of(size, limit, broken, random):
    """One broken page must neither vanish from the report nor cause thousands of readings of the others."""
    paging, service = Paging(limit), Service(size, limit)
    asked = read_all(paging, service, workers=4, random=random, fails=lambda read: read.page in broken)
    pages = math.ceil(size / limit)
    broken = {page for page in broken if page <= pages}
    assert len(asked) == pages + len(broken)
    notes = paging.notes()
    assert notes["failed_pages"] == sorted(broken)
    assert notes["missing"] == size - len(paging.ids)
    assert not notes["unsettled"]


def test_a_first_page_that_fails_for_good_is_told_of():
    """Without the first page nothing is known, which must not look like an empty catalogue."""
    paging = Paging(50)
    asked = read_all(paging, Service(1000, 50), fails=lambda _read: True)
    assert asked == [PageRead(1, 1), PageRead(1, 2)]
    assert paging.notes()["failed_pages"] == [1]


def test_a_first_page_that_fails_once_starts_the_rest():
    """One refused request must not end the whole collection."""
    paging, service = Paging(50), Service(1000, 50)
    read_all(paging, service, fails=lambda read: read == PageRead(1, 1))
    assert len(paging.ids) == 1000
    assert paging.notes()["failed_pages"] == []


@given(st.integers(0, 60), st.integers(2, 6), st.integers(1, 8), changing, st.randoms(use_true_random=False))
def test_max_pages_bounds_what_is_asked_for(size, limit, most, changes, random):
    """Who asks for two pages must not cause requests for a third, whatever the list does."""
    paging, service = Paging(limit, max_pages=most), Service(size, limit)
    asked = read_all(paging, service, workers=3, random=random, changes=changes)
    assert max(read.page for read in asked) <= most
    if not changes:
        assert sorted(paging.ids) == sorted(service.movies[: most * limit])
        assert paging.notes()["missing"] == 0


def test_a_list_that_shrinks_is_not_read_past_its_end():
    """Pages that are no more would be asked for again and again, and reported as failed."""
    paging = Paging(10)
    reads = [*paging.first(), *paging.saw(PageRead(1, 1), 50, list(range(10)))]
    for read in reads[1:]:
        ids = list(range(10 * (read.page - 1), 10 * read.page)) if read.page <= 3 else []
        assert paging.saw(read, 30, ids) == []
    again = paging.next_round()
    assert [read.page for read in again] == [1, 2, 3]  # the count fell, so only a sweep can tell
    for read in again:
        paging.saw(read, 30, list(range(10 * (read.page - 1), 10 * read.page)))
    assert paging.next_round() == []
    assert paging.notes()["failed_pages"] == []
    assert paging.pages == 3


def test_a_list_that_grows_is_read_to_its_new_end():
    """Movies on pages that came into being during the reading would be lost."""
    paging = Paging(10)
    assert [read.page for read in paging.saw(PageRead(1, 1), 20, list(range(10)))] == [2]
    assert [read.page for read in paging.saw(PageRead(2, 1), 41, list(range(10, 20)))] == [3, 4, 5]


def test_a_count_that_grows_with_every_page_comes_to_an_end():
    """A service that always promises one more page would keep the reader for ever."""
    paging, queue, asked = Paging(10), [PageRead(1, 1)], 0
    while queue:
        read = queue.pop(0)
        asked += 1
        held = list(range(10)) if read.page == 1 else []
        queue += paging.saw(read, 10 * (read.page + 1), held)
        queue = queue or paging.next_round()
        assert asked < 100
    assert paging.notes()["missing"] > 0


@pytest.mark.parametrize("hidden", [1, 7, 40])
def test_movies_that_are_counted_and_never_listed_are_reported(hidden):
    """A service that counts what it does not list must neither be believed nor be read six times over."""

    class Hiding(Service):
        def page(self, number):
            counted, ids = super().page(number)
            return counted, [movie for movie in ids if movie > hidden]

    paging, service = Paging(10), Hiding(1000, 10)
    asked = read_all(paging, service, workers=5)
    assert paging.notes()["missing"] == hidden
    assert not paging.notes()["unsettled"]
    assert len(asked) < 3 * 100  # once, a few suspects, one sweep that brings nothing new


def test_one_upload_again_is_mended_cheaply():
    """One moved movie should cost a handful of readings, not the whole list again."""
    paging, service = Paging(50), Service(70_613, 50)
    changes = [None] * 700 + [("upload again", 60_000)]
    asked = read_all(paging, service, workers=20, changes=changes)
    assert sorted(paging.ids) == sorted(service.movies)
    notes = paging.notes()
    assert (notes["missing"], notes["mended"]) == (0, 1)
    assert 1413 < len(asked) <= 1413 + 1413 // 2 + 20


def test_what_has_left_the_list_is_counted():
    """Ids whose details will be refused need an explanation in the notes."""
    paging, service = Paging(5), Service(40, 5)
    read_all(paging, service, changes=[None, ("remove", 0), None, None])
    assert paging.notes()["gone"] == 1
    assert set(service.movies) <= set(paging.ids)
    assert paging.notes()["missing"] == 0
