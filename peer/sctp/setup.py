"""Setting an association up: INIT parameters, the state cookie, and what an unexpected cookie means.

The side that answers INIT keeps nothing: all it needs comes back in the cookie, sealed with a key of its own
(RFC 9260 section 5.1.3). Table 12 of section 5.2.4 is `judge` below, as data.
"""

from __future__ import annotations

import hashlib
import hmac
import struct
from dataclasses import dataclass
from enum import StrEnum

from peer.sctp.config import Config
from peer.wire.sctp import ChunkType, Init, InitAck
from peer.wire.sctp_tlv import Cause, CauseCode, Parameter, ParameterType

__all__ = [
    "LEAST_WINDOW",
    "Cookie",
    "CookieJar",
    "Meaning",
    "Offer",
    "judge",
    "offer_of",
    "own_offer",
    "parameters",
    "refusal",
    "unrecognized",
]

LEAST_WINDOW = 1500
_COOKIE = struct.Struct(">dIIIIIIIHHB")
_MAC_SIZE = 32
_DTLS_DETECTS_ERRORS = struct.pack(">I", 1)  # RFC 9653 section 6: the identifier of DTLS as error detection method


@dataclass(frozen=True, slots=True)
class Offer:
    """The extensions one side offers in INIT or INIT ACK."""

    partial_reliability: bool = False
    reconfiguration: bool = False
    interleaving: bool = False
    zero_checksum: bool = False
    padding: bool = False
    """PAD (RFC 4820) is named: this side takes part in path MTU discovery with padded probes."""

    def common(self, other: Offer) -> Offer:
        """What both offer; zero checksum is each side's own to accept, so `other`'s word alone counts."""
        return Offer(
            self.partial_reliability and other.partial_reliability,
            self.reconfiguration and other.reconfiguration,
            self.interleaving and other.interleaving,
            other.zero_checksum,
            self.padding and other.padding,
        )

    def bits(self) -> int:
        flags = (self.partial_reliability, self.reconfiguration, self.interleaving, self.zero_checksum, self.padding)
        return sum(1 << i for i, flag in enumerate(flags) if flag)

    @staticmethod
    def of_bits(bits: int) -> Offer:
        return Offer(*(bool(bits >> i & 1) for i in range(5)))


def own_offer(config: Config) -> Offer:
    return Offer(
        config.partial_reliability,
        config.reconfiguration,
        config.interleaving,
        config.zero_checksum,
        config.max_mtu > config.mtu,
    )


def parameters(config: Config) -> tuple[Parameter, ...]:
    """The parameters of our INIT and INIT ACK that say what we support."""
    chunks: list[int] = []
    offered: list[Parameter] = []
    if config.partial_reliability:
        offered.append(Parameter(ParameterType.FORWARD_TSN_SUPPORTED))
        chunks.append(ChunkType.FORWARD_TSN)
    if config.reconfiguration:
        chunks.append(ChunkType.RECONFIG)
    if config.interleaving:
        chunks.append(ChunkType.I_DATA)
        if config.partial_reliability:
            chunks.append(ChunkType.I_FORWARD_TSN)
    if config.max_mtu > config.mtu:
        chunks.append(ChunkType.PAD)
    if chunks:
        offered.append(Parameter(ParameterType.SUPPORTED_EXTENSIONS, bytes(chunks)))
    if config.zero_checksum:
        offered.append(Parameter(ParameterType.ZERO_CHECKSUM_ACCEPTABLE, _DTLS_DETECTS_ERRORS))
    return tuple(offered)


def offer_of(said: tuple[Parameter, ...]) -> Offer:
    """What the parameters of a received INIT or INIT ACK offer."""
    extensions: set[int] = set()
    types = {parameter.type for parameter in said}
    zero_checksum = False
    for parameter in said:
        if parameter.type == ParameterType.SUPPORTED_EXTENSIONS:
            extensions |= set(parameter.value)
        elif parameter.type == ParameterType.ZERO_CHECKSUM_ACCEPTABLE:
            zero_checksum = parameter.value == _DTLS_DETECTS_ERRORS
    return Offer(
        (ParameterType.FORWARD_TSN_SUPPORTED in types or ChunkType.FORWARD_TSN in extensions)
        # With I-DATA it is I-FORWARD-TSN that has to be supported (RFC 8260 section 2.3.1).
        and (ChunkType.I_DATA not in extensions or ChunkType.I_FORWARD_TSN in extensions),
        ChunkType.RECONFIG in extensions,
        ChunkType.I_DATA in extensions,
        zero_checksum,
        ChunkType.PAD in extensions,
    )


def unrecognized(said: tuple[Parameter, ...]) -> tuple[tuple[Parameter, ...], tuple[Parameter, ...]]:
    """(the parameters to go by, those to report), by the two high bits of unknown types: section 3.2.1."""
    kept: list[Parameter] = []
    reported: list[Parameter] = []
    for parameter in said:
        if parameter.type in _KNOWN:
            kept.append(parameter)
            continue
        if parameter.type & 0x4000:
            reported.append(parameter)
        if not parameter.type & 0x8000:
            break
    return tuple(kept), tuple(reported)


_KNOWN = frozenset(int(type_) for type_ in ParameterType)


def refusal(chunk: Init | InitAck) -> Cause | None:
    """Why an INIT or INIT ACK can't be accepted (sections 3.3.2, 3.3.3), as the cause to answer; None when it can."""
    host = next((p for p in chunk.parameters if p.type == ParameterType.HOST_NAME), None)
    if host is not None:
        return Cause(CauseCode.UNRESOLVABLE_ADDRESS, host.serialize())
    for what, wrong in (
        ("initiate tag 0", not chunk.tag),
        ("no streams", not chunk.outbound_streams or not chunk.inbound_streams),
        ("a window below 1500", chunk.a_rwnd < LEAST_WINDOW),
    ):
        if wrong:
            return Cause(CauseCode.INVALID_PARAMETER, what.encode())
    return None


@dataclass(frozen=True, slots=True)
class Cookie:
    """What the answering side will need once the cookie is back. Tie-tags are 0 where there was no association."""

    created: float
    local_tag: int
    peer_tag: int
    local_tie: int
    peer_tie: int
    local_tsn: int
    peer_tsn: int
    peer_window: int
    outbound_streams: int
    inbound_streams: int
    offer: Offer


class CookieJar:
    """Seals and opens cookies with HMAC-SHA-256."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def seal(self, cookie: Cookie) -> bytes:
        body = _COOKIE.pack(
            cookie.created,
            cookie.local_tag,
            cookie.peer_tag,
            cookie.local_tie,
            cookie.peer_tie,
            cookie.local_tsn,
            cookie.peer_tsn,
            cookie.peer_window,
            cookie.outbound_streams,
            cookie.inbound_streams,
            cookie.offer.bits(),
        )
        return body + hmac.digest(self._key, body, hashlib.sha256)

    def open(self, data: bytes) -> Cookie | None:
        """The cookie, or None when it isn't ours."""
        if len(data) != _COOKIE.size + _MAC_SIZE:
            return None
        body = data[: _COOKIE.size]
        if not hmac.compare_digest(hmac.digest(self._key, body, hashlib.sha256), data[_COOKIE.size :]):
            return None
        created, *numbers, bits = _COOKIE.unpack(body)
        local_tag, peer_tag, local_tie, peer_tie, local_tsn, peer_tsn, peer_window, outbound, inbound = numbers
        return Cookie(
            created=created,
            local_tag=local_tag,
            peer_tag=peer_tag,
            local_tie=local_tie,
            peer_tie=peer_tie,
            local_tsn=local_tsn,
            peer_tsn=peer_tsn,
            peer_window=peer_window,
            outbound_streams=outbound,
            inbound_streams=inbound,
            offer=Offer.of_bits(bits),
        )


class Meaning(StrEnum):
    """What a valid COOKIE ECHO means to an association that exists: the actions of Table 12."""

    RESTART = "A"
    COLLISION = "B"
    LATE = "C"
    DUPLICATE = "D"
    NONE = "-"


_X, _M, _0 = "X", "M", "0"
_TABLE_12: dict[tuple[str, str], Meaning] = {
    (_M, _X): Meaning.COLLISION,
    (_M, _0): Meaning.COLLISION,
    (_M, _M): Meaning.DUPLICATE,
}


def judge(cookie: Cookie, local_tag: int, peer_tag: int, ties: tuple[int, int]) -> Meaning:
    """Table 12 of section 5.2.4. `peer_tag` is 0 while we don't know it; `ties` are our own tie-tags."""
    local = _M if cookie.local_tag == local_tag else _X
    peer = _0 if not peer_tag else _M if cookie.peer_tag == peer_tag else _X
    if (local, peer) in _TABLE_12:
        return _TABLE_12[local, peer]
    cookie_ties = (cookie.local_tie, cookie.peer_tie)
    if peer == _X and cookie_ties == ties and ties != (0, 0):
        return Meaning.RESTART
    if peer == _M and cookie_ties == (0, 0):
        return Meaning.LATE
    return Meaning.NONE
