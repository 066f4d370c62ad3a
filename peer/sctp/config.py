"""What one end of an association wants: RFC 9260 section 16's protocol parameters and the extensions to offer."""

from __future__ import annotations

from dataclasses import dataclass

from peer.sctp.schedulers import Scheduling

__all__ = ["Config"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """Times in seconds, sizes in bytes."""

    local_port: int = 5000
    remote_port: int = 5000
    """Ports 5000 are what browsers write in `a=sctp-port` (RFC 8841 section 5.1)."""
    mtu: int = 1188
    """The largest packet. With DTLS 1.2's 37 bytes, TURN's 4 and UDP over IPv6 it stays below 1280 (RFC 8831, 5)."""
    max_mtu: int = 1448
    """How far path MTU discovery may raise it (RFC 8899): 1500 less IPv4, UDP and DTLS 1.3. Equal to `mtu`: no
    discovery."""
    jumbo_mtu: int = 16_384
    """How far it may be raised where the local link is known to take it and the peer knows probes: a DTLS record's
    content. See `Association.path_changed`."""
    outbound_streams: int = 65_535
    inbound_streams: int = 65_535
    """Both 65,535, as RFC 8831 section 6.2 asks."""
    receive_window: int = 5 * 1024 * 1024
    """What may wait here in pieces or unread before the window we advertise is closed."""
    max_message_size: int = 0
    """The longest message we take; 0 means no limit. A longer one ends the association."""
    remote_max_message_size: int = 65_536
    """The longest message the peer takes; 0 means no limit. 65,536 is what RFC 8841 section 6.1 assumes."""
    rto_initial: float = 1.0
    rto_min: float = 0.4
    """Below RFC 9260's recommended 1 s: a lost tail should cost less. It stays above a peer's delayed SACK, 200 ms."""
    rto_max: float = 60.0
    max_init_retransmits: int = 8
    max_retransmits: int = 10
    heartbeat_interval: float = 30.0
    sack_delay: float = 0.1
    cookie_lifetime: float = 60.0
    max_burst: int = 4
    """Packets that may leave at once beyond those that were just acknowledged (section 6.1 D)."""
    burst_limit: int = 65_536
    """Bytes of packets that leave in one drain: more would only overrun the next socket's buffer."""
    partial_reliability: bool = True
    reconfiguration: bool = True
    allow_tsn_reset: bool = False
    """Whether the peer may reset TSNs and all streams (RFC 6525 section 5.2.4)."""
    interleaving: bool = False
    """Whether to offer I-DATA (RFC 8260)."""
    scheduling: Scheduling = Scheduling.WEIGHTED_FAIR
    """Who sends next; RFC 8831 section 6.4 asks for weighted fair queueing."""
    zero_checksum: bool = True
    """Whether we say that we accept a zero checksum (RFC 9653); it is sent when the peer says so too."""
