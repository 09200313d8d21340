"""A real JupyterLab as ``fetchlab lab`` starts it, and a person in it: a real Chromium, driven."""

from __future__ import annotations

import json
import os
import re
import secrets
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from urllib.request import urlopen

from fetchlab.testbed.sharing import VARIABLE

PATIENCE = 90_000
"""Milliseconds that a busy machine may take for anything: nothing here waits that long when it works."""


@contextmanager
def jupyterlab(folder, bed, **settings):
    """Serve a folder's notebooks to one browser; give the address with its token.

    Args:
        folder: a project: notebooks in ``notebooks/``, room for files in ``data/``.
        bed: the testbed whose gauge the tests read.
        settings: JupyterLab's own, file by file: ``{"apputils-extension/kernels-settings": {…}}``.
    """
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    token, own = secrets.token_hex(8), folder / ".jupyter"
    quiet = {"apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False}}
    for name, values in (quiet | settings).items():
        path = own / "settings" / "@jupyterlab" / f"{name}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(values))
    environment = os.environ | {
        VARIABLE: bed.address,
        "JUPYTER_TOKEN": token,
        "JUPYTER_CONFIG_DIR": str(own / "config"),
        "JUPYTER_RUNTIME_DIR": str(own / "runtime"),
        "JUPYTERLAB_SETTINGS_DIR": str(own / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(own / "workspaces"),
        "IPYTHONDIR": str(folder / ".ipython"),
    }
    command = [sys.executable, "-m", "fetchlab", "lab", "notebooks", "--port", str(port), "--no-browser"]
    with (folder / "jupyterlab.log").open("wb") as log:
        process = subprocess.Popen(
            command, cwd=folder, env=environment, stdout=log, stderr=log, start_new_session=True
        )
        try:
            address = f"http://127.0.0.1:{port}"
            _answers(f"{address}/api/status?token={token}", process, folder / "jupyterlab.log")
            yield f"{address}/lab/tree/{{}}?token={token}"
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(30)


def _answers(address, process, log):
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        assert process.poll() is None, log.read_text()
        try:
            with urlopen(address, timeout=5):
                return
        except OSError:
            time.sleep(0.1)
    raise AssertionError(log.read_text())


class Reader:
    """A person with one notebook open.

    Args:
        page: of Playwright's.
        address: of the notebook.
    """

    def __init__(self, page, address):
        self.page = page
        page.set_default_timeout(PATIENCE)
        page.goto(address)

    def run_all(self):
        """Choose *Run All Cells*, once there is a kernel that can hear it."""
        self.page.get_by_text(re.compile(r"\| Idle$")).wait_for()
        self.page.get_by_role("menuitem", name="Run", exact=True).click()
        self.page.get_by_role("menuitem", name="Run All Cells", exact=True).click()

    def wait_until_idle(self):
        """Wait until every cell that was run has its number."""
        self.page.wait_for_function(
            "() => [...document.querySelectorAll('.jp-CodeCell .jp-InputPrompt')]"
            ".every(one => /^\\[\\d+\\]:$/.test(one.textContent.trim()))"
        )

    def errors(self):
        """What cells raised."""
        return self.page.locator(".jp-OutputArea-output[data-mime-type*=error]").all_inner_texts()

    def button(self, label):
        return self.page.get_by_role("button", name=re.compile(rf"(^|\W){label}$"))  # after its icon

    def press(self, label):
        self.button(label).click()

    def told(self):
        """The progress line of the panel."""
        return self.page.locator(".jp-OutputArea progress + span").first.inner_text()

    def wait_for(self, pattern):
        """Wait until the progress line says so."""
        self.page.wait_for_function(
            "pattern => new RegExp(pattern).test("
            "(document.querySelector('.jp-OutputArea progress + span') || {}).textContent || '')",
            arg=pattern,
        )

    def slide(self, to):
        """Move the slider of the workers with the arrow keys, from where it stands to a number."""
        handle = self.page.get_by_role("slider").first
        handle.focus()
        while (now := int(float(handle.get_attribute("aria-valuenow")))) != to:
            handle.press("ArrowRight" if now < to else "ArrowLeft")


def numbers(text):
    """Every whole number in a text."""
    return [int(one.replace(",", "")) for one in re.findall(r"\d[\d,]*", text)]
