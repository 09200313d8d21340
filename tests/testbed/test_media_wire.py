"""The media wire: real files under addresses that only payloads tell."""

from __future__ import annotations

from struct import unpack

import pytest

from .client import ask


@pytest.fixture
def url(bed):
    return bed.urls["media"]


@pytest.fixture(scope="module")
def media(_bed_process):
    """One of each kind."""
    posts = _bed_process.truth("timeline")["posts"][20_000:20_400]
    return {one["kind"]: one for post in posts for one in post["media"]}


def fetched(url, address, **headers):
    assert address.startswith(url)
    return ask(url, address.removeprefix(url), headers=headers)


def boxes(body):
    """The outermost boxes of an MP4 file, which must fill it."""
    found, place = [], 0
    while place < len(body):
        length, kind = unpack(">I4s", body[place : place + 8])
        found.append(kind.decode())
        place += length
    assert place == len(body)
    return found


def test_pictures_are_real(url, media):
    """Each by its own address, and a photo also as the service asks for sizes."""
    for one in media.values():
        answer = fetched(url, one["picture"])
        assert (answer.status, answer.headers["content-type"]) == (200, "image/jpeg")
        assert answer.body.startswith(b"\xff\xd8\xff")
        assert answer.body.endswith(b"\xff\xd9")
        assert answer.headers["access-control-allow-origin"] == "*"
    name = media["photo"]["picture"].removesuffix(".jpg")
    assert fetched(url, f"{name}?format=jpg&name=small").body == fetched(url, f"{name}.jpg").body


def test_videos_are_real(url, media):
    """Whole files of every size; the same address gives the same bytes, also in parts."""
    for size in media["video"]["variants"] + media["gif"]["variants"]:
        answer = fetched(url, size["url"])
        assert (answer.status, answer.headers["content-type"]) == (200, "video/mp4")
        assert boxes(answer.body) == ["ftyp", "moov", "mdat"]
        assert fetched(url, size["url"]).body == answer.body
        part = fetched(url, size["url"], range="bytes=100-199")
        assert (part.status, part.body) == (206, answer.body[100:200])


def test_a_playlist_leads_to_every_part(url, media):
    """A player follows it: sizes, then the initial part, then three seconds at a time."""
    video = media["video"]
    master = fetched(url, video["playlist"])
    assert master.headers["content-type"] == "application/x-mpegURL"
    sizes = [line for line in master.body.decode().splitlines() if line.startswith("/")]
    assert len(sizes) == len(video["variants"]) == 3
    for size in sizes:
        text = ask(url, size).body.decode()
        initial = text.partition('URI="')[2].partition('"')[0]
        assert boxes(ask(url, initial).body) == ["ftyp", "moov"]
        parts = [line for line in text.splitlines() if line.startswith("/")]
        seconds = [float(line[8:-1]) for line in text.splitlines() if line.startswith("#EXTINF:")]
        assert sum(seconds) == video["seconds"]
        assert text.endswith("#EXT-X-ENDLIST\n")
        for part in parts:
            assert part.endswith(".m4s")
            assert boxes(ask(url, part).body) == ["styp", "moof", "mdat"]


def test_a_guessed_address_is_404(url, media):
    """Otherwise a tool that invents addresses would look as good as one that has seen them."""
    known = media["video"]["url"]
    assert fetched(url, known).status == 200
    root, size, name = known.rsplit("/", 2)
    number = str(media["video"]["id"])
    for guess in (
        f"{root}/720x720/video.mp4",
        f"{root}/{size}/video.mp4?tag=14",
        f"{root}/1x1/{name}",
        known.replace(".mp4", "x.mp4"),
        known.replace(number, number[:-1]),
        known.replace(number, "x"),
        known.replace("/vid/", "/pl/"),
        media["gif"]["url"].replace("/tweet_video/", "/tweet_video/A"),
        media["photo"]["url"].replace("/media/", "/tweet_video_thumb/"),
        media["photo"]["url"].replace(".jpg", ".png"),
    ):
        answer = fetched(url, guess)
        assert (guess, answer.status, answer.body) == (guess, 404, b"")


def test_portraits_are_served(url, bed):
    """The interface tells their addresses with every account."""
    from .timelines import graphql

    handle = bed.truth("timeline")["users"][0]["handle"]
    told = graphql(bed.urls["timeline"], "UserByScreenName", screen_name=handle)
    address = told.json["data"]["user"]["result"]["avatar"]["image_url"]
    assert fetched(url, address).body.startswith(b"\xff\xd8\xff")
    assert fetched(url, address.replace("_normal", "_other")).status == 404
