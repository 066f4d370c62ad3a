"""DTLS 1.2 with OpenSSL's and GnuTLS's own programs, on loopback, as client and as server."""

from __future__ import annotations

import select
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from peer.dtls import (
    ApplicationDataReceived,
    Certificate,
    CipherSuite,
    Config,
    Connection,
    HandshakeCompleted,
    KeyKind,
    NamedGroup,
    Role,
    Version,
)
from peer.dtls.suites import SUITES
from peer.testing import Entropy
from peer.tests.dtls.pairs import certificate

pytestmark = pytest.mark.timeout(30)
SECONDS = 10.0
GNUTLS_12 = ("--priority", "NORMAL:-VERS-ALL:+VERS-DTLS1.2")
SRTP = " -use_srtp SRTP_AES128_CM_SHA1_80"
SERVERS = {
    "openssl": "openssl s_server -dtls1_2 -quiet -port {port} -cert {cert} -key {key} -Verify 1" + SRTP,
    "gnutls": "gnutls-serv --udp -p {port} --x509certfile {cert} --x509keyfile {key} --require-client-cert --echo",
}
CLIENTS = {
    "openssl": "openssl s_client -dtls1_2 -quiet -connect 127.0.0.1:{port} -cert {cert} -key {key}" + SRTP,
    "gnutls": "gnutls-cli --udp -p {port} 127.0.0.1 --insecure --x509certfile {cert} --x509keyfile {key}",
}
PACKAGES = {"openssl": "openssl", "gnutls-serv": "gnutls-bin", "gnutls-cli": "gnutls-bin"}
Judge: TypeAlias = Callable[[Connection], None]
SUITES_12 = [suite.id for suite in SUITES.values() if suite.version is Version.DTLS12]


def write_pem(own: Certificate, folder: Path) -> dict[str, str]:
    key, cert = folder / "key.pem", folder / "cert.pem"
    key.write_bytes(own.private_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    cert.write_text(ssl.DER_cert_to_PEM_cert(own.der))
    return {"key": str(key), "cert": str(cert)}


class Talk:
    """A connection of ours on a real socket."""

    def __init__(self, connection: Connection, sock: socket.socket, remote: tuple[str, int] | None = None) -> None:
        self.connection, self._sock, self._remote = connection, sock, remote
        self.events: list[Any] = []

    def until(self, holds: Callable[[], bool]) -> None:
        """Moves datagrams both ways until it holds, or fails."""
        end = time.monotonic() + SECONDS
        while not holds():
            self.flush()
            now = time.monotonic()
            assert now < end, f"it never happened: {self.events}"
            due = self.connection.next_timeout()
            ready, _, _ = select.select([self._sock], [], [], 0.05 if due is None else max(0.0, min(0.05, due - now)))
            now = time.monotonic()
            self.events += self._receive(now) if ready else self.connection.handle_timeout(now)

    def _receive(self, now: float) -> list[Any]:
        try:
            data, self._remote = self._sock.recvfrom(4096)
        except ConnectionRefusedError:  # the program isn't listening yet
            return []
        return self.connection.receive_datagram(data, now)

    def flush(self) -> None:
        for datagram in self.connection.datagrams_to_send(time.monotonic()):
            if self._remote is not None:
                self._sock.sendto(datagram, self._remote)

    def seen(self, kind: type) -> bool:
        return any(isinstance(event, kind) for event in self.events)


@contextmanager
def program(command: str, *more: str) -> Iterator[subprocess.Popen[bytes]]:
    words = [*command.split(), *more]
    if shutil.which(words[0]) is None:
        pytest.fail(f"{words[0]} is not installed: apt-get install {PACKAGES[words[0]]}")
    process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def exchange(talk: Talk, process: subprocess.Popen[bytes], *, echoes: bool, judge: Judge | None) -> HandshakeCompleted:
    talk.until(lambda: talk.seen(HandshakeCompleted))
    assert process.stdin is not None
    if echoes:
        talk.connection.send(b"from us\n")
    else:
        process.stdin.write(b"from them\n")
        process.stdin.flush()
    talk.until(lambda: talk.seen(ApplicationDataReceived))
    wanted = b"from us\n" if echoes else b"from them\n"
    assert ApplicationDataReceived(wanted) in talk.events
    talk.connection.send(b"good bye\n")
    talk.connection.close(0.0)
    talk.flush()
    if judge is not None:
        judge(talk.connection)
    completed: HandshakeCompleted = talk.events[0]
    return completed


def as_client(
    stack: str, folder: Path, kind: KeyKind = KeyKind.ECDSA_P256, judge: Judge | None = None, **changes: Any
) -> HandshakeCompleted:
    theirs = certificate("server", kind)
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe,
    ):
        sock.bind(("127.0.0.1", 0))
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        probe.close()
        command = SERVERS[stack].format(port=port, **write_pem(theirs, folder))
        with program(command, *(GNUTLS_12 if stack == "gnutls" else ())) as process:
            config = Config(
                certificate("client"),
                (theirs.fingerprint(),),
                versions=(Version.DTLS12,),
                srtp_profiles=(1,),
                retransmission_timeout=0.1,
                **changes,
            )
            talk = Talk(Connection(config, Role.CLIENT, entropy=Entropy(stack)), sock, ("127.0.0.1", port))
            talk.connection.start(time.monotonic())
            return exchange(talk, process, echoes=stack == "gnutls", judge=judge)


def as_server(
    stack: str, folder: Path, kind: KeyKind = KeyKind.ECDSA_P256, judge: Judge | None = None, **changes: Any
) -> HandshakeCompleted:
    theirs = certificate("client")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        command = CLIENTS[stack].format(port=sock.getsockname()[1], **write_pem(theirs, folder))
        with program(command, *(GNUTLS_12 if stack == "gnutls" else ())) as process:
            config = Config(
                certificate("server", kind),
                (theirs.fingerprint(),),
                versions=(Version.DTLS12,),
                srtp_profiles=(1,),
                **changes,
            )
            talk = Talk(Connection(config, Role.SERVER, entropy=Entropy(stack)), sock)
            return exchange(talk, process, echoes=False, judge=judge)


@pytest.mark.parametrize("stack", ["openssl", "gnutls"])
@pytest.mark.parametrize("kind", list(KeyKind))
@pytest.mark.parametrize("play", [as_client, as_server])
def test_each_role_and_certificate(
    stack: str, kind: KeyKind, play: Callable[..., HandshakeCompleted], tmp_path: Path
) -> None:
    completed = play(stack, tmp_path, kind)
    assert completed.version is Version.DTLS12
    assert completed.srtp_profile == (1 if stack == "openssl" else None)


@pytest.mark.parametrize("suite", SUITES_12, ids=lambda suite: suite.name)
@pytest.mark.parametrize("play", [as_client, as_server])
def test_each_suite_with_openssl(suite: CipherSuite, play: Callable[..., HandshakeCompleted], tmp_path: Path) -> None:
    kind = SUITES[suite].authentication
    assert play("openssl", tmp_path, kind, cipher_suites=(suite,)).cipher_suite == suite.name


@pytest.mark.parametrize("group", [NamedGroup.secp256r1, NamedGroup.secp384r1], ids=lambda group: group.name)
@pytest.mark.parametrize("play", [as_client, as_server])
def test_other_groups_with_openssl(group: NamedGroup, play: Callable[..., HandshakeCompleted], tmp_path: Path) -> None:
    # P-256 stays on the list: it is also the curve of the certificates (RFC 8422 5.1).
    assert play("openssl", tmp_path, groups=(group, NamedGroup.secp256r1)).named_group == group.name


def test_cookies_and_small_datagrams_with_openssl(tmp_path: Path) -> None:
    as_server("openssl", tmp_path, verify_address=True, mtu=256)


@pytest.mark.parametrize("play", [as_client, as_server])
def test_a_record_size_limit_with_gnutls(play: Callable[..., HandshakeCompleted], tmp_path: Path) -> None:
    """RFC 8449: it says a limit of its own, which we take."""
    limits: list[int] = []
    play(
        "gnutls",
        tmp_path,
        judge=lambda connection: limits.append(connection._records.receive_limit or 0),
        record_size_limit=512,
    )
    assert limits == [512]
