"""Data channels: RFC 8831 (how SCTP carries them) and RFC 8832 (how they are opened).

`Channels` is a machine of the same dialect as the association below it: SCTP packets in, SCTP packets out.

    channels = Channels(sctp.Association(config, entropy=entropy), "client")
    channels.connect(now)
    id = channels.open("chat", now=now)
    channels.send(id, "hello", now)
    for packet in channels.datagrams_to_send(now): ...          # through DTLS
    for event in channels.receive_datagram(packet, now): ...    # MessageReceived, ChannelAnnounced, ...
    if now >= channels.next_timeout(): channels.handle_timeout(now)

A channel is a pair of streams with one id. Opening is one message (OPEN) that user messages may follow at once; closing
resets the outgoing stream, which the peer answers by resetting its own. When both are done the id is free again.
"""

from peer.datachannel.channel import Channel, ChannelState
from peer.datachannel.channels import Channels
from peer.datachannel.events import (
    EVENTS,
    AssociationAborted,
    AssociationClosed,
    AssociationEstablished,
    AssociationRestarted,
    BufferedAmountReduced,
    ChannelAnnounced,
    ChannelClosed,
    ChannelClosing,
    ChannelOpened,
    Event,
    MessageReceived,
)

__all__ = [
    "EVENTS",
    "AssociationAborted",
    "AssociationClosed",
    "AssociationEstablished",
    "AssociationRestarted",
    "BufferedAmountReduced",
    "Channel",
    "ChannelAnnounced",
    "ChannelClosed",
    "ChannelClosing",
    "ChannelOpened",
    "ChannelState",
    "Channels",
    "Event",
    "MessageReceived",
]
