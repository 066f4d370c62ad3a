"""Why a description can't be created or applied: one class for each W3C name, so that the edge only translates.

    JsepError
    |-- InvalidState           "InvalidStateError"         the signaling state forbids it
    |-- InvalidAccess          "InvalidAccessError"        well-formed SDP with contents that must not be applied
    |-- InvalidModification    "InvalidModificationError"  a local description that isn't the one created last
    |-- SdpSyntax              "RTCError"                  detail "sdp-syntax-error", with the line
    `-- OperationFailed        "OperationError"            everything else
        `-- MalformedCandidate                             seen only when the candidate is added

Whoever catches one of these finds every observable as it was: `plan` touches nothing.
"""

from __future__ import annotations

from typing import ClassVar

from peer.errors import ProtocolError

__all__ = [
    "InvalidAccess",
    "InvalidModification",
    "InvalidState",
    "JsepError",
    "MalformedCandidate",
    "OperationFailed",
    "SdpSyntax",
]


class JsepError(ProtocolError):
    """A description was refused. `name` is the W3C error name it maps to."""

    name: ClassVar[str] = "OperationError"


class InvalidState(JsepError):
    """The type of the description doesn't fit the signaling state (RFC 9429 sections 5.5, 5.6)."""

    name = "InvalidStateError"


class InvalidAccess(JsepError):
    """The SDP is well formed but its contents are invalid (W3C "set a session description", step 4.6.4 to 4.6.6)."""

    name = "InvalidAccessError"


class InvalidModification(JsepError):
    """The local description was altered after it was created (RFC 9429 section 5.4)."""

    name = "InvalidModificationError"


class SdpSyntax(JsepError):
    """The text is not SDP; `line` is the 1-based line at which that was seen (W3C `RTCError.sdpLineNumber`)."""

    name = "RTCError"

    def __init__(self, message: str, *, line: int) -> None:
        super().__init__(message)
        self.line = line


class OperationFailed(JsepError):
    """Any other reason."""

    name = "OperationError"


class MalformedCandidate(OperationFailed):
    """A candidate that is none. W3C addIceCandidate finds that out in parallel, all else before (step 4.7.1)."""
