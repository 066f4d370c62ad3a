"""ICE servers: the URLs of RFC 7064 and RFC 7065, taken apart."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from peer.errors import DecodeError

__all__ = ["IceServer", "ServerUrl"]

_URL: Final = re.compile(
    r"(?P<scheme>stuns?|turns?):(?P<host>\[[0-9A-Fa-f:.]+\]|[^\s:/?#\[\]@]+)(?::(?P<port>\d{1,5}))?"
    r"(?:\?transport=(?P<transport>udp|tcp))?",
    re.IGNORECASE,
)
_DEFAULT_PORTS: Final = {"stun": 3478, "turn": 3478, "stuns": 5349, "turns": 5349}


@dataclass(frozen=True, slots=True)
class ServerUrl:
    """One URL: `scheme` is stun, stuns, turn or turns; `transport` udp or tcp (TLS runs over tcp)."""

    scheme: str
    host: str
    port: int
    transport: str
    text: str

    @classmethod
    def parse(cls, text: str) -> ServerUrl:
        """Raises `DecodeError` for what isn't such a URL."""
        found = _URL.fullmatch(text)
        if found is None:
            raise DecodeError(f"not a STUN or TURN URL: {text[:128]!r}")
        scheme = found["scheme"].lower()
        if scheme.startswith("stun") and found["transport"] is not None:
            raise DecodeError("a STUN URL has no transport parameter (RFC 7064 section 3.1)")
        port = int(found["port"] or _DEFAULT_PORTS[scheme])
        if not 0 < port < 65536:
            raise DecodeError(f"no such port: {port}")
        secure = scheme.endswith("s")
        transport = (found["transport"] or ("tcp" if secure else "udp")).lower()
        return cls(scheme, found["host"].strip("[]"), port, transport, text)

    @property
    def is_turn(self) -> bool:
        return self.scheme.startswith("turn")

    @property
    def is_secure(self) -> bool:
        return self.scheme.endswith("s")

    @property
    def relay_protocol(self) -> str:
        """What webrtc-stats calls relayProtocol: udp, tcp or tls."""
        return "tls" if self.is_secure else self.transport


@dataclass(frozen=True, slots=True)
class IceServer:
    """One or more URLs with the credentials for the TURN ones: W3C's RTCIceServer."""

    urls: tuple[ServerUrl, ...]
    username: str | None = None
    credential: str | None = None
