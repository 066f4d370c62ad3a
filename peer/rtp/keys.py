"""SRTP contexts from a DTLS connection (RFC 5764)."""

from __future__ import annotations

from peer import dtls, srtp
from peer.trace import Secret, Sink

__all__ = ["agree"]

LABEL = b"EXTRACTOR-dtls_srtp"


def agree(
    connection: dtls.Connection, profile_id: int | None, now: float, trace: Sink | None
) -> tuple[srtp.Outbound, srtp.Inbound] | None:
    """What we protect and unprotect with; None where no profile that we know was agreed on."""
    profile = srtp.PROFILES.get(profile_id or 0)
    if profile is None:
        return None
    material = connection.export_keying_material(LABEL, None, profile.keying_material_length)
    if trace is not None:
        trace(Secret(now, f"SRTP_KEYING_MATERIAL {profile.id:04x} {material.hex()}"))
    client, server = srtp.split_keying_material(profile, material)
    ours, theirs = (client, server) if connection.role is dtls.Role.CLIENT else (server, client)
    return srtp.Outbound(profile, ours), srtp.Inbound(profile, theirs)
