"""DTLS: a full 1.2 handshake, both ends, against pyOpenSSL's memory BIO; records of 1,200 bytes against a bare
AES-GCM call."""

from __future__ import annotations

import datetime
import functools
import os
import time
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from harness.bench.model import Benchmark, ContestantMissing
from peer import dtls

__all__ = ["benchmarks"]

HANDSHAKES = 40
RECORDS = 20_000
RECORD = bytes(1200)


@functools.cache
def certificates() -> tuple[dtls.Certificate, dtls.Certificate]:
    now = datetime.datetime.now(datetime.UTC)
    return dtls.Certificate.generate(now=now, entropy=os.urandom), dtls.Certificate.generate(
        now=now, entropy=os.urandom
    )


def pair() -> tuple[dtls.Connection, dtls.Connection]:
    mine, theirs = certificates()
    restricted: dict[str, Any] = {"versions": (dtls.Version.DTLS12,)}

    def connection(own: dtls.Certificate, other: dtls.Certificate, role: dtls.Role) -> dtls.Connection:
        config = dtls.Config(certificate=own, remote_fingerprints=(other.fingerprint(),), **restricted)
        return dtls.Connection(config, role, entropy=os.urandom)

    return connection(mine, theirs, dtls.Role.CLIENT), connection(theirs, mine, dtls.Role.SERVER)


def shake_hands(client: dtls.Connection, server: dtls.Connection) -> None:
    client.start(0.0)
    while True:
        moved = False
        for here, there in ((client, server), (server, client)):
            for datagram in here.datagrams_to_send(0.0):
                there.receive_datagram(datagram, 0.0)
                moved = True
        if not moved:
            return


def our_handshake() -> float:
    begin = time.perf_counter()
    for _ in range(HANDSHAKES):
        shake_hands(*pair())
    return (time.perf_counter() - begin) / HANDSHAKES * 1000


@functools.cache
def openssl_contexts() -> tuple[Any, Any]:
    try:
        from cryptography import x509
        from OpenSSL import SSL
    except ImportError as error:
        raise ContestantMissing("pip install 'peerproof[bench]'") from error

    def context(own: dtls.Certificate) -> Any:
        made = SSL.Context(SSL.DTLS_METHOD)
        made.set_cipher_list(b"ECDHE-ECDSA-AES128-GCM-SHA256")
        made.use_certificate(x509.load_der_x509_certificate(own.der))
        made.use_privatekey(own.private_key)
        made.set_verify(SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT, lambda *_: True)
        return made

    mine, theirs = certificates()
    return context(mine), context(theirs)


def openssl_handshake() -> float:
    contexts = openssl_contexts()
    from OpenSSL import SSL

    def shake(connection: Any) -> bool:
        try:
            connection.do_handshake()
        except SSL.WantReadError:
            return False
        return True

    def carry(here: Any, there: Any) -> None:
        try:
            there.bio_write(here.bio_read(65536))
        except SSL.WantReadError:
            return

    begin = time.perf_counter()
    for _ in range(HANDSHAKES):
        client, server = (SSL.Connection(context) for context in contexts)
        client.set_connect_state()
        server.set_accept_state()
        done = [False, False]
        while not all(done):
            for index, (here, there) in enumerate(((client, server), (server, client))):
                done[index] = shake(here)
                carry(here, there)
    return (time.perf_counter() - begin) / HANDSHAKES * 1000


def our_records() -> float:
    client, server = pair()
    shake_hands(client, server)
    begin = time.perf_counter()
    for _ in range(RECORDS):
        client.send(RECORD)
        for datagram in client.datagrams_to_send(0.0):
            server.receive_datagram(datagram, 0.0)
    return RECORDS / (time.perf_counter() - begin)


def bare_records() -> float:
    aead = AESGCM(bytes(16))
    begin = time.perf_counter()
    for number in range(RECORDS):
        nonce = number.to_bytes(12, "big")
        aead.decrypt(nonce, aead.encrypt(nonce, RECORD, b"thirteen byte"), b"thirteen byte")
    return RECORDS / (time.perf_counter() - begin)


def benchmarks() -> list[Benchmark]:
    return [
        Benchmark(
            "dtls/handshake-1.2",
            "ms",
            {"reference": our_handshake, "pyopenssl": openssl_handshake},
            more_is_better=False,
        ),
        Benchmark("dtls/records-1200", "records/s", {"reference": our_records, "bare AES-GCM": bare_records}),
    ]
