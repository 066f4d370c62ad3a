"""The reference peer as a program for `harness.endpoints.program`: `python -m harness.endpoints.serve`.

A model for programs of one's own: read a line, play its steps, write the entries.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Iterable
from typing import Any

import peer.api
from harness.endpoints.player import Player
from harness.script.steps import Script
from harness.script.trace import Entry, entry_to_json

__all__ = ["serve"]


def _write(members: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(members) + "\n")
    sys.stdout.flush()


def _told(entries: Iterable[Entry]) -> list[dict[str, Any]]:
    return [entry_to_json(entry) for entry in entries]


async def serve() -> None:
    """Answer requests until standard input ends."""
    player = Player(
        lambda interface, args: getattr(peer.api, interface)(*args), lambda events: _write({"events": _told(events)})
    )

    async def answer(request: dict[str, Any]) -> None:
        if request.get("reset"):
            player.reset()
            _write({"id": request["id"]})
            return
        script = Script.from_json(request["steps"])
        entries = await player.play(script, stream=request["stream"], quiet=request["quiet"])
        _write({"id": request["id"], "entries": _told(entries)})

    # Several requests may be under way: a promise that waits must not keep the next call from being made.
    playing: set[asyncio.Task[None]] = set()
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        task = asyncio.create_task(answer(json.loads(line)))
        playing.add(task)
        task.add_done_callback(playing.discard)
    player.reset()


if __name__ == "__main__":
    asyncio.run(serve())
