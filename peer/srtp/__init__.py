"""SRTP and SRTCP: RFC 3711, AES-256 key derivation of RFC 6188, AES-GCM of RFC 7714, cryptex of RFC 9335.

Two small machines without timers: an `Outbound` protects, an `Inbound` unprotects; each holds the keys of one direction
and the packet indices of every SSRC. Nothing is believed before it is authenticated: an SSRC gets its state, the
roll-over counter moves and the replay window fills only when the tag was right.

    profile      the DTLS-SRTP protection profiles as data
    keys         key derivation, and the split of DTLS-SRTP keying material
    transforms   the two ways to encrypt and authenticate: counter mode with HMAC-SHA1, and GCM
    replay       the index estimate and the replay window
    context      Outbound and Inbound

Where the time goes (1,200-byte packets): in counter mode one AES-CTR pass over a kept cipher context, whose nonce is
set again for each packet, and one one-shot HMAC; setting up a cipher object per packet would cost as much as both.
"""

from peer.srtp.context import AuthenticationError, Inbound, Outbound, ReplayError
from peer.srtp.keys import MasterKey, split_keying_material
from peer.srtp.profile import PROFILES, Profile

__all__ = [
    "PROFILES",
    "AuthenticationError",
    "Inbound",
    "MasterKey",
    "Outbound",
    "Profile",
    "ReplayError",
    "split_keying_material",
]
