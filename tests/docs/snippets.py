"""What a page of Markdown shows as code, and what a kernel would make of it."""

from __future__ import annotations

import ast
import asyncio
import inspect
import linecache
import re
import shlex
import sys
import types
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
NOT_RUN = "# not run here: "
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SHOWN = re.compile(r"#\s→ (.+)$")
REFUSED = re.compile(r"#\s✗ (\w+): (.+)$")


@dataclass(frozen=True)
class Block:
    """One fenced block.

    Attributes:
        language: the word after the fence, empty if there is none.
        line: the number of its first line in the page.
        source: what is in it.
    """

    language: str
    line: int
    source: str


def blocks(page):
    text = page.read_text(encoding="utf-8")
    return [
        Block(found[1], text.count("\n", 0, found.start()) + 2, found[2]) for found in FENCE.finditer(text)
    ]


def is_run(block):
    """Say whether a block is executed."""
    return block.language == "python" and not block.source.startswith(NOT_RUN)


def shell(block):
    """The lines of a block that call something of ours, as words without their remarks."""
    if block.language == "python":
        return []
    lines = [re.sub(r"\s{2,}#.*$", "", line) for line in block.source.splitlines()]
    return [shlex.split(line) for line in lines if line.startswith(("fetchlab ", "make "))]


def said(page):
    """Commands that stand in a sentence, `fetchlab doctor` say, unless a word in them stands for others."""
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    found = re.findall(r"`(fetchlab [^`]+)`", text)
    return [shlex.split(one) for one in found if "…" not in one and not re.search(r"\b[A-Z]{3,}\b", one)]


class Kernel:
    """Executes blocks as a notebook executes cells: one namespace, a running loop, `await` at top level.

    ``expression  # → text`` holds if that is the value's repr; ``call(…)  # ✗ ConfigError: text`` if it
    raises that error and its message begins so.
    """

    def __init__(self):
        self.module = types.ModuleType("__main__")  # as in a kernel: what is defined there crosses by value
        self.values = []

    def run(self, page, change=lambda source: source, call=lambda words: None):
        """Execute a page's blocks in order.

        Args:
            page: its path.
            change: makes smaller numbers of what people want to see.
            call: what a shell would do with a line.
        """

        async def cells():
            for block in blocks(page):
                if is_run(block):
                    source = "\n" * (block.line - 1) + change(block.source)
                    await self._cell(f"<{page.name}:{block.line}>", source)
                for words in shell(block):
                    call(words)

        with pytest.MonkeyPatch.context() as patched:
            patched.setitem(sys.modules, "__main__", self.module)
            try:
                asyncio.run(cells())
            finally:
                self._close()

    async def _cell(self, name, source):
        lines = source.splitlines(keepends=True)
        linecache.cache[name] = (len(source), None, lines, name)  # so that functions have a source
        for node in ast.parse(source).body:
            said = lines[node.end_lineno - 1]
            refused = REFUSED.search(said)
            if refused:
                with pytest.raises(Exception) as caught:
                    await self._statement(node, name)
                told = f"{type(caught.value).__name__}: {caught.value}"
                assert told.startswith(f"{refused[1]}: {refused[2]}"), f"{name}, line {node.lineno}: {told}"
                continue
            value = await self._statement(node, name)
            shown = SHOWN.search(said)
            if shown:
                assert repr(value) == shown[1].strip(), f"{name}, line {node.lineno}"

    async def _statement(self, node, name):
        flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
        if isinstance(node, ast.Expr):
            code = compile(ast.Expression(node.value), name, "eval", flags=flags)
        else:
            code = compile(ast.Module([node], []), name, "exec", flags=flags)
        value = eval(code, vars(self.module))
        if code.co_flags & inspect.CO_COROUTINE:
            value = await value
        self.values.append(value)
        if hasattr(value, "_repr_html_"):
            value._repr_html_()
        return value

    def _close(self):
        """End what the page has left going on, as closing a notebook does."""
        left = [*self.values, *vars(self.module).values()]
        for name in ("cancel", "close", "stop"):
            for value in left:
                home = type(value).__module__.partition(".")[0]
                end = getattr(value, name, None)
                if home == "fetchlab" and inspect.ismethod(end):
                    end()
