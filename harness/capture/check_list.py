"""The check list of each agent over time, as its packets show it: which pair was checked when, and what came of it.

A pair is in progress from its first Binding request on, succeeded with the success response, failed with an error
response, nominated once a check with USE-CANDIDATE succeeded (RFC 8445 section 6.1.2.6). Pairs that were never checked
leave no packet.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any, Final

from harness.capture.addresses import Address
from harness.capture.frame import Frame
from harness.capture.kinds import Kind
from peer.errors import DecodeError
from peer.wire import stun

if TYPE_CHECKING:
    from harness.capture.recording import Recording

__all__ = ["checks"]

_MOST_PAIRS: Final = 24


def checks(recording: Recording, started: float, names: Collection[str]) -> list[dict[str, Any]]:
    """One entry a pair: `endpoint`, `pair` ("local to remote"), `states` ([seconds since `started`, state])."""
    asked: dict[bytes, tuple[str, Address, Address, bool]] = {}
    states: dict[tuple[str, Address, Address], list[list[Any]]] = {}
    for frame in recording.frames:
        message = _binding(frame)
        if message is None:
            continue
        when = round(frame.time - started, 6)
        sender = frame.sender
        if message.message_class is stun.Class.REQUEST and sender is not None and sender in names:
            pair = (sender, frame.source, frame.destination)
            asked[message.transaction_id] = (*pair, message.use_candidate)
            states.setdefault(pair, [[when, "in-progress"]])
        elif (request := asked.get(message.transaction_id)) is not None and frame.destination == request[1]:
            seen = states[request[:3]]
            state = _outcome(message.message_class, request[3])
            if seen[-1][1] not in (state, "nominated"):
                seen.append([when, state])
    return [
        {"endpoint": endpoint, "pair": f"{local} to {remote}", "states": seen}
        for (endpoint, local, remote), seen in list(states.items())[:_MOST_PAIRS]
    ]


def _binding(frame: Frame) -> stun.Message | None:
    if frame.kind is not Kind.STUN:
        return None
    try:
        message = stun.parse(frame.payload)
    except DecodeError:
        return None
    return message if message.method == stun.Method.BINDING else None


def _outcome(kind: stun.Class, nominates: bool) -> str:
    if kind is not stun.Class.SUCCESS:
        return "failed"
    return "nominated" if nominates else "succeeded"
