"""An executed notebook as one page of HTML that needs nothing else: no script, no network, no kernel.

Text, code and what the cells put out, in their order. Of an output the form is taken that reads best without
a program: a widget as its state was saved, a figure as SVG, a table as HTML.
"""

from __future__ import annotations

import base64
import html
import json
import re
from dataclasses import dataclass, field
from functools import partial
from importlib import resources
from typing import TYPE_CHECKING, Any

from fetchlab.notebook.offline_widgets import drawn
from fetchlab.notebook.scrubbing import scrub

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

__all__ = ["Page", "page", "title_of"]

POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; font-src data:; "
    "base-uri 'none'; form-action 'none'"
)
"""Even what slipped through could neither run nor ask anybody."""
VIEW = "application/vnd.jupyter.widget-view+json"
STATE = "application/vnd.jupyter.widget-state+json"
RASTER = ("image/png", "image/jpeg", "image/gif", "image/webp")
PROGRAMS = ("javascript", "vega", "plotly", "bokeh")
_ID = re.compile(r"""(?<=\sid=)(["'])(.*?)\1""")
_REFERENCE = re.compile(r"""(url\(\s*["']?#|href=["']#)""")


@dataclass(slots=True)
class Page:
    """A page and what it lacks.

    Attributes:
        html: all of it.
        notes: what could not be shown, a sentence each.
        sizes: bytes of each output by cell number and form.
    """

    html: str
    notes: list[str] = field(default_factory=list)
    sizes: dict[tuple[int, str], int] = field(default_factory=dict)


def title_of(book: Any, otherwise: str) -> str:
    """Return the first heading of a notebook."""
    for cell in book.cells:
        if cell.cell_type == "markdown":
            found = re.search(r"^#\s+(.+?)\s*#*$", cell.source, re.MULTILINE)
            if found:
                return re.sub(r"[`*]", "", found[1])
    return otherwise


def page(book: Any, folder: Path, name: str, foot: str = "") -> Page:
    """Return a notebook as a page.

    Args:
        book: the executed notebook.
        folder: where it lies; images beside it are put into the page.
        name: what to call it if it has no heading.
        foot: HTML to stand at its end.
    """
    made = Page("")
    states = book.metadata.get("widgets", {}).get(STATE, {}).get("state", {})
    cells = []
    for number, cell in enumerate(book.cells, 1):
        if cell.cell_type == "markdown":
            cells.append(f'<section class="cell text">{_markdown(cell, folder)}</section>')
        elif cell.cell_type == "code":
            cells.append(_code(cell, number, states, made))
        elif cell.source.strip():
            cells.append(f'<section class="cell"><pre>{html.escape(cell.source)}</pre></section>')
    made.html = (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{html.escape(title_of(book, name))}</title>\n"
        '<link rel="icon" href="data:,">\n'
        f"<style>\n{_style()}\n</style>\n</head>\n<body>\n<main>\n"
        + "\n".join(cells)
        + f"\n</main>\n{foot}\n</body>\n</html>\n"
    )
    return made


def _style() -> str:
    from pygments.formatters import HtmlFormatter

    own = resources.files("fetchlab.notebook").joinpath("offline.css").read_text(encoding="utf-8")
    colours = HtmlFormatter(style="xcode").get_token_style_defs(".highlight")
    return "\n".join([own, *colours])


def _markdown(cell: Any, folder: Path) -> str:
    from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

    renderer = IPythonRenderer(
        escape=False,
        attachments=cell.get("attachments", {}),
        embed_images=True,
        exclude_anchor_links=True,
        path=str(folder),
    )
    return scrub(str(MarkdownWithMath(renderer=renderer).render(cell.source)))


def _highlighted(source: str) -> str:
    from IPython.lib.lexers import IPython3Lexer
    from pygments import highlight
    from pygments.formatters import HtmlFormatter

    return str(highlight(source, IPython3Lexer(), HtmlFormatter(nowrap=True))).rstrip("\n")


def _code(cell: Any, number: int, states: dict[str, Any], made: Page) -> str:
    parts = []
    if cell.source.strip() and not cell.metadata.get("jupyter", {}).get("source_hidden"):
        count = cell.get("execution_count")
        label = f'<span class="count" aria-hidden="true">[{count}]</span>' if count else ""
        parts.append(f'{label}<div class="input highlight"><pre>{_highlighted(cell.source)}</pre></div>')
    for place, output in enumerate(cell.get("outputs", [])):
        text, kind = _output(output, f"c{number}o{place}-", states, made.notes, number)
        if text:
            made.sizes[number, kind] = made.sizes.get((number, kind), 0) + len(text.encode())
            figure = " figure" if kind.startswith("image/") else ""
            parts.append(f'<div class="output{figure}">{text}</div>')
    return f'<section class="cell code">{"".join(parts)}</section>' if parts else ""


def _output(
    output: Any, prefix: str, states: dict[str, Any], notes: list[str], number: int
) -> tuple[str, str]:
    """Return an output as HTML, and which of its forms that is."""
    from nbconvert.filters.ansi import ansi2html

    if output.output_type == "stream":
        return f'<pre class="{html.escape(output.name)}">{ansi2html(_joined(output.text))}</pre>', "text"
    if output.output_type == "error":
        told = "\n".join(output.traceback) or f"{output.ename}: {output.evalue}"
        return f'<pre class="error">{ansi2html(told)}</pre>', "error"
    data = output.data
    for kind, draw in _forms(prefix, states):
        if kind in data and (text := draw(data[kind])):
            return text, kind
    if any(word in kind for kind in data for word in PROGRAMS) or "text/html" in data:
        notes.append(f"cell {number}: an output that only a program can draw is shown as text")
    plain = _joined(data.get("text/plain", ""))
    return (f"<pre>{ansi2html(plain)}</pre>", "text/plain") if plain.strip() else ("", "")


def _forms(prefix: str, states: dict[str, Any]) -> list[tuple[str, Callable[[Any], str]]]:
    """Return the forms of an output in the order in which they are wanted, and how each is drawn."""
    forms: list[tuple[str, Callable[[Any], str]]] = [
        (VIEW, lambda view: drawn(view["model_id"], states)),
        ("image/svg+xml", lambda svg: _svg(_joined(svg), prefix)),
        ("text/html", lambda text: _visible(scrub(_joined(text)))),
        ("text/markdown", lambda text: _said(_joined(text))),
    ]
    forms += [(kind, partial(_raster, kind)) for kind in RASTER]
    forms += [
        ("text/latex", lambda text: f"<pre>{html.escape(_joined(text))}</pre>"),
        ("application/json", lambda value: f"<pre>{html.escape(json.dumps(value, indent=1))}</pre>"),
    ]
    return forms


def _svg(svg: str, prefix: str) -> str:
    """Put a figure into the page so that its names are its own: two figures may call different things by one.

    One with a style sheet becomes an image, or its rules would hold for the whole page.
    """
    svg = svg[max(0, svg.find("<svg")) :]
    if "<style" in svg:
        coded = base64.b64encode(svg.encode()).decode()
        return f'<img alt="figure" src="data:image/svg+xml;base64,{coded}">'
    svg = _ID.sub(rf"\g<1>{prefix}\g<2>\g<1>", scrub(svg))
    return _REFERENCE.sub(rf"\g<1>{prefix}", svg)


def _raster(kind: str, data: Any) -> str:
    return f'<img alt="figure" src="data:{kind};base64,{"".join(_joined(data).split())}">'


def _said(markdown: str) -> str:
    from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

    renderer = IPythonRenderer(escape=False, exclude_anchor_links=True)
    return f'<div class="text">{scrub(str(MarkdownWithMath(renderer=renderer).render(markdown)))}</div>'


def _visible(text: str) -> str:
    """Return the HTML if there is anything to see in it once its scripts are gone."""
    seen = re.sub(r"<style\b.*?</style>", "", text, flags=re.DOTALL | re.IGNORECASE)
    picture = re.search(r"<(?:img|svg|progress|hr)\b", seen, re.IGNORECASE)
    return text if picture or re.sub(r"<[^>]*>", "", seen).strip() else ""


def _joined(value: Any) -> str:
    return "".join(value) if isinstance(value, list) else str(value)
