"""Which browser is driven: the named one, Playwright's, the system's, in this order."""

from __future__ import annotations

import os
import sys

import pytest

from fetchlab.errors import ConfigError
from fetchlab.transport import browser


@pytest.fixture
def bare(monkeypatch, tmp_path):
    """A machine without any browser; ``bare(path)`` puts a file there."""
    for name in ("FETCHLAB_BROWSER", "PLAYWRIGHT_BROWSERS_PATH"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))

    def put(path):
        file = tmp_path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("#!/bin/sh\n")
        file.chmod(0o755)
        return file

    return put


OWN = "home/.cache/ms-playwright/chromium-{}/chrome-linux/chrome"


def test_without_any_there_is_none(bare):
    """None is what makes the installer start; an error would stop it."""
    assert callable(bare)
    assert browser.find() is None


def test_the_order_is_named_then_playwrights_then_the_systems(bare, monkeypatch):
    """Whoever names a browser, or lets Playwright install one, means that one."""
    google = bare("bin/google-chrome")
    assert browser.find() == google
    system = bare("bin/chromium")
    assert browser.find() == system
    own = bare(OWN.format("1100"))
    assert browser.find() == own
    named = bare("anywhere/my-browser")
    monkeypatch.setenv("FETCHLAB_BROWSER", str(named))
    assert browser.find() == named


def test_playwrights_newest_is_taken(bare):
    """After an upgrade the old download is still there, and no longer fits."""
    for version in ("999", "1100", "1095"):
        bare(OWN.format(version))
    found = browser.find()
    assert found.parts[-3] == "chromium-1100"


def test_playwrights_own_place_is_respected(bare, monkeypatch, tmp_path):
    """Containers keep the browser elsewhere and say so in Playwright's variable."""
    elsewhere = bare("opt/chromium-1200/chrome-linux64/chrome")
    monkeypatch.setenv("PLAYWRIGHT_BROWSERS_PATH", str(tmp_path / "opt"))
    assert browser.find() == elsewhere


def test_a_named_browser_that_is_not_there_is_refused(bare, monkeypatch, tmp_path):
    """Silently driving another one would make two machines differ for no visible reason."""
    bare("bin/chromium")
    for wrong in (tmp_path / "absent", tmp_path):
        monkeypatch.setenv("FETCHLAB_BROWSER", str(wrong))
        with pytest.raises(ConfigError, match="FETCHLAB_BROWSER"):
            browser.find()


def test_root_goes_without_the_sandbox_and_nobody_else(monkeypatch):
    """Root's Chromium does not start with it; everyone else's should not run without."""
    monkeypatch.setattr(os, "geteuid", lambda: 0, raising=False)
    assert "--no-sandbox" in browser.launch_args()
    monkeypatch.setattr(os, "geteuid", lambda: 1000, raising=False)
    assert "--no-sandbox" not in browser.launch_args()
    assert "--disable-background-networking" in browser.launch_args()


@pytest.mark.skipif(sys.platform == "win32", reason="stands in shell scripts for the installers")
def test_the_installer_tells_what_it_does_and_what_failed(bare, monkeypatch):
    """An installation that failed without a reason cannot be mended."""
    broken = bare("bin/python")
    broken.write_text("#!/bin/sh\necho 'no such luck' >&2\nexit 3\n")
    monkeypatch.setattr(sys, "executable", str(broken))
    said = []
    assert browser.install(said.append) is None
    assert said == ["  python -m playwright install --with-deps chromium", "    failed: no such luck"]


@pytest.mark.skipif(sys.platform == "win32", reason="stands in shell scripts for the installers")
def test_the_installer_goes_on_to_the_systems_package(bare, monkeypatch, tmp_path):
    """Where Playwright's download is refused, the distribution's Chromium does as well."""
    broken = bare("bin/python")
    broken.write_text("#!/bin/sh\nexit 3\n")
    apt = bare("bin/apt-get")
    target = tmp_path / "bin" / "chromium"
    apt.write_text(
        f'#!/bin/sh\ncase "$*" in *install*) : > {target}; /bin/chmod +x {target};; esac\nexit 0\n'
    )
    monkeypatch.setattr(sys, "executable", str(broken))
    said = []
    assert browser.install(said.append) == target
    assert said[1] == "    failed: exit code 3"
