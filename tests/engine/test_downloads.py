"""``fl.download``: knobs, names, what is there already, and one item's trouble while the others go on."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from urllib.parse import quote

import httpx
import psutil
import pytest

import fetchlab as fl
from fetchlab.transport.folder import RECORDS
from fetchlab.transport.part import PartFile
from scripted import Scripted, answer
from testbed.client import until

QUICK = fl.Retry(attempts=3, base=0.001)


def sha256(body):
    return "sha256:" + hashlib.sha256(body).hexdigest()


def visible(folder):
    """Every file below a folder, without the record of downloads."""
    files = (path for path in folder.rglob("*") if path.is_file() and path.name != RECORDS)
    return sorted(path.relative_to(folder).as_posix() for path in files)


def test_files_and_their_table(echo, tmp_path):
    """Every kind of item; a row for each file with its path and MB/s; a failure among them ends nothing."""
    folder = tmp_path / "new" / "folder"
    items = [
        f"{echo}/bytes/1000",
        fl.Request(f"{echo}/bytes/2000000"),
        httpx.Request("GET", f"{echo}/bytes/0"),
        f"{echo}/status/404",
        None,
    ]
    run = fl.download(items, to=folder, retry=QUICK)
    values = run.result()
    assert [value and value.bytes for value in values] == [1000, 2_000_000, 0, None, None]
    assert [value.path.stat().st_size for value in values[:3]] == [1000, 2_000_000, 0]
    assert values[1].path.read_bytes() == fl.fetch([items[1]]).result()[0]
    table = run.table()
    assert table["path"].to_list() == [str(value.path) for value in values[:3]]
    assert (table["mb_per_s"][1], table["received"][1]) == (values[1].mb_per_s, 2_000_000)
    assert values[1].mb_per_s > 0
    assert run.frame()["bytes"].to_list()[:3] == [1000, 2_000_000, 0]
    assert run.frame()["host"].to_list()[:4] == [echo] * 4
    assert run.errors()["error"].to_list() == ["ConfigError", "StatusError"]
    run.save(tmp_path / "saved")
    assert fl.load(tmp_path / "saved").table().equals(table)


@pytest.mark.parametrize(
    "name",
    [
        "../../outside.txt",
        "/etc/outside.txt",
        r"..\..\outside.txt",
        "C:\\outside.txt",
        "..",
        ".bashrc",
        RECORDS,
        "con.txt",
        "a\u202etxt.exe",
        "x" * 400 + ".txt",
        "x.part",
        "x.part.json",
        "",
        "é € 文.txt",
    ],
)
@pytest.mark.parametrize("kind", ["reqwest", "httpx"])
@pytest.mark.parametrize("form", ["quoted", "extended"])
def test_no_name_leads_out_of_the_folder(echo, tmp_path, name, kind, form):
    """What a server says is a stranger's word: it may name the file, not choose the place."""
    quoted = name.replace("\\", "\\\\").replace('"', "")
    header = f'attachment; filename="{quoted}"' if form == "quoted" else f"x; filename*=UTF-8''{quote(name)}"
    if not header.isprintable():
        pytest.skip("no header's value")
    folder = tmp_path / "a" / "b"
    with fl.Client(kind) as client:
        url = f"{echo}/download/10?disposition={quote(header)}"
        (done,) = fl.download([url], to=folder, client=client, retry=QUICK).result()
    assert done.path.parent == folder
    assert done.path.name != RECORDS
    assert not done.path.name.startswith(".")
    assert visible(tmp_path) == [f"a/b/{done.path.name}"]


def test_the_servers_name_goes_before_the_urls(echo, tmp_path):
    """``/download/10?id=7`` is not what anybody would call the file."""
    url = f"{echo}/download/10?disposition={quote('attachment; filename=report.pdf')}"
    (done,) = fl.download([url], to=tmp_path).result()
    assert done.path == tmp_path / "report.pdf"


def test_one_name_for_several(bed, echo, tmp_path):
    """Whichever ends first, the lowest index has the plain name, and the next run finds the same files."""
    named = quote("attachment; filename=n.txt")
    urls = [
        f"{echo}/download/{size}?disposition={named}&seconds={s}"
        for size, s in ((9, 0.6), (8, 0.4), (7, 0.2))
    ]
    urls += [f"{echo}/bytes/5", f"{bed.urls['echo2']}/bytes/5", urls[0]]
    names = ["n.txt", "n (2).txt", "n (3).txt", "5", "5 (2)", "n (4).txt"]
    for again in (False, True):
        values = fl.download(urls, to=tmp_path, workers=6).result()
        assert [value.path.name for value in values] == names
        assert [value.bytes for value in values] == [9, 8, 7, 5, 5, 9]
        assert {value.skipped for value in values} == {again}
    assert visible(tmp_path) == sorted(names)


def test_what_is_there_already(echo, tmp_path):
    """Unchanged: skipped after asking. Changed: replaced. Somebody else's file: never touched."""
    (tmp_path / "file.bin").write_text("mine")
    body, other = os.urandom(5000), os.urandom(6000)
    tag = {"ETag": '"1"'}
    changed = answer(other, ETag='"2"')
    with Scripted(
        answer(body, **tag), answer(b"", 304, **tag), changed, answer(body), answer(body)
    ) as server:
        states = []
        for knobs in ({}, {}, {}, {"overwrite": True}):
            run = fl.download([server.url], to=tmp_path, **knobs)
            (done,) = run.result()
            states.append((done.path.name, done.skipped, done.path.read_bytes()))
        assert states == [
            ("file (2).bin", False, body),
            ("file (2).bin", True, body),
            ("file (2).bin", False, other),
            ("file (2).bin", False, body),
        ]
        assert [asked.get("if-none-match") for asked in server.asked] == [None, '"1"', '"1"', None]
        (tmp_path / "file (2).bin").write_text("edited by hand")
        assert fl.download([server.url], to=tmp_path).result()[0].path.name == "file (3).bin"
        assert (tmp_path / "file (2).bin").read_text() == "edited by hand"
        assert (tmp_path / "file.bin").read_text() == "mine"


def test_overwrite_replaces_what_has_the_name(echo, tmp_path):
    """It was asked for; but two items of one run still do not replace each other."""
    (tmp_path / "5").write_text("mine")
    values = fl.download([f"{echo}/bytes/5"] * 2, to=tmp_path, overwrite=True, workers=1).result()
    assert [value.path.name for value in values] == ["5", "5 (2)"]
    assert len((tmp_path / "5").read_bytes()) == 5
    values = fl.download([f"{echo}/bytes/5"] * 2, to=tmp_path, overwrite=True).result()
    assert visible(tmp_path) == ["5", "5 (2)"]
    assert not any(value.skipped for value in values)


def test_digests(bed, echo, tmp_path):
    """Right ones pass and save the question next time; a wrong one leaves nothing but its error."""
    urls = [f"{echo}/bytes/{size}" for size in (1000, 1001, 1002)]
    bodies = fl.fetch(urls).result()
    right, wrong = sha256(bodies[0]), sha256(b"other")
    known = {urls[0]: right, f"GET {urls[1]}": wrong}
    run = fl.download(urls, to=tmp_path, digest=known, retry=QUICK)
    assert [result.ok for result in run.results()] == [True, False, True]
    error = run.results()[1].error
    assert isinstance(error, fl.errors.DigestMismatch)
    assert (error.key, error.attempts) == (f"GET {urls[1]}", 1)
    assert wrong.partition(":")[2] in str(error)
    assert visible(tmp_path) == ["1000", "1002"]
    assert [value and value.sha256 for value in run.result()] == [right.partition(":")[2], None, None]
    bed.reset_counters()
    run = fl.download([urls[0]], to=tmp_path, digest=lambda _item: right)
    assert run.result()[0].skipped
    assert run.results()[0].cached
    assert bed.counters("echo")["requests"] == 0
    (tmp_path / "1000").write_bytes(bodies[0][::-1])
    (done,) = fl.download([urls[0]], to=tmp_path, digest={urls[0]: right}).result()
    assert (done.skipped, done.path.read_bytes()) == (False, bodies[0])


def test_paths_of_the_users_own(echo, tmp_path):
    """A function chooses each file's path; one with ``..`` was made of a URL, and is refused."""
    named = quote("attachment; filename=server.txt")
    items = [f"{echo}/download/{size}?disposition={named}" for size in range(1, 6)]
    chosen = {
        items[0]: tmp_path / "x" / "one.bin",
        items[1]: str(tmp_path / "y" / "z" / "two.bin"),
        items[2]: tmp_path / "x" / ".." / ".." / "three.bin",
        items[3]: 4,
        items[4]: tmp_path / "x" / "one.bin",
    }
    for again in (False, True):
        run = fl.download(items, to=chosen.get, retry=QUICK)
        assert visible(tmp_path) == ["x/one (2).bin", "x/one.bin", "y/z/two.bin"] if again else run.wait()
        values = run.result()
        assert [value and value.skipped for value in values] == [again, again, None, None, again]
        assert values[4].path == tmp_path / "x" / "one (2).bin"
        errors = [run.results()[index].error for index in (2, 3)]
        assert [error.knob for error in errors] == ["to", "to"]
    moved = fl.download([items[0]], to=lambda _: tmp_path / "x" / "elsewhere.bin").result()[0]
    assert (moved.path.name, moved.skipped) == ("elsewhere.bin", False)


def test_a_path_function_that_raises(echo, tmp_path):
    """Its mistake is that item's, with the line that made it."""
    run = fl.download([f"{echo}/bytes/1", f"{echo}/bytes/2"], to=lambda url: tmp_path / {"1": "one"}[url[-1]])
    assert [result.ok for result in run.results()] == [True, False]
    assert isinstance(run.results()[1].error, fl.errors.TaskError)


def test_places_that_cannot_be_written(echo, tmp_path):
    """A file where a folder should be, a folder where the file should be: the item's error says which."""
    (tmp_path / "file").write_text("x")
    (tmp_path / "taken" / "1").mkdir(parents=True)
    places = [tmp_path / "file" / "1", tmp_path / "good" / "1", tmp_path / "taken" / "1"]
    urls = [f"{echo}/download/10?n={n}" for n in range(3)]
    run = fl.download(urls, to=dict(zip(urls, places, strict=True)).get, overwrite=True, retry=QUICK)
    assert [result.ok for result in run.results()] == [False, True, False]
    for index, place in ((0, tmp_path / "file"), (2, places[2])):
        error = run.results()[index].error
        assert isinstance(error, fl.errors.WriteFailed)
        assert (error.item, error.key, error.attempts) == (urls[index], f"GET {urls[index]}", 1)
        assert str(place) in str(error)
    assert run.errors()["knob"].to_list() == ["to"]


def test_a_full_disk(echo, tmp_path, monkeypatch):
    """The item says so at once; what fits stays, and the next call goes on from there."""
    written = PartFile._write
    full = [True]

    def write(part, buffers):
        if full[0] and "300000" in part.path.name:
            written(part, [bytes(buffers[0])[:1000]])
            raise OSError(28, "No space left on device")
        written(part, buffers)

    monkeypatch.setattr(PartFile, "_write", write)
    urls = [f"{echo}/bytes/300000", f"{echo}/bytes/20"]
    run = fl.download(urls, to=tmp_path, retry=QUICK)
    assert [result.ok for result in run.results()] == [False, True]
    error = run.results()[0].error
    assert isinstance(error, fl.errors.WriteFailed)
    assert (error.key, error.attempts) == (f"GET {urls[0]}", 1)
    assert "300000.part: No space left on device" in str(error)
    full[0] = False
    run.retry_failed().wait()
    done = run.result()[0]
    assert (done.resumed_from, done.path.read_bytes()) == (1000, fl.fetch([urls[0]]).result()[0])


@pytest.mark.skipif(not Path("/sys/kernel").is_dir(), reason="needs a folder that nobody can write to")
def test_a_folder_that_nobody_can_write_to(echo):
    """Also root cannot write to sysfs; a traceback for each item would not say so."""
    run = fl.download([f"{echo}/bytes/1"], to="/sys/kernel", retry=QUICK)
    assert isinstance(run.results()[0].error, fl.errors.WriteFailed)


def test_a_link_is_not_followed(echo, tmp_path):
    """A link planted under the name of a partial file would have another file written to."""
    precious = tmp_path / "precious"
    precious.write_text("x")
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "5.part").symlink_to(precious)
    (folder / "6").symlink_to(precious)
    values = fl.download([f"{echo}/bytes/5", f"{echo}/bytes/6"], to=folder).result()
    assert [value.path.name for value in values] == ["5", "6 (2)"]
    (done,) = fl.download([f"{echo}/bytes/6"], to=folder, overwrite=True, key=lambda _: "x").result()
    assert (done.path.name, done.path.is_symlink()) == ("6", False)
    assert precious.read_text() == "x"


def test_cancelled_and_gone_on_with(bed, echo, tmp_path):
    """What came before the cancelling is not downloaded a second time."""
    size = 1_000_000
    url = f"{echo}/download/{size}?seconds=5"
    part = tmp_path / f"{size}.part"
    run = fl.download([url], to=tmp_path)
    until(lambda: part.exists() and part.stat().st_size > size // 4)
    assert run.cancel().wait(30).stats().errors == {"Cancelled": 1}
    (done,) = run.retry_failed().wait(30).result()
    assert done.resumed_from > size // 4
    assert done.path.read_bytes() == fl.fetch([f"{echo}/download/{size}"]).result()[0]
    assert visible(tmp_path) == [str(size)]


def test_a_key_of_the_users_own(tmp_path):
    """URLs that are signed anew each time mean one file."""
    body = os.urandom(5000)
    half = answer(body[:2000], length=5000, ETag='"1"')
    rest = answer(body[2000:], 206, Content_Range="bytes 2000-4999/5000", ETag='"1"')
    with Scripted(half, rest) as server:
        for signature in ("abc", "def"):
            run = fl.download(
                [f"{server.url}?when={signature}"],
                to=tmp_path,
                key=lambda _: "file 7",
                retry=fl.Retry(attempts=1),
            ).wait()
    assert run.result()[0].resumed_from == 2000
    assert run.frame()["key"].to_list() == ["file 7"]


def test_follow_and_order_and_strategy(echo, tmp_path):
    """The engine's other knobs mean what they mean in fetch."""
    run = fl.download(
        [f"{echo}/download/3?seconds=0.1", f"{echo}/bytes/2"],
        to=tmp_path,
        order="input",
        strategy=fl.Chunked(2),
        follow=lambda result: [f"{echo}/bytes/9"] if result.index == 0 else [],
        accept={404},
    )
    assert [result.value.path.name for result in run] == ["3", "2", "9"]
    assert fl.download([], to=tmp_path).workers == 5
    (page,) = fl.download([f"{echo}/status/404"], to=tmp_path, accept={404}).result()
    assert b"404" in page.path.read_bytes()


@pytest.mark.parametrize(
    ("knob", "value"),
    [
        ("to", None),
        ("to", 7),
        ("to", __file__),
        ("to", "a\0b"),
        ("workers", 0),
        ("strategy", 5),
        ("retry", 3),
        ("timeout", "5"),
        ("accept", "404"),
        ("max_bytes", 0),
        ("max_bytes", 1.5),
        ("digest", "sha256:00"),
        ("digest", {"a": "sha256:00"}),
        ("key", "name"),
        ("order", "random"),
        ("follow", 3),
        ("client", "curl"),
        ("overwrite", "yes"),
        ("requests", "http://one"),
        ("requests", fl.Request("http://one")),
    ],
    ids=repr,
)
def test_a_knob_that_cannot_work(tmp_path, knob, value):
    """It is said at the call, by its name."""
    knobs = {"requests": [], "to": tmp_path} | {knob: value}
    with pytest.raises(fl.errors.ConfigError) as caught:
        fl.download(**knobs)
    assert caught.value.knob == knob


def test_an_item_without_a_body(echo, tmp_path):
    """A HEAD promises a length and brings nothing: no retry could make a file of it."""
    run = fl.download([fl.Request(f"{echo}/bytes/5", "HEAD")], to=tmp_path, retry=QUICK)
    assert isinstance(run.results()[0].error, fl.errors.ConfigError)
    assert run.results()[0].attempts == 1


def test_no_file_stays_open(echo, tmp_path):
    """Thousands of downloads would run out of file descriptors."""
    urls = [f"{echo}/bytes/{size}" for size in range(1, 40)] + [f"{echo}/status/500"] * 10
    fl.download(urls, to=tmp_path, retry=fl.Retry(attempts=1)).wait()
    assert not [file for file in psutil.Process().open_files() if str(tmp_path) in file.path]
