"""The facade in both versions: what it negotiates, refuses, reports, and how it ends."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest

from peer.dtls import (
    ApplicationDataReceived,
    CipherSuite,
    ConnectionClosed,
    Fingerprint,
    KeyKind,
    NamedGroup,
    Role,
    SignatureScheme,
    Version,
)
from peer.dtls.suites import SUITES
from peer.errors import DecodeError, LocalProtocolError, RemoteProtocolError
from peer.testing import Link
from peer.tests.dtls.pairs import (
    V12,
    V13,
    certificate,
    client,
    complete,
    completed,
    echo,
    failed,
    handshake,
    pump,
    server,
    settle,
)
from peer.trace import Direction, Layer, Secret
from peer.wire.dtls_alert import Alert, AlertDescription, AlertLevel
from peer.wire.dtls_extensions import ExtensionType, cookie
from peer.wire.dtls_handshake import ClientHello, Finished, Fragment, HandshakeType, ServerHello
from peer.wire.dtls_handshake12 import HelloRequest, HelloVerifyRequest, ServerKeyExchange
from peer.wire.dtls_handshake13 import KeyUpdate
from peer.wire.dtls_record import ContentType, Record

BOTH = pytest.mark.parametrize("versions", [pytest.param(V12, id="1.2"), pytest.param(V13, id="1.3")])
RSA = KeyKind.RSA_2048


# --- negotiation


@pytest.mark.parametrize("suite", [pytest.param(s, id=s.name) for s in SUITES])
def test_each_cipher_suite(suite: CipherSuite) -> None:
    kind = SUITES[suite].authentication or KeyKind.ECDSA_P256
    changes: dict[str, Any] = {"versions": (SUITES[suite].version,), "cipher_suites": (suite,), "kind": kind}
    p = completed(client(**changes), server(**changes))
    assert handshake(p).cipher_suite == suite.name
    echo(p)


@pytest.mark.parametrize("group", [pytest.param(g, id=g.name) for g in NamedGroup])
@pytest.mark.parametrize("shares", [None, ()], ids=["shared", "retried"])
def test_each_group_of_13(group: NamedGroup, shares: tuple[NamedGroup, ...] | None) -> None:
    p = completed(client(versions=V13, key_shares=shares), server(versions=V13, groups=(group,)))
    assert handshake(p).named_group == group.name
    echo(p)


@pytest.mark.parametrize("group", [NamedGroup.x25519, NamedGroup.secp256r1, NamedGroup.secp384r1])
def test_each_group_of_12(group: NamedGroup) -> None:
    p = completed(client(versions=V12), server(versions=V12, groups=(NamedGroup.X25519MLKEM768, group)))
    assert handshake(p).named_group == group.name


@BOTH
@pytest.mark.parametrize(("kind", "other"), [(RSA, RSA), (RSA, KeyKind.ECDSA_P256), (KeyKind.ECDSA_P256, RSA)])
def test_each_certificate_kind(versions: tuple[Version, ...], kind: KeyKind, other: KeyKind) -> None:
    p = completed(
        client(versions=versions, kind=kind, other_kind=other), server(versions=versions, kind=other, other_kind=kind)
    )
    assert handshake(p).signature_scheme == ("rsa_pss_rsae_sha256" if other is RSA else "ecdsa_secp256r1_sha256")
    assert handshake(p).remote_certificates == (certificate("server", other).der,)
    assert handshake(p, 1).remote_certificates == (certificate("client", kind).der,)


@pytest.mark.parametrize("scheme", [s for s in SignatureScheme if s.name.startswith("rsa_p") and s != 0x0201])
def test_signature_schemes_are_honoured(scheme: SignatureScheme) -> None:
    changes: dict[str, Any] = {"versions": V12, "kind": RSA}
    p = completed(client(**changes, signature_schemes=(scheme,)), server(**changes))
    assert handshake(p).signature_scheme == scheme.name


@BOTH
@pytest.mark.parametrize("profile", [1, 2, 7, 8])
def test_each_srtp_profile(versions: tuple[Version, ...], profile: int) -> None:
    p = completed(client(versions=versions), server(versions=versions, srtp_profiles=(profile,)))
    assert handshake(p).srtp_profile == handshake(p, 1).srtp_profile == profile


@BOTH
def test_no_common_srtp_profile_means_none(versions: tuple[Version, ...]) -> None:
    p = completed(client(versions=versions, srtp_profiles=(1,)), server(versions=versions, srtp_profiles=(7,)))
    assert handshake(p).srtp_profile is None


def test_both_versions_give_13_and_the_hybrid_group() -> None:
    p = completed(client(), server())
    assert handshake(p).version is Version.DTLS13
    assert handshake(p).named_group == "X25519MLKEM768"


@pytest.mark.parametrize(("ours", "theirs"), [(V12, V13 + V12), (V13 + V12, V12)])
def test_one_side_without_13_gives_12(ours: tuple[Version, ...], theirs: tuple[Version, ...]) -> None:
    p = completed(client(versions=ours), server(versions=theirs))
    assert handshake(p).version is Version.DTLS12
    echo(p)


@pytest.mark.parametrize(("ours", "theirs"), [(V12, V13), (V13, V12)])
def test_no_common_version(ours: tuple[Version, ...], theirs: tuple[Version, ...]) -> None:
    failed(pump(client(versions=ours), server(versions=theirs)), 1, AlertDescription.PROTOCOL_VERSION)


@BOTH
def test_no_common_suite(versions: tuple[Version, ...]) -> None:
    chacha = (
        CipherSuite.TLS_CHACHA20_POLY1305_SHA256,
        CipherSuite.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
    )
    gcm = (CipherSuite.TLS_AES_128_GCM_SHA256, CipherSuite.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256)
    p = pump(client(versions=versions, cipher_suites=chacha), server(versions=versions, cipher_suites=gcm))
    failed(p, 1, AlertDescription.HANDSHAKE_FAILURE)


@BOTH
def test_addresses_are_verified_when_asked(versions: tuple[Version, ...]) -> None:
    p = completed(client(versions=versions), server(versions=versions, verify_address=True))
    flights = [step.side for step in p.transcript if step.what == "sent"]
    turns = 1 + sum(one != other for one, other in pairwise(flights))
    assert turns == (6 if versions is V12 else 5) + (versions is V13)
    echo(p)


def with_wrong_cookies(count: int) -> dict[str, Any]:
    """Seams of a server whose first HelloVerifyRequests have a cookie that it won't take."""
    left = [b"%d" % number for number in range(count)]

    def bend(message: Any) -> tuple[Any, ...]:
        wrong = isinstance(message, HelloVerifyRequest) and left
        return (replace(message, cookie=left.pop()) if wrong else message,)

    return {"transform_handshake": bend}


def test_a_second_hello_verify_request_is_answered_too() -> None:
    asking = server(versions=V12, verify_address=True, seams=with_wrong_cookies(1))
    echo(completed(client(versions=V12), asking))


def test_hello_verify_requests_without_end_are_refused() -> None:
    asking = server(versions=V12, verify_address=True, seams=with_wrong_cookies(1000))
    failed(pump(client(versions=V12), asking), 0, AlertDescription.UNEXPECTED_MESSAGE)


# --- authentication


@BOTH
@pytest.mark.parametrize("side", [0, 1], ids=["client", "server"])
def test_a_wrong_fingerprint_is_refused(versions: tuple[Version, ...], side: int) -> None:
    wrong: dict[str, Any] = {"remote_fingerprints": (Fingerprint("sha-256", bytes(32)),)}
    a, b = (
        client(versions=versions, **(wrong if side == 0 else {})),
        server(versions=versions, **(wrong if side else {})),
    )
    failed(pump(a, b), side, AlertDescription.BAD_CERTIFICATE)


@BOTH
@pytest.mark.parametrize("algorithm", ["sha-256", "sha-384", "sha-512"])
def test_one_of_several_fingerprints_is_enough(versions: tuple[Version, ...], algorithm: str) -> None:
    right = certificate("server").fingerprint(algorithm)
    lines = (Fingerprint(algorithm, bytes(len(right.value))), right, Fingerprint("md5", bytes(16)))
    completed(client(versions=versions, remote_fingerprints=lines), server(versions=versions))


@BOTH
def test_a_sha1_fingerprint_is_refused(versions: tuple[Version, ...]) -> None:
    right = Fingerprint("sha-1", hashlib.sha1(certificate("server").der).digest())
    p = pump(client(versions=versions, remote_fingerprints=(right,)), server(versions=versions))
    failed(p, 0, AlertDescription.BAD_CERTIFICATE)


@BOTH
def test_a_server_that_asks_for_no_certificate(versions: tuple[Version, ...]) -> None:
    p = completed(client(versions=versions), server(versions=versions, request_client_certificate=False))
    assert handshake(p, 1).remote_certificates == ()
    echo(p)


@BOTH
def test_a_client_without_certificate(versions: tuple[Version, ...]) -> None:
    nothing: dict[str, Any] = {
        "signature_schemes": (SignatureScheme.rsa_pss_rsae_sha256,)
    }  # nothing its ECDSA key can make
    wanted = AlertDescription.HANDSHAKE_FAILURE if versions is V12 else AlertDescription.CERTIFICATE_REQUIRED
    a = client(versions=versions, other_kind=RSA, **nothing)
    b = server(versions=versions, kind=RSA, other_kind=KeyKind.ECDSA_P256)
    failed(pump(a, b), 1, wanted)
    a = client(versions=versions, other_kind=RSA, **nothing)
    b = server(versions=versions, kind=RSA, other_kind=KeyKind.ECDSA_P256, remote_fingerprints=None)
    assert handshake(completed(a, b), 1).remote_certificates == ()


# --- misbehaviour through the seams


def replacing(kind: Any, **fields: Any) -> Any:
    return lambda message: (replace(message, **fields) if isinstance(message, kind) else message,)


@BOTH
@pytest.mark.parametrize("side", [0, 1], ids=["client", "server"])
def test_a_bad_finished(versions: tuple[Version, ...], side: int) -> None:
    seams = {"transform_handshake": replacing(Finished, verify_data=bytes(12 if versions is V12 else 32))}
    a = client(versions=versions, seams=seams if side == 0 else None)
    b = server(versions=versions, seams=seams if side else None)
    failed(pump(a, b), 1 - side, AlertDescription.DECRYPT_ERROR)


def test_a_bad_server_key_exchange() -> None:
    seams = {"transform_handshake": replacing(ServerKeyExchange, signature=certificate("x").der[-71:])}
    failed(pump(client(versions=V12), server(versions=V12, seams=seams)), 0, AlertDescription.DECRYPT_ERROR)


def test_a_downgrade_is_noticed() -> None:
    """RFC 8446 4.1.3: a server that knows 1.3 is made to speak 1.2 by somebody who removes supported_versions."""

    def strip(message: Any) -> tuple[Any, ...]:
        if message.TYPE != HandshakeType.CLIENT_HELLO:
            return (message,)
        kept = tuple(e for e in message.extensions if e.type != ExtensionType.SUPPORTED_VERSIONS)
        return (replace(message, extensions=kept),)

    p = pump(client(seams={"transform_handshake": strip}), server())
    failed(p, 0, AlertDescription.ILLEGAL_PARAMETER)


@BOTH
def test_a_suite_that_was_not_offered(versions: tuple[Version, ...]) -> None:
    seams = {"transform_handshake": replacing(ServerHello, cipher_suite=0xC0FF)}
    p = pump(client(versions=versions), server(versions=versions, seams=seams))
    p.run(timeout=5.0)
    assert p.a.machine.sent_alert == AlertDescription.ILLEGAL_PARAMETER


@BOTH
def test_messages_fragments_and_bytes_through_the_seam(versions: tuple[Version, ...]) -> None:
    """Bytes are a message of their own and count in the transcript; a Fragment goes out as it is and doesn't."""

    def rewrite(message: Any) -> tuple[Any, ...]:
        body = message.serialize()
        noise = Fragment(HandshakeType.FINISHED, 5, 9999, 0, b"noise")
        return (noise, bytes([message.TYPE]) + len(body).to_bytes(3, "big") + body)

    seams = {"transform_handshake": rewrite}
    echo(completed(client(versions=versions, seams=seams), server(versions=versions, seams=seams)))


@BOTH
def test_the_record_seam_may_change_numbers_and_send_raw_bytes(versions: tuple[Version, ...]) -> None:
    raw = Record(ContentType.APPLICATION_DATA, 0xFEFD, 0, 1 << 40, b"in clear").serialize()
    skipped = lambda record: (replace(record, sequence=record.sequence + 5), raw)  # noqa: E731
    p = completed(client(versions=versions, seams={"transform_record": skipped}), server(versions=versions))
    echo(p)


@pytest.mark.parametrize("unasked", [True, False], ids=["never given out", "another one"])
def test_an_invalid_cookie_of_13(unasked: bool) -> None:
    """RFC 9147 5.1."""

    def bend(message: Any) -> tuple[Any, ...]:
        if not isinstance(message, ClientHello):
            return (message,)
        offered = tuple(e for e in message.extensions or () if e.type != ExtensionType.COOKIE)
        if not unasked and len(offered) == len(message.extensions or ()):
            return (message,)
        return (replace(message, extensions=(*offered, cookie(b"made up"))),)

    a = client(versions=V13, seams={"transform_handshake": bend})
    failed(pump(a, server(versions=V13, verify_address=not unasked)), 1, AlertDescription.ILLEGAL_PARAMETER)


# --- after the handshake


@BOTH
def test_close_notify(versions: tuple[Version, ...]) -> None:
    p = completed(client(versions=versions), server(versions=versions))
    p.a.machine.close(p.now)
    p.run(timeout=1.0)
    assert p.b.events[-1] == ConnectionClosed()
    assert p.a.machine.is_closed
    assert p.b.machine.is_closed
    with pytest.raises(LocalProtocolError):
        p.a.machine.send(b"late")


@BOTH
def test_nothing_is_sent_or_exported_before_the_handshake(versions: tuple[Version, ...]) -> None:
    a = client(versions=versions)
    with pytest.raises(LocalProtocolError):
        a.send(b"early")
    with pytest.raises(LocalProtocolError):
        a.export_keying_material(b"label", None, 20)
    p = completed(a, server(versions=versions))
    with pytest.raises(LocalProtocolError):
        p.a.machine.send(bytes(16_385))
    p.a.machine.send(bytes(16_384))
    p.run(timeout=1.0)
    assert p.b.events[-1] == ApplicationDataReceived(bytes(16_384))


@BOTH
@pytest.mark.parametrize("traced", [False, True], ids=["short way", "traced"])
def test_replayed_and_spoilt_records_are_dropped(versions: tuple[Version, ...], traced: bool) -> None:
    entries: list[Any] = []
    seams = {"trace": entries.append} if traced else None
    p = completed(client(versions=versions), server(versions=versions, seams=seams))
    settle(p)
    p.a.machine.send(b"once")
    (datagram,) = p.a.machine.datagrams_to_send(p.now)
    spoilt = datagram[:-1] + bytes([datagram[-1] ^ 1])
    b = p.b.machine
    assert b.receive_datagram(spoilt, p.now) == []
    assert b.receive_datagram(datagram, p.now) == [ApplicationDataReceived(b"once")]
    assert b.receive_datagram(datagram, p.now) == []
    assert b.datagrams_to_send(p.now) == []
    if traced:
        assert [e.note for e in entries if getattr(e, "direction", "") == Direction.DISCARDED]


@BOTH
def test_a_forged_alert_in_clear_is_ignored(versions: tuple[Version, ...]) -> None:
    p = completed(client(versions=versions), server(versions=versions))
    settle(p)
    forged = Record(
        ContentType.ALERT, 0xFEFD, 0, 1000, Alert(AlertLevel.FATAL, AlertDescription.INTERNAL_ERROR).serialize()
    )
    for side in p.sides:
        assert side.machine.receive_datagram(forged.serialize(), p.now) == []
    echo(p)


@BOTH
def test_application_data_in_clear_is_ignored(versions: tuple[Version, ...]) -> None:
    for stage in (0.0, 0.015, 5.0):
        p = pump(client(versions=versions), server(versions=versions))
        p.wait(stage)
        forged = Record(ContentType.APPLICATION_DATA, 0xFEFD, 0, 77, b"in clear").serialize()
        for side in p.sides:
            assert side.machine.receive_datagram(forged, p.now) == []
        complete(p)
        assert not any(isinstance(e, ApplicationDataReceived) for e in p.b.events)


@BOTH
def test_data_that_overtakes_the_last_flight_is_kept(versions: tuple[Version, ...]) -> None:
    p = pump(client(versions=versions), server(versions=versions))
    p.run(until=lambda: p.a.machine.is_established or p.b.machine.is_established)
    early, late = (p.a, p.b) if p.a.machine.is_established else (p.b, p.a)
    flight = early.machine.datagrams_to_send(p.now)
    early.machine.send(b"early")
    data = early.machine.datagrams_to_send(p.now)
    p._flying.clear()
    events = [e for datagram in data + flight for e in late.machine.receive_datagram(datagram, p.now)]
    if not flight:  # the flight is already on its way: it comes by the timer
        p.run(until=lambda: late.machine.is_established, timeout=10.0)
        events = late.events
    assert ApplicationDataReceived(b"early") in events


def test_renegotiation_is_refused_in_12() -> None:
    p = completed(client(versions=V12), server(versions=V12))
    conversation = p.b.machine._conversation
    conversation.begin_flight()
    conversation.flights.add(HelloRequest(), 1, p.now)
    conversation.flights.dispatch(p.now, until_answered=False)
    p.run(timeout=1.0)
    assert not p.a.errors
    echo(p)


def test_a_handshake_message_after_the_handshake_of_12() -> None:
    p = completed(client(versions=V12), server(versions=V12))
    conversation = p.b.machine._conversation
    conversation.begin_flight()
    conversation.flights.add(Finished(bytes(12)), 1, p.now)
    conversation.flights.dispatch(p.now, until_answered=False)
    failed(p, 0, AlertDescription.UNEXPECTED_MESSAGE)


# --- DTLS 1.3 alone


@pytest.mark.parametrize("request_peer", [False, True])
@pytest.mark.parametrize("role", list(Role))
def test_key_updates(request_peer: bool, role: Role) -> None:
    entries: list[Any] = []
    p = completed(client(versions=V13, seams={"trace": entries.append}), server(versions=V13))
    settle(p)
    side = p.a if role is Role.CLIENT else p.b
    for _ in range(6):  # far enough for the two epoch bits to come round
        side.machine.update_keys(p.now, request=request_peer)
        echo(p)
        settle(p)
    labels = {entry.line.split()[0] for entry in entries if isinstance(entry, Secret)}
    assert f"{role.upper()}_TRAFFIC_SECRET_6" in labels
    other = Role.SERVER if role is Role.CLIENT else Role.CLIENT
    assert (f"{other.upper()}_TRAFFIC_SECRET_6" in labels) is request_peer


def test_key_updates_over_a_bad_link() -> None:
    for seed in range(20):
        p = completed(client(versions=V13), server(versions=V13))
        settle(p)
        p.set_link(Link(delay=0.02, loss=0.3, seed=seed))
        for side in p.sides:
            side.machine.update_keys(p.now, request=True)
        settle(p)
        p.set_link(Link())
        assert p.a.machine.next_timeout() is None
        assert p.b.machine.next_timeout() is None
        echo(p)


def test_late_records_of_the_epoch_before_are_read() -> None:
    p = completed(client(versions=V13), server(versions=V13))
    settle(p)
    p.a.machine.send(b"late")
    late = p.a.machine.datagrams_to_send(p.now)[0]
    p.a.machine.update_keys(p.now)
    settle(p)
    echo(p)
    assert p.b.machine.receive_datagram(late, p.now) == [ApplicationDataReceived(b"late")]


def test_a_bad_key_update() -> None:
    def bad(message: Any) -> tuple[Any, ...]:
        return (KeyUpdate(2),) if isinstance(message, KeyUpdate) else (message,)

    p = completed(client(versions=V13, seams={"transform_handshake": bad}), server(versions=V13))
    settle(p)
    p.a.machine.update_keys(p.now)
    failed(p, 1, AlertDescription.ILLEGAL_PARAMETER)


def test_keys_are_renewed_before_their_limit() -> None:
    p = completed(client(versions=V13), server(versions=V13))
    settle(p)
    p.a.machine._sent_since_renewal = (1 << 23) + 1
    p.a.machine.send(b"one too many")
    settle(p)
    assert p.a.machine._records.write_epoch == 4


def test_keys_of_1_2_are_not_updated() -> None:
    p = completed(client(versions=V12), server(versions=V12))
    with pytest.raises(LocalProtocolError):
        p.a.machine.update_keys(p.now)


# --- the trace


@BOTH
def test_the_trace_shows_messages_records_and_secrets(versions: tuple[Version, ...]) -> None:
    entries: list[Any] = []
    p = completed(client(versions=versions, seams={"trace": entries.append}), server(versions=versions))
    echo(p)
    lines = [entry.line.split() for entry in entries if isinstance(entry, Secret)]
    wanted = (
        {"CLIENT_RANDOM"}
        if versions is V12
        else {
            "CLIENT_HANDSHAKE_TRAFFIC_SECRET",
            "SERVER_HANDSHAKE_TRAFFIC_SECRET",
            "CLIENT_TRAFFIC_SECRET_0",
            "SERVER_TRAFFIC_SECRET_0",
            "EXPORTER_SECRET",
        }
    )
    assert {line[0] for line in lines} == wanted
    assert all(len(line[1]) == 64 for line in lines)
    said = [(e.layer, e.direction) for e in entries if not isinstance(e, Secret)]
    for layer in (Layer.DTLS_HANDSHAKE, Layer.DTLS_RECORD):
        assert (layer, Direction.SENT) in said
        assert (layer, Direction.RECEIVED) in said
    clear = [e.data for e in entries if getattr(e, "layer", None) == Layer.DTLS_RECORD and e.message.type == 23]
    assert b"ping" in clear


def test_a_malformed_message_is_answered_with_decode_error() -> None:
    broken = Record(22, 0xFEFD, 0, 0, Fragment(1, 3, 0, 0, b"abc").serialize()).serialize()
    b = server()
    with pytest.raises(RemoteProtocolError) as caught:
        b.receive_datagram(broken, 0.0)
    assert caught.value.code == AlertDescription.DECODE_ERROR
    assert not isinstance(caught.value, DecodeError)
    assert len(b.datagrams_to_send(0.0)) == 1
    assert b.receive_datagram(broken, 0.0) == []


@BOTH
@pytest.mark.parametrize("silent", [0, 1], ids=["server", "client"])
def test_a_handshake_that_nobody_answers_is_given_up(versions: tuple[Version, ...], silent: int) -> None:
    """A client whose server is dead, and a server whose client died after its ClientHello."""
    a, b = client(versions=versions, handshake_timeout=30.0), server(versions=versions, handshake_timeout=30.0)
    a.start(0.0)
    waiting = a
    if silent:
        waiting = b
        for datagram in a.datagrams_to_send(0.0):
            b.receive_datagram(datagram, 0.0)
    end = 0.0
    with pytest.raises(RemoteProtocolError, match="too long"):  # noqa: PT012 - time has to pass
        while (due := waiting.next_timeout()) is not None:
            end = due
            waiting.handle_timeout(due)
    assert end == 30.0
    assert waiting.is_closed
    assert waiting.next_timeout() is None
    assert waiting.handle_timeout(31.0) == []


@BOTH
def test_a_handshake_in_time_is_not_given_up(versions: tuple[Version, ...]) -> None:
    p = completed(client(versions=versions, handshake_timeout=30.0), server(versions=versions, handshake_timeout=30.0))
    settle(p)
    p.run(timeout=60.0)
    echo(p)
