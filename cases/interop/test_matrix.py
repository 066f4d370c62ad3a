"""The interop matrix: every ordered pair connects, exchanges messages and parts.

The cells `python -m harness matrix` plays, as cases: the report shows them as its grid.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path

import pytest

from harness.cases import unsupported
from harness.matrix.cell import Cell
from harness.matrix.row import Row, Shelf, Stage, Unsupported
from harness.scene import Scene


@pytest.fixture(scope="session")
async def shelf() -> AsyncIterator[Shelf]:
    async with aclosing(Shelf()) as made:
        yield made


@pytest.mark.timeout(120)
async def test_the_pair_plays_the_row(
    row: Row, cell: Cell, scene: Scene, seed: int, tmp_path: Path, shelf: Shelf
) -> None:
    try:
        await row.run(Stage(cell, scene, seed, tmp_path, shelf))
    except Unsupported as reason:
        unsupported(str(reason))
