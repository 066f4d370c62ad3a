"""The SSRCs of what we send: whoever announces them (RFC 5576) and whoever sends with them reads them here.

They follow from a secret of the connection and the transceiver's key, so no description has to remember them, and a
description that is rolled back takes none with it.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from peer import sdp

from .model import Configuration, NegotiatedCodec, Transceiver

__all__ = ["SentStream", "sent_streams", "source_lines"]


@dataclass(frozen=True, slots=True)
class SentStream:
    """One encoding's RTP stream, and the one that repairs it (RFC 4588)."""

    rid: str | None
    ssrc: int
    rtx_ssrc: int


def sent_streams(configuration: Configuration, transceiver: Transceiver) -> tuple[SentStream, ...]:
    """One stream for each encoding, in order. A lone encoding travels without its rid."""
    alone = len(transceiver.encodings) == 1
    return tuple(
        SentStream(
            None if alone else one.rid,
            _ssrc(configuration, f"{transceiver.key} {one.rid or ''}"),
            _ssrc(configuration, f"{transceiver.key} {one.rid or ''} rtx"),
        )
        for one in transceiver.encodings
    )


def _ssrc(configuration: Configuration, name: str) -> int:
    """RFC 3550 section 8.1 wants them random: a hash under a random secret is."""
    return int.from_bytes(hashlib.sha256(configuration.source_secret + name.encode()).digest()[:4], "big") or 1


def source_lines(
    configuration: Configuration, transceiver: Transceiver, codecs: tuple[NegotiatedCodec, ...], *, named: bool
) -> list[str]:
    """a=ssrc with our CNAME, and a=ssrc-group:FID where retransmission is offered. Several encodings go by their rids
    (RFC 8853 section 5.1), whose SSRCs are not announced.

    They stand where a=msid does (`named`) and stay as it does: Chromium (156) shows no more of a stream that its
    section named again after it had not.
    """
    streams = sent_streams(configuration, transceiver)
    if not configuration.announces_ssrcs or not named or len(streams) > 1:
        return []
    stream = streams[0]
    repaired = any(one.codec.name.lower() == "rtx" for one in codecs)
    ssrcs = (stream.ssrc, stream.rtx_ssrc) if repaired else (stream.ssrc,)
    lines = [sdp.SSRC_GROUP.line(sdp.SsrcGroup("FID", ssrcs))] if repaired else []
    return lines + [sdp.SSRC_ATTRIBUTE.line(sdp.SsrcAttribute(ssrc, "cname", configuration.cname)) for ssrc in ssrcs]
