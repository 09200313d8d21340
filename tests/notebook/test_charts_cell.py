"""The charts' published snippet for asynchronous code, in a cell, where a loop runs already."""

from __future__ import annotations

import pytest

# Verbatim but for the import; the cell before it names the service.
SNIPPET = """
# Asyncio for integration with other async code
import asyncio
from fetchlab.studies.charts import fetch_category_lists


async def complex_workflow():
    # Mix with other async operations
    other_data = await fetch_something_else()

    # Use asyncio.to_thread for batch functions
    rust_results = await asyncio.to_thread(
        fetch_category_lists,
        countries=["us", "kr"],
        categories=["GAME_ACTION"],
        num_results=100,
    )

    return combine(other_data, rust_results)
"""
THEIRS = """
import os
os.environ["FETCHLAB_PLAY_URL"] = {url!r}

async def fetch_something_else():
    return (await fl.fetch(urls, progress=False)).stats().ok

def combine(other_data, results):
    return other_data, [(one.country, len(one)) for one in results]
"""
TURNS = """
work, turns = asyncio.ensure_future(complex_workflow()), 0
while not work.done():
    await asyncio.sleep(0)
    turns += 1
print(await work, turns > 20)
"""


@pytest.fixture
def served(kernel, bed):
    """The kernel, with what the snippet leaves to its reader; answers take their time."""
    bed.configure("play", latency=0.1)
    assert kernel.run(THEIRS.format(url=bed.urls["play"])) == ""
    return kernel


def test_the_published_asyncio_snippet_runs_in_a_cell(served):
    """The call blocks a thread of its own: the cell's loop must go on turning until the lists are there."""
    assert served.run(SNIPPET) == ""
    assert served.run(TURNS) == "(12, [('us', 100), ('kr', 100)]) True"
