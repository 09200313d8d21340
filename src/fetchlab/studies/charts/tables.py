"""Finished charts as a table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import polars as pl

from fetchlab.errors import ConfigError
from fetchlab.redaction import redact_text
from fetchlab.studies.charts.apps import App, Listing

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["CHARTS", "frame"]

_APP: dict[str, Any] = {
    "app_id": pl.String,
    "title": pl.String,
    "developer": pl.String,
    "genre": pl.String,
    "summary": pl.String,
    "score": pl.Float64,
    "price": pl.Float64,
    "currency": pl.String,
    "free": pl.Boolean,
    "installs": pl.String,
    "min_installs": pl.Int64,
    "icon": pl.String,
    "screenshots": pl.List(pl.String),
    "video": pl.String,
    "url": pl.String,
}
CHARTS = pl.Schema(
    {
        "country": pl.String,
        "category": pl.String,
        "collection": pl.String,
        "rank": pl.UInt16,
        **_APP,
        "error": pl.String,
    }
)
"""A row per country, category and rank from 1; a list that did not come is one row with its error."""


def frame(lists: Iterable[Listing[App]] | Mapping[str, Mapping[str, Listing[App]]]) -> pl.DataFrame:
    """Return charts as a table, CHARTS schema, in the order given.

    Args:
        lists: what ``fetch_category_lists`` or ``fetch_top_apps`` returned.

    Raises:
        ConfigError: it is something else.
    """
    columns: dict[str, list[Any]] = {name: [] for name in CHARTS}
    for one in _each(lists):
        request = one.request
        head = [request.country, request.category, request.collection]
        for rank, app in enumerate(one, 1):
            _add(columns, [*head, rank, *(getattr(app, name) for name in _APP), None])
        if one.error is not None:
            said = redact_text(f"{type(one.error).__name__}: {one.error}")
            _add(columns, [*head, None, *([None] * len(_APP)), said])
    return pl.DataFrame(columns, CHARTS)


def _each(lists: Any) -> Iterator[Any]:
    if isinstance(lists, Listing):
        lists = [lists]
    if isinstance(lists, Mapping):
        lists = [one for by_category in lists.values() for one in by_category.values()]
    for one in lists:
        if not isinstance(one, Listing) or not hasattr(one.request, "category"):
            raise ConfigError("lists", f"give the lists of fetch_category_lists, not {type(one).__name__}")
        yield one


def _add(columns: dict[str, list[Any]], row: list[Any]) -> None:
    for column, value in zip(columns.values(), row, strict=True):
        column.append(value)
