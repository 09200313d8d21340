"""Names: what the fast path reads, what it leaves alone, and that it is right where it is sure."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fetchlab.bench.library_corpora import CROSS, accuracy, judged, names, parts
from fetchlab.studies.library.fast import read
from fetchlab.studies.library.parsed import Parsed, Unsure
from fetchlab.studies.library.reading import Names, parse, read_names
from fetchlab.testbed import media_tree
from fetchlab.testbed.media_names import legal, plain
from fetchlab.testbed.tmdb_search import folded


def fast(path):
    folders, _, stem = parts(path)
    return read(folders, stem)


# --- what it reads


@pytest.mark.parametrize(
    ("path", "title", "year"),
    [
        ("The.Silent.Harbour.2014.1080p.BluRay.x264-SPARKS.mkv", "The Silent Harbour", 2014),
        ("The Silent Harbour (2014).mp4", "The Silent Harbour", 2014),
        ("Movies/Harbour (2014)/Harbour (2014) [1080p].mkv", "Harbour", 2014),
        ("the_silent_harbour_2014_720p_webrip.avi", "the silent harbour", 2014),
        ("Ocean Station 2 (2008).mkv", "Ocean Station 2", 2008),
        ("Città senza mare (1946) 720p WEBRip.mkv", "Città senza mare", 1946),
        ("Movies/The Last Part (2001)/The Last Part (2001).mkv", "The Last Part", 2001),
    ],
)
def test_films(path, title, year):
    """The names that most films have."""
    found = fast(path)
    assert (found.kind, found.title, found.year, found.parser) == ("movie", title, year, "fast")
    assert found.tier
    assert found.why


@pytest.mark.parametrize(
    ("path", "title", "season", "episodes", "year"),
    [
        ("The.Show.S01E02.720p.HDTV.x264-LOL.mkv", "The Show", 1, (2,), None),
        ("TV/The Show/Season 01/The Show - S01E02 - Home.mkv", "The Show", 1, (2,), None),
        ("The Show (2014) - s03e11 - Home [1080p].mp4", "The Show", 3, (11,), 2014),
        ("The Show - 4x07 - Home.avi", "The Show", 4, (7,), None),
        ("The.Show.S01E02E03.mkv", "The Show", 1, (2, 3), None),
        ("The.Show.S01E02-E04.mkv", "The Show", 1, (2, 3, 4), None),
        ("TV/The Show (2014)/Season 2/S02E05.mkv", "The Show", 2, (5,), 2014),
        ("TV/The Show/Season 2/S02E05 - Home.mkv", "The Show", 2, (5,), None),
    ],
)
def test_episodes(path, title, season, episodes, year):
    """The names that most episodes have."""
    found = fast(path)
    assert (found.kind, found.title, found.season, found.episodes) == ("episode", title, season, episodes)
    assert found.year == year


def test_what_else_a_name_says():
    """The new layout's names are made of it."""
    film = fast("The.Harbour.2014.Extended.2160p.BluRay.mkv")
    assert (film.screen, film.edition) == ("2160p", "Extended")
    assert fast("The Show - S01E02 - The Long Way Home [720p].mkv").episode_title == "The Long Way Home"
    assert fast("The.Show.S01E02.The.Long.Way.1080p.WEB.mkv").episode_title == "The Long Way"


@pytest.mark.parametrize(
    ("path", "part", "title"),
    [
        ("The Show/Season 1/The Show - S01E02 - pt1.mkv", 1, None),
        ("The Show - S01E02 - Home - pt2.mkv", 2, "Home"),
        ("The.Show.S01E02.cd2.720p.avi", 2, None),
        ("The.Show.S01E02.Part1.mkv", 1, None),
        ("The.Show.S01E02.The.Siege.Part2.mkv", None, "The Siege Part2"),
        ("The.Show.S01E02.Part.1.720p.mkv", None, "Part 1"),
    ],
)
def test_an_episode_in_parts(path, part, title):
    """Else its first file is renamed as if it were the whole, and the second is left behind."""
    found = fast(path)
    assert (found.part, found.episode_title) == (part, title)


# --- what it leaves alone


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("2012.2009.1080p.mkv", "two years"),
        ("Blade Runner 2049 (2017).mkv", "a number"),
        ("The.Harbour.1080p.mkv", "no year"),
        ("The Harbour Final (2014).mkv", "word final"),
        ("The.Harbour.US.2014.1080p.mkv", "word us"),
        ("Alien DC (1979) [1080p].mkv", "capitals"),
        ("ulshd-the.right.stuff.1983.1080p.mkv", "dash"),
        ("The Harbour - Home (2014).mkv", "dash"),
        ("S.H.I.E.L.D.2014.1080p.mkv", "acronym"),
        ("[Group] Harbour 2014 1080p.mkv", "signs"),
        ("The Harbour (2014) CD1.mkv", "what follows"),
        ("Movies/The Harbour (2013)/The Harbour (2014).mkv", "another year"),
        ("Movies/Tide/The.Harbour.2014.1080p.mkv", "another name"),
        ("TV/The Show/Season 2/The.Show.S01E01.mkv", "another season"),
        ("The.Show.S01E01.S01E02.mkv", "more than one"),
        ("The.Show.S01E01+02.mkv", "more than one"),
        ("The.Show.2016.S01E01.mkv", "year in a show"),
        ("Scrubs/scrubs.s06e09.mkv", "otherwise"),
        ("TV/S02E05.mkv", "no title"),
        ("東京の夜明け (1999).mkv", "script"),
        ("The.Show.2016.05.18.HDTV.mkv", "what follows"),
        ("Harbour.mkv", "no year"),
    ],
)
def test_it_knows_when_it_is_unsure(path, why):
    """A wrong title costs a wrong match; an unsure one costs milliseconds."""
    found = fast(path)
    assert isinstance(found, Unsure)
    assert why in found


@given(st.text(max_size=60), st.lists(st.text(min_size=1, max_size=30), max_size=3))
def test_any_name_at_all(stem, folders):
    """A library holds names that nobody has thought of; none may end the scan."""
    found = read(tuple(folders), stem)
    assert isinstance(found, Parsed | Unsure)
    if isinstance(found, Parsed):
        assert found.title
        assert found.title == found.title.strip()


WORDS = st.lists(
    st.sampled_from(["Harbour", "Night", "The", "Silent", "Tide", "Wolf", "of", "and", "Iron"]),
    min_size=1,
    max_size=5,
)
TAGS = st.lists(
    st.sampled_from(["1080p", "BluRay", "x264", "WEB-DL", "AAC2.0", "PROPER", "HEVC"]), max_size=4
)


@given(WORDS, st.integers(1900, 2030), TAGS, st.sampled_from([" ", ".", "_"]), st.booleans())
def test_every_well_formed_film(words, year, tags, separator, bracketed):
    """However it is put together, the reading is the title and the year."""
    stated = f"({year})" if bracketed else str(year)
    found = read((), separator.join([*words, stated, *tags]))
    assert isinstance(found, Parsed)
    assert (found.kind, found.title, found.year) == ("movie", " ".join(words), year)


@given(WORDS, st.integers(0, 40), st.integers(0, 200), TAGS, st.sampled_from([" ", ".", "_", " - "]))
def test_every_well_formed_episode(words, season, episode, tags, separator):
    """However it is put together, the reading is title, season and number."""
    between = separator if separator != " - " else " "
    head = between.join(words)
    found = read((), separator.join([head, f"S{season:02d}E{episode:02d}", *tags]))
    assert isinstance(found, Parsed)
    assert (found.title, found.season, found.episodes) == (" ".join(words), season, (episode,))


# --- the rest is guessit's


def test_what_is_unsure_is_read_by_guessit_and_says_why():
    """The result tells how it came about."""
    found = parse("Movies/Blade Runner 2049 (2017)/Blade.Runner.2049.2017.1080p.mkv")
    assert (found.kind, found.title, found.year) == ("movie", "Blade Runner 2049", 2017)
    assert (found.parser, found.tier, found.why) == ("guessit", "path", "a number in the title")
    sure = parse("The Silent Harbour (2014).mkv")
    assert (sure.parser, sure.tier) == ("fast", "title (year)")


def test_films_in_parts():
    """Two files of one film must not go to one name."""
    assert [parse(f"Harbour (2014) CD{part}.avi").part for part in (1, 2)] == [1, 2]


def test_a_chunk_keeps_its_order():
    """Readings are put beside files by their place."""
    asked = [("", "The Harbour (2014).mkv", ""), ("", "Harbour.mkv", ""), ("TV", "Show S01E02.mkv", "")]
    found = read_names(Names("fast", asked))
    assert [one if isinstance(one, str) else one.title for one in found] == ["The Harbour", "no year", "Show"]
    (guessed,) = read_names(Names("guessit", [("", "Harbour.mkv", "no year")]))
    assert (guessed.title, guessed.why) == ("Harbour", "no year")


def test_what_worker_processes_import_is_light():
    """Each of them pays for it before it reads its first name."""
    code = "import fetchlab.studies.library.reading, sys; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"polars", "guessit", "msgspec", "asyncio"} & set(done.stdout.split())


# --- how right it is


@pytest.mark.parametrize("corpus", ["movies", "episodes", *CROSS])
def test_where_it_is_sure_it_is_right(corpus):
    """The claim of the fast path, on names that it was not made for."""
    exact = corpus not in CROSS
    sure = [
        (name, judged(found, known, exact=exact))
        for name, known in names(corpus)
        if isinstance(found := fast(name), Parsed)
    ]
    assert len(sure) >= 25
    wrong = [name for name, right in sure if not right]
    assert len(wrong) <= len(sure) / 30, wrong


LEAST = {"movies": 0.97, "episodes": 0.94}


@pytest.mark.parametrize("most", [40, pytest.param(None, marks=pytest.mark.slow)])
def test_as_right_as_guessit(most):
    """On guessit's own names, its own readings where the fast path is unsure; all of them take a minute."""
    table = accuracy(most=most)
    rows = {(row["corpus"], row["parser"]): row for row in table.iter_rows(named=True)}
    for corpus, least in LEAST.items():
        both, slow, fast = (rows[corpus, parser] for parser in ("both", "guessit", "fast path"))
        assert both["names"] == slow["names"] == both["read"] >= min(most or 200, 200)
        assert 0 < fast["read"] < both["read"]
        assert both["right"] >= slow["right"] - (0.005 if most is None else 0.03)
        assert fast["names_per_s"] > slow["names_per_s"]
        if most is None:
            assert both["right"] >= least


@pytest.mark.parametrize("seed", [0, 5])
def test_a_library_is_read_by_the_fast_path(tmp_path, monkeypatch, seed):
    """Nine names of ten, all of them rightly: that is where the speed is from."""
    monkeypatch.setattr("fetchlab.testbed.media._write", lambda *_: None)
    videos = [one for one in media_tree(tmp_path, 3_000, seed) if one["kind"] in ("movie", "episode")]
    sure = [(one, found) for one in videos if isinstance(found := fast(one["path"]), Parsed)]
    assert len(sure) > 0.9 * len(videos)
    for one, found in sure:
        assert found.kind == one["kind"]
        if found.kind == "episode":
            assert (found.season, list(found.episodes)) == (one["season"], one["episodes"])
        else:
            assert found.year == one["year"]
    titles = [
        folded(found.title)
        in {folded(text) for text in (one["title"], plain(one["title"]), legal(one["title"]))}
        for one, found in sure
    ]
    assert sum(titles) > 0.99 * len(titles)  # the rest are titles in their own language
