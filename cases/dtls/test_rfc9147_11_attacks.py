"""RFC 9147 sections 4, 5 and 11, RFC 6347 4.1 and 4.2: what somebody on the path, or beside it, may try. And what broke
other implementations.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterable
from dataclasses import replace
from itertools import islice, repeat
from typing import Any

import pytest

from cases.dtls.certificates import made_of, rsa_certificate, with_long_serial
from cases.dtls.intruder import Intruder, goes_on
from cases.dtls.opposite import DTLS_1_2, DTLS_1_3, Opposite
from harness.capture.match import dtls
from harness.cases import Connection, check, clause
from peer.dtls import NamedGroup
from peer.ice.agent import Transmission
from peer.wire import dtls_extensions as extensions
from peer.wire.dtls_handshake import ClientHello, Finished, Fragment, HandshakeMessage
from peer.wire.dtls_handshake13 import KeyUpdate, NewSessionTicket
from peer.wire.dtls_parameters import DTLS12, DTLS13
from peer.wire.dtls_record import MAX_FRAGMENT, ContentType, Record

EITHER = pytest.mark.parametrize("version", [pytest.param(DTLS_1_2, id="1.2"), pytest.param(DTLS_1_3, id="1.3")])
HELLO = ClientHello(
    DTLS12,
    bytes(range(32)),
    b"",
    b"",
    (0x1301, 0xC02B),
    b"\x00",
    (
        extensions.supported_groups([NamedGroup.x25519]),
        extensions.signature_algorithms([0x0403]),
        extensions.client_key_share([extensions.KeyShareEntry(NamedGroup.x25519, bytes(range(1, 33)))]),
        extensions.supported_versions([DTLS13, DTLS12]),
    ),
)
INTERNAL_ERROR = 80


def is_protected(data: bytes) -> bool:
    """A datagram that starts with a record under keys."""
    return data[0] & 0xE0 == 0x20 or (20 <= data[0] <= 26 and data[3:5] != b"\x00\x00")


def and_a_spoilt_double(spoil: Callable[[bytes], bytes]) -> Callable[[Transmission], Iterable[Transmission]]:
    """Before each protected datagram goes one that was made of it."""

    def bend(one: Transmission) -> Iterable[Transmission]:
        return (replace(one, data=spoil(one.data)), one) if is_protected(one.data) else (one,)

    return bend


def clear(message: HandshakeMessage, message_seq: int, record: int) -> bytes:
    """A handshake message in clear, as anybody could send it."""
    body = message.serialize()
    fragment = Fragment(message.TYPE, len(body), message_seq, 0, body).serialize()
    return Record(ContentType.HANDSHAKE, DTLS12, 0, record, fragment).serialize()


async def test_sanity_both_versions_connect(client: Opposite) -> None:
    await client.goes_on(dtls=DTLS_1_3)


# --- records that are not authentic


@EITHER
@clause("RFC9147-4.5.2-S1", "RFC6347-4.1.2.7-S1")
async def test_a_client_drops_records_whose_tag_is_wrong(client: Opposite, version: dict[str, Any]) -> None:
    await client.goes_on(dtls=version, datagram=and_a_spoilt_double(lambda data: data[:-1] + bytes([data[-1] ^ 1])))
    client.wire.never(dtls.alert(fatal=True), sender=client.endpoint)


@EITHER
@clause("RFC9147-4.5.2-S1", "RFC6347-4.1.2.7-S1")
async def test_a_server_drops_records_whose_tag_is_wrong(server: Opposite, version: dict[str, Any]) -> None:
    await server.goes_on(dtls=version, datagram=and_a_spoilt_double(lambda data: data[:-1] + bytes([data[-1] ^ 1])))
    server.wire.never(dtls.alert(fatal=True), sender=server.endpoint)


@EITHER
@clause("RFC9147-4.5.2-S1", "RFC6347-4.1.2.7-S1")
async def test_a_record_number_that_was_changed_is_dropped(client: Opposite, version: dict[str, Any]) -> None:
    def spoil(data: bytes) -> bytes:
        at = 1 if data[0] & 0xE0 == 0x20 else 9
        return data[:at] + bytes([data[at] ^ 0x55]) + data[at + 1 :]

    await client.goes_on(dtls=version, datagram=and_a_spoilt_double(spoil))
    client.wire.never(dtls.alert(fatal=True), sender=client.endpoint)


@EITHER
@clause("RFC9147-6.1-S1", "RFC6347-4.1.2.7-S1")
async def test_a_record_of_a_strange_epoch_is_dropped(client: Opposite, version: dict[str, Any]) -> None:
    def spoil(data: bytes) -> bytes:
        if data[0] & 0xE0 == 0x20:
            return bytes([data[0] ^ 1]) + data[1:]
        return data[:3] + b"\x00\x07" + data[5:]

    await client.goes_on(dtls=version, datagram=and_a_spoilt_double(spoil))
    client.wire.never(dtls.alert(fatal=True), sender=client.endpoint)


@EITHER
@clause("RFC9147-4.5.2-S1", "RFC6347-4.1.2.7-S1")
async def test_a_record_that_says_to_be_longer_than_its_datagram_is_dropped(
    client: Opposite, version: dict[str, Any]
) -> None:
    await client.goes_on(dtls=version, datagram=and_a_spoilt_double(lambda data: data[: len(data) // 2]))
    client.wire.never(dtls.alert(fatal=True), sender=client.endpoint)


@EITHER
@clause("RFC9147-4.5.2-S1", "RFC9147-4.5.2-M1")
async def test_a_record_that_is_too_long(client: Opposite, version: dict[str, Any]) -> None:
    intruder = Intruder()
    made = await client.meets(dtls=version, dtls_record=intruder)
    await client.keeps_or_ends(made, lambda: intruder.say_record(ContentType.APPLICATION_DATA, bytes(MAX_FRAGMENT + 1)))


@EITHER
@clause("RFC9147-4.5.2-S1", "RFC9147-4.5.2-M1")
async def test_an_empty_record_of_application_data(client: Opposite, version: dict[str, Any]) -> None:
    intruder = Intruder()
    made = await client.meets(dtls=version, dtls_record=intruder)
    await client.keeps_or_ends(made, lambda: intruder.say_record(ContentType.APPLICATION_DATA, b""))


# --- messages in clear after keys are there


@EITHER
@clause("RFC9147-4.5.2-S1", "RFC6347-4.1.2.7-S1")
async def test_a_fatal_alert_in_clear_is_not_believed(server: Opposite, version: dict[str, Any]) -> None:
    intruder = Intruder()
    made = await server.meets(dtls=version, dtls_record=intruder)
    intruder.say_raw(Record(ContentType.ALERT, DTLS12, 0, 99, bytes([2, INTERNAL_ERROR])).serialize())
    await goes_on(made)


@EITHER
@clause("RFC9147-5.11-M1", "RFC6347-4.2.8-M1")
async def test_a_client_hello_in_clear_does_not_end_the_association(server: Opposite, version: dict[str, Any]) -> None:
    intruder = Intruder()
    made = await server.meets(dtls=version, dtls_record=intruder)
    intruder.say_raw(clear(HELLO, 0, 99))
    await goes_on(made)
    server.wire.never(dtls.alert(fatal=True), sender=server.endpoint)


@clause("RFC9147-4.5.2-S1")
async def test_a_finished_in_clear_does_nothing(client: Opposite) -> None:
    intruder = Intruder()
    made = await client.meets(dtls=DTLS_1_2, dtls_record=intruder)
    intruder.say_raw(clear(Finished(bytes(12)), 7, 99))
    await goes_on(made)
    client.wire.never(dtls.alert(fatal=True), sender=client.endpoint)


@clause("RFC9147-4.1-M4")
async def test_a_change_cipher_spec_in_the_handshake_of_1_3_is_dropped(client: Opposite) -> None:
    ccs = Record(ContentType.CHANGE_CIPHER_SPEC, DTLS12, 0, 77, b"\x01").serialize()
    await client.goes_on(dtls=DTLS_1_3, dtls_record=before_the_first(ccs))


def before_the_first(*said: bytes) -> Callable[[Record], Iterable[Record | bytes]]:
    """Records that go out before our first one."""
    left = list(said)

    def bend(record: Record) -> Iterable[Record | bytes]:
        first, left[:] = tuple(left), []
        return (*first, record)

    return bend


@EITHER
@clause("RFC5246-7.2.2-M3", "RFC8446-6.2-M2")
async def test_application_data_before_the_handshake_is_not_taken(client: Opposite, version: dict[str, Any]) -> None:
    data = Record(ContentType.APPLICATION_DATA, DTLS12, 0, 77, b"too early").serialize()
    await client.completes_or_ends(dtls=version, dtls_record=before_the_first(data))


# --- messages out of place


@clause("RFC9147-7.1-M1", "RFC9147-4.5.2-S1")
async def test_messages_that_overtake_each_other_do_no_harm(client: Opposite) -> None:
    intruder = Intruder()
    made = await client.meets(dtls=DTLS_1_3, dtls_record=intruder)
    intruder.say_reversed(*(NewSessionTicket(60, 0, bytes([n]), b"ticket", ()) for n in range(3)))
    await goes_on(made)
    last = client.wire.all(dtls.handshake("NewSessionTicket"), sender=client.peer)[-1]
    await client.wire.wait_for(dtls.ack(), sender=client.endpoint, after=last, timeout=3.0)


@clause("RFC9147-5.8.4-M1", "RFC9147-4.5.2-M1")
async def test_a_flood_of_key_updates(client: Opposite) -> None:
    intruder = Intruder()
    made = await client.meets(dtls=DTLS_1_3, dtls_record=intruder)
    await client.keeps_or_ends(made, lambda: intruder.say(*repeat(KeyUpdate(1), 64)))


def fragments(*spans: tuple[int, int], of: type = object, spoil: bool = False) -> Any:
    """Messages of ours go out as pieces of the given thirds first, spoilt or not, then whole."""
    count = 0

    def bend(message: HandshakeMessage) -> Iterable[HandshakeMessage | Fragment]:
        nonlocal count
        body, sequence = message.serialize(), count
        count += 1
        for start, end in spans if isinstance(message, of) else ():
            low, high = len(body) * start // 3, len(body) * end // 3
            piece = bytes(byte ^ 0xFF for byte in body[low:high]) if spoil else body[low:high]
            yield Fragment(message.TYPE, len(body), sequence, low, piece)
        yield message

    return bend


@EITHER
@clause("RFC9147-5.5-M4", "RFC6347-4.2.3-M4")
async def test_a_piece_twice_is_put_together(client: Opposite, version: dict[str, Any]) -> None:
    await client.goes_on(fragments((2, 3), (2, 3), (0, 1), (0, 2)), dtls=version)


@clause("RFC9147-5.5-M4", "RFC6347-4.2.3-M3")
async def test_the_last_piece_may_come_first(server: Opposite) -> None:
    await server.goes_on(fragments((1, 3)), dtls=DTLS_1_2)


# --- strangers


def stranger_says(made: Connection, side: Opposite, data: bytes) -> int:
    """Somebody whom ICE does not know sends a datagram to the endpoint. Returns the port it comes from."""
    hit = side.wire.expect(dtls.anything(), sender=side.peer)
    to = hit.frame.destination
    family = socket.AF_INET6 if ":" in to.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as stranger:
        stranger.connect((to.host, to.port))
        stranger.send(data)
        port: int = stranger.getsockname()[1]
    return port


@EITHER
@clause("RFC9147-5.11-M1", "RFC6347-4.2.8-M1")
async def test_a_client_hello_from_a_stranger_is_not_answered(server: Opposite, version: dict[str, Any]) -> None:
    made = await server.meets(dtls=version)
    port = stranger_says(made, server, clear(HELLO, 0, 0))
    await goes_on(made)
    answers = [hit.number for hit in server.wire.all(dtls.anything()) if hit.frame.destination.port == port]
    check(not answers, "a stranger's ClientHello was answered", frames=tuple(answers))


@EITHER
@clause("RFC9147-4.5.2-S1", "RFC6347-4.1.2.7-S1")
async def test_an_alert_from_a_stranger_is_nothing(server: Opposite, version: dict[str, Any]) -> None:
    made = await server.meets(dtls=version)
    stranger_says(made, server, Record(ContentType.ALERT, DTLS12, 0, 99, bytes([2, INTERNAL_ERROR])).serialize())
    await goes_on(made)


# --- what broke others


class Swapped:
    """The first two DTLS datagrams change places."""

    def __init__(self) -> None:
        self._held: list[Transmission] = []
        self._done = False

    def __call__(self, one: Transmission) -> Iterable[Transmission]:
        if self._done or not 20 <= one.data[0] <= 63:
            return (one,)
        if not self._held:
            self._held.append(one)
            return ()
        self._done = True
        return (one, *self._held)


@clause("RFC9147-5.5-M3")
async def test_a_client_hello_in_two_datagrams_may_come_the_wrong_way_round(server: Opposite) -> None:
    await server.goes_on(dtls=DTLS_1_3, datagram=Swapped())
    hellos = server.wire.all(dtls.fragment("ClientHello"), sender=server.peer)
    assert hellos, "the ClientHello fits one datagram"


@EITHER
@clause("RFC6347-4.2.3-M3", "RFC9147-5.5-M3")
async def test_a_server_hello_in_pieces_is_put_together(client: Opposite, version: dict[str, Any]) -> None:
    await client.goes_on(dtls={**version, "mtu": 80})
    client.wire.expect(dtls.fragment("ServerHello"), sender=client.peer)


@clause("RFC9147-5.9-M1")
async def test_keys_are_derived_with_the_label_of_dtls(client: Opposite) -> None:
    await client.goes_on(dtls=DTLS_1_3)
    # The capture derives keys by itself: what it can't open was not made with the right label.
    opened = client.wire.all(dtls.finished(), sender=client.endpoint)
    check(bool(opened), "expected a Finished that the right keys open, there is none")


@EITHER
@clause("RFC5246-7.2.2-M3", "RFC8446-6.2-M2")
async def test_a_serial_number_of_40_bytes(client: Opposite, version: dict[str, Any]) -> None:
    await client.completes_or_ends(dtls=version, certificate=with_long_serial(40))


@EITHER
@clause("RFC5246-7.2.2-M3", "RFC8446-6.2-M2")
async def test_certificates_of_the_same_serial_number_and_issuer(client: Opposite, version: dict[str, Any]) -> None:
    for _ in range(2):
        alike = made_of(lambda size: bytes(islice(repeat(0x5A), size)))
        await client.completes_or_ends(dtls=version, certificate=alike)


@EITHER
@clause("RFC8827-6.5-M10")
async def test_an_rsa_certificate(server: Opposite, version: dict[str, Any]) -> None:
    await server.goes_on(dtls=version, certificate=rsa_certificate())
