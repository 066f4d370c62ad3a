"""Random sequences of calls that change negotiation: no call raises what the text doesn't know, nothing is reported.

The same generator with a model and three endpoints is the harness's; here it only has to find what breaks.
PEERPROOF_SWEEP sets the number of calls.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from typing import Any

import pytest

from peer.api import DOMException, MediaStream, MediaStreamTrack, Offline, RTCPeerConnection, Seams, error_name
from peer.testing import Entropy

CALLS = int(os.environ.get("PEERPROOF_SWEEP", "3000"))
PER_RUN = 60
KNOWN = {
    "InvalidStateError",
    "InvalidAccessError",
    "InvalidModificationError",
    "OperationError",
    "TypeError",
    "RangeError",
}


class Run:
    """Two connections and the descriptions they made so far."""

    def __init__(self, seed: str) -> None:
        self.chance = Entropy(seed)
        self.ends = [RTCPeerConnection(seams=Seams(edge=Offline)) for _ in range(2)]
        self.made: list[dict[str, str]] = [{"type": "offer", "sdp": ""}, {"type": "rollback"}]
        self.promises: list[Any] = []
        self.log: list[str] = []

    def pick(self, items: list[Any]) -> Any:
        return items[self.chance.below(len(items))] if items else None

    async def step(self) -> None:
        pc: RTCPeerConnection = self.pick(self.ends)
        name = self.pick(list(ACTIONS))
        self.log.append(f"{self.ends.index(pc)} {name}")
        try:
            outcome = ACTIONS[name](self, pc)
        except (DOMException, TypeError, ValueError) as error:
            self.judge(error)
            return
        if isinstance(outcome, asyncio.Future):
            self.promises.append(outcome)
            outcome.add_done_callback(self.remember)
            if self.chance.below(3):
                await self.wait(outcome)

    def judge(self, error: BaseException) -> None:
        assert error_name(error) in KNOWN, (error, self.log)

    async def wait(self, promise: asyncio.Future[Any]) -> None:
        for _ in range(40):
            if promise.done():
                return
            await asyncio.sleep(0)

    def remember(self, promise: asyncio.Future[Any]) -> None:
        if promise.cancelled():
            return
        error = promise.exception()
        if error is not None:
            self.judge(error)
        elif isinstance(promise.result(), dict):
            self.made.append(dict(promise.result()))

    def check(self) -> None:
        for pc in self.ends:
            assert pc.signalingState in ("stable", "closed") or (
                pc.pendingLocalDescription or pc.pendingRemoteDescription
            )
            if pc.signalingState == "stable":
                assert pc.pendingLocalDescription is pc.pendingRemoteDescription is None
            mids = [one.mid for one in pc.getTransceivers() if one.mid is not None]
            assert len(set(mids)) == len(mids), self.log


def described(run: Run) -> dict[str, str]:
    made = dict(run.pick(run.made))
    if run.chance.below(4) == 0 and made["type"] == "answer":
        made["type"] = "pranswer"
    return made


def of_the_other(run: Run, pc: RTCPeerConnection) -> Any:
    return pc.setRemoteDescription(run.ends[1 - run.ends.index(pc)].localDescription or {"type": "rollback"})


def simulcast(run: Run, pc: RTCPeerConnection) -> Any:
    direction = run.pick(["sendonly", "sendrecv"])
    return pc.addTransceiver("video", {"sendEncodings": [{"rid": "q"}, {"rid": "f"}], "direction": direction})


def remove_track(run: Run, pc: RTCPeerConnection) -> None:
    for sender in pc.getSenders()[:1]:
        pc.removeTrack(sender)


def stop(run: Run, pc: RTCPeerConnection) -> None:
    for transceiver in pc.getTransceivers()[: run.chance.below(2)]:
        transceiver.stop()


def direction(run: Run, pc: RTCPeerConnection) -> None:
    for transceiver in pc.getTransceivers()[-1:]:
        transceiver.direction = run.pick(["sendrecv", "sendonly", "recvonly", "inactive"])


def candidate(run: Run, pc: RTCPeerConnection) -> Any:
    text = "candidate:1 1 udp 1 127.0.0.1 1024 typ host"
    return pc.addIceCandidate({"candidate": text, "sdpMid": run.pick(["0", "1", "9"])})


def set_streams(run: Run, pc: RTCPeerConnection) -> None:
    for sender in pc.getSenders()[:1]:
        sender.setStreams(MediaStream())


def replace_track(run: Run, pc: RTCPeerConnection) -> Any:
    sender = run.pick(pc.getSenders())
    return None if sender is None else sender.replaceTrack(None)


def set_parameters(run: Run, pc: RTCPeerConnection) -> Any:
    sender = run.pick(pc.getSenders())
    return None if sender is None else sender.setParameters(sender.getParameters())


ACTIONS: dict[str, Callable[[Run, RTCPeerConnection], Any]] = {
    "createOffer": lambda run, pc: pc.createOffer({"iceRestart": bool(run.chance.below(2))}),
    "createOffer legacy": lambda run, pc: pc.createOffer({"offerToReceiveAudio": bool(run.chance.below(2))}),
    "createAnswer": lambda run, pc: pc.createAnswer(),
    "local": lambda run, pc: pc.setLocalDescription(),
    "local made": lambda run, pc: pc.setLocalDescription(described(run)),
    "local pranswer": lambda run, pc: pc.setLocalDescription({"type": "pranswer"}),
    "remote made": lambda run, pc: pc.setRemoteDescription(described(run)),
    "remote": of_the_other,
    "remote, likelier": of_the_other,
    "rollback": lambda run, pc: pc.setLocalDescription({"type": "rollback"}),
    "remote rollback": lambda run, pc: pc.setRemoteDescription({"type": "rollback"}),
    "addTransceiver": lambda run, pc: pc.addTransceiver(run.pick(["audio", "video"])),
    "addTransceiver simulcast": simulcast,
    "addTrack": lambda run, pc: pc.addTrack(MediaStreamTrack(run.pick(["audio", "video"])), MediaStream()),
    "removeTrack": remove_track,
    "stop": stop,
    "direction": direction,
    "createDataChannel": lambda run, pc: pc.createDataChannel("x"),
    "restartIce": lambda run, pc: pc.restartIce(),
    "addIceCandidate": candidate,
    "end of candidates": lambda run, pc: pc.addIceCandidate(),
    "setStreams": set_streams,
    "replaceTrack": replace_track,
    "setParameters": set_parameters,
    "setConfiguration": lambda run, pc: pc.setConfiguration({"iceServers": [{"urls": "stun:127.0.0.1:1"}]}),
    "getStats": lambda run, pc: pc.getStats(),
    "close": lambda run, pc: pc.close() if run.chance.below(8) == 0 else None,
}


@pytest.mark.parametrize("seed", range(max(1, CALLS // PER_RUN)))
async def test_any_sequence(seed: int) -> None:
    run = Run(str(seed))
    for _ in range(PER_RUN):
        await run.step()
        run.check()
    for promise in run.promises:
        await run.wait(promise)
    run.check()
    for pc in run.ends:
        pc.close()
