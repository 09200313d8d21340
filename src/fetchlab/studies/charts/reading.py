"""From the store's nested arrays to apps, details and reviews.

Where two places are known to hold the same fact, the second is read if the first is empty. What is missing
is None, and so is what is of another kind than it should be: the service leaves out and changes at will. Only
without its id and title is an app none.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import msgspec

from fetchlab.errors import ParseError, StudyError
from fetchlab.studies.charts.apps import App, Details, Review, ReviewPage
from fetchlab.studies.charts.facts import number_in, price_of, real, string, text_of, whole
from fetchlab.studies.charts.framing import SOFT_LIMIT, refused_softly

if TYPE_CHECKING:
    from fetchlab.model import Response

__all__ = ["apps_of", "details_of", "dig", "hits_of", "reviews_of", "script_of"]

_SCRIPT = re.compile(
    rb"AF_initDataCallback\(\{key:\s*'(ds:\d+)',.*?data:(.*?),\s*sideChannel:\s*\{\}\s*\}\);\s*</script",
    re.DOTALL,
)


def dig(value: Any, *path: int) -> Any:
    """Return what stands at a path of places in nested lists, None where there is none."""
    try:
        for place in path:
            if type(value) is not list:  # a text has places, too
                return None
            value = value[place]
    except IndexError:
        return None
    return value


def apps_of(payload: Any) -> list[App]:
    """Return the apps of a chart's payload, best first; an empty payload has none.

    Raises:
        StudyError: there is no list in it, which is how the service says that it does not know the category.
    """
    if payload is None:
        return []
    entries = dig(payload, 0, 1, 0, 28, 0)
    if entries is None:
        raise StudyError("the service has no such list: it does not know the category or collection here")
    return _apps(entries)


def hits_of(response: Response) -> list[App]:
    """Return the apps of a search page, best first.

    Raises:
        ParseError: it is no such page; tried again.
    """
    data = script_of(response, b"ds:4")
    for group in _many(dig(data, 0, 1)):
        for place in (22, 28):
            entries = dig(group, place, 0)
            if entries is not None:
                return _apps(entries)
    return []


def details_of(response: Response) -> Details:
    """Return what an app's page states.

    Raises:
        ParseError: it is no such page; tried again.
    """
    a = dig(script_of(response, b"ds:5"), 1, 2)
    title = dig(a, 0, 0)
    app_id = string(dig(a, 77, 0)) or _asked_for(response)
    if not isinstance(title, str):
        raise ParseError("the page states no app", retriable=True)
    price, free = price_of(dig(a, 57, 0, 0, 0, 0, 1, 0, 0))
    link = string(dig(a, 68, 1, 4, 2)) or string(dig(a, 68, 0, 0, 4, 2)) or ""
    return Details(
        app_id,
        title,
        description=text_of(dig(a, 12, 0, 0, 1)) or text_of(dig(a, 72, 0, 1)),
        summary=text_of(dig(a, 73, 0, 1)),
        installs=string(dig(a, 13, 0)),
        min_installs=whole(dig(a, 13, 1)),
        real_installs=whole(dig(a, 13, 2)),
        score=real(dig(a, 51, 0, 1)),
        ratings=whole(dig(a, 51, 2, 1)),
        reviews=whole(dig(a, 51, 3, 1)),
        histogram=[whole(dig(a, 51, 1, stars, 1)) or 0 for stars in range(1, 6)],
        price=price,
        currency=string(dig(a, 57, 0, 0, 0, 0, 1, 0, 1)),
        free=free,
        available=bool(dig(a, 18, 0)),
        offers_in_app=bool(dig(a, 19, 0)),
        in_app_price=string(dig(a, 19, 0)),
        contains_ads=bool(dig(a, 48)),
        developer=string(dig(a, 68, 0)) or string(dig(a, 37, 0)),
        developer_id=link.partition("id=")[2] or None,
        developer_email=string(dig(a, 69, 1, 0)),
        developer_website=string(dig(a, 69, 0, 5, 2)),
        developer_address=string(dig(a, 69, 2, 0)),
        privacy_policy=string(dig(a, 99, 0, 5, 2)),
        genre=string(dig(a, 79, 0, 0, 0)),
        genre_id=string(dig(a, 79, 0, 0, 2)),
        icon=string(dig(a, 95, 0, 3, 2)) or string(dig(a, 9, 1, 3, 2)),
        header_image=string(dig(a, 96, 0, 3, 2)),
        screenshots=_images(dig(a, 78, 0)),
        video=string(dig(a, 100, 0, 0, 3, 2)),
        content_rating=string(dig(a, 9, 0)),
        released=string(dig(a, 10, 0)),
        updated=whole(dig(a, 145, 0, 1, 0)),
        version=string(dig(a, 140, 0, 0, 0)),
        android=string(dig(a, 140, 1, 1, 0, 0, 1)) or string(dig(a, 140, 1, 0, 0, 1)),
    )


def reviews_of(payload: Any) -> ReviewPage:
    """Return a page of reviews; an empty payload is an empty last page."""
    token = dig(payload, 1, 1)
    return ReviewPage(
        [_review(one) for one in _many(dig(payload, 0)) if isinstance(dig(one, 0), str)],
        token if isinstance(token, str) else None,
    )


def script_of(response: Response, key: bytes) -> Any:
    """Return the data that a page has under a key.

    Raises:
        RateLimited: the page is the service's soft limit; tried again.
        ParseError: the page has none; tried again.
    """
    for found, data in _SCRIPT.findall(response.content):
        if found == key:
            try:
                return msgspec.json.decode(data)
            except (msgspec.DecodeError, RecursionError) as error:
                raise ParseError(f"the page's {key.decode()} is not JSON: {error}", retriable=True) from None
    if SOFT_LIMIT in response.content:
        raise refused_softly()
    raise ParseError(f"the page has no {key.decode()} ({len(response.content):,} bytes)", retriable=True)


def _apps(entries: Any) -> list[App]:
    found = (_app(entry[0]) for entry in _many(entries) if isinstance(entry, list) and entry)
    return [app for app in found if app is not None]


def _app(a: Any) -> App | None:
    app_id, title = dig(a, 0, 0), dig(a, 3)
    if not (isinstance(app_id, str) and isinstance(title, str)):
        return None
    price, free = price_of(dig(a, 8, 1, 0, 0))
    installs = string(dig(a, 15))
    return App(
        app_id,
        title,
        developer=string(dig(a, 14)),
        genre=string(dig(a, 5)),
        summary=text_of(dig(a, 13, 1)),
        score=real(dig(a, 4, 1)),
        price=price,
        currency=string(dig(a, 8, 1, 0, 1)),
        free=free,
        installs=installs,
        min_installs=number_in(installs),
        icon=string(dig(a, 1, 3, 2)),
        screenshots=_images(dig(a, 2)),
        video=string(dig(a, 12, 0, 0, 3, 2)),
        url=string(dig(a, 10, 4, 2)),
    )


def _review(r: Any) -> Review:
    return Review(
        r[0],
        user=string(dig(r, 1, 0)),
        user_image=string(dig(r, 1, 1, 3, 2)),
        score=whole(dig(r, 2)),
        text=string(dig(r, 4)),
        at=whole(dig(r, 5, 0)),
        thumbs_up=whole(dig(r, 6)),
        reply=string(dig(r, 7, 1)),
        replied_at=whole(dig(r, 7, 2, 0)),
        version=string(dig(r, 10)),
    )


def _many(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _images(found: Any) -> list[str]:
    urls = (dig(one, 3, 2) for one in _many(found))
    return [url for url in urls if isinstance(url, str)]


def _asked_for(response: Response) -> str:
    return response.url.partition("id=")[2].partition("&")[0]
