"""From the store's nested arrays to apps, details and reviews.

Where two places are known to hold the same fact, the second is read if the first is empty. What is missing
is None: the service leaves out at will. Only without its id and title is an app none.
"""

from __future__ import annotations

import re
from html import unescape
from typing import TYPE_CHECKING, Any

import msgspec

from fetchlab.errors import ParseError, StudyError
from fetchlab.studies.charts.apps import App, Details, Review, ReviewPage
from fetchlab.studies.charts.framing import SOFT_LIMIT, refused_softly

if TYPE_CHECKING:
    from fetchlab.model import Response

__all__ = ["apps_of", "details_of", "dig", "hits_of", "reviews_of", "script_of"]

_SCRIPT = re.compile(
    rb"AF_initDataCallback\(\{key:\s*'(ds:\d+)',.*?data:(.*?),\s*sideChannel:\s*\{\}\s*\}\);\s*</script",
    re.DOTALL,
)
_MICROS = 1_000_000


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
    app_id = dig(a, 77, 0) or _asked_for(response)
    if not isinstance(title, str):
        raise ParseError("the page states no app", retriable=True)
    price, free = _price(dig(a, 57, 0, 0, 0, 0, 1, 0, 0))
    link = _string(dig(a, 68, 1, 4, 2) or dig(a, 68, 0, 0, 4, 2)) or ""
    return Details(
        app_id,
        title,
        description=_text(dig(a, 12, 0, 0, 1) or dig(a, 72, 0, 1)),
        summary=_text(dig(a, 73, 0, 1)),
        installs=dig(a, 13, 0),
        min_installs=dig(a, 13, 1),
        real_installs=dig(a, 13, 2),
        score=dig(a, 51, 0, 1),
        ratings=dig(a, 51, 2, 1),
        reviews=dig(a, 51, 3, 1),
        histogram=[dig(a, 51, 1, stars, 1) or 0 for stars in range(1, 6)],
        price=price,
        currency=dig(a, 57, 0, 0, 0, 0, 1, 0, 1),
        free=free,
        available=bool(dig(a, 18, 0)),
        offers_in_app=bool(dig(a, 19, 0)),
        in_app_price=dig(a, 19, 0),
        contains_ads=bool(dig(a, 48)),
        developer=_string(dig(a, 68, 0)) or dig(a, 37, 0),
        developer_id=link.partition("id=")[2] or None,
        developer_email=dig(a, 69, 1, 0),
        developer_website=dig(a, 69, 0, 5, 2),
        developer_address=dig(a, 69, 2, 0),
        privacy_policy=dig(a, 99, 0, 5, 2),
        genre=dig(a, 79, 0, 0, 0),
        genre_id=dig(a, 79, 0, 0, 2),
        icon=dig(a, 95, 0, 3, 2) or dig(a, 9, 1, 3, 2),
        header_image=dig(a, 96, 0, 3, 2),
        screenshots=_images(dig(a, 78, 0)),
        video=dig(a, 100, 0, 0, 3, 2),
        content_rating=dig(a, 9, 0),
        released=dig(a, 10, 0),
        updated=dig(a, 145, 0, 1, 0),
        version=dig(a, 140, 0, 0, 0),
        android=dig(a, 140, 1, 1, 0, 0, 1) or dig(a, 140, 1, 0, 0, 1),
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
    price, free = _price(dig(a, 8, 1, 0, 0))
    installs = dig(a, 15)
    return App(
        app_id,
        title,
        developer=dig(a, 14),
        genre=dig(a, 5),
        summary=_text(dig(a, 13, 1)),
        score=dig(a, 4, 1),
        price=price,
        currency=dig(a, 8, 1, 0, 1),
        free=free,
        installs=installs,
        min_installs=_number(installs),
        icon=dig(a, 1, 3, 2),
        screenshots=_images(dig(a, 2)),
        video=dig(a, 12, 0, 0, 3, 2),
        url=dig(a, 10, 4, 2),
    )


def _review(r: Any) -> Review:
    return Review(
        r[0],
        user=dig(r, 1, 0),
        user_image=dig(r, 1, 1, 3, 2),
        score=dig(r, 2),
        text=dig(r, 4),
        at=dig(r, 5, 0),
        thumbs_up=dig(r, 6),
        reply=dig(r, 7, 1),
        replied_at=dig(r, 7, 2, 0),
        version=dig(r, 10),
    )


def _price(micros: Any) -> tuple[float | None, bool | None]:
    """A price in units of its currency, and whether it is none."""
    if not isinstance(micros, int | float):
        return None, None
    return micros / _MICROS, micros == 0


def _many(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _images(found: Any) -> list[str]:
    urls = (dig(one, 3, 2) for one in _many(found))
    return [url for url in urls if isinstance(url, str)]


def _text(html: Any) -> str | None:
    return unescape(html.replace("<br>", "\r\n")) if isinstance(html, str) else None


def _string(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _number(shown: Any) -> int | None:
    """The number in ``1,000,000+``, whatever stands between its digits."""
    digits = "".join(filter(str.isdigit, shown)) if isinstance(shown, str) else ""
    return int(digits) if digits else None


def _asked_for(response: Response) -> str:
    return response.url.partition("id=")[2].partition("&")[0]
