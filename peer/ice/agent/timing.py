"""Every time constant of ICE, by the name its RFC gives it. Seconds, unless it says otherwise."""

from __future__ import annotations

from typing import Final

__all__ = [
    "CONSENT_EXPIRY",
    "CONSENT_INTERVAL",
    "CONSENT_SPREAD",
    "DISCONNECTED_AFTER",
    "NOMINATION_PATIENCE",
    "PAC_TIMEOUT",
    "RC",
    "RELAY_PATIENCE",
    "RELEASE_DELAY",
    "RM",
    "RTO_MINIMUM",
    "SCOPE_PATIENCE",
    "STALE_NOMINATION",
    "TA",
    "TA_MINIMUM",
    "TR",
    "retransmission_timeout",
]

TA: Final = 0.050
"""RFC 8445 section 14.2: the pace of new checks unless both sides agree on another (a=ice-pacing)."""
TA_MINIMUM: Final = 0.005
"""RFC 8445 section 14.2: no agent starts checks faster than this."""
RTO_MINIMUM: Final = 0.500
"""RFC 8445 section 14.3."""
RC: Final = 7
"""RFC 8489 section 6.2.1: how many times a request is sent."""
RM: Final = 16
"""RFC 8489 section 6.2.1: how many RTOs the last request waits."""
PAC_TIMEOUT: Final = 39.5
"""RFC 8863 section 4: how long failure is not declared, in case peer-reflexive candidates appear."""
CONSENT_INTERVAL: Final = 5.0
"""RFC 7675 section 5.1: the basic period of consent checks."""
CONSENT_SPREAD: Final = (0.8, 1.2)
"""RFC 7675 section 5.1: each interval is the basic period times a random number between these."""
CONSENT_EXPIRY: Final = 30.0
"""RFC 7675 section 5.1."""
TR: Final = 15.0
"""RFC 8445 section 11: the longest silence on a selected pair before a keepalive."""
RELEASE_DELAY: Final = 3.0
"""RFC 8445 section 8.3.1: how long candidates outlive the session that no longer uses them."""
DISCONNECTED_AFTER: Final = 13.0
"""Ours: two consent checks, as far apart as they may be, and a second.

W3C leaves "disconnected" to the implementation.
"""
SCOPE_PATIENCE: Final = 0.020
"""Ours: how long a check from loopback to a real address waits for the other side to show its address on loopback."""
NOMINATION_PATIENCE: Final = 0.25
"""Ours: how long a valid pair waits for a better one before nomination (RFC 8445 8.1.1 leaves this open)."""
RELAY_PATIENCE: Final = 0.8
"""Ours: how long a relayed pair waits for each one that isn't, from its first request: long enough for a second."""
STALE_NOMINATION: Final = 2.5
"""Ours: a nomination that hasn't been repeated for so long gives way to a new one of lower priority."""


def retransmission_timeout(ta: float, pending: int) -> float:
    """The RTO of a new check while `pending` pairs are waiting or in progress.

    RFC 8445 section 14.3 multiplies by the number of all checks as well, which makes half a minute of 25 pairs, and
    allows other ways of computing it: what is needed is that a round of checks fits into one RTO.
    """
    return max(RTO_MINIMUM, ta * pending)
