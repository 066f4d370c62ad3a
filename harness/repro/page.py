"""A story as one HTML file: plain JavaScript, written as a person would write it, with nothing of the harness in it."""

from __future__ import annotations

import html
import json
import math
import re
from collections.abc import Callable, Mapping
from importlib.resources import files
from itertools import groupby
from typing import Any, Final

from harness.repro.story import Act, Story, Trickles
from harness.script.steps import Call, Echo, Get, Look, New, Pause, Set, Settle, Step, Track, Wait, Watch
from harness.script.values import Ref, Value

__all__ = ["render_page"]

_IDENTIFIER: Final = re.compile(r"[A-Za-z_$][\w$]*")
_SHORT_SDP: Final = 120


def render_page(story: Story, builds: Mapping[str, str] | None = None) -> str:
    """The whole file. Both ends of a two-sided story are played in the one page."""
    names = _scopes(story)
    recorded = ", ".join(f"{name} {(builds or {}).get(stack, '')}".strip() for name, stack in story.stacks.items())
    texts = {
        "@TITLE@": html.escape(story.title),
        "@WHO@": html.escape(_who(names)),
        "@BUILDS@": html.escape(recorded),
        # Inside a string `<\/` is `</`; as it stands it would end the script.
        "@STEPS@": "\n".join(_Writer(story, names).lines()).replace("</", "<\\/"),
    }
    page = files("harness.repro").joinpath("page.html").read_text("utf-8")
    for mark, text in texts.items():
        page = page.replace(mark, text)
    return page


def _scopes(story: Story) -> dict[str, str]:
    """The object that holds an endpoint's handles: `a`, `b`, ..."""
    return {name: chr(ord("a") + number) for number, name in enumerate(story.stacks)}


def _who(names: Mapping[str, str]) -> str:
    if len(names) < 2:
        return ""
    parts = ", ".join(f"{scope} was {name}" for name, scope in names.items())
    return f"In the case {parts}; here the browser plays every part."


class _Writer:
    """Writes one story as JavaScript."""

    def __init__(self, story: Story, scopes: Mapping[str, str]) -> None:
        self._story = story
        self._scopes = scopes
        self._scope = ""
        self._bound: dict[str, set[str]] = {name: set() for name in scopes}
        self._current = ""

    def lines(self) -> list[str]:
        written = [f"  const {scope} = {{}}; // {name}" for name, scope in self._scopes.items()]
        for position, chapter in enumerate(self._story.chapters):
            if isinstance(chapter, Trickles):
                ends = ", ".join(self._handle(endpoint, handle) for endpoint, handle in (chapter.one, chapter.other))
                written.append(f"  trickle({ends});")
            else:
                written.append(self._act(position, chapter))
        return [_repeated(line, sum(1 for _ in same)) for line, same in groupby(written)]

    def _act(self, position: int, act: Act) -> str:
        self._current, self._scope = act.endpoint, self._scopes[act.endpoint]
        code, words = _WRITERS[type(act.step)](self, act.step)
        said = self._story.spoken.get(position)
        if said is not None:
            live = f"{self._handle(said.endpoint, said.handle)}.localDescription"
            code = f"{self._path(getattr(act.step, 'on', ''))}.setRemoteDescription({live})"
            words = code
        bind = getattr(act.step, "bind", None)
        target = ""
        if bind is not None:
            self._bound[act.endpoint].add(bind)
            target = f"{self._handle(act.endpoint, bind)} = "
        label = words if len(words) <= _SHORT_SDP else f"{words[:_SHORT_SDP]}..."
        return f"  {target}await step({json.dumps(label)}, {json.dumps(act.ended)}, () => {code});"

    # Names and values

    def _handle(self, endpoint: str, handle: str) -> str:
        """The expression for a handle; one that an event brought is reached through `arrived`."""
        scope = self._scopes[endpoint]
        return f"{scope}.{handle}" if _IDENTIFIER.fullmatch(handle) else f"{scope}[{json.dumps(handle)}]"

    def _path(self, path: str) -> str:
        head, *rest = path.split(".")
        bound = head in self._bound[self._current] or not _IDENTIFIER.fullmatch(head)
        return ".".join([self._handle(self._current, head) if bound else head, *rest])

    def value(self, value: Value) -> str:
        match value:
            case Ref(path) if path.startswith("zeros:"):
                return f"new Uint8Array({path.removeprefix('zeros:')})"
            case Ref(path):
                return self._path(path)
            case bytes():
                return f"new Uint8Array([{', '.join(map(str, value))}])"
            case str() if "\r\n" in value:
                lines = ",\n    ".join(json.dumps(line) for line in value.split("\r\n"))
                return f'[\n    {lines}].join("\\r\\n")'
            case float() if not math.isfinite(value):
                return {math.inf: "Infinity", -math.inf: "-Infinity"}.get(value, "NaN")
            case Mapping():
                members = ", ".join(f"{_key(name)}: {self.value(item)}" for name, item in value.items())
                return f"{{ {members} }}" if members else "{}"
            case list() | tuple():
                return f"[{', '.join(self.value(item) for item in value)}]"
        return json.dumps(value)

    def _arguments(self, args: tuple[Value, ...]) -> str:
        return ", ".join(self.value(argument) for argument in args)

    # One writer per operation: the code, and the words the page shows for it

    def new(self, step: New) -> tuple[str, str]:
        words = f"new {step.interface}({self._arguments(step.args)})"
        return f"watch({words})", words

    def call(self, step: Call) -> tuple[str, str]:
        words = f"{self._path(step.on)}.{step.method}({self._arguments(step.args)})"
        if not step.awaited:
            return f"({{ promise: {words} }})", f"{words}, not awaited"
        code = f"within({words}, {step.timeout:g})" if step.method not in _SYNCHRONOUS else words
        return (f"watch({words})", words) if step.method == "createDataChannel" else (code, words)

    def get(self, step: Get) -> tuple[str, str]:
        words = f"{self._path(step.on)}.{step.attribute}"
        return (f"watch({words})" if step.bind else words), words

    def set(self, step: Set) -> tuple[str, str]:
        words = f"{self._path(step.on)}.{step.attribute} = {self.value(step.value)}"
        return f"{{ {words}; }}", words

    def settle(self, step: Settle) -> tuple[str, str]:
        words = f"await {self._path(step.on)}"
        return f"within({self._path(step.on)}.promise, {step.timeout:g})", words

    def wait(self, step: Wait) -> tuple[str, str]:
        target = self._path(step.on)
        if step.event is None:
            values = self.value(list(step.values))
            code = f"becomes({target}, {json.dumps(step.attribute)}, {values}, {step.timeout:g})"
            return code, f"{target}.{step.attribute} becomes {values}"
        code = f"event({target}, {json.dumps(step.event)}, {step.timeout:g})"
        if step.event == "datachannel":
            code = self._arrives(step, code)
        return code, f"{target}: {step.event}"

    def _arrives(self, step: Wait, code: str) -> str:
        """A channel that arrives has the handle the players would give it."""
        stem = f"{step.on}:channel"
        number = sum(name.startswith(stem) for name in self._bound[self._current])
        self._bound[self._current].add(f"{stem}{number}")
        return f"{code}.then((event) => {self._handle(self._current, f'{stem}{number}')} = event.channel)"

    def pause(self, step: Pause) -> tuple[str, str]:
        return f"pause({step.seconds:g})", f"{step.seconds:g} s pass"

    def track(self, step: Track) -> tuple[str, str]:
        return f"watch(synthetic({json.dumps(step.kind)}, {step.hz:g}))", f"a synthetic {step.kind} track"

    def watch(self, step: Watch) -> tuple[str, str]:
        return f"show({self._path(step.on)})", f"{self._path(step.on)} is shown"

    def look(self, step: Look) -> tuple[str, str]:
        target = self._path(step.on)
        return f"until(() => {target}.currentTime > 0 || undefined, {step.timeout:g})", f"{target} plays"

    def echo(self, step: Echo) -> tuple[str, str]:
        target = self._path(step.on)
        code = f'{target}.addEventListener("message", ({{ data }}) => {target}.send(data))'
        return code, f"{target} sends back what it gets"


def _repeated(line: str, times: int) -> str:
    return line if times == 1 else f"  for (let n = 0; n < {times}; n++){line.removeprefix(' ')}"


def _key(name: str) -> str:
    return name if _IDENTIFIER.fullmatch(name) else json.dumps(name)


_SYNCHRONOUS: Final = frozenset({"send", "close", "stop", "addTransceiver", "addTrack", "removeTrack", "restartIce"})
_WRITERS: Final[Mapping[type[Step], Callable[[_Writer, Any], tuple[str, str]]]] = {
    New: _Writer.new,
    Call: _Writer.call,
    Get: _Writer.get,
    Set: _Writer.set,
    Settle: _Writer.settle,
    Wait: _Writer.wait,
    Pause: _Writer.pause,
    Track: _Writer.track,
    Echo: _Writer.echo,
    Watch: _Writer.watch,
    Look: _Writer.look,
}
