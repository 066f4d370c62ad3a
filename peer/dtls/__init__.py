"""DTLS 1.2 and 1.3, sans-IO, on the primitives of `cryptography`.

    Connection        the facade: datagrams and time in, events and datagrams out
      RecordLayer     epochs, protection, datagrams           records, protection, protection12, protection12_cid,
                                                              protection13, replay
      Flights         what we say, cut, sent, repeated        flight
      Reassembler     what they say, put together             reassembly
      Machine         the handshake                           opening -> client12 | client13 | server12 | server13
        Machine12     keys, Finished, exporter of 1.2         machine12, prf
        Machine13     those of 1.3, ACKs, what comes after    machine13, schedule13
    values that all of them share                             certificate, config, events, suites, groups, signatures

The two versions are siblings: they share the plumbing above and the messages in `peer.wire`, not their logic.

Where the time goes, for 1,200-byte records with AES-128-GCM, in parts of what one bare AESGCM call takes (CPU time,
the least of many runs; `python -m harness bench dtls` has the wall clock's):

    sealing    1.2    1.4    the AEAD 1.0, the copy out of the buffer 0.1, numbering four places in it 0.15, the call
               1.3    2.0    besides the type behind the content, which copies it, 0.1; the block that masks the number
                             0.4, of which nearly all is the way into OpenSSL and back
    opening    1.2    1.7    the AEAD 1.0, the header that was foreseen 0.3, the copy of the ciphertext 0.1, the window
               1.3    2.5    besides the mask 0.4, taking the type off again 0.1
    the API    1.2    2.2    of both calls: `send`, `datagrams_to_send`, `receive_datagram` and its event on top

A handshake of 1.2 spends its time in the signatures and key agreements of `cryptography`, which pyOpenSSL also makes,
and about as much again in Python.
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
