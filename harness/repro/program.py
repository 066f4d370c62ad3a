"""A story as a Python file for this harness, and what plays it: on the endpoints of the case, or on others."""

from __future__ import annotations

import argparse
import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from rich.console import Console

from harness.endpoints.base import Endpoint
from harness.endpoints.proxies import PeerConnection, Proxy
from harness.endpoints.stacks import Stacks
from harness.errors import EndpointTimeout, Thrown
from harness.repro.story import Act, Story, Trickles
from harness.script.steps import Call, New, Step, Wait, step_to_json
from harness.script.trace import Kind
from harness.script.values import Ref, Value
from harness.signaling import Trickle

__all__ = ["Played", "render_program", "replay"]

_PROGRAM: Final = '''"""{title}

Plays again what the endpoints of this case were asked to do:

    python repro.py                          on the endpoints of the case
    python repro.py --on {first}=firefox      with another stack in a role

{case}"""

from harness.repro import replay

STORY = r"""
{story}
"""

if __name__ == "__main__":
    raise SystemExit(replay(STORY))
'''


def render_program(story: Story, node: str = "") -> str:
    """The whole file. `node` is the pytest node that judges; the program only shows what happens."""
    case = f"The case itself, which also judges:\n\n    python -m pytest {node!r}\n" if node else ""
    first = next(iter(story.stacks), "chromium")
    # ASCII, and no quotes or backslashes that a raw string would end with: json.dumps escapes them all.
    text = json.dumps(story.to_json(), indent=1, ensure_ascii=True)
    return _PROGRAM.format(title=_plain(story.title), first=first, case=case, story=text)


def _plain(title: str) -> str:
    return title.replace("\\", "/").replace('"', "'")


def replay(text: str, arguments: Sequence[str] | None = None) -> int:
    """Play a story's JSON; what a `repro.py` calls. Returns its exit code: 0 when every step ended as recorded, else
    1.
    """
    story = Story.from_json(json.loads(text))
    parser = argparse.ArgumentParser(description=story.title)
    parser.add_argument(
        "--on",
        action="append",
        default=[],
        metavar="ENDPOINT=STACK",
        help=f"play one of {', '.join(story.stacks)} on another stack",
    )
    given = dict(entry.partition("=")[::2] for entry in parser.parse_args(arguments).on)
    unknown = set(given) - set(story.stacks)
    if unknown:
        parser.error(f"there is no {', '.join(sorted(unknown))} in this story")
    differing = asyncio.run(_run(replace(story, stacks={**story.stacks, **given})))
    return 1 if differing else 0


async def _run(story: Story) -> int:
    console = Console(highlight=False, soft_wrap=True)
    async with Stacks() as stacks:
        endpoints = {name: await stacks.endpoint(stack, name) for name, stack in story.stacks.items()}
        played = Played(story, endpoints, console)
        try:
            return await played.play()
        finally:
            for endpoint in endpoints.values():
                await endpoint.close()


class Played:
    """One playing of a story."""

    def __init__(self, story: Story, endpoints: Mapping[str, Endpoint], console: Console) -> None:
        self._story = story
        self._endpoints = endpoints
        self._console = console
        self._proxies: dict[tuple[str, str], Proxy] = {}
        self._trickles: list[Trickle] = []
        self._described: set[tuple[str, str]] = set()

    async def play(self) -> int:
        """Play every chapter; returns how many acts ended otherwise than recorded."""
        differing = 0
        for position, chapter in enumerate(self._story.chapters):
            if isinstance(chapter, Trickles):
                self._trickle(chapter)
            else:
                differing += await self._act(position, chapter)
        return differing

    def _trickle(self, chapter: Trickles) -> None:
        ends = [PeerConnection(self._endpoints[endpoint], handle) for endpoint, handle in (chapter.one, chapter.other)]
        for source, sink in (ends, reversed(ends)):
            self._trickles.append(Trickle(source, sink, lambda _: None, from_start=True))
        self._open()

    def _open(self) -> None:
        """Let candidates go to whoever has a description to hang them on."""
        for trickle in self._trickles:
            if (trickle.sink.endpoint.name, trickle.sink.handle) in self._described:
                trickle.open()

    async def _act(self, position: int, act: Act) -> bool:
        endpoint = self._endpoints[act.endpoint]
        words = f"{act.endpoint}: {_words(act.step)}"
        try:
            await self._perform(endpoint, await self._current(position, act.step))
            ended = Kind.VALUE.value
        except Thrown as thrown:
            ended, words = thrown.name, f"{words}\n    {thrown}"
        except EndpointTimeout as late:
            ended, words = Kind.PENDING.value, f"{words}\n    {late}"
        if ended == act.ended:
            self._console.print(f"[green]same[/]     {words}")
            return False
        self._console.print(f"[bold red]differs[/]  {words}\n    recorded: {act.ended}, now: {ended}")
        return True

    async def _current(self, position: int, step: Step) -> Step:
        """The step with what is said now in the place of what was said then."""
        said = self._story.spoken.get(position)
        if said is not None and isinstance(step, Call):
            speaker = PeerConnection(self._endpoints[said.endpoint], said.handle)
            return replace(step, args=(await speaker.localDescription(),))
        return replace(step, args=tuple(_heavy(argument) for argument in step.args)) if isinstance(step, Call) else step

    async def _perform(self, endpoint: Endpoint, step: Step) -> None:
        if not isinstance(step, Wait):
            await endpoint.run(step)
            if isinstance(step, Call) and step.method == "setRemoteDescription":
                self._described.add((endpoint.name, step.on))
                self._open()
            return
        key = (endpoint.name, step.on)
        proxy = self._proxies.setdefault(key, Proxy(endpoint, step.on))
        if step.event is not None:
            await proxy.event(step.event, timeout=step.timeout)
        else:
            await proxy.wait_for(timeout=step.timeout, **{str(step.attribute): list(step.values)})


def _heavy(value: Value) -> Value:
    """The bytes a large message was replaced by."""
    if isinstance(value, Ref) and value.path.startswith("zeros:"):
        return bytes(int(value.path.removeprefix("zeros:")))
    return value


def _words(step: Step) -> str:
    members: dict[str, Any] = {name: item for name, item in step_to_json(step).items() if name != "op"}
    if isinstance(step, New):
        return f"new {step.interface}"
    text = " ".join(str(members[name]) for name in ("on", "method", "attribute", "event") if members.get(name))
    return f"{step.op} {text}"
