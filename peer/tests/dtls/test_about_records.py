"""What the hellos may agree on about records: connection ids (RFC 9146, RFC 9147 section 9), size limits (RFC 8449)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from peer.dtls import ApplicationDataReceived, CipherSuite
from peer.dtls.protection12 import make_opener, make_sealer
from peer.dtls.suites import SUITES
from peer.errors import LocalProtocolError
from peer.tests.dtls.pairs import V12, V13, client, completed, echo, failed, pump, server, settle
from peer.wire import dtls_extensions as extensions
from peer.wire.dtls_alert import AlertDescription
from peer.wire.dtls_extensions import ExtensionType
from peer.wire.dtls_handshake import ServerHello
from peer.wire.dtls_handshake13 import EncryptedExtensions
from peer.wire.dtls_record import CiphertextRecord, parse_datagram

AES = (CipherSuite.TLS_AES_128_GCM_SHA256, CipherSuite.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256)
CHACHA = (CipherSuite.TLS_CHACHA20_POLY1305_SHA256, CipherSuite.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256)


BOTH_IDS = pytest.mark.parametrize(("ours", "theirs"), [(b"", b"server"), (b"cli", b""), (b"cli", b"servers")])


@BOTH_IDS
@pytest.mark.parametrize("versions", [V12, V13], ids=str)
@pytest.mark.parametrize("suites", [AES, CHACHA], ids=["aes", "chacha"])
def test_connection_ids(versions: Any, suites: Any, ours: bytes, theirs: bytes) -> None:
    shared: dict[str, Any] = {"versions": versions, "cipher_suites": suites}
    p = completed(client(connection_id=ours, **shared), server(connection_id=theirs, **shared))
    echo(p)
    settle(p)
    for sender, receiver, wanted in ((p.a, p.b, theirs), (p.b, p.a, ours)):
        sender.machine.send(b"x")
        (datagram,) = sender.machine.datagrams_to_send(p.now)
        at = 1 if versions is V13 else 11
        assert datagram[at : at + len(wanted)] == wanted
        assert bool(datagram[0] & 0x10 if versions is V13 else datagram[0] == 25) is bool(wanted)
        if wanted:
            foreign = datagram[:at] + bytes(len(wanted)) + datagram[at + len(wanted) :]
            # RFC 9147 section 4: what stands behind a foreign id goes too.
            assert receiver.machine.receive_datagram(foreign + datagram, p.now) == []
        assert receiver.machine.receive_datagram(datagram, p.now) == [ApplicationDataReceived(b"x")]
        assert receiver.machine.receive_datagram(datagram, p.now) == [], "replayed"
    p.a.machine.close(p.now)
    settle(p)
    assert p.b.machine.is_closed


def test_a_record_without_the_connection_id_is_dropped() -> None:
    """RFC 9146 section 3."""
    suite, keys = SUITES[AES[1]], bytes(16)
    plain = make_sealer(suite, keys, bytes(4), 1)
    opener = make_opener(suite, keys, bytes(4), 1, with_connection_id=True)
    (record,) = parse_datagram(plain.seal(23, b"x"))
    assert opener.open(record) is None
    assert opener.open_application_data(plain.seal(23, b"x")) is None


@pytest.mark.parametrize("versions", [V12, V13], ids=str)
@pytest.mark.parametrize(("ours", "theirs"), [(64, 16_385), (200, 80), (1 << 14, 300)])
def test_record_size_limits(versions: Any, ours: int, theirs: int) -> None:
    """RFC 8449 section 4: nobody sends more under keys than the other side takes, content type included in 1.3."""
    p = completed(
        client(versions=versions, record_size_limit=ours), server(versions=versions, record_size_limit=theirs)
    )
    echo(p)
    settle(p)
    typed = versions is V13
    for sender, limit in ((p.a, theirs), (p.b, ours)):
        most = min(limit, (1 << 14) + typed) - typed
        with pytest.raises(LocalProtocolError):
            sender.machine.send(bytes(most + 1))
        sender.machine.send(bytes(most))
        settle(p)
    longest = {"client": 0, "server": 0}
    for step in p.transcript:
        for record in parse_datagram(step.data) if step.what == "sent" else ():
            if isinstance(record, CiphertextRecord):
                longest[step.side] = max(longest[step.side], len(record.ciphertext) - 16)
            elif record.epoch:
                longest[step.side] = max(longest[step.side], len(record.fragment) - 24)
    assert longest == {"client": min(theirs, (1 << 14) + typed), "server": min(ours, (1 << 14) + typed)}


@pytest.mark.parametrize("versions", [V12, V13], ids=str)
def test_a_record_beyond_the_limit_is_dropped(versions: Any) -> None:
    p = completed(client(versions=versions), server(versions=versions))
    settle(p)
    p.b.machine._records.receive_limit = 100
    p.b.machine.handle_timeout(p.now)
    for size, events in ((101, []), (99, [ApplicationDataReceived(bytes(99))])):
        p.a.machine.send(bytes(size))
        (datagram,) = p.a.machine.datagrams_to_send(p.now)
        assert p.b.machine.receive_datagram(datagram, p.now) == events


@pytest.mark.parametrize("versions", [V12, V13], ids=str)
def test_a_limit_below_64_is_refused(versions: Any) -> None:
    failed(
        pump(client(versions=versions, record_size_limit=63), server(versions=versions, record_size_limit=64)),
        1,
        AlertDescription.ILLEGAL_PARAMETER,
    )
    with_63 = {"transform_handshake": with_limit(63)}
    bent = server(versions=versions, record_size_limit=64, seams=with_63)
    failed(pump(client(versions=versions, record_size_limit=64), bent), 0, AlertDescription.ILLEGAL_PARAMETER)


def with_limit(limit: int) -> Any:
    def bend(message: Any) -> Any:
        if isinstance(message, ServerHello | EncryptedExtensions):
            kept = tuple(e for e in message.extensions or () if e.type != ExtensionType.RECORD_SIZE_LIMIT)
            if len(kept) < len(message.extensions or ()):
                return (replace(message, extensions=(*kept, extensions.record_size_limit(limit))),)
        return (message,)

    return bend


def test_one_request_for_connection_ids_at_a_time() -> None:
    """RFC 9147 section 9."""
    p = completed(client(versions=V13, connection_id=b"cli"), server(versions=V13, connection_id=b"srv"))
    settle(p)
    p.a.machine.request_connection_ids(1, p.now)
    with pytest.raises(LocalProtocolError):
        p.a.machine.request_connection_ids(1, p.now)
    settle(p)
    p.a.machine.request_connection_ids(1, p.now)


def test_new_connection_ids() -> None:
    p = completed(client(versions=V13, connection_id=b"cli"), server(versions=V13, connection_id=b"srv"))
    settle(p)
    p.b.machine.offer_connection_ids((b"new",), p.now, immediate=True)
    settle(p)
    p.a.machine.send(b"x")
    (datagram,) = p.a.machine.datagrams_to_send(p.now)
    assert datagram[1:4] == b"new"
    assert p.b.machine.receive_datagram(datagram, p.now) == [ApplicationDataReceived(b"x")]
    p.a.machine.request_connection_ids(3, p.now)
    settle(p)
    assert len(p.a.machine._machine.remote_ids) == 4
    echo(p)
    for _ in range(40):
        if not p.b.machine.is_closed:
            p.a.machine.request_connection_ids(1, p.now)
            settle(p)
    assert p.b.machine.sent_alert == AlertDescription.TOO_MANY_CIDS_REQUESTED


def test_connection_id_calls_need_a_negotiated_id() -> None:
    p = completed(client(versions=V13), server(versions=V13))
    with pytest.raises(LocalProtocolError):
        p.a.machine.offer_connection_ids((b"x",), p.now)
    with pytest.raises(LocalProtocolError):
        p.a.machine.request_connection_ids(1, p.now)
