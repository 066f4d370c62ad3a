"""RFC 9147 section 4: records of DTLS 1.3, and those that must not be believed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

from cases.dtls.intruder import Intruder, goes_on
from cases.sctp.intruder import Intruder as SctpIntruder
from cases.sctp.intruder import heartbeat
from harness.capture.match import dtls, sctp
from harness.capture.wire import Wire
from harness.cases import Connection, check, clause
from harness.endpoints.base import Endpoint
from harness.endpoints.reference import Reference
from peer.api import Seams
from peer.dtls import Version
from peer.errors import DecodeError
from peer.wire.dtls_record import ContentType, Record, parse_datagram
from peer.wire.sctp import Packet, Pad

Connect: TypeAlias = Callable[..., Awaitable[Connection]]

DTLS_1_3: dict[str, Any] = {"versions": (Version.DTLS13,)}


async def test_sanity_dtls_1_3_is_negotiated(connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire) -> None:
    made = await connect(peer, endpoint, seams=Seams(dtls=DTLS_1_3, dtls_record=Intruder()))
    wire.expect(dtls.server_hello(version=0xFEFC))
    await goes_on(made)


@clause("RFC9147-4-M2")
async def test_plaintext_records_say_version_1_2(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    await connect(endpoint, await peer.peer_connection(seams=Seams(dtls=DTLS_1_3)))
    for hit in wire.all(dtls.anything(), sender=endpoint):
        versions = {record.version for record in parse_datagram(hit.frame.payload) if isinstance(record, Record)}
        check(versions <= {0xFEFD}, f"expected version 0xfefd in clear, saw {versions}", frames=(hit.number,))


@clause("RFC9147-4.3-M1", "RFC9147-4.3-M2", "RFC9147-4.3-M3")
async def test_a_datagram_is_a_row_of_whole_records(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    await connect(endpoint, await peer.peer_connection(seams=Seams(dtls=DTLS_1_3)))
    for hit in wire.all(dtls.anything(), sender=endpoint):
        try:
            parse_datagram(hit.frame.payload)
        except DecodeError as error:
            check(False, f"expected whole records, saw {error}", frames=(hit.number,))


@clause("RFC9147-4.1-M4")
async def test_a_record_of_an_unknown_type_is_dropped(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    intruder = Intruder()
    made = await connect(peer, endpoint, seams=Seams(dtls=DTLS_1_3, dtls_record=intruder))
    intruder.say_raw(Record(31, 0xFEFD, 0, 1, bytes(20)).serialize())
    await goes_on(made)
    wire.never(dtls.alert(fatal=True), sender=endpoint)


@clause("RFC9147-4.1-M4")
async def test_application_data_in_clear_is_dropped(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    intruder, speaker = Intruder(), SctpIntruder()
    made = await connect(peer, endpoint, seams=Seams(dtls=DTLS_1_3, dtls_record=intruder, sctp=speaker))
    packet = sctp_packet(speaker, b"in clear")
    intruder.say_raw(Record(ContentType.APPLICATION_DATA, 0xFEFD, 0, 1, packet).serialize())
    await goes_on(made)
    wire.never(sctp.heartbeat_ack().where(says(b"in clear"), "to it"), sender=endpoint)


def sctp_packet(speaker: SctpIntruder, words: bytes, padding: int = 0) -> bytes:
    """A HEARTBEAT with these words, and so many bytes of a PAD chunk behind it, which no answer has to hold."""
    chunks = (heartbeat(words), Pad(padding)) if padding else (heartbeat(words),)
    return Packet(source_port=5000, destination_port=5000, verification_tag=speaker.tag, chunks=chunks).serialize()


def says(words: bytes) -> Callable[[Any], bool]:
    return lambda packet: words in bytes(packet)


@clause("RFC9147-4.2.3-M1")
async def test_a_record_too_short_for_its_number_is_dropped(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    intruder = Intruder()
    made = await connect(peer, endpoint, seams=Seams(dtls=DTLS_1_3, dtls_record=intruder))
    intruder.say_raw(b"\x2f\x12\x34\x00\x0f" + bytes(15))
    await goes_on(made)
    wire.never(dtls.alert(fatal=True), sender=endpoint)


@clause("RFC9147-4.5.1-M2")
async def test_a_replayed_record_is_dropped(connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire) -> None:
    intruder, speaker = Intruder(), SctpIntruder()
    made = await connect(peer, endpoint, seams=Seams(dtls=DTLS_1_3, dtls_record=intruder, sctp=speaker))
    intruder.say_record(ContentType.APPLICATION_DATA, sctp_packet(speaker, b"said once"))
    intruder.repeat()
    await goes_on(made)
    wire.count(sctp.heartbeat_ack().where(says(b"said once"), "to it"), sender=endpoint, exactly=1)
    doubles = sctp.sack().where(lambda packet: not speaker.resent.issuperset(packet.duplicates), "of doubles")
    wire.never(doubles, sender=endpoint)


@clause("RFC9147-4.5.1-M3")
async def test_a_forged_record_leaves_the_window_alone(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    intruder = Intruder()
    made = await connect(peer, endpoint, seams=Seams(dtls=DTLS_1_3, dtls_record=intruder))
    for number in range(0, 0xFFFF, 0x1111):
        intruder.say_raw(b"\x2f" + number.to_bytes(2, "big") + b"\x00\x28" + bytes(40))
    await goes_on(made)


@clause("RFC9147-4.5.2-S1", "RFC9147-4.5.2-S2")
async def test_a_forged_record_is_dropped_without_an_alert(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    intruder = Intruder()
    made = await connect(peer, endpoint, seams=Seams(dtls=DTLS_1_3, dtls_record=intruder))
    intruder.say_raw(b"\x2f\x00\x09\x00\x28" + bytes(range(40)))
    await goes_on(made)
    wire.never(dtls.alert(fatal=True), sender=endpoint)


@clause("RFC9147-4.5.2-S1")
async def test_an_alert_in_clear_does_not_end_the_connection(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    intruder = Intruder()
    made = await connect(peer, endpoint, seams=Seams(dtls=DTLS_1_3, dtls_record=intruder))
    intruder.say_raw(Record(ContentType.ALERT, 0xFEFD, 0, 99, b"\x02\x50").serialize())
    await goes_on(made)
