"""peer.datachannel.channel: what an OPEN says of a channel, there and back."""

from typing import Any

import pytest

from peer.datachannel.channel import Channel, ChannelState
from peer.wire.dcep import ChannelType


@pytest.mark.parametrize(
    ("options", "kind", "reliability"),
    [
        ({}, ChannelType.RELIABLE, 0),
        ({"ordered": False}, ChannelType.RELIABLE_UNORDERED, 0),
        ({"max_retransmits": 3}, ChannelType.PARTIAL_RELIABLE_REXMIT, 3),
        ({"max_retransmits": 0, "ordered": False}, ChannelType.PARTIAL_RELIABLE_REXMIT_UNORDERED, 0),
        ({"max_packet_life_time": 250}, ChannelType.PARTIAL_RELIABLE_TIMED, 250),
        ({"max_packet_life_time": 9, "ordered": False}, ChannelType.PARTIAL_RELIABLE_TIMED_UNORDERED, 9),
    ],
)
def test_every_channel_type_there_and_back(options: dict[str, Any], kind: ChannelType, reliability: int) -> None:
    channel = Channel(4, label="l", protocol="p", state=ChannelState.OPENING, **options)
    message = channel.to_open()
    assert (message.channel_type, message.reliability) == (kind, reliability)
    back = Channel.of_open(4, message)
    for name in ("label", "protocol", "ordered", "max_retransmits", "max_packet_life_time", "priority"):
        assert getattr(back, name) == getattr(channel, name)


def test_lifetime_is_in_seconds() -> None:
    assert Channel(0, max_packet_life_time=250, state=ChannelState.OPEN).lifetime == 0.25
    assert Channel(0, state=ChannelState.OPEN).lifetime is None
