"""A cell can fail: a reference peer with a fault planted in it turns the cell red, for the right reason."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.endpoints import Stacks
from harness.endpoints.reference import Reference, ReferenceStack
from harness.matrix.cell import Cell
from harness.matrix.rows import ROWS
from harness.matrix.run import run
from harness.verdict import Verdict
from peer.api import Seams
from peer.wire import dcep

CLEAR = b"this must never be seen on the wire in clear"


class Faulty(ReferenceStack):
    """Makes reference peers that have a fault."""

    def __init__(self, seams: Seams) -> None:
        super().__init__()
        self._fault = seams

    async def endpoint(self, name: str | None = None) -> Reference:
        made = await super().endpoint(name)
        made.seams = self._fault
        return made


def leaks(transmission: Any) -> tuple[Any, ...]:
    return (transmission, replace(transmission, data=b"\x80\x60" + CLEAR))


def renames(message: Any) -> tuple[Any, ...]:
    return (replace(message, label="another"),) if isinstance(message, dcep.Open) else (message,)


def orders(message: Any) -> tuple[Any, ...]:
    if isinstance(message, dcep.Open) and message.label == "unordered":
        return (replace(message, channel_type=dcep.ChannelType.RELIABLE),)
    return (message,)


@pytest.mark.parametrize(
    ("seams", "words"),
    [
        (Seams(datagram=leaks), "expected never"),
        (Seams(dcep=renames), "an announced channel's label should be 'unordered', it is 'another'"),
        (Seams(dcep=orders), "an announced channel's ordered should be False, it is True"),
    ],
    ids=["leaks", "renames", "orders"],
)
async def test_a_fault_turns_the_cell_red(tmp_path: Path, seams: Seams, words: str) -> None:
    stacks = Stacks()
    stacks.add("reference", lambda: Faulty(seams))
    (cell,) = (await run(tmp_path, [Cell("reference", "reference")], rows=[ROWS["data"]], seed=1, stacks=stacks)).cells
    assert cell.verdict is Verdict.FAIL
    assert words in cell.message
    assert cell.unexpected
