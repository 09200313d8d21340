"""Two functions that may return different values have different names, and one function has one."""

from __future__ import annotations

import dataclasses
import enum
import functools
import operator
import re
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

import fetchlab as fl
from fetchlab import errors
from fetchlab.store.naming import function_name


@dataclasses.dataclass
class Settings:
    factor: int


class Unit(enum.Enum):
    KM = 1
    MILE = 2


class Scaled:
    def __init__(self, factor):
        self.factor = factor

    def of(self, number):
        return number * self.factor

    def __call__(self, number):
        return number * self.factor


def holding(value):
    return lambda: value


def made(source):
    names = {}
    exec(source, names)
    return names["f"]


def test_two_lambdas_on_one_line_are_two():
    """The source of a lambda is its whole line: the second would give the first one's values."""
    first, second = (lambda number: number + 1), (lambda number: number + 2)
    assert function_name(first) != function_name(second)
    cache = fl.Cache()
    assert [fl.map(one, [1], cache=cache).result() for one in (first, second)] == [[2], [3]]
    inner, other = (lambda: [n + 1 for n in (1,)]), (lambda: [n + 2 for n in (1,)])
    assert function_name(inner) != function_name(other)


def test_functions_without_source_are_told_apart():
    """In ``python -c`` and after ``exec`` there is none, and all functions of a name would be one."""
    one, other = made("def f(n):\n    return n + 1"), made("def f(n):\n    return n + 2")
    again = made("def f(n):\n    # the same\n\n    return n + 1")
    assert function_name(one) == function_name(again) != function_name(other)
    assert function_name(made("def f(n): return n in {'a', 'b'}")) != function_name(
        made("def f(n): return n in {'a', 'c'}")
    )


def test_a_name_is_the_same_in_the_next_process(tmp_path):
    """Sets have another order in every process: what is stored would not be found again."""
    code = (
        "from fetchlab.store.naming import function_name\n"
        "held = {'a', 'b', 'c'}\n"
        "def outer(held): return lambda n: n in held or n in {'x', 'y', 'z'}\n"
        "print(function_name(outer(held)))"
    )
    told = {
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
        for _ in range(3)
    }
    assert len(told) == 1


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"k": 2}, {"k": 5}),
        ([1], [2]),
        ((1, 2), [1, 2]),
        ({1}, {2}),
        (b"a", b"b"),
        (Settings(1), Settings(2)),
        (Unit.KM, Unit.MILE),
        (Path("a"), Path("b")),
        (re.compile("a"), re.compile("a", re.IGNORECASE)),
        (pl.DataFrame({"a": [1]}), pl.DataFrame({"a": [2]})),
        (Settings, Unit),
        (operator.add, operator.sub),
        ({"f": holding(1)}, {"f": holding(2)}),
        (1, True),
        (None, 0),
    ],
    ids=lambda value: str(type(value).__name__),
)
def test_what_a_function_closes_over_counts_by_value(one, other):
    """A function made for other settings would be given the values of the first ones."""
    assert function_name(holding(one)) == function_name(holding(one))
    assert function_name(holding(one)) != function_name(holding(other))


def test_order_does_not_count_where_there_is_none():
    """Equal settings would be two."""
    assert function_name(holding({"a": 1, "b": 2})) == function_name(holding({"b": 2, "a": 1}))


def test_what_cannot_be_told_apart_is_refused_unless_named():
    """A function over one client would take what was stored for another one's account."""
    with pytest.raises(errors.ConfigError, match=r"key: .* holds value needs key="):
        function_name(holding(object()))
    assert function_name(holding(object()), keyed=True) == function_name(holding(object()), keyed=True)


@pytest.mark.parametrize(
    "bound", [lambda n: Scaled(n).of, Scaled, lambda n: [n].count, lambda n: str(n).join]
)
def test_what_is_bound_to_an_object_is_refused_unless_named(bound):
    """``Scaled(2).of`` and ``Scaled(5).of`` have one source: the second would give the first one's values."""
    cache = fl.Cache()
    with pytest.raises(errors.ConfigError, match="key: with a cache, what is bound"):
        cache.memoize(bound(2))
    if bound is Scaled:
        for factor in (2, 5):
            named = cache.memoize(Scaled(factor), key=lambda number, factor=factor: (factor, number))
            assert named(10) == 10 * factor


def test_wrappers_of_one_function_are_two():
    """``functools.wraps`` lends them its name and source: one would give the other one's values."""

    def base(number):
        return number

    def twice(function):
        @functools.wraps(function)
        def wrapped(number):
            return 2 * function(number)

        return wrapped

    def thrice(function):
        @functools.wraps(function)
        def wrapped(number):
            return 3 * function(number)

        return wrapped

    assert len({function_name(one) for one in (base, twice(base), thrice(base), twice(twice(base)))}) == 4


def test_functions_that_hold_themselves_or_what_remembers_have_a_name():
    """Recursion inside a cell, and a memoized helper, are ordinary."""
    cache = fl.Cache()

    def depth(number):
        return depth(number - 1) + 1 if number else 0

    helper = cache.memoize(lambda number: number + 1)
    assert fl.map(depth, [3], cache=cache).result() == [3]
    assert fl.map(lambda number: helper(number) + 0, [3], cache=cache).result() == [4]


def test_arguments_of_any_plain_kind_make_a_key():
    """Bytes and sets are plain, and would be an error, or another key in every process."""
    calls = []
    cache = fl.Cache()

    @cache.memoize
    def size(what):
        calls.append(what)
        return len(what)

    assert [size(b"\xff\x00"), size(b"\xff\x00"), size({"a", "b"}), size({"b", "a"})] == [2, 2, 2, 2]
    assert len(calls) == 2
