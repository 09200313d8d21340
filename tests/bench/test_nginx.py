"""The measuring server: it serves what it is given, and is gone afterwards."""

from __future__ import annotations

import http.client
from urllib.parse import urlsplit

import pytest

import fetchlab as fl
from fetchlab.bench import nginx

needs_nginx = pytest.mark.skipif(nginx.find() is None, reason="nginx is not installed")


def get(base, path, headers=None):
    line = http.client.HTTPConnection(urlsplit(base).netloc, timeout=30)
    try:
        line.request("GET", path, headers=headers or {})
        answer = line.getresponse()
        return answer.status, answer.read(), dict(answer.getheaders())
    finally:
        line.close()


@needs_nginx
def test_it_serves_the_folder_and_ends(tmp_path):
    """A benchmark against a server that is not there, or stays for ever, would be worse than none."""
    (tmp_path / "a b.bin").write_bytes(bytes(range(256)))
    with nginx.serve(tmp_path) as base:
        status, body, headers = get(base, "/a%20b.bin")
        assert (status, body) == (200, bytes(range(256)))
        assert headers["ETag"]
        assert get(base, "/a%20b.bin", {"Range": "bytes=250-"})[:2] == (206, bytes(range(250, 256)))
        assert get(base, "/none")[0] == 404
    with pytest.raises(OSError):
        get(base, "/a%20b.bin")


@needs_nginx
def test_two_at_once(tmp_path):
    """Each has a port and a folder of its own; a fixed one would let two benchmarks disturb each other."""
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "x").write_text(name)
    with nginx.serve(tmp_path / "one") as one, nginx.serve(tmp_path / "two", processes=2) as two:
        assert (get(one, "/x")[1], get(two, "/x")[1]) == (b"one", b"two")


def test_what_cannot_be_served_is_said(tmp_path, monkeypatch):
    """A folder that is missing, or no nginx: the message must name what to mend."""
    if nginx.find() is not None:
        with pytest.raises(fl.errors.ConfigError, match="folder"), nginx.serve(tmp_path / "missing"):
            pass
    monkeypatch.setattr(nginx, "find", lambda: None)
    with pytest.raises(fl.errors.ConfigError, match="nginx-light"), nginx.serve(tmp_path):
        pass
