"""Everything of one case: its endpoints, its capture, its judgements, and what it leaves on disk.

The matrix has a scene per cell, the pytest plugin one per case.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import time
import traceback
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.endpoints.base import Endpoint
from harness.errors import EndpointError
from harness.endpoints.stacks import Stacks
from harness.ladder import ladder
from harness.results import Artefact, ClauseResult, artefact_folder, write_atomically
from harness.script.trace import Entry, Fired, entry_to_json
from harness.signaling import Said, SaidKind
from harness.verdict import Judgement, Ledger

if TYPE_CHECKING:
    from harness.capture.recording import Capture
    from harness.capture.wire import Wire

__all__ = ["Scene"]

# Longer strings are cut in trace.jsonl: a message of a megabyte is in the capture.
_LONGEST = 4096


class Scene:
    """One case while it runs. Close it before `save`: what is sent at the end belongs to it."""

    def __init__(self, stacks: Stacks, capture: Capture, ledger: Ledger) -> None:
        self.ledger = ledger
        self.endpoints: list[Endpoint] = []
        self.said: list[Said] = []
        self.started = time.time()
        self.recording = capture.record()
        self._stacks = stacks
        self._closed = False
        #: What went wrong inside this process outside of any call: bugs of the reference peer, as a rule.
        self.problems: list[str] = []
        self._loop = asyncio.get_running_loop()
        self._usual_handler = self._loop.get_exception_handler()
        self._loop.set_exception_handler(self._notice)

    def _notice(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """An exception nobody caught: the endpoints of this process can't be relied on any more."""
        error = context.get("exception")
        told = "".join(traceback.format_exception(error)) if error is not None else str(context.get("message"))
        self.problems.append(told)
        for endpoint in self.endpoints:
            if endpoint.stack == "reference":
                endpoint.lose(EndpointError(f"{endpoint.name}: {context.get('message')}: {error!r}"))

    async def endpoint(self, stack: str) -> Endpoint:
        """A new endpoint of that stack, watched and captured. The second of a stack has another name than the first."""
        count = sum(other.stack == stack for other in self.endpoints) + 1
        endpoint = await self._stacks.endpoint(stack, stack if count == 1 else f"{stack} ({count})")
        self.endpoints.append(endpoint)
        book, name = self.recording.book, endpoint.name
        endpoint.on_description = lambda sdp: book.learn_description(name, sdp)
        endpoint.observe(self._learner(name))
        taps: list[Any] | None = getattr(endpoint, "taps", None)
        if taps is not None:
            taps.append(self.recording.sink(name))
        return endpoint

    def _learner(self, name: str) -> Callable[[Entry], None]:
        book = self.recording.book

        def learn(entry: Entry) -> None:
            if not isinstance(entry, Fired) or entry.event != "icecandidate":
                return
            candidate = entry.detail.get("candidate")
            if isinstance(candidate, Mapping):
                book.learn_candidate(name, str(candidate.get("candidate") or ""))
                if candidate.get("usernameFragment"):
                    book.learn_description(name, f"a=ice-ufrag:{candidate['usernameFragment']}")

        return learn

    @property
    def wire(self) -> Wire:
        """The packets of this case, to be asserted on."""
        return self.recording.wire(self.ledger)

    def hear(self, said: Said) -> None:
        """Keep what goes over the signalling channel: pass this to `Signaling`."""
        self.said.append(said)

    async def close(self) -> None:
        """End the endpoints and the recording. Raises nothing."""
        if self._closed:
            return
        self._closed = True
        self.collect_secrets()
        for endpoint in self.endpoints:
            await endpoint.close()
        self.recording.close()
        self._loop.set_exception_handler(self._usual_handler)

    def collect_secrets(self) -> None:
        """Take what the browsers wrote to their key logs; the capture opens more from then on."""
        for endpoint in self.endpoints:
            for line in endpoint.secrets:
                self.recording.keylog.add(line)

    # What it leaves

    def save(self, run_directory: Path, case: str, endpoints: Iterable[str]) -> dict[str, str]:
        """Write the artefacts of this case; returns their paths below `run_directory`, by `Artefact` value."""
        folder = run_directory / artefact_folder(case, endpoints)
        if folder.exists():
            shutil.rmtree(folder)
        folder.mkdir(parents=True)
        self._write_texts(folder)
        self.recording.save(folder, comments=_comments(self.ledger.judgements))
        present = [artefact for artefact in Artefact if (folder / artefact.file_name).exists()]
        return {
            artefact.value: (folder / artefact.file_name).relative_to(run_directory).as_posix() for artefact in present
        }

    def _write_texts(self, folder: Path) -> None:
        texts = {
            Artefact.OFFER_SDP: self._first_said(SaidKind.OFFER),
            Artefact.ANSWER_SDP: self._first_said(SaidKind.ANSWER),
            Artefact.TRACE: "".join(f"{line}\n" for line in self._trace_lines()),
            Artefact.LADDER: json.dumps(ladder(self), ensure_ascii=True),
            Artefact.LOG: "".join(f"{line}\n" for line in self._log_lines()),
        }
        for artefact, text in texts.items():
            if text:
                write_atomically(folder / artefact.file_name, text)

    def _log_lines(self) -> Iterable[str]:
        for endpoint in self.endpoints:
            yield from (f"{endpoint.name}: {line}" for line in endpoint.log)
        yield from self.problems

    def _first_said(self, kind: SaidKind) -> str:
        return next((said.text for said in self.said if said.kind is kind), "")

    def _trace_lines(self) -> Iterable[str]:
        entries = [(entry, endpoint.name) for endpoint in self.endpoints for entry in endpoint.entries]
        for entry, name in sorted(entries, key=lambda pair: pair[0].time):
            yield json.dumps({"t": round(entry.time - self.started, 6), "endpoint": name} | _shown(entry))

    @property
    def clauses(self) -> tuple[ClauseResult, ...]:
        """What was judged, for the results."""
        return tuple(ClauseResult.of(judgement) for judgement in self.ledger.judgements if judgement.clause is not None)


def _shown(entry: Entry) -> dict[str, Any]:
    """The line of trace.jsonl for an entry: without what the line says already, long texts cut."""
    shown = {name: _cut(value) for name, value in entry_to_json(entry).items() if name not in ("time", "sequence")}
    if isinstance(entry, Fired):
        return shown | {"name": f"{entry.on}.{entry.event}"}
    return shown | {"what": "call", "name": f"step {entry.step}: {entry.kind.value}"}


def _cut(value: Any) -> Any:
    if isinstance(value, str) and len(value) > _LONGEST:
        return f"{value[:64]}... ({len(value)} characters)"
    if isinstance(value, dict):
        return {name: _cut(item) for name, item in value.items()}
    return [_cut(item) for item in value] if isinstance(value, list) else value


def _comments(judgements: Iterable[Judgement]) -> dict[int, list[str]]:
    """What Wireshark shows at a frame: the judgements that rest on it."""
    comments: dict[int, list[str]] = {}
    for judgement in judgements:
        words = [judgement.verdict.value, judgement.clause or "", judgement.message.partition("\n")[0]]
        for frame in judgement.frames:
            comments.setdefault(frame, []).append(": ".join(word for word in words if word))
    return comments
