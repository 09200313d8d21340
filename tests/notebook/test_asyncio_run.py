"""``asyncio.run`` in cells: only on request, and never at the price of the cells queued behind."""

from __future__ import annotations

import asyncio
import sys

import pytest

from fetchlab.errors import ConfigError
from fetchlab.notebook import allow_asyncio_run
from fetchlab.notebook.asyncio_run import Surroundings, choose

BOTH = frozenset({"nest_asyncio", "nest_asyncio2"})
OLD = frozenset({"nest_asyncio"})
NONE: frozenset[str] = frozenset()
MAIN = "async def main(n):\n    await asyncio.sleep(0)\n    return n\n"


def around(present, python=(3, 11), ipykernel=7, loop="asyncio.unix_events", patched=""):
    return Surroundings(loop, patched, present, python, ipykernel)


@pytest.mark.parametrize(
    ("where", "taken"),
    [
        (around(BOTH), "nest_asyncio2"),
        (around(BOTH, ipykernel=6), "nest_asyncio2"),
        (around(BOTH, python=(3, 14)), "nest_asyncio2"),
        (around(BOTH, patched="nest_asyncio2"), "nest_asyncio2"),
        (around(OLD, ipykernel=6), "nest_asyncio"),
        (around(BOTH, ipykernel=6, patched="nest_asyncio"), "nest_asyncio"),
    ],
)
def test_the_maintained_one_is_taken_and_never_a_second(where, taken):
    """Both at once patch each other's patch; what is in force already stays, where it is safe."""
    assert choose(where) == taken


@pytest.mark.parametrize(
    ("where", "said"),
    [
        (around(OLD), "swallows the cells queued .* ipykernel 7: `pip install nest-asyncio2`"),
        (around(OLD, python=(3, 14), ipykernel=0), "Python 3.14"),
        (around(NONE), "pip install nest-asyncio2"),
        (around(BOTH, loop="uvloop"), "uvloop's, which cannot be nested"),
        (around(BOTH, patched="nest_asyncio"), "already, which swallows .* restart the kernel"),
        (around(BOTH, python=(3, 14), patched="nest_asyncio"), "already, which breaks asyncio"),
    ],
)
def test_where_none_is_safe_it_says_so_and_what_to_do(where, said):
    """A patch that loses cells in silence is worse than the error it was to cure."""
    with pytest.raises(ConfigError, match=rf"^allow_asyncio_run: .*{said}"):
        choose(where)


def test_without_a_running_loop_nothing_is_touched():
    """In a script ``asyncio.run`` works as it is."""
    before = asyncio.run
    assert allow_asyncio_run() == ""
    assert asyncio.run is before
    assert not hasattr(asyncio, "_nest_patched")


@pytest.mark.skipif(sys.platform == "win32", reason="there is no uvloop")
def test_under_uvloop_nothing_is_touched():
    """Half a patch, applied before the refusal, would stay for the rest of the session."""
    import uvloop

    async def cell():
        return allow_asyncio_run()

    with pytest.raises(ConfigError, match="uvloop"):
        uvloop.run(cell())
    assert not hasattr(asyncio, "_nest_patched")


def test_in_a_kernel_the_cells_queued_behind_it_are_executed(kernel):
    """*Run All* queues every cell: nest-asyncio 1.6.0 runs the first one and drops the others in silence."""
    before = kernel.run(f"import asyncio\n{MAIN}asyncio.run(main(1))")
    assert "cannot be called from a running event loop" in before
    only_old = "sys.modules['nest_asyncio2'] = None\nfl.notebook.allow_asyncio_run()"
    assert "swallows the cells queued behind" in kernel.run(only_old)
    assert kernel.run("del sys.modules['nest_asyncio2']; print(hasattr(asyncio, '_nest_patched'))") == "False"
    assert kernel.run("print(fl.notebook.allow_asyncio_run(), fl.notebook.allow_asyncio_run())") == (
        "nest_asyncio2 nest_asyncio2"
    )
    queued = [
        kernel.send("print(asyncio.run(main(1)))"),
        kernel.send("print(asyncio.run(main(2)), await main(3))"),
        kernel.send("print(asyncio.run(main(4)))"),
        kernel.send("print('nest_asyncio' in sys.modules)"),
    ]
    assert [kernel.answer(request)[0] for request in queued] == ["1", "2 3", "4", "False"]


def test_runs_go_on_as_before_in_a_patched_kernel(kernel):
    """The engine's loop has a thread of its own and must not care; also from within ``asyncio.run``."""
    code = (
        "fl.notebook.allow_asyncio_run()\n"
        "async def fetched():\n    return (await fl.fetch(urls, workers=4)).stats().ok\n"
    )
    queued = [
        kernel.send(f"import asyncio\n{code}print(asyncio.run(fetched()))"),
        kernel.send("run = fl.fetch(urls, progress=False)\nawait run\nprint(run.stats().ok)"),
        kernel.send("print(len(fl.fetch(urls, progress=False).result()))"),
    ]
    assert [kernel.answer(request)[0] for request in queued] == ["12", "12", "12"]
