"""RFC 9260 section 5.1 and RFC 8831 section 6: how the SCTP association comes about, and what its packets carry."""

from __future__ import annotations

import functools

from cases.sctp.intruder import Connect
from harness.capture.match import dtls, sctp
from harness.capture.wire import Wire
from harness.cases import check, clause
from harness.endpoints.base import Endpoint
from harness.endpoints.reference import Reference


async def test_sanity_an_association_is_set_up(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    await connect(peer, endpoint)
    wire.expect(sctp.init(), sender=endpoint)


@clause("RFC8261-6.1-M1")
async def test_dtls_stands_before_sctp_begins(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    await connect(peer, endpoint)
    wire.in_order([dtls.finished().sent_by(peer), sctp.init().sent_by(endpoint)])


@clause("RFC8841-9.3-M1")
async def test_both_sides_send_an_init(connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire) -> None:
    await connect(endpoint, peer, wait=False)
    await wire.wait_for(sctp.init(), sender=endpoint, timeout=10.0)


@clause("RFC8841-9.3-M2")
async def test_both_ports_are_those_of_the_descriptions(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    await connect(peer, endpoint, wait=False)
    packet = (await wire.wait_for(sctp.packet(), sender=endpoint, timeout=10.0)).packet
    check(
        (packet.source_port, packet.destination_port) == (5000, 5000),
        f"the ports are {packet.source_port} and {packet.destination_port}",
    )


@clause("RFC9260-5.1-M1", "RFC9260-3.3.2-M4")
async def test_the_init_has_a_tag_and_travels_with_none(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    await connect(peer, endpoint, wait=False)
    init = (await wire.wait_for(sctp.init(), sender=endpoint, timeout=10.0)).packet
    check(init.initiate_tag != 0, "the Initiate Tag is 0")


@clause("RFC9260-5.1-M8", "RFC9260-5.1-M9")
async def test_an_init_travels_alone(connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire) -> None:
    await connect(peer, endpoint)
    for name in ("INIT", "INIT ACK"):
        bundle = functools.partial(bundled, name=name)
        wire.never(sctp.packet().where(bundle, f"that bundles {name} with others"), sender=endpoint)


def bundled(packet: object, name: str) -> bool:
    names = [chunk.title for chunk in getattr(packet, "chunks", [])]
    return name in names and len(names) > 1


@clause("RFC9260-3.3.2-M6")
async def test_the_advertised_window_is_1500_at_least(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    await connect(peer, endpoint, wait=False)
    init = (await wire.wait_for(sctp.init(), sender=endpoint, timeout=10.0)).packet
    check(init.a_rwnd >= 1500, f"a_rwnd is {init.a_rwnd}")


@clause("RFC9260-3.3.2-M8", "RFC9260-3.3.2-M10")
async def test_there_are_streams_in_both_directions(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    await connect(peer, endpoint, wait=False)
    init = (await wire.wait_for(sctp.init(), sender=endpoint, timeout=10.0)).packet
    check(
        init.outbound_streams > 0 and init.inbound_streams > 0,
        f"{init.outbound_streams} out, {init.inbound_streams} in",
    )


@clause("RFC8831-6.1-M5")
async def test_partial_reliability_is_supported(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    await connect(peer, endpoint, wait=False)
    await wire.wait_for(sctp.init(forward_tsn=True), sender=endpoint, timeout=10.0)


@clause("RFC8831-6.1-M3", "RFC8831-6.1-M4")
async def test_stream_reconfiguration_is_announced(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    await connect(peer, endpoint, wait=False)
    await wire.wait_for(sctp.init(supports=("RE-CONFIG",)), sender=endpoint, timeout=10.0)


@clause("RFC8261-6.1-M2", "RFC8261-6.1-M3", "RFC9260-3.3.2-M2")
async def test_the_init_names_no_addresses(connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire) -> None:
    await connect(peer, endpoint, wait=False)
    init = (await wire.wait_for(sctp.init(), sender=endpoint, timeout=10.0)).packet
    kinds = {parameter.type for parameter in init.parameters}
    check(not kinds & {5, 6, 11, 12}, f"the parameters are of the types {sorted(kinds)}")


@clause("RFC9260-5.1-M3", "RFC9260-5.1-M4", "RFC9260-8.5-M1")
async def test_the_init_ack_goes_to_the_tag_and_has_a_cookie(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    await connect(peer, endpoint)
    ours = wire.expect(sctp.init(), sender=peer).packet
    answer = wire.expect(sctp.init_ack(), sender=endpoint)
    check(answer.packet.initiate_tag != 0, "the Initiate Tag of the INIT ACK is 0")
    check(7 in {parameter.type for parameter in answer.packet.parameters}, "there is no State Cookie")
    tags = {one.packet.tag for one in wire.all(sctp.packet(), sender=endpoint)} - {0}
    check(tags == {ours.initiate_tag}, f"the verification tags are {tags}, ours is {ours.initiate_tag}")


@clause("RFC9260-3.2.2-M2", "RFC9260-5.1-M6")
async def test_the_cookie_echo_comes_first_in_its_packet(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    await connect(peer, endpoint)
    wire.expect(sctp.cookie_echo() | sctp.cookie_ack(), sender=endpoint)
    later = sctp.packet().where(lambda one: not_first(one, "COOKIE ECHO"), "with COOKIE ECHO behind another chunk")
    wire.never(later, sender=endpoint)


@clause("RFC9260-5.1-M7", "RFC9260-5.1.5-M5")
async def test_the_cookie_ack_comes_first_in_its_packet(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    await connect(peer, endpoint)
    later = sctp.packet().where(lambda one: not_first(one, "COOKIE ACK"), "with COOKIE ACK behind another chunk")
    wire.never(later, sender=endpoint)


def not_first(packet: object, name: str) -> bool:
    return name in [chunk.title for chunk in getattr(packet, "chunks", [])][1:]


@clause("RFC9260-5.1-M12")
async def test_the_first_data_are_acknowledged_at_once(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    await connect(peer, endpoint)
    sent = wire.expect(sctp.data(), sender=peer)
    seen = await wire.wait_for(sctp.sack(), sender=endpoint, timeout=2.0)
    check(seen.time - sent.time < 0.15, f"the SACK came after {1000 * (seen.time - sent.time):.0f} ms")
