"""A movie catalogue: list pages in parallel, then the details of every movie.

Speaks the YTS API v2, metadata only; torrent and magnet links are data here and are never followed.
"""

from fetchlab.studies.catalogue.client import Catalogue
from fetchlab.studies.catalogue.wire import MOVIES, Movie

__all__ = ["MOVIES", "Catalogue", "Movie"]
