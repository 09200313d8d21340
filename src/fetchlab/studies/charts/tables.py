"""Finished charts as a table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import polars as pl

from fetchlab.errors import ConfigError
from fetchlab.redaction import redact_text
from fetchlab.studies.charts.apps import App, Listing
from fetchlab.studies.charts.requests import ListRequest

if TYPE_CHECKING:
    from collections.abc import Iterator

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


def frame(lists: Iterable[Listing[App]] | Mapping[str, Any]) -> pl.DataFrame:
    """Return charts as a table, CHARTS schema, in the order given.

    Args:
        lists: what ``fetch_category_lists`` or ``fetch_top_apps`` returned, or a part of it.

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
        if not isinstance(lists.request, ListRequest):
            raise ConfigError("lists", f"give charts, not what {lists.request.key} brought")
        yield lists
    elif isinstance(lists, Mapping):
        yield from _each(lists.values())
    elif isinstance(lists, Iterable) and not isinstance(lists, str):
        for one in lists:
            yield from _each(one)
    else:
        kind = type(lists).__name__
        raise ConfigError("lists", f"give the finished lists of fetch_category_lists, not {kind}")


def _add(columns: dict[str, list[Any]], row: list[Any]) -> None:
    for column, value in zip(columns.values(), row, strict=True):
        column.append(value)
