"""W3C webrtc-pc section 4.4.1.5, step 4.7.11 to 4.7.14: codecs, layers and transports as descriptions leave them."""

from __future__ import annotations

from cases.playing import PAIR, PC, negotiate, play, read, remote
from cases.speaking import audio, description, video
from harness.cases import check, clause
from harness.endpoints.base import Endpoint
from harness.script import (
    AddTrack,
    AddTransceiver,
    Call,
    CreateOffer,
    Get,
    Ref,
    Set,
    SetDirection,
    SetLocalDescription,
    SetRemoteDescription,
    Step,
    Stop,
    Track,
    WaitFor,
)

EXTMAPS = (
    "extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid",
    "extmap:10 urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id",
)
STREAM = description(audio("a", "sendrecv", "msid:stream track"))


def transceivers(on: str = "pc") -> list[Step]:
    return [Call(on, "getTransceivers", (), "all"), Get("all", "0", "transceiver")]


def parameters(of: str, bind: str = "parameters") -> Call:
    return Call(f"transceiver.{of}", "getParameters", (), bind)


async def test_sanity_an_offer_is_answered(endpoint: Endpoint) -> None:
    (await play(endpoint, PC, remote("offer", STREAM), SetLocalDescription(), read("pc.signalingState"))).gave(
        {"pc.signalingState": "stable"}
    )


@clause("W3C-set-a-session-description-4.7.11.1.7.2")
async def test_a_format_is_sent_as_the_other_side_says_it(endpoint: Endpoint) -> None:
    asked = STREAM.replace("useinbandfec=1", "useinbandfec=0")
    steps = (SetDirection("sendrecv"), SetLocalDescription(), parameters("sender"))
    played = await play(endpoint, PC, remote("offer", asked), transceivers(), *steps)
    played.gave()
    lines = {one["payloadType"]: one.get("sdpFmtpLine", "") for one in played["parameters"]["codecs"]}
    check("useinbandfec=0" in lines.get(111, ""), f"the formats that are sent have the parameters {lines}")


@clause("W3C-set-a-session-description-4.7.11.1.6")
async def test_a_format_is_received_as_we_say_it(endpoint: Endpoint) -> None:
    asked = STREAM.replace("useinbandfec=1", "useinbandfec=0")
    steps = (SetLocalDescription(), parameters("receiver"), read("pc.localDescription.sdp"))
    played = await play(endpoint, PC, remote("offer", asked), transceivers(), *steps)
    played.gave()
    lines = {one["payloadType"]: one.get("sdpFmtpLine", "") for one in played["parameters"]["codecs"]}
    said = f"a=fmtp:111 {lines.get(111)}\r\n"
    check(said in played["pc.localDescription.sdp"], f"the description doesn't say {said!r}")


@clause("W3C-set-a-session-description-4.7.11.2.13")
async def test_an_answer_leaves_the_codecs_both_have(endpoint: Endpoint) -> None:
    played = await play(
        endpoint,
        PAIR,
        AddTransceiver("audio", on="a"),
        SetLocalDescription(on="a"),
        SetRemoteDescription(Ref("a.localDescription"), on="b"),
        Call("RTCRtpReceiver", "getCapabilities", ("audio",), "implemented"),
        Call("b", "getTransceivers", (), "theirs"),
        Call("theirs.0", "setCodecPreferences", ([Ref("implemented.codecs.0")],)),
        SetDirection("sendrecv", on="theirs.0"),
        SetLocalDescription(on="b"),
        SetRemoteDescription(Ref("b.localDescription"), on="a"),
        parameters("receiver"),
        read("implemented.codecs.0.mimeType"),
    )
    played.gave()
    left = [one["mimeType"].lower() for one in played["parameters"]["codecs"]]
    wanted = [played["implemented.codecs.0.mimeType"].lower()]
    check(left == wanted, f"the codecs that are received are {left}, not {wanted}")


@clause("W3C-set-a-session-description-4.7.12.3.5")
async def test_a_rollback_brings_the_received_codecs_back(endpoint: Endpoint) -> None:
    played = await play(
        endpoint,
        PAIR,
        AddTransceiver("audio", on="a", bind="ours"),
        negotiate(),
        transceivers("b"),
        parameters("receiver", "before"),
        Call("RTCRtpReceiver", "getCapabilities", ("audio",), "implemented"),
        Call("ours", "setCodecPreferences", ([Ref("implemented.codecs.0")],)),
        SetLocalDescription(on="a"),
        SetRemoteDescription(Ref("a.localDescription"), on="b"),
        SetRemoteDescription(type="rollback", on="b"),
        parameters("receiver", "after"),
    )
    played.gave()
    before, after = ([one["mimeType"] for one in played[name]["codecs"]] for name in ("before", "after"))
    check(after == before, f"the codecs were {before}, are {after}")


@clause("W3C-set-a-session-description-4.7.11.2.8.2")
async def test_a_layer_the_answer_lacks_is_gone(endpoint: Endpoint) -> None:
    pc = await endpoint.peer_connection()
    layers = [{"rid": "q"}, {"rid": "h"}, {"rid": "f"}]
    transceiver = await pc.addTransceiver("video", {"direction": "sendonly", "sendEncodings": layers})
    offer = await pc.createOffer()
    await pc.setLocalDescription(offer)
    extensions = [line[2:] for line in offer["sdp"].split("\r\n") if line.startswith("a=extmap:")]
    wanted = ("rid:q recv", "rid:f recv", "simulcast:recv q;f", *extensions)
    answer = description(video(await transceiver.get("mid"), "recvonly", *wanted), setup="active")
    await pc.setRemoteDescription({"type": "answer", "sdp": answer})
    left = (await (await transceiver.follow("sender")).call("getParameters"))["encodings"]
    check([one["rid"] for one in left] == ["q", "f"], f"the layers are {left}")


@clause("W3C-final-steps-to-create-an-answer-3.2.1", "W3C-final-steps-to-create-an-answer-3.2.3")
async def test_an_answer_sends_the_first_of_alternative_layers(endpoint: Endpoint) -> None:
    asked = ("rid:a recv", "rid:b recv", "rid:c recv", "simulcast:recv a,b;c", *EXTMAPS)
    offer = description(video("v", "recvonly", *asked))
    steps = (Track("video", "track"), AddTrack(Ref("track")), remote("offer", offer), SetLocalDescription())
    played = await play(endpoint, PC, *steps, read("pc.localDescription.sdp"))
    played.gave()
    lines = [line for line in played["pc.localDescription.sdp"].split("\r\n") if line.startswith("a=simulcast:")]
    check(lines == ["a=simulcast:send a;c"], f"the answer says {lines}")


@clause("W3C-final-steps-to-create-an-offer-3.1")
async def test_the_first_transceiver_tags_the_bundle(endpoint: Endpoint) -> None:
    played = await play(
        endpoint,
        PC,
        AddTransceiver("audio"),
        AddTransceiver("video", bind="second"),
        Stop(),
        CreateOffer(),
        SetLocalDescription(Ref("offer")),
        read("second.mid"),
    )
    played.gave()
    groups = [line for line in played["offer"]["sdp"].split("\r\n") if line.startswith("a=group:BUNDLE ")]
    tags = [line.split(" ")[1] for line in groups]
    check(tags == [played["second.mid"]], f"the first mid of a bundle is {tags}, not {played['second.mid']}")


@clause("W3C-set-a-session-description-4.7.11.1.7.3.1", "W3C-set-a-session-description-4.7.11.1.7.3.2")
async def test_an_answer_that_receives_no_more_takes_the_track_out_of_its_stream(endpoint: Endpoint) -> None:
    played = await play(
        endpoint,
        PC,
        remote("offer", STREAM),
        WaitFor("track", bind="event"),
        Get("event.streams", "0", "stream"),
        SetLocalDescription(),
        remote("offer", STREAM),
        transceivers(),
        SetDirection("inactive"),
        SetLocalDescription(),
        Call("stream", "getTracks", (), "tracks"),
        read("tracks.length", "event.track.muted"),
    )
    played.gave({"tracks.length": 0, "event.track.muted": True})
    check(played.events("removetrack", on="stream"), "removetrack was not fired")


@clause("W3C-set-a-session-description-4.7.14.1")
async def test_the_transport_of_a_removed_transceiver_is_closed(endpoint: Endpoint) -> None:
    played = await play(
        endpoint,
        PAIR,
        AddTransceiver("audio", on="a"),
        negotiate(),
        Get("transceiver.sender", "transport", "dtls"),
        Stop(),
        negotiate(),
        WaitFor("state", "closed", on="dtls", timeout=2.0),
    )
    played.gave()


@clause("W3C-set-a-session-description-4.7.11.2.14.4", "W3C-set-a-session-description-4.7.11.2.14.5")
async def test_what_is_bundled_shares_a_transport(endpoint: Endpoint) -> None:
    played = await play(
        endpoint,
        PAIR,
        AddTransceiver("audio", on="a"),
        AddTransceiver("video", on="a", bind="second"),
        negotiate(),
        Get("transceiver.sender", "transport", "shared"),
        read("second.sender.transport", "second.receiver.transport"),
    )
    played.gave({"second.sender.transport": Ref("shared"), "second.receiver.transport": Ref("shared")})


@clause("W3C-RTCPeerConnection.remoteDescription-M1", "W3C-RTCPeerConnection.pendingRemoteDescription-M1")
async def test_the_remote_description_is_the_pending_one(endpoint: Endpoint) -> None:
    both = read("pc.remoteDescription", "pc.pendingRemoteDescription", "pc.currentRemoteDescription")
    played = await play(endpoint, PC, remote("offer", STREAM), both)
    played.gave({"pc.currentRemoteDescription": None})
    check(played["pc.remoteDescription"], "there is no remote description")
    check(played["pc.remoteDescription"] == played["pc.pendingRemoteDescription"], "it is another than the pending one")


@clause("W3C-RTCPeerConnection.currentLocalDescription-M1", "W3C-RTCPeerConnection.currentRemoteDescription-M1")
async def test_in_stable_the_descriptions_are_the_current_ones(endpoint: Endpoint) -> None:
    sides = (("localDescription", "LocalDescription"), ("remoteDescription", "RemoteDescription"))
    every = [read(f"pc.{plain}", f"pc.current{name}", f"pc.pending{name}") for plain, name in sides]
    played = await play(endpoint, PC, remote("offer", STREAM), SetLocalDescription(), *every)
    played.gave({"pc.pendingLocalDescription": None, "pc.pendingRemoteDescription": None})
    for plain, name in sides:
        check(played[f"pc.{plain}"] == played[f"pc.current{name}"], f"{plain} is not the current one")


@clause("W3C-set-a-session-description-4.7.14.2.2.1")
async def test_an_encoding_loses_a_codec_that_is_not_negotiated(endpoint: Endpoint) -> None:
    known = await play(endpoint, Call("RTCRtpSender", "getCapabilities", ("video",), "implemented"))
    vp9 = next(one for one in known["implemented"]["codecs"] if one["mimeType"] == "video/VP9")
    played = await play(
        endpoint,
        PC,
        Track("video", "track"),
        AddTrack(Ref("track")),
        transceivers(),
        parameters("sender"),
        Set("parameters.encodings.0", "codec", vp9),
        Call("transceiver.sender", "setParameters", (Ref("parameters"),)),
        remote("offer", description(video("v", "sendrecv"))),
        SetLocalDescription(),
        parameters("sender", "after"),
    )
    played.gave()
    check("codec" not in played["after"]["encodings"][0], f"the encoding is {played['after']['encodings'][0]}")
