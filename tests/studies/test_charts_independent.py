"""An independent client of the service, pointed at the testbed, reads what our study reads."""

from __future__ import annotations

import json
import ssl
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import pytest

from fetchlab.studies import charts
from fetchlab.testbed.play_answers import review_count
from fetchlab.testbed.play_data import Apps

_verifies = ssl._create_default_https_context
import google_play_scraper as independent  # noqa: E402
from google_play_scraper.constants.element import ElementSpecs  # noqa: E402
from google_play_scraper.constants.request import PLAY_STORE_BASE_URL, Formats  # noqa: E402

# Importing it turns the checking of certificates off for the whole process.
ssl._create_default_https_context = _verifies

HIT = {
    "appId": "app_id", "icon": "icon", "screenshots": "screenshots", "title": "title", "score": "score",
    "genre": "genre", "price": "price", "free": "free", "currency": "currency", "video": "video",
    "description": "summary", "developer": "developer", "installs": "installs",
}  # fmt: skip
DETAILS = {
    "appId": "app_id", "title": "title", "description": "description", "summary": "summary",
    "installs": "installs", "minInstalls": "min_installs", "realInstalls": "real_installs",
    "score": "score", "ratings": "ratings", "reviews": "reviews", "histogram": "histogram",
    "price": "price", "free": "free", "currency": "currency", "offersIAP": "offers_in_app",
    "inAppProductPrice": "in_app_price", "developer": "developer", "developerId": "developer_id",
    "developerEmail": "developer_email", "developerWebsite": "developer_website",
    "developerAddress": "developer_address", "privacyPolicy": "privacy_policy", "genre": "genre",
    "genreId": "genre_id", "icon": "icon", "headerImage": "header_image", "screenshots": "screenshots",
    "video": "video", "contentRating": "content_rating", "containsAds": "contains_ads",
    "released": "released", "updated": "updated", "version": "version",
}  # fmt: skip
REVIEW = {
    "reviewId": "review_id", "userName": "user", "userImage": "user_image", "content": "text",
    "score": "score", "thumbsUpCount": "thumbs_up", "appVersion": "version", "replyContent": "reply",
}  # fmt: skip
APPS = Apps(0)


@pytest.fixture
def url(bed, monkeypatch):
    """The service's root, for our study and for the other client."""
    root = bed.urls["play"]
    for wanted in (Formats.Detail, Formats.Searchresults, Formats.Reviews):
        kind = type(wanted)
        for name in ("URL_FORMAT", "FALLBACK_URL_FORMAT"):
            if hasattr(kind, name):
                monkeypatch.setattr(kind, name, getattr(kind, name).replace(PLAY_STORE_BASE_URL, root))
    monkeypatch.setenv("FETCHLAB_PLAY_URL", root)
    return root


def same(theirs, ours, names):
    """Every fact that both know, under both names."""
    assert {name: theirs[name] for name in names} == {
        name: getattr(ours, mine) for name, mine in names.items()
    }
    return True


@pytest.mark.parametrize("country", ["us", "de", "jp"])
def test_details_agree(url, country):
    """Free and paid, rated and unrated, with and without pictures: every fact of some apps."""
    wanted = [APPS.app(place) for place in (0, 2, 5, 20, 34_003, 50_999)]
    unrated = next(app for app in map(APPS.app, range(200)) if app.score is None)
    ids = [app.app_id for app in [*wanted, unrated]]
    ours = charts.BatchFetcher().apps(ids, [country])
    for app_id, mine in zip(ids, ours, strict=True):
        assert same(independent.app(app_id, country=country), mine, DETAILS)
    assert ours[-1].score is None


def test_an_unknown_app_is_unknown_to_both(url):
    """404, which the other client tells by an error of its own."""
    with pytest.raises(independent.exceptions.NotFoundError):
        independent.app("com.none")
    assert charts.BatchFetcher().apps(["com.none"]) == [None]


def test_hits_agree(url):
    """The same apps in the same order, every fact of each."""
    (ours,) = charts.BatchFetcher().search(["golden quest"], ["kr"])
    theirs = independent.search("golden quest", country="kr")
    assert len(ours) == len(theirs) == 30
    assert all(same(one, mine, HIT) for one, mine in zip(theirs, ours, strict=True))
    assert independent.search("xyzzy") == [*charts.BatchFetcher().search(["xyzzy"])[0]] == []


@pytest.mark.parametrize("order", ["newest", "relevance", "rating"])
def test_reviews_agree(url, order):
    """Page after page, in each order, with replies and without."""
    app = next(app for app in map(APPS.app, range(100)) if review_count(app, 0) > 250)
    sorts = {"newest": "NEWEST", "relevance": "MOST_RELEVANT", "rating": "RATING"}
    theirs, _ = independent.reviews(app.app_id, count=250, sort=independent.Sort[sorts[order]])
    (ours,) = charts.BatchFetcher().reviews([app.app_id], num_reviews=250, sort=order)
    assert len(theirs) == len(ours) == 250
    for one, mine in zip(theirs, ours, strict=True):
        assert same(one, mine, REVIEW)
        assert one["at"].timestamp() == mine.at
        assert (one["repliedAt"] and one["repliedAt"].timestamp()) == mine.replied_at
    stars, _ = independent.reviews(app.app_id, count=99, filter_score_with=3)
    (filtered,) = charts.BatchFetcher().reviews([app.app_id], num_reviews=99, score=3)
    assert [one["reviewId"] for one in stars] == [one.review_id for one in filtered]


@pytest.mark.parametrize("collection", charts.COLLECTIONS)
def test_charts_agree(url, collection):
    """The other client has no charts; its reader of hits reads their entries, which are the same."""
    inner = [[None, [[8, [20, 120]], True, None, [64]], [2, collection, "GAME_PUZZLE"]]]
    call = [[["vyAe2", json.dumps(inner), None, "generic"]]]
    asked = Request(
        f"{url}/_/PlayStoreUi/data/batchexecute?rpcids=vyAe2&hl=en&gl=br&rt=c",
        urlencode({"f.req": json.dumps(call)}).encode(),
    )
    with urlopen(asked) as response:
        data = json.loads(json.loads(response.read().decode().split("\n")[3])[0][2])
    (ours,) = charts.fetch_category_lists(["br"], ["GAME_PUZZLE"], 120, collection)
    entries = data[0][1][0][28][0]
    assert len(entries) == len(ours) == 120
    for entry, mine in zip(entries, ours, strict=True):
        theirs = {name: spec.extract_content(entry) for name, spec in ElementSpecs.SearchResult.items()}
        assert same(theirs, mine, HIT)
