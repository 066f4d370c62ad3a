"""DTLS 1.2 and 1.3, sans-IO, on the primitives of `cryptography`.

    Connection        the facade: datagrams and time in, events and datagrams out
      RecordLayer     epochs, protection, datagrams           records, protection, protection12, protection13, replay
      Flights         what we say, cut, sent, repeated        flight
      Reassembler     what they say, put together             reassembly
      Machine         the handshake                           opening -> client12 | client13 | server12 | server13
        Machine12     keys, Finished, exporter of 1.2         machine12, prf
        Machine13     those of 1.3, ACKs, what comes after    machine13, schedule13
    values that all of them share                             certificate, config, events, suites, groups, signatures

The two versions are siblings: they share the plumbing above and the messages in `peer.wire`, not their logic.
"""

from __future__ import annotations

from peer.dtls.certificate import Certificate, Fingerprint, KeyKind
from peer.dtls.config import Config, Role, Version
from peer.dtls.connection import Connection
from peer.dtls.events import ApplicationDataReceived, ConnectionClosed, Event, HandshakeCompleted
from peer.wire.dtls_parameters import CipherSuite, NamedGroup, SignatureScheme, SrtpProfile

__all__ = [
    "ApplicationDataReceived",
    "Certificate",
    "CipherSuite",
    "Config",
    "Connection",
    "ConnectionClosed",
    "Event",
    "Fingerprint",
    "HandshakeCompleted",
    "KeyKind",
    "NamedGroup",
    "Role",
    "SignatureScheme",
    "SrtpProfile",
    "Version",
]
