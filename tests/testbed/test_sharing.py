"""The testbed that cells, and the notebooks of one JupyterLab, share."""

from __future__ import annotations

import pytest

from fetchlab import testbed
from fetchlab.errors import TestbedError
from fetchlab.testbed import sharing
from fetchlab.testbed.sharing import VARIABLE


@pytest.fixture
def nobody(monkeypatch):
    """No testbed is named by the environment, and none of this process is known."""
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.setattr(sharing, "_own", [])
    yield
    for bed in sharing._own:
        bed.stop()


@pytest.mark.usefixtures("nobody")
def test_a_cell_that_is_run_again_meets_the_same_server():
    """A server per execution moves to other ports, and what was cached under the old URLs is asked anew."""
    first = testbed.shared(latency=0.01)
    again = testbed.shared()
    assert again is first
    assert again.settings("echo").latency == 0.01
    first.stop()
    other = testbed.shared()
    assert other is not first
    assert other.counters()["requests"] == 0


@pytest.mark.usefixtures("nobody")
def test_the_one_that_the_environment_names_is_used(bed, monkeypatch):
    """`fetchlab lab` serves one for all of its kernels; a second one would be deaf to its gauge."""
    monkeypatch.setenv(VARIABLE, bed.address)
    found = testbed.shared(latency=0.02)
    assert found.urls == bed.urls
    assert bed.settings("echo").latency == 0.02
    assert "running elsewhere" in repr(found)
    assert bed.address.split()[-1] not in repr(found)
    assert not sharing._own


@pytest.mark.usefixtures("nobody")
@pytest.mark.parametrize("named", ["", "8700", "x y z", "9 0 nothing-listens-here"])
def test_one_that_has_ended_or_makes_no_sense_is_not(named, monkeypatch):
    """A kernel that outlives its JupyterLab must go on working."""
    monkeypatch.setenv(VARIABLE, named)
    assert isinstance(testbed.shared(), testbed.Testbed)


def test_a_wrong_token_is_refused(bed, monkeypatch):
    """Another user of the machine may see the port, not the token."""
    port, seed, _ = bed.address.split()
    with pytest.raises(TestbedError, match="private"):
        sharing.Handle(int(port), int(seed), "guessed")
