"""A notebook worth sending: executed, inspected, and written as two files that need nothing else."""

from __future__ import annotations

import html
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fetchlab.errors import ConfigError, NotShareable
from fetchlab.notebook import charts, passwords
from fetchlab.notebook.artefacts import Artefact, artefacts, digest
from fetchlab.notebook.headless import executed, write
from fetchlab.notebook.inspecting import inspect
from fetchlab.notebook.offline_html import page

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Mapping

__all__ = ["Shared", "share"]

LARGE = 1_000_000
"""Bytes; GitHub shows no larger notebook, and mail begins to refuse."""
TOLD = 40
"""Findings named in the error; all of them are in its ``findings``."""
STAMP = "fetchlab"


@dataclass(frozen=True, slots=True)
class Shared:
    """What :func:`share` has written.

    Attributes:
        notebook: the executed ``.ipynb``.
        html: the page.
        pdf: the page on paper, None unless asked for.
        sha256: the digest of each of these files, by name.
        artefacts: the data files that the notebook names or has written.
        findings: what was found and overridden.
        notes: what to know before it is sent: large outputs, outputs that could not be shown.
    """

    notebook: Path
    html: Path
    pdf: Path | None
    sha256: dict[str, str]
    artefacts: list[Artefact]
    findings: list[Any]
    notes: list[str]


def share(
    path: str | os.PathLike[str],
    out: str | os.PathLike[str] = "shared",
    parameters: Mapping[str, Any] | None = None,
    *,
    pdf: bool = False,
    force: bool = False,
    say: Callable[[str], None] = lambda _line: None,
) -> Shared:
    """Execute a notebook and write it as ``.ipynb`` and as one ``.html`` that opens anywhere, offline.

    The copy keeps its widgets as they stood at the end. The page holds the same text, code, figures and
    tables without any script; formulas stay as they were typed. Both carry the environment record and the
    SHA-256 of the data files that the notebook names or has written. The notebook itself stays as it is.

    Args:
        path: the notebook.
        out: the folder to write into, ``shared`` unless told; it is made.
        parameters: values for the names in the cell tagged ``parameters``.
        pdf: write the page as PDF too; needs a Chromium.
        force: share it in spite of what was found, but never in spite of a secret.
        say: called with a line of text as things go on.

    Raises:
        ConfigError: no such notebook, parameter or folder, or no browser for ``pdf``; found out before
            anything is executed.
        NotShareable: cells, outputs or metadata hold secrets, paths or names of this machine, or errors.
            The message lists them, ``findings`` holds them; nothing was written into the folder.
    """
    from fetchlab.bench.machine import environment

    source, folder = Path(path), Path(out)
    _check(source, folder, pdf=pdf)
    begun = time.time()
    book, _ = executed(source, parameters, lambda number, of: say(f"  cell {number} of {of}"))
    typed = passwords.take(book)
    undrawn = charts.draw(book)
    found = artefacts(book, source, begun)
    record = environment(parameters=dict(parameters or {}))
    files = [asdict(artefact) for artefact in found]
    book.metadata[STAMP] = {"environment": record, "artefacts": files, "source_sha256": digest(source)}
    findings = inspect(book, secrets=typed)
    if any(finding.secret or not force for finding in findings):
        raise NotShareable(_refusal(source, findings, force=force), findings)
    return _write(book, source, folder, found, findings, undrawn, pdf=pdf, say=say)


def _check(source: Path, folder: Path, *, pdf: bool) -> None:
    if folder.exists() and not folder.is_dir():
        raise ConfigError("out", f"{folder} is a file, not a folder")
    if source.is_file() and folder.resolve() == source.resolve().parent:
        raise ConfigError("out", f"{folder} holds the notebook itself, which is not to be replaced")
    if pdf:
        from fetchlab.transport.printing import the_browser

        the_browser()


def _write(
    book: Any,
    source: Path,
    folder: Path,
    found: list[Artefact],
    findings: list[Any],
    notes: list[str],
    *,
    pdf: bool,
    say: Callable[[str], None],
) -> Shared:
    notebook = folder / source.name
    write(book, notebook)
    foot = _foot(book.metadata[STAMP]["environment"], found, notebook)
    made = page(book, source.resolve().parent, source.stem, foot)
    web = notebook.with_suffix(".html")
    web.write_text(made.html, encoding="utf-8")
    paper = None
    if pdf:
        from fetchlab.transport.printing import print_pdf

        paper = notebook.with_suffix(".pdf")
        say("  printing")
        print_pdf(made.html, paper)
    written = [file for file in (notebook, web, paper) if file is not None]
    notes = [*notes, *made.notes] + [
        _large(file, made.sizes) for file in written if file.stat().st_size >= LARGE
    ]
    digests = {file.name: digest(file) for file in written}
    return Shared(notebook, web, paper, digests, found, findings, notes)


def _large(file: Path, sizes: dict[tuple[int, str], int]) -> str:
    largest = sorted(sizes.items(), key=lambda item: -item[1])[:3]
    told = ", ".join(f"cell {cell} ({kind}) {size / 1e6:.1f} MB" for (cell, kind), size in largest)
    return f"{file.name} is {file.stat().st_size / 1e6:.1f} MB; its largest outputs: {told or 'none'}"


def _refusal(source: Path, findings: list[Any], *, force: bool) -> str:
    secrets = [finding for finding in findings if finding.secret]
    stop = secrets if force else findings
    lines = [f"  {finding}" for finding in stop[:TOLD]]
    if len(stop) > TOLD:
        lines.append(f"  and {len(stop) - TOLD} more")
    lines.append(
        "Secrets cannot be overridden: take them out." if secrets else "--force (force=True) overrides."
    )
    return "\n".join([f"{source.name} is not shared, nothing was written:", *lines])


def _foot(record: dict[str, Any], found: list[Artefact], notebook: Path) -> str:
    """Return the page's end: what it was made with, and from which files."""
    plain = {name: value for name, value in record.items() if name not in ("packages", "parameters", "git")}
    told = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in plain.items())
    packages = ", ".join(f"{name} {version}" for name, version in record["packages"].items())
    given = ", ".join(f"{name}={value!r}" for name, value in record["parameters"].items())
    lines = [f"<p>{html.escape(told)}.</p>", f"<p>{html.escape(packages)}.</p>"]
    if record["git"]:
        lines.append(f"<p>Revision {html.escape(record['git'])}.</p>")
    if given:
        lines.append(f"<p>Parameters given: <code>{html.escape(given)}</code></p>")
    rows = [_row(notebook.name, notebook.stat().st_size, "this page as a notebook", digest(notebook))]
    rows += [
        _row(one.path, one.bytes, "written" if one.written else "was there", one.sha256) for one in found
    ]
    head = "<tr><th>file</th><th>bytes</th><th></th><th>SHA-256</th></tr>"
    return (
        f"<footer><h2>Made with</h2>{''.join(lines)}<h2>Files</h2>"
        f'<table class="made"><thead>{head}</thead><tbody>{"".join(rows)}</tbody></table></footer>'
    )


def _row(name: str, size: int, what: str, sha256: str) -> str:
    return (
        f'<tr><td>{html.escape(name)}</td><td class="number">{size:,}</td><td>{what}</td>'
        f'<td class="hash">{sha256}</td></tr>'
    )
