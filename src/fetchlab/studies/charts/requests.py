"""What is asked for: one small object per request, so that ten thousand of them weigh half a megabyte."""

from __future__ import annotations

import msgspec

__all__ = ["AppRequest", "ListRequest", "ReviewRequest", "SearchRequest"]


class ListRequest(msgspec.Struct, frozen=True, gc=False):
    """A chart: a country's best apps of a category."""

    country: str
    category: str
    collection: str = "topselling_free"
    lang: str = "en"
    num_results: int = 100

    @property
    def key(self) -> str:
        """What it is known by: ``list/us/SOCIAL/topselling_free/100/en``."""
        return f"list/{self.country}/{self.category}/{self.collection}/{self.num_results}/{self.lang}"


class AppRequest(msgspec.Struct, frozen=True, gc=False):
    """An app's details, with a country's prices."""

    app_id: str
    country: str = "us"
    lang: str = "en"

    @property
    def key(self) -> str:
        """What it is known by: ``app/com.example/us/en``."""
        return f"app/{self.app_id}/{self.country}/{self.lang}"


class SearchRequest(msgspec.Struct, frozen=True, gc=False):
    """A search in a country's store."""

    query: str
    country: str = "us"
    lang: str = "en"
    num_results: int = 30

    @property
    def key(self) -> str:
        """What it is known by: ``search/us/en/30/photo editor``."""
        return f"search/{self.country}/{self.lang}/{self.num_results}/{self.query}"


class ReviewRequest(msgspec.Struct, frozen=True, gc=False):
    """A page of an app's reviews; the first one leads to the others.

    Attributes:
        num_reviews: how many are wanted from this page on.
        score: only reviews with so many stars; None for all.
        page: from 1.
        token: where the page begins, as the page before it said; None for the first.
    """

    app_id: str
    country: str = "us"
    lang: str = "en"
    sort: str = "newest"
    num_reviews: int = 100
    score: int | None = None
    page: int = 1
    token: str | None = None

    @property
    def key(self) -> str:
        """What it is known by; tokens change from call to call, pages do not."""
        stars = "" if self.score is None else f"/{self.score}"
        return f"{self.start}{stars}/page/{self.page}/{self.num_reviews}"

    @property
    def start(self) -> str:
        """What all pages of one app's reviews share."""
        return f"reviews/{self.app_id}/{self.country}/{self.lang}/{self.sort}"
