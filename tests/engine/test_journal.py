"""A journal under a run: the same call goes on, whatever stopped it before."""

from __future__ import annotations

import dataclasses
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import fetchlab as fl
from fetchlab.errors import Cancelled, ConfigError, JournalError, StatusError
from fetchlab.store.journal_file import JournalFile

from . import journalled
from .runs import until

QUICK = fl.Retry(attempts=2, base=0.01)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "runs" / "j.db"


def double(item):
    return item * 2


class Counting:
    """A task that counts its calls and fails on demand."""

    def __init__(self):
        self.calls = []
        self.bad = set()

    def __call__(self, item):
        self.calls.append(item)
        if item in self.bad:
            raise ValueError(f"{item} is bad")
        return {"n": item}


@dataclasses.dataclass
class Page:
    n: int


def test_the_same_call_fetches_nothing_twice_and_gives_everything(bed, echo, path):
    """A cell that is run again the next day would ask for everything anew."""
    urls = [f"{echo}/bytes/{n}" for n in range(120)]
    urls[17] = f"{echo}/status/404"
    first = fl.fetch(urls, journal=path)
    values = first.result()
    assert first.stats().earlier == 0
    assert bed.counters("echo")["requests"] == 120
    again = fl.fetch(iter(urls), journal=str(path))
    assert again.result() == values
    assert bed.counters("echo")["requests"] == 121, "what failed is tried again"
    stats = again.stats()
    assert (stats.done, stats.ok, stats.failed, stats.earlier, stats.total) == (120, 119, 1, 119, 120)
    assert stats.mean_rate == pytest.approx(1 / stats.elapsed)
    assert "119 of them earlier" in repr(again)
    timings = again.frame()
    assert timings.drop("session").filter("ok").equals(first.frame().drop("session").filter("ok"))
    assert timings.filter(pl.col("session") == 2)["index"].to_list() == [17]
    assert again.attempts().height == 120
    assert [result.value for result in again.results()] == values
    assert [result.item for result in again.results()] == urls
    assert again.table()["index"].to_list() == [n for n in range(120) if n != 17]
    assert isinstance(again.results()[17].error, StatusError)


@pytest.mark.parametrize("keep", [True, False])
@pytest.mark.parametrize("order", ["completed", "input"])
def test_a_reader_sees_what_earlier_sessions_finished(path, keep, order):
    """A loop that writes results to a file would leave out those of the day before."""
    task = Counting()
    fl.map(task, range(0, 600, 2), journal=path).wait()
    run = fl.map(task, range(600), journal=path, keep=keep, order=order)
    seen = [(result.index, result.value, result.ok) for result in run]
    assert sorted(seen) == [(n, {"n": n}, True) for n in range(600)]
    if order == "input":
        assert seen == sorted(seen)
    assert sorted(task.calls) == sorted(range(600))
    assert run.frame()["index"].to_list() == list(range(600))


def test_values_come_back_as_what_they_were(path):
    """A model that comes back as a dict breaks the next cell."""
    values = [
        Page(1),
        b"\0\xff",
        {"a": [1, None]},
        (1, 2),
        "x",
        3,
        True,
        pl.DataFrame({"a": [1]}),
        Path("a/b"),
    ]

    def task(n):
        return values[n]

    fl.map(task, range(len(values)), journal=path).wait()
    run = fl.map(task, range(len(values)), journal=path)
    again = run.result()
    assert run.stats().earlier == len(values)
    assert [type(value) for value in again] == [type(value) for value in values[:-1]] + [type(values[-1])]
    assert again[7].equals(values[7])
    del again[7], values[7]
    assert again == values


def test_names_that_are_no_utf8_are_keys_too(path):
    """A file name from an old disk would stop the whole run."""

    def task(name):
        if name == "bad\udcff":
            raise ValueError(name)
        return name

    names = ["a\udcff", "b\ud800é", "bad\udcff"]
    assert fl.map(task, names, journal=path, retry=QUICK).result() == [*names[:2], None]
    run = fl.map(task, names, journal=path, retry=QUICK)
    assert run.result() == [*names[:2], None]
    assert run.stats().earlier == 2
    assert run.frame().height == 3


def test_what_cannot_be_stored_fails_as_an_item(path):
    """It would be ok today and gone tomorrow."""
    run = fl.map(lambda n: object() if n == 1 else n, range(3), journal=path, retry=QUICK)
    assert run.result() == [0, None, 2]
    assert run.errors()["error"].to_list() == ["JournalError"]
    assert "return JSON values" in run.errors()["message"][0]


def test_failed_items_stay_so_if_that_is_wanted(path):
    """Ten thousand dead links would be tried again every morning."""
    task = Counting()
    task.bad = {3, 5}
    fl.map(task, range(8), journal=path, retry=QUICK).wait()
    calls = len(task.calls)
    run = fl.map(task, range(8), journal=fl.Journal(path, retry_failed=False), retry=QUICK)
    assert run.result() == [None if n in task.bad else {"n": n} for n in range(8)]
    assert len(task.calls) == calls
    stats = run.stats()
    assert (stats.done, stats.ok, stats.failed, stats.earlier) == (8, 6, 2, 8)
    assert stats.errors == {"TaskError": 2}
    assert "3 is bad" in str(run.results()[3].error)
    task.bad = set()
    run.retry_failed().wait()
    assert run.stats().ok == 8
    assert run.result() == [{"n": n} for n in range(8)]
    assert fl.map(task, range(8), journal=path).stats().total == 8
    assert sorted(task.calls[calls:]) == [3, 5]


def test_failed_ones_reach_a_reader_that_holds_nothing(path):
    """With ``keep=False`` they would be counted and never seen."""
    task = Counting()
    task.bad = {2}
    fl.map(task, range(4), journal=path, retry=QUICK).wait()
    run = fl.map(task, range(4), journal=fl.Journal(path, retry_failed=False), keep=False)
    assert sorted((result.index, result.ok) for result in run) == [
        (0, True),
        (1, True),
        (2, False),
        (3, True),
    ]


def test_without_look_ups_everything_is_fetched_anew(path):
    """``--refetch`` would show yesterday's prices."""
    assert fl.map(double, range(5), journal=path).result() == [0, 2, 4, 6, 8]
    journal = fl.Journal(path, skip_known=False)
    assert fl.map(str, range(5), journal=journal).result() == ["0", "1", "2", "3", "4"]
    with pytest.warns(RuntimeWarning, match="another one, made 5 values"):
        run = fl.map(double, range(5), journal=path)
    assert run.result() == ["0", "1", "2", "3", "4"]
    with sqlite3.connect(path) as connection:
        assert connection.execute("SELECT count(*) FROM value").fetchone() == (5,), "the old ones are gone"


def test_a_journal_holds_values_of_one_kind(bed, echo, path):
    """``parse="json"`` would give the bytes of the day before, or some of each."""
    urls = [f"{echo}/json?n={n}" for n in range(4)]
    assert {type(value) for value in fl.fetch(urls, journal=path).result()} == {bytes}
    with pytest.raises(
        JournalError, match=r"holds values of parse='bytes', not of parse='json'.*skip_known=False"
    ):
        fl.fetch(urls, journal=path, parse="json")
    with pytest.raises(JournalError, match=r"holds values of parse='bytes', not of function .*parsed"):
        fl.fetch(urls, journal=path, parse=parsed)
    assert fl.fetch(urls, journal=path).wait().stats().earlier == 4, "it is as it was"
    run = fl.fetch(urls[:2], journal=fl.Journal(path, skip_known=False), parse="json")
    assert {type(value) for value in run.result()} == {dict}
    again = fl.fetch(urls, journal=path, parse="json")
    assert {type(value) for value in again.result()} == {dict}
    assert again.stats().earlier == 2, "those of the other kind are none"
    with pytest.raises(JournalError, match="holds values of parse='json'"):
        fl.fetch(urls, journal=path)
    with pytest.raises(JournalError, match="holds values of parse='json'"):
        fl.fetch(urls, journal=path, parse=Page)


def test_a_journal_without_values_takes_any_kind(echo, path):
    """A first try that failed would fix the parser for ever."""
    fl.fetch([f"{echo}/status/404"], journal=path).wait()
    assert fl.fetch([f"{echo}/json"], journal=path, parse="json").wait().stats().ok == 1


def parsed(response):
    return response.status


def test_a_function_may_change_and_that_is_said(path, caplog):
    """Half of a table from a mended function, half from the one before, and nobody knows which."""

    def made(add):
        return lambda n: n + add

    fl.map(made(1), range(4), journal=path).wait()
    run = fl.map(made(1), range(4), journal=path)
    assert run.notes == {}
    run.wait()
    with pytest.warns(RuntimeWarning, match="made 4 values") as told:
        run = fl.map(made(2), range(6), journal=path)
    assert told[0].filename == __file__
    assert run.result() == [1, 2, 3, 4, 6, 7]
    assert run.notes == {"values_of_another_version": 4}
    assert "made 4 values" in caplog.text
    with pytest.raises(RuntimeWarning, match="made 2 values"):  # a warning made an error holds no file
        fl.map(made(1), range(6), journal=path)
    assert fl.map(made(2), range(6), journal=fl.Journal(path, skip_known=False)).result() == list(range(2, 8))
    assert fl.map(made(2), range(6), journal=path).notes == {}


def test_equal_keys_give_every_index_its_value(path):
    """The journal holds one row per key, the input may hold a key twice."""
    items = ["a", "b", "a", "c", "a"]
    assert fl.map(str.upper, items, journal=path).result() == ["A", "B", "A", "C", "A"]
    with pytest.warns(RuntimeWarning, match="made 3 values"):
        run = fl.map(str.lower, items, journal=path)
    assert run.result() == ["A", "B", "A", "C", "A"]
    assert run.frame()["index"].to_list() == [0, 1, 2, 3, 4]
    assert run.stats().earlier == 5
    with fl.Journal.open(path) as journal:
        assert sorted(journal.frame()["key"]) == ["a", "b", "c"]


def test_dedup_goes_on(path):
    """Twins of a known item are known, and an added one that was seen is left out as ever."""
    task = Counting()
    fl.map(task, ["a", "b", "a"], journal=path, dedup=True).wait()
    assert sorted(task.calls) == ["a", "b"]
    run = fl.map(task, ["a", "b", "a", "c"], journal=path, dedup=True, follow=lambda _: ["a", "d"], workers=1)
    run.wait()
    assert sorted(task.calls) == ["a", "b", "c", "d"]
    assert [result.item for result in run.results()] == ["a", "b", "a", "c", "d"]


def test_follow_gets_known_results_so_that_its_items_are_found(path):
    """Of a list with details, the details of known pages would be lost."""
    task, seen = Counting(), []

    def details(result):
        seen.append(result.value)
        return [f"{result.item}/{n}" for n in range(3)] if "/" not in result.item else []

    pages = [f"page{n}" for n in range(50)]
    fl.map(task, pages[:20], journal=path).wait()
    run = fl.map(task, pages, journal=path, follow=details)
    assert len(run.result()) == 200
    assert len(seen) == 200
    assert len(task.calls) == 200
    again = fl.map(task, pages, journal=path, follow=details)
    assert len(again.result()) == 200
    assert again.stats().earlier == 200
    assert len(task.calls) == 200


def test_a_follow_that_raises_fails_a_known_item(path):
    """The journal would say ok of an item whose further items nobody has."""
    fl.map(double, range(3), journal=path).wait()

    def follow(result):
        raise LookupError("no")

    run = fl.map(double, range(3), journal=path, follow=follow).wait()
    assert run.stats().failed == 3
    assert run.stats().errors == {"TaskError": 3}
    assert "follow raised LookupError" in run.errors()["message"][0]


@pytest.mark.parametrize("strategy", [fl.Chunked(7), fl.Threads(3), fl.Sequential(), fl.Batch()])
def test_under_every_strategy(path, strategy):
    """A barrier would wait for items that never become work."""
    assert fl.map(double, range(0, 40, 3), journal=path, strategy=strategy).wait().stats().ok == 14
    run = fl.map(double, list(range(40)), journal=path, strategy=strategy)
    assert run.result() == [n * 2 for n in range(40)]
    assert run.stats().earlier == 14


def test_with_priorities(path):
    """What is read ahead is known or not, as anything."""
    fl.map(double, range(0, 3000, 2), journal=path, workers=50).wait()
    run = fl.map(double, list(range(3000)), journal=path, priority=lambda n: -n)
    assert run.result() == [n * 2 for n in range(3000)]


@settings(max_examples=30)
@given(st.lists(st.sampled_from("abcdefgh")), st.lists(st.sampled_from("abcdefgh")), st.booleans())
def test_any_input_after_any_other(tmp_path_factory, before, after, keep):
    """Items are known by key, whatever their places and their company."""
    path = tmp_path_factory.mktemp("any") / "j.db"
    calls = []

    def task(item):
        calls.append(item)
        return item.upper()

    fl.map(task, before, journal=path, progress=False).wait()
    del calls[:]
    run = fl.map(task, after, journal=path, keep=keep, progress=False)
    assert sorted(result.value for result in run) == sorted(item.upper() for item in after)
    assert set(calls) == set(after) - set(before)
    assert run.stats().earlier == sum(item in before for item in after)


def test_a_cancelled_run_goes_on_in_the_same_process(path):
    """What was in flight is pending again, in the file as in the run."""
    gate, begun = threading.Event(), threading.Event()

    def task(item):
        if item >= 5:
            begun.set()
            gate.wait(30)
        return item

    run = fl.map(task, range(20), journal=path, workers=2)
    begun.wait()
    run.cancel().wait()
    assert run.state == "cancelled"
    assert {type(error) for error in run._recorder.errors.values()} == {Cancelled}
    with fl.Journal.open(path) as journal:
        assert journal.frame()["ok"].all()
        assert journal.sessions()["state"].to_list() == ["cancelled"]
    gate.set()
    assert run.retry_failed().result() == list(range(20))
    assert fl.map(task, range(20), journal=path).stats().total == 20
    with fl.Journal.open(path) as journal:
        assert journal.sessions()["state"].to_list()[:2] == ["cancelled", "done"]
        assert journal.sessions()["items"].to_list()[:2] == [5, 15]


def test_a_cell_run_twice_attaches_to_the_live_run(path):
    """Two runs would fetch everything twice, or the second would be an error."""
    gate = threading.Event()

    def made():
        return fl.map(lambda item: gate.wait(30) and item, [1, 2, 3], journal=path)

    run = made()
    assert made() is run
    with pytest.raises(JournalError, match="in use by another run of this process"):
        fl.map(double, [1, 2, 3], journal=path)
    with pytest.raises(JournalError, match="in use by another run of this process"):
        fl.map(lambda item: gate.wait(30) and item, [1, 2, 3, 4], journal=path)
    gate.set()
    assert run.result() == [1, 2, 3]
    assert made() is not run


def test_a_second_process_is_told_who_has_it(bed, echo, path):
    """Two writers would fetch everything twice, politely one after the other."""
    bed.configure(latency=0.5)
    program = [sys.executable, str(Path(journalled.__file__)), str(path), echo, "50", "2"]
    with subprocess.Popen(program, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout.readline() == "begun\n"
        with pytest.raises(
            JournalError, match=rf"in use by process {child.pid} since .*UTC; fl.Journal.open"
        ):
            journalled.start(path, echo, 50, 2)
        with fl.Journal.open(path) as journal:
            assert journal.sessions()["state"].to_list() == ["running"]
            child.kill()
            child.wait()
            assert journal.sessions()["state"].to_list() == ["killed"]
    bed.configure(latency=0.0)
    assert journalled.start(path, echo, 50, 2).wait().stats().ok == 50


def test_a_number_is_not_the_text_that_looks_like_it(path):
    """Item 1 got the value of "1"."""
    items = [1, "1", True, "true", 1.5, "1.5", ("a",), '["a"]', 1]
    kinds = [type(item).__name__ for item in items]

    def task(item):
        return type(item).__name__

    cache = fl.Cache()
    for _ in range(2):
        assert fl.map(task, items, journal=path).result() == kinds
        assert fl.map(task, items, cache=cache).result() == kinds
        assert fl.map(task, items, dedup=True).result() == kinds
    run = fl.map(task, items, journal=path).wait()
    assert run.frame()["key"].to_list() == ["1", "1", "true", "true", "1.5", "1.5", '["a"]', '["a"]', "1"]
    assert run.stats().earlier == 9
    with fl.Journal.open(path) as journal:
        assert sorted(journal.table()["value"]) == sorted(kinds[:-1])
        assert journal.attempts().height == 8


def test_items_without_a_key_are_refused(path):
    """All of them would be taken for one another."""
    with pytest.raises(ConfigError, match="key: an item of type dict has no key of its own"):
        fl.map(double, [{"a": 1}], journal=path)
    run = fl.map(double, iter([1, {"a": 1}]), journal=path, workers=1)
    with pytest.raises(ConfigError, match="key: an item of type dict"):
        run.wait()
    assert run.state == "stopped"
    run = fl.map(double, iter([1, 2]), journal=path, key=lambda item: 1 // (item - 2), workers=1)
    with pytest.raises(ConfigError, match="key: its function raised ZeroDivisionError"):
        run.wait()
    assert fl.map(
        lambda d: d["a"], [{"a": 1}], key=lambda d: d["a"], journal=path.with_name("k.db")
    ).result() == [1]


@pytest.mark.parametrize("value", [3, b"x.db", {"a": 1}, "", "a\0b", "~nobody-of-this-name/j.db"])
def test_odd_journals_are_refused_at_the_call(value, tmp_path, monkeypatch):
    """The knob is named."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match="journal"):
        fl.map(double, [1], journal=value)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "knobs", [{"batch_size": 0}, {"batch_size": 1001}, {"batch_size": True}, {"skip_known": 1}]
)
def test_odd_knobs_are_refused(knobs):
    """A batch of a million rows would be lost with the process."""
    with pytest.raises(ConfigError, match=next(iter(knobs))):
        fl.Journal("j.db", **knobs)


def test_a_damaged_or_foreign_file_is_left_alone(path):
    """A journal is precious: nothing is moved or written where something is wrong."""
    path.parent.mkdir()
    path.write_bytes(b"my notes, not a database" * 100)
    with pytest.raises(JournalError, match=r"is no journal or is damaged.*left as it is"):
        fl.map(double, [1], journal=path)
    assert path.read_bytes() == b"my notes, not a database" * 100
    path.unlink()
    fl.map(lambda n: b"x" * 3000, range(200), journal=path).wait()
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(JournalError, match="damaged"):
        fl.map(double, range(200), journal=path)
    assert path.stat().st_size == len(whole) // 2
    assert fl.map(double, [1], journal=path.with_name("other.db")).result() == [2]


def test_what_is_wrong_with_a_file_is_said_as_it_is(path, tmp_path, monkeypatch):
    """Advice for a damaged journal is none for a cache, and a placeholder none for anything."""
    path.parent.mkdir()
    path.touch()
    with pytest.raises(JournalError, match="this file is empty, and no journal yet"):
        fl.Journal.open(path)
    cache = fl.Cache(tmp_path / "c.db")
    cache.put("a", 1)
    cache.close()
    for foreign in (tmp_path / "c.db", tmp_path / "notes.txt"):
        if not foreign.exists():
            foreign.write_text("my notes" * 1000)
        with pytest.raises(JournalError, match=r"or move it away$"):
            fl.map(double, [1], journal=foreign)
    fl.map(double, range(400), journal=path).wait()
    path.write_bytes(path.read_bytes()[:20_000])
    with pytest.raises(JournalError, match=rf"`sqlite3 {path} .recover` can save rows"):
        fl.map(double, range(400), journal=path)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert fl.map(double, [1], journal="~/j.db").result() == [2]
    assert fl.Journal.open("~/j.db").path == tmp_path / "j.db"


def test_damage_that_only_reading_finds_stops_the_run(path, monkeypatch):
    """Files of gigabytes are not looked through at the call: a traceback from inside would come later."""

    def task(n):
        return b"x" * 300

    fl.map(task, range(500), journal=path).wait()
    monkeypatch.setattr("fetchlab.store.journal_file.CHECKED_BYTES", 0)
    with sqlite3.connect(path) as connection:
        (page,) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'item'").fetchone()
        (size,) = connection.execute("PRAGMA page_size").fetchone()
    broken = bytearray(path.read_bytes())
    broken[(page - 1) * size : page * size] = bytes(size)
    path.write_bytes(broken)
    run = fl.map(task, range(500), journal=path)
    with pytest.raises(JournalError, match="damaged"):
        run.wait()
    assert run.state == "stopped"
    assert run.stats().done == 0


def test_a_damaged_value_is_fetched_anew(path):
    """One flipped bit must not pass for a value, nor cost the other values."""
    task = Counting()
    fl.map(task, range(5), journal=path).wait()
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE value SET data = x'7B226E223A337D' WHERE data = x'7B226E223A327D'")
    with fl.Journal.open(path) as journal, pytest.raises(JournalError, match="the value of 2 is damaged"):
        journal.table()
    del task.calls[:]
    assert fl.map(task, range(5), journal=path).result() == [{"n": n} for n in range(5)]
    assert task.calls == [2]
    with fl.Journal.open(path) as journal:
        assert journal.table().height == 5


def test_a_damaged_value_of_a_large_file_is_told(path, monkeypatch):
    """Files of gigabytes are not looked through at the call: what is damaged is found by who reads it."""
    fl.map(Counting(), range(5), journal=path).wait()
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE value SET data = x'00' WHERE id = 3")
    monkeypatch.setattr("fetchlab.store.journal_file.CHECKED_BYTES", 0)
    run = fl.map(Counting(), range(5), journal=path).wait()
    with pytest.raises(JournalError, match=r"is damaged; the same call with keep=False fetches it"):
        run.result()
    assert run.frame().height == 5
    again = fl.map(Counting(), range(5), journal=path, keep=False)
    assert sorted(result.value["n"] for result in again) == [0, 1, 2, 3, 4]
    assert again.stats().earlier == 4


def test_a_journal_that_is_deleted_under_a_run_stops_it(path):
    """It would end as done, with all that it recorded lost, and nobody told."""
    begun, gone = threading.Event(), threading.Event()

    def task(item):
        if item == 5:
            begun.set()
            gone.wait(30)
        return item

    run = fl.map(task, range(3_000), journal=path, workers=1)
    begun.wait()
    path.unlink()
    gone.set()
    with pytest.raises(JournalError, match=r"was deleted, moved or replaced.*run.table"):
        run.wait()
    assert run.state == "stopped"
    assert "was deleted" in run.stopped_by
    assert run.result()[:6] == list(range(6)), "what the run has is there"
    assert run.table().height == run.stats().ok < 3_000
    assert not path.exists()
    assert fl.map(task, range(10), journal=path).result() == list(range(10))


def test_a_link_to_a_journal_in_use_is_that_journal(path, tmp_path):
    """Two runs would write one file under two names."""
    gate = threading.Event()

    def made(where):
        return fl.map(lambda item: gate.wait(30) and item, [1, 2], journal=where)

    run = made(path)
    link = tmp_path / "link.db"
    link.symlink_to(path)
    assert made(link) is run
    with pytest.raises(JournalError, match="in use by another run of this process"):
        fl.map(double, [1], journal=link)
    gate.set()
    assert run.result() == [1, 2]


def test_a_full_disk_stops_the_run_and_keeps_what_is_there(path):
    """Items that are done but nowhere recorded would be fetched again without end."""
    gate = threading.Event()

    def task(item):
        if item == 1:
            gate.wait(30)
        return b"x" * 20_000

    run = fl.map(task, range(2_000), journal=path, workers=1)
    until(lambda: run.stats().done)
    file = run._life._journal._file
    file._writer.call(lambda connection: connection.execute("PRAGMA max_page_count = 60")).result()
    gate.set()
    with pytest.raises(JournalError, match=r"cannot grow.*what is committed stays"):
        run.wait()
    assert run.state == "stopped"
    assert "JournalError" in run.stopped_by
    run.wait()  # told once
    assert run.stats().total == 2_000, "a list has a length, whatever stopped it"
    done = run.stats().done
    assert 0 < done < 2_000
    assert sum(value is not None for value in run.result()) == done
    again = fl.map(task, range(2_000), journal=path, workers=16)
    assert len(again.result()) == 2_000
    assert 0 < again.stats().earlier <= done
    assert run.retry_failed().wait().state == "done"
    with fl.Journal.open(path) as journal:
        assert journal.sessions()["state"].to_list() == ["stopped", "done", "done"]


def test_a_foreign_writer_that_holds_the_file_is_told(path, monkeypatch):
    """A database browser with an open edit would hang the cell for ever."""
    monkeypatch.setattr("fetchlab.store.database.BUSY_SECONDS", 0.05)
    fl.map(double, [1], journal=path).wait()
    with sqlite3.connect(path, isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(JournalError, match=r"locked by another process"):
            fl.map(double, [2], journal=path)
        other.execute("ROLLBACK")
    other.close()
    assert fl.map(double, [2], journal=path).result() == [4]


def test_downloads_are_known_while_their_file_is_there(bed, echo, path, tmp_path):
    """A file that was deleted would never come back."""
    urls = [f"{echo}/download/{size}" for size in (100, 200, 300)]
    first = fl.download(urls, to=tmp_path / "files", journal=path).result()
    asked = bed.counters("echo")["requests"]
    again = fl.download(urls, to=tmp_path / "files", journal=path)
    assert again.result() == first
    assert again.stats().earlier == 3
    assert bed.counters("echo")["requests"] == asked
    first[1].path.unlink()
    third = fl.download(urls, to=tmp_path / "files", journal=path)
    assert [done.bytes for done in third.result()] == [100, 200, 300]
    assert third.stats().earlier == 2
    assert first[1].path.exists()


def test_downloads_are_known_where_this_call_puts_them(bed, echo, path, tmp_path, monkeypatch):
    """Another folder would stay empty, and from another working directory everything would come again."""
    urls = [f"{echo}/download/{size}" for size in (100, 200)]
    (tmp_path / "one").mkdir()
    monkeypatch.chdir(tmp_path)
    first = fl.download(urls, to="one/files", journal=path).result()
    asked = bed.counters("echo")["requests"]
    monkeypatch.chdir(tmp_path / "one")
    again = fl.download(urls, to="files", journal=path)
    assert [done.path for done in again.result()] == [Path("files") / done.path.name for done in first]
    assert again.stats().earlier == 2
    (tmp_path / "one" / "files").rename(tmp_path / "one" / "moved")
    assert fl.download(urls, to="moved", journal=path).wait().stats().earlier == 2
    assert bed.counters("echo")["requests"] == asked
    other = fl.download(urls, to="other", journal=path)
    assert [done.path.parent for done in other.result()] == [Path("other")] * 2
    assert other.stats().earlier == 0
    assert {done.path.exists() for done in other.result()} == {True}

    def named(item):
        return tmp_path / "named" / f"{item.rpartition('/')[2]}.bin"

    chosen = fl.download(urls, to=named, journal=path)
    assert [done.path.name for done in chosen.result()] == ["100.bin", "200.bin"]
    assert chosen.stats().earlier == 0
    again = fl.download(urls, to=named, journal=path)
    assert [done.path for done in again.result()] == [named(url) for url in urls]
    assert again.stats().earlier == 2


@pytest.mark.parametrize(
    "asked",
    [
        lambda echo, n: f"{echo}/anything?access_token=user{n}",
        lambda echo, n: fl.Request(f"{echo}/anything", headers={"authorization": f"Bearer user{n}"}),
    ],
    ids=["query", "header"],
)
def test_every_account_gets_its_own_data(echo, path, asked):
    """Five users would all see the data of one."""
    items = [asked(echo, n) for n in range(5)]
    run = fl.fetch(items, journal=path, cache=fl.Cache(), dedup=True, parse="json")
    values = run.result()
    assert len({str(value) for value in values}) == 5
    assert run.stats().cached == 0
    again = fl.fetch(items, journal=path, parse="json")
    assert again.result() == values
    assert again.stats().earlier == 5


def test_no_secret_is_in_the_file(bed, echo, path):
    """A journal is shared with a notebook."""
    url = f"{echo}/status/500?api_key=hunter2hunter2"
    run = fl.fetch([url], journal=path, retry=QUICK, parse="response")
    run.wait()
    headers = {"Authorization": "Bearer hunter2hunter2"}
    fl.fetch(
        [fl.Request(f"{echo}/bytes/5?token=hunter2hunter2", headers=headers)], journal=path, parse="response"
    ).wait()
    for file in path.parent.iterdir():
        assert b"hunter2" not in file.read_bytes(), file


def test_a_run_without_waiting_is_in_the_file_at_exit(path):
    """A script that ends without ``wait`` would lose its last batch."""
    script = (
        "import fetchlab as fl, sys, time\n"
        "run = fl.map(lambda n: n, range(10), journal=sys.argv[1], progress=False)\n"
        "while run.stats().done < 10: time.sleep(0.001)\n"
    )
    subprocess.run([sys.executable, "-c", script, str(path)], check=True, timeout=60)
    with fl.Journal.open(path) as journal:
        assert journal.frame().height == 10
        assert journal.sessions()["state"].to_list()[0] in ("done", "cancelled")


def test_saved_and_loaded_with_all_sessions(path, tmp_path):
    """What is saved must be what the run shows."""
    fl.map(double, range(5), journal=path).wait()
    run = fl.map(double, range(8), journal=path).wait()
    saved = fl.load(run.save(tmp_path / "saved"))
    assert saved.frame().equals(run.frame())
    assert saved.table().equals(run.table())
    assert saved.stats().earlier == 5


def test_nothing_is_open_when_wait_returns(path):
    """The next call, in another process say, would find the journal in use."""
    for number in range(5):
        fl.map(double, range(number + 1), journal=path).wait()
        file = JournalFile(path, batch_size=50, workers=1)
        file.close("done", "null")
