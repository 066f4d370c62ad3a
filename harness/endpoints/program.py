"""An endpoint of one's own: a program that plays scripts, one JSON object a line on its standard streams.

We write requests, the program answers each by its `id`, in any order:

    {"id": 1, "steps": [...], "stream": false, "quiet": false}    ->  {"id": 1, "entries": [...]}
    {"id": 2, "reset": true}                                      ->  {"id": 2}

Steps are those of `harness.script.steps` in their JSON form, entries those of `harness.script.trace`. With `stream`
it also writes `{"events": [...]}` whenever events fire, from then on; with `quiet` entries are outcomes only. What it
writes to standard error is kept as its log. `harness.endpoints.serve` is such a program, around the reference peer:
a model.
"""

from __future__ import annotations

import asyncio
import json
import shlex
from collections.abc import Sequence
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Any, Final

from harness.endpoints.base import Endpoint, Stack
from harness.errors import EndpointCrashed, EndpointError, NotFound
from harness.script.steps import Script, Step
from harness.script.trace import Entry, entry_from_json
from harness.script.values import ScriptError

__all__ = ["ProgramEndpoint", "ProgramStack"]

# A message of a mebibyte, in base64, and room for the rest of the line.
_LONGEST_LINE: Final = 64 << 20
_FAREWELL: Final = 3.0


class ProgramEndpoint(Endpoint):
    """One process of the program."""

    def __init__(self, name: str, stack: str, build: str, process: asyncio.subprocess.Process) -> None:
        super().__init__(name, stack, build)
        self._process = process
        self._ids = count(1)
        self._asked: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._readers = [asyncio.create_task(self._read()), asyncio.create_task(self._read_log())]

    async def _perform(self, steps: Sequence[Step], *, stream: bool, quiet: bool) -> list[Entry]:
        answer = await self._request(
            {"steps": Script(tuple(steps)).to_json(), "stream": stream, "quiet": quiet},
        )
        entries = answer.get("entries")
        if not isinstance(entries, list):
            raise EndpointError(f"{self.name}: an answer without entries: {str(answer)[:200]}")
        try:
            return [entry_from_json(entry) for entry in entries]
        except ScriptError as error:
            raise EndpointError(f"{self.name}: {error}") from error

    async def _request(self, members: dict[str, Any]) -> dict[str, Any]:
        identity = next(self._ids)
        answer: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._asked[identity] = answer
        line = json.dumps({"id": identity, **members}).encode() + b"\n"
        stdin = self._process.stdin
        if stdin is None or self._process.returncode is not None:
            raise EndpointCrashed(f"{self.name} ended with exit code {self._process.returncode}")
        try:
            stdin.write(line)
            await stdin.drain()
            return await answer
        except (BrokenPipeError, ConnectionResetError) as error:
            raise EndpointCrashed(f"{self.name} ended while it was asked to play") from error
        finally:
            self._asked.pop(identity, None)

    async def _read(self) -> None:
        """Take what the program writes until it ends."""
        while self._process.stdout is not None and (line := await self._process.stdout.readline()):
            try:
                self._take(json.loads(line))
            except (ValueError, ScriptError, AttributeError) as error:
                self.lose(EndpointError(f"{self.name} wrote what is no answer: {line[:200]!r}: {error}"))
        code = await self._process.wait()
        self.lose(EndpointCrashed(f"{self.name} ended with exit code {code}; its last words: {self._last_words()}"))

    def _take(self, said: dict[str, Any]) -> None:
        if "events" in said:
            self._deliver([entry_from_json(entry) for entry in said["events"]])
        asked = self._asked.get(said.get("id", 0))
        if asked is not None and not asked.done():
            asked.set_result(said)

    async def _read_log(self) -> None:
        while self._process.stderr is not None and (line := await self._process.stderr.readline()):
            self.log.append(line.decode("utf-8", "replace").rstrip())

    def _last_words(self) -> str:
        return self.log[-1] if self.log else "none"

    async def reset(self) -> None:
        await super().reset()
        await self._request({"reset": True})

    async def close(self) -> None:
        """End the process: its standard input is closed, and when that isn't enough it is killed."""
        self.lose(EndpointError(f"{self.name} is closed"))
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            await asyncio.wait_for(self._process.wait(), _FAREWELL)
        except TimeoutError:
            with suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()
        await asyncio.gather(*self._readers)


class ProgramStack(Stack):
    """Starts the program once for each endpoint. `command` is split as a shell would, and run without one."""

    def __init__(self, name: str, command: str) -> None:
        self.name = name
        self._command = shlex.split(command)
        # The folder it lies in is nobody's business: builds are published.
        self.build = Path(self._command[0]).name
        self._made: list[ProgramEndpoint] = []

    async def start(self) -> None:
        """There is nothing to be shared between endpoints."""

    async def endpoint(self, name: str | None = None) -> ProgramEndpoint:
        pipe = asyncio.subprocess.PIPE
        try:
            process = await asyncio.create_subprocess_exec(
                *self._command, stdin=pipe, stdout=pipe, stderr=pipe, limit=_LONGEST_LINE
            )
        except OSError as error:
            raise NotFound(f"{self.name}: {self._command[0]}: {error.strerror or error}") from error
        made = ProgramEndpoint(name or self.name, self.name, self.build, process)
        self._made.append(made)
        return made

    async def stop(self) -> None:
        for made in self._made:
            await made.close()
        self._made.clear()
