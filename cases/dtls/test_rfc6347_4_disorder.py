"""RFC 6347 section 4, RFC 9147 sections 4 and 5, RFC 5246 7.1: what comes in the wrong order, in pieces that
disagree, twice or not at all, in both versions and roles.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable
from dataclasses import replace
from itertools import repeat
from typing import Any

from cases.dtls.intruder import Intruder, goes_on
from cases.dtls.opposite import DTLS_1_2, DTLS_1_3, Opposite
from cases.dtls.test_rfc9147_4_record_layer import says, sctp_packet
from cases.dtls.test_rfc9147_11_attacks import EITHER, HELLO, INTERNAL_ERROR, before_the_first, clear, fragments
from cases.sctp.intruder import Intruder as SctpIntruder
from harness.capture.match import dtls, sctp
from harness.cases import check, clause
from harness.errors import Thrown
from peer.wire.dtls_handshake import Finished, Fragment, HandshakeMessage, HandshakeType
from peer.wire.dtls_handshake12 import HelloRequest
from peer.wire.dtls_handshake13 import KeyUpdate
from peer.wire.dtls_parameters import DTLS12
from peer.wire.dtls_record import ContentType, Record

SOON = {"retransmission_timeout": 0.05}
CHANGE_CIPHER_SPEC = Record(ContentType.CHANGE_CIPHER_SPEC, DTLS12, 0, 77, b"\x01").serialize()
FATAL_ALERT = Record(ContentType.ALERT, DTLS12, 0, 78, bytes([2, INTERNAL_ERROR])).serialize()


async def test_sanity_a_long_flight_is_understood(either: Opposite) -> None:
    await either.goes_on(dtls={**DTLS_1_3, "mtu": 300})


# --- fragments


@EITHER
@clause("RFC5246-7.2.2-M3", "RFC8446-6.2-M2")
async def test_overlapping_fragments_that_disagree(either: Opposite, version: dict[str, Any]) -> None:
    await either.completes_or_ends(fragments((1, 2), of=Finished, spoil=True), dtls=version)


@EITHER
@clause("RFC5246-7.2.2-M3", "RFC8446-6.2-M2")
async def test_fragments_without_a_byte(either: Opposite, version: dict[str, Any]) -> None:
    await either.completes_or_ends(fragments((0, 0), (1, 1)), dtls=version)


@EITHER
@clause("RFC5246-7.2.2-M3", "RFC8446-6.2-M2")
async def test_fragments_of_two_lengths(either: Opposite, version: dict[str, Any]) -> None:
    def bend(message: HandshakeMessage) -> Iterable[HandshakeMessage | Fragment]:
        body, sequence = message.serialize(), next(numbers)
        if isinstance(message, Finished):
            yield Fragment(message.TYPE, len(body) + 5, sequence, 0, body[:3])
        yield message

    numbers = iter(range(99))
    await either.completes_or_ends(bend, dtls=version)


# --- message_seq


class Swapped:
    """Our first two handshake records behind the hellos change places."""

    def __init__(self) -> None:
        self._held: list[Record] = []
        self._done = False

    def __call__(self, record: Record) -> Iterable[Record]:
        if self._done or record.type != ContentType.HANDSHAKE:
            self._done = self._done or bool(self._held)
            held, self._held = self._held, []
            return (*held, record)
        if not self._held and record.fragment[0] not in {HandshakeType.CLIENT_HELLO, HandshakeType.SERVER_HELLO}:
            self._held = [record]
            return ()
        self._done = bool(self._held)
        held, self._held = self._held, []
        return (record, *held)


@EITHER
@clause("RFC6347-4.2.2-S1", "RFC9147-5.2-S1")
async def test_messages_before_their_turn(either: Opposite, version: dict[str, Any]) -> None:
    await either.goes_on(dtls={**version, **SOON}, dtls_record=Swapped())


@clause("RFC9147-5.2-S1")
async def test_a_message_behind_a_gap_waits(either: Opposite) -> None:
    intruder = Intruder()
    made = await either.meets(dtls=DTLS_1_3, dtls_record=intruder)
    intruder.say_after_a_gap(KeyUpdate(1))
    await goes_on(made)
    either.wire.never(dtls.handshake("KeyUpdate"), sender=either.endpoint)


@clause("RFC6347-4.2.2-S1")  # it may be dropped as well as kept: but nothing is done about it yet
async def test_a_hello_request_behind_a_gap_waits(client: Opposite) -> None:
    intruder = Intruder()
    made = await client.meets(dtls=DTLS_1_2, dtls_record=intruder)
    await client.keeps_or_ends(made, lambda: intruder.say_after_a_gap(HelloRequest()))
    client.wire.never(dtls.alert(), sender=client.endpoint, clause="RFC6347-4.2.2-S1")


# --- handshakes that interleave, and what is in clear


def beside_the_second_flight(*said: bytes) -> Callable[[Record], Iterable[Record | bytes]]:
    """Before our first record that isn't a hello goes something in clear."""
    left = list(said)

    def bend(record: Record) -> Iterable[Record | bytes]:
        if record.type == ContentType.HANDSHAKE and record.fragment[0] == HandshakeType.CLIENT_HELLO:
            return (record,)
        first, left[:] = tuple(left), []
        return (*first, record)

    return bend


@EITHER
@clause("RFC6347-4.2.2-M1", "RFC9147-5.2-M1")
async def test_another_client_hello_in_the_middle(server: Opposite, version: dict[str, Any]) -> None:
    await server.goes_on(dtls=version, dtls_record=beside_the_second_flight(clear(HELLO, 0, 77)))
    # It looks like our own again, so the flight may be repeated: RFC 6347 4.2.4. A new one may not begin.
    randoms = {bytes(hit.packet.random) for hit in server.wire.all(dtls.server_hello(), sender=server.endpoint)}
    check(len(randoms) == 1, f"one ServerHello is to come, there were {len(randoms)}")


@EITHER
@clause("RFC5246-7.2.2-M3", "RFC8446-6.2-M2")
async def test_another_handshake_that_interleaves(server: Opposite, version: dict[str, Any]) -> None:
    await server.completes_or_ends(dtls=version, dtls_record=beside_the_second_flight(clear(HELLO, 1, 77)))


@EITHER
@clause("RFC9147-4.5.2-S1", "RFC6347-4.1.2.7-S1")
async def test_a_fatal_alert_in_clear_is_not_believed_under_keys(either: Opposite, version: dict[str, Any]) -> None:
    intruder = Intruder()
    made = await either.meets(dtls=version, dtls_record=intruder)
    intruder.say_raw(FATAL_ALERT)
    await goes_on(made)


@EITHER
@clause("RFC8446-6.2-M1")
async def test_a_fatal_alert_in_clear_before_there_are_keys(either: Opposite, version: dict[str, Any]) -> None:
    await either.completes_or_is_over(dtls=version, dtls_record=before_the_first(FATAL_ALERT))


@EITHER
@clause("RFC9147-4.5.2-S1", "RFC6347-4.1.2.7-S1")
async def test_a_message_in_clear_after_keys_does_nothing(either: Opposite, version: dict[str, Any]) -> None:
    intruder = Intruder()
    made = await either.meets(dtls=version, dtls_record=intruder)
    intruder.say_raw(clear(KeyUpdate(1), intruder.next_message, 99))
    await goes_on(made)
    either.wire.never(dtls.alert(fatal=True), sender=either.endpoint)
    either.wire.never(dtls.handshake("KeyUpdate"), sender=either.endpoint)


@EITHER
@clause("RFC5246-7.2.2-M3", "RFC8446-6.2-M2")
async def test_application_data_before_finished(either: Opposite, version: dict[str, Any]) -> None:
    """Under keys, before the handshake is complete: it waits, is dropped or ends it."""

    def bend(record: Record) -> Iterable[Record]:
        if not record.epoch or sent:
            return (record,)
        sent.append(record)
        early = replace(record, type=ContentType.APPLICATION_DATA, sequence=40, fragment=b"too early")
        return (early, record)

    sent: list[Record] = []
    await either.completes_or_ends(dtls=version, dtls_record=bend)


# --- ChangeCipherSpec


def specs(bend: Callable[[Record], Iterable[Record]]) -> Callable[[Record], Iterable[Record]]:
    return lambda record: bend(record) if record.type == ContentType.CHANGE_CIPHER_SPEC else (record,)


@clause("RFC5246-7.2.2-M3")
async def test_an_early_change_cipher_spec(either: Opposite) -> None:
    await either.completes_or_ends(dtls=DTLS_1_2, dtls_record=before_the_first(CHANGE_CIPHER_SPEC))


@clause("RFC5246-7.2.2-M3")
async def test_a_change_cipher_spec_before_the_key_exchange(either: Opposite) -> None:
    await either.completes_or_ends(dtls=DTLS_1_2, dtls_record=beside_the_second_flight(CHANGE_CIPHER_SPEC))


@clause("RFC5246-7.2.2-M3")
async def test_a_change_cipher_spec_twice(either: Opposite) -> None:
    twice = specs(lambda record: (record, replace(record, sequence=record.sequence + 50)))
    await either.completes_or_ends(dtls=DTLS_1_2, dtls_record=twice)


@clause("RFC5246-7.2.2-M3")
async def test_a_change_cipher_spec_of_another_value(either: Opposite) -> None:
    first = ["spoilt"]
    spoilt = specs(lambda record: (replace(record, fragment=b"\x02") if first and first.pop() else record,))
    await either.completes_or_ends(dtls={**DTLS_1_2, **SOON}, dtls_record=spoilt)


@clause("RFC5246-7.2.2-M3")
async def test_a_change_cipher_spec_of_two_bytes(either: Opposite) -> None:
    first = ["spoilt"]
    spoilt = specs(lambda record: (replace(record, fragment=b"\x01\x01") if first and first.pop() else record,))
    await either.completes_or_ends(dtls={**DTLS_1_2, **SOON}, dtls_record=spoilt)


@clause("RFC6347-4.2.4-M1")
async def test_a_change_cipher_spec_that_was_lost_comes_again(either: Opposite) -> None:
    first = ["lost"]
    await either.goes_on(
        dtls={**DTLS_1_2, **SOON}, dtls_record=specs(lambda record: () if first and first.pop() else (record,))
    )


@clause("RFC5246-7.4.9-M1")
async def test_a_server_takes_no_finished_without_a_change_cipher_spec(server: Opposite) -> None:
    await server.meets(dtls={**DTLS_1_2, **SOON}, dtls_record=specs(lambda _: ()), wait=False)
    finished = dtls.handshake("Finished")
    first = await server.wire.wait_for(finished, sender=server.peer, timeout=3.0)
    await server.wire.wait_for(finished, sender=server.peer, after=first, timeout=3.0)
    server.wire.never(dtls.change_cipher_spec(), sender=server.endpoint)


# --- records


@EITHER
@clause("RFC6347-4.1.1.1-M1", "RFC9147-4.4-M1")
async def test_a_record_of_3000_bytes_is_read(either: Opposite, version: dict[str, Any]) -> None:
    intruder, speaker = Intruder(), SctpIntruder()
    made = await either.meets(dtls=version, dtls_record=intruder, sctp=speaker)
    ours, _ = await either.channels(made)
    intruder.say_record(ContentType.APPLICATION_DATA, sctp_packet(speaker, b"a long one", padding=2960))
    with contextlib.suppress(Thrown):  # a packet of SCTP's own may have taken the record along already
        await ours.send("now")
    await either.says(made, sctp.heartbeat_ack().where(says(b"a long one"), "to it"))


@clause("RFC9147-5.8.4-M1", "RFC9147-4.5.2-M1")
async def test_a_flood_of_key_updates_to_a_server(server: Opposite) -> None:
    intruder = Intruder()
    made = await server.meets(dtls=DTLS_1_3, dtls_record=intruder)
    await server.keeps_or_ends(made, lambda: intruder.say(*repeat(KeyUpdate(1), 64)))
