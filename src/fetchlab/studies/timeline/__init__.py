"""Timelines of posts: complete texts, real addresses of videos, no post missed.

For sites and accounts that you are allowed to collect from. Pacing is politeness; nothing here hides what it
is.
"""

from fetchlab.studies.timeline.client import Timeline
from fetchlab.studies.timeline.rows import EDGES, MEDIA, POSTS, USERS, WINDOWS
from fetchlab.studies.timeline.summing import BY_USER

__all__ = ["BY_USER", "EDGES", "MEDIA", "POSTS", "USERS", "WINDOWS", "Timeline"]
