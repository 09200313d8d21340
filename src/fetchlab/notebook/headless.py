"""Execute notebooks without a person: the runner that tests, ``make notebooks`` and ``make demo`` use."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fetchlab.errors import ConfigError
from fetchlab.notebook import closing, passwords

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["INJECTED", "execute", "executed", "write"]

CELL_SECONDS = 600
INJECTED = "injected-parameters"
"""The tag of the cell with the parameters given at the call."""
MARKER = "papermill-error-cell-tag"
"""The tag of cells that the runner puts in to point at an error."""


def execute(
    notebook: str | Path, out: str | Path | None = None, parameters: Mapping[str, Any] | None = None
) -> Path:
    """Execute a notebook in its own folder and write it with its outputs.

    Args:
        notebook: the ``.ipynb`` file.
        out: where to write; in place unless told.
        parameters: values for the names in the cell tagged ``parameters``.

    Returns:
        The path written. The file appears only when every cell succeeded.

    Raises:
        ConfigError: there is no such file, it is no notebook, or it has no such parameter.
        papermill.PapermillExecutionError: a cell raised; the message shows which.
    """
    source = Path(notebook)
    target = Path(out) if out is not None else source
    book, error = executed(source, parameters)
    if error is not None:
        raise error
    passwords.take(book)
    if target.resolve() == source.resolve():  # its own parameters stand
        book.cells = [cell for cell in book.cells if INJECTED not in cell.metadata.get("tags", [])]
    write(book, target)
    return target


def executed(
    source: Path,
    parameters: Mapping[str, Any] | None = None,
    on_cell: Callable[[int, int], None] = lambda _number, _of: None,
) -> tuple[Any, Exception | None]:
    """Execute a notebook in its own folder; return it with its outputs, and what a cell raised.

    Args:
        source: the ``.ipynb`` file, which stays as it is.
        parameters: values for the names in the cell tagged ``parameters``.
        on_cell: called with the number of the cell that begins, from 1, and how many there are.

    Raises:
        ConfigError: there is no such file, it is no notebook, or it has no such parameter.
    """
    import nbformat
    import papermill
    from traitlets.config import Config

    if not source.is_file():
        raise ConfigError("notebook", f"{source} is not a file")
    given = dict(parameters or {})
    with tempfile.TemporaryDirectory() as folder:
        plain, done = Path(folder) / "plain.ipynb", Path(folder) / source.name
        count = _prepare(source, plain) + bool(given)  # given ones get a cell of their own
        known = papermill.inspect_notebook(str(plain))
        unknown = sorted(set(given) - set(known))
        if unknown:
            raise ConfigError(
                "parameters",
                f"{source.name} has {', '.join(sorted(known)) or 'none'}, not {', '.join(unknown)}",
            )

        def began(cell: Any, cell_index: int) -> None:  # noqa: ARG001  # called by names
            if cell_index < count:
                on_cell(cell_index + 1, count)

        raised = None
        try:
            papermill.execute_notebook(
                str(plain),
                str(done),
                given,
                cwd=str(source.parent),
                engine_name=_engine(),
                kernel_name="python3",
                progress_bar=False,
                execution_timeout=CELL_SECONDS,
                on_cell_start=began,
                config=Config(KernelManager={"transport_encryption": "auto"}),
            )
        except papermill.PapermillExecutionError as error:
            raised = error
        book = nbformat.read(done, as_version=4)
    _clean(book)
    return book, raised


def _engine() -> str:
    """Return the name of papermill's engine that writes the notebook at its end.

    Its own writes all of it before and after each cell, which takes longer than many a cell.
    """
    from papermill.engines import NBClientEngine, papermill_engines

    class AtTheEnd(NBClientEngine):  # type: ignore[misc]  # untyped
        @classmethod
        def execute_managed_notebook(cls, nb_man: Any, kernel_name: str, **options: Any) -> Any:
            nb_man.output_path = None
            return super().execute_managed_notebook(nb_man, kernel_name, **options)

    papermill_engines.register("fetchlab", AtTheEnd)
    return "fetchlab"


def write(book: Any, target: Path) -> None:
    """Write a notebook; the file is there whole or not at all."""
    import nbformat

    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_suffix(".part")
    nbformat.write(book, part)
    part.replace(target)


def _prepare(source: Path, target: Path) -> int:
    """Write the notebook with a kernel's name, which not every editor puts there, and the closing cell.

    Returns:
        How many cells it has of its own.
    """
    import nbformat

    try:
        book = nbformat.read(source, as_version=4)
    except (nbformat.reader.NotJSONError, nbformat.ValidationError) as error:
        raise ConfigError("notebook", f"{source} is no notebook: {error}") from error
    book.metadata.setdefault(
        "kernelspec", {"name": "python3", "display_name": "Python 3", "language": "python"}
    )
    count = len(book.cells)
    last = nbformat.v4.new_code_cell(closing.CELL, metadata={"tags": [closing.TAG]})
    if (book.nbformat, book.nbformat_minor) < (4, 5):
        last.pop("id", None)  # not known yet
    book.cells.append(last)
    nbformat.write(book, target)
    return count


def _clean(book: Any) -> None:
    """Take out what the runner adds about this machine and this minute; with it every diff would be noise."""
    closing.take(book)
    book.metadata.pop("papermill", None)
    book.metadata.get("language_info", {}).pop("version", None)
    book.cells = [cell for cell in book.cells if MARKER not in cell.metadata.get("tags", [])]
    for cell in book.cells:
        cell.metadata.pop("papermill", None)
        cell.metadata.pop("execution", None)
        if cell.get("metadata", {}).get("tags") == []:
            cell.metadata.pop("tags")
