"""W3C webrtc-pc sections 5.5, 5.6 and 6.1: transports, before and after they are negotiated."""

from __future__ import annotations

from cases.playing import PAIR, PC, negotiate, play, read
from harness.cases import check, clause
from harness.endpoints.base import Endpoint
from harness.script import (
    AddTransceiver,
    Call,
    Close,
    CreateDataChannel,
    Get,
    Pause,
    Ref,
    SetLocalDescription,
    SetRemoteDescription,
    WaitFor,
)

OFFERED = (PC, AddTransceiver("audio"), SetLocalDescription())
AUDIO = "transceiver.sender.transport"


async def test_sanity_an_offer_makes_a_transport(endpoint: Endpoint) -> None:
    (await play(endpoint, *OFFERED, read(f"{AUDIO}.state"))).gave({f"{AUDIO}.state": "new"})


@clause("W3C-set-a-session-description-4.7.11.1.1.6", "W3C-set-a-session-description-4.7.11.1.1.7")
async def test_sender_and_receiver_share_a_transport(endpoint: Endpoint) -> None:
    steps = (Get("transceiver.sender", "transport", "one"), read("transceiver.receiver.transport"))
    (await play(endpoint, *OFFERED, *steps)).gave({"transceiver.receiver.transport": Ref("one")})


@clause("W3C-RTCDtlsTransport.state-M1")
async def test_dtls_is_new_before_an_answer(endpoint: Endpoint) -> None:
    (await play(endpoint, *OFFERED, read(f"{AUDIO}.state"))).gave({f"{AUDIO}.state": "new"})


@clause("W3C-RTCDtlsTransport~2-4")
async def test_there_are_no_remote_certificates_before_the_handshake(endpoint: Endpoint) -> None:
    (await play(endpoint, *OFFERED, Call(AUDIO, "getRemoteCertificates", (), "chain"))).gave(chain=[])


@clause("W3C-RTCIceTransport.state-M1")
async def test_ice_is_new_before_an_answer(endpoint: Endpoint) -> None:
    (await play(endpoint, *OFFERED, read(f"{AUDIO}.iceTransport.state"))).gave({f"{AUDIO}.iceTransport.state": "new"})


@clause("W3C-RTCIceTransport.component-M1")
async def test_a_transport_is_for_rtp(endpoint: Endpoint) -> None:
    played = await play(endpoint, *OFFERED, read(f"{AUDIO}.iceTransport.component"))
    played.gave({f"{AUDIO}.iceTransport.component": "rtp"})


@clause("W3C-RTCIceTransport.role-M1")
async def test_the_offerer_is_controlling(endpoint: Endpoint) -> None:
    steps = (PAIR, AddTransceiver("audio", on="a"), negotiate(), read(f"{AUDIO}.iceTransport.role"))
    (await play(endpoint, *steps)).gave({f"{AUDIO}.iceTransport.role": "controlling"})


@clause("W3C-RTCIceTransport.role-M1")
async def test_the_answerer_is_controlled(endpoint: Endpoint) -> None:
    played = await play(
        endpoint,
        PAIR,
        AddTransceiver("audio", on="a"),
        negotiate(),
        Call("b", "getTransceivers", (), "all"),
        read("all.0.receiver.transport.iceTransport.role"),
    )
    played.gave({"all.0.receiver.transport.iceTransport.role": "controlled"})


@clause("W3C-RTCIceTransport.getSelectedCandidatePair-M1")
async def test_a_new_transport_has_no_selected_pair(endpoint: Endpoint) -> None:
    played = await play(endpoint, *OFFERED, Call(f"{AUDIO}.iceTransport", "getSelectedCandidatePair", (), "pair"))
    played.gave(pair=None)


@clause("RFC9429-5.9-M2")
async def test_local_parameters_are_those_of_the_description(endpoint: Endpoint) -> None:
    played = await play(
        endpoint,
        *OFFERED,
        Call(f"{AUDIO}.iceTransport", "getLocalParameters", (), "local"),
        read("pc.localDescription.sdp"),
    )
    played.gave()
    check(played["local"], "there are no local parameters")
    fragment = played["local"]["usernameFragment"]
    check(f"a=ice-ufrag:{fragment}\r\n" in played["pc.localDescription.sdp"], f"the description lacks {fragment}")


@clause("RFC9429-5.9-M2")
async def test_there_are_no_remote_parameters_before_an_answer(endpoint: Endpoint) -> None:
    played = await play(endpoint, *OFFERED, Call(f"{AUDIO}.iceTransport", "getRemoteParameters", (), "remote"))
    played.gave(remote=None)


@clause("W3C-set-a-session-description-4.7.7")
async def test_an_offer_of_data_makes_an_association(endpoint: Endpoint) -> None:
    steps = (PC, CreateDataChannel("case"), SetLocalDescription(), read("pc.sctp.state"))
    (await play(endpoint, *steps)).gave({"pc.sctp.state": "connecting"})


@clause("W3C-create-an-RTCSctpTransport-3")
async def test_a_message_has_no_limit_before_an_answer(endpoint: Endpoint) -> None:
    steps = (PC, CreateDataChannel("case"), SetLocalDescription(), read("pc.sctp.maxMessageSize"))
    (await play(endpoint, *steps)).gave({"pc.sctp.maxMessageSize": None})


@clause("W3C-create-an-RTCSctpTransport-5")
async def test_the_number_of_channels_is_unknown_before_the_association(endpoint: Endpoint) -> None:
    steps = (PC, CreateDataChannel("case"), SetLocalDescription(), read("pc.sctp.maxChannels"))
    (await play(endpoint, *steps)).gave({"pc.sctp.maxChannels": None})


@clause("W3C-set-a-session-description-4.7.12.2")
async def test_a_rollback_takes_the_association_away(endpoint: Endpoint) -> None:
    steps = (PC, CreateDataChannel("case"), SetLocalDescription(), SetLocalDescription(type="rollback"))
    (await play(endpoint, *steps, read("pc.sctp"))).gave({"pc.sctp": None})


@clause("W3C-set-a-session-description-4.7.8")
async def test_an_answer_without_data_takes_the_association_away(endpoint: Endpoint) -> None:
    played = await play(
        endpoint,
        PC,
        AddTransceiver("audio"),
        CreateDataChannel("case"),
        SetLocalDescription(),
        Get("pc.localDescription", "sdp", "offer"),
    )
    played.gave()
    answer = rejecting_data(str(played["offer"]))
    second = await play(endpoint, SetRemoteDescription(type="answer", sdp=answer), read("pc.sctp"))
    second.gave({"pc.sctp": None})


def rejecting_data(offer: str) -> str:
    """An answer to an offer that takes everything but data."""
    head, *sections = offer.replace("a=setup:actpass", "a=setup:active").split("\r\nm=")
    kept = [
        f"application 0 {one.partition(' ')[2].partition(' ')[2]}" if "application" in one else one for one in sections
    ]
    lines = "\r\nm=".join([head, *kept]).split("\r\n")
    gone = next(
        line.removeprefix("a=mid:") for line in "\r\nm=".join(kept[-1:]).split("\r\n") if line.startswith("a=mid:")
    )
    return "\r\n".join(line.replace(f" {gone}", "") if line.startswith("a=group:BUNDLE") else line for line in lines)


@clause("W3C-update-the-data-max-message-size-6")
async def test_a_message_is_as_large_as_both_sides_take(endpoint: Endpoint) -> None:
    played = await play(
        endpoint,
        PAIR,
        CreateDataChannel("case", on="a"),
        negotiate(),
        read("a.sctp.maxMessageSize", "b.localDescription.sdp"),
    )
    played.gave()
    limit, said = played["a.sctp.maxMessageSize"], str(played["b.localDescription.sdp"])
    theirs = next(int(line.split(":")[1]) for line in said.split("\r\n") if line.startswith("a=max-message-size"))
    check(0 < limit <= theirs, f"maxMessageSize is {limit}, the other side takes {theirs}")


@clause("RFC9429-5.11-M1")
async def test_a_bundle_has_one_transport(endpoint: Endpoint) -> None:
    played = await play(
        endpoint,
        PAIR,
        AddTransceiver("audio", on="a"),
        AddTransceiver("video", on="a", bind="other"),
        CreateDataChannel("case", on="a"),
        negotiate(),
        Get("transceiver.sender", "transport", "one"),
        read("other.sender.transport", "a.sctp.transport"),
    )
    played.gave({"other.sender.transport": Ref("one"), "a.sctp.transport": Ref("one")})


@clause("W3C-close-the-connection-algorithm-7", "W3C-close-the-connection-algorithm-9")
async def test_a_transport_is_closed_with_its_connection(endpoint: Endpoint) -> None:
    played = await play(
        endpoint,
        *OFFERED,
        Get("transceiver.sender", "transport", "dtls"),
        Close(),
        read("dtls.state", "dtls.iceTransport.state"),
    )
    played.gave({"dtls.state": "closed", "dtls.iceTransport.state": "closed"})


@clause("W3C-RTCIceTransport-2", "W3C-RTCIceTransport-3")
async def test_gathering_begins_in_a_task_of_its_own(endpoint: Endpoint) -> None:
    played = await play(endpoint, *OFFERED, read("pc.iceGatheringState"))
    played.gave()
    fired = [one.states["iceGatheringState"] for one in played.trace.events("icegatheringstatechange")]
    check(fired in ([], ["gathering"]), f"icegatheringstatechange came with {fired}")
    check(played["pc.iceGatheringState"] in ("new", "gathering"), f"it is {played['pc.iceGatheringState']}")


@clause("W3C-RTCIceTransport~3-2", "W3C-RTCIceTransport~3-7")
async def test_gathering_ends(endpoint: Endpoint) -> None:
    played = await play(endpoint, *OFFERED, WaitFor("iceGatheringState", "complete"), Pause())
    played.gave()


@clause("W3C-RTCIceTransport~3-8")
async def test_the_last_candidate_event_is_of_null(endpoint: Endpoint) -> None:
    played = await play(
        endpoint, *OFFERED, WaitFor("iceGatheringState", "complete"), Pause(), read("pc.iceGatheringState")
    )
    played.gave()
    events = played.trace.events("icecandidate")
    nulls = [one for one in events if one.detail["candidate"] is None]
    check(len(nulls) == 1 and events[-1] is nulls[0], f"{len(nulls)} of {len(events)} events are of null")


@clause("W3C-RTCPeerConnectionIceEvent-M1")
async def test_a_candidate_event_names_section_and_index(endpoint: Endpoint) -> None:
    played = await play(endpoint, *OFFERED, WaitFor("iceGatheringState", "complete"), Pause())
    played.gave()
    found = [one.detail["candidate"] for one in played.trace.events("icecandidate") if one.detail["candidate"]]
    lacking = [one for one in found if one["sdpMid"] is None or one["sdpMLineIndex"] is None]
    check(found and not lacking, f"{len(lacking)} of {len(found)} candidates lack sdpMid or sdpMLineIndex")


@clause("W3C-surface-a-candidate-3")
async def test_candidates_enter_the_pending_description(endpoint: Endpoint) -> None:
    played = await play(
        endpoint, *OFFERED, WaitFor("iceGatheringState", "complete"), Pause(), read("pc.pendingLocalDescription.sdp")
    )
    played.gave()
    found = [one.detail["candidate"] for one in played.trace.events("icecandidate") if one.detail["candidate"]]
    texts = [" ".join(one["candidate"].split(" ")[:8]) for one in found if one["candidate"]]
    missing = [text for text in texts if f"a={text}" not in played["pc.pendingLocalDescription.sdp"]]
    check(texts and not missing, f"the description lacks {missing}")


@clause("W3C-RTCIceTransport~2-2")
async def test_the_end_of_candidates_enters_the_description(endpoint: Endpoint) -> None:
    played = await play(
        endpoint, *OFFERED, WaitFor("iceGatheringState", "complete"), Pause(), read("pc.pendingLocalDescription.sdp")
    )
    played.gave()
    check("a=end-of-candidates" in played["pc.pendingLocalDescription.sdp"], "there is no a=end-of-candidates")


@clause("W3C-RTCIceTransport~2-4", "W3C-RTCIceTransport~2-5")
async def test_the_end_of_a_generation_is_an_empty_candidate(endpoint: Endpoint) -> None:
    played = await play(endpoint, *OFFERED, WaitFor("iceGatheringState", "complete"), Pause())
    played.gave()
    found = [one.detail["candidate"] for one in played.trace.events("icecandidate") if one.detail["candidate"]]
    check([one for one in found if one["candidate"] == ""], "no candidate is empty")


@clause("W3C-surface-a-candidate-6")
async def test_surfaced_candidates_are_listed(endpoint: Endpoint) -> None:
    played = await play(
        endpoint,
        *OFFERED,
        WaitFor("iceGatheringState", "complete"),
        Pause(),
        Call(f"{AUDIO}.iceTransport", "getLocalCandidates", (), "local"),
    )
    played.gave()
    found = [one.detail["candidate"] for one in played.trace.events("icecandidate") if one.detail["candidate"]]
    texts = {one["candidate"] for one in found if one["candidate"]}
    listed = {one["candidate"] for one in played["local"]}
    check(texts <= listed, f"getLocalCandidates() lacks {texts - listed}")
