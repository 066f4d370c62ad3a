"""W3C webrtc-pc section 4.4.3: the callback forms, and offerToReceiveAudio and offerToReceiveVideo."""

from __future__ import annotations

from cases.playing import PC, play, read, settled
from harness.cases import check, clause
from harness.endpoints.base import Endpoint
from harness.script import AddTransceiver, Call, CreateOffer, Ref, SetDirection

# Anything callable will do: what it is called with is a matter of its own.
CALLBACK = Ref("RTCRtpSender.getCapabilities")


async def test_sanity_the_option_makes_a_section(endpoint: Endpoint) -> None:
    played = await play(endpoint, PC, CreateOffer(offerToReceiveAudio=True))
    played.gave()
    check("m=audio" in played["offer"]["sdp"], "there is no m=audio")


@clause("W3C-legacy.createOffer-7")
async def test_the_callback_form_of_create_offer_promises_nothing(endpoint: Endpoint) -> None:
    played = await play(endpoint, PC, Call("pc", "createOffer", (CALLBACK, CALLBACK), "promised"))
    played.gave(promised=None)


@clause("W3C-legacy.createAnswer-6")
async def test_the_callback_form_of_create_answer_promises_nothing(endpoint: Endpoint) -> None:
    """Though it fails: the failure goes to the callback."""
    played = await play(endpoint, PC, Call("pc", "createAnswer", (CALLBACK, CALLBACK), "promised"))
    played.gave(promised=None)


@clause("W3C-legacy.setLocalDescription-7")
async def test_the_callback_form_of_set_local_description_promises_nothing(endpoint: Endpoint) -> None:
    call = Call("pc", "setLocalDescription", ({"type": "rollback"}, CALLBACK, CALLBACK), "promised")
    (await play(endpoint, PC, call)).gave(promised=None)


@clause("W3C-legacy.setRemoteDescription-7")
async def test_the_callback_form_of_set_remote_description_promises_nothing(endpoint: Endpoint) -> None:
    call = Call("pc", "setRemoteDescription", ({"type": "rollback"}, CALLBACK, CALLBACK), "promised")
    (await play(endpoint, PC, call)).gave(promised=None)


@clause("W3C-legacy.addIceCandidate-7")
async def test_the_callback_form_of_add_ice_candidate_promises_nothing(endpoint: Endpoint) -> None:
    call = Call("pc", "addIceCandidate", ({"candidate": "", "sdpMid": "a"}, CALLBACK, CALLBACK), "promised")
    (await play(endpoint, PC, call)).gave(promised=None)


@clause("W3C-Introduction-M1")
async def test_a_failure_callback_is_callable(endpoint: Endpoint) -> None:
    (await play(endpoint, PC, Call("pc", "createOffer", (CALLBACK, None)))).threw("TypeError")


@clause("W3C-Introduction-M1")
async def test_one_callback_is_too_few(endpoint: Endpoint) -> None:
    (await play(endpoint, PC, Call("pc", "setLocalDescription", ({}, CALLBACK)))).threw("TypeError")


@clause("W3C-Legacy-configuration-extensions-3.5")
async def test_the_option_makes_a_transceiver_that_receives(endpoint: Endpoint) -> None:
    played = await play(
        endpoint,
        PC,
        CreateOffer(offerToReceiveVideo=True),
        Call("pc", "getTransceivers", (), "all"),
        read("all.length", "all.0.direction", "all.0.receiver.track.kind"),
    )
    played.gave({"all.length": 1, "all.0.direction": "recvonly", "all.0.receiver.track.kind": "video"})


@clause("W3C-Legacy-configuration-extensions-3.2")
async def test_a_transceiver_that_receives_is_enough(endpoint: Endpoint) -> None:
    played = await play(
        endpoint,
        PC,
        AddTransceiver("audio"),
        CreateOffer(offerToReceiveAudio=True),
        Call("pc", "getTransceivers", (), "all"),
        read("all.length", "all.0.direction"),
    )
    played.gave({"all.length": 1, "all.0.direction": "sendrecv"})


@clause("W3C-Legacy-configuration-extensions-3.3")
async def test_one_that_only_sends_is_not(endpoint: Endpoint) -> None:
    played = await play(
        endpoint,
        PC,
        AddTransceiver("audio", direction="sendonly"),
        CreateOffer(offerToReceiveAudio=True),
        Call("pc", "getTransceivers", (), "all"),
        read("all.length", "all.1.direction"),
    )
    played.gave({"all.length": 2, "all.1.direction": "recvonly"})


@clause("W3C-Legacy-configuration-extensions-3.1.1")
async def test_refusing_leaves_a_transceiver_that_sends(endpoint: Endpoint) -> None:
    played = await play(
        endpoint, PC, AddTransceiver("audio"), CreateOffer(offerToReceiveAudio=False), read("transceiver.direction")
    )
    played.gave({"transceiver.direction": "sendonly"})


@clause("W3C-Legacy-configuration-extensions-3.1.2")
async def test_refusing_leaves_a_transceiver_that_does_nothing(endpoint: Endpoint) -> None:
    played = await play(
        endpoint,
        PC,
        AddTransceiver("audio", direction="recvonly"),
        CreateOffer(offerToReceiveAudio=False),
        read("transceiver.direction"),
    )
    played.gave({"transceiver.direction": "inactive"})


@clause("W3C-Legacy-configuration-extensions-3.1")
async def test_refusing_leaves_the_other_kind_alone(endpoint: Endpoint) -> None:
    played = await play(
        endpoint, PC, AddTransceiver("video"), CreateOffer(offerToReceiveAudio=False), read("transceiver.direction")
    )
    played.gave({"transceiver.direction": "sendrecv"})


@clause("W3C-Legacy-configuration-extensions-3.3")
async def test_the_option_alone_does_not_ask_for_negotiation(endpoint: Endpoint) -> None:
    played = await play(endpoint, PC, CreateOffer(offerToReceiveAudio=True), settled("pc"))
    played.gave()
    check(not played.events("negotiationneeded"), "negotiationneeded was fired")


@clause("W3C-RTCRtpTransceiver.direction~2-7")
async def test_the_option_makes_another_when_the_first_stopped_receiving(endpoint: Endpoint) -> None:
    played = await play(
        endpoint,
        PC,
        CreateOffer(offerToReceiveAudio=True),
        Call("pc", "getTransceivers", (), "all"),
        SetDirection("inactive", on="all.0"),
        CreateOffer(offerToReceiveAudio=True),
        Call("pc", "getTransceivers", (), "all"),
        read("all.length"),
    )
    played.gave({"all.length": 2})
