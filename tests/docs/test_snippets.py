"""What executes the pages would notice if one of them were wrong."""

from __future__ import annotations

import pytest

from docs.snippets import Kernel, blocks, is_run, said, shell


def page(folder, *sources):
    """A page with these snippets in a row."""
    path = folder / "page.md"
    path.write_text("\n\n".join(f"Said before.\n\n```python\n{source}\n```" for source in sources), "utf-8")
    return path


@pytest.fixture
def kernel():
    return Kernel()


def test_a_page_is_one_namespace_with_await_and_a_running_loop(kernel, tmp_path):
    """A page goes on from block to block, and its cells run where a kernel runs them: inside a loop."""
    kernel.run(
        page(
            tmp_path,
            "import asyncio\nasync def one():\n    return 1",
            "total = await one()\ntotal + 1    # → 2",
            "asyncio.get_running_loop().is_running()    # → True",
        )
    )
    assert vars(kernel.module)["total"] == 1


@pytest.mark.parametrize(
    "source",
    [
        "1 + 1    # → 3",
        "[\n    1,\n    2,\n]    # → [1]",
        "int('x')    # ✗ ConfigError: workers",
        "int('x')    # ✗ ValueError: another message",
        "int('1')    # ✗ ValueError: invalid",
        "nothing",
        "if True:\n    raise OSError",
    ],
)
def test_a_wrong_page_fails(kernel, tmp_path, source):
    """A checker that lets this pass proves nothing of the guide."""
    with pytest.raises((AssertionError, NameError, OSError, pytest.fail.Exception)):
        kernel.run(page(tmp_path, source))


def test_an_error_is_told_with_its_place(kernel, tmp_path):
    """`line 9` of a page is found; `line 1` of a snippet is searched for."""
    with pytest.raises(AssertionError, match=r"<page\.md:\d+>, line 11"):
        kernel.run(page(tmp_path, "a = 1", "a    # → 1\na    # → 2"))


def test_functions_of_a_page_have_a_source(kernel, tmp_path):
    """Caches and journals tell functions apart by it, as they do in a notebook."""
    kernel.run(
        page(
            tmp_path,
            "import inspect\ndef double(x):\n    return 2 * x",
            "inspect.getsource(double)    # → 'def double(x):\\n    return 2 * x\\n'",
        )
    )


def test_commands_are_found_in_blocks_and_sentences(tmp_path):
    """A line that is overlooked is not checked."""
    path = tmp_path / "page.md"
    path.write_text(
        "Say `fetchlab doctor`, `fetchlab bench …` or `fetchlab monitor FILE`.\n\n"
        "```\nfetchlab fetch urls.txt --header 'A: b c'    # a remark\nexport A=1\nmake docs\n```\n\n"
        "```python\n# not run here: it takes an hour\nwork()\n```\n",
        "utf-8",
    )
    lines, code = blocks(path)
    assert said(path) == [["fetchlab", "doctor"]]
    assert shell(lines) == [["fetchlab", "fetch", "urls.txt", "--header", "A: b c"], ["make", "docs"]]
    assert not is_run(lines)
    assert not is_run(code)
