"""Plans: where files would go, what stays and why, and that nothing is touched."""

from __future__ import annotations

import os

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fetchlab.errors import ConfigError
from fetchlab.policy.filenames import same
from fetchlab.studies.library import Filter, Library, planning
from fetchlab.studies.library.conflicts import There, Wish, ignores_case, losers
from fetchlab.studies.library.planning import PLAN, plan_of
from fetchlab.studies.library.scanning import SCANNED
from fetchlab.testbed import media_tree

from .trees import matches, tree_of

KEY = "0123456789abcdef0123456789abcdef"


def files(*paths, size=10):
    """A scanned table of these paths: videos unless they are sidecars by their extension."""
    rows = [
        {"path": path, "kind": "sidecar" if path.endswith(("srt", "nfo", "jpg")) else "video", "size": size}
        for path in paths
    ]
    rows = [dict.fromkeys(SCANNED) | {"modified": 5} | row for row in rows]
    return pl.DataFrame(rows, SCANNED).sort("path")


def planned(tmp_path, scanned, *, to=None, confidence=0.8, **told):
    frame = plan_of(scanned, matches(scanned, **told), tmp_path, to or tmp_path / "new", confidence)
    assert frame.schema == PLAN
    return {row["source"]: row for row in frame.iter_rows(named=True)}


def test_a_whole_library(bed, tmp_path):
    """Every file has one row, every sidecar goes with the video that it is of, nothing is touched."""
    truth = {one["path"]: one for one in media_tree(tmp_path / "old", 150)}
    before = tree_of(tmp_path)
    library = Library(tmp_path / "old", bed.urls["tmdb"], KEY, to=tmp_path / "new", threshold=1_000)
    scanned = library.scan(progress=False).result()
    frame = library.plan(scanned=scanned, progress=False)
    assert tree_of(tmp_path) == before
    assert frame.schema == PLAN
    assert frame["source"].to_list() == scanned["path"].to_list()
    moving = frame.filter("move")
    assert len(moving) > 0.9 * len(frame)
    assert moving["target"].n_unique() == len(moving)
    for row in frame.iter_rows(named=True):
        one = truth[row["source"]]
        assert row["sidecar_of"] == one["video"]
        assert row["reason"]
        if row["move"] and one["kind"] == "episode":
            assert f"/Season {one['season']:02d}/" in row["target"]
            assert f" - s{one['season']:02d}e{one['episodes'][0]:02d}" in row["target"]
        if row["move"] and one["kind"] == "movie":
            assert f"({one['year']}) {{tmdb-{one['tmdb']}}}" in row["target"]


def test_what_is_not_sure_stays(tmp_path):
    """A wrong match is worse than a file that a person looks at."""
    scanned = files("a.mkv", "a.en.srt", "b.mkv")
    rows = planned(tmp_path, scanned, a={"confidence": 0.79}, b={"confidence": 0.8})
    assert not rows["a.mkv"]["move"]
    assert rows["a.mkv"]["reason"] == "confidence below 0.8: same title"
    assert rows["a.mkv"]["target"] == "Movies/Harbour (2014)/Harbour (2014) {tmdb-7}.mkv"
    assert rows["a.en.srt"]["reason"] == "its video stays"
    assert rows["b.mkv"]["move"]


def test_without_a_match_there_is_no_target(tmp_path):
    """And no number of an episode is as good as none."""
    nothing = {"tmdb": None, "matched_title": None, "confidence": 0.0, "reason": "nothing found"}
    numberless = {"type": "episode", "confidence": 0.5, "reason": "same title; no episode number"}
    rows = planned(tmp_path, files("a.mkv", "b.mkv"), a=nothing, b=numberless)
    assert [rows[name]["target"] for name in ("a.mkv", "b.mkv")] == [None, None]
    assert [rows[name]["reason"] for name in ("a.mkv", "b.mkv")] == [nothing["reason"], numberless["reason"]]


def test_two_sources_for_one_target(tmp_path):
    """One goes, the surest; the other says which one."""
    scanned = files("x/a.mkv", "y/b.mkv", "y/b.srt")
    rows = planned(tmp_path, scanned, a={"confidence": 0.9})
    assert rows["y/b.mkv"]["move"]
    assert not rows["x/a.mkv"]["move"]
    assert rows["x/a.mkv"]["reason"] == "another file goes there"
    assert rows["x/a.mkv"]["conflicts"] == ["y/b.mkv goes there"]
    assert rows["y/b.srt"]["move"]


def test_versions_and_editions_do_not_meet(tmp_path):
    """Two resolutions of a film are no conflict."""
    rows = planned(
        tmp_path, files("a.mkv", "b.mkv", "c.mkv"), a={"screen": "720p"}, b={"screen": "1080p"}, c={"part": 1}
    )
    assert all(row["move"] for row in rows.values())


def test_a_target_that_exists_is_told(tmp_path):
    """Nothing is overwritten, and a plan that says so beforehand saves a surprise."""
    there = tmp_path / "new" / "Movies" / "Harbour (2014)"
    there.mkdir(parents=True)
    (there / "Harbour (2014) {tmdb-7}.mkv").touch()
    row = planned(tmp_path, files("a.mkv"))["a.mkv"]
    assert not row["move"]
    assert row["reason"] == "the target exists"
    assert row["conflicts"] == ["Movies/Harbour (2014)/Harbour (2014) {tmdb-7}.mkv"]


def test_a_file_where_a_folder_should_be(tmp_path):
    """It cannot be made, and the file there is somebody's."""
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "Movies").touch()
    row = planned(tmp_path, files("a.mkv"))["a.mkv"]
    assert (row["move"], row["conflicts"]) == (False, ["Movies is no folder"])


def test_what_is_in_place_stays(tmp_path):
    """The second plan of a library has nothing to do; a newcomer does not push out what is there."""
    target = "Movies/Harbour (2014)/Harbour (2014) {tmdb-7}.mkv"
    (tmp_path / target).parent.mkdir(parents=True)
    (tmp_path / target).touch()
    other = "Movies/a/b.mkv"
    scanned = files(target, target.replace(".mkv", ".english.srt"), other)
    rows = planned(tmp_path, scanned, to=tmp_path)
    assert (rows[target]["move"], rows[target]["reason"]) == (False, "already in place")
    assert rows[target.replace(".mkv", ".english.srt")]["target"] == target.replace(".mkv", ".en.srt")
    assert rows[target.replace(".mkv", ".english.srt")]["move"]
    assert rows[other]["conflicts"] == [target]


def test_a_layout_within_the_library(tmp_path):
    """Its files are found by the next scan, and are in place."""
    target = "Movies/Harbour (2014)/Harbour (2014) {tmdb-7}.mkv"
    (tmp_path / "sorted" / target).parent.mkdir(parents=True)
    (tmp_path / "sorted" / target).touch()
    rows = planned(tmp_path, files(f"sorted/{target}", "a.mkv"), to=tmp_path / "sorted")
    assert rows[f"sorted/{target}"]["reason"] == "already in place"
    assert rows["a.mkv"]["conflicts"] == [target]


def test_a_library_within_the_layout(tmp_path):
    """``library plan Movies --to .``: what is in order there must not be in its own way."""
    root = tmp_path / "Movies"
    library = Library(root, to=tmp_path, rules=Filter(min_size=0))
    path = root / "Harbour (2014)" / "Harbour (2014) {tmdb-7}.mkv"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"x")
    scanned = library.scan(progress=False).result()
    plan = library.plan(scanned=scanned, matched=matches(scanned))
    assert plan.select("move", "reason").rows() == [(False, "already in place")]


def test_a_file_where_the_layout_should_be(tmp_path):
    """The message names it."""
    (tmp_path / "new").write_bytes(b"x")
    row = planned(tmp_path, files("a.mkv"))["a.mkv"]
    assert (row["move"], row["conflicts"]) == (False, [f"{tmp_path / 'new'} is no folder"])


def test_a_path_that_is_too_long(tmp_path):
    """The system would refuse it in the middle of the work."""
    longest = os.pathconf(tmp_path, "PC_PATH_MAX")
    deep = tmp_path.joinpath(*["d" * 200] * ((longest - len(str(tmp_path))) // 201))
    row = planned(tmp_path, files("a.mkv"), to=deep)["a.mkv"]
    assert (row["move"], row["reason"]) == (False, "path too long")


def test_a_name_that_is_too_long(tmp_path, monkeypatch):
    """Encrypted folders take 143 bytes, and say so."""
    monkeypatch.setattr(planning, "longest", lambda _: (143, 4095))
    long = {"matched_title": "Harbour " * 20}
    row = planned(tmp_path, files("a.mkv"), a=long)["a.mkv"]
    assert (row["move"], row["reason"]) == (False, "name too long")


def test_pictures_go_where_all_videos_of_their_folder_go(tmp_path):
    """And stay where these part."""
    episodes = {"type": "episode", "season": 1}
    scanned = files(
        "f/a.mkv", "f/poster.jpg", "s/e1.mkv", "s/e2.mkv", "s/tvshow.nfo", "s/cover.jpg", "poster.jpg"
    )
    rows = planned(tmp_path, scanned, e1=episodes | {"episodes": [1]}, e2=episodes | {"episodes": [2]})
    assert rows["f/poster.jpg"]["target"] == "Movies/Harbour (2014)/poster.jpg"
    assert rows["s/tvshow.nfo"]["target"] == "TV Shows/Harbour (2014)/tvshow.nfo"
    assert rows["s/cover.jpg"]["target"] == "TV Shows/Harbour (2014)/Season 01/cover.jpg"
    assert not rows["poster.jpg"]["move"]
    apart = planned(
        tmp_path, scanned, e1=episodes | {"episodes": [1]}, e2=episodes | {"episodes": [2], "matched_year": 1}
    )
    assert apart["s/tvshow.nfo"]["reason"] == "its folder's videos do not go together"


def test_knobs_that_cannot_work(tmp_path):
    """The message names the knob."""
    library = Library(tmp_path, "http://tmdb.invalid", KEY)
    for knobs, knob in (
        ({"confidence": 80}, "confidence"),
        ({"scanned": "x"}, "scanned"),
        ({"matched": pl.DataFrame()}, "matched"),
    ):
        with pytest.raises(ConfigError, match=f"^{knob}: "):
            library.plan(**knobs)


# --- who gets a target


NAMES = st.sampled_from(["a", "A", "b", "é", "E\u0301", "e\u0301"])
WISHES = st.lists(
    st.builds(Wish, st.text("xyz", min_size=1), NAMES, st.booleans(), st.floats(0, 1), st.integers(0, 3)),
    max_size=8,
    unique_by=lambda wish: wish.source,
)


@given(WISHES, st.booleans())
def test_no_two_get_one_name(wishes, insensitive):
    """However a file system compares names: the second would overwrite the first, or fail."""
    lost = losers(wishes, insensitive=insensitive)
    won = [wish.target for wish in wishes if wish.source not in lost]
    form = same if insensitive else str
    assert len({form(target) for target in won}) == len(won)
    assert {form(target) for target in won} == {form(wish.target) for wish in wishes}
    assert lost == losers(wishes[::-1], insensitive=insensitive)


def test_case_is_told_by_looking(tmp_path):
    """A guess by the system's name is wrong on every USB stick."""
    (tmp_path / "Name").mkdir()
    sensitive = not (tmp_path / "nAME").exists()
    assert ignores_case(tmp_path) is not sensitive
    assert ignores_case(tmp_path / "not" / "there") is not sensitive


@pytest.mark.parametrize("insensitive", [True, False])
def test_names_that_differ_in_case(tmp_path, insensitive):
    """On such a system a file of another case is in the way, on others it is not."""
    (tmp_path / "MOVIES").mkdir()
    (tmp_path / "MOVIES" / "a.mkv").touch()
    there = There(tmp_path, insensitive=insensitive)
    assert (there.holds("movies/A.mkv") is not None) is insensitive
    assert there.holds("MOVIES/a.mkv") == "MOVIES/a.mkv"
    assert there.one("movies/A.mkv", "MOVIES/a.mkv") is insensitive
