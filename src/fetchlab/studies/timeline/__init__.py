"""Timelines of posts: complete texts, real addresses of videos, no post missed."""
