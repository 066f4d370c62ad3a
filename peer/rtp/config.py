"""What negotiation tells the RTP machines: formats, SSRCs, header extensions, feedback.

Plain values without any SDP in them; `peer.session`'s user makes them from the negotiated parameters.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

__all__ = ["AUXILIARY", "Codec", "ReceiveConfig", "SendConfig", "SendStream", "parse_fmtp"]

AUXILIARY: Final = frozenset({"rtx", "red", "ulpfec", "flexfec-03", "telephone-event", "cn"})
"""Formats (subtypes, lower case) that never carry a stream on their own."""


def parse_fmtp(text: str | None) -> dict[str, str]:
    """An a=fmtp value as a dictionary with lower case names; what isn't `name=value` is its own name."""
    pairs = (part.strip().partition("=") for part in (text or "").split(";"))
    return {name.strip().lower(): value.strip() for name, _, value in pairs if name.strip()}


@dataclass(frozen=True, slots=True)
class Codec:
    """A format and the payload type it travels under. `feedback` are a=rtcp-fb values, as "nack pli"."""

    payload_type: int
    mime_type: str
    clock_rate: int
    channels: int | None = None
    fmtp: Mapping[str, str] = field(default_factory=dict)
    feedback: frozenset[str] = frozenset()

    @property
    def name(self) -> str:
        """The subtype in lower case: "vp8", "rtx"."""
        return self.mime_type.partition("/")[2].lower()

    @property
    def associated(self) -> int | None:
        """The payload type an rtx format repairs (`apt`), else None."""
        value = self.fmtp.get("apt", "")
        return int(value) if value.isdigit() else None

    @property
    def is_primary(self) -> bool:
        """Whether it carries a stream on its own."""
        return self.name not in AUXILIARY


@dataclass(frozen=True, slots=True)
class SendStream:
    """One RTP stream that we send: one encoding. `payload_type` is that of its codec, None for the first one."""

    ssrc: int
    rtx_ssrc: int | None = None
    rid: str | None = None
    payload_type: int | None = None
    max_bitrate: int | None = None


@dataclass(frozen=True, slots=True)
class SendConfig:
    """One sender: `key` is the transceiver's, `codecs` hold the payload types to send with, preferred first.

    `extensions` maps a header extension's URI to its id. `reduced_size` allows RFC 5506, `mixed` one- and two-byte
    headers in one stream (a=extmap-allow-mixed). `max_packet_size` is that of an RTP packet in clear, in bytes.
    """

    key: int
    kind: str
    mid: str
    streams: tuple[SendStream, ...]
    codecs: tuple[Codec, ...]
    cname: str
    extensions: Mapping[str, int] = field(default_factory=dict)
    reduced_size: bool = False
    mixed: bool = False
    max_packet_size: int = 1180


@dataclass(frozen=True, slots=True)
class ReceiveConfig:
    """One receiver: `codecs` hold the payload types it is ready for.

    `ssrcs` are those the other side declared for media, `repairs` maps a declared RTX SSRC to the one it repairs
    (ssrc-group FID), `protects` a FlexFEC SSRC to the one it protects (FEC-FR). All may be empty: a stream is then
    found by its mid, rid or payload type.
    """

    key: int
    kind: str
    mid: str
    codecs: tuple[Codec, ...]
    extensions: Mapping[str, int] = field(default_factory=dict)
    rids: tuple[str, ...] = ()
    ssrcs: tuple[int, ...] = ()
    repairs: Mapping[int, int] = field(default_factory=dict)
    protects: Mapping[int, int] = field(default_factory=dict)
    reduced_size: bool = False
