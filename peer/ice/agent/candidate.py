"""Candidates: what they are, their priorities and foundations, and the candidate attribute of SDP (RFC 8839, 6544)."""

from __future__ import annotations

import base64
import ipaddress
import re
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final, TypeVar

from peer.errors import DecodeError
from peer.ice.agent.path import Address

__all__ = [
    "COMPONENT_RTP",
    "Candidate",
    "CandidateType",
    "Parameters",
    "TcpType",
    "compute_foundation",
    "compute_priority",
    "peer_reflexive_local",
    "peer_reflexive_priority",
    "peer_reflexive_remote",
    "with_base",
]

COMPONENT_RTP: Final = 1
"""WebRTC multiplexes everything onto component 1."""


class CandidateType(StrEnum):
    """RFC 8445 section 4, in the spelling of the candidate attribute."""

    HOST = "host"
    SERVER_REFLEXIVE = "srflx"
    PEER_REFLEXIVE = "prflx"
    RELAYED = "relay"


class TcpType(StrEnum):
    """RFC 6544 section 4.5."""

    ACTIVE = "active"
    PASSIVE = "passive"
    SIMULTANEOUS_OPEN = "so"


TYPE_PREFERENCES: Final[dict[CandidateType, int]] = {
    # RFC 8445 section 5.1.2.2
    CandidateType.HOST: 126,
    CandidateType.PEER_REFLEXIVE: 110,
    CandidateType.SERVER_REFLEXIVE: 100,
    CandidateType.RELAYED: 0,
}


_TCP_PENALTY: Final = 36
"""RFC 6544 section 4.2 wants TCP below UDP, by the type preference: 90 for a host candidate, as libwebrtc has it."""


def compute_priority(
    kind: CandidateType, local_preference: int, component: int = COMPONENT_RTP, *, protocol: str = "udp"
) -> int:
    """RFC 8445 section 5.1.2.1; `local_preference` is 0..65535."""
    preference = max(0, TYPE_PREFERENCES[kind] - (_TCP_PENALTY if protocol == "tcp" else 0))
    return preference << 24 | local_preference << 8 | 256 - component


def peer_reflexive_priority(priority: int) -> int:
    """The PRIORITY attribute of a check from a candidate: its priority, had it been peer reflexive (RFC 8445 7.1.1)."""
    return TYPE_PREFERENCES[CandidateType.PEER_REFLEXIVE] << 24 | priority & 0xFFFFFF


def compute_foundation(kind: CandidateType, base_host: str, protocol: str, server: str = "") -> str:
    """RFC 8445 section 5.1.1.3: the same text for the same type, base address, protocol and STUN or TURN server."""
    return str(zlib.crc32(f"{kind} {base_host} {protocol} {server}".encode()))


@dataclass(frozen=True, slots=True)
class Parameters:
    """What each side says of itself: username fragment (4..256 characters), password (22..256), and whether it is lite.

    `pacing` is the Ta it proposes (a=ice-pacing), in seconds; `renomination` the ice-option of that name.
    """

    ufrag: str
    pwd: str = field(repr=False)
    lite: bool = False
    pacing: float | None = None
    renomination: bool = False

    @classmethod
    def generate(cls, entropy: Callable[[int], bytes], *, lite: bool = False) -> Parameters:
        """RFC 8839 section 5.4 asks for 24 and 128 bits of randomness at least; this makes 48 and 144."""
        return cls(base64.b64encode(entropy(6)).decode(), base64.b64encode(entropy(18)).decode(), lite)


@dataclass(frozen=True, slots=True)
class Candidate:
    """One candidate, local or remote.

    `protocol` is "udp" or "tcp" in lower case, `related` the raddr and rport, `extensions` the name-value pairs that
    have no field here, in order. Of local candidates only: `base` (the address to send from), `server` (the URL of the
    STUN or TURN server it came from) and `relay_protocol` ("udp", "tcp", "tls": how we talk to that server).
    """

    foundation: str
    component: int
    protocol: str
    priority: int
    address: Address
    type: CandidateType
    related: Address | None = None
    tcp_type: TcpType | None = None
    extensions: tuple[tuple[str, str], ...] = ()
    base: Address | None = None
    server: str | None = None
    relay_protocol: str | None = None

    @classmethod
    def parse(cls, text: str) -> Candidate:
        """Decode a candidate attribute, with or without `a=`. Raises `DecodeError` (RFC 8839 section 5.1)."""
        line = text.removeprefix("a=")
        if not line.startswith("candidate:"):
            raise DecodeError("a candidate attribute begins with candidate:")
        tokens = line.removeprefix("candidate:").split(" ")
        if len(tokens) < 8 or tokens[6] != "typ":
            raise DecodeError("a candidate has at least eight fields, the seventh of which is typ")
        pairs = tokens[8:]
        if len(pairs) % 2:
            raise DecodeError("the extensions of a candidate come in pairs")
        extensions = list(zip(pairs[::2], pairs[1::2], strict=True))
        related = _take_related(extensions)
        return cls(
            foundation=_matching(_FOUNDATION, tokens[0], "foundation"),
            component=_number(tokens[1], 1, 256, "component"),
            protocol=_matching(_TOKEN, tokens[2], "transport").lower(),
            priority=_number(tokens[3], 0, 2**32 - 1, "priority"),
            address=Address(_host(tokens[4]), _number(tokens[5], 0, 65535, "port")),
            type=_one_of(CandidateType, tokens[7], "candidate type"),
            related=related,
            tcp_type=_take_tcp_type(extensions),
            extensions=tuple(extensions),
        )

    def serialize(self) -> str:
        """The candidate attribute without `a=`: what RTCIceCandidate calls `candidate`."""
        parts = [f"candidate:{self.foundation} {self.component} {self.protocol} {self.priority}"]
        parts.append(f"{self.address.host} {self.address.port} typ {self.type}")
        if self.related is not None:
            parts.append(f"raddr {self.related.host} rport {self.related.port}")
        if self.tcp_type is not None:
            parts.append(f"tcptype {self.tcp_type}")
        parts.extend(f"{name} {value}" for name, value in self.extensions)
        return " ".join(parts)

    __str__ = serialize

    @property
    def ufrag(self) -> str | None:
        """The generation it says it belongs to: the username fragment, where it names one."""
        return next((value for name, value in self.extensions if name == "ufrag"), None)

    @property
    def sending_address(self) -> Address:
        """The base, or of a remote candidate the address itself."""
        return self.base if self.base is not None else self.address


_FOUNDATION: Final = re.compile(r"[A-Za-z0-9+/]{1,32}")
_TOKEN: Final = re.compile(r"[!#$%&'*+\-.^_`{|}~A-Za-z0-9]+")
_NAME: Final = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*\.?")
_DIGITS: Final = re.compile(r"[0-9]{1,10}")


def _matching(pattern: re.Pattern[str], text: str, what: str) -> str:
    if not pattern.fullmatch(text):
        raise DecodeError(f"not a {what}: {text[:64]!r}")
    return text


def _number(text: str, low: int, high: int, what: str) -> int:
    value = int(_matching(_DIGITS, text, what))
    if not low <= value <= high:
        raise DecodeError(f"a {what} outside {low}..{high}: {value}")
    return value


_Kind = TypeVar("_Kind", CandidateType, TcpType)


def _one_of(kind: type[_Kind], text: str, what: str) -> _Kind:
    try:
        return kind(text.lower())
    except ValueError:
        raise DecodeError(f"not a {what}: {text[:64]!r}") from None


def _host(text: str) -> str:
    literal = text.split("%", 1)[0]
    try:
        return str(ipaddress.ip_address(literal))
    except ValueError:
        if len(text) > 255:
            raise DecodeError("a name longer than 255 characters") from None
        return _matching(_NAME, text, "connection address").lower()


def _take_related(extensions: list[tuple[str, str]]) -> Address | None:
    host, port = dict(extensions).get("raddr"), dict(extensions).get("rport")
    if host is None:
        return None
    extensions[:] = [(name, value) for name, value in extensions if name not in ("raddr", "rport")]
    return Address(_host(host), _number(port, 0, 65535, "rport") if port is not None else 0)


def _take_tcp_type(extensions: list[tuple[str, str]]) -> TcpType | None:
    text = dict(extensions).get("tcptype")
    if text is None:
        return None
    extensions[:] = [(name, value) for name, value in extensions if name != "tcptype"]
    return _one_of(TcpType, text, "tcptype")


def with_base(candidate: Candidate) -> Candidate:
    """A local candidate always has a base: host and relayed ones are their own (RFC 8445 section 5.1.1)."""
    return candidate if candidate.base is not None else replace(candidate, base=candidate.address)


def peer_reflexive_local(mapped: Address, local: Candidate, remote: Address, priority: int) -> Candidate:
    """What a response to a check from `local` to `remote` taught of ourselves (RFC 8445 section 7.2.5.3.1).

    `priority` is the PRIORITY of that check.
    """
    base = local.sending_address
    return Candidate(
        foundation=compute_foundation(CandidateType.PEER_REFLEXIVE, base.host, local.protocol, str(remote)),
        component=local.component,
        protocol=local.protocol,
        priority=priority,
        address=mapped,
        type=CandidateType.PEER_REFLEXIVE,
        related=base,
        tcp_type=local.tcp_type,
        base=base,
    )


def peer_reflexive_remote(address: Address, protocol: str, priority: int, foundation: str) -> Candidate:
    """What a request taught of the other side (RFC 8445 section 7.3.1.3). Whoever calls by TCP is active."""
    return Candidate(
        foundation=foundation,
        component=COMPONENT_RTP,
        protocol=protocol,
        priority=priority,
        address=address,
        type=CandidateType.PEER_REFLEXIVE,
        tcp_type=TcpType.ACTIVE if protocol == "tcp" else None,
    )
