"""Pages of a kept browser: real Chromiums that are shared, killed, worn out and ended."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import time
from contextlib import suppress

import psutil
import pytest

import fetchlab as fl
from fetchlab import loop
from fetchlab.errors import BrowserCrashed, ConfigError, PageError, TimedOut
from fetchlab.store.naming import function_name

pytestmark = pytest.mark.browser
QUICK = fl.Retry(attempts=3, base=0.001)


@pytest.fixture(scope="module")
def kept():
    with fl.Browser() as browser:
        yield browser


def chromiums(parent=None):
    """The first process of every Chromium that a process has started, without scripts that start it."""
    found = []
    for process in (parent or psutil.Process()).children(recursive=True):
        with suppress(psutil.Error):
            if marked(process) and process.exe() != process.parent().exe() and not script(process):
                found.append(process)
    return found


def marked(process):
    return any(word.startswith("--fetchlab-mark=") for word in process.cmdline())


def script(process):
    return any(marked(one) and one.exe() != process.exe() for one in process.children())


def gone(processes):
    """Wait until none of them is there any more; say which are."""
    _, alive = psutil.wait_procs(processes, timeout=20)
    return [process for process in alive if process.status() != psutil.STATUS_ZOMBIE]


async def heading(page, url):
    await page.goto(url, wait_until="domcontentloaded")
    return await page.locator("h1").inner_text()


def urls(echo, count):
    return [f"{echo}/html?n={n}" for n in range(count)]


def test_items_share_a_browser_and_nothing_in_it(kept, echo):
    """A cookie of one user seen by the next is a wrong page, and a leak."""

    async def look(page, url):
        await heading(page, url)
        before = await page.evaluate("[document.cookie, localStorage.length]")
        await page.evaluate("document.cookie = 'who=me'; localStorage.setItem('who', 'me')")
        return before

    before = kept.stats()
    run = fl.map(kept.task(look), urls(echo, 4), workers=2, progress=False)
    assert run.raise_for_errors().result() == [["", 0]] * 4
    now = kept.stats()
    assert (now.browsers, now.started, now.pages) == (1, 1, 0)
    assert now.opened - before.opened == 4
    assert now.memory > 50e6
    assert now.memory < sum(one.memory_info().rss for one in psutil.Process().children(recursive=True))


def test_pictures_are_not_asked_for(kept, bed, echo):
    """They are most of what a page weighs, and nobody reads them."""
    body = "<img src='/bytes/9?i'><video src='/bytes/9?v' autoplay></video><script src='/bytes/9?s'></script>"

    async def look(page, url):
        await page.goto(url)
        await page.set_content(body, wait_until="load")
        return await page.evaluate("performance.getEntriesByType('resource').length")

    fl.map(kept.task(look), urls(echo, 1), progress=False).raise_for_errors()
    assert bed.counters("echo")["by_route"]["GET /bytes/{n}"] == 1  # the script


def test_a_killed_browser_is_replaced_and_its_items_are_tried_again(echo):
    """Over a night some Chromium dies; the run must neither end nor lose what was on its pages."""
    killed = []

    async def look(page, url):
        if url.endswith("n=2") and not killed:
            killed.extend(browser._running[0].processes())
            killed[0].kill()
            await asyncio.sleep(3600)  # nothing else tells it
        return await heading(page, url)

    with fl.Browser() as browser:
        run = fl.map(browser.task(look), urls(echo, 6), workers=3, retry=QUICK, progress=False)
        assert run.raise_for_errors().result() == ["Echo"] * 6
        stats = browser.stats()
        assert (stats.started, stats.crashed, stats.browsers) == (2, 1, 1)
        tried = run.attempts().filter(error="BrowserCrashed")
        assert 1 <= tried.height <= 3
        assert "ended while the page was in use" in tried["message"][0]
    assert gone(killed) == []


def test_a_page_that_crashes_takes_no_other_along(kept, echo):
    """One site with a script that eats all memory must not cost its neighbours their work."""
    tries = []

    async def look(page, url):
        if url.endswith("n=1"):
            tries.append(url)
            if len(tries) == 1:
                with suppress(Exception):  # the navigation ends before the page does
                    await page.goto("chrome://crash")
                await asyncio.sleep(3600)
        return await heading(page, url)

    fl.map(kept.task(heading), urls(echo, 1), progress=False).raise_for_errors()
    started = kept.stats().started
    run = fl.map(kept.task(look), urls(echo, 3), workers=3, retry=QUICK, progress=False)
    assert run.raise_for_errors().result() == ["Echo"] * 3
    assert run.attempts().filter(error="BrowserCrashed")["message"].to_list() == ["the page crashed"]
    assert kept.stats().started == started


def test_a_worn_out_browser_makes_room_for_another(echo):
    """A Chromium that has opened thousands of pages has grown by gigabytes."""
    with fl.Browser(pages=2) as browser:
        run = fl.map(browser.task(heading), urls(echo, 5), workers=1, progress=False)
        assert run.raise_for_errors().result() == ["Echo"] * 5
        stats = browser.stats()
        assert (stats.opened, stats.started, stats.replaced, stats.crashed) == (5, 3, 2, 0)
        assert stats.browsers == len(chromiums()) - _others(browser) == 1


def _others(browser):
    """Chromiums of other fixtures."""
    own = {process.pid for one in browser._running for process in one.processes()}
    return len([process for process in chromiums() if process.pid not in own])


@pytest.mark.slow
def test_a_browser_each_loses_one_page_in_a_crash(echo):
    """That is what the second browser's memory is paid for."""
    meeting = asyncio.Event()
    together = []

    async def look(page, url):
        if not meeting.is_set():
            together.append(url)
            if len(together) == 2:
                meeting.set()
                mine = next(one for one in browser._running if page.context.browser is one.browser)
                mine.processes()[0].kill()
                await asyncio.sleep(3600)
            await meeting.wait()
        return await heading(page, url)

    with fl.Browser(isolation="browser") as browser:
        run = fl.map(browser.task(look), urls(echo, 3), workers=2, retry=QUICK, progress=False)
        assert run.raise_for_errors().result() == ["Echo"] * 3
        assert run.attempts().filter(error="BrowserCrashed").height == 1
        assert browser.stats().started == 3


def test_what_a_page_does_not_do_is_an_error_that_says_so(kept, echo):
    """Playwright's own message is twenty lines of log, and its class is none of ours."""

    async def waits(page, url):
        await page.goto(url)
        await page.locator("#nowhere").click(timeout=50)

    async def lost(page, url):
        await page.goto("http://127.0.0.1:9/?token=abcdefghijklmnop0123456789")

    async def wrong(page, url):
        return {}["mine"]

    once = fl.Retry(attempts=1)
    kinds = {}
    for look in (waits, lost, wrong):
        (result,) = fl.map(kept.task(look), urls(echo, 1), retry=once, progress=False).results()
        kinds[look.__name__] = type(result.error).__name__, str(result.error)
        assert "\n" not in kinds[look.__name__][1]
    assert kinds["waits"][0] == kinds["lost"][0] == PageError.__name__
    assert "50ms" in kinds["waits"][1]
    assert "ERR_" in kinds["lost"][1]
    assert "abcdefghijklmnop" not in kinds["lost"][1]
    assert kinds["wrong"][0] == "TaskError"
    assert kept.stats().pages == 0


def test_a_timeout_and_a_cancelled_run_close_their_pages(kept, echo):
    """Pages that nobody closes fill the memory by the end of the night."""

    async def hangs(page, url):
        await page.goto(url)
        await page.evaluate("new Promise(() => {})")

    once = fl.Retry(attempts=1)
    run = fl.map(kept.task(hangs), urls(echo, 1), timeout=1.0, retry=once, progress=False).wait()
    assert isinstance(run.results()[0].error, TimedOut)
    assert kept.stats().pages == 0
    run = fl.map(kept.task(hangs), urls(echo, 9), workers=2, progress=False)
    while kept.stats().pages < 2:
        time.sleep(0.02)
    run.cancel()
    run.wait(timeout=60)
    assert kept.stats().pages == 0


def test_an_interrupt_leaves_the_browser_alone(kept, echo):
    """Jupyter's stop button sends SIGINT to the kernel and to all that it has started."""
    fl.map(kept.task(heading), urls(echo, 1), progress=False).raise_for_errors()
    started = kept.stats().started
    for process in (chromiums()[0].parent(),):
        process.send_signal(signal.SIGINT)
    fl.map(kept.task(heading), urls(echo, 1), progress=False).raise_for_errors()
    assert kept.stats().started == started


@pytest.mark.slow
def test_a_dead_driver_is_started_anew(echo):
    """Playwright's own process can die as well, and every browser with it."""
    with fl.Browser() as browser:
        task = browser.task(heading)
        fl.map(task, urls(echo, 1), progress=False).raise_for_errors()
        browser._running[0].driver.kill()
        again = fl.map(task, urls(echo, 2), workers=1, retry=QUICK, progress=False)
        assert again.raise_for_errors().result() == ["Echo"] * 2


def test_closing_ends_its_processes_and_the_next_use_starts_anew(echo):
    """A browser that outlives its notebook is found by the administrator."""
    browser = fl.Browser()
    task = browser.task(heading)
    fl.map(task, urls(echo, 1), progress=False).raise_for_errors()
    own = browser._running[0].processes()
    assert own
    browser.close()
    browser.close()
    assert gone(own) == []
    assert (browser.stats().browsers, browser.stats().memory) == (0, 0)
    assert fl.map(task, urls(echo, 1), progress=False).raise_for_errors().result() == ["Echo"]
    browser.close()

    async def closes(_):
        browser.close()

    error = fl.map(closes, [1], progress=False).results()[0].error
    assert "outside of tasks" in str(error)


PROCESS = """
import sys, time
import fetchlab as fl
browser = fl.Browser()
async def look(page, url):
    await page.goto(url)
    print("there", flush=True)
    await page.evaluate("new Promise(() => {})")
run = fl.map(browser.task(look), [sys.argv[1]], progress=False)
sys.stdin.readline()
"""


@pytest.mark.parametrize("end", ["exit", "kill"])
def test_a_process_leaves_no_browser_behind(echo, end):
    """At its own end and at kill -9, with a page in use."""
    command = [sys.executable, "-W", "error", "-c", PROCESS, echo + "/html"]
    with subprocess.Popen(command, stdin=-1, stdout=-1, stderr=-1, text=True) as process:
        assert process.stdout.readline() == "there\n"
        family = psutil.Process(process.pid).children(recursive=True)
        assert len(family) > 3
        if end == "kill":
            process.kill()
        _, said = process.communicate("\n", timeout=60)
    assert (said, process.returncode) == ("", -signal.SIGKILL if end == "kill" else 0)
    assert gone(family) == []


def test_knobs_that_cannot_work_are_refused_by_name(monkeypatch, tmp_path):
    """Whoever mistypes a knob should not find out from a page an hour later."""
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    for knobs in (
        {"isolation": "tab"},
        {"block": "image"},
        {"block": ["images"]},
        {"pages": 0},
        {"pages": True},
        *([{"headless": False}] if sys.platform == "linux" else []),
    ):
        with pytest.raises(ConfigError, match=next(iter(knobs))):
            fl.Browser(**knobs)
    with pytest.raises(ConfigError, match="async def look"):
        fl.Browser().task(lambda page, item: item)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    for name in ("FETCHLAB_BROWSER", "PLAYWRIGHT_BROWSERS_PATH"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(ConfigError, match="fetchlab browser --install"):
        fl.Browser()


def test_a_browser_that_does_not_start_is_an_error_that_says_so(monkeypatch, tmp_path):
    """A library that is missing on a server must not look like an empty site."""
    broken = tmp_path / "chromium"
    broken.write_text("#!/bin/sh\nexit 3\n")
    broken.chmod(0o755)
    monkeypatch.setenv("FETCHLAB_BROWSER", str(broken))
    with fl.Browser() as browser:
        run = fl.map(browser.task(heading), ["http://127.0.0.1/"], retry=fl.Retry(attempts=1), progress=False)
        error = run.results()[0].error
    assert isinstance(error, BrowserCrashed)
    assert "does not start" in str(error)


def test_a_journal_tells_functions_of_a_page_apart():
    """A changed function answered from the values of the old one is a wrong table."""

    async def one(page, item):
        return 1

    async def two(page, item):
        return 2

    names = [
        function_name(fl.Browser(block=block).task(look)) for look in (one, two) for block in ((), ("font",))
    ]
    assert len(set(names)) == 4
    assert names[0] == function_name(fl.Browser(block=()).task(one))


def test_its_knobs_show_and_its_secrets_do_not():
    """A notebook shows what a cell ends with."""
    shown = repr(fl.Browser(context={"storage_state": {"cookies": [{"value": "hidden-token"}]}}))
    assert "storage_state" in shown
    assert "hidden" not in shown


@pytest.mark.slow
def test_the_loop_closes_it(echo):
    """A browser left to the interpreter's end would be driven by a loop that is gone."""
    browser = fl.Browser()
    fl.map(browser.task(heading), urls(echo, 1), progress=False).raise_for_errors()
    own = browser._running[0].processes()
    loop.close()
    assert gone(own) == []
    assert fl.map(browser.task(heading), urls(echo, 1), progress=False).raise_for_errors().result() == [
        "Echo"
    ]
    browser.close()
