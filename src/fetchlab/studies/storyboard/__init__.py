"""Storyboards: an idea becomes a script, scene by scene, and scenes become videos; what was paid for is kept.

Speaks the wires of OpenAI-compatible services, chat completions and the jobs of ``/v1/videos``, and Vertex
AI's operations.
"""

from fetchlab.studies.storyboard.client import Storyboard
from fetchlab.studies.storyboard.films import VIDEOS
from fetchlab.studies.storyboard.keys import Key
from fetchlab.studies.storyboard.script import SCENES
from fetchlab.studies.storyboard.videos import VideoJobs

__all__ = ["SCENES", "VIDEOS", "Key", "Storyboard", "VideoJobs"]
