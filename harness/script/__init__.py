"""Scripts: what an endpoint is asked to do, as data. The same script plays in a page and on the reference peer.

    script = Script.of(CreatePeerConnection(), CreateDataChannel("x"), CreateOffer(), SetLocalDescription(Ref("offer")))
    trace = await endpoint.play(script)

`steps` has the operations, `w3c` W3C's calls as steps, `values` what travels, `trace` what comes back.
"""

from harness.script.steps import Call, Echo, Get, Look, New, Pause, Script, Set, Settle, Step, Track, Wait, Watch
from harness.script.trace import Failure, Fired, Kind, Outcome, Trace
from harness.script.values import Opaque, Ref, ScriptError, Value
from harness.script.w3c import (
    AddIceCandidate,
    AddTrack,
    AddTransceiver,
    Close,
    CreateAnswer,
    CreateDataChannel,
    CreateOffer,
    CreatePeerConnection,
    GenerateCertificate,
    GetConfiguration,
    GetStats,
    RemoveTrack,
    ReplaceTrack,
    RestartIce,
    Send,
    SetConfiguration,
    SetDirection,
    SetLocalDescription,
    SetRemoteDescription,
    Stop,
    WaitFor,
)

__all__ = [
    "AddIceCandidate",
    "AddTrack",
    "AddTransceiver",
    "Call",
    "Close",
    "CreateAnswer",
    "CreateDataChannel",
    "CreateOffer",
    "CreatePeerConnection",
    "Echo",
    "Failure",
    "Fired",
    "GenerateCertificate",
    "Get",
    "GetConfiguration",
    "GetStats",
    "Kind",
    "Look",
    "New",
    "Opaque",
    "Outcome",
    "Pause",
    "Ref",
    "RemoveTrack",
    "ReplaceTrack",
    "RestartIce",
    "Script",
    "ScriptError",
    "Send",
    "Set",
    "SetConfiguration",
    "SetDirection",
    "SetLocalDescription",
    "SetRemoteDescription",
    "Settle",
    "Step",
    "Stop",
    "Trace",
    "Track",
    "Value",
    "Wait",
    "WaitFor",
    "Watch",
]
