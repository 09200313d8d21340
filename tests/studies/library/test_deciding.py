"""What is asked about titles, and how answers are weighed; without a service."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fetchlab.studies.library.asking import Asked, Asking
from fetchlab.studies.library.scoring import ranked
from fetchlab.studies.library.titles import alike, folded
from fetchlab.studies.library.wire import Candidate, SeasonTold
from fetchlab.testbed.tmdb_search import folded as served

TEXT = st.text(st.characters(blacklist_categories=("Cs",)), max_size=40)


def film(number, title, year=2000, popularity=1.0, original=None):
    return Candidate(number, title, original or title, year, popularity)


# --- titles


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("The.Silent-Harbour", "the silent harbour"),
        ("Harbour & Tide", "Harbour and Tide"),
        ("Anna's Wolf", "Annas Wolf"),
        ("Été à São Paulo", "ete a sao paulo"),
        ("Wolf of Łukasz", "Wolf of Lukasz"),
        ("Grüße aus Köln", "grusse aus koln"),
    ],
)
def test_titles_that_are_the_same(one, other):
    """However somebody wrote it, it is one title and one request."""
    assert folded(one) == folded(other)


def test_other_scripts_keep_their_letters():
    """An accent there is a letter: without it the service finds nothing."""
    assert folded("दिल की सड़क") == "दिल की सड़क"
    assert folded("기억의 정원!") == "기억의 정원"


@given(TEXT)
def test_folding_is_final_and_the_service_agrees(text):
    """What is asked must be found under what it was asked by: the testbed folds by a rule of its own."""
    once = folded(text)
    assert folded(once) == once
    if text.isascii():
        assert served(text.replace("_", " ").replace("`", "")) == once


@given(TEXT, TEXT)
def test_likeness_is_a_share_and_the_same_both_ways(one, other):
    """Else the order of a search would decide."""
    one, other = folded(one), folded(other)
    assert 0 <= alike(one, other) <= 1
    assert (alike(one, other) == 1) == (one == other != "")


def test_a_title_that_goes_on_is_less_than_the_title_and_more_than_another():
    """A subtitle is often left out; another film's title is not."""
    assert 1 > alike("harbour", "harbour the beginning") > alike("harbour", "harbours")


# --- scores


def test_the_year_tells_remakes_apart():
    """The better known one is not the one that is meant."""
    found = ranked([("harbour", 1.0)], 1960, [film(1, "Harbour", 2010, 90.0), film(2, "Harbour", 1960, 1.0)])
    assert [one.candidate.id for one in found] == [2, 1]
    assert found[0].confidence == 1.0
    assert found[1].confidence < 0.5


def test_a_year_may_be_one_off():
    """Films reach other countries a year later."""
    (near,) = ranked([("harbour", 1.0)], 2001, [film(1, "Harbour", 2000)])
    (far,) = ranked([("harbour", 1.0)], 2009, [film(1, "Harbour", 2000)])
    assert near.confidence >= 0.8 > 0.5 > far.confidence


def test_of_two_that_fit_alike_the_better_known_is_meant_and_less_sure():
    """Nothing in a name tells them apart, so nobody may be sure."""
    twins = [film(1, "Harbour", popularity=1.0), film(2, "Harbour", popularity=9.0)]
    first, second = ranked([("harbour", 1.0)], 2000, twins)
    assert first.candidate.id == 2
    assert first.confidence == pytest.approx(0.95)
    assert second.confidence < 0.5
    even, _ = ranked([("harbour", 1.0)], 2000, [film(1, "Harbour"), film(2, "Harbour")])
    assert even.confidence == pytest.approx(0.75)


def test_a_title_in_its_own_language_is_as_good():
    """Files are named by either."""
    (one,) = ranked([("le fabuleux ete", 1.0)], 2000, [film(1, "The Summer", original="Le Fabuleux Été")])
    assert one.confidence == 1.0


CANDIDATES = st.lists(
    st.builds(film, st.integers(1, 50), TEXT, st.none() | st.integers(1900, 2030), st.floats(0, 500)),
    max_size=8,
    unique_by=lambda one: one.id,
)


@given(TEXT, st.none() | st.integers(1900, 2030), CANDIDATES)
def test_ranks_are_in_order_and_confidence_is_a_share(title, year, candidates):
    """A plan is made by comparing it with a threshold."""
    found = ranked([(folded(title), 1.0)], year, candidates)
    assert {one.candidate for one in found} == set(candidates)
    assert all(0 <= one.confidence <= one.score <= 1 for one in found)
    assert [one.score for one in found] == sorted((one.score for one in found), reverse=True)
    assert found == ranked([(folded(title), 1.0)], year, candidates[::-1])


# --- questions


def answered(asking, answers):
    """Ask all there is to ask; return the keys in order."""
    left, keys = list(asking.first()), []
    while left:
        asked = left.pop(0)
        keys.append(asked.key)
        answer = answers.get(asked.key, SeasonTold() if asked.what == "season" else [])
        left += asking.saw(asked, answer, cached=False)
    return keys


def test_one_search_serves_all_files_of_a_title():
    """However their names are written."""
    asking = Asking()
    wants = [asking.want("movie", title, 2014, None, None) for title in ("The Harbour", "the.harbour")]
    assert wants[0] is wants[1]
    assert answered(asking, {"movie/the harbour/2014": [film(1, "The Harbour", 2014)]}) == [
        "movie/the harbour/2014"
    ]
    assert asking.lookups == 2
    assert asking.counts == {"title": 1}


def test_one_call_serves_a_season():
    """Of a show with a hundred files only its seasons are asked for."""
    asking = Asking()
    for season in (1, 1, 2, 1):
        want = asking.want("tv", "Show", None, season, None)
    keys = answered(asking, {"tv/show/": [film(7, "Show")]})
    assert keys == ["tv/show/", "season/7/1", "season/7/2"]
    assert want.best.candidate.id == 7
    assert asking.counts == {"title": 1, "season": 2}


def test_seasons_ahead_are_counted_apart():
    """They are more than what files need."""
    asking = Asking(ahead=2)
    asking.want("tv", "Show", None, 1, None)
    assert answered(asking, {"tv/show/": [film(7, "Show")]})[1:] == ["season/7/1", "season/7/2", "season/7/3"]
    assert asking.counts == {"title": 1, "season": 1, "ahead": 2}


def test_a_search_in_vain_is_followed_by_one_without_the_year():
    """Names err by a year; the film is there all the same."""
    asking = Asking()
    want = asking.want("movie", "Harbour", 2014, None, None)
    assert answered(asking, {"movie/harbour/": [film(1, "Harbour", 2013)]}) == [
        "movie/harbour/2014",
        "movie/harbour/",
    ]
    assert want.best.candidate.id == 1
    assert asking.counts == {"title": 1, "fallback": 1}


def test_fallbacks_of_several_titles_are_asked_once():
    """Two remakes that are both in vain need the same search without a year."""
    asking = Asking()
    wants = [asking.want("movie", "Harbour", year, None, None) for year in (1990, 2014)]
    keys = answered(asking, {"movie/harbour/": [film(1, "Harbour", 1991), film(2, "Harbour", 2013)]})
    assert sorted(keys) == ["movie/harbour/", "movie/harbour/1990", "movie/harbour/2014"]
    assert [want.best.candidate.id for want in wants] == [1, 2]


def test_a_second_title_is_tried_with_the_first():
    """Guessit takes what follows a dash for another title; more often it is the rest of the first."""
    asking = Asking()
    want = asking.want("movie", "Naples", 1974, None, "The Lost Heart")
    found = [film(1, "Naples", 1974, 50.0), film(2, "Naples: The Lost Heart", 1974, 1.0)]
    assert answered(asking, {"movie/naples the lost heart/1974": found}) == [
        "movie/naples the lost heart/1974"
    ]
    assert want.best.candidate.id == 2


def test_fallbacks_end():
    """A title that nobody knows must not cost the service more than a handful of searches."""
    asking = Asking()
    want = asking.want("movie", "Nothing", 1974, None, "Like It")
    assert len(answered(asking, {})) <= 4
    assert want.settled
    assert want.best is None


def test_what_has_no_answer_is_told():
    """It is not the same as not found."""
    asking = Asking()
    want = asking.want("movie", "Harbour", 2014, None, None)
    (asked,) = asking.first()
    asking.failed(asked)
    assert want.failed
    asking.failed(Asked("season", show=1, season=1))
    assert asking.episodes(1, 1) is None
