"""Seams: where a test bends the peer on purpose, sees inside it, or replaces what is outside.

    pc = RTCPeerConnection(configuration, seams=Seams(trace=entries.append, dtls={"versions": (Version.DTLS12,)}))

Every transform takes a decoded outbound message and returns the messages (or raw bytes) that go out in its place:
None leaves a message as it is, `()` drops it, two of them duplicate it. Protocol code never asks whether there is
one.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from peer import jsep, sdp
from peer.dtls import Certificate
from peer.ice.edge import Gatherer, Options, Selection
from peer.media.plans import Codecs
from peer.media.work import Pool
from peer.sdp import SessionDescription
from peer.trace import Sink

__all__ = ["Offline", "Seams", "Transform"]


class Offline:
    """An edge without I/O, `Seams(edge=Offline)`: gathering ends at once with no candidate, nothing is sent.

    For tests of signalling alone: a setLocalDescription costs no socket.
    """

    def __init__(self, options: Options, *, on_complete: Callable[[], None], **_: Any) -> None:
        self.options = options
        self._on_complete = on_complete

    def start(self) -> None:
        asyncio.get_running_loop().call_soon(self._on_complete)

    def send(self, transmissions: list[Any]) -> None:
        """Nobody hears it."""

    def path_mtu(self, path: Any) -> int | None:
        """There is no path."""
        return None

    def resolve(self, candidate: Any, found: Callable[[Any], None]) -> None:
        """No name is ever found."""

    def close(self) -> None:
        """Nothing is open."""


Transform: TypeAlias = Callable[[Any], Iterable[Any]]


@dataclass(frozen=True, slots=True)
class Seams:
    """What a test may set on one connection. Everything has the value of a peer that behaves.

    sdp           takes the SessionDescription that createOffer or createAnswer made and returns another one, or text
    stun          STUN messages of the ICE agent (peer.wire.stun.Message)
    turn          STUN messages to TURN servers (likewise)
    dtls_handshake, dtls_record   DTLS handshake messages and records
    sctp, dcep    SCTP chunks, then packets (peer.wire.sctp); data channel OPEN and ACK messages
    rtp           RTP packets, and the RTCP packets of a datagram as a tuple, before SRTP (peer.wire)
    datagram      whole datagrams with their path, last of all (peer.ice.agent.Transmission)
    trace         called with each `peer.trace.Entry` and `peer.trace.Secret`
    entropy       where all random bytes come from
    dtls          keyword arguments for `peer.dtls.Config`: versions, cipher_suites, groups, signature_schemes, mtu...
    sctp_config   keyword arguments for `peer.sctp.Config`
    ice           keyword arguments for `peer.ice.agent.Config`: lite, ta, nomination_patience...
    certificate   the one to use when the configuration has none (peer.dtls.Certificate)
    interfaces    the addresses to gather on (peer.ice.edge.Selection). None: loopback only, as long as the
                  configuration names no ICE server; then all of this machine
    gather        keyword arguments for `peer.ice.edge.Options`: tcp, mdns, tls, enter...
    edge          makes the I/O of a transport (peer.ice.edge.Gatherer, or something with its methods)
    codecs        where encoders and decoders come from; None: PyAV
    pool          makes what encodes and decodes off the event loop (peer.media.work.Inline in virtual time)
    """

    sdp: Callable[[SessionDescription], SessionDescription | str] | None = None
    stun: Transform | None = None
    turn: Transform | None = None
    dtls_handshake: Transform | None = None
    dtls_record: Transform | None = None
    sctp: Transform | None = None
    dcep: Transform | None = None
    datagram: Transform | None = None
    rtp: Transform | None = None
    trace: Sink | None = None
    entropy: Callable[[int], bytes] = os.urandom
    dtls: Mapping[str, Any] = field(default_factory=dict)
    sctp_config: Mapping[str, Any] = field(default_factory=dict)
    ice: Mapping[str, Any] = field(default_factory=dict)
    interfaces: Selection | None = None
    certificate: Certificate | None = None
    gather: Mapping[str, Any] = field(default_factory=dict)
    edge: Callable[..., Any] = Gatherer
    codecs: Codecs | None = None
    pool: Callable[[asyncio.AbstractEventLoop], Pool] | None = None

    def speak(self, description: jsep.Description) -> str:
        """The text of a description we made, through the SDP seam."""
        if self.sdp is None or description.model is None:
            return description.sdp
        spoken = self.sdp(description.model)
        return spoken if isinstance(spoken, str) else sdp.serialize(spoken)
