"""The interop matrix: every ordered pair connects, exchanges messages and parts.

The cells `python -m harness matrix` plays, as cases: the report shows them as its grid.
"""

from __future__ import annotations

import pytest

from harness.matrix.cell import Cell, play
from harness.scene import Scene


@pytest.mark.timeout(120)
async def test_the_pair_connects_and_exchanges_messages(cell: Cell, scene: Scene, seed: int) -> None:
    await play(cell, scene, seed=seed)
