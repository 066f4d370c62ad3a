"""The rows of the matrix, in the order they are played and shown. A new row is a module here and a line below."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from harness.matrix.row import Row
from harness.matrix.rows import (
    data,
    impaired,
    interface_change,
    media,
    nat,
    relay,
    renegotiation,
    restart,
    simulcast,
    trickle,
)

__all__ = ["ROWS", "parse_rows"]

ROWS: Final[Mapping[str, Row]] = {
    row.name: row
    for row in (
        data.ROW,
        *media.ROWS,
        simulcast.ROW,
        renegotiation.ROW,
        *impaired.ROWS,
        trickle.ROW,
        restart.ROW,
        *relay.ROWS,
        nat.ROW,
        nat.SWEEP,
        interface_change.ROW,
    )
}


def parse_rows(text: str | None) -> list[Row]:
    """Read `data,trickle`; None means every row that is played by default, "all" every row there is.

    Raises ValueError for a name that is no row.
    """
    if text is None:
        return [row for row in ROWS.values() if row.by_default]
    names = [name.strip() for name in text.split(",") if name.strip()]
    if names == ["all"]:
        return list(ROWS.values())
    unknown = [name for name in names if name not in ROWS]
    if unknown or not names:
        raise ValueError(f"unknown row {', '.join(map(repr, unknown)) or repr(text)}; there are {', '.join(ROWS)}")
    return [row for name, row in ROWS.items() if name in names]
