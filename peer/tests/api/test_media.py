"""Transceivers, senders, receivers, tracks and remote streams (webrtc-pc sections 5.1 to 5.4)."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from peer.api import (
    DOMException,
    MediaStream,
    MediaStreamTrack,
    RangeError,
    RTCPeerConnection,
    RTCRtpReceiver,
    RTCRtpSender,
    RTCRtpTransceiver,
)
from peer.tests.api.connecting import event, held, negotiate, pair, settled

WRONG: Any = "of another type"


def directions(pc: RTCPeerConnection) -> list[tuple[str, str | None]]:
    return [(one.direction, one.currentDirection) for one in pc.getTransceivers()]


async def test_add_transceiver_defaults() -> None:
    pc = RTCPeerConnection()
    transceiver = pc.addTransceiver("audio")
    assert (transceiver.mid, transceiver.direction, transceiver.currentDirection) == (None, "sendrecv", None)
    assert (transceiver.sender.track, transceiver.sender.transport) == (None, None)
    track = transceiver.receiver.track
    assert (track.kind, track.label, track.readyState, track.muted) == ("audio", "remote audio", "live", True)
    assert transceiver.sender.dtmf is not None
    assert pc.addTransceiver("video").sender.dtmf is None
    assert pc.getSenders() == [one.sender for one in pc.getTransceivers()]
    assert pc.getReceivers() == [one.receiver for one in pc.getTransceivers()]
    pc.close()


async def test_add_transceiver_with_a_track() -> None:
    pc = RTCPeerConnection()
    track = MediaStreamTrack("video")
    transceiver = pc.addTransceiver(track, {"direction": "sendonly", "streams": [MediaStream()]})
    assert (transceiver.sender.track, transceiver.direction) == (track, "sendonly")
    assert pc.addTransceiver(track) is not transceiver  # the same track again is fine here
    pc.close()


ENCODINGS = "sendEncodings"


@pytest.mark.parametrize(
    ("kind", "init", "error"),
    [
        ("invalid", {}, TypeError),
        (5, {}, TypeError),
        ("audio", {"direction": "stopped"}, TypeError),
        ("audio", {"direction": "up"}, TypeError),
        ("audio", {"streams": [5]}, TypeError),
        ("video", {ENCODINGS: [{"rid": "@Invalid!"}]}, TypeError),
        ("video", {ENCODINGS: [{"rid": ""}]}, TypeError),
        ("video", {ENCODINGS: [{"rid": "x" * 256}]}, TypeError),
        ("video", {ENCODINGS: [{"rid": "a"}, {"rid": "a"}]}, TypeError),
        ("video", {ENCODINGS: [{"rid": "a"}, {}]}, TypeError),
        ("video", {ENCODINGS: [{"scaleResolutionDownBy": 0.5}]}, RangeError),
        ("video", {ENCODINGS: [{"maxFramerate": -1}]}, RangeError),
        ("video", {ENCODINGS: [{"maxFramerate": 0}]}, RangeError),
        ("video", {ENCODINGS: [{"priority": "urgent"}]}, TypeError),
        ("video", {ENCODINGS: [{"codec": {"mimeType": "video/none", "clockRate": 1}}]}, DOMException),
    ],
)
async def test_add_transceiver_refuses(kind: Any, init: dict[str, Any], error: type[Exception]) -> None:
    pc = RTCPeerConnection()
    with pytest.raises(error):
        pc.addTransceiver(kind, init)
    assert pc.getTransceivers() == []
    pc.close()


@pytest.mark.parametrize(
    ("kind", "encodings", "expected"),
    [
        ("audio", [], [{"active": True}]),
        ("audio", [{"scaleResolutionDownBy": 0.5, "maxFramerate": -1}], [{"active": True}]),
        ("video", [], [{"active": True, "scaleResolutionDownBy": 1.0}]),
        ("video", [{"rid": "only"}], [{"active": True, "scaleResolutionDownBy": 1.0}]),
        (
            "video",
            [{"rid": "q"}, {"rid": "h", "active": False}, {"rid": "f", "maxBitrate": 1000}],
            [
                {"rid": "q", "active": True, "scaleResolutionDownBy": 4.0},
                {"rid": "h", "active": False, "scaleResolutionDownBy": 2.0},
                {"rid": "f", "active": True, "maxBitrate": 1000, "scaleResolutionDownBy": 1.0},
            ],
        ),
        (
            "video",
            [{"rid": "a", "scaleResolutionDownBy": 3}, {"rid": "b"}],
            [
                {"rid": "a", "active": True, "scaleResolutionDownBy": 3.0},
                {"rid": "b", "active": True, "scaleResolutionDownBy": 1.0},
            ],
        ),
    ],
)
async def test_encodings_as_they_become(kind: str, encodings: list[Any], expected: list[Any]) -> None:
    pc = RTCPeerConnection()
    transceiver = pc.addTransceiver(kind, {ENCODINGS: encodings})
    assert transceiver.sender.getParameters().encodings == [
        {**one, "priority": "low", "adaptivePtime": False} for one in expected
    ]
    pc.close()


async def test_simulcast_is_offered() -> None:
    pc = RTCPeerConnection()
    pc.addTransceiver("video", {ENCODINGS: [{"rid": "q"}, {"rid": "f"}]})
    offer = await pc.createOffer()
    assert "a=rid:q send\r\na=rid:f send\r\n" in offer.sdp
    assert "a=simulcast:send q;f\r\n" in offer.sdp
    pc.close()


# --- addTrack and removeTrack


async def test_add_track_reuses_a_sender_that_never_sent() -> None:
    pc = RTCPeerConnection()
    first = pc.addTransceiver("audio", {"direction": "recvonly"})
    track = MediaStreamTrack("audio")
    sender = pc.addTrack(track)
    assert sender is first.sender
    assert (first.direction, sender.track) == ("sendrecv", track)
    with pytest.raises(DOMException, match="InvalidAccessError"):
        pc.addTrack(track)
    assert len(pc.getTransceivers()) == 1
    pc.addTrack(MediaStreamTrack("video"))
    assert len(pc.getTransceivers()) == 2
    with pytest.raises(TypeError):
        pc.addTrack(WRONG)
    with pytest.raises(TypeError):
        pc.addTrack(MediaStreamTrack("audio"), WRONG)
    pc.close()


async def test_a_sender_that_has_sent_is_not_reused() -> None:
    async with pair() as (one, other):
        sender = one.addTrack(MediaStreamTrack("audio"))
        await negotiate(one, other)
        one.removeTrack(sender)
        assert directions(one) == [("recvonly", "sendonly")]
        assert one.addTrack(MediaStreamTrack("audio")) is not sender


async def test_remove_track() -> None:
    pc, other = RTCPeerConnection(), RTCPeerConnection()
    sender = pc.addTrack(MediaStreamTrack("audio"))
    with pytest.raises(DOMException, match="InvalidAccessError"):
        other.removeTrack(sender)
    with pytest.raises(TypeError):
        pc.removeTrack(WRONG)
    pc.removeTrack(sender)
    assert (sender.track, pc.getSenders()) == (None, [sender])
    assert directions(pc) == [("recvonly", None)]
    pc.removeTrack(sender)
    pc.close()
    other.close()


# --- what a remote description does


class Silent:
    """A source that gives nothing, for ever."""

    async def next_frame(self) -> Any:
        await asyncio.get_running_loop().create_future()

    def close(self) -> None:
        """Nothing is open."""


async def test_a_removed_track_is_not_sent_any_more() -> None:
    """Before any negotiation: "Stops sending media from sender"."""
    async with pair() as (one, other):
        sender = one.addTrack(MediaStreamTrack("audio", source=Silent()))
        connected = event(one, "connectionstatechange", lambda _: one.connectionState == "connected")
        await negotiate(one, other)
        await connected
        (outbound,) = held(one._core.media.engine).senders.values()
        assert outbound.is_sending
        one.removeTrack(sender)
        assert not outbound.is_sending


async def test_track_events() -> None:
    async with pair() as (one, other):
        stream, second = MediaStream(), MediaStream()
        one.addTrack(MediaStreamTrack("audio"), stream, second)
        one.addTransceiver("video", {"direction": "sendonly"})
        events: list[Any] = []
        other.ontrack = events.append
        await one.setLocalDescription()
        await other.setRemoteDescription(one.localDescription)
        audio, video = events
        transceivers = other.getTransceivers()
        assert (audio.transceiver, audio.receiver, audio.track) == (
            transceivers[0],
            transceivers[0].receiver,
            transceivers[0].receiver.track,
        )
        assert [one.id for one in audio.streams] == [stream.id, second.id]
        assert audio.streams[0].getTracks() == [audio.track]
        assert video.streams == ()
        assert [one.direction for one in transceivers] == ["recvonly", "recvonly"]
        assert audio.track.muted


async def test_removing_a_track_fires_at_track_and_stream() -> None:
    async with pair() as (one, other):
        stream = MediaStream()
        sender = one.addTrack(MediaStreamTrack("audio"), stream)
        await negotiate(one, other)
        (remote,) = other.getRemoteStreams()
        track = other.getReceivers()[0].track
        track._set_muted(False)
        log: list[str] = []
        remote.onremovetrack = lambda happened: log.append(f"removetrack {happened.track is track}")
        track.onmute = lambda happened: log.append("mute")
        one.removeTrack(sender)
        await one.setLocalDescription()
        await other.setRemoteDescription(one.localDescription)
        assert log == ["mute", "removetrack True"]
        assert remote.getTracks() == []
        assert track.muted
        assert track.readyState == "live"


async def test_negotiated_directions() -> None:
    async with pair() as (one, other):
        one.addTransceiver("audio")
        one.addTransceiver("video", {"direction": "recvonly"})
        await one.setLocalDescription()
        await other.setRemoteDescription(one.localDescription)
        other.getTransceivers()[0].direction = "sendrecv"
        other.getTransceivers()[1].direction = "sendrecv"
        await other.setLocalDescription()
        await one.setRemoteDescription(other.localDescription)
        assert directions(one) == [("sendrecv", "sendrecv"), ("recvonly", "recvonly")]
        assert directions(other) == [("sendrecv", "sendrecv"), ("sendrecv", "sendonly")]
        assert [one.mid for one in one.getTransceivers()] == ["0", "1"]
        assert one.getSenders()[0].transport is one.getReceivers()[1].transport  # bundled


async def test_direction_refuses() -> None:
    pc = RTCPeerConnection()
    transceiver = pc.addTransceiver("audio")
    with pytest.raises(TypeError):
        transceiver.direction = "stopped"
    transceiver.direction = "sideways"  # ignored, as Web IDL has it
    assert transceiver.direction == "sendrecv"
    transceiver.stop()
    assert transceiver.direction == "stopped"
    with pytest.raises(DOMException, match="InvalidStateError"):
        transceiver.direction = "inactive"
    pc.close()


async def test_stop() -> None:
    async with pair() as (one, other):
        transceiver = one.addTransceiver("audio")
        await negotiate(one, other)
        track = transceiver.receiver.track
        ended = event(track, "ended")
        transceiver.stop()
        assert (transceiver.direction, transceiver.currentDirection) == ("stopped", "sendonly")
        assert transceiver.sender in one.getSenders()  # stopping, not stopped
        assert track.readyState == "live"  # what a source ends is ended in a task
        await ended
        assert track.readyState == "ended"
        far = other.getTransceivers()[0]
        await negotiate(one, other)
        assert one.getTransceivers() == other.getTransceivers() == []
        assert (transceiver.currentDirection, far.currentDirection, far.direction) == ("stopped",) * 3
        assert far.mid is None or far.mid == "0"
        assert far.receiver.track.readyState == "ended"
        transceiver.stop()


async def test_closing_stops_transceivers_and_ends_tracks() -> None:
    pc = RTCPeerConnection()
    transceiver = pc.addTransceiver("audio")
    ended = event(transceiver.receiver.track, "ended")
    await asyncio.sleep(0)
    pc.close()
    assert (transceiver.direction, transceiver.currentDirection) == ("stopped", "stopped")
    assert pc.getSenders() == []
    assert pc.getReceivers() == []
    assert pc.getTransceivers() == [transceiver]
    await ended


# --- senders


async def test_parameters_are_one_transaction() -> None:
    pc = RTCPeerConnection()
    sender = pc.addTransceiver("video").sender
    first = sender.getParameters()
    assert sender.getParameters().transactionId == first.transactionId
    await settled(pc)
    assert sender.getParameters().transactionId != first.transactionId
    promise = sender.setParameters(first)
    assert promise.failure is not None
    assert promise.failure.name == "InvalidModificationError"  # type: ignore[attr-defined]  # a DOMException
    await settled(pc)
    promise = sender.setParameters(first)
    assert promise.failure is not None
    assert promise.failure.name == "InvalidStateError"  # type: ignore[attr-defined]  # a DOMException
    pc.close()


async def test_set_parameters() -> None:
    pc = RTCPeerConnection()
    sender = pc.addTransceiver("video").sender
    parameters = sender.getParameters()
    parameters.encodings[0].update(active=False, maxBitrate=1000, maxFramerate=0, scaleResolutionDownBy=2)
    parameters.encodings[0].update(priority="high", networkPriority="very-low")
    promise = sender.setParameters(parameters)
    assert not promise.done()
    await promise
    assert sender.getParameters().encodings == [
        {
            "active": False,
            "priority": "high",
            "maxBitrate": 1000,
            "maxFramerate": 0.0,
            "scaleResolutionDownBy": 2.0,
            "networkPriority": "very-low",
            "adaptivePtime": False,
        }
    ]
    pc.close()


async def test_a_degradation_preference_is_kept() -> None:
    pc = RTCPeerConnection()
    sender = pc.addTransceiver("video").sender
    parameters = sender.getParameters()
    assert "degradationPreference" not in parameters
    parameters.degradationPreference = "maintain-resolution"
    await sender.setParameters(parameters)
    parameters = sender.getParameters()
    assert parameters.degradationPreference == "maintain-resolution"
    parameters.degradationPreference = "none"
    assert isinstance(sender.setParameters(parameters).failure, TypeError)
    del parameters["degradationPreference"]
    await sender.setParameters(parameters)
    assert "degradationPreference" not in sender.getParameters()
    pc.close()


async def test_two_calls_of_one_transaction_are_both_waited_for() -> None:
    pc = RTCPeerConnection()
    sender = pc.addTransceiver("video").sender
    parameters = sender.getParameters()
    first, second = sender.setParameters(parameters), sender.setParameters(parameters)
    await first
    assert pc._core.media.parameters_pending()
    await second
    assert not pc._core.media.parameters_pending()
    pc.close()


async def test_parameters_are_set_though_the_connection_closes() -> None:
    """Step 8.1 of setParameters doesn't ask whether it is closed."""
    async with pair() as (one, other):
        sender = one.addTrack(MediaStreamTrack("video"))
        await negotiate(one, other)
        parameters = sender.getParameters()
        parameters.encodings[0].active = False
        promise = sender.setParameters(parameters)
        one.close()
        await promise
        assert sender.getParameters().encodings[0].active is False


@pytest.mark.parametrize("adaptive", [False, True])
async def test_an_adaptive_packet_time_leaves_nothing_to_choose(adaptive: bool) -> None:
    pc = RTCPeerConnection()
    given = {"adaptivePtime": True} if adaptive else {"ptime": 40}
    sender = pc.addTransceiver("audio", {ENCODINGS: [given]}).sender
    parameters = sender.getParameters()
    assert (parameters.encodings[0].adaptivePtime, parameters.encodings[0].ptime) == (
        adaptive,
        None if adaptive else 40,
    )
    parameters.encodings[0].update(adaptivePtime=True, ptime=20)
    failure = sender.setParameters(parameters).failure
    assert isinstance(failure, DOMException)
    assert failure.name == "InvalidModificationError"
    with pytest.raises(DOMException, match="InvalidModificationError"):
        pc.addTransceiver("audio", {ENCODINGS: [{"adaptivePtime": True, "ptime": 20}]})
    pc.close()


@pytest.mark.parametrize(
    ("kind", "options", "name"),
    [
        ("video", {"encodingOptions": [{"keyFrame": True}]}, None),
        ("video", {"encodingOptions": [{}]}, None),
        ("video", {"encodingOptions": []}, None),
        ("video", {}, None),
        ("video", {"encodingOptions": [{}, {}]}, "InvalidModificationError"),
        ("audio", {"encodingOptions": [{}, {}]}, None),
        ("video", {"encodingOptions": 5}, "TypeError"),
        ("video", {"encodingOptions": [5]}, "TypeError"),
        ("video", 5, "TypeError"),
    ],
)
async def test_set_parameters_with_encoding_options(kind: str, options: Any, name: str | None) -> None:
    from peer.api import error_name

    pc = RTCPeerConnection()
    sender = pc.addTransceiver(kind).sender
    promise = sender.setParameters(sender.getParameters(), options)
    if name is None:
        await promise
    else:
        assert promise.failure is not None
        assert error_name(promise.failure) == name
    pc.close()


async def test_a_key_frame_is_asked_of_the_encodings_named() -> None:
    async with pair() as (one, other):
        sender = one.addTransceiver("video", {ENCODINGS: [{"rid": "q"}, {"rid": "f"}]}).sender
        await one.setLocalDescription()
        await other.setRemoteDescription(one.localDescription)
        await other.setLocalDescription()
        layers = "a=rid:q recv\r\na=rid:f recv\r\na=simulcast:recv q;f\r\n"
        answer = {"type": "answer", "sdp": held(other.localDescription).sdp + layers}
        await one.setRemoteDescription(answer)
        engine = held(one._core.media.engine)
        (outbound,) = engine.senders.values()
        for layer in outbound.layers:
            layer._key_wanted = False
        await sender.setParameters(sender.getParameters(), {"encodingOptions": [{}, {"keyFrame": True}]})
        assert [layer._key_wanted for layer in outbound.layers] == [False, True]


@pytest.mark.parametrize(
    ("change", "name"),
    [
        (lambda p: p.encodings.append({}), "InvalidModificationError"),
        (lambda p: p.encodings.clear(), "InvalidModificationError"),
        (lambda p: p.encodings[0].update(rid="x"), "InvalidModificationError"),
        (lambda p: p.update(transactionId="x"), "InvalidModificationError"),
        (
            lambda p: p.codecs.append({"mimeType": "video/x", "clockRate": 1, "payloadType": 1}),
            "InvalidModificationError",
        ),
        (lambda p: p.headerExtensions.append({"uri": "x", "id": 1}), "InvalidModificationError"),
        (lambda p: p.rtcp.update(cname="x"), "InvalidModificationError"),
        (
            lambda p: p.encodings[0].update(codec={"mimeType": "video/x", "clockRate": 1}),
            "InvalidModificationError",
        ),
        (lambda p: p.encodings[0].update(scaleResolutionDownBy=0.9), "RangeError"),
        (lambda p: p.encodings[0].update(maxFramerate=-0.1), "RangeError"),
        (lambda p: p.encodings[0].update(maxFramerate="x"), "TypeError"),
        (lambda p: p.pop("encodings"), "TypeError"),
        (lambda p: p.pop("transactionId"), "TypeError"),
    ],
)
async def test_set_parameters_refuses(change: Any, name: str) -> None:
    from peer.api import error_name

    pc = RTCPeerConnection()
    sender = pc.addTransceiver("video").sender
    before = sender.getParameters()
    parameters = sender.getParameters()
    change(parameters)
    promise = sender.setParameters(parameters)
    assert promise.failure is not None
    assert error_name(promise.failure) == name
    assert sender.getParameters() == before
    pc.close()


async def test_negotiated_parameters() -> None:
    async with pair() as (one, other):
        one.addTransceiver("video")
        await negotiate(one, other)
        sender = one.getSenders()[0].getParameters()
        receiver = other.getReceivers()[0].getParameters()
        assert sender.codecs
        assert [codec.payloadType for codec in sender.codecs] == [codec.payloadType for codec in receiver.codecs]
        assert sender.rtcp.cname
        assert sender.rtcp.reducedSize is True
        assert "cname" not in receiver.rtcp
        assert {extension.uri for extension in sender.headerExtensions}


async def test_replace_track() -> None:
    pc = RTCPeerConnection()
    transceiver = pc.addTransceiver("audio")
    track = MediaStreamTrack("audio")
    promise = transceiver.sender.replaceTrack(track)
    assert transceiver.sender.track is None
    await promise
    assert transceiver.sender.track is track
    assert isinstance(transceiver.sender.replaceTrack(MediaStreamTrack("video")).failure, TypeError)
    assert isinstance(transceiver.sender.replaceTrack("x").failure, TypeError)
    await transceiver.sender.replaceTrack(None)
    assert transceiver.sender.track is None
    transceiver.stop()
    with pytest.raises(DOMException, match="InvalidStateError"):
        await transceiver.sender.replaceTrack(None)
    pc.close()


async def test_set_streams_is_negotiated() -> None:
    async with pair() as (one, other):
        sender = one.addTrack(MediaStreamTrack("audio"))
        await negotiate(one, other)
        stream = MediaStream()
        needed = event(one, "negotiationneeded")
        sender.setStreams(stream, stream)
        await needed
        fired = event(other, "track")
        await one.setLocalDescription()
        await other.setRemoteDescription(one.localDescription)
        assert [one.id for one in (await fired).streams] == [stream.id]


@pytest.mark.parametrize("kind", ["audio", "video"])
async def test_capabilities_and_codec_preferences(kind: str) -> None:
    from peer.api import RTCRtpReceiver, RTCRtpSender

    for interface in (RTCRtpSender, RTCRtpReceiver):
        capabilities = interface.getCapabilities(kind)
        assert capabilities is not None
        assert interface.getCapabilities("other") is None
        names = [codec.mimeType.lower() for codec in capabilities.codecs]
        assert names.count(f"{kind}/rtx") <= 1
        assert capabilities.headerExtensions
    capabilities = RTCRtpReceiver.getCapabilities(kind)
    assert capabilities is not None
    pc = RTCPeerConnection()
    transceiver = pc.addTransceiver(kind)
    chosen = capabilities.codecs[-1] if kind == "audio" else capabilities.codecs[0]
    reordered = [capabilities.codecs[2], chosen, chosen]
    transceiver.setCodecPreferences(reordered)
    offer = await pc.createOffer()
    mapped = [line for line in offer.sdp.splitlines() if line.startswith("a=rtpmap")]
    assert capabilities.codecs[2].mimeType.partition("/")[2] in mapped[0]
    assert len(mapped) == 2
    transceiver.setCodecPreferences([])
    assert (await pc.createOffer()).sdp.count("a=rtpmap") > 2
    for refused in (
        [{"mimeType": f"{kind}/none", "clockRate": 8000}],
        [{**chosen, "clockRate": 1}],
        [{**chosen, "sdpFmtpLine": "x=y"}],
    ):
        with pytest.raises(DOMException, match="InvalidModificationError"):
            transceiver.setCodecPreferences(refused)
    wrong: Any
    for wrong in ("x", [{}], [5], None):
        with pytest.raises(TypeError):
            transceiver.setCodecPreferences(wrong)
    pc.close()


async def test_only_auxiliary_codecs_are_refused() -> None:
    pc = RTCPeerConnection()
    transceiver = pc.addTransceiver("video")
    with pytest.raises(DOMException, match="InvalidModificationError"):
        transceiver.setCodecPreferences([{"mimeType": "video/rtx", "clockRate": 90000}])
    pc.close()


async def test_jitter_buffer_target() -> None:
    pc = RTCPeerConnection()
    receiver = pc.addTransceiver("audio").receiver
    assert receiver.jitterBufferTarget is None
    receiver.jitterBufferTarget = 4000
    assert receiver.jitterBufferTarget == 4000.0
    for refused in (-1, 4001):
        with pytest.raises(RangeError):
            receiver.jitterBufferTarget = refused
    target: Any
    for target in ("x", [1, 2]):
        with pytest.raises(TypeError):
            receiver.jitterBufferTarget = target
    target = "0x10"
    receiver.jitterBufferTarget = target
    assert receiver.jitterBufferTarget == 16.0
    receiver.jitterBufferTarget = None
    assert receiver.getContributingSources() == receiver.getSynchronizationSources() == []
    pc.close()


async def test_what_plays_in_sync_is_held_for_the_larger_target() -> None:
    async with pair() as (one, other):
        stream, another = MediaStream(), MediaStream()
        one.addTransceiver("audio", {"streams": [stream]})
        one.addTransceiver("video", {"streams": [stream, another]})
        one.addTransceiver("video", {"streams": [MediaStream()]})
        await negotiate(one, other)
        sound, picture, alone = other.getReceivers()
        sound.jitterBufferTarget, picture.jitterBufferTarget = 300, 200
        delays = [one._minimum_delay for one in held(other._core.media.engine).receivers.values()]
        assert delays == [0.3, 0.3, 0.0]
        alone.jitterBufferTarget = 100
        assert [one.jitterBufferTarget for one in (sound, picture, alone)] == [300, 200, 100]


async def test_clones_of_a_remote_track_share_its_source() -> None:
    async with pair() as (one, other):
        one.addTransceiver("video")
        await negotiate(one, other)
        track = other.getReceivers()[0].track
        clone, silent = track.clone(), track.clone().clone()
        other._core.media._set_muted(other.getTransceivers()[0], False)
        assert (track.muted, clone.muted, silent.muted) == (False, False, False)
        track.stop()  # its own doing: the clones go on
        assert (clone.readyState, silent.readyState) == ("live", "live")
        ended = event(clone, "ended")
        other.getTransceivers()[0].stop()
        await ended
        assert silent.readyState == "ended"


async def test_a_track_is_replaced_before_the_promise_says_so() -> None:
    """Step 6.4.4.3 of replaceTrack: a task of its own."""
    pc = RTCPeerConnection()
    sender = pc.addTransceiver("audio").sender
    track = MediaStreamTrack("audio")
    promise = sender.replaceTrack(track)
    seen: list[tuple[bool, bool]] = []
    pc._core.queue(lambda: seen.append((sender.track is track, promise.done())))
    await promise
    assert seen == [(True, False)]
    pc.close()


async def test_there_is_no_hardware_to_disable() -> None:
    RTCRtpSender.disableHardwareEncoding()
    RTCRtpReceiver.disableHardwareDecoding()


async def test_what_is_not_sent_yet_has_no_statistics() -> None:
    """The stats selection algorithm starts from outbound-rtp and inbound-rtp."""
    pc = RTCPeerConnection()
    sender = pc.addTrack(MediaStreamTrack("audio"))
    assert (await sender.getStats()).size == 0
    assert (await pc.getReceivers()[0].getStats()).size == 0
    assert (await pc.getStats()).of_type("media-source")
    pc.close()


async def test_statistics_of_a_sender() -> None:
    async with pair() as (one, other):
        track = MediaStreamTrack("audio")
        sender = one.addTrack(track)
        await negotiate(one, other)
        whole, selected, of_sender = await one.getStats(), await one.getStats(track), await sender.getStats()
        lasting = [{stats.id for stats in one.of_type("codec")} for one in (selected, of_sender, whole)]
        assert lasting[0] == lasting[1] <= lasting[2]
        assert of_sender.of_type("codec")
        assert of_sender.of_type("media-source")[0].trackIdentifier == track.id
        with pytest.raises(DOMException, match="InvalidAccessError"):
            await one.getStats(MediaStreamTrack("audio"))
        received = other.getReceivers()[0]
        assert not (await received.getStats()).of_type("codec")  # "only the subset of codecs that are in use"


def test_tracks_and_streams() -> None:
    audio, video = MediaStreamTrack("audio", label="mic"), MediaStreamTrack("video")
    stream = MediaStream([audio])
    stream.addTrack(video)
    stream.addTrack(video)
    assert (stream.getTracks(), stream.getAudioTracks(), stream.getVideoTracks()) == ([audio, video], [audio], [video])
    assert stream.getTrackById(audio.id) is audio
    assert MediaStream(stream).getTracks() == [audio, video]
    assert MediaStream(stream).id != stream.id
    copy = stream.clone()
    assert [one.kind for one in copy.getTracks()] == ["audio", "video"]
    assert copy.getTracks()[0] is not audio
    stream.removeTrack(audio)
    assert stream.active
    video.stop()
    assert not stream.active
    assert (audio.getCapabilities(), audio.getConstraints(), audio.getSettings()) == ({}, {}, {})
    wrong: Any
    for wrong in ("x", None):
        with pytest.raises(TypeError):
            stream.addTrack(wrong)
        with pytest.raises(TypeError):
            stream.removeTrack(wrong)
    with pytest.raises(TypeError):
        MediaStreamTrack("smell")


async def test_remote_tracks_can_not_be_constrained() -> None:
    pc = RTCPeerConnection()
    remote = pc.addTransceiver("video").receiver.track
    failure = remote.applyConstraints({"width": 100}).failure
    assert isinstance(failure, DOMException)
    assert failure.name == "OverconstrainedError"
    assert MediaStreamTrack("video").applyConstraints({"width": 100}).done()
    pc.close()


# WebRTC Extensions, "RTP header extension control"

MID = "urn:ietf:params:rtp-hdrext:sdes:mid"
LEVEL = "urn:ietf:params:rtp-hdrext:ssrc-audio-level"


def chosen(transceiver: RTCRtpTransceiver, **directions: str) -> list[dict[str, Any]]:
    """The list to negotiate, with another direction for LEVEL or MID."""
    others = {{"level": LEVEL, "mid": MID}[name]: direction for name, direction in directions.items()}
    every = transceiver.getHeaderExtensionsToNegotiate()
    return [{"uri": one.uri, "direction": others.get(one.uri, one.direction)} for one in every]


def direction_of(extensions: list[Any], uri: str = LEVEL) -> str:
    (direction,) = [one["direction"] for one in extensions if one["uri"] == uri]
    return str(direction)


async def test_all_header_extensions_are_negotiated_to_begin_with() -> None:
    pc = RTCPeerConnection()
    transceiver = pc.addTransceiver("audio")
    listed = transceiver.getHeaderExtensionsToNegotiate()
    assert {one.direction for one in listed} == {"sendrecv"}
    capabilities = RTCRtpSender.getCapabilities("audio")
    assert capabilities is not None
    assert listed == capabilities.headerExtensions
    assert transceiver.getNegotiatedHeaderExtensions() == []
    listed[0].direction = "stopped"  # a copy
    assert {one.direction for one in transceiver.getHeaderExtensionsToNegotiate()} == {"sendrecv"}
    pc.close()


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (lambda rows: "no list", TypeError),
        (lambda rows: [{"uri": row["uri"]} for row in rows], TypeError),
        (lambda rows: [{"direction": "sendrecv"} for _ in rows], TypeError),
        (lambda rows: [{**row, "direction": "up"} for row in rows], TypeError),
        (lambda rows: rows[1:], "InvalidModificationError"),
        (lambda rows: [], "InvalidModificationError"),
        (lambda rows: rows[::-1], "InvalidModificationError"),
        (lambda rows: [{**row, "uri": row["uri"].upper()} for row in rows], "InvalidModificationError"),
        (lambda rows: [{**row, "direction": "stopped"} for row in rows], "InvalidModificationError"),
        (lambda rows: [{**row, "direction": "recvonly"} for row in rows], "InvalidModificationError"),
    ],
)
async def test_header_extensions_that_cannot_be_set(change: Any, error: type[Exception] | str) -> None:
    pc = RTCPeerConnection()
    transceiver = pc.addTransceiver("audio")
    before = transceiver.getHeaderExtensionsToNegotiate()
    with pytest.raises(error if isinstance(error, type) else DOMException) as raised:
        transceiver.setHeaderExtensionsToNegotiate(change(before))
    if isinstance(error, str):
        assert getattr(raised.value, "name", None) == error
    assert transceiver.getHeaderExtensionsToNegotiate() == before
    pc.close()


@pytest.mark.parametrize(
    ("direction", "line", "answered"),
    [
        ("sendrecv", f"a=extmap:1 {LEVEL}\r\n", "sendrecv"),
        ("sendonly", f"a=extmap:1/sendonly {LEVEL}\r\n", "recvonly"),
        ("recvonly", f"a=extmap:1/recvonly {LEVEL}\r\n", "sendonly"),
        ("inactive", f"a=extmap:1/inactive {LEVEL}\r\n", "inactive"),
        ("stopped", "", "stopped"),
    ],
)
async def test_the_offerer_says_the_direction_of_a_header_extension(direction: str, line: str, answered: str) -> None:
    async with pair() as (one, other):
        mine = one.addTransceiver("audio")
        mine.setHeaderExtensionsToNegotiate(chosen(mine, level=direction))
        assert direction_of(mine.getHeaderExtensionsToNegotiate()) == direction
        offer = await one.createOffer()
        assert (LEVEL in offer.sdp) is bool(line)
        assert line in offer.sdp
        await negotiate(one, other)
        (theirs,) = other.getTransceivers()
        for transceiver, said in ((mine, direction), (theirs, answered)):
            assert direction_of(transceiver.getNegotiatedHeaderExtensions()) == said
            assert direction_of(transceiver.getHeaderExtensionsToNegotiate()) == said
            assert direction_of(transceiver.getNegotiatedHeaderExtensions(), MID) == "sendrecv"
        sent = {extension.uri for extension in mine.sender.getParameters().headerExtensions}
        assert (LEVEL in sent) is (direction in ("sendrecv", "sendonly"))
        again = await one.createOffer()  # what was negotiated goes on
        assert line in again.sdp
        assert (LEVEL in again.sdp) is bool(line)


@pytest.mark.parametrize("direction", ["sendonly", "recvonly", "stopped"])
async def test_the_answerer_narrows_a_header_extension(direction: str) -> None:
    async with pair() as (one, other):
        mine = one.addTransceiver("audio")
        await one.setLocalDescription()
        await other.setRemoteDescription(one.localDescription)
        (theirs,) = other.getTransceivers()
        theirs.direction = "sendrecv"
        theirs.setHeaderExtensionsToNegotiate(chosen(theirs, level=direction))
        await other.setLocalDescription()
        await one.setRemoteDescription(other.localDescription)
        reverse = {"sendonly": "recvonly", "recvonly": "sendonly", "stopped": "stopped"}[direction]
        assert direction_of(theirs.getNegotiatedHeaderExtensions()) == direction
        assert direction_of(mine.getNegotiatedHeaderExtensions()) == reverse
        sent = {extension.uri for extension in theirs.sender.getParameters().headerExtensions}
        assert (LEVEL in sent) is (direction == "sendonly")
        # a stopped one can be asked for again
        mine.setHeaderExtensionsToNegotiate(chosen(mine, level="sendrecv"))
        assert f"a=extmap:1 {LEVEL}\r\n" in (await one.createOffer()).sdp


async def test_a_new_transceiver_negotiates_what_the_first_of_its_kind_does() -> None:
    pc = RTCPeerConnection()
    first = pc.addTransceiver("audio")
    first.setHeaderExtensionsToNegotiate(chosen(first, level="stopped"))
    assert pc.addTransceiver("audio").getHeaderExtensionsToNegotiate() == first.getHeaderExtensionsToNegotiate()
    assert {one.direction for one in pc.addTransceiver("video").getHeaderExtensionsToNegotiate()} == {"sendrecv"}
    first.stop()
    second = pc.getTransceivers()[1]
    second.setHeaderExtensionsToNegotiate(chosen(second, level="recvonly"))
    assert direction_of(pc.addTransceiver("audio").getHeaderExtensionsToNegotiate()) == "recvonly"
    pc.close()


# WebRTC Extensions, scaleResolutionDownTo

TO = "scaleResolutionDownTo"


def bounds(width: int, height: int, **more: Any) -> dict[str, Any]:
    return {TO: {"maxWidth": width, "maxHeight": height}, **more}


@pytest.mark.parametrize(
    ("encodings", "valid"),
    [
        ([bounds(320, 180, rid="a"), bounds(640, 360, rid="b")], True),
        ([bounds(320, 180, rid="a"), {"rid": "b", "active": False}], True),
        ([bounds(320, 180, rid="a"), {"rid": "b"}], False),
        ([bounds(0, 180, rid="a"), bounds(640, 360, rid="b")], False),
        ([bounds(320, 0, rid="a", active=False), bounds(640, 360, rid="b")], False),
        ([{"rid": "a", TO: {"maxWidth": 320}}, bounds(640, 360, rid="b")], False),
        ([{"rid": "a", TO: {}}, bounds(640, 360, rid="b")], False),
    ],
)
async def test_a_resolution_is_restricted_everywhere_or_nowhere(encodings: list[Any], valid: bool) -> None:
    pc = RTCPeerConnection()
    sender = pc.addTransceiver("video", {ENCODINGS: [{"rid": "a"}, {"rid": "b"}]}).sender
    parameters = sender.getParameters()
    for one, changed in zip(parameters.encodings, encodings, strict=True):
        one.update(changed)
    promise = sender.setParameters(parameters)
    if valid:
        await promise
        made = pc.addTransceiver("video", {ENCODINGS: encodings}).sender
        for one in (sender, made):
            assert [each.get(TO) for each in one.getParameters().encodings] == [each.get(TO) for each in encodings]
    else:
        assert getattr(promise.failure, "name", None) == "InvalidModificationError"
        with pytest.raises(DOMException) as raised:
            pc.addTransceiver("video", {ENCODINGS: encodings})
        assert raised.value.name == "OperationError"
    pc.close()


async def test_audio_has_no_resolution() -> None:
    pc = RTCPeerConnection()
    sender = pc.addTransceiver("audio", {ENCODINGS: [bounds(0, 0)]}).sender
    assert TO not in sender.getParameters().encodings[0]
    pc.close()


@pytest.mark.parametrize(
    ("restriction", "size"),
    [
        ((640, 360), (640, 360)),
        ((360, 640), (640, 360)),
        ((640, 1000), (1000, 562)),
        ((2000, 180), (320, 180)),
        ((4000, 4000), (1280, 720)),
    ],
)
async def test_pictures_fit_the_resolution(restriction: tuple[int, int], size: tuple[int, int]) -> None:
    async with pair() as (one, other):
        one.addTransceiver("video", {ENCODINGS: [bounds(*restriction, scaleResolutionDownBy=8)]})
        await negotiate(one, other)
        (outbound,) = held(one._core.media.engine).senders.values()
        (layer,) = outbound.layers
        assert layer.size(1280, 720) == size
        assert layer.size(720, 1280) == size[::-1]
