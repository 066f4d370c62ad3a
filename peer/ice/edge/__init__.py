"""Sockets, gathering, TURN and mDNS: the part of ICE that does I/O."""

from peer.ice.edge.gatherer import CandidateError, Gatherer, Options
from peer.ice.edge.interfaces import Interface, Selection, list_interfaces
from peer.ice.edge.servers import IceServer, ServerUrl
from peer.ice.edge.udp import Batch

__all__ = [
    "Batch",
    "CandidateError",
    "Gatherer",
    "IceServer",
    "Interface",
    "Options",
    "Selection",
    "ServerUrl",
    "list_interfaces",
]
