"""A program as an endpoint: the reference peer in a process of its own, and programs that misbehave."""

from __future__ import annotations

import shlex
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from harness.endpoints.program import ProgramStack
from harness.endpoints.stacks import Stacks, parse_names
from harness.errors import EndpointCrashed, EndpointError, NotFound
from harness.matrix.cell import Cell
from harness.matrix.rows import ROWS
from harness.matrix.run import run
from harness.script import CreatePeerConnection, Get, Script
from harness.verdict import Verdict

SERVE = f"{shlex.quote(sys.executable)} -m harness.endpoints.serve"


@pytest_asyncio.fixture(loop_scope="session")
async def stack() -> AsyncIterator[ProgramStack]:
    made = ProgramStack("mine", SERVE)
    yield made
    await made.stop()


def program(tmp_path: Path, code: str) -> ProgramStack:
    path = tmp_path / "program.py"
    path.write_text(code)
    return ProgramStack("mine", f"{shlex.quote(sys.executable)} {shlex.quote(str(path))}")


async def test_a_program_plays_scripts_and_is_reset(stack: ProgramStack) -> None:
    endpoint = await stack.endpoint()
    pc = await endpoint.peer_connection()
    await pc.createDataChannel("x")
    assert (await pc.event("negotiationneeded")).on == "pc1"
    await endpoint.reset()
    trace = await endpoint.play(Script.of(Get("pc1", "signalingState"), CreatePeerConnection()))
    assert [failure.name for failure in trace.failures] == ["ReferenceError"]


async def test_a_program_takes_its_place_in_the_matrix(tmp_path: Path) -> None:
    stacks = Stacks(parse_names(f"reference,mine={SERVE}"))
    (cell,) = (await run(tmp_path, [Cell("reference", "mine")], rows=[ROWS["data"]], seed=1, stacks=stacks)).cells
    assert (cell.verdict, cell.message) == (Verdict.PASS, "")


async def test_a_program_that_ends_is_a_crash_with_its_last_words(tmp_path: Path) -> None:
    stack = program(tmp_path, "import sys\nsys.stdin.readline()\nsys.exit('out of ideas')\n")
    endpoint = await stack.endpoint()
    with pytest.raises(EndpointCrashed, match="exit code 1; its last words: out of ideas"):
        await endpoint.peer_connection()
    await stack.stop()


@pytest.mark.parametrize("line", ["nonsense", "[1]", '{"id": 1}', '{"id": 1, "entries": [{}]}'])
async def test_what_is_no_answer_is_told(tmp_path: Path, line: str) -> None:
    stack = program(tmp_path, f"import sys\nsys.stdin.readline()\nprint({line!r}, flush=True)\nsys.stdin.read()\n")
    endpoint = await stack.endpoint()
    with pytest.raises(EndpointError, match=r"no answer|without entries|not an entry"):
        await endpoint.peer_connection()
    await stack.stop()


async def test_a_program_that_is_not_there_is_told() -> None:
    with pytest.raises(NotFound, match="mine: /nowhere/endpoint: No such file"):
        await ProgramStack("mine", "/nowhere/endpoint").endpoint()


def test_names_are_known_stacks_or_programs() -> None:
    assert parse_names("chromium, mine=./me --loud") == {"chromium": None, "mine": "./me --loud"}


@pytest.mark.parametrize("text", ["", "netscape", "chromium=./me", "a b=./me", "mine="])
def test_other_names_are_refused(text: str) -> None:
    with pytest.raises(EndpointError):
        parse_names(text)
