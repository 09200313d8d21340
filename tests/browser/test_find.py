"""Which browser is driven: the named one, Playwright's, the system's, in this order."""

from __future__ import annotations

import os
import sys

import pytest

import fetchlab as fl
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


SHELL = (
    "home/.cache/ms-playwright/chromium_headless_shell-{}/chrome-headless-shell-linux64/chrome-headless-shell"
)


def test_a_headless_shell_is_taken_where_no_windows_are_wanted(bare, monkeypatch):
    """It is the same engine for half the processor; but whoever wants to see windows needs a whole one."""
    whole = bare(OWN.format("1100"))
    system = bare("bin/chromium-headless-shell")
    assert browser.find() == browser.find_shell() == system
    own = bare(SHELL.format("1100"))
    bare(SHELL.format("1099"))
    assert browser.find() == own
    assert browser.find(headless=False) == whole
    named = bare("anywhere/my-browser")
    monkeypatch.setenv("FETCHLAB_BROWSER", str(named))
    assert browser.find() == named


def test_windows_that_nothing_here_can_show_are_refused(bare, monkeypatch):
    """A headless shell that is asked for windows would start, and show none."""
    bare("bin/chromium-headless-shell")
    monkeypatch.setenv("DISPLAY", ":0")
    with pytest.raises(ConfigError, match=r"headless.*--install --windows"):
        fl.Browser(headless=False)


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


@pytest.fixture
def installers(bare, monkeypatch, tmp_path):
    """Installers that fail but for packages in ``offered``, and say which they were asked for."""
    offered, asked = tmp_path / "offered", tmp_path / "asked"
    offered.mkdir()
    broken = bare("bin/python")
    broken.write_text("#!/bin/sh\necho 'Error: no such luck' >&2\necho '  at line 3' >&2\nexit 3\n")
    monkeypatch.setattr(sys, "executable", str(broken))
    bare("bin/apt-get").write_text(f"""#!/bin/sh
echo "$*" >> {asked}
case "$*" in *update) exit 0;; esac
for name; do :; done
test -f {offered}/$name || exit 100
: > {tmp_path}/bin/$name
/bin/chmod +x {tmp_path}/bin/$name
""")

    def offer(*names):
        for name in names:
            (offered / name).write_text("")
        return lambda: [line.split()[-1] for line in asked.read_text().splitlines() if "install" in line]

    return offer


SCRIPTS = pytest.mark.skipif(sys.platform == "win32", reason="stands in shell scripts for the installers")


@SCRIPTS
def test_the_installer_tells_what_it_does_and_what_failed(bare, monkeypatch):
    """An installation that failed without a reason cannot be mended."""
    broken = bare("bin/python")
    broken.write_text("#!/bin/sh\necho 'Error: no such luck' >&2\necho '  at line 3' >&2\nexit 3\n")
    monkeypatch.setattr(sys, "executable", str(broken))
    said = []
    assert browser.install(said.append) is None
    assert said == [
        "  python -m playwright install --with-deps chromium-headless-shell",
        "    failed: Error: no such luck",
    ]


@SCRIPTS
@pytest.mark.parametrize("package", ["chromium-headless-shell", "chromium"])
def test_the_installer_goes_on_to_the_systems_package(installers, tmp_path, package):
    """Where Playwright's download is refused, the distribution's Chromium does as well, whole or not."""
    asked = installers(package)
    said = []
    assert browser.install(said.append) == tmp_path / "bin" / package
    assert said[1] == "    failed: Error: no such luck"
    assert asked() == ["chromium-headless-shell", "chromium"][: 1 + (package == "chromium")]


@SCRIPTS
def test_a_whole_one_does_where_no_shell_can_be_got(bare, installers):
    """A newer and lighter browser is no reason to fail with one at hand."""
    whole = bare("bin/chromium")
    asked = installers()
    assert browser.install([].append) == whole
    assert asked() == ["chromium-headless-shell"]


@SCRIPTS
def test_the_installer_gets_one_with_windows(bare, installers, tmp_path):
    """A headless shell that is there shows none."""
    bare("bin/chromium-headless-shell")
    asked = installers("chromium")
    assert browser.install([].append, headless=False) == tmp_path / "bin" / "chromium"
    assert asked() == ["chromium"]
