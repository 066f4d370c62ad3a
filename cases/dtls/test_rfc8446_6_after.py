"""RFC 8446 sections 4.6, 5 and 6 as RFC 9147 has them: messages, records and alerts under the keys of DTLS 1.3."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

from cases.dtls.intruder import Intruder, goes_on
from cases.dtls.opposite import DTLS_1_3, Opposite
from cases.dtls.test_rfc8446_4_authentication import END_OF_EARLY_DATA, TICKET
from cases.dtls.test_rfc9147_4_record_layer import says, sctp_packet
from cases.sctp.intruder import Intruder as SctpIntruder
from harness.capture.match import dtls, sctp
from harness.cases import Connection, check, clause
from harness.errors import Thrown
from peer.wire import dtls_extensions as extensions
from peer.wire.dtls_handshake import ClientHello, Finished, HandshakeMessage, UnknownMessage
from peer.wire.dtls_handshake13 import CertificateRequest13, KeyUpdate, NewSessionTicket
from peer.wire.dtls_parameters import DTLS12, DTLS13
from peer.wire.dtls_record import Ack, ContentType, RecordNumber

HELLO = ClientHello(DTLS12, bytes(32), b"", b"", (0x1301,), b"\x00", (extensions.supported_versions([DTLS13]),))
WARNING, FATAL = 1, 2
CLOSE_NOTIFY, HANDSHAKE_FAILURE, USER_CANCELED, UNKNOWN_ALERT = 0, 40, 90, 200


async def met(side: Opposite) -> tuple[Connection, Intruder]:
    """Connected, with somebody beside us who can say anything."""
    intruder = Intruder()
    return await side.meets(dtls=DTLS_1_3, dtls_record=intruder), intruder


async def speak(side: Opposite, made: Connection, say: Callable[[], None]) -> None:
    """A message of ours takes along what the intruder has to say, if no packet of SCTP's own did before."""
    ours, _ = await side.channels(made)
    say()
    with contextlib.suppress(Thrown):  # then it was said, and the connection is over
        await ours.send("now")


async def refuses(side: Opposite, alert: str, *messages: HandshakeMessage) -> None:
    """The endpoint ends the connection when it gets these after the handshake."""
    made, intruder = await met(side)
    await speak(side, made, lambda: intruder.say(*messages))
    await side.ends(made, alert)


async def keeps_or_ends(side: Opposite, kind: int, payload: bytes) -> None:
    made, intruder = await met(side)
    await side.keeps_or_ends(made, lambda: intruder.say_record(kind, payload))


async def test_sanity_dtls_1_3_carries_messages(client: Opposite) -> None:
    made, _ = await met(client)
    await goes_on(made)


# --- messages


@clause("RFC8446-4.6.3-M4")
async def test_a_key_update_that_asks_for_nonsense_is_refused(client: Opposite) -> None:
    await refuses(client, "illegal_parameter", KeyUpdate(2))


@clause("RFC8446-6-M5")
async def test_a_key_update_of_two_bytes_is_refused(client: Opposite) -> None:
    await refuses(client, "decode_error", UnknownMessage(24, b"\x00\x00"))


@clause("RFC8446-4.6.2-M5")
async def test_a_certificate_request_after_the_handshake_is_refused(client: Opposite) -> None:
    request = CertificateRequest13(b"context", (extensions.signature_algorithms([0x0403]),))
    await refuses(client, "unexpected_message", request)


@clause("RFC8446-4.1.2-M3")
async def test_a_client_hello_under_keys_is_refused(server: Opposite) -> None:
    await refuses(server, "unexpected_message", HELLO)


@clause("RFC8446-4-M2")
async def test_a_finished_comes_once(client: Opposite) -> None:
    await refuses(client, "unexpected_message", Finished(bytes(32)))


@clause("RFC8446-4-M2")
async def test_a_server_gets_no_ticket(server: Opposite) -> None:
    await refuses(server, "unexpected_message", TICKET)


@clause("RFC8446-4-M2")
async def test_no_early_data_ends_after_the_handshake(server: Opposite) -> None:
    await refuses(server, "unexpected_message", END_OF_EARLY_DATA)


@clause("RFC8446-4-M2")
async def test_a_message_that_does_not_exist_is_refused(server: Opposite) -> None:
    await refuses(server, "unexpected_message", UnknownMessage(99, b"what"))


@clause("RFC9147-7.1-M1", "RFC8446-4.6.1-M7")
async def test_a_ticket_is_acknowledged_whatever_it_carries(client: Opposite) -> None:
    made, intruder = await met(client)
    strange = extensions.Extension(0xFEED, b"unknown")
    intruder.say(NewSessionTicket(7200, 0, b"nonce", b"ticket", (strange,)))
    await goes_on(made)
    ticket = client.wire.expect(dtls.handshake("NewSessionTicket"), sender=client.peer)
    await client.wire.wait_for(dtls.ack(), sender=client.endpoint, after=ticket, timeout=3.0)


# --- records


@clause("RFC9147-4.5.2-S1", "RFC9147-4.5.2-M1")
async def test_a_record_of_an_unknown_type_under_keys(client: Opposite) -> None:
    await keeps_or_ends(client, 31, b"what")


@clause("RFC9147-4.5.2-S1", "RFC9147-4.5.2-M1")
async def test_a_change_cipher_spec_under_keys(client: Opposite) -> None:
    await keeps_or_ends(client, ContentType.CHANGE_CIPHER_SPEC, b"\x01")


@clause("RFC9147-4.5.2-S1", "RFC9147-4.5.2-M1")
async def test_a_record_of_nothing_but_padding(client: Opposite) -> None:
    await keeps_or_ends(client, 0, bytes(20))


@clause("RFC9147-4.5.2-S1", "RFC9147-4.5.2-M1")
async def test_an_empty_handshake_record(client: Opposite) -> None:
    await keeps_or_ends(client, ContentType.HANDSHAKE, b"")


@clause("RFC9147-4.5.2-S1", "RFC9147-4.5.2-M1")
async def test_an_empty_alert_record(client: Opposite) -> None:
    await keeps_or_ends(client, ContentType.ALERT, b"")


@clause("RFC9147-4.5.2-S1", "RFC9147-4.5.2-M1")
async def test_two_alerts_in_a_record(client: Opposite) -> None:
    await keeps_or_ends(client, ContentType.ALERT, bytes([WARNING, USER_CANCELED]) * 2)


@clause("RFC9147-4.5.2-S1", "RFC9147-4.5.2-M1")
async def test_a_record_of_an_unknown_type_under_keys_to_a_server(server: Opposite) -> None:
    await keeps_or_ends(server, 31, b"what")


@clause("RFC8446-5.4-M3")
async def test_padding_is_taken_off(client: Opposite) -> None:
    intruder, speaker = Intruder(), SctpIntruder()
    made = await client.meets(dtls=DTLS_1_3, dtls_record=intruder, sctp=speaker)
    padded = sctp_packet(speaker, b"padded") + bytes([ContentType.APPLICATION_DATA]) + bytes(40)
    intruder.say_record(0, padded)  # the type of a record is its last byte that is no zero
    await goes_on(made)
    client.wire.expect(sctp.heartbeat_ack().where(says(b"padded"), "to it"), sender=client.endpoint)


@clause("RFC9147-4.5.2-S1", "RFC9147-4.5.2-M1")
async def test_an_ack_for_what_was_never_sent(client: Opposite) -> None:
    await keeps_or_ends(client, ContentType.ACK, Ack((RecordNumber(3, 1 << 40),)).serialize())


@clause("RFC9147-4.5.2-S1", "RFC9147-4.5.2-M1")
async def test_an_ack_that_ends_in_the_middle(client: Opposite) -> None:
    await keeps_or_ends(client, ContentType.ACK, b"\x00\x10" + bytes(8))


@clause("RFC9147-4.5.2-S1")
async def test_an_ack_in_clear_is_dropped(client: Opposite) -> None:
    made, intruder = await met(client)
    intruder.say_exactly(ContentType.ACK, 0, 7, Ack((RecordNumber(0, 0),)).serialize())
    await goes_on(made)
    client.wire.never(dtls.alert(fatal=True), sender=client.endpoint)


# --- alerts


async def is_over(side: Opposite, level: int, description: int) -> None:
    made, intruder = await met(side)
    await speak(side, made, lambda: intruder.say_record(ContentType.ALERT, bytes([level, description])))
    own = made.answerer if side.is_client else made.offerer
    state = await own.wait_for(connectionState=("failed", "closed", "disconnected"), timeout=3.0)
    check(state in {"failed", "closed"}, f"expected the connection to be over, it is {state}")


@clause("RFC8446-6.2-M1", "RFC8446-6-M1")
async def test_a_fatal_alert_ends_the_connection(client: Opposite) -> None:
    await is_over(client, FATAL, HANDSHAKE_FAILURE)


@clause("RFC8446-6-M3")
async def test_the_level_of_an_alert_means_nothing(client: Opposite) -> None:
    await is_over(client, WARNING, HANDSHAKE_FAILURE)


@clause("RFC8446-6-M4")
async def test_an_unknown_alert_is_an_error(client: Opposite) -> None:
    await is_over(client, WARNING, UNKNOWN_ALERT)


async def closes(side: Opposite) -> None:
    made, intruder = await met(side)
    own = made.answerer if side.is_client else made.offerer
    transport = await own.follow("sctp.transport")
    await speak(side, made, lambda: intruder.say_record(ContentType.ALERT, bytes([WARNING, CLOSE_NOTIFY])))
    state = await transport.wait_for(state=("closed", "failed"), timeout=3.0)
    check(state == "closed", f"expected the transport to be closed, it is {state}")


@clause("RFC8446-6.1-M2", "RFC9147-5.10-M1")
async def test_close_notify_closes_a_client(client: Opposite) -> None:
    await closes(client)


@clause("RFC8446-6.1-M2", "RFC9147-5.10-M1")
async def test_close_notify_closes_a_server(server: Opposite) -> None:
    await closes(server)
