"""What the wire writes: a film's bible, outline and scenes, always the same for one seed and one story."""

from __future__ import annotations

from functools import lru_cache
from random import Random
from typing import TYPE_CHECKING, Any

from fetchlab.testbed import catalogue_words as words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fetchlab.testbed.chat_asked import Asked, Shown

__all__ = ["Story", "story_of"]

_STYLES = ("watercolour", "stop motion", "hand-drawn ink", "grainy 16 mm", "paper cut-out", "oil paint")
_LIGHTS = ("low sun", "moonlight", "neon", "overcast sky", "candlelight", "dawn mist")
_LOOKS = ("a grey coat", "a red scarf", "oil-stained hands", "a straw hat", "silver hair", "a torn map")
_VOICES = ("dry", "warm", "hurried", "formal", "singing", "barely audible")
_CAMERAS = ("slow dolly in", "static wide", "handheld close-up", "crane up", "tracking left", "overhead")
_EVENTS = (
    "{who} finds {what} where {where} used to be",
    "{who} argues with {other} about {what}",
    "{other} hides {what} before {who} comes back from {where}",
    "{who} walks through {where} and counts every step",
    "rain falls on {where} while {who} waits for {other}",
    "{who} gives {what} away, and {other} watches from {where}",
    "{other} tells {who} what happened in {where}",
    "the lights of {where} go out, one by one, around {who}",
)
_LONGEST = 5
"""Sentences of the most complex scene."""


class Story:
    """One film.

    Args:
        seed: the testbed's.
        title: what tells the film from others.
    """

    def __init__(self, seed: int, title: str) -> None:
        self.title = title
        self._name = f"story {seed} {title}"
        chance = self._chance("film")
        self._adjectives = chance.sample(words.ADJECTIVES, len(words.ADJECTIVES))
        self._nouns = chance.sample(words.NOUNS, len(words.NOUNS))
        self._places = chance.sample(words.PLACES, 8)
        self.people = chance.sample(words.FIRST_NAMES, 3)

    def bible(self) -> dict[str, Any]:
        """Title, tone, setting and characters."""
        chance = self._chance("bible")
        lead, other, third = self.people
        return {
            "title": self.title,
            "logline": f"In {self._places[0]}, {lead} must find a {chance.choice(self._nouns).lower()} "
            f"before {other} does, and {third} knows where it is.",
            "style": f"{chance.choice(_STYLES)}, {chance.choice(_LIGHTS)}",
            "setting": f"{self._places[0]} and {self._places[1]}",
            "characters": [
                {"name": name, "look": chance.choice(_LOOKS), "voice": chance.choice(_VOICES)}
                for name in self.people
            ],
        }

    def beat(self, number: int) -> dict[str, Any]:
        """What the outline says of a scene; `complexity` is its number of sentences."""
        chance = self._chance(f"beat {number}")
        return {"scene": number, "beat": self._event(chance), "complexity": self._complexity(number)}

    def scene(self, number: int, shown: Sequence[Shown] = ()) -> dict[str, Any]:
        """A scene, and with it the scenes that its writer was shown.

        Args:
            number: which; two scenes of one film never share a title.
            shown: the finished scenes in the request, with the numbers that it gave them.
        """
        chance = self._chance(f"scene {number}")
        complexity = self._complexity(number)
        return {
            "scene": number,
            "title": f"{self._adjectives[number % len(self._adjectives)]} "
            f"{self._nouns[number % len(self._nouns)]}",
            "visual": " ".join(f"{self._event(chance)}." for _ in range(complexity)),
            "narration": f"{self._event(chance)}.",
            "camera": chance.choice(_CAMERAS),
            "characters": sorted(chance.sample(self.people, chance.randint(1, len(self.people)))),
            "seconds": 8,
            "complexity": complexity,
            "context": [{"scene": one.scene, "title": one.title} for one in shown],
        }

    def _complexity(self, number: int) -> int:
        return self._chance(f"complexity {number}").randint(1, _LONGEST)

    def _event(self, chance: Random) -> str:
        who, other = chance.sample(self.people, 2)
        what = f"the {chance.choice(words.ADJECTIVES)} {chance.choice(words.NOUNS)}".lower()
        event = chance.choice(_EVENTS).format(
            who=who, other=other, what=what, where=chance.choice(self._places)
        )
        return event[0].upper() + event[1:]

    def _chance(self, what: str) -> Random:
        return Random(f"{self._name}\0{what}")  # noqa: S311 - not a secret


@lru_cache(maxsize=256)
def _story(seed: int, title: str) -> Story:
    return Story(seed, title)


def story_of(seed: int, asked: Asked) -> Story:
    """The film that a request speaks of.

    That is the one of the bible in the request, so that scenes do not depend on what else is in there.
    """
    if asked.bible:
        return _story(seed, asked.bible)
    chance = Random(f"title {seed} {asked.story}")  # noqa: S311 - not a secret
    return _story(seed, f"The {chance.choice(words.NOUNS)} of {chance.choice(words.PLACES)}")
