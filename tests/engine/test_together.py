"""What many ask in one turn of the loop is asked in one go."""

from __future__ import annotations

import asyncio
from concurrent.futures import Future

from fetchlab.engine.together import Together


class Store:
    """Answers when it is told to."""

    def __init__(self):
        self.asked = []

    def ask(self, names):
        self.asked.append((names, Future()))
        return self.asked[-1][1]


def test_those_of_one_turn_share_a_question():
    """Each of a thousand workers would make a trip, and the same page come a hundred times."""

    async def ask():
        store = Store()
        together = Together(store.ask, None)
        answers = [together(name) for name in "abab"]
        await asyncio.sleep(0)
        later = together("c")
        await asyncio.sleep(0)
        assert [names for names, _ in store.asked] == [["a", "b"], ["c"]]
        store.asked[1][1].set_result(["C"])
        store.asked[0][1].set_result(["A", "B"])
        assert await asyncio.gather(*answers, later) == ["A", "B", "A", "B", "C"]

    asyncio.run(ask())


def test_a_store_in_trouble_answers_everybody_alike():
    """A lock that lasts, or a server that is gone, would fail the items that ask."""

    async def ask():
        store = Store()
        together = Together(store.ask, "mine")
        answers = [together(name) for name in "ab"]
        await asyncio.sleep(0)
        store.asked[0][1].set_exception(OSError("disk"))
        assert await asyncio.gather(*answers) == ["mine", "mine"]

    asyncio.run(ask())


def test_what_nobody_waits_for_any_more_is_given_back():
    """The lead that a cancelled item was given would be nobody's, and everybody wait for it."""

    async def ask():
        store, unwanted = Store(), []
        together = Together(store.ask, "mine", lambda name, answer: unwanted.append((name, answer)))
        gone, there = together("a"), together("b")
        await asyncio.sleep(0)
        gone.cancel()
        store.asked[0][1].set_result(["mine", "held"])
        assert await there == "held"
        assert unwanted == [("a", "mine")]

    asyncio.run(ask())
