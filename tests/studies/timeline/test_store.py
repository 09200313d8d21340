"""The timelines' file: batches that lose nothing, gaps that are filled, tables that are typed."""

from __future__ import annotations

import json
import sqlite3

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

import fetchlab as fl
from fetchlab.errors import StoreError
from fetchlab.studies.timeline.rows import (
    EDGES,
    MEDIA,
    POSTS,
    USERS,
    WINDOWS,
    Account,
    Edge,
    Found,
    Medium,
    Post,
    Variant,
)
from fetchlab.studies.timeline.storing import Store, Window


@pytest.fixture
def store(tmp_path):
    store = Store(tmp_path / "t.db")
    yield store
    store.rest()


def post(number, **known):
    return Post(id=number, user="me", **({"own": True, "text": f"number {number}"} | known))


def test_a_row_that_fails_costs_no_other_one(store):
    """A write buffer that drops its batch loses forty-nine posts for the one that is odd."""
    odd = [post(1 << 70), post(7, text="half a pair \ud83d"), post(8, likes="many"), post(9, media=[object])]
    posts = [*(post(number) for number in range(100, 140)), *odd[:2], *(post(n) for n in range(140, 160))]
    store.add(Found(posts), "api")
    assert set(store.table("posts")["id"]) == set(range(100, 160))
    assert len(store.rejected) == 2
    assert {name for name, _ in store.rejected} == {"me"}


def test_a_posts_rows_are_stored_together_or_not_at_all(store):
    """Media of a post that is not there belong to nobody."""
    store.add(Found([post(5, media=(Medium("photo", "u", id=1 << 80),))]), "api")
    assert store.table("posts").height == 0
    assert store.table("media").height == 0
    assert len(store.rejected) == 1


def test_what_goes_in_comes_out_typed(store):
    """A table whose counts are text cannot be summed."""
    film = Medium("video", "v.mp4", "p.jpg", "m.m3u8", 10, 20, 1.5, "alt", 9, (Variant("v.mp4", 5, 10, 20),))
    full = post(
        3, created_at=1_700_000_000, links=("a", "b"), likes=4, pinned=True, media=(film,),
        edges=(Edge("quote", 2, "you"), Edge("reply", None, "me", gone=True)),
    )  # fmt: skip
    store.add(Found([full], [Account(user="me", id=1, verified=False, created_at=5)]), "network")
    window = Window("me", "network")
    window.widen([post(4), post(9)])
    store.note(window)
    schemas = {"posts": POSTS, "media": MEDIA, "edges": EDGES, "users": USERS, "windows": WINDOWS}
    tables = {name: store.table(name) for name in schemas}
    assert {name: table.schema for name, table in tables.items()} == schemas
    row = tables["posts"].row(0, named=True)
    assert (row["links"], row["likes"], row["views"], row["pinned"]) == (["a", "b"], 4, None, True)
    assert row["created_at"].isoformat() == "2023-11-14T22:13:20+00:00"
    assert tables["media"]["variants"][0].to_list() == [
        {"url": "v.mp4", "bitrate": 5, "width": 10, "height": 20}
    ]
    assert tables["edges"]["gone"].to_list() == [False, True]
    assert tables["users"].select("verified", "protected").row(0) == (False, None)
    assert tables["windows"].select("newest", "oldest").row(0) == (9, 4)


def test_a_richer_source_wins_whatever_the_order(tmp_path):
    """What is stored must not depend on which collector came first."""
    rich = post(1, text="all of it", likes=5, kind="quote", language="en")
    poor = post(1, text="all", created_at=9)
    cut = post(1, text="al…", truncated=True, own=False)
    tables = []
    for number, order in enumerate([(rich, poor, cut), (poor, cut, rich), (cut, rich, poor)]):
        store = Store(tmp_path / f"{number}.db")
        for one in order:
            store.add(Found([one]), "rss" if one is poor else "api")
        tables.append(store.table("posts").drop("seen_at", "source"))
        store.rest()
    assert all(table.equals(tables[0]) for table in tables)
    row = tables[0].row(0, named=True)
    assert (row["text"], row["likes"], row["kind"], row["own"], row["truncated"]) == (
        "all of it", 5, "quote", True, False,
    )  # fmt: skip
    assert row["created_at"] is not None


@given(
    st.lists(st.tuples(st.integers(1, 5), st.text(max_size=9), st.none() | st.integers(0, 9)), max_size=12)
)
def test_any_text_comes_back_as_it_was(tmp_path_factory, made):
    """Texts hold every character there is, and a later reading is the one that counts."""
    store = Store(tmp_path_factory.mktemp("t") / "t.db")
    store.add(Found([post(number, text=text, likes=likes) for number, text, likes in made]), "api")
    rows = {row["id"]: row for row in store.table("posts").iter_rows(named=True)}
    for number in {number for number, _, _ in made}:
        texts = [text for one, text, _ in made if one == number]
        likes = [likes for one, _, likes in made if one == number and likes is not None]
        assert rows[number]["text"] == texts[-1]
        assert rows[number]["likes"] == (likes[-1] if likes else None)
    store.rest()


def test_fresh_rows_lie_beside_until_they_are_all_there(store):
    """Deleted first and fetched then, a user is lost to the first error."""
    store.add(Found([post(1), post(2), Post(id=50, user="you")]), "api")
    store.add(Found([post(2, text="new")]), "api", of="me")
    assert store.table("posts")["text"].to_list() == ["number 2", "number 1", ""]
    store.begin_anew("me")
    store.add(Found([post(3, edges=(Edge("quote", 50),))]), "api", of="me")
    store.replace("me")
    assert store.table("posts", ["me"])["id"].to_list() == [3]
    assert store.table("posts")["id"].to_list() == [3, 50]
    assert store.table("edges")["post"].to_list() == [3]


def test_every_table_is_exported(store, tmp_path):
    """The file is ours alone; other programs read tables."""
    store.add(Found([post(3, links=("a",)), post(4)]), "api")
    for kind, read in {"parquet": pl.read_parquet, "ndjson": pl.read_ndjson, "csv": pl.read_csv}.items():
        paths = store.export(tmp_path / kind, kind)
        assert {path.name for path in paths} == {
            f"{name}.{kind}" for name in ("posts", "media", "edges", "users", "windows")
        }
        assert read(tmp_path / kind / f"posts.{kind}").height == 2
    assert pl.read_parquet(tmp_path / "parquet" / "posts.parquet").equals(store.table("posts"))
    assert json.loads(pl.read_csv(tmp_path / "csv" / "posts.csv")["links"][1]) == ["a"]


def test_a_file_that_is_being_made_holds_nothing_yet(store):
    """The first page of one user is stored while another user's reading begins: that one failed."""
    with sqlite3.connect(store.path) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
    connection.close()
    assert store.table("posts").is_empty()
    assert store.window("me", "api") is None
    store.add(Found([post(1)]), "api")
    assert store.table("posts")["id"].to_list() == [1]


def test_a_file_of_another_kind_is_left_alone(tmp_path):
    """A mistyped path must not put tables into somebody's database."""
    path = tmp_path / "mine.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE treasure (gold)")
    connection.close()
    store = Store(path)
    with pytest.raises(StoreError, match=r"no fetchlab timeline store .*treasure"):
        store.table("posts")
    store.add(Found([post(1)]), "api")
    with pytest.raises(StoreError, match="no fetchlab timeline store"):
        store.flush()
    with pytest.raises(StoreError):
        store.add(Found([post(2)]), "api")
    fl.Cache(tmp_path / "cache.db").close()
    store.rest()
