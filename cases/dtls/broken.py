"""Ways in which a peer can be broken: what the faults of this folder are made of."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from cases.bending import each
from cases.planting import Fault, patched
from peer.api import Seams
from peer.dtls import ApplicationDataReceived, Connection, NamedGroup, Version, schedule13
from peer.dtls.client12 import Client12
from peer.dtls.client13 import Client13
from peer.dtls.machine12 import Machine12
from peer.dtls.machine13 import Machine13
from peer.dtls.opening import ClientOpening
from peer.dtls.protection12 import GcmOpener
from peer.dtls.protection13 import Opener13
from peer.dtls.reassembly import Reassembler
from peer.dtls.records import RecordLayer
from peer.dtls.server12 import Server12
from peer.dtls.server13 import Server13
from peer.dtls.suites import TAG_SIZE
from peer.errors import DecodeError, RemoteProtocolError
from peer.ice.agent import Agent
from peer.wire import dtls_extensions as extensions
from peer.wire.dtls_alert import AlertDescription
from peer.wire.dtls_extensions import ExtensionType, UseSrtp
from peer.wire.dtls_handshake import ClientHello, Fragment, HandshakeType, ServerHello, parse_fragments
from peer.wire.dtls_parameters import DTLS12, CipherSuite
from peer.wire.dtls_record import ContentType, Record, iterate_records

__all__ = [
    "ANOTHER_ALERT",
    "BELIEVES_CERTIFICATES",
    "BELIEVES_NO_KEY",
    "BELIEVES_SIGNATURES",
    "CHOKES_ON_CHANGE_CIPHER_SPEC",
    "IGNORES_ALERTS",
    "NOT_A_WORD",
    "NO_ACKS",
    "NO_RENEGOTIATION_ALERT",
    "NO_REPLAY_PROTECTION",
    "ONLY_1_2",
    "ONLY_1_3",
    "accepts_any_cookie",
    "and_a_byte_more",
    "and_change_cipher_spec",
    "around",
    "believes_the_version",
    "dies",
    "dies_of_bad_records",
    "dies_of_the_past",
    "dies_of_what_comes_in_clear",
    "dies_silently",
    "dies_silently_as_client",
    "dies_silently_of_bad_records",
    "dies_silently_where",
    "dies_where_it_is_none",
    "falls_silent",
    "first_piece_only",
    "forgets_the_extended_master_secret",
    "from_the_start_only",
    "handles",
    "ignores",
    "in_a_small_buffer",
    "keeps_reading_in_clear",
    "knows_no_padding",
    "lacks_extension",
    "lacks_in_the_answer",
    "listens_to_strangers",
    "minds_another_hello",
    "moves_the_window_first",
    "overlooks_a_second_retry",
    "reads_at_once",
    "says_1_0_in_clear",
    "skips_gaps",
    "splits",
    "wants_to_be_asked",
    "wants_to_be_asked_in_1_2",
    "whole_messages_only",
    "with_a_share_more",
    "with_mki",
    "with_the_label_of_tls",
    "with_the_old_version",
    "without_cookie",
]

ONLY_1_2 = Fault(Seams(dtls={"versions": (Version.DTLS12,)}))
ONLY_1_3 = Fault(Seams(dtls={"versions": (Version.DTLS13,)}))


def around(owner: type, name: str, wrap: Callable[..., Any]) -> Fault:
    """A method is replaced: `wrap(real, self, ...)` decides what becomes of a call."""
    real = getattr(owner, name)
    return Fault(patch=lambda patch: patch.setattr(owner, name, lambda *these, **named: wrap(real, *these, **named)))


def dies(*_: Any, **__: Any) -> Any:
    raise RemoteProtocolError("a planted fault: what has to be dropped is taken for an attack", code=10)


def splits(die: Callable[..., Any]) -> Callable[..., Any]:
    def split(records: RecordLayer, datagram: bytes, now: float) -> Iterator[Any]:
        try:
            yield from iterate_records(datagram, records.connection_id_size)
        except DecodeError:
            die()

    return split


def opens(real: Callable[..., Any], die: Callable[..., Any]) -> Callable[..., Any]:
    def opened(*arguments: Any) -> Any:
        found = real(*arguments)
        return die() if found is None else found

    return opened


def with_bad_records(patch: pytest.MonkeyPatch, die: Callable[..., Any]) -> None:
    """What can't be opened, or has no keys, or doesn't fit its datagram, is taken for an attack."""
    for opener in (GcmOpener, Opener13):
        patch.setattr(opener, "open", opens(opener.open, die))
    patch.setattr(RecordLayer, "_defer", die)
    patch.setattr(RecordLayer, "_split", splits(die))


def dies_of_bad_records(patch: pytest.MonkeyPatch) -> None:
    with_bad_records(patch, dies)


def dies_silently_of_bad_records(patch: pytest.MonkeyPatch) -> None:
    with_bad_records(patch, dies_silently)


def listens_to_strangers(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Agent, "count_received", lambda *_: True)
    dies_of_bad_records(patch)


def with_the_label_of_tls(patch: pytest.MonkeyPatch) -> None:
    real: Callable[..., bytes] = schedule13.expand_label
    patch.setattr(schedule13, "expand_label", lambda *these: real(*these[:5], b"tls13 "))


def dies_where_it_is_none(real: Callable[..., Any], *arguments: Any) -> Any:
    opened = real(*arguments)
    return dies() if opened is None else opened


def moves_the_window_first(real: Callable[..., Any], opener: Opener13, sequence: int, *rest: Any) -> Any:
    opened = real(opener, sequence, *rest)
    if opened is None and opener._window.is_fresh(sequence):
        opener._window.accept(sequence)
    return opened


def keeps_reading_in_clear(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(RecordLayer, "drop_opener", lambda *_: None)

    def takes_all(connection: Connection, opened: Any) -> bool:
        connection._conversation.events.append(ApplicationDataReceived(opened.payload))
        return False

    patch.setitem(Connection._HANDLERS, ContentType.APPLICATION_DATA, takes_all)


def dies_of_the_past(patch: pytest.MonkeyPatch) -> None:
    real = Connection._HANDLERS[ContentType.HANDSHAKE]

    def handle(connection: Connection, opened: Any) -> bool:
        expected = connection._conversation.inbound.next_sequence
        if any(fragment.sequence < expected - 1 for fragment in parse_fragments(opened.payload)):
            dies()
        return real(connection, opened)

    patch.setitem(Connection._HANDLERS, ContentType.HANDSHAKE, handle)


def says_another_alert(real: Callable[..., Any], connection: Connection, error: RemoteProtocolError) -> Any:
    real(connection, RemoteProtocolError(str(error), code=AlertDescription.INTERNAL_ERROR))


def says_nothing(real: Callable[..., Any], connection: Connection, error: RemoteProtocolError) -> Any:
    real(connection, RemoteProtocolError(str(error)))


def dies_silently_as_client(real: Callable[..., Any], client: ClientOpening, message: Any, raw: Any) -> Any:
    return dies_silently() if isinstance(message, ServerHello) else real(client, message, raw)


def dies_silently(*_: Any) -> Any:
    raise RemoteProtocolError("a planted fault: what is odd ends the connection without a word")


def handles(kind: ContentType, handle: Callable[..., Any]) -> Fault:
    """Records of a type are handled by another function."""
    return Fault(patch=lambda patch: patch.setitem(Connection._HANDLERS, kind, handle))


def dies_of_what_comes_in_clear(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(RecordLayer, "drop_opener", lambda *_: None)
    patch.setitem(Connection._HANDLERS, ContentType.ACK, lambda _, opened: opened.epoch or dies())


def knows_no_padding(real: Callable[..., Any], opener: Opener13, sequence: int, header: bytes, sealed: bytes) -> Any:
    opened = real(opener, sequence, header, sealed)
    return opened if opened is None or len(opened[2]) + 1 + TAG_SIZE == len(sealed) else None


def wants_to_be_asked(real: Callable[..., Any], client: Client13, message: Any, raw: Any) -> Any:
    return dies() if client._request is None else real(client, message, raw)


def wants_to_be_asked_in_1_2(patch: pytest.MonkeyPatch) -> None:
    unasked = next(key for key in Client12._HANDLERS if key[0].name == "REQUEST_OR_DONE" and key[1] == 14)
    patch.delitem(Client12._HANDLERS, unasked)


def forgets_the_extended_master_secret(real: Callable[..., Any], client: Client12, message: ServerHello) -> None:
    real(client, message)
    client.extended_master_secret = False


def lacks_extension(kind: ExtensionType) -> Callable[[Any], Any]:
    return lambda one: replace(one, extensions=tuple(e for e in one.extensions or () if e.type != kind))


def with_a_share_more(one: ClientHello) -> ClientHello:
    shares = extensions.parse_client_key_share(one.extension(ExtensionType.KEY_SHARE) or b"")
    more = extensions.client_key_share([*shares, extensions.KeyShareEntry(NamedGroup.secp256r1, bytes(65))])
    kept = tuple(e for e in one.extensions or () if e.type != ExtensionType.KEY_SHARE)
    return replace(one, extensions=(*kept, more))


def with_the_old_version(one: ServerHello) -> Iterable[ServerHello]:
    return (replace(one, extensions=(*(one.extensions or ()), extensions.selected_version(0xFEFD))),)


def answers(bend: Callable[[ServerHello], Iterable[Any]]) -> Fault:
    return Fault(Seams(dtls_handshake=each(ServerHello, bend)))


def lacks_in_the_answer(kind: ExtensionType) -> Fault:
    return answers(lambda one: (lacks_extension(kind)(one),))


def ignores(kind: HandshakeType) -> Fault:
    """A message after the handshake of 1.3 has no effect."""
    return Fault(patch=lambda patch: patch.setitem(Machine13._LATE_HANDLERS, kind, lambda *_: None))


def whole_messages_only(real: Callable[..., Any], inbound: Reassembler, fragment: Any, epoch: int) -> Any:
    return fragment.is_whole and real(inbound, fragment, epoch)


def from_the_start_only(real: Callable[..., Any], inbound: Reassembler, fragment: Any, epoch: int) -> Any:
    known = inbound._partials.get(fragment.sequence)
    expected = known._gaps[0][0] if known is not None and known._gaps else 0
    return real(inbound, fragment, epoch) if fragment.offset == expected else dies()


def first_piece_only(real: Callable[..., Any], inbound: Reassembler, fragment: Any, epoch: int) -> Any:
    return fragment.sequence not in inbound._partials and real(inbound, fragment, epoch)


def accepts_any_cookie(real: Callable[..., Any], server: Server13, message: ClientHello, raw: Any) -> Any:
    return real(server, without_cookie(message) if isinstance(message, ClientHello) else message, raw)


def overlooks_a_second_retry(real: Callable[..., Any], client: Client13, *rest: Any) -> Any:
    return None if client._retried is not None else real(client, *rest)


def believes_the_version(real: Callable[..., Any], client: ClientOpening, message: Any) -> Any:
    return dies() if message.version == 0xFEFF else real(client, message)


def without_cookie(one: ClientHello) -> ClientHello:
    without: ClientHello = lacks_extension(ExtensionType.COOKIE)(one)
    return without


def with_mki(one: ClientHello) -> ClientHello:
    kept = tuple(e for e in one.extensions or () if e.type != ExtensionType.USE_SRTP)
    return replace(one, extensions=(*kept, UseSrtp((1,), b"mki").extension()))


def says_1_0_in_clear(record: Record) -> Iterable[Record]:
    return (record if record.epoch else replace(record, version=0xFEFF),)


def and_change_cipher_spec(record: Record) -> Iterable[Record | bytes]:
    return (record, Record(ContentType.CHANGE_CIPHER_SPEC, 0xFEFD, 0, 1 << 20, b"\x01").serialize())


def and_a_byte_more(one: Any) -> Iterable[Any]:
    return (replace(one, data=one.data + b"\x00") if 20 <= one.data[0] < 64 else one,)


def dies_silently_where(odd: Callable[[Reassembler, Any], bool]) -> Fault:
    """A fragment of this kind ends the connection without a word."""

    def receive(real: Callable[..., Any], inbound: Reassembler, fragment: Any, epoch: int) -> Any:
        return dies_silently() if odd(inbound, fragment) else real(inbound, fragment, epoch)

    return around(Reassembler, "receive", receive)


def skips_gaps(real: Callable[..., Any], inbound: Reassembler, fragment: Any, epoch: int) -> Any:
    inbound.next_sequence = max(inbound.next_sequence, fragment.sequence)
    return real(inbound, fragment, epoch)


def minds_another_hello(patch: pytest.MonkeyPatch) -> None:
    """Another ClientHello in the middle of a handshake ends it without a word in 1.2; in 1.3 it is answered."""
    real = Connection._HANDLERS[ContentType.HANDSHAKE]

    def handle(connection: Connection, opened: Any) -> bool:
        if connection._conversation.inbound.next_sequence and opened.payload[0] == HandshakeType.CLIENT_HELLO:
            if isinstance(connection._machine, Server12):
                dies_silently()
            body = ServerHello(DTLS12, bytes(32), b"", CipherSuite.TLS_AES_128_GCM_SHA256, 0, ()).serialize()
            answer = Fragment(ServerHello.TYPE, len(body), 0, 0, body).serialize()
            connection._records.send(ContentType.HANDSHAKE, 0, answer, connection._conversation.now)
            connection._records.flush()
        return real(connection, opened)

    patch.setitem(Connection._HANDLERS, ContentType.HANDSHAKE, handle)


def falls_silent(connection: Connection, _: Any) -> bool:
    connection._closed = True
    return False


def reads_at_once(real: Callable[..., Any], machine: Machine12, premaster: bytes) -> None:
    real(machine, premaster)
    machine.handle_change_cipher_spec()


def in_a_small_buffer(real: Callable[..., Any], records: RecordLayer, datagram: bytes, now: float) -> Any:
    return () if len(datagram) > SMALL_BUFFER else real(records, datagram, now)


NO_ACKS = around(Machine13, "_send_ack", lambda _, machine: machine.conversation.heard.clear())
ANOTHER_ALERT = around(Connection, "_fail", says_another_alert)
IN_ORDER_ONLY = around(Reassembler, "receive", from_the_start_only)
BELIEVES_NO_KEY = patched("peer.dtls.conversation.public_key_of", dies_silently)
NOT_A_WORD = around(Connection, "_fail", says_nothing)
ANY_POINT_FORMAT = around(Server12, "_check_point_formats", lambda *_: None)
IGNORES_ALERTS = handles(ContentType.ALERT, lambda *_: False)
BELIEVES_SIGNATURES = patched("peer.dtls.machine13.verify", lambda *_: True)
BELIEVES_CERTIFICATES = patched("peer.dtls.conversation.is_vouched_for", lambda *_: True)
NO_RENEGOTIATION_ALERT = patched("peer.dtls.machine12.Machine12.handle_late_message", lambda *_: None)
NO_REPLAY_PROTECTION = patched("peer.dtls.replay.ReplayWindow.is_fresh", lambda *_: True)
CHOKES_ON_CHANGE_CIPHER_SPEC = handles(ContentType.CHANGE_CIPHER_SPEC, dies_silently)
SMALL_BUFFER = 2048
