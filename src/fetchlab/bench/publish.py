"""Tables worth publishing: plain HTML, three digits, the notes below."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    import great_tables
    import polars as pl

__all__ = ["published"]

DIGITS = 3


def published(
    frame: pl.DataFrame,
    title: str,
    subtitle: str = "",
    *,
    labels: Mapping[str, str] | None = None,
    numbers: Collection[str] = (),
    integers: Collection[str] = (),
    shares: Collection[str] = (),
    volumes: Collection[str] = (),
    notes: Iterable[str] = (),
) -> great_tables.GT:
    """Return a table that a notebook shows and a page can hold; it needs no script and no server.

    Args:
        frame: what to show, as it is ordered.
        title: what it is about.
        subtitle: how it was measured.
        labels: columns' headings, where they are not their names.
        numbers: columns shown with three digits.
        integers: columns shown whole, with thousands apart.
        shares: columns shown in per cent.
        volumes: columns of bytes.
        notes: sentences below the table.
    """
    import great_tables

    known = set(frame.columns)
    name = hashlib.blake2b(f"{title}{frame.columns}".encode(), digest_size=5).hexdigest()
    table = great_tables.GT(frame, id=f"t{name}").tab_header(title, subtitle or None)
    table = table.cols_label({column: label for column, label in (labels or {}).items() if column in known})
    if some := [column for column in numbers if column in known]:
        table = table.fmt_number(some, n_sigfig=DIGITS, use_seps=True)
    if some := [column for column in integers if column in known]:
        table = table.fmt_integer(some)
    if some := [column for column in shares if column in known]:
        table = table.fmt_percent(some, decimals=0)
    if some := [column for column in volumes if column in known]:
        table = table.fmt_bytes(some, decimals=1)
    table = table.sub_missing(missing_text="–")
    for note in notes:
        table = table.tab_source_note(note)
    return table.tab_options(table_font_size="13px", heading_align="left", data_row_padding="4px")
