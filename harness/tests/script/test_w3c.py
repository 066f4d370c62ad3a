"""W3C's calls become the steps they say."""

from __future__ import annotations

import pytest

from harness import script as s
from harness.script import Call, New, Ref, Set, Step, Wait


@pytest.mark.parametrize(
    ("made", "meant"),
    [
        (s.CreatePeerConnection(), New("RTCPeerConnection", (), "pc")),
        (s.CreatePeerConnection({"iceServers": []}), New("RTCPeerConnection", ({"iceServers": []},), "pc")),
        (s.CreateOffer(), Call("pc", "createOffer", (), "offer")),
        (s.CreateOffer(iceRestart=True), Call("pc", "createOffer", ({"iceRestart": True},), "offer")),
        (s.CreateAnswer(awaited=False), Call("pc", "createAnswer", (), "answer", False)),
        (s.SetLocalDescription(), Call("pc", "setLocalDescription")),
        (s.SetLocalDescription(Ref("offer")), Call("pc", "setLocalDescription", (Ref("offer"),))),
        (s.SetRemoteDescription(type="rollback"), Call("pc", "setRemoteDescription", ({"type": "rollback"},))),
        (
            s.SetRemoteDescription(type="offer", sdp=Ref("offer.sdp")),
            Call("pc", "setRemoteDescription", ({"type": "offer", "sdp": Ref("offer.sdp")},)),
        ),
        (s.AddIceCandidate(), Call("pc", "addIceCandidate")),
        (
            s.AddIceCandidate("candidate:x", sdpMid="0"),
            Call("pc", "addIceCandidate", ({"candidate": "candidate:x", "sdpMid": "0"},)),
        ),
        (s.AddIceCandidate(Ref("event.candidate")), Call("pc", "addIceCandidate", (Ref("event.candidate"),))),
        (s.CreateDataChannel("x"), Call("pc", "createDataChannel", ("x",), "channel")),
        (
            s.CreateDataChannel("x", ordered=False, id=0),
            Call("pc", "createDataChannel", ("x", {"ordered": False, "id": 0}), "channel"),
        ),
        (
            s.AddTransceiver("audio", direction="recvonly"),
            Call("pc", "addTransceiver", ("audio", {"direction": "recvonly"}), "transceiver"),
        ),
        (s.AddTrack(Ref("track"), Ref("stream")), Call("pc", "addTrack", (Ref("track"), Ref("stream")), "sender")),
        (s.RemoveTrack(Ref("sender")), Call("pc", "removeTrack", (Ref("sender"),))),
        (s.ReplaceTrack(None), Call("sender", "replaceTrack", (None,))),
        (s.SetDirection("inactive"), Set("transceiver", "direction", "inactive")),
        (s.Stop(), Call("transceiver", "stop")),
        (s.RestartIce(), Call("pc", "restartIce")),
        (s.SetConfiguration({}), Call("pc", "setConfiguration", ({},))),
        (s.GetConfiguration(), Call("pc", "getConfiguration")),
        (s.GetStats(), Call("pc", "getStats")),
        (s.GenerateCertificate("x"), Call("RTCPeerConnection", "generateCertificate", ("x",), "certificate")),
        (s.Send(b"x"), Call("channel", "send", (b"x",))),
        (s.Close(), Call("pc", "close")),
        (s.WaitFor("track", bind="event"), Wait("pc", event="track", bind="event")),
        (s.WaitFor("connectionState", "connected"), Wait("pc", attribute="connectionState", values=("connected",))),
    ],
    ids=lambda step: getattr(step, "method", None) or getattr(step, "op", None),
)
def test_calls_are_the_steps_they_say(made: Step, meant: Step) -> None:
    assert made == meant
