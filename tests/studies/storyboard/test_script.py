"""Scripts against the testbed, which tells what every request was shown."""

from __future__ import annotations

import logging
import subprocess
import sys
from collections import Counter
from pathlib import Path
from random import Random

import polars as pl
import pytest

import fetchlab as fl
from fetchlab.errors import ConfigError, JournalError, StudyError
from fetchlab.studies.storyboard import SCENES, Key, Storyboard
from testbed.client import until

CHAT = "POST /v1/chat/completions"
QUICK = fl.Retry(attempts=3, base=0.01, budget=10.0)
IDEA = "A lighthouse keeper finds a letter"


@pytest.fixture
def board(bed):
    return Storyboard(bed.urls["openai"], ["key-a", "key-b"], "storyboard-1", retry=QUICK)


def chats(bed, kind="scenes"):
    return [chat for chat in bed.truth("openai")["chats"] if chat["kind"] == kind]


def asked(bed):
    return bed.counters("openai")["by_route"].get(CHAT, 0)


def test_a_short_script_is_one_request(bed, board):
    """Twenty-four would cost twenty times as much."""
    run = board.script(IDEA, 176)
    table = run.result()
    assert table.schema == SCENES
    assert table["scene"].to_list() == list(range(1, 23))
    assert table["start"].to_list()[-1] == 168.0
    assert table["error"].null_count() == 22
    assert asked(bed) == 1
    assert run.frame()["key"].to_list() == ["script"]


def test_every_scene_of_a_batch_was_shown_what_was_finished_under_its_own_number(bed, board):
    """The published tool told scenes of a batch under wrong numbers."""
    run = board.script(IDEA, 96 * 2)
    assert run.stats().total == 26  # known from the beginning, so that progress can be told
    table = run.result()
    assert run.stats().failed == 0
    titles = dict(table.select("scene", "title").iter_rows())
    shown = {chat["scenes"][0]: chat for chat in chats(bed)}
    assert sorted(shown) == list(range(1, 25))
    bible = chats(bed, "outline")[0]["bible"]
    for number, chat in shown.items():
        before = range(1, (number - 1) // 5 * 5 + 1)
        assert chat["shown"] == [{"scene": one, "title": titles[one]} for one in before]
        assert chat["bible"] == bible
        assert list(chat["outline"]) == list(range(1, 25))
    assert asked(bed) == 26
    assert run.notes["batches"] == [5, 5, 5, 5, 4]
    assert table["saw"].list.len().to_list() == [(number - 1) // 5 * 5 for number in range(1, 25)]


def test_rolling_shows_scenes_under_their_own_numbers_too(bed, board):
    """Its context is another one for every scene."""
    bed.configure("openai", latency=0.01, jitter=0.5)
    run = board.script(IDEA, 192, context="rolling")
    table = run.result()
    titles = dict(table.select("scene", "title").iter_rows())
    saw = dict(table.select("scene", "saw").iter_rows())
    for chat in chats(bed):
        assert chat["shown"] == [{"scene": one, "title": titles[one]} for one in saw[chat["scenes"][0]]]
    batches = board.script(IDEA, 192)
    assert batches.wait().notes["coverage"] <= run.notes["coverage"]
    assert bed.counters("openai")["max_in_flight"] <= 5


def test_batches_go_by_keys_and_complexity(bed):
    """Twice the keys take twice the scenes; those with much in them see more of each other."""
    one = Storyboard(bed.urls["openai"], "key-a", "storyboard-1").script(IDEA, 320, batch_size="auto").wait()
    two = Storyboard(bed.urls["openai"], ["key-a", "key-b"], "storyboard-1")
    both = two.script(IDEA, 320, batch_size="auto").wait()
    assert sum(one.notes["batches"]) == sum(both.notes["batches"]) == 40
    assert len(one.notes["batches"]) > len(both.notes["batches"])
    assert len(set(one.notes["batches"])) > 1


@pytest.mark.parametrize("fault", ["fenced", "malformed", "cut", "misshapen"])
def test_spoilt_replies_end_as_scenes(bed, board, fault):
    """A third of all replies is like that with small models."""
    plain = board.script(IDEA, 192).result()
    bed.configure("openai", **{fault: 0.4})
    run = board.script(IDEA, 192)
    texts = ["scene", "title", "prompt", "narration", "characters"]
    assert run.result().select(texts).equals(plain.select(texts))
    if fault in ("fenced", "malformed"):
        assert run.notes["mended"] > 0
    if fault == "fenced":
        assert run.stats().retries == 0
    if fault in ("cut", "misshapen"):
        assert set(run.attempts()["error"].drop_nulls()) == {"ParseError"}


def test_a_refusal_is_told_and_not_repeated(bed, board):
    """Each repetition has its price."""
    bed.configure("openai", refusal=1.0)
    run = board.script(IDEA, 192).wait()
    assert asked(bed) == 1
    assert run.frame()["ok"].sum() == 0
    errors = run.result()["error"].to_list()
    assert "needs bible, which failed: StudyError: the model refused" in errors[0]


def test_a_scene_that_never_comes_costs_no_finished_one(bed, board, tmp_path):
    """The published tool threw 69 paid scenes away."""
    path = tmp_path / "script.db"
    bed.configure("openai", bad_scenes=(17,))
    first = board.script(IDEA, 240, journal=path)
    table = first.result()
    written = table.filter(pl.col("error").is_null())["scene"].to_list()
    assert written == [*range(1, 17), 18, 19, 20]
    said = table["error"].to_list()
    assert said[16].startswith("StatusError: HTTP 500")
    assert said[29].startswith("StudyError: scene/30 needs scene/17, which failed: StatusError")
    assert first.notes["failed_batches"] == [4]
    assert asked(bed) == 2 + 19 + 3
    bed.configure(profile="flat")
    bed.reset_counters()
    again = board.script(IDEA, 240, journal=path)
    assert again.result()["error"].null_count() == 30
    assert asked(bed) == 11
    assert again.stats().earlier == 21
    assert sorted(chat["scenes"][0] for chat in chats(bed)) == [17, *range(21, 31)]
    with fl.Journal.open(path) as journal:
        assert {"bible", "outline", "scene/17", "scene/30"} <= set(journal.frame()["key"])


def test_a_failed_scene_can_be_tried_again_in_the_same_run(bed, board):
    """The service had a bad minute."""
    bed.configure("openai", bad_scenes=(3,))
    run = board.script(IDEA, 192).wait()
    assert run.stats().failed == 24 - 4
    bed.configure(profile="flat")
    run.retry_failed().wait()
    assert run.result()["error"].null_count() == 24
    assert run.notes["failed_batches"] == []


def test_a_cancelled_script_goes_on_in_the_same_run(bed, board):
    """What was under way is no failure that others would die of, also where a key must rest first."""
    bed.configure("openai", latency=0.02, key_rate=2400.0, key_burst=2)
    run = board.script(IDEA, 192)
    for least in (4, 11):
        until(lambda least=least: run.stats().ok >= least)
        run.cancel().wait()
        run.retry_failed()
    assert run.result()["error"].null_count() == 24
    assert run.stats().failed == 0


def test_a_cancelled_script_goes_on(bed, board, tmp_path):
    """Whoever stops a run has paid for what is there."""
    bed.configure("openai", latency=0.05)
    run = board.script(IDEA, 192, journal=tmp_path / "script.db")
    until(lambda: run.stats().ok >= 7)
    run.cancel().wait()
    kept = run.stats().ok
    bed.configure(profile="flat")
    bed.reset_counters()
    again = board.script(IDEA, 192, journal=tmp_path / "script.db")
    assert again.result()["error"].null_count() == 24
    assert asked(bed) == 26 - kept


def test_a_cell_that_is_run_again_gets_the_run_that_goes_on(bed, board, tmp_path):
    """A second one would be refused its journal, or pay for everything again."""
    bed.configure("openai", latency=0.02)
    run = board.script(IDEA, 192, journal=tmp_path / "script.db")
    until(lambda: run.notes["scenes"] > 0)
    assert board.script(IDEA, 192, journal=tmp_path / "script.db") is run
    assert run.notes["scenes"] > 0
    assert run.result()["error"].null_count() == 24
    assert asked(bed) == 26


def test_a_killed_script_is_paid_for_once(bed, tmp_path, board):
    """What was in flight may be lost with the process; nothing else may."""
    path = tmp_path / "script.db"
    bed.configure("openai", latency=0.08)
    command = [sys.executable, str(Path(__file__).with_name("killable.py")), bed.urls["openai"], str(path)]
    with subprocess.Popen(command) as process:
        until(lambda: len(chats(bed)) >= 14)
        process.kill()
    bed.configure(profile="flat")
    again = board_like(bed).script("A lighthouse", 240, journal=path)
    assert again.result()["error"].null_count() == 30
    times = Counter(chat["scenes"][0] for chat in chats(bed))
    assert len(times) == 30
    assert max(times.values()) <= 2
    assert sum(count - 1 for count in times.values()) <= 5 + 1
    assert again.stats().earlier + asked(bed) >= 32


@pytest.mark.slow
@pytest.mark.parametrize("moment", [Random(seed).randrange(1, 60) for seed in range(5)])
def test_a_script_killed_at_any_moment_is_paid_for_once(bed, tmp_path, moment):
    """A kill comes when it comes."""
    path = tmp_path / "script.db"
    bed.configure("openai", latency=0.02)
    command = [sys.executable, str(Path(__file__).with_name("killable.py")), bed.urls["openai"], str(path)]
    with subprocess.Popen(command) as process:
        until(lambda: asked(bed) >= min(moment, 30))
        process.kill()
    bed.configure(profile="flat")
    again = board_like(bed).script("A lighthouse", 240, journal=path)
    assert again.result()["error"].null_count() == 30
    times = Counter((chat["kind"], *chat["scenes"][:1]) for chat in chats(bed))
    assert sum(count - 1 for count in times.values()) <= 5 + 1


def test_scene_70_of_75_costs_six_more_requests(bed, board, tmp_path):
    """The published example: 69 scenes were paid for, and thrown away."""
    bed.configure("openai", bad_scenes=(70,))
    first = board.script(IDEA, 600, journal=tmp_path / "script.db").wait()
    assert first.notes["scenes"] == 69
    bed.configure(profile="flat")
    bed.reset_counters()
    assert board.script(IDEA, 600, journal=tmp_path / "script.db").result()["error"].null_count() == 75
    assert asked(bed) == 6


def board_like(bed):
    return Storyboard(bed.urls["openai"], ["key-a", "key-b"], "storyboard-1", retry=QUICK)


def test_one_spent_key_and_one_unknown_leave_the_work_to_the_third(bed, caplog):
    """Work stops only when nobody can pay for it."""
    keys = ["key-spent-0123456789", "key-unknown-0123456789", "key-good-0123456789"]
    bed.configure("openai", key_quota={keys[0]: 4}, invalid_keys=(keys[1],))
    with caplog.at_level(logging.INFO):
        run = Storyboard(bed.urls["openai"], keys, "storyboard-1", retry=QUICK).script(IDEA, 192)
        table = run.result()
    assert table["error"].null_count() == 24
    told = run.notes["keys"]
    assert told["key 1"] == {
        "requests": told["key 1"]["requests"],
        "refused": 0,
        "retired": "HTTP 429 insufficient_quota",
    }
    assert told["key 2"]["retired"] == "HTTP 401 invalid_api_key"
    assert told["key 2"]["requests"] == 1
    assert told["key 3"]["retired"] is None
    counted = table["account"].value_counts()
    assert set(counted["account"]) == {"key 1", "key 3"}
    assert "key 2 is not used any more: HTTP 401 invalid_api_key" in caplog.text


def test_without_a_key_the_reasons_are_told(bed):
    """The reader must know which key to renew."""
    bed.configure("openai", invalid_keys=("key-a", "key-b"))
    run = Storyboard(bed.urls["openai"], ["key-a", "key-b"], "storyboard-1", retry=QUICK).script(IDEA, 192)
    with pytest.raises(StudyError, match=r"no key is left: key 1: HTTP 401 invalid_api_key; key 2: HTTP 401"):
        run.raise_for_errors()
    assert asked(bed) == 2


def test_a_key_that_asks_too_fast_rests_and_no_scene_pays_for_it(bed):
    """A limit of the account is no fault of the scene: its attempts are for what is."""
    bed.configure("openai", key_rate=1200.0, key_burst=3)
    run = Storyboard(bed.urls["openai"], ["key-a", "key-b"], "storyboard-1", retry=QUICK).script(IDEA, 192)
    assert run.result()["error"].null_count() == 24
    assert run.stats().refused == sum(key["refused"] for key in run.notes["keys"].values()) > 0
    assert asked(bed) == 26 + run.stats().refused


def test_keys_are_nowhere_but_on_the_wire(bed, tmp_path, caplog):
    """Journals, tables, logs and notebooks are given to others."""
    secrets = ["oak-Zq81xLw0pTb7", "elm-Hy52vNc9rKd3", "ash-Mj66sFg1uWe8"]
    bed.configure("openai", invalid_keys=(secrets[1],), key_quota={secrets[0]: 3}, error_rate={400: 0.05})
    with caplog.at_level(logging.DEBUG):
        keys = [Key(secrets[0], name="first"), *secrets[1:]]
        board = Storyboard(bed.urls["openai"], keys, "storyboard-1", retry=QUICK)
        run = board.script(IDEA, 192, journal=tmp_path / "script.db")
        table = run.result()
    run.save(tmp_path / "saved")
    shown = [repr(board), repr(run), run._repr_html_(), repr(run.notes), repr(keys[0]), caplog.text]
    shown += [frame.write_json() for frame in (table, run.frame(), run.attempts(), run.errors())]
    shown += [str(result.error) for result in run.results()]
    files = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    assert len(files) > 2
    for secret in secrets:
        assert not any(secret in text for text in shown)
        assert not any(secret.encode() in content for content in files)
    assert {chat["account"] for chat in bed.truth("openai")["chats"]}


def test_another_storys_journal_is_refused(bed, board, tmp_path):
    """Its scene 17 would be taken for this one's."""
    path = tmp_path / "script.db"
    board.script(IDEA, 192, journal=path).wait()
    with pytest.raises(JournalError, match="give another file"):
        board.script("Another idea", 192, journal=path)
    with pytest.raises(JournalError, match="give another file"):
        board.script(IDEA, 200, journal=path)
    other = board.script(IDEA, 192, batch_size=3, context="rolling", journal=path)
    assert other.wait().stats().earlier == 26


def test_what_cannot_work_is_told_at_the_call(bed, tmp_path):
    """A run of 77 failed items says less than the knob's name."""
    url = bed.urls["openai"]
    board = Storyboard(url, "key-a")
    with pytest.raises(ConfigError, match=r"^base_url: .*/v1"):
        Storyboard("example.org", "key-a")
    with pytest.raises(ConfigError, match=r"^model: "):
        Storyboard(url, "key-a", "")
    with pytest.raises(ConfigError, match=r"^retry: "):
        Storyboard(url, "key-a", retry=3)
    with pytest.raises(ConfigError, match=r"^idea: "):
        board.script(" ")
    with pytest.raises(ConfigError, match=r"^journal: .*retry_failed"):
        board.script(IDEA, journal=fl.Journal(tmp_path / "x.db", retry_failed=False))
