"""Run the matrix: row after row, cell after cell, results on disk after each."""

from __future__ import annotations

import gc
import secrets
import tempfile
import time
import traceback
from collections.abc import Callable, Iterable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import product
from pathlib import Path
from typing import TypeAlias

from harness.endpoints.stacks import KNOWN, Stacks
from harness.errors import EndpointError, Thrown, verdict_of_error
from harness.host import describe_host
from harness.matrix.cell import Cell
from harness.matrix.row import Row, Shelf, Stage, Unsupported
from harness.matrix.rows import parse_rows
from harness.results import CaseResult, RunInfo, RunResults, matrix_case, unexpected_because
from harness.scene import Scene
from harness.verdict import Ledger, Verdict
from harness.writing import RunWriter

__all__ = ["Progress", "cells", "run"]


@dataclass(frozen=True, slots=True)
class Progress:
    """What the matrix tells while it runs: `doing` what, or the `result` of a cell that ended."""

    row: Row
    cell: Cell
    doing: str = ""
    result: CaseResult | None = None


Listener: TypeAlias = Callable[[Progress], None]


def cells(stacks: Sequence[str] = KNOWN) -> list[Cell]:
    """Every ordered pair."""
    return [Cell(offerer, answerer) for offerer in stacks for answerer in stacks]


async def run(
    directory: Path,
    wanted: Sequence[Cell],
    *,
    rows: Iterable[Row] | None = None,
    seed: int | None = None,
    listen: Listener = lambda _: None,
    stacks: Stacks | None = None,
    prefer_tap: bool = False,
) -> RunResults:
    """Play the cells of each row in turn (by default, of the rows that are played by default). A cell that can't be
    played has its verdict and the others are played all the same.
    """
    # Here and not above: scapy takes a third of a second to import.
    from harness.capture.recording import Capture

    began = time.monotonic()
    chosen = secrets.randbelow(1 << 32) if seed is None else seed
    started = datetime.now(UTC)
    info = RunInfo(f"matrix-{started:%Y%m%dT%H%M%SZ}", started.isoformat(timespec="seconds"), chosen)
    with Capture.open(prefer_tap=prefer_tap) as capture:
        info = replace(info, capture=capture.method, host=describe_host() | {"capture": capture.reason})
        with RunWriter(directory, info) as writer:
            async with stacks or Stacks() as session, aclosing(Shelf()) as shelf:
                for row, cell in product(parse_rows(None) if rows is None else rows, wanted):
                    scene = Scene(session, capture, Ledger())
                    result = await _one(row, cell, scene, shelf, directory, chosen, listen)
                    writer.add(result)
                    writer.describe(replace(info, builds=dict(session.builds)))
                    listen(Progress(row, cell, result=result))
            return writer.finish(duration_s=time.monotonic() - began)


async def _one(
    row: Row, cell: Cell, scene: Scene, shelf: Shelf, directory: Path, seed: int, listen: Listener
) -> CaseResult:
    _sweep()
    began = time.monotonic()
    case = matrix_case(row.name)
    with tempfile.TemporaryDirectory(prefix="peerproof-") as folder:
        stage = Stage(cell, scene, seed, Path(folder), shelf, lambda doing: listen(Progress(row, cell, doing)))
        verdict, message = await _outcome(row, stage)
    artefacts: dict[str, str] = {}
    try:
        artefacts = scene.save(directory, case, cell.endpoints)
    except OSError as error:
        # A full disk says nothing about an endpoint, and must not hide what is known.
        message = f"{message}\nartefacts could not be written: {error}".strip()
        verdict = Verdict.ERROR if verdict is Verdict.PASS else verdict
    return CaseResult(
        case=case,
        endpoints=cell.endpoints,
        verdict=verdict,
        message=message,
        clauses=scene.clauses,
        facts=scene.facts,
        artefacts=artefacts,
        duration_s=time.monotonic() - began,
        unexpected=unexpected_because(verdict, Verdict.PASS),
    )


def _sweep() -> None:
    """Let the garbage collector pass over all that is there by now: what was imported alone would keep it busy for
    hundreds of milliseconds in the middle of a cell, in which no picture is decoded.
    """
    gc.unfreeze()
    gc.collect()
    gc.freeze()


async def _outcome(row: Row, stage: Stage) -> tuple[Verdict, str]:
    """Play a cell: every way to end has its verdict, and a message unless it passed."""
    scene = stage.scene
    try:
        await row.run(stage)
        scene.raise_problems()
    except Unsupported as error:
        return Verdict.UNSUPPORTED, str(error)
    except (EndpointError, Thrown, AssertionError) as error:
        return verdict_of_error(error), str(error)
    except Exception as error:  # noqa: BLE001  (a bug of ours in one cell must not take the others with it)
        return Verdict.ERROR, "".join(traceback.format_exception(error))
    finally:
        await scene.close()
    remarks = [judgement.message for judgement in scene.ledger.judgements if judgement.message]
    return scene.ledger.verdict, "\n".join(remarks)
