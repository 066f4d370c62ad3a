"""The fault that turns each case of this folder red; see cases/planting.py."""

from __future__ import annotations

from typing import Any

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CTR

from cases.bending import each
from cases.planting import Fault, also_sends, planted
from cases.rtp.faults import deaf_to, never_asks
from peer.api import Seams
from peer.errors import DecodeError
from peer.rtp.outgoing import History
from peer.srtp import Inbound, Outbound, ReplayError
from peer.srtp.replay import ReplayWindow
from peer.srtp.transforms import Gcm
from peer.wire import rtcp, rtp

__all__ = ["FAULTS"]


def takes_unauthenticated(monkeypatch: pytest.MonkeyPatch) -> None:
    """A media packet whose tag is wrong counts all the same."""
    unprotect = Inbound.unprotect

    def careless(self: Inbound, packet: bytes) -> bytes:
        try:
            return unprotect(self, packet)
        except ReplayError:
            raise
        except DecodeError:
            return packet[:-16]

    monkeypatch.setattr(Inbound, "unprotect", careless)


def reads_unauthenticated(monkeypatch: pytest.MonkeyPatch) -> None:
    """RTCP is decrypted without a look at its tag; what can't be, is taken for clear."""
    made, unprotect = Gcm.__init__, Inbound.unprotect_rtcp

    def remember(self: Any, keys: Any) -> None:
        made(self, keys)
        KEYS[id(self)] = keys.key

    def careless(self: Gcm, header: bytes, body: bytes, ssrc: int, index: int, trailer: bytes) -> bytes:
        try:
            return self._aead.decrypt(self.nonce(ssrc, index), body, header + trailer)
        except InvalidTag:
            counter = self.nonce(ssrc, index) + b"\0\0\0\2"
            return Cipher(AES(KEYS[id(self)]), CTR(counter)).decryptor().update(body[:-16])

    def anything(self: Inbound, packet: bytes) -> bytes:
        try:
            clear = unprotect(self, packet)
            rtcp.parse(clear)
        except DecodeError:
            return packet
        return clear

    monkeypatch.setattr(Gcm, "__init__", remember)
    monkeypatch.setattr(Gcm, "open_rtcp", careless)
    monkeypatch.setattr(Inbound, "unprotect_rtcp", anything)


KEYS: dict[int, bytes] = {}


def takes_replays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ReplayWindow, "is_new", lambda self, index: True)
    monkeypatch.setattr(History, "take", lambda self, number, now, round_trip_time: self._packets[number].packet)


def takes_nothing_older(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ReplayWindow, "is_new", lambda self, index: index > self.highest)


def skips_indices(monkeypatch: pytest.MonkeyPatch) -> None:
    protect = Outbound.protect_rtcp

    def skipping(self: Outbound, packet: bytes) -> bytes:
        ssrc = int.from_bytes(packet[4:8], "big")
        self._rtcp_index[ssrc] = self._rtcp_index.get(ssrc, -1) + 1
        return protect(self, packet)

    monkeypatch.setattr(Outbound, "protect_rtcp", skipping)


def denies_encryption(monkeypatch: pytest.MonkeyPatch) -> None:
    protect = Outbound.protect_rtcp

    def denying(self: Outbound, packet: bytes) -> bytes:
        data = protect(self, packet)
        return data[:-4] + bytes([data[-4] & 0x7F]) + data[-3:]

    monkeypatch.setattr(Outbound, "protect_rtcp", denying)


def begins_rolled_over(monkeypatch: pytest.MonkeyPatch) -> None:
    protect = Outbound.protect

    def ahead(self: Outbound, packet: bytes) -> bytes:
        ssrc = int.from_bytes(packet[8:12], "big")
        self._highest.setdefault(ssrc, 0x10000 | int.from_bytes(packet[2:4], "big"))
        return protect(self, packet)

    monkeypatch.setattr(Outbound, "protect", ahead)


def speaks_in_clear(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Outbound, "protect", lambda self, packet: packet)


def adds_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    protect = Outbound.protect
    monkeypatch.setattr(Outbound, "protect", lambda self, packet: protect(self, packet) + b"mki!")


def keeps_to_the_first_cycle(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("peer.srtp.context.estimate", lambda number, highest: number)


def twice(one: rtp.Packet) -> tuple[rtp.Packet, rtp.Packet]:
    return one, rtp.Packet(one.payload_type, one.sequence_number, one.timestamp, one.ssrc, b"something else")


UNAUTHENTICATED, UNREAD = Fault(patch=takes_unauthenticated), Fault(patch=reads_unauthenticated)
RECEIVING = planted(
    "cases/srtp/test_rfc3711_3_3_receiving.py::test_",
    sanity_what_is_not_spoilt_is_taken=deaf_to(rtcp.Nack),
    a_packet_with_another_tag_is_refused=UNAUTHENTICATED,
    a_packet_with_another_payload_is_refused=UNAUTHENTICATED,
    a_packet_with_another_marker_is_refused=UNAUTHENTICATED,
    a_packet_with_another_timestamp_is_refused=UNAUTHENTICATED,
    a_packet_with_another_header_extension_is_refused=UNAUTHENTICATED,
    a_packet_moved_to_another_ssrc_is_refused=never_asks(),
    a_packet_cut_short_is_refused=UNAUTHENTICATED,
    a_packet_in_clear_is_refused=UNAUTHENTICATED,
    a_packet_under_another_key_is_refused=UNAUTHENTICATED,
    sequence_numbers_may_wrap=Fault(patch=keeps_to_the_first_cycle),
    control_with_another_tag_is_refused=UNREAD,
    control_with_other_content_is_refused=UNREAD,
    control_with_another_index_is_refused=UNREAD,
    control_in_clear_is_refused=UNREAD,
    control_cut_short_is_refused=UNREAD,
    control_behind_a_newer_one_is_taken=Fault(patch=takes_nothing_older),
    control_that_comes_twice_is_taken_once=Fault(patch=takes_replays),
)
SENDING = planted(
    "cases/srtp/test_rfc3711_3_3_sending.py::test_",
    sanity_control_is_sent=never_asks(),
    the_control_index_counts_by_one=Fault(patch=skips_indices),
    control_says_that_it_is_encrypted=Fault(patch=denies_encryption),
    the_roll_over_counter_begins_at_zero=Fault(patch=begins_rolled_over),
    no_index_is_used_for_two_packets=Fault(Seams(rtp=each(rtp.Packet, twice))),
    nothing_travels_in_clear=Fault(patch=speaks_in_clear),
    nothing_is_protected_before_the_handshake=also_sends(b"\x80\x60" + bytes(40)),
    packets_are_longer_by_the_tag_alone=Fault(patch=adds_bytes),
)
FAULTS = {**RECEIVING, **SENDING}
