# ruff: noqa: N802, N803  (steps and their members are spelled as W3C spells the calls they stand for)
"""W3C's calls as steps: `CreateOffer(iceRestart=True)` is `Call("pc", "createOffer", ({"iceRestart": True},),
bind="offer")`.

The object is `"pc"` and results have a customary handle unless a step says otherwise. Members left at None are not
given at all, as in a page; to give null, write the `Call` itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from harness.script.steps import PATIENCE, Call, New, Set, Wait
from harness.script.values import Ref, Value

__all__ = [
    "AddIceCandidate",
    "AddTrack",
    "AddTransceiver",
    "Close",
    "CreateAnswer",
    "CreateDataChannel",
    "CreateOffer",
    "CreatePeerConnection",
    "GenerateCertificate",
    "GetConfiguration",
    "GetStats",
    "RemoveTrack",
    "ReplaceTrack",
    "RestartIce",
    "Send",
    "SetConfiguration",
    "SetDirection",
    "SetLocalDescription",
    "SetRemoteDescription",
    "Stop",
    "WaitFor",
]


def _given(**members: Any) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not None}


def _optional(members: Mapping[str, Any]) -> tuple[Value, ...]:
    return (dict(members),) if members else ()


def CreatePeerConnection(configuration: Mapping[str, Any] | None = None, *, bind: str = "pc") -> New:
    return New("RTCPeerConnection", () if configuration is None else (dict(configuration),), bind)


def CreateOffer(
    on: str = "pc",
    *,
    iceRestart: bool | None = None,
    offerToReceiveAudio: bool | None = None,
    offerToReceiveVideo: bool | None = None,
    bind: str | None = "offer",
    awaited: bool = True,
) -> Call:
    options = _given(
        iceRestart=iceRestart, offerToReceiveAudio=offerToReceiveAudio, offerToReceiveVideo=offerToReceiveVideo
    )
    return Call(on, "createOffer", _optional(options), bind, awaited)


def CreateAnswer(on: str = "pc", *, bind: str | None = "answer", awaited: bool = True) -> Call:
    return Call(on, "createAnswer", (), bind, awaited)


def _description(description: Value, type: str | None, sdp: str | Ref | None) -> tuple[Value, ...]:
    members = _given(type=type, sdp=sdp)
    return (description,) if description is not None else _optional(members)


def SetLocalDescription(
    description: Value = None,
    *,
    on: str = "pc",
    type: str | None = None,
    sdp: str | Ref | None = None,
    bind: str | None = None,
    awaited: bool = True,
) -> Call:
    """`description` is a Ref or a dictionary; or give its `type` and `sdp`; or nothing, for the implicit form."""
    return Call(on, "setLocalDescription", _description(description, type, sdp), bind, awaited)


def SetRemoteDescription(
    description: Value = None,
    *,
    on: str = "pc",
    type: str | None = None,
    sdp: str | Ref | None = None,
    bind: str | None = None,
    awaited: bool = True,
) -> Call:
    return Call(on, "setRemoteDescription", _description(description, type, sdp), bind, awaited)


def AddIceCandidate(
    candidate: str | Mapping[str, Any] | Ref | None = None,
    *,
    on: str = "pc",
    sdpMid: str | None = None,
    sdpMLineIndex: int | None = None,
    usernameFragment: str | None = None,
    bind: str | None = None,
    awaited: bool = True,
) -> Call:
    """`candidate` is a candidate-attribute whose companions follow, or the whole dictionary; None: end of
    candidates.
    """
    if isinstance(candidate, str):
        members = _given(
            candidate=candidate, sdpMid=sdpMid, sdpMLineIndex=sdpMLineIndex, usernameFragment=usernameFragment
        )
        return Call(on, "addIceCandidate", (members,), bind, awaited)
    return Call(on, "addIceCandidate", () if candidate is None else (candidate,), bind, awaited)


def CreateDataChannel(
    label: str = "",
    *,
    on: str = "pc",
    ordered: bool | None = None,
    maxPacketLifeTime: int | None = None,
    maxRetransmits: int | None = None,
    protocol: str | None = None,
    negotiated: bool | None = None,
    id: int | None = None,
    bind: str | None = "channel",
) -> Call:
    init = _given(
        ordered=ordered,
        maxPacketLifeTime=maxPacketLifeTime,
        maxRetransmits=maxRetransmits,
        protocol=protocol,
        negotiated=negotiated,
        id=id,
    )
    return Call(on, "createDataChannel", (label, *_optional(init)), bind)


def AddTransceiver(
    trackOrKind: str | Ref,
    *,
    on: str = "pc",
    direction: str | None = None,
    streams: Sequence[Ref] | None = None,
    sendEncodings: Sequence[Mapping[str, Any]] | None = None,
    bind: str | None = "transceiver",
) -> Call:
    init = _given(direction=direction, streams=streams, sendEncodings=sendEncodings)
    return Call(on, "addTransceiver", (trackOrKind, *_optional(init)), bind)


def AddTrack(track: Ref, *streams: Ref, on: str = "pc", bind: str | None = "sender") -> Call:
    return Call(on, "addTrack", (track, *streams), bind)


def RemoveTrack(sender: Ref, *, on: str = "pc") -> Call:
    return Call(on, "removeTrack", (sender,))


def ReplaceTrack(track: Ref | None, *, on: str = "sender", bind: str | None = None, awaited: bool = True) -> Call:
    return Call(on, "replaceTrack", (track,), bind, awaited)


def SetDirection(direction: str, *, on: str = "transceiver") -> Set:
    return Set(on, "direction", direction)


def Stop(*, on: str = "transceiver") -> Call:
    return Call(on, "stop")


def RestartIce(on: str = "pc") -> Call:
    return Call(on, "restartIce")


def SetConfiguration(configuration: Mapping[str, Any], *, on: str = "pc") -> Call:
    return Call(on, "setConfiguration", (dict(configuration),))


def GetConfiguration(on: str = "pc", *, bind: str | None = None) -> Call:
    return Call(on, "getConfiguration", (), bind)


def GetStats(on: str = "pc", *, bind: str | None = None) -> Call:
    return Call(on, "getStats", (), bind)


def GenerateCertificate(algorithm: Value, *, bind: str | None = "certificate") -> Call:
    return Call("RTCPeerConnection", "generateCertificate", (algorithm,), bind)


def Send(data: str | bytes, *, on: str = "channel") -> Call:
    return Call(on, "send", (data,))


def Close(on: str = "pc") -> Call:
    return Call(on, "close")


def WaitFor(condition: str, *values: Value, on: str = "pc", timeout: float = PATIENCE, bind: str | None = None) -> Wait:
    """`WaitFor("datachannel")`: the next such event; `WaitFor("connectionState", "connected")`: the attribute's
    value.
    """
    if values:
        return Wait(on, attribute=condition, values=values, timeout=timeout)
    return Wait(on, event=condition, timeout=timeout, bind=bind)
