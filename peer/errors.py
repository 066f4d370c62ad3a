"""What can go wrong in the protocol core.

    PeerError
    |-- DecodeError           bytes or text that are not what they claim to be
    `-- ProtocolError
        |-- LocalProtocolError    we asked a machine for something its state forbids
        `-- RemoteProtocolError   the other side broke the protocol

`peer.wire` and `peer.sdp` raise `DecodeError` only. A receive path raises nothing but
`RemoteProtocolError` (and most discard silently, where the RFC says so); any other exception
out of a receive path is our bug. W3C's exceptions live in `peer.api.errors`.
"""

from __future__ import annotations

__all__ = ["DecodeError", "LocalProtocolError", "PeerError", "ProtocolError", "RemoteProtocolError"]


class PeerError(Exception):
    """The root of every error the protocol core raises."""


class DecodeError(PeerError):
    """Bytes or text that can't be decoded.

    `offset` is the byte (binary formats) at which decoding stopped, `line` the 1-based line (SDP); either may be None.
    """

    def __init__(self, message: str, *, offset: int | None = None, line: int | None = None) -> None:
        where = f" (at byte {offset})" if offset is not None else f" (line {line})" if line is not None else ""
        super().__init__(message + where)
        self.reason = message
        self.offset = offset
        self.line = line


class ProtocolError(PeerError):
    """A rule of a protocol was broken."""


class LocalProtocolError(ProtocolError):
    """We misused a machine: the call is not allowed in its present state. Nothing was changed."""


class RemoteProtocolError(ProtocolError):
    """The remote peer broke the protocol in a way that ends the connection.

    `code` is what goes back on the wire: a DTLS AlertDescription, an SCTP error cause code, a STUN error code; None
    where nothing is sent. The machine has queued that message already: drain `datagrams_to_send`.
    """

    def __init__(self, message: str, *, code: int | None = None) -> None:
        super().__init__(message)
        self.code = code
