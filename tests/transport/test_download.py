"""One file, attempt by attempt: what is asked, what is kept, and what ends up under the file's name."""

from __future__ import annotations

import base64
import hashlib
import json
import os

import pytest

import fetchlab as fl
from fetchlab.transport.folder import RECORDS
from fetchlab.transport.part import PartFile
from scripted import Scripted, answer

BODY = os.urandom(50_000)
OTHER = os.urandom(50_000)
TAG = {"ETag": '"1"'}
QUICK = fl.Retry(attempts=4, base=0.001)
ONCE = fl.Retry(attempts=1)


@pytest.fixture(params=["reqwest", "httpx"])
def client(request):
    with fl.Client(request.param) as made:
        yield made


def fetch_file(url, folder, client, retry=QUICK, **knobs):
    """Download one file; return its result."""
    (result,) = fl.download([url], to=folder, client=client, retry=retry, **knobs).results()
    return result


def visible(folder):
    """The names in a folder, without the record of downloads."""
    return sorted(path.name for path in folder.iterdir() if path.name != RECORDS)


def leave_half(url, folder, client):
    """Have half of the file left behind, as by a process that died."""
    result = fetch_file(url, folder, client, ONCE)
    assert isinstance(result.error, fl.errors.BodyTruncated)
    assert visible(folder) == ["file.bin.part", "file.bin.part.json"]


def test_a_broken_download_goes_on_where_it_stopped(client, tmp_path):
    """Otherwise a long download over a bad line never ends."""
    half = answer(BODY[:20_000], length=50_000, **TAG)
    rest = answer(BODY[20_000:], 206, Content_Range="bytes 20000-49999/50000", **TAG)
    with Scripted(half, rest) as server:
        result = fetch_file(server.url, tmp_path, client)
    assert server.asked[0]["accept-encoding"] == "identity"
    assert "range" not in server.asked[0]
    assert (server.asked[1]["range"], server.asked[1]["if-range"]) == ("bytes=20000-", '"1"')
    done = result.value
    assert done.path == tmp_path / "file.bin"
    assert done.path.read_bytes() == BODY
    assert (done.bytes, done.received, done.resumed_from, done.skipped) == (50_000, 30_000, 20_000, False)
    assert (result.status, result.attempts, result.bytes) == (206, 2, 30_000)
    assert visible(tmp_path) == ["file.bin"]


def test_a_later_call_goes_on_too(client, tmp_path):
    """The state must be on the disk, not in the process that died."""
    half = answer(BODY[:20_000], length=50_000, **TAG)
    rest = answer(BODY[20_000:], 206, Content_Range="bytes 20000-49999/50000", **TAG)
    with Scripted(half, rest) as server:
        leave_half(server.url, tmp_path, client)
        assert fetch_file(server.url, tmp_path, client).value.path.read_bytes() == BODY


def test_a_file_that_changed_begins_anew(client, tmp_path):
    """If-Range fails, the server sends all of the new version: not a byte of the old one may stay."""
    half = answer(BODY[:20_000], length=50_000, **TAG)
    with Scripted(half, answer(OTHER[:30_000], ETag='"2"')) as server:
        leave_half(server.url, tmp_path, client)
        done = fetch_file(server.url, tmp_path, client).value
    assert server.asked[1]["if-range"] == '"1"'
    assert done.path.read_bytes() == OTHER[:30_000]
    assert done.resumed_from == 0


@pytest.mark.parametrize(
    "wrong",
    [
        answer(OTHER[20_000:], 206, Content_Range="bytes 20000-49999/50000", ETag='"2"'),
        answer(OTHER[10_000:], 206, Content_Range="bytes 10000-49999/50000", **TAG),
        answer(OTHER[20_000:], 206, **TAG),
        answer(b"", 416, Content_Range="bytes */15000"),
        answer(b"", 416),
        answer(b"", 304, **TAG),
    ],
    ids=["other-version", "other-place", "no-place", "416-shorter", "416-bare", "304"],
)
def test_an_answer_that_does_not_fit_is_not_appended(client, tmp_path, wrong):
    """Servers that ignore If-Range exist; the whole file is asked for, in the same attempt."""
    half = answer(BODY[:20_000], length=50_000, **TAG)
    with Scripted(half, wrong, answer(OTHER, ETag='"2"')) as server:
        leave_half(server.url, tmp_path, client)
        result = fetch_file(server.url, tmp_path, client, ONCE)
    assert result.value.path.read_bytes() == OTHER
    assert "range" not in server.asked[2]


@pytest.mark.parametrize(
    "headers", [{}, {"ETag": 'W/"1"'}, {"Last-Modified": "Sun, 01 Nov 2026 00:00:00 GMT"}]
)
def test_without_a_strong_validator_it_begins_anew(client, tmp_path, headers):
    """Nothing says that the rest would be of the same version."""
    half = answer(BODY[:20_000], length=50_000, **headers)
    with Scripted(half, answer(OTHER, **headers)) as server:
        leave_half(server.url, tmp_path, client)
        assert fetch_file(server.url, tmp_path, client).value.path.read_bytes() == OTHER
    assert "range" not in server.asked[1]


def test_all_bytes_were_there_already(client, tmp_path):
    """Killed between the last byte and the move: 416 says that nothing is missing."""
    with Scripted(answer(BODY, **TAG), answer(b"", 416, Content_Range="bytes */50000")) as server:
        fetch_file(server.url, tmp_path, client)
        part = tmp_path / "file.bin.part"
        (tmp_path / "file.bin").rename(part)
        told = {"key": f"GET {server.url}", "total": 50_000, "etag": '"1"', "validator": '"1"'}
        part.with_name(part.name + ".json").write_text(json.dumps(told))
        done = fetch_file(server.url, tmp_path, client).value
    assert server.asked[1]["range"] == "bytes=50000-"
    assert done.path.read_bytes() == BODY
    assert (done.received, done.resumed_from) == (0, 50_000)
    assert visible(tmp_path) == ["file.bin"]


@pytest.mark.parametrize(
    "sidecar",
    ["", "{", "[]", '{"key": 1}', '{"key": "GET KEY", "total": "x"}', '{"key": "GET KEY", "total": 1}'],
)
def test_a_sidecar_that_cannot_be_true(client, tmp_path, sidecar):
    """Bytes of which nothing is known are not built upon; those of somebody else are left alone."""
    with Scripted(answer(BODY, **TAG)) as server:
        (tmp_path / "file.bin.part").write_bytes(b"12345")
        (tmp_path / "file.bin.part.json").write_text(sidecar.replace("KEY", server.url))
        done = fetch_file(server.url, tmp_path, client).value
    assert done.path.read_bytes() == BODY
    assert "range" not in server.asked[0]


@pytest.mark.parametrize("name", ["Repr-Digest", "Content-Digest"])
def test_what_the_server_promises_is_checked(client, tmp_path, name):
    """RFC 9530: a proxy that spoiled the body is found out; the file is not there, nor a part of it."""
    right = base64.b64encode(hashlib.sha256(BODY).digest()).decode()
    headers = {name: f"sha-256=:{right}:"}
    with Scripted(answer(BODY, **headers)) as server:
        done = fetch_file(server.url, tmp_path / "good", client).value
        assert done.sha256 == hashlib.sha256(BODY).hexdigest()
    with Scripted(answer(OTHER, **headers)) as server:
        result = fetch_file(server.url, tmp_path / "bad", client)
    assert isinstance(result.error, fl.errors.DigestMismatch)
    assert name in str(result.error)
    assert (result.attempts, visible(tmp_path / "bad")) == (1, [])


def test_a_wrong_digest_after_a_resume_is_tried_anew(client, tmp_path):
    """The bytes on the disk may be what is wrong: one download from the start settles it."""
    half = answer(OTHER[:20_000], length=50_000, **TAG)
    rest = answer(BODY[20_000:], 206, Content_Range="bytes 20000-49999/50000", **TAG)
    with Scripted(half, rest, answer(BODY, **TAG)) as server:
        digest = "sha256:" + hashlib.sha256(BODY).hexdigest()
        result = fetch_file(server.url, tmp_path, client, digest=lambda _: digest)
    assert result.value.path.read_bytes() == BODY
    assert (result.attempts, visible(tmp_path)) == (3, ["file.bin"])


def test_sizes_that_disagree(client, tmp_path):
    """A part that is shorter than the whole says is no whole file."""
    half = answer(BODY[:20_000], length=50_000, **TAG)
    short = answer(BODY[20_000:40_000], 206, Content_Range="bytes 20000-49999/50000", **TAG)
    with Scripted(half, short) as server:
        leave_half(server.url, tmp_path, client)
        result = fetch_file(server.url, tmp_path, client, ONCE)
    assert isinstance(result.error, fl.errors.BodyTruncated)
    assert "50,000 were promised" in str(result.error)
    assert (tmp_path / "file.bin.part").read_bytes() == BODY[:40_000]


def test_a_part_that_nobody_asked_for(client, tmp_path):
    """Saved as the file it would be a file with a hole at its front."""
    part = answer(BODY[20_000:], 206, Content_Range="bytes 20000-49999/50000", **TAG)
    with Scripted(part) as server:
        result = fetch_file(server.url, tmp_path, client)
    assert type(result.error) is fl.errors.TransportError
    assert visible(tmp_path) == []


def test_the_body_is_kept_as_it_was_sent(client, tmp_path):
    """Decoded bytes have other offsets and another digest than the server's."""
    with Scripted(answer(BODY, Content_Encoding="gzip", **TAG)) as server:
        done = fetch_file(server.url, tmp_path, client).value
    assert (done.path.read_bytes(), done.encoding) == (BODY, "gzip")


@pytest.mark.parametrize("promised", [True, False])
def test_max_bytes(client, tmp_path, promised):
    """A file that grows without end must not fill the disk, nor stay there."""
    head = answer(BODY, **TAG) if promised else b"HTTP/1.1 200 X\r\nConnection: close\r\n\r\n" + BODY
    with Scripted(head) as server:
        result = fetch_file(server.url, tmp_path, client, max_bytes=40_000)
        assert isinstance(result.error, fl.errors.BodyTooLarge)
        assert visible(tmp_path) == []
        assert fetch_file(server.url, tmp_path, client, max_bytes=50_000).value.bytes == 50_000


def test_a_body_without_a_length(client, tmp_path):
    """Its end is the connection's; there is nothing to check it against."""
    with Scripted(b"HTTP/1.1 200 X\r\nConnection: close\r\n\r\n" + BODY) as server:
        assert fetch_file(server.url, tmp_path, client).value.path.read_bytes() == BODY


@pytest.mark.parametrize(
    ("timeout", "which"),
    [(fl.Timeout(read=0.2, total=None), "read"), (fl.Timeout(read=5, total=0.4), "total")],
)
def test_a_server_that_falls_silent(client, tmp_path, raw, timeout, which):
    """What came until then is kept, and the message names the timeout."""

    def reply(connection):
        connection.sendall(answer(BODY[:20_000], length=50_000, **TAG))
        connection.recv(1)

    result = fetch_file(raw(reply) + "file.bin", tmp_path, client, ONCE, timeout=timeout)
    assert str(result.error).startswith(f"{which} took longer than")
    assert (tmp_path / "file.bin.part").read_bytes() == BODY[:20_000]


def test_faults_of_the_wire(client, tmp_path, bed, echo):
    """Resets before the head and bodies cut in half, as often as the testbed does both."""
    urls = [f"{echo}/bytes/{size}" for size in (1, 70_000, 300_000, 3_000_000)]
    bed.configure("echo", truncate=0.5, reset=0.5)
    run = fl.download(urls, to=tmp_path, client=client, retry=QUICK)
    assert [done.bytes for done in run.result()] == [1, 70_000, 300_000, 3_000_000]
    bed.configure("echo", truncate=0.0, reset=0.0)
    for done, body in zip(run.result(), fl.fetch(urls).result(), strict=True):
        assert done.path.read_bytes() == body
    assert run.stats().retries >= 4
    assert run.attempts().filter(status=206).height >= 1


def test_a_request_of_its_own_kind_is_not_resumed(client, tmp_path):
    """A POST may answer each time another thing, and a Range of the user's is the user's."""
    half = answer(BODY[:20_000], length=50_000, **TAG)
    with Scripted(
        half, answer(OTHER, **TAG), answer(BODY[:10], 206, Content_Range="bytes 0-9/50000")
    ) as server:
        post = fl.Request(server.url, "POST", content=b"x")
        result = fetch_file(post, tmp_path, client, fl.Retry(attempts=2, base=0.001, methods={"POST"}))
        assert result.value.path.read_bytes() == OTHER
        ranged = fl.Request(server.url, headers={"range": "bytes=0-9"})
        assert fetch_file(ranged, tmp_path, client, key=lambda _: "first ten").value.bytes == 10
    assert "range" not in server.asked[1]
    assert server.asked[2]["range"] == "bytes=0-9"
    assert visible(tmp_path) == ["file (2).bin", "file.bin"]


def test_secrets_are_not_written_beside_the_file(client, tmp_path):
    """Folders of downloads are shared; the token that fetched them must not be in there."""
    token = "s3cr3t-T0ken-0123456789"
    with Scripted(answer(BODY[:20_000], length=50_000, **TAG), answer(BODY, **TAG)) as server:
        url = f"{server.url}?api_key={token}"
        request = fl.Request(url, headers={"Authorization": f"Bearer {token}"})
        fetch_file(request, tmp_path, client, ONCE)
        written = (tmp_path / "file.bin.part.json").read_text()
        fetch_file(request, tmp_path, client, ONCE)
        written += (tmp_path / RECORDS).read_text()
    assert "api_key=***" in written
    assert token not in written


def test_two_writers_do_not_share_a_partial_file(tmp_path):
    """Two processes that append to one file make a third one of both."""
    first = PartFile.open(tmp_path / "x.part")
    assert PartFile.open(tmp_path / "x.part") is None
    first.move(tmp_path / "x")
    second = PartFile.open(tmp_path / "x.part")
    second.drop()
    assert visible(tmp_path) == ["x"]


def test_many_small_pieces(tmp_path):
    """A system call takes a limited number of buffers, and need not write all of them."""
    part = PartFile.open(tmp_path / "x.part")
    pieces = [bytes([number % 256]) * 3 for number in range(2000)]
    part.write(pieces)
    part.write([memoryview(b"end")])
    part.close()
    assert (tmp_path / "x.part").read_bytes() == b"".join(pieces) + b"end"
