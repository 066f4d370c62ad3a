"""SCTP over DTLS for WebRTC."""

from peer.sctp.association import Association
from peer.sctp.config import Config
from peer.sctp.events import (
    AssociationAborted,
    AssociationClosed,
    AssociationEstablished,
    AssociationRestarted,
    BufferedAmountChanged,
    Event,
    IncomingStreamsReset,
    MessageReceived,
    OutgoingStreamsReset,
    ReconfigurationFailed,
    StreamsAdded,
    TsnsReset,
)
from peer.sctp.schedulers import Scheduling
from peer.sctp.states import State

__all__ = [
    "Association",
    "AssociationAborted",
    "AssociationClosed",
    "AssociationEstablished",
    "AssociationRestarted",
    "BufferedAmountChanged",
    "Config",
    "Event",
    "IncomingStreamsReset",
    "MessageReceived",
    "OutgoingStreamsReset",
    "ReconfigurationFailed",
    "Scheduling",
    "State",
    "StreamsAdded",
    "TsnsReset",
]
