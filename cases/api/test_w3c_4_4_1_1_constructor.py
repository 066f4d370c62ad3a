"""W3C webrtc-pc section 4.4.1.1: the constructor, and Web IDL's conversions of what it is given."""

from __future__ import annotations

from typing import Any

from cases.playing import PC, play, read
from harness.cases import check, clause
from harness.endpoints.base import Endpoint
from harness.script import Call, GenerateCertificate, GetConfiguration, New, Pause, Ref


def constructed(configuration: Any) -> New:
    return New("RTCPeerConnection", (configuration,), "pc")


async def test_sanity_a_connection_is_made(endpoint: Endpoint) -> None:
    (await play(endpoint, PC, read("pc.signalingState"))).gave({"pc.signalingState": "stable"})


@clause("W3C-RTCPeerConnection.constructor-19")
async def test_signaling_starts_stable(endpoint: Endpoint) -> None:
    (await play(endpoint, PC, read("pc.signalingState"))).gave({"pc.signalingState": "stable"})


@clause("W3C-RTCPeerConnection.constructor-20")
async def test_ice_connection_state_starts_new(endpoint: Endpoint) -> None:
    (await play(endpoint, PC, read("pc.iceConnectionState"))).gave({"pc.iceConnectionState": "new"})


@clause("W3C-RTCPeerConnection.constructor-21")
async def test_gathering_state_starts_new(endpoint: Endpoint) -> None:
    (await play(endpoint, PC, read("pc.iceGatheringState"))).gave({"pc.iceGatheringState": "new"})


@clause("W3C-RTCPeerConnection.constructor-22")
async def test_connection_state_starts_new(endpoint: Endpoint) -> None:
    (await play(endpoint, PC, read("pc.connectionState"))).gave({"pc.connectionState": "new"})


@clause(
    "W3C-RTCPeerConnection.constructor-23",
    "W3C-RTCPeerConnection.constructor-24",
    "W3C-RTCPeerConnection.constructor-25",
    "W3C-RTCPeerConnection.constructor-26",
)
async def test_there_is_no_description_at_first(endpoint: Endpoint) -> None:
    names = [f"pc.{when}{whose}Description" for when in ("current", "pending") for whose in ("Local", "Remote")]
    (await play(endpoint, PC, read(*names))).gave(dict.fromkeys(names))


@clause("W3C-RTCPeerConnection.constructor-11")
async def test_there_is_no_sctp_transport_at_first(endpoint: Endpoint) -> None:
    (await play(endpoint, PC, read("pc.sctp"))).gave({"pc.sctp": None})


@clause("W3C-Introduction-M1")
async def test_null_is_an_empty_configuration(endpoint: Endpoint) -> None:
    played = await play(endpoint, constructed(None), GetConfiguration(bind="read"), read("read.bundlePolicy"))
    played.gave({"read.bundlePolicy": "balanced"})


@clause("W3C-Introduction-M1")
async def test_a_number_is_no_configuration(endpoint: Endpoint) -> None:
    (await play(endpoint, constructed(5))).threw("TypeError")


@clause("W3C-Introduction-M1")
async def test_servers_are_not_null(endpoint: Endpoint) -> None:
    (await play(endpoint, constructed({"iceServers": None}))).threw("TypeError")


@clause("W3C-Introduction-M1")
async def test_a_server_has_urls(endpoint: Endpoint) -> None:
    (await play(endpoint, constructed({"iceServers": [{"username": "case"}]}))).threw("TypeError")


@clause("W3C-Introduction-M1")
async def test_servers_are_a_sequence(endpoint: Endpoint) -> None:
    (await play(endpoint, constructed({"iceServers": {"urls": "stun:case.example"}}))).threw("TypeError")


@clause("W3C-Introduction-M1")
async def test_a_transport_policy_is_one_of_two(endpoint: Endpoint) -> None:
    (await play(endpoint, constructed({"iceTransportPolicy": "nohost"}))).threw("TypeError")


@clause("W3C-Introduction-M1")
async def test_a_bundle_policy_is_one_of_three(endpoint: Endpoint) -> None:
    (await play(endpoint, constructed({"bundlePolicy": "bundle"}))).threw("TypeError")


@clause("W3C-Introduction-M1")
async def test_a_bundle_policy_is_not_null(endpoint: Endpoint) -> None:
    (await play(endpoint, constructed({"bundlePolicy": None}))).threw("TypeError")


@clause("W3C-Introduction-M1")
async def test_rtcp_is_always_multiplexed(endpoint: Endpoint) -> None:
    (await play(endpoint, constructed({"rtcpMuxPolicy": "negotiate"}))).threw("TypeError")


@clause("W3C-Introduction-M1")
async def test_a_pool_has_at_most_255_candidates(endpoint: Endpoint) -> None:
    (await play(endpoint, constructed({"iceCandidatePoolSize": 256}))).threw("TypeError")


@clause("W3C-Introduction-M1")
async def test_certificates_are_of_their_interface(endpoint: Endpoint) -> None:
    (await play(endpoint, constructed({"certificates": [{}]}))).threw("TypeError")


@clause("W3C-Introduction-M1")
async def test_unknown_members_are_ignored(endpoint: Endpoint) -> None:
    played = await play(endpoint, constructed({"colour": "red"}), read("pc.signalingState"))
    played.gave({"pc.signalingState": "stable"})


@clause("W3C-RTCPeerConnection.constructor-5.1")
async def test_an_expired_certificate_is_refused(endpoint: Endpoint) -> None:
    played = await play(
        endpoint,
        GenerateCertificate({"name": "ECDSA", "namedCurve": "P-256", "expires": 0}),
        Pause(0.01),
        constructed({"certificates": [Ref("certificate")]}),
    )
    played.threw("InvalidAccessError")


@clause("W3C-RTCPeerConnection.constructor-5.3")
async def test_a_certificate_given_is_the_certificate_used(endpoint: Endpoint) -> None:
    played = await play(
        endpoint,
        GenerateCertificate({"name": "ECDSA", "namedCurve": "P-256"}),
        constructed({"certificates": [Ref("certificate")]}),
        Call("pc", "createDataChannel", ("case",)),
        Call("pc", "createOffer", (), "offer"),
        Call("certificate", "getFingerprints", (), "prints"),
        read("prints.0.value"),
    )
    played.gave()
    fingerprint = str(played["prints.0.value"]).upper()
    check(fingerprint in str(played["offer"]["sdp"]).upper(), f"the offer lacks the fingerprint {fingerprint}")


@clause("W3C-RTCConfiguration.iceServers-M1")
async def test_thirty_two_servers_are_taken(endpoint: Endpoint) -> None:
    servers = [{"urls": f"stun:case{number}.example"} for number in range(32)]
    played = await play(endpoint, constructed({"iceServers": servers}), GetConfiguration(bind="read"))
    played.gave()
    check(len(played["read"]["iceServers"]) == 32, f"{len(played['read']['iceServers'])} servers are left")
