"""W3C webrtc-pc sections 5.2 and 5.3: senders and receivers."""

from __future__ import annotations

from typing import Any

from cases.playing import PAIR, PC, negotiate, play, read, settled
from harness.cases import check, clause
from harness.endpoints.base import Endpoint
from harness.script import (
    AddTrack,
    AddTransceiver,
    Call,
    Close,
    CreateOffer,
    Get,
    New,
    Ref,
    ReplaceTrack,
    Set,
    Step,
    Stop,
    Track,
)


def sender_of(kind: str, **init: Any) -> list[Step]:
    return [PC, AddTransceiver(kind, **init), Get("transceiver", "sender", "sender")]


def parameters(bind: str = "parameters") -> Call:
    return Call("sender", "getParameters", (), bind)


SET = Call("sender", "setParameters", (Ref("parameters"),))


async def test_sanity_parameters_are_read(endpoint: Endpoint) -> None:
    (await play(endpoint, sender_of("audio"), parameters())).gave()


@clause("W3C-RTCRtpSender.track-M2")
async def test_a_sender_of_a_kind_has_no_track(endpoint: Endpoint) -> None:
    (await play(endpoint, sender_of("audio"), read("sender.track"))).gave({"sender.track": None})


@clause("W3C-RTCRtpSender.transport-M1")
async def test_a_sender_has_no_transport_before_a_description(endpoint: Endpoint) -> None:
    (await play(endpoint, sender_of("audio"), read("sender.transport"))).gave({"sender.transport": None})


@clause("W3C-create-an-RTCRtpSender-6")
async def test_a_sender_of_audio_sends_tones(endpoint: Endpoint) -> None:
    played = await play(endpoint, sender_of("audio"), read("sender.dtmf.toneBuffer"))
    played.gave({"sender.dtmf.toneBuffer": ""})


@clause("W3C-create-an-RTCRtpSender-6")
async def test_a_sender_of_video_does_not(endpoint: Endpoint) -> None:
    (await play(endpoint, sender_of("video"), read("sender.dtmf"))).gave({"sender.dtmf": None})


@clause("W3C-create-an-RTCRtpSender-11")
async def test_a_sender_has_one_active_encoding(endpoint: Endpoint) -> None:
    played = await play(
        endpoint, sender_of("audio"), parameters(), read("parameters.encodings.length", "parameters.encodings.0.active")
    )
    played.gave({"parameters.encodings.length": 1, "parameters.encodings.0.active": True})


@clause("W3C-create-an-RTCRtpSender-11")
async def test_video_is_not_scaled_unless_told(endpoint: Endpoint) -> None:
    played = await play(
        endpoint, sender_of("video"), parameters(), read("parameters.encodings.0.scaleResolutionDownBy")
    )
    played.gave({"parameters.encodings.0.scaleResolutionDownBy": 1})


@clause("W3C-create-an-RTCRtpSender-13")
async def test_there_are_no_codecs_before_negotiation(endpoint: Endpoint) -> None:
    played = await play(endpoint, sender_of("audio"), parameters(), read("parameters.codecs"))
    played.gave({"parameters.codecs": []})


@clause("W3C-RTCRtpSender.getParameters-2")
async def test_parameters_of_one_task_are_of_one_transaction(endpoint: Endpoint) -> None:
    played = await play(endpoint, sender_of("audio"), parameters("one"), parameters("two"))
    played.gave()
    check(played["one"]["transactionId"] == played["two"]["transactionId"], "the transactions differ")


@clause("W3C-RTCRtpSender.getParameters-5")
async def test_another_task_is_another_transaction(endpoint: Endpoint) -> None:
    played = await play(endpoint, sender_of("audio"), parameters("one"), settled("pc"), parameters("two"))
    played.gave()
    check(played["one"]["transactionId"] != played["two"]["transactionId"], "the transaction is the same")


@clause("W3C-RTCRtpSender.setParameters-8.1.2")
async def test_parameters_that_were_set_are_read_again(endpoint: Endpoint) -> None:
    played = await play(
        endpoint,
        sender_of("video"),
        parameters(),
        Set("parameters.encodings.0", "maxBitrate", 100_000),
        SET,
        parameters("after"),
        read("after.encodings.0.maxBitrate"),
    )
    played.gave({"after.encodings.0.maxBitrate": 100_000})


@clause("W3C-RTCRtpSender.setParameters-8.1.2")
async def test_an_encoding_is_made_inactive(endpoint: Endpoint) -> None:
    played = await play(
        endpoint,
        sender_of("video"),
        parameters(),
        Set("parameters.encodings.0", "active", False),
        SET,
        parameters("after"),
        read("after.encodings.0.active"),
    )
    played.gave({"after.encodings.0.active": False})


async def refused(endpoint: Endpoint, error: str, *changes: Step, kind: str = "video") -> None:
    (await play(endpoint, sender_of(kind), parameters(), *changes, SET)).threw(error)


@clause("W3C-RTCRtpSender.setParameters-6.6")
async def test_a_transaction_can_not_be_changed(endpoint: Endpoint) -> None:
    await refused(endpoint, "InvalidModificationError", Set("parameters", "transactionId", "another"))


@clause("W3C-RTCRtpSender.setParameters-6.6")
async def test_encodings_can_not_be_added(endpoint: Endpoint) -> None:
    await refused(endpoint, "InvalidModificationError", Set("parameters", "encodings", [{}, {}]))


@clause("W3C-RTCRtpSender.setParameters-6.6")
async def test_encodings_can_not_be_removed(endpoint: Endpoint) -> None:
    await refused(endpoint, "InvalidModificationError", Set("parameters", "encodings", []))


@clause("W3C-RTCRtpSender.setParameters-6.6")
async def test_a_rid_can_not_be_given(endpoint: Endpoint) -> None:
    await refused(endpoint, "InvalidModificationError", Set("parameters.encodings.0", "rid", "late"))


@clause("W3C-RTCRtpSender.setParameters-6.6")
async def test_header_extensions_can_not_be_changed(endpoint: Endpoint) -> None:
    extensions = [{"uri": "urn:case", "id": 1}]
    await refused(endpoint, "InvalidModificationError", Set("parameters", "headerExtensions", extensions))


@clause("W3C-RTCRtpSender.setParameters-6.6")
async def test_the_cname_can_not_be_changed(endpoint: Endpoint) -> None:
    await refused(
        endpoint, "InvalidModificationError", Set("parameters", "rtcp", {"cname": "case", "reducedSize": True})
    )


@clause("W3C-RTCRtpSender.setParameters-6.6")
async def test_codecs_can_not_be_changed(endpoint: Endpoint) -> None:
    codecs = [{"mimeType": "video/none", "clockRate": 90000, "payloadType": 96}]
    await refused(endpoint, "InvalidModificationError", Set("parameters", "codecs", codecs))


@clause("W3C-RTCRtpSender.setParameters-6.9")
async def test_parameters_do_not_scale_up(endpoint: Endpoint) -> None:
    await refused(endpoint, "RangeError", Set("parameters.encodings.0", "scaleResolutionDownBy", 0.5))


@clause("W3C-RTCRtpSender.setParameters-6.10")
async def test_a_frame_rate_is_not_negative(endpoint: Endpoint) -> None:
    await refused(endpoint, "RangeError", Set("parameters.encodings.0", "maxFramerate", -1))


@clause("W3C-RTCRtpSender.setParameters-6.7")
async def test_a_scale_means_nothing_to_audio(endpoint: Endpoint) -> None:
    played = await play(
        endpoint,
        sender_of("audio"),
        parameters(),
        Set("parameters.encodings.0", "scaleResolutionDownBy", 0.5),
        SET,
        parameters("after"),
        read("after.encodings.0.scaleResolutionDownBy"),
    )
    played.gave({"after.encodings.0.scaleResolutionDownBy": None})


@clause("W3C-RTCRtpSender.setParameters-4")
async def test_a_stopping_sender_takes_no_parameters(endpoint: Endpoint) -> None:
    await refused(endpoint, "InvalidStateError", Stop())


@clause("W3C-Introduction-M1")
async def test_parameters_have_encodings(endpoint: Endpoint) -> None:
    given = {"transactionId": "x", "codecs": [], "headerExtensions": [], "rtcp": {}}
    played = await play(endpoint, sender_of("audio"), Call("sender", "setParameters", (given,)))
    played.threw("TypeError")


@clause("W3C-Introduction-M1")
async def test_parameters_are_required(endpoint: Endpoint) -> None:
    (await play(endpoint, sender_of("audio"), Call("sender", "setParameters"))).threw("TypeError")


@clause("W3C-RTCRtpSender.getCapabilities-2")
async def test_nothing_is_sent_of_another_kind(endpoint: Endpoint) -> None:
    played = await play(endpoint, Call("RTCRtpSender", "getCapabilities", ("smell",), "capabilities"))
    played.gave(capabilities=None)


@clause("W3C-RTCRtpReceiver.getCapabilities-2")
async def test_nothing_is_received_of_another_kind(endpoint: Endpoint) -> None:
    played = await play(endpoint, Call("RTCRtpReceiver", "getCapabilities", ("smell",), "capabilities"))
    played.gave(capabilities=None)


@clause("W3C-RTCRtpSender.getCapabilities-3")
async def test_codecs_and_extensions_for_sending_are_listed(endpoint: Endpoint) -> None:
    played = await play(endpoint, Call("RTCRtpSender", "getCapabilities", ("video",), "capabilities"))
    played.gave()
    found = played["capabilities"]
    check(found["codecs"] and found["headerExtensions"], f"it lists {found}")
    lacking = [codec for codec in found["codecs"] if not {"mimeType", "clockRate"} <= set(codec)]
    check(not lacking, f"these lack a mimeType or a clockRate: {lacking}")


@clause("W3C-RTCRtpCapabilities.codecs-M1")
async def test_retransmission_is_listed_once(endpoint: Endpoint) -> None:
    played = await play(endpoint, Call("RTCRtpReceiver", "getCapabilities", ("video",), "capabilities"))
    played.gave()
    found = [codec for codec in played["capabilities"]["codecs"] if codec["mimeType"].lower() == "video/rtx"]
    check(len(found) == 1 and "sdpFmtpLine" not in found[0], f"rtx is listed as {found}")


@clause("W3C-RTCRtpSender.replaceTrack-6.4.4.2")
async def test_a_track_is_replaced(endpoint: Endpoint) -> None:
    tracks = (Track("audio", "one"), Track("audio", "two"))
    played = await play(endpoint, PC, *tracks, AddTrack(Ref("one")), ReplaceTrack(Ref("two")), read("sender.track"))
    played.gave({"sender.track": Ref("two")})


@clause("W3C-RTCRtpSender.replaceTrack-6.4.4.2")
async def test_a_track_is_taken_away(endpoint: Endpoint) -> None:
    played = await play(
        endpoint, PC, Track("audio", "one"), AddTrack(Ref("one")), ReplaceTrack(None), read("sender.track")
    )
    played.gave({"sender.track": None})


@clause("W3C-RTCRtpSender.replaceTrack-6.1")
async def test_nothing_replaces_the_track_of_a_stopping_sender(endpoint: Endpoint) -> None:
    (await play(endpoint, sender_of("audio"), Stop(), ReplaceTrack(None))).threw("InvalidStateError")


@clause("W3C-RTCRtpSender.replaceTrack-6")
async def test_nothing_replaces_a_track_after_close(endpoint: Endpoint) -> None:
    (await play(endpoint, sender_of("audio"), Close(), ReplaceTrack(None))).threw("InvalidStateError")


@clause("W3C-RTCRtpSender.replaceTrack-6.4.4.2")
async def test_replacing_a_track_needs_no_negotiation(endpoint: Endpoint) -> None:
    played = await play(
        endpoint,
        PAIR,
        AddTransceiver("audio", on="a"),
        negotiate(),
        settled(),
        Track("audio", "one"),
        Get("transceiver", "sender", "sender"),
        ReplaceTrack(Ref("one")),
        settled(),
    )
    played.gave()
    fired = [one for one in played.trace.events("negotiationneeded", "a") if one.step > 6]
    check(not fired, "negotiationneeded was fired")


@clause("W3C-RTCRtpSender.setStreams-3")
async def test_no_streams_are_set_after_close(endpoint: Endpoint) -> None:
    (await play(endpoint, sender_of("audio"), Close(), Call("sender", "setStreams"))).threw("InvalidStateError")


@clause("W3C-RTCRtpSender.setStreams-6")
async def test_streams_that_are_set_are_offered(endpoint: Endpoint) -> None:
    stream = New("MediaStream", (), "stream")
    played = await play(
        endpoint,
        sender_of("audio"),
        stream,
        Call("sender", "setStreams", (Ref("stream"),)),
        CreateOffer(),
        read("stream.id"),
    )
    played.gave()
    check(f"a=msid:{played['stream.id']}" in played["offer"]["sdp"], "the offer lacks the stream's id")


@clause("W3C-Introduction-M1")
async def test_streams_are_streams(endpoint: Endpoint) -> None:
    (await play(endpoint, sender_of("audio"), Call("sender", "setStreams", ({},)))).threw("TypeError")


@clause("W3C-RTCRtpReceiver.track-M1")
async def test_a_receiver_has_a_track_at_once(endpoint: Endpoint) -> None:
    played = await play(endpoint, PC, AddTransceiver("video"), read("transceiver.receiver.track.kind"))
    played.gave({"transceiver.receiver.track.kind": "video"})


@clause("W3C-RTCRtpReceiver.transport-M1")
async def test_a_receiver_has_no_transport_before_a_description(endpoint: Endpoint) -> None:
    played = await play(endpoint, PC, AddTransceiver("video"), read("transceiver.receiver.transport"))
    played.gave({"transceiver.receiver.transport": None})


RECEIVER: list[Step] = [PC, AddTransceiver("audio"), Get("transceiver", "receiver", "receiver")]


@clause("W3C-create-an-RTCRtpReceiver-14")
async def test_a_jitter_buffer_has_no_target_at_first(endpoint: Endpoint) -> None:
    (await play(endpoint, RECEIVER, read("receiver.jitterBufferTarget"))).gave({"receiver.jitterBufferTarget": None})


@clause("W3C-RTCRtpReceiver.jitterBufferTarget-4")
async def test_a_target_that_was_set_is_read(endpoint: Endpoint) -> None:
    played = await play(
        endpoint, RECEIVER, Set("receiver", "jitterBufferTarget", 500), read("receiver.jitterBufferTarget")
    )
    played.gave({"receiver.jitterBufferTarget": 500})


@clause("W3C-RTCRtpReceiver.jitterBufferTarget-3")
async def test_a_target_is_four_seconds_at_most(endpoint: Endpoint) -> None:
    (await play(endpoint, RECEIVER, Set("receiver", "jitterBufferTarget", 4001))).threw("RangeError")


@clause("W3C-RTCRtpReceiver.jitterBufferTarget-3")
async def test_a_target_is_not_negative(endpoint: Endpoint) -> None:
    (await play(endpoint, RECEIVER, Set("receiver", "jitterBufferTarget", -1))).threw("RangeError")


@clause("W3C-create-an-RTCRtpReceiver-12")
async def test_a_receiver_is_ready_for_nothing_before_negotiation(endpoint: Endpoint) -> None:
    played = await play(endpoint, RECEIVER, Call("receiver", "getParameters", (), "read"), read("read.codecs"))
    played.gave({"read.codecs": []})


@clause("W3C-set-a-session-description-4.7.11.2.14.1")
async def test_codecs_are_negotiated_for_sending(endpoint: Endpoint) -> None:
    played = await play(
        endpoint,
        PAIR,
        AddTransceiver("audio", on="a"),
        negotiate(),
        Get("transceiver", "sender", "sender"),
        parameters(),
    )
    played.gave()
    codecs = [codec["mimeType"].lower() for codec in played["parameters"]["codecs"]]
    check("audio/opus" in codecs, f"the codecs are {codecs}")


@clause("W3C-RTCRtpSender.getParameters-3")
async def test_header_extensions_are_negotiated_for_sending(endpoint: Endpoint) -> None:
    played = await play(
        endpoint,
        PAIR,
        AddTransceiver("audio", on="a"),
        negotiate(),
        Get("transceiver", "sender", "sender"),
        parameters(),
    )
    played.gave()
    uris = [one["uri"] for one in played["parameters"]["headerExtensions"]]
    check("urn:ietf:params:rtp-hdrext:sdes:mid" in uris, f"the header extensions are {uris}")
