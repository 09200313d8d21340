"""The store's nested arrays: where each fact of an app or a review stands in them."""

from __future__ import annotations

from time import gmtime, strftime
from typing import TYPE_CHECKING, Any

from fetchlab.testbed import play_words as words
from fetchlab.testbed.hashing import draws
from fetchlab.testbed.play_data import price

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fetchlab.testbed.play_data import App

__all__ = ["app_page", "chart", "hits", "review", "review_count"]

_DETAILS = 146
_NOW = 1_793_491_200
_MOST_REVIEWS = 450


def chart(entries: Sequence[Any]) -> list[Any]:
    """A list's payload; one that has no entries lacks the path to them."""
    if not entries:
        return [[None, [[None, [1]]]]]
    return [[None, [_at({28: [entries, None, [1]]}, 30)]]]


def hits(entries: Sequence[Any]) -> list[Any]:
    """A search page's ``ds:4``."""
    return [[None, [_at({22: [entries, None, [1]]}, 23)]]]


def entry(app: App, country: words.Country, images: str) -> list[Any]:
    """An app as lists and search hits state it."""
    score = None if app.score is None else [f"{app.score:.1f}", app.score]
    video = None
    if app.video:
        video = [[[None, None, None, [None, None, _video(app, images)]], None, None, _still(app, images)]]
    return [
        [
            [app.app_id, 7],
            _image(f"{images}/play/{app.place}/icon.png"),
            _screenshots(app, images),
            app.title,
            score,
            app.genre,
            None,
            None,
            [None, [price(app.dollars, country)]],
            None,
            [None, None, None, None, [None, None, app.url]],
            None,
            video,
            [None, app.summary],
            app.developer,
            app.installs_text,
        ]
    ]


def app_page(app: App, country: words.Country, images: str) -> list[Any]:
    """An app's page's ``ds:5``: what is stated in two places, because clients read either, is in both."""
    site = f"https://{app.app_id.split('.')[1]}.invalid"
    video = None
    if app.video:
        video = [[[None, None, None, [None, None, _video(app, images)]]], [_still(app, images)]]
    shown = strftime("%b %d, %Y", gmtime(app.updated))
    sdk = [21, app.android]
    found = {
        0: [app.title],
        9: [app.rating, _image(f"{images}/play/{app.place}/icon.png"), [None, _content(app)]],
        10: [strftime("%b %d, %Y", gmtime(app.released)), [app.released]],
        13: [app.installs_text, app.installs, app.real_installs],
        18: [1],
        19: [_purchases(country)] if app.in_app else None,
        37: [app.developer],
        48: ["Contains ads"] if app.ads else None,
        51: _rated(app),
        57: [[[[[None, [price(app.dollars, country)]]]]]],
        68: [app.developer, [None, None, None, None, [None, None, f"/store/apps/dev?id={app.developer_id}"]]],
        69: [_link(site), [f"help@{site[8:]}"], [f"{app.place % 90 + 1} Harbour Street"]],
        72: [[None, app.description]],
        73: [[None, app.summary]],
        77: [app.app_id],
        78: [_screenshots(app, images)],
        79: [[[app.genre, None, app.category]]],
        95: [_image(f"{images}/play/{app.place}/icon.png")],
        96: [_image(f"{images}/play/{app.place}/header.png")],
        99: [_link(f"{site}/privacy")],
        100: video,
        140: [[[app.version]], [[sdk], [[sdk]]]],
        145: [[shown, [app.updated]]],
    }
    return [None, [None, None, _at(found, _DETAILS)]]


def review_count(app: App, seed: int) -> int:
    """How many reviews of an app can be read."""
    return draws(b"play reviews", seed, app.place)[0] % _MOST_REVIEWS


def review(app: App, number: int, seed: int, images: str) -> list[Any]:
    """One of an app's reviews."""
    d = draws(b"play review", seed, app.place << 16 | number)
    told = {"first": app.title.split()[0].lower(), "second": app.title.split()[1].lower().strip(":")}
    # The number makes moments unique, so that the newest is the newest for everybody.
    moment = app.updated + (_NOW - app.updated) * d[0] // 65_536 - number
    reply = [None, "Thank you! 🙂", [moment + 3_600 * (1 + d[1] % 90), 0]] if d[2] % 4 == 0 else None
    face = f"{images}/play/face{d[3] % 50}.png"
    return [
        f"{app.place:05x}{number:03x}-{d[4]:04x}-{d[5]:04x}",
        [f"{words.USERS[d[6] % len(words.USERS)]} {d[7] % 1000}", _image(face)],
        1 + max(d[8], d[9]) * 5 // 65_536,
        None,
        words.OPINIONS[d[10] % len(words.OPINIONS)].format(**told),
        [moment, d[11] * 15_000],
        d[12] * d[13] >> 24,
        reply,
        None,
        None,
        app.version if d[14] % 5 else None,
    ]


def _rated(app: App) -> list[Any] | None:
    if app.score is None:
        return None
    shares = (1, 1, 2, 4, 8)
    counts = [app.ratings * share // 16 for share in shares]
    histogram = [None, *([str(count), count] for count in counts)]
    return [
        [f"{app.score:.1f}", app.score],
        histogram,
        [f"{app.ratings:,}", app.ratings],
        [f"{app.reviews:,}", app.reviews],
    ]


def _purchases(country: words.Country) -> str:
    return f"{price(0.99, country)[2]} - {price(99.99, country)[2]} per item"


def _content(app: App) -> str | None:
    return "Fantasy Violence" if app.rating == words.RATINGS[1] else None


def _image(url: str) -> list[Any]:
    return [None, 2, [512, 512], [None, None, url]]


def _link(url: str) -> list[Any]:
    return [None, None, None, None, None, [None, None, url]]


def _video(app: App, images: str) -> str:
    return f"{images}/play/{app.place}/trailer.mp4"


def _still(app: App, images: str) -> list[Any]:
    return _image(f"{images}/play/{app.place}/trailer.jpg")


def _screenshots(app: App, images: str) -> list[Any]:
    return [_image(f"{images}/play/{app.place}/{shot}.png") for shot in range(app.screenshots)]


def _at(found: dict[int, Any], length: int) -> list[Any]:
    row: list[Any] = [None] * length
    for place, thing in found.items():
        row[place] = thing
    return row
