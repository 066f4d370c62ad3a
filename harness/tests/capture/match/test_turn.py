"""Matchers for TURN."""

from __future__ import annotations

from harness.capture.addresses import Address
from harness.capture.datagram import made_up
from harness.capture.kinds import Kind
from harness.capture.layers.stun import ChannelData
from harness.capture.match import turn
from harness.capture.matcher import Matcher
from harness.capture.recording import Recording
from harness.verdict import Ledger


def test_channel_data_is_told_by_channel_and_by_what_it_carries() -> None:
    recording = Recording(None)
    for channel, data in ((0x4000, b"\x16\xfe\xfd dtls"), (0x4001, b"\x80\x60 rtp"), (0x4001, b"")):
        inner = made_up(
            Address("10.0.0.1", 5), Address("10.0.0.2", 3478), bytes(ChannelData(channel=channel, data=data))
        )
        recording._batch([(1, inner.header + inner.payload)])
    wire = recording.wire(Ledger())

    def numbers(matcher: Matcher) -> list[int]:
        return [hit.number for hit in wire.all(matcher)]

    assert numbers(turn.channel_data()) == [1, 2, 3]
    assert numbers(turn.channel_data(channel=0x4001)) == [2, 3]
    assert numbers(turn.channel_data(carrying=Kind.DTLS)) == [1]
    assert numbers(turn.channel_data(channel=0x4001, carrying=Kind.RTP)) == [2]
    assert str(turn.channel_data(channel=0x4001, carrying=Kind.RTP)) == (
        "a TURN ChannelData message on channel 0x4001 carrying rtp"
    )
    assert wire.all(turn.channel_data(channel=0x4001))[0].packet.data == b"\x80\x60 rtp"
