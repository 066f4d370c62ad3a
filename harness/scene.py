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

from harness.endpoints.base import Endpoint, Move
from harness.endpoints.stacks import Stacks
from harness.errors import EndpointError
from harness.ladder import ladder
from harness.repro import Story, render_page, render_program, tell
from harness.results import Artefact, ClauseResult, Fact, artefact_folder
from harness.script.steps import Call, New, Wait
from harness.script.trace import Entry, Fired, Kind, entry_to_json
from harness.script.values import to_json
from harness.signaling import Said, SaidKind
from harness.verdict import Judgement, Ledger
from harness.writing import write_atomically

if TYPE_CHECKING:
    from harness.capture.recording import Capture
    from harness.capture.wire import Wire
    from harness.exhibits import Exhibit

__all__ = ["Scene"]

_OUTCOME = ("kind", "value", "failure", "states")
# Longer strings are cut in trace.jsonl.gz: a message of a megabyte is in the capture.
_LONGEST = 4096


class Scene:
    """One case while it runs. Close it before `save`: what is sent at the end belongs to it."""

    def __init__(self, stacks: Stacks, capture: Capture, ledger: Ledger) -> None:
        self.ledger = ledger
        self.endpoints: list[Endpoint] = []
        self.said: list[Said] = []
        self.started = time.time()
        #: What the case found out, for the results.
        self.facts: dict[str, Fact] = {}
        #: Images of what was received.
        self.exhibits: list[Exhibit] = []
        self.recording = capture.record()
        self._stacks = stacks
        self._closed = False
        #: What went wrong inside this process outside of any call: bugs of the reference peer, as a rule.
        self.problems: list[str] = []
        self._broken: list[str] = []
        self._loop = asyncio.get_running_loop()
        self._usual_handler = self._loop.get_exception_handler()
        self._loop.set_exception_handler(self._notice)

    def _notice(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """An exception nobody caught: the endpoints of this process can't be relied on any more."""
        error = context.get("exception")
        told = "".join(traceback.format_exception(error)) if error is not None else str(context.get("message"))
        self.problems.append(told)
        if type(error).__module__.startswith("playwright"):
            return  # a browser that died leaves such behind; whoever needed it is told by its endpoint
        self._broken.append(told)
        for endpoint in self.endpoints:
            if endpoint.stack == "reference":
                endpoint.lose(EndpointError(f"{endpoint.name}: {context.get('message')}: {error!r}"))

    async def endpoint(self, stack: str, stacks: Stacks | None = None) -> Endpoint:
        """A new endpoint of that stack, watched and captured. The second of a stack has another name than the first.

        It comes from `stacks` where it isn't to be one of the session's.
        """
        count = sum(other.stack == stack for other in self.endpoints) + 1
        name = stack if count == 1 else f"{stack} ({count})"
        endpoint = await (stacks or self._stacks).endpoint(stack, name)
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

    @property
    def broke(self) -> bool:
        """Whether the reference peer broke in a way no call told of."""
        return bool(self._broken)

    def raise_problems(self) -> None:
        """Raise EndpointError when the reference peer broke in a way no call told of."""
        if self._broken:
            why = self._broken[0].strip().rpartition("\n")[2]
            raise EndpointError(f"the reference peer broke: {why}\n" + "\n".join(self._broken))

    def collect_secrets(self) -> None:
        """Take what the browsers wrote to their key logs; the capture opens more from then on."""
        for endpoint in self.endpoints:
            for line in endpoint.secrets:
                self.recording.keylog.add(line)

    # What it leaves

    def save(
        self, run_directory: Path, case: str, endpoints: Iterable[str], *, whole: bool = True, brief: bool = False
    ) -> dict[str, str]:
        """Write the artefacts of this case; returns their paths below `run_directory`, by `Artefact` value.

        Unless `whole`, that is one packed file, with the descriptions and a ladder that has the contents of the judged
        frames alone: what is of use of a case that passed, at a tenth of the time and space. With `brief` the capture
        files of a long conversation have the headers only of most of its packets.
        """
        folder = run_directory / artefact_folder(case, endpoints)
        packed = folder.with_name(f"{folder.name}.json.gz")
        packed.unlink(missing_ok=True)
        if folder.exists():
            shutil.rmtree(folder)
        if not self.endpoints:
            return {}
        if not whole and not self.exhibits:
            return self._pack(packed, run_directory)
        folder.mkdir(parents=True)
        self._write_texts(folder, case, whole)
        if self.recording.frames and whole:
            self.recording.save(folder, comments=_comments(self.ledger.judgements), brief=brief)
        present = [artefact for artefact in Artefact if (folder / artefact.file_name).exists()]
        files = {artefact.value: artefact.file_name for artefact in present}
        for exhibit in self.exhibits:
            (folder / exhibit.file_name).write_bytes(exhibit.data)
            files[exhibit.name] = exhibit.file_name
        return {name: (folder / file).relative_to(run_directory).as_posix() for name, file in files.items()}

    def _pack(self, path: Path, run_directory: Path) -> dict[str, str]:
        said = {"offer": self._first_said(SaidKind.OFFER), "answer": self._first_said(SaidKind.ANSWER)}
        descriptions = {name: text for name, text in said.items() if text}
        if not descriptions and not self.recording.frames:
            return {}
        drawn = ladder(self, whole=False) if self.recording.frames else {"lanes": [], "rows": []}
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, json.dumps(drawn | descriptions, ensure_ascii=True, separators=(",", ":")))
        return {Artefact.LADDER.value: path.relative_to(run_directory).as_posix()}

    def _write_texts(self, folder: Path, case: str, whole: bool) -> None:
        drawn = json.dumps(ladder(self, whole=whole), ensure_ascii=True) if self.recording.frames else ""
        listed = [{"name": each.name, "caption": each.caption, "type": each.media_type} for each in self.exhibits]
        texts = {
            Artefact.OFFER_SDP: self._first_said(SaidKind.OFFER),
            Artefact.ANSWER_SDP: self._first_said(SaidKind.ANSWER),
            Artefact.LADDER: drawn,
            Artefact.MEDIA: json.dumps(listed) if listed else "",
        }
        if whole:
            story = self.story(case)
            builds = {endpoint.stack: endpoint.build for endpoint in self.endpoints}
            texts |= {
                Artefact.TRACE: "".join(f"{line}\n" for line in self._trace_lines()),
                Artefact.REPRO_HTML: render_page(story, builds) if story.chapters else "",
                Artefact.REPRO_PY: render_program(story, case if "::" in case else "") if story.chapters else "",
                Artefact.LOG: "".join(f"{line}\n" for line in self._log_lines()),
            }
        for artefact, text in texts.items():
            if text:
                write_atomically(folder / artefact.file_name, text)

    def story(self, case: str) -> Story:
        """What the endpoints were asked to do, to be told again."""
        names = [endpoint.name for endpoint in self.endpoints]
        return tell(
            f"{case} on {' and '.join(names)}",
            {endpoint.name: endpoint.stack for endpoint in self.endpoints},
            [move for endpoint in self.endpoints for move in endpoint.moves],
            {
                endpoint.name: [entry for entry in endpoint.entries if isinstance(entry, Fired)]
                for endpoint in self.endpoints
            },
        )

    def _log_lines(self) -> Iterable[str]:
        for endpoint in self.endpoints:
            yield from (f"{endpoint.name}: {line}" for line in endpoint.log)
        yield from self.problems

    def _first_said(self, kind: SaidKind) -> str:
        return next((said.text for said in self.said if said.kind is kind), "")

    def _trace_lines(self) -> Iterable[str]:
        lines: list[tuple[float, str, dict[str, Any]]] = []
        for endpoint in self.endpoints:
            lines += [(move.outcome.time, endpoint.name, _call(move)) for move in endpoint.moves]
            lines += [
                (entry.time, endpoint.name, _happened(entry)) for entry in endpoint.entries if _is_by_itself(entry)
            ]
        for moment, name, shown in sorted(lines, key=lambda line: line[0]):
            yield json.dumps({"t": round(moment - self.started, 6), "endpoint": name} | _cut(shown))

    @property
    def clauses(self) -> tuple[ClauseResult, ...]:
        """What was judged, for the results."""
        return tuple(ClauseResult.of(judgement) for judgement in self.ledger.judgements if judgement.clause is not None)


def _call(move: Move) -> dict[str, Any]:
    """The line of trace.jsonl.gz for a step: what was asked, and what came of it."""
    step, outcome = move.step, entry_to_json(move.outcome)
    members = [getattr(step, member, None) for member in ("interface", "on", "method", "attribute", "event", "kind")]
    name = ".".join(str(member) for member in members if member)
    what = "wait" if isinstance(step, Wait) else "call"
    asked = {"args": to_json(step.args)} if isinstance(step, Call | New) and step.args else {}
    return {"what": what, "name": name} | asked | {key: outcome[key] for key in _OUTCOME if key in outcome}


def _is_by_itself(entry: Entry) -> bool:
    """Whether an entry is no step's outcome: an event, or a promise nobody waited for."""
    return isinstance(entry, Fired) or entry.kind in (Kind.SETTLED, Kind.REJECTED)


def _happened(entry: Entry) -> dict[str, Any]:
    """The line of trace.jsonl.gz for what no step waited for."""
    shown = {name: value for name, value in entry_to_json(entry).items() if name not in ("time", "sequence", "step")}
    return shown | {"name": f"{entry.on}.{entry.event}" if isinstance(entry, Fired) else "promise"}


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
