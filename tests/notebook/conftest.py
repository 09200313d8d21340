"""A real kernel, driven as JupyterLab drives it."""

from __future__ import annotations

import contextlib
import queue
import time

import pytest
from jupyter_client.manager import KernelManager

import fetchlab as fl


class Kernel:
    """A kernel driven as JupyterLab drives it, message by message."""

    def __init__(self, manager, client):
        self.manager = manager
        self.client = client
        self.widgets = {}

    def send(self, code, cell=None):
        """Queue a cell, by name if it has one, as pages do; give the id of its request."""
        if cell is None:
            return self.client.execute(code)
        content = {"code": code, "silent": False, "store_history": True, "user_expressions": {}}
        content |= {"allow_stdin": False, "stop_on_error": True}
        message = self.client.session.msg("execute_request", content, metadata={"cellId": cell})
        self.client.shell_channel.send(message)
        return message["header"]["msg_id"]

    def answer(self, request, on_output=lambda: None):
        """What the cell printed, with its error if it raised, and what it displayed."""
        printed, shown = [], []
        deadline = time.monotonic() + 60
        while True:
            message = self.client.get_iopub_msg(timeout=max(0.1, deadline - time.monotonic()))
            if message["parent_header"].get("msg_id") != request:
                self.note(message)
                continue
            self.note(message)
            kind, content = message["msg_type"], message["content"]
            if kind == "stream":
                printed.append(content["text"])
                on_output()
            elif kind == "display_data":
                shown.append(content["data"])
            elif kind == "error":
                printed.append("\n".join(content["traceback"]))
            elif kind == "status" and content["execution_state"] == "idle":
                return "".join(printed).strip(), shown

    def run(self, code):
        """Execute a cell; give what it printed."""
        return self.answer(self.send(code))[0]

    def note(self, message):
        """Keep the state of every widget as a frontend does."""
        content = message["content"]
        if message["msg_type"] == "comm_open":
            self.widgets[content["comm_id"]] = dict(content["data"].get("state", {}))
        elif message["msg_type"] == "comm_msg" and content["data"].get("method") == "update":
            self.widgets.setdefault(content["comm_id"], {}).update(content["data"]["state"])


@pytest.fixture(scope="module")
def kernel(_bed_process, tmp_path_factory):
    """A kernel with ``fl``, the echo wire as ``base`` and a dozen ``urls`` of it."""
    manager = KernelManager(kernel_name="python3")
    manager.start_kernel(transport_encryption="auto", cwd=str(tmp_path_factory.mktemp("kernel")))
    client = manager.client()
    client.start_channels()
    client.wait_for_ready(timeout=60)
    kernel = Kernel(manager, client)
    setup = (
        f"import sys, threading\nimport fetchlab as fl\nbase = {_bed_process.urls['echo']!r}\n"
        "urls = [f'{base}/json?n={n}' for n in range(12)]"
    )
    assert kernel.run(setup) == ""
    yield kernel
    client.stop_channels()
    manager.shutdown_kernel(now=True)
    with contextlib.suppress(queue.Empty, AttributeError):
        manager.cleanup_resources()


@pytest.fixture
def panel():
    """``panel(work, …)``, closed at the end, its run too."""
    made = []

    def make(*args, **knobs):
        made.append(fl.Panel(*args, **knobs))
        return made[-1]

    yield make
    for one in made:
        if one.run is not None:
            one.run.cancel()
            one.run.wait_until_ended()
        one.close()
