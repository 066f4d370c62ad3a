"""A row of the matrix: one scenario that every ordered pair of endpoints plays.

    ROW = Row("trickle", "one candidate at a time, both ways", play)

    async def play(stage: Stage) -> None: ...

A row judges by `check` and by the wire; what it finds out goes into `stage.scene.facts`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeAlias, TypeVar

from harness.errors import EndpointTimeout
from harness.matrix import facts
from harness.matrix.cell import Cell
from harness.scene import Scene

__all__ = ["LIMIT", "Announce", "Need", "Row", "Shelf", "Stage", "Unsupported"]

#: Told what a cell is doing, for the progress bar.
Announce: TypeAlias = Callable[[str], None]
#: Why this machine can't play a row, in words with the remedy; empty when it can.
Need: TypeAlias = Callable[[], str]

#: A cell that takes longer than this hangs, unless its row says otherwise.
LIMIT: Final = 90.0


class Unsupported(Exception):
    """This pair can't play this row; the message names what an endpoint or the machine lacks. Never a way around a
    failure.
    """


T = TypeVar("T")


class Shelf:
    """What is too dear to be made for each cell: kept until the run ends."""

    def __init__(self) -> None:
        self._exits = AsyncExitStack()
        self._kept: dict[str, Any] = {}

    async def get(self, name: str, make: Callable[[], AbstractAsyncContextManager[T]]) -> T:
        """What `make` makes, entered; made when it is first asked for."""
        if name not in self._kept:
            self._kept[name] = await self._exits.enter_async_context(make())
        kept: T = self._kept[name]
        return kept

    async def aclose(self) -> None:
        """End everything."""
        self._kept.clear()
        await self._exits.aclose()


@dataclass(frozen=True, slots=True)
class Stage:
    """What a row plays on: the pair, its scene, a folder for files that nobody needs afterwards, and what is kept from
    cell to cell.
    """

    cell: Cell
    scene: Scene
    seed: int
    folder: Path
    shelf: Shelf
    announce: Announce = lambda _: None


@dataclass(frozen=True, slots=True)
class Row:
    """One scenario. `about` is one line for the report.

    `needs` are the machine's part: root, a package. `lacks` is the endpoints' part: what one of a cell's two can't do,
    in words; empty when they can. A cell that takes longer than `limit` seconds hangs. `by_default` rows are played by
    `python -m harness matrix` when no row is named, `as_case` rows by `pytest cases`.
    """

    name: str
    about: str
    play: Callable[[Stage], Awaitable[None]]
    needs: tuple[Need, ...] = ()
    lacks: Callable[[Cell], str] = lambda _: ""
    limit: float = LIMIT
    by_default: bool = True
    as_case: bool = True

    async def run(self, stage: Stage) -> None:
        """Play it to its end. What it finds out is in `scene.facts` as soon as it is known.

        Raises Unsupported, ConformanceFailure when what was seen is wrong, Thrown when an endpoint refuses what the
        other said, EndpointError (EndpointCrashed, EndpointTimeout) when one can't go on.
        """
        for reason in (self.lacks(stage.cell), *(need() for need in self.needs)):
            if reason:
                raise Unsupported(reason)
        stage.scene.facts |= facts.merge()
        try:
            async with asyncio.timeout(self.limit):
                await self.play(stage)
        except TimeoutError as error:
            raise EndpointTimeout(f"{stage.cell} took longer than {self.limit:.0f} s") from error
