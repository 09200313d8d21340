"""Storyboards: an idea becomes a script, scene by scene; nothing that was paid for is lost.

Speaks the wire of OpenAI-compatible services.
"""

from fetchlab.studies.storyboard.client import Storyboard
from fetchlab.studies.storyboard.keys import Key
from fetchlab.studies.storyboard.script import SCENES

__all__ = ["SCENES", "Key", "Storyboard"]
