"""What a connection reports."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from peer.dtls.config import Version

__all__ = ["ApplicationDataReceived", "ConnectionClosed", "Event", "HandshakeCompleted"]


@dataclass(frozen=True, slots=True)
class HandshakeCompleted:
    """Both sides are authenticated and application data may flow.

    Names are those of the IANA registries. `signature_scheme` is what the remote side signed with, `srtp_profile` the
    number of RFC 5764 4.1.2, `remote_certificates` DER, the remote side's own first.
    """

    version: Version
    cipher_suite: str
    named_group: str
    signature_scheme: str
    srtp_profile: int | None
    remote_certificates: tuple[bytes, ...]


# Not frozen, to be cheap: one is made for each record received.
@dataclass(slots=True)
class ApplicationDataReceived:
    data: bytes


@dataclass(frozen=True, slots=True)
class ConnectionClosed:
    """The remote side said close_notify."""


Event: TypeAlias = HandshakeCompleted | ApplicationDataReceived | ConnectionClosed
