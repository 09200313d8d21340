"""An app store's charts: countries × categories in few calls, with details, searches and reviews.

Speaks the wire of the Google Play store's own pages. Several rpcs may ride in one HTTP call, and one that
fails is one item's error.
"""

from fetchlab.studies.charts.apps import App, Details, Listing, Review
from fetchlab.studies.charts.builder import BatchRequestBuilder
from fetchlab.studies.charts.exploring import movers, overlap
from fetchlab.studies.charts.fetcher import BatchFetcher
from fetchlab.studies.charts.functions import (
    fetch_and_parse_list,
    fetch_and_parse_list_batch,
    fetch_category_lists,
    fetch_top_apps,
)
from fetchlab.studies.charts.knobs import How
from fetchlab.studies.charts.names import CATEGORIES, COLLECTIONS, COUNTRIES
from fetchlab.studies.charts.requests import AppRequest, ListRequest, ReviewRequest, SearchRequest
from fetchlab.studies.charts.tables import CHARTS, frame

__all__ = [
    "CATEGORIES",
    "CHARTS",
    "COLLECTIONS",
    "COUNTRIES",
    "App",
    "AppRequest",
    "BatchFetcher",
    "BatchRequestBuilder",
    "Details",
    "How",
    "ListRequest",
    "Listing",
    "Review",
    "ReviewRequest",
    "SearchRequest",
    "fetch_and_parse_list",
    "fetch_and_parse_list_batch",
    "fetch_category_lists",
    "fetch_top_apps",
    "frame",
    "movers",
    "overlap",
]
