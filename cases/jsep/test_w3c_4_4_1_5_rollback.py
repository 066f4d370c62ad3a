"""W3C webrtc-pc section 4.4.1.5, step 4.7.12, and RFC 9429 section 5.7: what a rollback brings back."""

from __future__ import annotations

from cases.playing import PAIR, PC, negotiate, play, read, remote
from cases.speaking import audio, data, description, video
from harness.cases import check, clause
from harness.endpoints.base import Endpoint
from harness.script import (
    AddTrack,
    AddTransceiver,
    Call,
    CreateDataChannel,
    CreateOffer,
    Get,
    Ref,
    SetLocalDescription,
    SetRemoteDescription,
    Step,
    Track,
    WaitFor,
)

OFFER = description(audio("a", "sendrecv", "msid:stream track"))
ROLLBACK = SetRemoteDescription(type="rollback")
ALL = Call("pc", "getTransceivers", (), "all")


def rolled_back(*before: Step) -> list[Step]:
    """A remote offer, taken back."""
    return [PC, *before, remote("offer", OFFER), ROLLBACK]


async def test_sanity_a_remote_offer_is_taken_back(endpoint: Endpoint) -> None:
    (await play(endpoint, rolled_back(), read("pc.signalingState"))).gave({"pc.signalingState": "stable"})


@clause("W3C-set-a-session-description-4.7.12.4")
async def test_no_description_is_pending_any_more(endpoint: Endpoint) -> None:
    played = await play(endpoint, rolled_back(), read("pc.pendingRemoteDescription", "pc.remoteDescription"))
    played.gave({"pc.pendingRemoteDescription": None, "pc.remoteDescription": None})


@clause("W3C-set-a-session-description-4.7.12.3.7")
async def test_the_transceiver_that_the_offer_made_is_gone(endpoint: Endpoint) -> None:
    (await play(endpoint, rolled_back(), ALL, read("all.length"))).gave({"all.length": 0})


@clause("W3C-set-a-session-description-4.7.12.3.7")
async def test_the_transceiver_that_is_gone_is_stopped(endpoint: Endpoint) -> None:
    played = await play(
        endpoint,
        PC,
        remote("offer", OFFER),
        ALL,
        Get("all", "0", "transceiver"),
        ROLLBACK,
        read("transceiver.currentDirection", "transceiver.mid"),
    )
    played.gave({"transceiver.currentDirection": "stopped", "transceiver.mid": None})


@clause("W3C-set-a-session-description-4.7.12.3.7")
async def test_a_transceiver_with_a_track_of_ours_stays(endpoint: Endpoint) -> None:
    played = await play(
        endpoint,
        PC,
        remote("offer", OFFER),
        Track("audio", "track"),
        AddTrack(Ref("track")),
        ROLLBACK,
        ALL,
        read("all.length", "all.0.mid", "all.0.sender.track"),
    )
    played.gave({"all.length": 1, "all.0.mid": None, "all.0.sender.track": Ref("track")})


@clause("W3C-set-a-session-description-4.7.12.3.1")
async def test_a_transceiver_of_ours_loses_its_mid(endpoint: Endpoint) -> None:
    played = await play(
        endpoint,
        PC,
        AddTransceiver("audio"),
        SetLocalDescription(),
        SetLocalDescription(type="rollback"),
        read("transceiver.mid"),
    )
    played.gave({"transceiver.mid": None})


@clause("W3C-set-a-session-description-4.7.12.3.2", "W3C-set-a-session-description-4.7.12.3.4")
async def test_a_transceiver_of_ours_loses_its_transport(endpoint: Endpoint) -> None:
    played = await play(
        endpoint,
        PC,
        AddTransceiver("audio"),
        SetLocalDescription(),
        SetLocalDescription(type="rollback"),
        read("transceiver.sender.transport", "transceiver.receiver.transport"),
    )
    played.gave({"transceiver.sender.transport": None, "transceiver.receiver.transport": None})


@clause("W3C-set-a-session-description-4.7.12.3.1")
async def test_a_mid_that_was_negotiated_stays(endpoint: Endpoint) -> None:
    played = await play(
        endpoint,
        PAIR,
        AddTransceiver("audio", on="a"),
        negotiate(),
        Get("transceiver", "mid", "before"),
        AddTransceiver("video", on="a", bind="other"),
        SetLocalDescription(on="a"),
        SetLocalDescription(on="a", type="rollback"),
        Get("transceiver", "mid", "after"),
        read("other.mid"),
    )
    played.gave({"other.mid": None})
    check(played["before"] == played["after"] is not None, f"the mid {played['before']} became {played['after']}")


@clause("W3C-set-a-session-description-4.7.12.3.2")
async def test_a_transport_that_was_negotiated_stays(endpoint: Endpoint) -> None:
    played = await play(
        endpoint,
        PAIR,
        AddTransceiver("audio", on="a"),
        negotiate(),
        Get("transceiver.sender", "transport", "transport"),
        AddTransceiver("video", on="a", bind="other"),
        SetLocalDescription(on="a"),
        SetLocalDescription(on="a", type="rollback"),
        read("transceiver.sender.transport"),
    )
    played.gave({"transceiver.sender.transport": Ref("transport")})


@clause("W3C-set-a-session-description-4.7.12.3.6.2")
async def test_a_track_leaves_the_stream_it_was_offered_in(endpoint: Endpoint) -> None:
    played = await play(
        endpoint,
        PC,
        remote("offer", OFFER),
        WaitFor("track", bind="event"),
        Get("event.streams", "0", "stream"),
        ROLLBACK,
        Call("stream", "getTracks", (), "tracks"),
        read("tracks.length"),
    )
    played.gave({"tracks.length": 0})


@clause("W3C-set-a-session-description-4.7.12.3.6.2")
async def test_a_track_that_stopped_being_sent_is_announced_again(endpoint: Endpoint) -> None:
    silent = description(audio("a", "recvonly", "msid:stream track"))
    played = await play(endpoint, PC, remote("offer", OFFER), SetLocalDescription(), remote("offer", silent), ROLLBACK)
    played.gave()
    check(len(played.events("track")) == 2, f"track was fired {len(played.events('track'))} times")


@clause("W3C-set-a-session-description-4.7.12.3.7")
async def test_the_track_of_a_transceiver_that_is_gone_ends(endpoint: Endpoint) -> None:
    played = await play(
        endpoint,
        PC,
        remote("offer", OFFER),
        WaitFor("track", bind="event"),
        Get("event", "track", "track"),
        ROLLBACK,
        WaitFor("readyState", "ended", on="track"),
    )
    played.gave()


@clause("W3C-set-a-session-description-4.7.12.3.3")
async def test_layers_an_offer_proposed_are_forgotten(endpoint: Endpoint) -> None:
    asked = (
        "extmap:10 urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id",
        "rid:hi recv",
        "rid:lo recv",
        "simulcast:recv hi;lo",
    )
    played = await play(
        endpoint,
        PC,
        Track("video", "track"),
        AddTrack(Ref("track")),
        remote("offer", description(video("v", "recvonly", *asked))),
        ROLLBACK,
        Call("sender", "getParameters", (), "parameters"),
        read("parameters.encodings.length", "parameters.encodings.0.rid"),
    )
    played.gave({"parameters.encodings.length": 1, "parameters.encodings.0.rid": None})


@clause("W3C-set-a-session-description-4.7.12.2")
async def test_an_association_the_offer_made_is_gone(endpoint: Endpoint) -> None:
    played = await play(endpoint, PC, remote("offer", description(data("d"))), ROLLBACK, read("pc.sctp"))
    played.gave({"pc.sctp": None})


@clause("W3C-set-a-session-description-4.7.14.3")
async def test_what_was_needed_is_needed_again(endpoint: Endpoint) -> None:
    needed = WaitFor("negotiationneeded")
    back = SetLocalDescription(type="rollback")
    (await play(endpoint, PC, AddTransceiver("audio"), needed, SetLocalDescription(), back, needed)).gave()


@clause("RFC9429-5.7-M2")
async def test_a_rollback_of_the_wrong_side_is_the_same(endpoint: Endpoint) -> None:
    """W3C looks at the state alone: setRemoteDescription takes a local offer back as well."""
    played = await play(
        endpoint, PC, AddTransceiver("audio"), SetLocalDescription(), ROLLBACK, read("pc.signalingState")
    )
    played.gave({"pc.signalingState": "stable"})


@clause("W3C-set-a-session-description-2")
async def test_a_provisional_answer_can_not_be_taken_back(endpoint: Endpoint) -> None:
    answer = Call("pc", "setLocalDescription", ({"type": "pranswer", "sdp": Ref("answer.sdp")},))
    played = await play(
        endpoint, PC, remote("offer", OFFER), Call("pc", "createAnswer", (), "answer"), answer, ROLLBACK
    )
    played.threw("InvalidStateError")


@clause("W3C-set-a-session-description-2")
async def test_nothing_can_be_taken_back_twice(endpoint: Endpoint) -> None:
    (await play(endpoint, rolled_back(), ROLLBACK)).threw("InvalidStateError")


@clause("W3C-RTCPeerConnection.setLocalDescription-4.2")
async def test_the_text_of_a_rollback_does_not_count(endpoint: Endpoint) -> None:
    played = await play(
        endpoint,
        PC,
        AddTransceiver("audio"),
        SetLocalDescription(),
        Call("pc", "setLocalDescription", ({"type": "rollback", "sdp": "!<>"},)),
        read("pc.signalingState"),
    )
    played.gave({"pc.signalingState": "stable"})


@clause("W3C-set-a-session-description-4.7.15")
async def test_a_rollback_fires_signalingstatechange(endpoint: Endpoint) -> None:
    played = await play(endpoint, rolled_back())
    played.gave()
    passed = [one.states["signalingState"] for one in played.trace.events("signalingstatechange")]
    check(passed == ["have-remote-offer", "stable"], f"it went through {passed}")


@clause("RFC9429-5.7-M3")
async def test_an_offer_after_a_rollback_is_as_before(endpoint: Endpoint) -> None:
    added = (Track("audio", "track"), AddTrack(Ref("track")))
    played = await play(endpoint, rolled_back(*added), CreateOffer())
    played.gave()
    sections = [line for line in played["offer"]["sdp"].split("\r\n") if line.startswith("m=")]
    check(len(sections) == 1, f"the offer has {len(sections)} m-sections")


@clause("W3C-set-a-session-description-4.7.12.4")
async def test_the_current_descriptions_stay(endpoint: Endpoint) -> None:
    played = await play(
        endpoint,
        PAIR,
        CreateDataChannel("x", on="a"),
        negotiate(),
        Get("a.currentLocalDescription", "sdp", "before"),
        AddTransceiver("audio", on="a"),
        SetLocalDescription(on="a"),
        SetLocalDescription(on="a", type="rollback"),
        Get("a.localDescription", "type", "type"),
    )
    played.gave(type="offer")
