"""W3C webrtc-pc sections 5 to 9, in places: parameters, streams, codec preferences, what has not begun yet."""

from __future__ import annotations

from cases.playing import PC, play, read
from harness.cases import check, clause
from harness.endpoints.base import Endpoint
from harness.script import (
    AddTrack,
    AddTransceiver,
    Call,
    Close,
    CreateDataChannel,
    CreateOffer,
    GenerateCertificate,
    Get,
    New,
    Ref,
    Set,
    SetLocalDescription,
    Step,
    Track,
    WaitFor,
)

CAPABILITIES = Call("RTCRtpSender", "getCapabilities", ("audio",), "implemented")
SET = Call("sender", "setParameters", (Ref("parameters"),))


def sender(kind: str = "video") -> list[Step]:
    return [PC, AddTransceiver(kind), Get("transceiver", "sender", "sender")]


def parameters(bind: str = "parameters") -> Call:
    return Call("sender", "getParameters", (), bind)


async def test_sanity_codecs_are_implemented(endpoint: Endpoint) -> None:
    played = await play(endpoint, CAPABILITIES, read("implemented.codecs.length"))
    played.gave()
    check(played["implemented.codecs.length"] > 0, "no codec is implemented")


@clause("W3C-RTCRtpSender.setParameters-6.8")
async def test_video_that_is_not_told_its_scale_is_not_scaled(endpoint: Endpoint) -> None:
    steps = (parameters(), Set("parameters", "encodings", [{"active": True}]), SET, parameters("after"))
    played = await play(endpoint, sender(), *steps, read("after.encodings.0.scaleResolutionDownBy"))
    played.gave({"after.encodings.0.scaleResolutionDownBy": 1})


@clause("W3C-RTCRtpSender.setParameters-8.1.1")
async def test_parameters_that_were_set_end_their_transaction(endpoint: Endpoint) -> None:
    played = await play(endpoint, sender(), parameters(), SET, parameters("after"))
    played.gave()
    check(played["after"]["transactionId"] != played["parameters"]["transactionId"], "the transaction goes on")


@clause("W3C-RTCRtpSender.setParameters-6.4")
async def test_before_negotiation_every_implemented_codec_may_be_chosen(endpoint: Endpoint) -> None:
    played = await play(
        endpoint,
        CAPABILITIES,
        sender("audio"),
        parameters(),
        Set("parameters.encodings.0", "codec", Ref("implemented.codecs.0")),
        SET,
        parameters("after"),
        read("after.encodings.0.codec.mimeType", "implemented.codecs.0.mimeType"),
    )
    played.gave({"after.encodings.0.codec.mimeType": played["implemented.codecs.0.mimeType"]})


@clause("W3C-codec-dictionary-match-algorithm-5.4")
async def test_a_codec_with_other_parameters_is_another(endpoint: Endpoint) -> None:
    opus = {"mimeType": "audio/opus", "clockRate": 48000, "channels": 2, "sdpFmtpLine": "minptime=11;useinbandfec=1"}
    played = await play(endpoint, PC, AddTransceiver("audio"), Call("transceiver", "setCodecPreferences", ([opus],)))
    played.threw("InvalidModificationError")


@clause("W3C-codec-dictionary-match-algorithm-5.3")
async def test_the_order_of_parameters_makes_no_other_codec(endpoint: Endpoint) -> None:
    # without the order this is what every endpoint here implements
    names = await play(endpoint, CAPABILITIES)
    names.gave()
    opus = next(dict(one) for one in names["implemented"]["codecs"] if one["mimeType"].lower() == "audio/opus")
    line = ";".join(reversed(opus.get("sdpFmtpLine", "").split(";")))
    given = {**opus, "sdpFmtpLine": line} if line else opus
    played = await play(endpoint, PC, AddTransceiver("audio"), Call("transceiver", "setCodecPreferences", ([given],)))
    played.gave()


def streams_of(sdp: str) -> set[str]:
    lines = (line.removeprefix("a=msid:") for line in sdp.split("\r\n") if line.startswith("a=msid:"))
    return {line.split(" ")[0] for line in lines}


STREAMS = (New("MediaStream", (), "one"), New("MediaStream", (), "two"), Track("audio", "track"))
OFFERED = (CreateOffer(), read("one.id", "two.id"))


@clause("W3C-create-an-RTCRtpSender-8", "W3C-create-an-RTCRtpSender-9")
async def test_the_streams_of_a_track_are_offered_once_each(endpoint: Endpoint) -> None:
    added = AddTrack(Ref("track"), Ref("one"), Ref("two"), Ref("one"))
    played = await play(endpoint, PC, *STREAMS, added, *OFFERED)
    played.gave()
    offered = streams_of(played["offer"]["sdp"])
    check(offered == {played["one.id"], played["two.id"]}, f"the streams that are offered are {offered}")


@clause("W3C-RTCPeerConnection.addTrack-8.2", "W3C-RTCPeerConnection.addTrack-8.3")
async def test_a_sender_that_is_used_again_has_the_streams_of_its_track(endpoint: Endpoint) -> None:
    before = AddTransceiver("audio", direction="recvonly", streams=[Ref("one")])
    played = await play(endpoint, PC, *STREAMS, before, AddTrack(Ref("track"), Ref("two")), *OFFERED)
    played.gave()
    offered = streams_of(played["offer"]["sdp"])
    check(offered == {played["two.id"]}, f"the streams that are offered are {offered}")


@clause("W3C-RTCRtpSender.setStreams-5")
async def test_streams_that_are_set_replace_those_before(endpoint: Endpoint) -> None:
    changed = Call("sender", "setStreams", (Ref("two"),))
    played = await play(endpoint, PC, *STREAMS, AddTrack(Ref("track"), Ref("one")), changed, *OFFERED)
    played.gave()
    offered = streams_of(played["offer"]["sdp"])
    check(offered == {played["two.id"]}, f"the streams that are offered are {offered}")


@clause("W3C-RTCRtpTransceiver.direction-3")
async def test_the_direction_of_an_init_is_read(endpoint: Endpoint) -> None:
    played = await play(endpoint, PC, AddTransceiver("video", direction="sendonly"), read("transceiver.direction"))
    played.gave({"transceiver.direction": "sendonly"})


@clause("W3C-set-a-configuration-3.1")
async def test_a_certificate_can_not_be_added_later(endpoint: Endpoint) -> None:
    later = Call("pc", "setConfiguration", ({"certificates": [Ref("certificate")]},))
    played = await play(endpoint, PC, GenerateCertificate({"name": "ECDSA", "namedCurve": "P-256"}), later)
    played.threw("InvalidModificationError")


@clause("W3C-close-the-connection-algorithm-6")
async def test_close_closes_the_association(endpoint: Endpoint) -> None:
    steps = (CreateDataChannel("case"), SetLocalDescription(), Get("pc", "sctp", "sctp"), Close(), read("sctp.state"))
    (await play(endpoint, PC, *steps)).gave({"sctp.state": "closed"})


@clause("W3C-RTCDataChannel.close-4", "W3C-Announcing-a-data-channel-as-closed-3")
async def test_a_channel_that_never_opened_closes(endpoint: Endpoint) -> None:
    closed = (Call("channel", "close"), WaitFor("close", on="channel", timeout=1.0), read("channel.readyState"))
    played = await play(endpoint, PC, CreateDataChannel("case", bind="channel"), *closed)
    played.gave({"channel.readyState": "closed"})


@clause("W3C-RTCIceTransport.gatheringState-M1")
async def test_a_transport_says_that_its_gathering_is_over(endpoint: Endpoint) -> None:
    gathered = (SetLocalDescription(), WaitFor("iceGatheringState", "complete"))
    state = "transceiver.sender.transport.iceTransport.gatheringState"
    (await play(endpoint, PC, AddTransceiver("audio"), *gathered, read(state))).gave({state: "complete"})


@clause("W3C-determine-if-DTMF-can-be-sent-4")
async def test_no_tone_can_be_sent_without_a_connection(endpoint: Endpoint) -> None:
    steps = (Track("audio", "track"), AddTrack(Ref("track")), read("sender.dtmf.canInsertDTMF"))
    (await play(endpoint, PC, *steps)).gave({"sender.dtmf.canInsertDTMF": False})


REMOTE = "W3C-MediaTrackSupportedConstraints-MediaTrackCapabilities-MediaTrackConstraints-and-MediaTrackSettings-M1"


@clause(REMOTE)
async def test_a_remote_track_has_no_capabilities(endpoint: Endpoint) -> None:
    track = "transceiver.receiver.track"
    played = await play(endpoint, PC, AddTransceiver("video"), Call(track, "getCapabilities", (), "able"))
    played.gave(able={})


@clause(REMOTE)
async def test_a_remote_track_can_not_be_constrained(endpoint: Endpoint) -> None:
    track = "transceiver.receiver.track"
    constrained = Call(track, "applyConstraints", ({"width": {"exact": 320}},))
    (await play(endpoint, PC, AddTransceiver("video"), constrained)).threw("OverconstrainedError")
