"""W3C webrtc-pc section 4.4.2: createOffer to close, and what each does when."""

from __future__ import annotations

from typing import Any

from cases.playing import PC, play, read, remote
from cases.speaking import audio, data, description
from harness.cases import check, clause
from harness.endpoints.base import Endpoint
from harness.script import (
    AddTransceiver,
    Call,
    Close,
    CreateAnswer,
    CreateDataChannel,
    CreateOffer,
    Get,
    GetConfiguration,
    New,
    Ref,
    RestartIce,
    SetConfiguration,
    SetLocalDescription,
    WaitFor,
)

CANDIDATE = "candidate:1 1 udp 2113929471 192.0.2.1 50000 typ host"
OFFER = description(audio("a"), data("d"))
OFFERED = (PC, remote("offer", OFFER))


def candidate(text: Any = CANDIDATE, **members: Any) -> Call:
    return Call("pc", "addIceCandidate", ({"candidate": text, **members},))


async def test_sanity_an_offer_is_made(endpoint: Endpoint) -> None:
    (await play(endpoint, PC, AddTransceiver("audio"), CreateOffer(), read("offer.type"))).gave({"offer.type": "offer"})


@clause("W3C-final-steps-to-create-an-offer-5")
async def test_the_offer_created_last_may_be_set(endpoint: Endpoint) -> None:
    played = await play(
        endpoint, PC, AddTransceiver("audio"), CreateOffer(bind=None), CreateOffer(), SetLocalDescription(Ref("offer"))
    )
    played.gave()


@clause("W3C-RTCPeerConnection.setLocalDescription-4.2")
async def test_an_offer_of_before_the_last_may_not_be_set(endpoint: Endpoint) -> None:
    played = await play(
        endpoint,
        PC,
        AddTransceiver("audio"),
        CreateOffer(),
        AddTransceiver("video"),
        CreateOffer(bind=None),
        SetLocalDescription(Ref("offer")),
    )
    played.threw("InvalidModificationError")


@clause("W3C-create-an-offer-1")
async def test_no_offer_is_made_with_a_remote_one_pending(endpoint: Endpoint) -> None:
    (await play(endpoint, *OFFERED, CreateOffer())).threw("InvalidStateError")


@clause("W3C-RTCPeerConnection.createAnswer-2")
async def test_no_answer_is_made_after_close(endpoint: Endpoint) -> None:
    (await play(endpoint, *OFFERED, Close(), CreateAnswer())).threw("InvalidStateError")


@clause("W3C-create-an-answer-1")
async def test_no_answer_is_made_to_a_local_offer(endpoint: Endpoint) -> None:
    played = await play(endpoint, PC, AddTransceiver("audio"), SetLocalDescription(), CreateAnswer())
    played.threw("InvalidStateError")


@clause("W3C-final-steps-to-create-an-answer-5")
async def test_the_answer_created_last_may_be_set(endpoint: Endpoint) -> None:
    played = await play(
        endpoint, *OFFERED, CreateAnswer(), SetLocalDescription(Ref("answer")), read("pc.signalingState")
    )
    played.gave({"pc.signalingState": "stable"})


@clause("W3C-RTCPeerConnection.setLocalDescription-4.3")
async def test_a_changed_answer_is_refused(endpoint: Endpoint) -> None:
    changed = SetLocalDescription(type="answer", sdp=description(audio("a"), data("d"), setup="active"))
    (await play(endpoint, *OFFERED, CreateAnswer(), changed)).threw("InvalidModificationError")


@clause("W3C-RTCPeerConnection.setLocalDescription-4.1")
async def test_without_a_type_an_offer_is_set_in_stable(endpoint: Endpoint) -> None:
    played = await play(endpoint, PC, AddTransceiver("audio"), SetLocalDescription(), read("pc.localDescription.type"))
    played.gave({"pc.localDescription.type": "offer"})


@clause("W3C-RTCPeerConnection.setLocalDescription-4.1")
async def test_without_a_type_an_answer_is_set_to_an_offer(endpoint: Endpoint) -> None:
    played = await play(endpoint, *OFFERED, SetLocalDescription(), read("pc.localDescription.type"))
    played.gave({"pc.localDescription.type": "answer"})


@clause("W3C-RTCPeerConnection.setLocalDescription-4.5.2.2")
async def test_a_pranswer_without_text_is_made_as_needed(endpoint: Endpoint) -> None:
    played = await play(endpoint, *OFFERED, SetLocalDescription(type="pranswer"), read("pc.signalingState"))
    played.gave({"pc.signalingState": "have-local-pranswer"})


@clause("W3C-RTCPeerConnection.setLocalDescription-4.4.2")
async def test_an_offer_that_is_out_of_date_is_made_anew(endpoint: Endpoint) -> None:
    played = await play(
        endpoint,
        PC,
        AddTransceiver("audio"),
        CreateOffer(),
        AddTransceiver("video"),
        SetLocalDescription(),
        read("pc.localDescription.sdp"),
    )
    played.gave()
    check("m=video" in played["pc.localDescription.sdp"], "the offer that was set knows nothing of the video")


@clause("W3C-Introduction-M1")
async def test_the_type_of_a_local_description_is_one_of_four(endpoint: Endpoint) -> None:
    (await play(endpoint, PC, SetLocalDescription(type="question"))).threw("TypeError")


@clause("W3C-Introduction-M1")
async def test_a_remote_description_is_required(endpoint: Endpoint) -> None:
    (await play(endpoint, PC, Call("pc", "setRemoteDescription"))).threw("TypeError")


@clause("W3C-Introduction-M1")
async def test_a_remote_description_has_a_type(endpoint: Endpoint) -> None:
    (await play(endpoint, PC, Call("pc", "setRemoteDescription", ({"sdp": OFFER},)))).threw("TypeError")


@clause("W3C-RTCPeerConnection.setRemoteDescription-3.1.1")
async def test_a_remote_offer_takes_our_own_back(endpoint: Endpoint) -> None:
    played = await play(
        endpoint, PC, AddTransceiver("video"), SetLocalDescription(), remote("offer", OFFER), read("pc.signalingState")
    )
    played.gave({"pc.signalingState": "have-remote-offer"})
    passed = [one.states["signalingState"] for one in played.trace.events("signalingstatechange")]
    check(passed == ["have-local-offer", "stable", "have-remote-offer"], f"it went through {passed}")


@clause("W3C-RTCPeerConnection.addIceCandidate-3")
async def test_a_candidate_is_for_some_section(endpoint: Endpoint) -> None:
    (await play(endpoint, *OFFERED, candidate())).threw("TypeError")


@clause("W3C-RTCPeerConnection.addIceCandidate-4.2")
async def test_a_candidate_is_found_by_its_mid(endpoint: Endpoint) -> None:
    (await play(endpoint, *OFFERED, candidate(sdpMid="a"))).gave()


@clause("W3C-RTCPeerConnection.addIceCandidate-4.3")
async def test_a_candidate_is_found_by_its_index(endpoint: Endpoint) -> None:
    (await play(endpoint, *OFFERED, candidate(sdpMLineIndex=0))).gave()


@clause("W3C-RTCPeerConnection.addIceCandidate-4.2")
async def test_the_mid_counts_and_not_the_index(endpoint: Endpoint) -> None:
    (await play(endpoint, *OFFERED, candidate(sdpMid="a", sdpMLineIndex=77))).gave()


@clause("W3C-RTCPeerConnection.addIceCandidate-4.3.1")
async def test_an_index_beyond_the_last_section_is_refused(endpoint: Endpoint) -> None:
    (await play(endpoint, *OFFERED, candidate(sdpMLineIndex=2))).threw("OperationError")


@clause("W3C-RTCPeerConnection.addIceCandidate-4.5")
async def test_a_candidate_of_an_unknown_generation_is_refused(endpoint: Endpoint) -> None:
    (await play(endpoint, *OFFERED, candidate(sdpMid="a", usernameFragment="nobody"))).threw("OperationError")


@clause("W3C-RTCPeerConnection.addIceCandidate-4.5")
async def test_a_candidate_of_a_known_generation_is_taken(endpoint: Endpoint) -> None:
    (await play(endpoint, *OFFERED, candidate(sdpMid="a", usernameFragment="ufrag"))).gave()


@clause("W3C-RTCPeerConnection.addIceCandidate-4.7.1.2")
async def test_a_malformed_candidate_is_refused(endpoint: Endpoint) -> None:
    (await play(endpoint, *OFFERED, candidate("candidate:nonsense", sdpMid="a"))).threw("OperationError")


@clause("W3C-RTCPeerConnection.addIceCandidate-4.7.2.2")
async def test_a_candidate_enters_the_pending_description(endpoint: Endpoint) -> None:
    played = await play(endpoint, *OFFERED, candidate(sdpMid="a"), read("pc.pendingRemoteDescription.sdp"))
    played.gave()
    check(f"a={CANDIDATE}" in played["pc.pendingRemoteDescription.sdp"], "the description lacks the candidate")


@clause("W3C-RTCPeerConnection.addIceCandidate-4.7.2.3")
async def test_a_candidate_enters_the_current_description(endpoint: Endpoint) -> None:
    played = await play(
        endpoint, *OFFERED, SetLocalDescription(), candidate(sdpMid="a"), read("pc.currentRemoteDescription.sdp")
    )
    played.gave()
    check(f"a={CANDIDATE}" in played["pc.currentRemoteDescription.sdp"], "the description lacks the candidate")


@clause("W3C-RTCPeerConnection.addIceCandidate-4.7.2.4")
async def test_null_ends_the_candidates_of_all_sections(endpoint: Endpoint) -> None:
    played = await play(
        endpoint, *OFFERED, Call("pc", "addIceCandidate", (None,)), read("pc.pendingRemoteDescription.sdp")
    )
    played.gave()
    check("a=end-of-candidates" in played["pc.pendingRemoteDescription.sdp"], "there is no a=end-of-candidates")


@clause("W3C-RTCPeerConnection.addIceCandidate-4.7.2.4")
async def test_an_empty_candidate_ends_those_of_a_section(endpoint: Endpoint) -> None:
    (await play(endpoint, *OFFERED, candidate("", sdpMid="a"))).gave()


@clause("W3C-RTCPeerConnection.addIceCandidate-4.4")
async def test_a_candidate_for_a_rejected_section_is_passed_over(endpoint: Endpoint) -> None:
    offer = description(audio("a"), audio("b", rejected=True))
    (await play(endpoint, PC, remote("offer", offer), candidate(sdpMid="b"))).gave()


@clause("W3C-chain-an-operation-2")
async def test_no_candidate_is_taken_after_close(endpoint: Endpoint) -> None:
    (await play(endpoint, *OFFERED, Close(), candidate(sdpMid="a"))).threw("InvalidStateError")


@clause("W3C-chain-an-operation-2")
async def test_no_local_description_is_set_after_close(endpoint: Endpoint) -> None:
    (await play(endpoint, PC, Close(), SetLocalDescription())).threw("InvalidStateError")


@clause("W3C-chain-an-operation-2")
async def test_no_remote_description_is_set_after_close(endpoint: Endpoint) -> None:
    (await play(endpoint, PC, Close(), remote("offer", OFFER))).threw("InvalidStateError")


@clause("W3C-RTCPeerConnection.restartIce-2")
async def test_restart_ice_asks_for_other_credentials(endpoint: Endpoint) -> None:
    played = await play(
        endpoint,
        *OFFERED,
        SetLocalDescription(),
        RestartIce(),
        CreateOffer(),
        read("pc.currentLocalDescription.sdp"),
    )
    played.gave()
    before, after = fragments(played["pc.currentLocalDescription.sdp"]), fragments(played["offer"]["sdp"])
    check(not before & after, f"the offer keeps {before & after}")


@clause("W3C-RTCPeerConnection.restartIce-2")
async def test_restart_ice_before_a_description_changes_nothing(endpoint: Endpoint) -> None:
    (await play(endpoint, PC, RestartIce(), AddTransceiver("audio"), SetLocalDescription())).gave()


def fragments(sdp: str) -> set[str]:
    return {line for line in sdp.split("\r\n") if line.startswith("a=ice-ufrag:")}


@clause("W3C-set-a-configuration-3.5")
async def test_the_certificates_can_not_change(endpoint: Endpoint) -> None:
    ecdsa = Call("RTCPeerConnection", "generateCertificate", ({"name": "ECDSA", "namedCurve": "P-256"},), "certificate")
    played = await play(endpoint, PC, ecdsa, SetConfiguration({"certificates": [Ref("certificate")]}))
    played.threw("InvalidModificationError")


@clause("W3C-set-a-configuration-3.3.1")
async def test_the_same_certificates_may_be_set_again(endpoint: Endpoint) -> None:
    ecdsa = Call("RTCPeerConnection", "generateCertificate", ({"name": "ECDSA", "namedCurve": "P-256"},), "certificate")
    made = New("RTCPeerConnection", ({"certificates": [Ref("certificate")]},), "pc")
    (await play(endpoint, ecdsa, made, SetConfiguration({"certificates": [Ref("certificate")]}))).gave()


@clause("W3C-set-a-configuration-10")
async def test_what_was_configured_is_what_is_read(endpoint: Endpoint) -> None:
    played = await play(
        endpoint,
        PC,
        SetConfiguration({"iceTransportPolicy": "relay"}),
        GetConfiguration(bind="read"),
        read("read.iceTransportPolicy"),
    )
    played.gave({"read.iceTransportPolicy": "relay"})


@clause("W3C-set-a-configuration-10")
async def test_members_that_are_not_given_have_their_defaults_again(endpoint: Endpoint) -> None:
    played = await play(
        endpoint,
        New("RTCPeerConnection", ({"iceTransportPolicy": "relay"},), "pc"),
        SetConfiguration({}),
        GetConfiguration(bind="read"),
        read("read.iceTransportPolicy"),
    )
    played.gave({"read.iceTransportPolicy": "all"})


@clause("W3C-set-a-configuration-6.4")
async def test_a_configuration_that_fails_leaves_the_old_one(endpoint: Endpoint) -> None:
    trace = await endpoint.play(
        [
            PC,
            SetConfiguration({"iceTransportPolicy": "relay", "iceServers": [{"urls": "http://case.example"}]}),
            Call("pc", "getConfiguration"),
        ]
    )
    policy = trace.value()["iceTransportPolicy"]
    check(trace.failures and trace.failures[0].name == "SyntaxError", f"it threw {trace.failures}")
    check(policy == "all", f"iceTransportPolicy is {policy}")


@clause("W3C-RTCPeerConnection.getConfiguration-M1")
async def test_the_configuration_is_read_after_close(endpoint: Endpoint) -> None:
    (await play(endpoint, PC, Close(), GetConfiguration())).gave()


@clause("W3C-close-the-connection-algorithm-1")
async def test_close_may_be_called_twice(endpoint: Endpoint) -> None:
    (await play(endpoint, PC, Close(), Close())).gave()


@clause("W3C-close-the-connection-algorithm-3")
async def test_close_is_done_when_it_returns(endpoint: Endpoint) -> None:
    played = await play(endpoint, PC, Close(), read("pc.signalingState", "pc.connectionState", "pc.iceConnectionState"))
    played.gave({"pc.signalingState": "closed", "pc.connectionState": "closed", "pc.iceConnectionState": "closed"})


@clause("W3C-close-the-connection-algorithm-4.2")
async def test_close_stops_the_transceivers(endpoint: Endpoint) -> None:
    played = await play(
        endpoint,
        PC,
        AddTransceiver("audio"),
        Get("transceiver.receiver", "track", "track"),
        Close(),
        read("transceiver.direction", "transceiver.currentDirection"),
        WaitFor("readyState", "ended", on="track"),
    )
    played.gave(
        {
            "transceiver.direction": "stopped",
            "transceiver.currentDirection": "stopped",
        }
    )


@clause("W3C-close-the-connection-algorithm-5")
async def test_close_closes_the_channels_without_events(endpoint: Endpoint) -> None:
    played = await play(endpoint, PC, CreateDataChannel("case"), Close(), read("channel.readyState"))
    played.gave({"channel.readyState": "closed"})
    check(not played.events(on="channel"), f"close() fired {played.events(on='channel')} at the channel")


@clause("W3C-RTCPeerConnection.localDescription-M1")
async def test_the_descriptions_outlive_the_connection(endpoint: Endpoint) -> None:
    played = await play(
        endpoint, PC, AddTransceiver("audio"), SetLocalDescription(), Close(), read("pc.localDescription.type")
    )
    played.gave({"pc.localDescription.type": "offer"})


@clause("W3C-RTCPeerConnection.setRemoteDescription-3.2")
async def test_trickling_is_unknown_before_a_remote_description(endpoint: Endpoint) -> None:
    (await play(endpoint, PC, read("pc.canTrickleIceCandidates"))).gave({"pc.canTrickleIceCandidates": None})


@clause("W3C-RTCPeerConnection.setRemoteDescription-3.2")
async def test_a_remote_side_says_that_it_trickles(endpoint: Endpoint) -> None:
    offer = description(audio("a"), lines=("ice-options:trickle",))
    played = await play(endpoint, PC, remote("offer", offer), read("pc.canTrickleIceCandidates"))
    played.gave({"pc.canTrickleIceCandidates": True})


@clause("W3C-RTCPeerConnection.setRemoteDescription-3.2")
async def test_a_remote_side_that_does_not_say_so_does_not_trickle(endpoint: Endpoint) -> None:
    played = await play(endpoint, *OFFERED, read("pc.canTrickleIceCandidates"))
    played.gave({"pc.canTrickleIceCandidates": False})


@clause("W3C-RTCPeerConnection.setLocalDescription-4.1")
async def test_members_of_null_take_no_description(endpoint: Endpoint) -> None:
    played = await play(endpoint, PC, AddTransceiver("audio"), Call("pc", "setLocalDescription", (None,)))
    played.gave()
