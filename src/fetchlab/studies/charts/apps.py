"""What comes back: apps, their details and reviews, and lists of them that know what they are of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

import msgspec

from fetchlab.redaction import redact_text

if TYPE_CHECKING:
    from fetchlab.studies.charts.requests import ListRequest, ReviewRequest, SearchRequest

__all__ = ["App", "Details", "Listing", "Review", "ReviewPage"]

T = TypeVar("T")

SHOWN = 3
"""Apps and reviews that the text of a list names."""


class App(msgspec.Struct):
    """An app as charts and searches state it.

    Attributes:
        score: mean stars, None for an app that nobody has rated.
        price: in units of ``currency``, 0.0 for a free one.
        installs: as the store shows it, ``1,000,000+``; ``min_installs`` is its number.
        url: of its page, as the service states it.
    """

    app_id: str
    title: str
    developer: str | None = None
    genre: str | None = None
    summary: str | None = None
    score: float | None = None
    price: float | None = None
    currency: str | None = None
    free: bool | None = None
    installs: str | None = None
    min_installs: int | None = None
    icon: str | None = None
    screenshots: list[str] = []
    video: str | None = None
    url: str | None = None


class Details(msgspec.Struct):
    """An app as its page states it.

    Attributes:
        histogram: how many gave 1, 2, 3, 4 and 5 stars.
        released: as the store shows it.
        updated: Unix time, seconds.
        android: the least version it needs.
    """

    app_id: str
    title: str
    description: str | None = None
    summary: str | None = None
    installs: str | None = None
    min_installs: int | None = None
    real_installs: int | None = None
    score: float | None = None
    ratings: int | None = None
    reviews: int | None = None
    histogram: list[int] = []
    price: float | None = None
    currency: str | None = None
    free: bool | None = None
    available: bool = False
    offers_in_app: bool = False
    in_app_price: str | None = None
    contains_ads: bool = False
    developer: str | None = None
    developer_id: str | None = None
    developer_email: str | None = None
    developer_website: str | None = None
    developer_address: str | None = None
    privacy_policy: str | None = None
    genre: str | None = None
    genre_id: str | None = None
    icon: str | None = None
    header_image: str | None = None
    screenshots: list[str] = []
    video: str | None = None
    content_rating: str | None = None
    released: str | None = None
    updated: int | None = None
    version: str | None = None
    android: str | None = None


class Review(msgspec.Struct):
    """A review; times are Unix times in seconds."""

    review_id: str
    user: str | None = None
    user_image: str | None = None
    score: int | None = None
    text: str | None = None
    at: int | None = None
    thumbs_up: int | None = None
    reply: str | None = None
    replied_at: int | None = None
    version: str | None = None


class ReviewPage(msgspec.Struct):
    """Reviews, and where the next page begins; None if this was the last one."""

    reviews: list[Review] = []
    token: str | None = None


class Listing(list[T], Generic[T]):
    """A finished list that knows what it is of; empty, with its error, where it could not be had.

    Attributes:
        request: what was asked for.
        error: why it did not come, or not all of it; None if it did.
    """

    def __init__(
        self,
        found: list[T],
        request: ListRequest | SearchRequest | ReviewRequest,
        error: Exception | None = None,
    ) -> None:
        super().__init__(found)
        self.request = request
        self.error = error

    @property
    def country(self) -> str:
        """The country's code."""
        return self.request.country

    def __repr__(self) -> str:
        """Return what it is of, how many there are and the first of them: all would fill the screen."""
        shown = [str(getattr(one, "title", None) or getattr(one, "text", "")) for one in self[:SHOWN]]
        told = f"{self.request.key}: {len(self):,}{' · ' * bool(shown)}{', '.join(shown)}"
        told += ", …" * (len(self) > SHOWN)
        if self.error is not None:
            told += f" · {type(self.error).__name__}: {self.error}"
        return redact_text(f"<{told}>")
