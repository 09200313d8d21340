"""The new layout's names, and which sidecar belongs to which video."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fetchlab.policy.filenames import safe_name
from fetchlab.studies.library.layout import episode, film, spelt
from fetchlab.studies.library.placed import read_placed
from fetchlab.studies.library.sidecars import Tie, ties
from fetchlab.studies.library.titles import folded

TITLES = st.text(max_size=300)


# --- names


@pytest.mark.parametrize(
    ("marks", "stem"),
    [
        ({}, "The Harbour (2014) {tmdb-7}"),
        ({"screen": "1080p"}, "The Harbour (2014) {tmdb-7} - 1080p"),
        ({"edition": "Director's Cut"}, "The Harbour (2014) {tmdb-7} {edition-Director's Cut}"),
        ({"edition": "Extended", "screen": "720p"}, "The Harbour (2014) {tmdb-7} {edition-Extended} - 720p"),
        ({"part": 2, "screen": "720p"}, "The Harbour (2014) {tmdb-7} - pt2"),
    ],
)
def test_films(marks, stem):
    """Plex reads editions, versions and parts from these marks, and takes a film for two without them."""
    place = film("The Harbour", 2014, 7, **marks)
    assert place.folder == place.title_folder == "Movies/The Harbour (2014)"
    assert place.stem == stem


@pytest.mark.parametrize(
    ("season", "numbers", "title", "folder", "stem"),
    [
        (1, [2], "Home", "Season 01", "The Show (2014) - s01e02 - Home"),
        (1, [2], None, "Season 01", "The Show (2014) - s01e02"),
        (2, [3, 4], "Home & Away", "Season 02", "The Show (2014) - s02e03-e04 - Home & Away"),
        (2, [3, 5], None, "Season 02", "The Show (2014) - s02e03e05"),
        (0, [1], "Special", "Season 00", "The Show (2014) - s00e01 - Special"),
        (12, [101], None, "Season 12", "The Show (2014) - s12e101"),
    ],
)
def test_episodes(season, numbers, title, folder, stem):
    """Several episodes in a file and specials have names of their own."""
    place = episode("The Show", 2014, season, numbers, title, tmdb=9)
    assert place.title_folder == "TV Shows/The Show (2014)"
    assert place.folder == f"TV Shows/The Show (2014)/{folder}"
    assert place.stem == stem


def test_a_year_that_nobody_knows_is_left_out():
    """A folder called ``Harbour (None)`` is no film's."""
    assert film("Harbour", None, 7).folder == "Movies/Harbour"
    assert episode("Show", None, 1, [1], tmdb=7).stem == "Show - s01e01"


def test_what_file_systems_refuse_is_spelled_otherwise():
    """A separator in a title would make a folder of it."""
    assert spelt("Naples: The Lost Heart") == "Naples - The Lost Heart"
    assert spelt("Face/Off") == "Face-Off"
    assert spelt("What?  {now}") == "What (now)"
    assert film("../../etc", None, 1).folder == "Movies/_.-.-etc"
    assert film("???", 2014, 1).folder == "Movies/tmdb-1 (2014)"
    assert film("Con", None, 1).folder == "Movies/_Con"


@given(TITLES, TITLES, st.none() | TITLES, st.none() | st.integers(1, 9), st.none() | st.integers(1880, 2100))
def test_names_are_safe_and_short_whatever_the_titles(title, edition, name, part, year):
    """One name that cannot be made stops a file; one that leaves the folder would be worse."""
    places = [
        film(title, year, 7, edition=edition, screen="1080p", part=part),
        episode(title, year, 3, [1, 2], name, tmdb=7, part=part),
    ]
    for place in places:
        assert place.folder.startswith(place.title_folder)
        for segment in (*place.folder.split("/"), f"{place.stem}.x", f"{place.stem}.pt-br.forced.sdh.srt"):
            assert safe_name(segment) == segment
            assert len(segment.encode()) <= 255
    assert places[0].stem.count("{tmdb-7}") == 1
    assert " - s03e01-e02" in places[1].stem


# --- names read back


WORDS = st.lists(
    st.sampled_from(
        ["The", "Harbour", "2049", "of", "-", "S01E02", "Naples:", "Jr.", "(1999)", "Part", "x264"]
    ),
    min_size=1,
    max_size=6,
)
YEARS = st.integers(1900, 2030)


@given(WORDS, YEARS, st.none() | st.integers(1, 3), st.sampled_from([None, "1080p"]))
def test_films_are_read_as_they_were_written(words, year, part, screen):
    """A library in order must be found in order, and quickly: the second plan moves nothing."""
    title = spelt(" ".join(words))
    place = film(title, year, 7, edition="Extended", screen=screen, part=part)
    read = read_placed(tuple(place.folder.split("/")), place.stem)
    assert (read.kind, read.edition, read.part) == ("movie", "Extended", part)
    assert read.screen == (screen if part is None else None)
    assert (folded(read.title), read.year) == (folded(title), year)


@given(WORDS, YEARS, st.sampled_from([[1], [9, 10], [1, 3], [100, 101, 102]]), st.integers(0, 40))
def test_episodes_are_read_as_they_were_written(words, year, numbers, season):
    """And of whatever title."""
    title = spelt(" ".join(words))
    place = episode(title, year, season, numbers, "The Way - Home", tmdb=7)
    read = read_placed(tuple(place.folder.split("/")), place.stem)
    assert (read.kind, read.season, list(read.episodes)) == ("episode", season, numbers)
    assert read.episode_title == "The Way - Home"
    assert (folded(read.title), read.year) == (folded(title), year)


@pytest.mark.parametrize(
    "path",
    [
        "Movies/Harbour (2014)/Tide (2014) {tmdb-7}",
        "Movies/Harbour (2014)/Harbour (2014)",
        "Movies/Harbour (2014)/Harbour (2014) {tmdb-7} sample",
        "TV/Show (2014)/Season 02/Show (2014) - s01e01",
        "TV/Show (2014)/Season 01/Show (2014) - s01e05-e02",
        "TV/Show (2014)/Show (2014) - s01e01",
        "Harbour (2014) {tmdb-7}",
    ],
)
def test_names_that_are_almost_of_the_layout(path):
    """Where folder and name do not say the same, somebody else has to look."""
    *folders, stem = path.split("/")
    assert read_placed(tuple(folders), stem) is None


# --- sidecars


FILMS = [
    "Films/Harbour (2014)/Harbour (2014).mkv",
    "Films/Both/Tide.2001.mkv",
    "Films/Both/Tide.2001.Extended.mkv",
]


@pytest.mark.parametrize(
    ("sidecar", "owner", "ending"),
    [
        ("Films/Harbour (2014)/Harbour (2014).srt", FILMS[0], ".srt"),
        ("Films/Harbour (2014)/harbour (2014).EN.SRT", FILMS[0], ".en.srt"),
        ("Films/Harbour (2014)/Harbour (2014).de.forced.srt", FILMS[0], ".de.forced.srt"),
        ("Films/Harbour (2014)/Harbour (2014).forced.eng.ass", FILMS[0], ".eng.forced.ass"),
        ("Films/Harbour (2014)/Harbour (2014).English.SDH.srt", FILMS[0], ".en.sdh.srt"),
        ("Films/Harbour (2014)/Harbour (2014).en.hi.srt", FILMS[0], ".en.sdh.srt"),
        ("Films/Harbour (2014)/Harbour (2014).hi.srt", FILMS[0], ".hi.srt"),
        ("Films/Harbour (2014)/Harbour (2014).pt-BR.srt", FILMS[0], ".pt-br.srt"),
        ("Films/Harbour (2014)/Harbour (2014).nfo", FILMS[0], ".nfo"),
        ("Films/Harbour (2014)/Harbour (2014)-poster.jpg", FILMS[0], "-poster.jpg"),
        ("Films/Harbour (2014)/Harbour (2014).idx", FILMS[0], ".idx"),
        ("Films/Harbour (2014)/Harbour (2014).who?|\x1b.srt", FILMS[0], ".who-.srt"),
        ("Films/Harbour (2014)/Subs/2_English.srt", FILMS[0], ".en.srt"),
        ("Films/Both/Subs/Tide.2001.en.srt", FILMS[1], ".en.srt"),
        ("Films/Both/Subs/Tide.2001.Extended/3_German.srt", FILMS[2], ".de.srt"),
        ("Films/Both/Tide.2001.Extended.en.srt", FILMS[2], ".en.srt"),
        ("Films/Both/Tide.2001.en.srt", FILMS[1], ".en.srt"),
    ],
)
def test_sidecars_go_with_their_video(sidecar, owner, ending):
    """Subtitles that stay behind are lost to the film, and those of the wrong language are worse."""
    assert ties(FILMS, [sidecar]) == {sidecar: Tie("video", owner, ending)}


@pytest.mark.parametrize(
    ("sidecar", "to"),
    [
        ("Films/Harbour (2014)/poster.jpg", "folder"),
        ("Films/Harbour (2014)/movie.nfo", "folder"),
        ("TV/Show/tvshow.nfo", "title"),
        ("TV/Show/season01-poster.jpg", "title"),
    ],
)
def test_pictures_and_facts_go_with_their_folder(sidecar, to):
    """They carry no video's name."""
    folder, _, name = sidecar.rpartition("/")
    assert ties(FILMS, [sidecar]) == {sidecar: Tie(to, folder, name)}


@pytest.mark.parametrize(
    "sidecar",
    [
        "Films/Both/Another film.2001.srt",
        "Films/Both/Tide.srt",
        "Films/Both/Tide.2001.720p.other.cut.srt",
        "Films/Both/Subs/2_English.srt",
        "Films/Harbour (2014)/holiday.jpg",
        "elsewhere.srt",
    ],
)
def test_what_belongs_to_no_video_is_left_alone(sidecar):
    """A subtitle that goes with the wrong film is harder to find than one that stayed."""
    assert ties(FILMS, [sidecar]) == {}


@given(st.lists(st.text(max_size=40), max_size=5), st.lists(st.text(max_size=40), max_size=5))
def test_any_names_at_all(videos, sidecars):
    """A library holds names that nobody has thought of; an ending must stay in its folder."""
    found = ties(videos, sidecars)
    assert set(found) <= set(sidecars)
    for tie in found.values():
        assert "/" not in tie.ending
        assert tie.to != "video" or tie.owner in videos
