"""DTLS: a full 1.2 handshake, both ends, against pyOpenSSL's memory BIO; records, one by one, against bare AES-GCM
calls. Everything runs in this process alone, so its own time is what counts, not that of others beside it."""

from __future__ import annotations

import datetime
import functools
import os
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from harness.bench.model import Benchmark, ContestantMissing
from peer import dtls
from peer.dtls.protection import Opener, Sealer
from peer.dtls.protection12 import make_opener, make_sealer
from peer.dtls.protection13 import Opener13, Sealer13
from peer.dtls.suites import SUITES

__all__ = ["benchmarks"]

HANDSHAKES = 40
RECORDS = 20_000
RECORD = bytes(1200)
BATCH = 200
# Records of one size, and those of messages of 16 KiB on an Ethernet: pieces that fill the path, then a shorter one.
SIZES = {"1200": [RECORD] * BATCH, "bulk": [*[RECORD] * 13, bytes(788)] * (BATCH // 14)}
BARE = "bare AES-GCM"


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
    begin = time.process_time()
    for _ in range(HANDSHAKES):
        shake_hands(*pair())
    return (time.process_time() - begin) / HANDSHAKES * 1000


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

    begin = time.process_time()
    for _ in range(HANDSHAKES):
        client, server = (SSL.Connection(context) for context in contexts)
        client.set_connect_state()
        server.set_accept_state()
        done = [False, False]
        while not all(done):
            for index, (here, there) in enumerate(((client, server), (server, client))):
                done[index] = shake(here)
                carry(here, there)
    return (time.process_time() - begin) / HANDSHAKES * 1000


def our_records() -> float:
    """The whole way: `send`, `datagrams_to_send`, `receive_datagram` and its event."""
    client, server = pair()
    shake_hands(client, server)
    begin = time.process_time()
    for _ in range(RECORDS):
        client.send(RECORD)
        for datagram in client.datagrams_to_send(0.0):
            server.receive_datagram(datagram, 0.0)
    return RECORDS / (time.process_time() - begin)


def bare_records() -> float:
    aead = AESGCM(bytes(16))
    begin = time.process_time()
    for number in range(RECORDS):
        nonce = number.to_bytes(12, "big")
        aead.decrypt(nonce, aead.encrypt(nonce, RECORD, b"thirteen byte"), b"thirteen byte")
    return RECORDS / (time.process_time() - begin)


# --- protection alone

Protection = tuple[Sealer, Opener]


def protection12() -> Protection:
    suite = SUITES[dtls.CipherSuite.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256]
    key, salt = bytes(16), bytes(4)
    return make_sealer(suite, key, salt, 1), make_opener(suite, key, salt, 1)


def protection13() -> Protection:
    suite = SUITES[dtls.CipherSuite.TLS_AES_128_GCM_SHA256]
    secret = bytes(32)
    return Sealer13(suite, secret, 3), Opener13(suite, secret, 3)


def sealing(protection: Callable[[], Protection], payloads: list[bytes]) -> float:
    seal = protection()[0].seal
    begin = time.process_time()
    for _ in range(RECORDS // BATCH):
        for payload in payloads:
            seal(23, payload)
    return RECORDS // BATCH * len(payloads) / (time.process_time() - begin)


def opening(protection: Callable[[], Protection], payloads: list[bytes]) -> float:
    """In batches small enough for the cache, as records come."""
    sealer, opener = protection()
    unprotect, took = opener.open_application_data, 0.0
    for _ in range(RECORDS // BATCH):
        sealed = [sealer.seal(23, payload) for payload in payloads]
        begin = time.process_time()
        for datagram in sealed:
            unprotect(datagram)
        took += time.process_time() - begin
    return RECORDS // BATCH * len(payloads) / took


def bare_sealing(payloads: list[bytes]) -> float:
    encrypt, nonce, additional = AESGCM(bytes(16)).encrypt, bytes(12), bytes(13)
    begin = time.process_time()
    for _ in range(RECORDS // BATCH):
        for payload in payloads:
            encrypt(nonce, payload, additional)
    return RECORDS // BATCH * len(payloads) / (time.process_time() - begin)


def bare_opening(payloads: list[bytes]) -> float:
    aead, nonce, additional, took = AESGCM(bytes(16)), bytes(12), bytes(13), 0.0
    for _ in range(RECORDS // BATCH):
        sealed = [aead.encrypt(nonce, payload, additional) for payload in payloads]
        begin = time.process_time()
        for ciphertext in sealed:
            aead.decrypt(nonce, ciphertext, additional)
        took += time.process_time() - begin
    return RECORDS // BATCH * len(payloads) / took


def benchmarks() -> list[Benchmark]:
    protections: dict[str, Callable[[], Protection]] = {"1.2": protection12, "1.3": protection13}
    return [
        Benchmark(
            "dtls/handshake-1.2",
            "ms",
            {"reference": our_handshake, "pyopenssl": openssl_handshake},
            more_is_better=False,
        ),
        Benchmark("dtls/records-1200", "records/s", {"reference": our_records, BARE: bare_records}),
        *(
            Benchmark(
                f"dtls/{name}-{sizes}-{version}",
                "records/s",
                {"reference": partial(ours, made, payloads), BARE: partial(bare, payloads)},
            )
            for sizes, payloads in SIZES.items()
            for version, made in protections.items()
            for name, ours, bare in (("seal", sealing, bare_sealing), ("open", opening, bare_opening))
        ),
    ]
