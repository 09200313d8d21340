"""Write the guide and the reference as HTML that needs no network: ``python docs/build.py``.

The guide is the Markdown beside this file. The reference is made from the docstrings by pdoc: a page per
module that people import from, and those of what calls return.
"""

from __future__ import annotations

import importlib
import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

DOCS = Path(__file__).parent
BUILT = DOCS / "_build"
FACE = (
    "fetchlab",
    "fetchlab.cluster.capacity",
    "fetchlab.cluster.simulation",
    "fetchlab.notebook",
    "fetchlab.reference",
    "fetchlab.transport.browser",
)
"""What people import from; `fetchlab` brings the rooms in its `__all__` with it."""
RETURNED = (
    "fetchlab.bench.suggest",
    "fetchlab.bench.swept",
    "fetchlab.engine.journal_view",
    "fetchlab.engine.preview",
    "fetchlab.engine.readings",
    "fetchlab.model",
    "fetchlab.store.cache_stats",
)
HIDDEN = ("!fetchlab.plot.rounds", "!fetchlab.plot.scaling")
"""Modules that are named like the function in them, which stands on the page of `fetchlab.plot`."""


def build(out: Path) -> list[Path]:
    """Write both into a folder; return the pages of the guide, then those of the reference."""
    pages = reference(out / "reference")
    return [*guide(out, pages), *pages]


def guide(out: Path, reference: Sequence[Path] = ()) -> list[Path]:
    """Write the guide's pages, each with its style in it; the first one lists the pages of the reference."""
    import nbformat

    from fetchlab.notebook.offline_html import page

    out.mkdir(parents=True, exist_ok=True)
    written: list[Path] = []
    for source in sorted(DOCS.glob("*.md")):
        text = _linked(source.read_text(encoding="utf-8"))
        if source.stem == "index" and reference:
            text += f"\n## The reference\n\n{_listed(out, reference)}\n"
        book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell(text)])
        target = out / source.with_suffix(".html").name
        target.write_text(page(book, DOCS, source.stem).html, encoding="utf-8")
        written.append(target)
    return written


def reference(out: Path) -> list[Path]:
    """Write the reference's pages, with a search that works from disk."""
    import pdoc
    import pdoc.extract
    import pdoc.render

    wanted = [*FACE, *RETURNED, *HIDDEN]
    modules = pdoc.extract.walk_specs(wanted)
    for name in modules:
        _load(importlib.import_module(name))
    pdoc.render.configure(docformat="google", show_source=False, footer_text="fetchlab")
    pdoc.pdoc(*wanted, output_directory=out)
    return [(out / Path(*name.split("."))).with_suffix(".html") for name in modules]


def _listed(out: Path, pages: Sequence[Path]) -> str:
    """Return a line per module, its name and what its docstring says first."""
    lines = []
    for page in pages:
        path = page.relative_to(out)
        name = ".".join(path.relative_to(path.parts[0]).with_suffix("").parts)
        first = (importlib.import_module(name).__doc__ or "").partition("\n")[0]
        lines.append(f"- [`{name}`]({path.as_posix()}): {first.partition(': ')[2] or first}")
    return "\n".join(lines)


def _load(module: Any) -> None:
    """Put a module's lazy names where pdoc looks for them."""
    for name in getattr(module, "__all__", ()):
        vars(module)[name] = getattr(module, name)


def _linked(markdown: str) -> str:
    """Let links lead from the built page to where they lead on the source."""
    markdown = re.sub(r"\]\((?![./]|\w+:)([\w-]+)\.md([)#])", r"](\1.html\2", markdown)
    return markdown.replace("](../", f"]({'../' * (len(BUILT.relative_to(DOCS).parts) + 1)}")


if __name__ == "__main__":
    count = len(build(BUILT))
    sys.stdout.write(f"{count} pages; begin with {os.path.relpath(BUILT / 'index.html')}\n")
