"""Execute notebooks without a person: the runner that tests, ``make notebooks`` and ``make demo`` use."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fetchlab.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["execute"]

CELL_SECONDS = 600


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
    import papermill

    source = Path(notebook)
    if not source.is_file():
        raise ConfigError("notebook", f"{source} is not a file")
    given = dict(parameters or {})
    target = Path(out) if out is not None else source
    with tempfile.TemporaryDirectory() as folder:
        plain, executed = Path(folder) / "plain.ipynb", Path(folder) / source.name
        _with_kernel(source, plain)
        known = papermill.inspect_notebook(str(plain))
        unknown = sorted(set(given) - set(known))
        if unknown:
            raise ConfigError(
                "parameters",
                f"{source.name} has {', '.join(sorted(known)) or 'none'}, not {', '.join(unknown)}",
            )
        papermill.execute_notebook(
            str(plain),
            str(executed),
            given,
            cwd=str(source.parent),
            kernel_name="python3",
            progress_bar=False,
            execution_timeout=CELL_SECONDS,
        )
        _clean(executed, in_place=target.resolve() == source.resolve())
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.with_suffix(".part")
        part.write_bytes(executed.read_bytes())
        part.replace(target)
    return target


def _with_kernel(source: Path, target: Path) -> None:
    """Write the notebook with the name of a kernel, which not every editor puts there."""
    import nbformat

    try:
        book = nbformat.read(source, as_version=4)
    except (nbformat.reader.NotJSONError, nbformat.ValidationError) as error:
        raise ConfigError("notebook", f"{source} is no notebook: {error}") from error
    book.metadata.setdefault(
        "kernelspec", {"name": "python3", "display_name": "Python 3", "language": "python"}
    )
    nbformat.write(book, target)


def _clean(path: Path, *, in_place: bool) -> None:
    """Take out what the runner adds about this machine and this minute; with it every diff would be noise.

    A notebook executed in place also loses the cell of injected parameters, so that its own stand.
    """
    import nbformat

    book = nbformat.read(path, as_version=4)
    book.metadata.pop("papermill", None)
    book.metadata.get("language_info", {}).pop("version", None)
    for cell in book.cells:
        cell.metadata.pop("papermill", None)
        cell.metadata.pop("execution", None)
        if cell.get("metadata", {}).get("tags") == []:
            cell.metadata.pop("tags")
    if in_place:
        book.cells = [
            cell for cell in book.cells if "injected-parameters" not in cell.metadata.get("tags", [])
        ]
    nbformat.write(book, path)
