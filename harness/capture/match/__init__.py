"""Matchers that read like sentences: `stun.binding_request(use_candidate=True)`, `dtls.client_hello()`, `sctp.init()`.

An argument left out is not looked at. All narrow further with `.where(lambda packet: ..., "with ...")`, where `packet`
is the scapy packet of that message alone.
"""

from __future__ import annotations

from harness.capture.match import datagram, dcep, dtls, rtp, sctp, stun, turn

__all__ = ["datagram", "dcep", "dtls", "rtp", "sctp", "stun", "turn"]
