"""A coturn of our own: generated configuration, free ports, throw-away certificate, its log kept as an artefact.

async with Coturn.started(directory) as server:
    Gatherer(Options(servers=(server.ice_server("udp"),)))
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import datetime
import hashlib
import hmac
import ipaddress
import shutil
import socket
import ssl
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from harness.browsers import Trusted
from peer.ice.edge import IceServer, ServerUrl

__all__ = ["Coturn", "CoturnUnavailableError", "find_turnserver", "throw_away_certificate"]

_REALM: Final = "peerproof.test"
_USERNAME: Final = "peer"
_START_TIMEOUT: Final = 10.0


class CoturnUnavailableError(Exception):
    """coturn isn't installed, or didn't start: the message says what to do, or what its log says."""


def find_turnserver() -> str:
    """The path of the program. Raises `CoturnUnavailableError` with the command that installs it."""
    found = shutil.which("turnserver")
    if found is None:
        raise CoturnUnavailableError("turnserver isn't installed: apt-get install coturn")
    return found


def throw_away_certificate(hosts: Sequence[str]) -> tuple[bytes, bytes]:
    """A self-signed certificate for IP addresses and names, and its key, both in PEM; valid for a day."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, _REALM)])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([_general_name(host) for host in hosts]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return certificate.public_bytes(serialization.Encoding.PEM), private


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


@dataclass(frozen=True, slots=True)
class Coturn:
    """A running server. `secret` is set where credentials are made from it (REST), else the long-term ones count."""

    host: str
    port: int
    tls_port: int
    username: str
    password: str
    secret: str | None
    directory: Path
    process: asyncio.subprocess.Process

    @property
    def log(self) -> Path:
        return self.directory / "turnserver.log"

    @property
    def certificate(self) -> Path:
        return self.directory / "certificate.pem"

    @property
    def tls_host(self) -> str:
        """The host in a `turns:` URL: Firefox makes nothing of one that holds an address."""
        return "localhost" if self.host == "127.0.0.1" else self.host

    @property
    def trusted(self) -> Trusted:
        """For browsers that are to accept the certificate."""
        certificate = x509.load_pem_x509_certificate(self.certificate.read_bytes())
        fingerprint = certificate.fingerprint(hashes.SHA256()).hex(":").upper()
        return Trusted(self.tls_host, self.tls_port, fingerprint)

    @classmethod
    @contextlib.asynccontextmanager
    async def started(
        cls,
        directory: Path,
        *,
        host: str = "127.0.0.1",
        secret: str | None = None,
        extra: Sequence[str] = (),
        prefix: Sequence[str] = (),
        start_timeout: float = _START_TIMEOUT,
    ) -> AsyncIterator[Coturn]:
        """Run one, with its files in `directory`. `extra` are further lines of configuration, `prefix` what goes before
        the command (`ip netns exec ...`).

        Raises `CoturnUnavailableError`.
        """
        program = find_turnserver()
        port, tls_port = _free_ports(2) if not prefix else (3478, 5349)
        password = base64.b32encode(hashlib.sha256(str(directory).encode()).digest()[:10]).decode().lower()
        _write_files(directory, host, _configuration(directory, host, port, tls_port, password, secret, extra))
        with (directory / "turnserver.log").open("wb") as log:
            process = await asyncio.create_subprocess_exec(
                *prefix, program, "-c", str(directory / "turnserver.conf"), stdout=log, stderr=log
            )
        server = cls(host, port, tls_port, _USERNAME, password, secret, directory, process)
        try:
            await server._wait_until_ready(start_timeout, checks_port=not prefix)
            yield server
        finally:
            if process.returncode is None:
                process.terminate()
                try:
                    await asyncio.wait_for(process.wait(), 5)
                except TimeoutError:
                    process.kill()
                    await process.wait()

    async def _wait_until_ready(self, timeout: float, *, checks_port: bool) -> None:
        """Until it accepts connections; in a namespace we can't reach, until its log says so."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout
        while loop.time() < deadline:
            if self.process.returncode is not None:
                break
            if checks_port:
                with contextlib.suppress(OSError):
                    _, writer = await asyncio.open_connection(self.host, self.port)
                    writer.close()
                    await writer.wait_closed()
                    return
            elif "TCP listener opened on" in self.log.read_text(encoding="utf-8", errors="replace"):
                return
            await asyncio.sleep(0.02)
        tail = self.log.read_text(encoding="utf-8", errors="replace")[-2000:]
        raise CoturnUnavailableError(f"turnserver didn't start; its log ends:\n{tail}")

    def url(self, transport: str) -> str:
        """The URL by transport: "udp", "tcp" or "tls"."""
        if transport == "tls":
            return f"turns:{_bracketed(self.tls_host)}:{self.tls_port}?transport=tcp"
        return f"turn:{_bracketed(self.host)}:{self.port}?transport={transport}"

    @property
    def stun_url(self) -> str:
        return f"stun:{_bracketed(self.host)}:{self.port}"

    def credentials(self, lifetime: int = 3600) -> tuple[str, str]:
        """User name and password; with a secret, the time-limited ones of the TURN REST convention."""
        if self.secret is None:
            return self.username, self.password
        name = f"{int(time.time()) + lifetime}:{self.username}"
        digest = hmac.digest(self.secret.encode(), name.encode(), "sha1")
        return name, base64.b64encode(digest).decode()

    def ice_server(self, *transports: str, stun: bool = False) -> IceServer:
        """For `Options.servers`: the URLs of the named transports, with credentials."""
        urls = [self.url(transport) for transport in transports] + ([self.stun_url] if stun else [])
        username, password = self.credentials()
        return IceServer(tuple(ServerUrl.parse(url) for url in urls), username, password)

    def tls_context(self) -> ssl.SSLContext:
        """Trusts this server and nobody else."""
        return ssl.create_default_context(cafile=str(self.certificate))


def _write_files(directory: Path, host: str, configuration: str) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    certificate, key = throw_away_certificate([host, "localhost"])
    (directory / "certificate.pem").write_bytes(certificate)
    (directory / "key.pem").write_bytes(key)
    (directory / "turnserver.conf").write_text(configuration, encoding="utf-8")


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _free_ports(count: int) -> tuple[int, ...]:
    """Ports that nobody listens on now; somebody could take them before we do, and then coturn says so."""
    sockets = [socket.socket(socket.AF_INET, socket.SOCK_STREAM) for _ in range(count)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return tuple(one.getsockname()[1] for one in sockets)
    finally:
        for one in sockets:
            one.close()


def _configuration(
    directory: Path, host: str, port: int, tls_port: int, password: str, secret: str | None, extra: Sequence[str]
) -> str:
    credentials = (
        ["use-auth-secret", f"static-auth-secret={secret}"]
        if secret is not None
        else ["lt-cred-mech", f"user={_USERNAME}:{password}"]
    )
    return "\n".join(
        [
            f"listening-ip={host}",
            f"relay-ip={host}",
            f"listening-port={port}",
            f"tls-listening-port={tls_port}",
            "min-port=49152",
            "max-port=65535",
            f"realm={_REALM}",
            *credentials,
            f"cert={directory / 'certificate.pem'}",
            f"pkey={directory / 'key.pem'}",
            f"userdb={directory / 'turndb'}",
            f"pidfile={directory / 'turnserver.pid'}",
            "log-file=stdout",
            "simple-log",
            "verbose",
            "fingerprint",
            "no-cli",
            "no-dtls",
            "allow-loopback-peers",
            *extra,
            "",
        ]
    )
