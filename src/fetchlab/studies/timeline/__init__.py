"""Timelines of posts: complete texts, real addresses of videos, no post missed.

For sites and accounts that you are allowed to collect from. Pacing is politeness; nothing here hides what it
is.
"""

from fetchlab.studies.timeline.client import Timeline
from fetchlab.studies.timeline.rows import EDGES, MEDIA, POSTS, USERS, WINDOWS

__all__ = ["EDGES", "MEDIA", "POSTS", "USERS", "WINDOWS", "Timeline"]
