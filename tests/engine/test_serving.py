"""One attempt: whatever a task raises is its item's failure and nobody else's."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest

import clock
from engine.scheduling import Bench
from fetchlab import errors


@pytest.mark.parametrize(
    "raised", [SystemExit(3), KeyboardInterrupt(), BaseException("x"), asyncio.CancelledError()]
)
def test_what_a_task_raises_ends_its_item_only(raised):
    """SystemExit out of one item's task must not end the engine's loop."""

    async def task(work):
        await asyncio.sleep(1)
        if work.item == 1:
            raise raised
        return work.item

    async def main(loop):
        return await Bench(loop, range(4), task).run()

    sink, _ = clock.run(main)
    assert sink.times_ended == Counter(range(4))
    assert isinstance(next(row[3] for row in sink.rows if row[0] == 1), errors.TaskError)
    assert [sink.values[index] for index in (0, 2, 3)] == [0, 2, 3]
