"""What broke other implementations, one case each. Each is also run against a peer broken that way, and must fail.

A planted fault is a context in which one function of ours is replaced by what the broken implementation did.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from peer.dtls import certificate as certificates
from peer.dtls import client12, client13, reassembly, schedule13
from peer.dtls.config import Version
from peer.errors import DecodeError, RemoteProtocolError
from peer.testing import Link, Pump, PumpTimeoutError
from peer.tests.dtls.pairs import V12, V13, client, complete, pump, server
from peer.tests.dtls.test_certificate import with_serial
from peer.wire.dtls_alert import AlertDescription
from peer.wire.dtls_handshake import parse_fragments
from peer.wire.dtls_record import Record, parse_datagram

Plant = Callable[[pytest.MonkeyPatch], None]


def fails(case: Callable[[], None], plant: Plant) -> None:
    """The case must not pass on a peer with the fault."""
    with pytest.MonkeyPatch.context() as patch:
        plant(patch)
        with pytest.raises((AssertionError, PumpTimeoutError, DecodeError, RemoteProtocolError)):
            case()


# --- a ClientHello with ML-KEM, in two datagrams, out of order


def hello_in_two_out_of_order() -> None:
    p = Pump(client(versions=V13), server(versions=V13))
    p.a.machine.start(0.0)
    datagrams = p.a.machine.datagrams_to_send(0.0)
    assert len(datagrams) == 2
    assert p.b.machine.receive_datagram(datagrams[1], 0.0) == []
    assert p.b.machine.datagrams_to_send(0.0) == []
    p.b.machine.receive_datagram(datagrams[0], 0.0)
    assert p.b.machine.datagrams_to_send(0.0), "the server has the whole ClientHello and answers"


def in_order_only(patch: pytest.MonkeyPatch) -> None:
    """Fragments are expected in order; others are dropped."""
    real = reassembly.Reassembler.receive

    def receive(self: Any, fragment: Any, epoch: int) -> bool:
        known = self._partials.get(fragment.sequence)
        start = known._gaps[0][0] if known and known._gaps else 0
        return fragment.offset == start and real(self, fragment, epoch)

    patch.setattr(reassembly.Reassembler, "receive", receive)


def test_a_client_hello_in_two_datagrams_out_of_order() -> None:
    hello_in_two_out_of_order()
    fails(hello_in_two_out_of_order, in_order_only)


# --- a fragmented ServerHello


def fragmented_server_hello() -> None:
    p = pump(client(versions=V13), server(versions=V13, mtu=400))
    complete(p, timeout=5.0)
    first = next(step.data for step in p.transcript if step.side == "server" and step.what == "sent")
    (record,) = parse_datagram(first)
    assert isinstance(record, Record)
    assert not parse_fragments(record.fragment)[0].is_whole


def whole_messages_only(patch: pytest.MonkeyPatch) -> None:
    """A fragment is taken for a message."""
    real = reassembly.Reassembler.receive
    patch.setattr(reassembly.Reassembler, "receive", lambda self, f, epoch: f.is_whole and real(self, f, epoch))


def test_a_fragmented_server_hello() -> None:
    fragmented_server_hello()
    fails(fragmented_server_hello, whole_messages_only)


# --- a wrong HKDF label: both ends of one library agree, and nobody else


def label_of_dtls() -> None:
    from peer.tests.dtls import test_schedule13

    test_schedule13.test_the_label_of_dtls_is_dtls13_without_a_space()


def label_of_tls(patch: pytest.MonkeyPatch) -> None:
    real = schedule13.expand_label
    from peer.tests.dtls import test_schedule13

    def wrong(
        digest: str, secret: bytes, label: bytes, context: bytes, length: int, prefix: bytes = b"tls13 "
    ) -> bytes:
        return real(digest, secret, label, context, length, prefix)

    patch.setattr(schedule13, "expand_label", wrong)
    patch.setattr(test_schedule13, "expand_label", wrong)


def test_a_wrong_label_shows_without_another_implementation() -> None:
    label_of_dtls()
    fails(label_of_dtls, label_of_tls)
    with pytest.MonkeyPatch.context() as patch:
        label_of_tls(patch)
        complete(pump(client(versions=V13), server(versions=V13)))  # self-interop proves nothing


# --- certificates


def long_serial() -> None:
    certificates.public_key_of(with_serial(b"\x7f" * 40))


def strict_serials(patch: pytest.MonkeyPatch) -> None:
    """The certificate is read by a library that refuses serials of more than 20 bytes."""

    def strict(der: bytes) -> Any:
        start = der.index(b"\xa0\x03\x02\x01\x02") + 5
        if der[start + 1] > 20:
            raise DecodeError("serial number too long")
        raise AssertionError("the certificate has an ordinary serial")

    patch.setattr(certificates, "public_key_of", strict)


def test_a_serial_of_over_20_bytes() -> None:
    long_serial()
    fails(long_serial, strict_serials)


def test_certificates_with_equal_serial_and_issuer() -> None:
    """Both sides' entropy is the same, so both certificates have the same name and serial; only the keys differ."""
    from dataclasses import replace

    from peer.dtls import Certificate, Config, Connection, Role
    from peer.testing import Entropy
    from peer.tests.dtls.pairs import NOW

    one, two = (Certificate.generate(now=NOW, entropy=Entropy("same")) for _ in range(2))
    for versions in (V12, V13):
        a = Config(one, (two.fingerprint(),), versions=versions)
        b = replace(a, certificate=two, remote_fingerprints=(one.fingerprint(),))
        complete(pump(Connection(a, Role.CLIENT, entropy=Entropy(1)), Connection(b, Role.SERVER, entropy=Entropy(2))))


# --- a server that doesn't ask for a certificate


@pytest.mark.parametrize("versions", [V12, V13])
def test_a_server_that_asks_for_no_certificate(versions: tuple[Version, ...]) -> None:
    def case() -> None:
        complete(pump(client(versions=versions), server(versions=versions, request_client_certificate=False)), 5.0)

    def expects_request(patch: pytest.MonkeyPatch) -> None:
        """The client waits for a CertificateRequest."""
        for module, cls in ((client12, client12.Client12), (client13, client13.Client13)):
            skipped = {"REQUEST_OR_DONE": 14, "CERTIFICATE_OR_REQUEST": 11}
            handlers = {k: v for k, v in cls._HANDLERS.items() if skipped.get(k[0].name) != k[1]}
            assert len(handlers) < len(cls._HANDLERS), module
            patch.setattr(cls, "_HANDLERS", handlers)

    case()
    fails(case, expects_request)


# --- strangers


def test_an_alert_from_a_stranger_after_the_handshake() -> None:
    """Somebody who knows the addresses but no keys. Before the handshake ICE keeps him out: see the session's tests."""
    for versions in (V12, V13):
        p = pump(client(versions=versions), server(versions=versions), Link())
        complete(p)
        p.run(timeout=100.0)
        for epoch in (0, 1, 2, 3):
            alert = Record(21, 0xFEFD, epoch, 1 << 30, bytes([2, AlertDescription.INTERNAL_ERROR]))
            assert p.a.machine.receive_datagram(alert.serialize(), p.now) == []
        assert p.a.machine.is_established
