"""One direction's cryptographic context: `Outbound` protects, `Inbound` unprotects."""

from __future__ import annotations

import struct

from cryptography.exceptions import InvalidTag

from peer.errors import DecodeError, LocalProtocolError
from peer.srtp.keys import LABEL_RTCP, LABEL_RTP, MasterKey, derive
from peer.srtp.profile import Profile
from peer.srtp.replay import ReplayWindow, estimate
from peer.srtp.transforms import transform_for

__all__ = ["AuthenticationError", "Inbound", "Outbound", "ReplayError"]

MAX_INDEX_RTP = (1 << 48) - 1
MAX_INDEX_RTCP = (1 << 31) - 1
MAX_SOURCES = 4096
"""SSRCs a peer may use in one session; each costs us a replay window."""

# RFC 9335 section 5: the "defined by profile" field says that CSRCs and header extensions are encrypted.
CRYPTEX = {0xBEDE: 0xC0DE, 0x1000: 0xC2DE}
CLEAR = {hidden: clear for clear, hidden in CRYPTEX.items()}

_FIXED = struct.Struct("!xxHxxxxL")
_EXTENSION = struct.Struct("!HH")


class AuthenticationError(DecodeError):
    """The tag is wrong: the packet was changed, or is not from our peer."""


class ReplayError(DecodeError):
    """The packet was seen before, or is too old to tell."""


def _split(packet: bytes) -> tuple[int, int, int]:
    """(end of the CSRC list, end of the whole header, "defined by profile" or -1) of an RTP packet."""
    size = len(packet)
    if size < 12:
        raise DecodeError("an RTP header has 12 bytes", offset=size)
    if packet[0] >> 6 != 2:
        raise DecodeError(f"RTP version {packet[0] >> 6}", offset=0)
    csrc_end = end = 12 + 4 * (packet[0] & 0x0F)
    profile = -1
    if packet[0] & 0x10 and size >= csrc_end + 4:
        profile, words = _EXTENSION.unpack_from(packet, csrc_end)
        end = csrc_end + 4 + 4 * words
    elif packet[0] & 0x10:
        end = csrc_end + 4
    if end > size:
        raise DecodeError("the RTP header goes on past the end of the packet", offset=size)
    return csrc_end, end, profile


class Outbound:
    """Protects what we send. `cryptex`: the peer said a=cryptex, so hide CSRCs and header extensions."""

    def __init__(self, profile: Profile, master: MasterKey, *, cryptex: bool = False) -> None:
        self.profile = profile
        self.cryptex = cryptex
        self._rtp = transform_for(profile, derive(profile, master, LABEL_RTP), profile.tag_length)
        self._rtcp = transform_for(profile, derive(profile, master, LABEL_RTCP), profile.rtcp_tag_length)
        self._highest: dict[int, int] = {}
        self._rtcp_index: dict[int, int] = {}

    def protect(self, packet: bytes) -> bytes:
        """An RTP packet to an SRTP packet. Raises `DecodeError` if it isn't RTP, `LocalProtocolError` after 2^48."""
        csrc_end, end, profile = _split(packet)
        sequence_number, ssrc = _FIXED.unpack_from(packet)
        highest = self._highest.get(ssrc)
        index = sequence_number if highest is None else max(estimate(sequence_number, highest), 0)
        if index > MAX_INDEX_RTP:
            raise LocalProtocolError("2^48 packets were sent under this key (RFC 3711 section 9.2)")
        if highest is None or index > highest:
            self._highest[ssrc] = index
        if self.cryptex and (profile in CRYPTEX or (profile == -1 and csrc_end > 12)):
            return self._protect_whole(packet, csrc_end, profile, ssrc, index)
        return self._rtp.seal_rtp(packet[:end], packet[end:], ssrc, index)

    def _protect_whole(self, packet: bytes, csrc_end: int, profile: int, ssrc: int, index: int) -> bytes:
        """RFC 9335 section 6: CSRCs, the body of the extension and the payload are encrypted in one go."""
        if profile == -1:
            # CSRCs without an extension: an empty one has to carry the mark.
            fixed, words, rest = bytes([packet[0] | 0x10]) + packet[1:12], 0, packet[csrc_end:]
            profile = 0xBEDE
        else:
            fixed, words = packet[:12], _EXTENSION.unpack_from(packet, csrc_end)[1]
            rest = packet[csrc_end + 4 :]
        mark = _EXTENSION.pack(CRYPTEX[profile], words)
        return self._rtp.seal_whole(fixed, packet[12:csrc_end], mark, rest, ssrc, index)

    def protect_rtcp(self, packet: bytes) -> bytes:
        """A compound (or reduced-size) RTCP packet to an SRTCP packet, always encrypted."""
        if len(packet) < 8:
            raise DecodeError("an RTCP packet has 8 bytes at least", offset=len(packet))
        ssrc = int.from_bytes(packet[4:8], "big")
        index = self._rtcp_index.get(ssrc, -1) + 1
        if index > MAX_INDEX_RTCP:
            raise LocalProtocolError("2^31 SRTCP packets were sent under this key (RFC 3711 section 9.2)")
        self._rtcp_index[ssrc] = index
        trailer = (index | 0x80000000).to_bytes(4, "big")
        return self._rtcp.seal_rtcp(packet[:8], packet[8:], ssrc, index, trailer)


class Inbound:
    """Unprotects what we receive. Every refusal is a `DecodeError`: the packet is to be dropped in silence."""

    def __init__(self, profile: Profile, master: MasterKey) -> None:
        self.profile = profile
        self._rtp = transform_for(profile, derive(profile, master, LABEL_RTP), profile.tag_length)
        self._rtcp = transform_for(profile, derive(profile, master, LABEL_RTCP), profile.rtcp_tag_length)
        self._windows: dict[int, ReplayWindow] = {}
        self._rtcp_windows: dict[int, ReplayWindow] = {}

    def unprotect(self, packet: bytes) -> bytes:
        """An SRTP packet to an RTP packet. Raises `DecodeError`, `AuthenticationError`, `ReplayError`."""
        csrc_end, end, profile = _split(packet)
        if len(packet) < end + self.profile.tag_length:
            raise DecodeError("no room for the authentication tag", offset=len(packet))
        sequence_number, ssrc = _FIXED.unpack_from(packet)
        window = self._windows.get(ssrc)
        index = sequence_number if window is None else estimate(sequence_number, window.highest)
        if index < 0 or index > MAX_INDEX_RTP or (window is not None and not window.is_new(index)):
            raise ReplayError(f"SSRC {ssrc}: packet {sequence_number} was seen before, or is too old to tell")
        try:
            if profile in CLEAR:
                clear = self._unprotect_whole(packet, csrc_end, profile, ssrc, index)
            else:
                clear = packet[:end] + self._rtp.open_rtp(packet[:end], packet[end:], ssrc, index)
        except InvalidTag:
            raise AuthenticationError(f"SSRC {ssrc}: packet {sequence_number} has a wrong authentication tag") from None
        self._remember(self._windows, ssrc, index)
        return clear

    def _unprotect_whole(self, packet: bytes, csrc_end: int, profile: int, ssrc: int, index: int) -> bytes:
        fixed, mark = packet[:12], packet[csrc_end : csrc_end + 4]
        csrcs, rest = self._rtp.open_whole(fixed, packet[12:csrc_end], mark, packet[csrc_end + 4 :], ssrc, index)
        return fixed + csrcs + CLEAR[profile].to_bytes(2, "big") + mark[2:] + rest

    def unprotect_rtcp(self, packet: bytes) -> bytes:
        """An SRTCP packet to RTCP. Raises `DecodeError`, `AuthenticationError`, `ReplayError`."""
        if len(packet) < 12 + self.profile.rtcp_tag_length:
            raise DecodeError("too short for an SRTCP packet", offset=len(packet))
        # The index stands before the tag of HMAC (RFC 3711 section 3.4), behind the one of GCM (RFC 7714 section 9.2).
        cut = len(packet) - 4 - (0 if self.profile.aead else self.profile.rtcp_tag_length)
        header, trailer = packet[:8], packet[cut : cut + 4]
        body = packet[8:cut] + packet[cut + 4 :]
        ssrc, index = int.from_bytes(packet[4:8], "big"), int.from_bytes(trailer, "big") & MAX_INDEX_RTCP
        window = self._rtcp_windows.get(ssrc)
        if window is not None and not window.is_new(index):
            raise ReplayError(f"SSRC {ssrc}: SRTCP packet {index} was seen before, or is too old to tell")
        try:
            clear = self._rtcp.open_rtcp(header, body, ssrc, index, trailer)
        except InvalidTag:
            raise AuthenticationError(f"SSRC {ssrc}: SRTCP packet {index} has a wrong authentication tag") from None
        self._remember(self._rtcp_windows, ssrc, index)
        return header + clear

    @staticmethod
    def _remember(windows: dict[int, ReplayWindow], ssrc: int, index: int) -> None:
        window = windows.get(ssrc)
        if window is not None:
            window.add(index)
        elif len(windows) < MAX_SOURCES:
            windows[ssrc] = ReplayWindow(index)
        else:
            raise DecodeError(f"more than {MAX_SOURCES} SSRCs under one key")
