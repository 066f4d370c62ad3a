"""W3C webrtc-pc sections 5.1 and 5.4: addTrack, addTransceiver, and what a transceiver is asked and told."""

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
    RemoveTrack,
    SetDirection,
    Step,
    Stop,
    Track,
    WaitFor,
)

NEEDED = WaitFor("negotiationneeded", on="a")
ALL = Call("pc", "getTransceivers", (), "all")


def encodings(*given: dict[str, Any], kind: str = "video") -> list[Step]:
    """A transceiver with these encodings, and what its sender makes of them."""
    return [
        PC,
        AddTransceiver(kind, sendEncodings=given),
        Get("transceiver", "sender", "sender"),
        Call("sender", "getParameters", (), "parameters"),
    ]


async def test_sanity_a_transceiver_is_in_the_set(endpoint: Endpoint) -> None:
    (await play(endpoint, PC, AddTransceiver("audio"), ALL, read("all.length"))).gave({"all.length": 1})


@clause("W3C-RTCPeerConnection.addTrack-5")
async def test_no_track_is_added_after_close(endpoint: Endpoint) -> None:
    (await play(endpoint, PC, Track("audio", "track"), Close(), AddTrack(Ref("track")))).threw("InvalidStateError")


@clause("W3C-Introduction-M1")
async def test_a_stream_is_not_null(endpoint: Endpoint) -> None:
    call = Call("pc", "addTrack", (Ref("track"), None))
    (await play(endpoint, PC, Track("audio", "track"), call)).threw("TypeError")


@clause("W3C-RTCPeerConnection.addTrack-9.3")
async def test_a_track_is_sent_and_received(endpoint: Endpoint) -> None:
    played = await play(endpoint, PC, Track("audio", "track"), AddTrack(Ref("track")), ALL, read("all.0.direction"))
    played.gave({"all.0.direction": "sendrecv"})


@clause("W3C-RTCPeerConnection.addTrack-8.1", "W3C-RTCPeerConnection.addTrack-7")
async def test_a_track_takes_a_sender_that_has_none(endpoint: Endpoint) -> None:
    played = await play(
        endpoint,
        PC,
        AddTransceiver("audio"),
        Track("audio", "track"),
        AddTrack(Ref("track")),
        ALL,
        read("all.length", "transceiver.sender.track"),
    )
    played.gave({"all.length": 1, "transceiver.sender.track": Ref("track")})


@clause("W3C-RTCPeerConnection.addTrack-8.5")
async def test_a_sender_that_is_taken_sends_too(endpoint: Endpoint) -> None:
    played = await play(
        endpoint,
        PC,
        AddTransceiver("audio", direction="recvonly"),
        Track("audio", "track"),
        AddTrack(Ref("track")),
        read("transceiver.direction"),
    )
    played.gave({"transceiver.direction": "sendrecv"})


@clause("W3C-RTCPeerConnection.addTrack-8.6")
async def test_an_inactive_sender_that_is_taken_sends(endpoint: Endpoint) -> None:
    played = await play(
        endpoint,
        PC,
        AddTransceiver("audio", direction="inactive"),
        Track("audio", "track"),
        AddTrack(Ref("track")),
        read("transceiver.direction"),
    )
    played.gave({"transceiver.direction": "sendonly"})


@clause("W3C-RTCPeerConnection.addTrack-7")
async def test_a_sender_of_another_kind_is_not_taken(endpoint: Endpoint) -> None:
    played = await play(
        endpoint, PC, AddTransceiver("video"), Track("audio", "track"), AddTrack(Ref("track")), ALL, read("all.length")
    )
    played.gave({"all.length": 2})


@clause("W3C-RTCPeerConnection.addTrack-7")
async def test_a_stopping_sender_is_not_taken(endpoint: Endpoint) -> None:
    played = await play(
        endpoint,
        PC,
        AddTransceiver("audio"),
        Stop(),
        Track("audio", "track"),
        AddTrack(Ref("track")),
        read("transceiver.sender.track"),
    )
    played.gave({"transceiver.sender.track": None})


@clause("W3C-RTCPeerConnection.addTrack-7")
async def test_a_sender_that_has_sent_is_not_taken(endpoint: Endpoint) -> None:
    played = await play(
        endpoint,
        PAIR,
        Track("audio", "one"),
        AddTrack(Ref("one"), on="a"),
        negotiate(),
        RemoveTrack(Ref("sender"), on="a"),
        Track("audio", "two"),
        AddTrack(Ref("two"), on="a", bind="another"),
        Call("a", "getTransceivers", (), "all"),
        read("all.length"),
    )
    played.gave({"all.length": 2})


@clause("W3C-RTCPeerConnection.removeTrack-3")
async def test_no_track_is_removed_after_close(endpoint: Endpoint) -> None:
    played = await play(
        endpoint, PC, Track("audio", "track"), AddTrack(Ref("track")), Close(), RemoveTrack(Ref("sender"))
    )
    played.threw("InvalidStateError")


@clause("W3C-RTCPeerConnection.removeTrack-9")
async def test_a_track_may_be_removed_twice(endpoint: Endpoint) -> None:
    remove = RemoveTrack(Ref("sender"))
    (await play(endpoint, PC, Track("audio", "track"), AddTrack(Ref("track")), remove, remove)).gave()


@clause("W3C-RTCPeerConnection.removeTrack-6")
async def test_a_stopping_sender_keeps_its_track(endpoint: Endpoint) -> None:
    played = await play(
        endpoint,
        PC,
        Track("audio", "track"),
        AddTrack(Ref("track")),
        ALL,
        Call("all.0", "stop"),
        RemoveTrack(Ref("sender")),
        read("sender.track"),
    )
    played.gave({"sender.track": Ref("track")})


@clause("W3C-RTCPeerConnection.removeTrack-12")
async def test_a_sender_that_only_sends_becomes_inactive(endpoint: Endpoint) -> None:
    played = await play(
        endpoint,
        PC,
        Track("audio", "track"),
        AddTransceiver(Ref("track"), direction="sendonly"),
        Get("transceiver", "sender", "sender"),
        RemoveTrack(Ref("sender")),
        read("transceiver.direction"),
    )
    played.gave({"transceiver.direction": "inactive"})


@clause("W3C-RTCPeerConnection.getSenders-M1")
async def test_a_sender_without_track_is_still_listed(endpoint: Endpoint) -> None:
    played = await play(
        endpoint,
        PC,
        Track("audio", "track"),
        AddTrack(Ref("track")),
        RemoveTrack(Ref("sender")),
        Call("pc", "getSenders", (), "senders"),
        read("senders.length"),
    )
    played.gave({"senders.length": 1})


@clause("W3C-RTCPeerConnection.getReceivers-3.1")
async def test_a_closed_connection_has_no_receivers(endpoint: Endpoint) -> None:
    played = await play(
        endpoint,
        PC,
        AddTransceiver("audio"),
        Close(),
        Call("pc", "getReceivers", (), "receivers"),
        read("receivers.length"),
    )
    played.gave({"receivers.length": 0})


@clause("W3C-RTCPeerConnection.getTransceivers-M1")
async def test_transceivers_are_listed_in_order(endpoint: Endpoint) -> None:
    added = [AddTransceiver(kind, bind=kind) for kind in ("video", "audio")]
    played = await play(endpoint, PC, added, ALL, read("all.0.receiver.track.kind", "all.1.receiver.track.kind"))
    played.gave({"all.0.receiver.track.kind": "video", "all.1.receiver.track.kind": "audio"})


@clause("W3C-RTCPeerConnection.addTransceiver-6")
async def test_a_transceiver_is_of_its_tracks_kind(endpoint: Endpoint) -> None:
    played = await play(
        endpoint,
        PC,
        Track("video", "track"),
        AddTransceiver(Ref("track")),
        read("transceiver.receiver.track.kind", "transceiver.sender.track"),
    )
    played.gave({"transceiver.receiver.track.kind": "video", "transceiver.sender.track": Ref("track")})


@clause("W3C-create-an-RTCRtpTransceiver-6")
async def test_a_transceiver_has_the_direction_it_is_given(endpoint: Endpoint) -> None:
    played = await play(endpoint, PC, AddTransceiver("audio", direction="inactive"), read("transceiver.direction"))
    played.gave({"transceiver.direction": "inactive"})


@clause("W3C-Introduction-M1")
async def test_a_direction_is_one_of_those_listed(endpoint: Endpoint) -> None:
    (await play(endpoint, PC, AddTransceiver("audio", direction="sideways"))).threw("TypeError")


@clause("W3C-create-an-RTCRtpTransceiver-12")
async def test_a_transceiver_has_no_mid_at_first(endpoint: Endpoint) -> None:
    (await play(endpoint, PC, AddTransceiver("audio"), read("transceiver.mid"))).gave({"transceiver.mid": None})


@clause("W3C-create-an-RTCRtpTransceiver-8")
async def test_a_transceiver_has_no_current_direction_at_first(endpoint: Endpoint) -> None:
    played = await play(endpoint, PC, AddTransceiver("audio"), read("transceiver.currentDirection"))
    played.gave({"transceiver.currentDirection": None})


@clause("W3C-RTCPeerConnection.addTransceiver-8.7")
async def test_a_frame_rate_of_zero_is_refused(endpoint: Endpoint) -> None:
    added = AddTransceiver("video", sendEncodings=[{"maxFramerate": 0}])
    (await play(endpoint, PC, added)).threw("RangeError")


@clause("W3C-RTCPeerConnection.addTransceiver-8.3")
async def test_a_codec_that_is_not_implemented_is_refused(endpoint: Endpoint) -> None:
    codec = {"mimeType": "video/none", "clockRate": 90000}
    (await play(endpoint, PC, AddTransceiver("video", sendEncodings=[{"codec": codec}]))).threw("OperationError")


@clause("W3C-RTCPeerConnection.addTransceiver-8.5")
async def test_a_scale_of_audio_is_forgotten(endpoint: Endpoint) -> None:
    played = await play(
        endpoint,
        encodings({"scaleResolutionDownBy": 0.5}, kind="audio"),
        read("parameters.encodings.0.scaleResolutionDownBy"),
    )
    played.gave({"parameters.encodings.0.scaleResolutionDownBy": None})


@clause("W3C-RTCPeerConnection.addTransceiver-8.9")
async def test_where_one_scale_is_given_the_others_are_one(endpoint: Endpoint) -> None:
    played = await play(
        endpoint,
        encodings({"rid": "a", "scaleResolutionDownBy": 3}, {"rid": "b"}),
        read("parameters.encodings.1.scaleResolutionDownBy"),
    )
    played.gave({"parameters.encodings.1.scaleResolutionDownBy": 1})


@clause("W3C-RTCPeerConnection.addTransceiver-8.10")
async def test_audio_has_one_encoding(endpoint: Endpoint) -> None:
    played = await play(
        endpoint, encodings({"rid": "a"}, {"rid": "b"}, kind="audio"), read("parameters.encodings.length")
    )
    played.gave({"parameters.encodings.length": 1})


@clause("W3C-RTCPeerConnection.addTransceiver-9")
async def test_encodings_keep_their_order_and_rids(endpoint: Endpoint) -> None:
    played = await play(
        endpoint,
        encodings({"rid": "b"}, {"rid": "a"}),
        read("parameters.encodings.0.rid", "parameters.encodings.1.rid"),
    )
    played.gave({"parameters.encodings.0.rid": "b", "parameters.encodings.1.rid": "a"})


@clause("W3C-final-steps-to-create-an-offer-3.3")
async def test_layers_are_offered_in_their_order(endpoint: Endpoint) -> None:
    played = await play(endpoint, encodings({"rid": "q"}, {"rid": "h"}, {"rid": "f"}), CreateOffer())
    played.gave()
    lines = played["offer"]["sdp"].split("\r\n")
    check("a=simulcast:send q;h;f" in lines, f"it offers {[one for one in lines if 'simulcast' in one]}")
    check({f"a=rid:{rid} send" for rid in "qhf"} <= set(lines), f"it offers {[one for one in lines if 'a=rid' in one]}")


@clause("W3C-RTCPeerConnection.addTransceiver-13")
async def test_a_transceiver_needs_negotiation(endpoint: Endpoint) -> None:
    (await play(endpoint, PC, AddTransceiver("audio"), WaitFor("negotiationneeded"))).gave()


@clause("W3C-RTCRtpTransceiver.direction~2-7")
async def test_a_direction_that_is_set_is_read(endpoint: Endpoint) -> None:
    played = await play(endpoint, PC, AddTransceiver("audio"), SetDirection("sendonly"), read("transceiver.direction"))
    played.gave({"transceiver.direction": "sendonly"})


@clause("W3C-Introduction-M1")
async def test_an_unknown_direction_is_ignored(endpoint: Endpoint) -> None:
    played = await play(endpoint, PC, AddTransceiver("audio"), SetDirection("sideways"), read("transceiver.direction"))
    played.gave({"transceiver.direction": "sendrecv"})


@clause("W3C-RTCRtpTransceiver.direction~2-8")
async def test_another_direction_needs_negotiation(endpoint: Endpoint) -> None:
    steps = (PAIR, AddTransceiver("audio", on="a"), NEEDED, negotiate(), SetDirection("inactive"), NEEDED)
    (await play(endpoint, *steps)).gave()


@clause("W3C-RTCRtpTransceiver.direction~2-5")
async def test_the_same_direction_needs_none(endpoint: Endpoint) -> None:
    played = await play(
        endpoint, PAIR, AddTransceiver("audio", on="a"), negotiate(), settled(), SetDirection("sendrecv"), settled()
    )
    played.gave()
    fired = [one for one in played.trace.events("negotiationneeded", "a") if one.step > 7]
    check(not fired, f"negotiationneeded was fired {len(fired)} times")


@clause("W3C-RTCRtpTransceiver.direction~2-7")
async def test_the_current_direction_waits_for_negotiation(endpoint: Endpoint) -> None:
    played = await play(
        endpoint,
        PAIR,
        AddTransceiver("audio", on="a"),
        negotiate(),
        SetDirection("inactive"),
        read("transceiver.currentDirection"),
    )
    played.gave({"transceiver.currentDirection": "sendonly"})


@clause("W3C-RTCRtpTransceiver.stop-3")
async def test_nothing_is_stopped_after_close(endpoint: Endpoint) -> None:
    (await play(endpoint, PC, AddTransceiver("audio"), Close(), Stop())).threw("InvalidStateError")


@clause("W3C-RTCRtpTransceiver.stop-4")
async def test_stop_may_be_called_twice(endpoint: Endpoint) -> None:
    (await play(endpoint, PC, AddTransceiver("audio"), Stop(), Stop())).gave()


@clause("W3C-RTCRtpTransceiver.currentDirection-3")
async def test_a_stopping_transceiver_keeps_its_current_direction(endpoint: Endpoint) -> None:
    played = await play(
        endpoint, PAIR, AddTransceiver("audio", on="a"), negotiate(), Stop(), read("transceiver.currentDirection")
    )
    played.gave({"transceiver.currentDirection": "sendonly"})


@clause("W3C-RTCRtpTransceiver.stop-6")
async def test_stopping_needs_negotiation(endpoint: Endpoint) -> None:
    steps = (PAIR, AddTransceiver("audio", on="a"), NEEDED, negotiate(), Stop(), NEEDED)
    (await play(endpoint, *steps)).gave()


@clause("W3C-RTCRtpTransceiver.stop-M1")
async def test_a_transceiver_stopped_before_it_was_offered_is_not_offered(endpoint: Endpoint) -> None:
    played = await play(endpoint, PC, AddTransceiver("audio"), Stop(), AddTransceiver("video"), CreateOffer())
    played.gave()
    check("m=audio" not in played["offer"]["sdp"], "the offer has the audio")


@clause("W3C-RTCRtpTransceiver.stop-M1")
async def test_a_stopping_transceiver_is_offered_with_port_zero(endpoint: Endpoint) -> None:
    played = await play(
        endpoint,
        PAIR,
        AddTransceiver("audio", on="a"),
        AddTransceiver("video", on="a", bind="other"),
        negotiate(),
        Stop(),
        CreateOffer("a"),
    )
    played.gave()
    check("m=audio 0 " in played["offer"]["sdp"], "the offer's audio has another port than 0")


PCMU = {"mimeType": "audio/PCMU", "clockRate": 8000, "channels": 1}


def capabilities(kind: str) -> Call:
    return Call("RTCRtpReceiver", "getCapabilities", (kind,), "capabilities")


def prefer(*codecs: Any) -> Call:
    return Call("transceiver", "setCodecPreferences", (list(codecs),))


@clause("W3C-RTCRtpTransceiver.setCodecPreferences-3")
async def test_no_preferences_are_taken(endpoint: Endpoint) -> None:
    (await play(endpoint, PC, AddTransceiver("audio"), prefer())).gave()


@clause("W3C-RTCRtpTransceiver.setCodecPreferences-9")
async def test_every_codec_there_is_may_be_preferred(endpoint: Endpoint) -> None:
    call = Call("transceiver", "setCodecPreferences", (Ref("capabilities.codecs"),))
    (await play(endpoint, PC, AddTransceiver("audio"), capabilities("audio"), call)).gave()


@clause("W3C-RTCRtpTransceiver.setCodecPreferences-4")
async def test_a_codec_may_be_named_twice(endpoint: Endpoint) -> None:
    first = Ref("capabilities.codecs.0")
    (await play(endpoint, PC, AddTransceiver("audio"), capabilities("audio"), prefer(first, first))).gave()


@clause("W3C-RTCRtpTransceiver.setCodecPreferences-7.1")
async def test_a_codec_of_another_kind_is_refused(endpoint: Endpoint) -> None:
    played = await play(
        endpoint, PC, AddTransceiver("video"), capabilities("audio"), prefer(Ref("capabilities.codecs.0"))
    )
    played.threw("InvalidModificationError")


@clause("W3C-codec-dictionary-match-algorithm-1")
async def test_a_mime_type_may_be_in_capitals(endpoint: Endpoint) -> None:
    played = await play(
        endpoint,
        PC,
        AddTransceiver("audio"),
        prefer({"mimeType": "AUDIO/pcmu", "clockRate": 8000, "channels": 1}),
    )
    played.gave()


@clause("W3C-codec-dictionary-match-algorithm-2")
async def test_another_clock_rate_is_another_codec(endpoint: Endpoint) -> None:
    played = await play(endpoint, PC, AddTransceiver("video"), prefer({"mimeType": "video/VP8", "clockRate": 90001}))
    played.threw("InvalidModificationError")


@clause("W3C-codec-dictionary-match-algorithm-3")
async def test_a_codec_with_channels_is_another_one(endpoint: Endpoint) -> None:
    codec = {"mimeType": "video/VP8", "clockRate": 90000, "channels": 1}
    (await play(endpoint, PC, AddTransceiver("video"), prefer(codec))).threw("InvalidModificationError")


@clause("W3C-codec-dictionary-match-algorithm-4")
async def test_a_codec_with_parameters_is_another_one(endpoint: Endpoint) -> None:
    codec = {"mimeType": "video/VP8", "clockRate": 90000, "sdpFmtpLine": "case=1"}
    (await play(endpoint, PC, AddTransceiver("video"), prefer(codec))).threw("InvalidModificationError")


@clause("W3C-RTCRtpTransceiver.setCodecPreferences-8")
async def test_retransmission_alone_is_no_preference(endpoint: Endpoint) -> None:
    played = await play(endpoint, PC, AddTransceiver("video"), prefer({"mimeType": "video/rtx", "clockRate": 90000}))
    played.threw("InvalidModificationError")


@clause("W3C-Introduction-M1")
async def test_a_codec_has_a_clock_rate(endpoint: Endpoint) -> None:
    (await play(endpoint, PC, AddTransceiver("video"), prefer({"mimeType": "video/VP8"}))).threw("TypeError")


@clause("W3C-RTCRtpTransceiver.setCodecPreferences-M1")
async def test_only_preferred_codecs_are_offered(endpoint: Endpoint) -> None:
    played = await play(endpoint, PC, AddTransceiver("audio"), prefer(PCMU), CreateOffer())
    played.gave()
    names = {line.split(" ")[1].split("/")[0] for line in played["offer"]["sdp"].split("\r\n") if "a=rtpmap" in line}
    check(names == {"PCMU"}, f"it offers {sorted(names)}")


@clause("W3C-RTCRtpTransceiver.setCodecPreferences-3")
async def test_preferences_are_taken_back(endpoint: Endpoint) -> None:
    played = await play(endpoint, PC, AddTransceiver("audio"), prefer(PCMU), prefer(), CreateOffer())
    played.gave()
    check("opus" in played["offer"]["sdp"], "the offer still has the preferred codec alone")


@clause("W3C-RTCRtpTransceiver.sender-M1", "W3C-RTCRtpTransceiver.receiver-M1")
async def test_sender_and_receiver_stay_the_same(endpoint: Endpoint) -> None:
    bound = (Get("transceiver", "sender", "sender"), Get("transceiver", "receiver", "receiver"))
    listed = (Call("pc", "getSenders", (), "senders"), Call("pc", "getReceivers", (), "receivers"))
    played = await play(endpoint, PC, AddTransceiver("audio"), *bound, *listed, read("senders.0", "receivers.0"))
    played.gave({"senders.0": Ref("sender"), "receivers.0": Ref("receiver")})


@clause("W3C-RTCPeerConnection.addTransceiver-2")
async def test_a_stream_is_offered_with_the_track(endpoint: Endpoint) -> None:
    stream = New("MediaStream", (), "stream")
    played = await play(
        endpoint, PC, stream, AddTransceiver("audio", streams=[Ref("stream")]), CreateOffer(), read("stream.id")
    )
    played.gave()
    check(f"a=msid:{played['stream.id']}" in played["offer"]["sdp"], "the offer lacks the stream's id")
