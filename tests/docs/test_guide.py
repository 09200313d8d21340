"""The guide and the README do what they say: every snippet is executed, every command is known."""

from __future__ import annotations

import re
import sys

import pytest
from typer.main import get_command

from docs.snippets import NOT_RUN, PAGES, ROOT, Kernel, blocks, is_run, said, shell
from fetchlab.cli import commands, main

ENVIRONMENT = {"MY_API_KEY": "key-of-the-guide-0123456789", "TOKEN": "token-of-the-readme-0123456789"}
"""What the pages tell their readers to set."""
SMALLER = {
    "README": {
        "latency=0.05": "latency=0.001",
        "range(1000)": "range(16)",
        "[fl.Sequential(), 5, 20])": "[5], rounds=2, warmup=0)",
        "fl.sweep(urls)": "fl.sweep(urls, [1], rounds=1)",
        "fl.sweep(urls, [5, 10, 20]), workers=20": "fl.sweep(urls, [1], rounds=1), workers=1",
        "parallel_pages=20)": "parallel_pages=20, max_pages=4)",
        "ids[:2000]": "ids[:40]",
        "files=300": "files=20",
    },
    "tuning": {
        'serve(profile="knee")': 'serve(profile="knee", latency=0.004)',
        "workers=[1, 2, 4, 8, 16, 32], rounds=2": "workers=[1, 2, 4], rounds=1",
        "seconds=0.2": "seconds=0.05",
        "[fl.Sequential(), fl.Chunked(8), fl.Threads(8), 8]": "[8]",
        "rounds=5, parse": "rounds=5, warmup=0, parse",
        "rounds=2)": "rounds=2, warmup=0)",
    },
}
"""Numbers that let a page take seconds here; the page shows those that people want."""
WIDE = {"README": 120}
"""Characters of the longest line of code, where a page is not built."""
EXECUTED = {"cache", "fetch", "journal", "monitor"}
"""Commands that a page's lines really run; the others serve, install, or take minutes."""
INPUT = "urls.txt"
"""The list of URLs that a line of a shell takes, where the page has not written one."""

each = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)


def smaller(page):
    """A function that makes a block's numbers smaller, and one that says which of them it has not met."""
    changes = SMALLER.get(page.stem, {})
    met = set()

    def change(source):
        for text, small in changes.items():
            if text in source:
                met.add(text)
                source = source.replace(text, small)
        return source

    return change, lambda: set(changes) - met


@pytest.fixture
def fetchlab(monkeypatch, tmp_path):
    """``fetchlab(kernel, called)`` does what a line of a shell does, and notes it."""

    def made(kernel, called):
        def call(words):
            if words[0] != "fetchlab" or words[1] not in EXECUTED:
                return
            if INPUT in words and not (tmp_path / INPUT).exists():
                echo = vars(kernel.module)["bed"].urls["echo"]
                (tmp_path / INPUT).write_text("".join(f"{echo}/json?n={n}\n" for n in range(20)))
            monkeypatch.setattr(sys, "argv", words)
            with pytest.raises(SystemExit) as left:
                main()
            assert not left.value.code, (words, left.value.code)
            called.append(words)

        return call

    return made


@pytest.mark.parametrize(
    "page",
    [pytest.param(page, marks=pytest.mark.browser if "browser" in page.stem else ()) for page in PAGES],
    ids=lambda page: page.stem,
)
def test_every_snippet_runs(page, fetchlab, monkeypatch, tmp_path):
    """Code in a guide is copied; code that fails there, or gives something else, is worse than none."""
    monkeypatch.chdir(tmp_path)
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    change, unmet = smaller(page)
    kernel, called = Kernel(), []
    kernel.run(page, change, fetchlab(kernel, called))
    assert unmet() == set(), f"no longer in {page.name}"
    lines = [words for block in blocks(page) for words in shell(block)]
    assert len(called) == sum(words[0] == "fetchlab" and words[1] in EXECUTED for words in lines)


@each
def test_every_command_is_known(page):
    """A flag that is gone makes a reader doubt everything else on the page."""
    group = get_command(commands())
    for words in [*said(page), *(words for block in blocks(page) for words in shell(block))]:
        if words[0] == "make":
            text = (ROOT / "Makefile").read_text(encoding="utf-8")
            assert all(re.search(rf"^{word}:.*##", text, re.MULTILINE) for word in words[1:2]), words
            continue
        command, rest = group, words[1:]
        while rest and hasattr(command, "commands") and rest != ["--help"]:
            assert rest[0] in command.commands, words
            command, rest = command.commands[rest[0]], rest[1:]
        if rest and rest != ["--help"]:  # a bare name in a sentence is no call
            command.make_context(words[1], list(rest)).close()  # what is wrong is an error of its own


@each
def test_what_is_not_run_says_so_and_is_rare(page):
    """A snippet that nobody executes is right by accident."""
    shown = [block for block in blocks(page) if block.language not in ("", "python")]
    assert shown == [], "a fence is python, or bare for a shell"
    left_out = [block for block in blocks(page) if block.language == "python" and not is_run(block)]
    assert len(left_out) <= 1
    assert all(len(block.source.splitlines()[0]) > len(NOT_RUN) + 10 for block in left_out)


@each
def test_code_fits_the_page(page):
    """A line that is cut off hides what it says at its end."""
    lines = [line for block in blocks(page) for line in block.source.splitlines()]
    assert [line for line in lines if len(line) > WIDE.get(page.stem, 96)] == []


@each
def test_links_lead_somewhere(page):
    """A dead link in a guide ends the reading."""
    for target in re.findall(r"\]\(([^)#\s]+)", page.read_text(encoding="utf-8")):
        if "://" not in target:
            assert (page.parent / target).exists(), target


def test_every_page_is_in_the_index():
    """A page that nothing leads to is not read."""
    index = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
    others = [page.name for page in PAGES if page.parent.name == "docs" and page.stem != "index"]
    assert len(others) >= 8
    assert all(f"]({name})" in index for name in others)
    assert "](docs/index.md)" in (ROOT / "README.md").read_text(encoding="utf-8")
