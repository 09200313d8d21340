"""Committed tables: how they are measured again, and how long that takes."""

from __future__ import annotations

import pytest

from fetchlab.bench import repeat
from fetchlab.bench.change import against
from fetchlab.bench.machine import environment
from fetchlab.bench.saved import Saved
from fetchlab.errors import ConfigError, StoreError

from .made import rounds


def table(folder, name="fairness", *, file=None, about=None, **settings):
    """A committed table of two arms, measured in five rounds after a warm-up, 60 s in all."""
    chosen = {"bench": name, "items": 40, "workers": 2, "rounds": 5, "seed": 3, **settings}
    made = rounds({"a": (2.0, 10), "b": (8.0, 10)}, warmup=1)
    record = environment(settings=chosen) | {"took_s": 60.0} | (about or {})
    Saved(made, record).save_as(folder / f"{file or name}.parquet")


def test_a_table_is_measured_with_the_settings_that_are_in_it(tmp_path):
    """Whoever had to remember them would measure something else."""
    table(tmp_path, workers=7)
    (one,) = repeat.planned(folder=tmp_path)
    assert one.settings == {"items": 40, "workers": 7, "rounds": 5, "seed": 3}
    assert (one.bench.name, one.seconds, one.measurements, one.reasons) == ("fairness", 60.0, 12, ())


def test_another_server_is_said_beforehand(tmp_path):
    """Figures against nginx and against the testbed differ by the server."""
    chosen = {"bench": "layers", "items": 20, "rounds": 5, "seed": 0, "server": "another"}
    made = rounds({"a": (2.0, 10)})
    Saved(made, environment(settings=chosen)).save_as(tmp_path / "layers.parquet")
    (one,) = repeat.planned(folder=tmp_path)
    assert "server" not in one.settings
    assert "earlier another" in one.reasons[0]


def test_fewer_rounds_are_quicker_and_as_comparable(tmp_path):
    """A look before lunch: warm-ups stay, rounds go, and never more than the table has."""
    table(tmp_path)
    (one,) = repeat.planned(folder=tmp_path, rounds=repeat.QUICK)
    assert (one.settings["rounds"], one.measurements, one.seconds) == (3, 8, pytest.approx(40))
    assert one.reasons == ()
    (same,) = repeat.planned(folder=tmp_path, rounds=99)
    assert same.settings["rounds"] == 5


def test_a_table_of_another_machine_says_so_beforehand(tmp_path):
    """An hour later it would be no use."""
    table(tmp_path, about={"cpu": "Another CPU"})
    (one,) = repeat.planned(folder=tmp_path)
    assert one.reasons[0].startswith("another machine: CPU")


def test_only_the_named_tables_are_measured(tmp_path):
    """All of them take an hour."""
    table(tmp_path, "fairness"), table(tmp_path, "cache", size=64)
    assert [one.bench.name for one in repeat.planned(folder=tmp_path)] == ["cache", "fairness"]
    assert [one.bench.name for one in repeat.planned(["fairness"], tmp_path)] == ["fairness"]
    with pytest.raises(ConfigError, match=r"names: .* no table of 'exits', only of cache, fairness"):
        repeat.planned(["exits"], tmp_path)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"file": "cache"}, "is a run of fairness, not of cache"),
        ({"colour": "red"}, "measured with colour"),
        ({"file": "foreign"}, "bench: is one of"),
    ],
)
def test_a_table_that_cannot_be_measured_again_is_refused(tmp_path, more, words):
    """It would be measured as something else, or fail after all the others."""
    table(tmp_path, **more)
    with pytest.raises(ConfigError, match=words):
        repeat.planned(folder=tmp_path)


def test_no_table_and_no_readable_table_are_errors_of_our_own(tmp_path):
    """The first thing after a clone is to run it in the wrong folder."""
    with pytest.raises(ConfigError, match=r"tables: .*--commit"):
        repeat.planned(folder=tmp_path / "absent")
    (tmp_path / "cache.parquet").write_text("no parquet at all")
    with pytest.raises(StoreError, match="cannot be read"):
        repeat.planned(folder=tmp_path)


def test_what_is_left_goes_by_this_machine_s_pace():
    """A table measured on a machine twice as fast would be promised in half the time, to the end."""
    now = [100.0]
    pace = repeat.Pace([10.0, 30.0], clock=lambda: now[0])
    assert pace.left(0, 0.0) == 40
    now[0] += 1
    assert pace.left(0, 0.5) == 35, "the first second tells nothing yet"
    now[0] += 19
    assert pace.left(1, 0.0) == 60, "ten seconds have taken twenty"
    now[0] += 30
    assert pace.left(1, 0.5) == 30
    assert pace.left(1, 1.0) == 0


def test_an_invariant_row_is_reproduced(tmp_path):
    """It is what a published table wants to be."""
    table(tmp_path, "cache", size=64)
    (one,) = repeat.planned(folder=tmp_path)
    rows = repeat.verdicts(against(one.table, one.table))
    assert rows["verdict"].to_list() == [repeat.REPRODUCED] * 2
