"""W3C's errors, by W3C's names.

    Exception
    |-- DOMException              `name` is one of the names of Web IDL's error table
    |   `-- RTCError              name OperationError, with the details of webrtc-pc section 11.1
    |-- RangeError                ECMAScript's RangeError
    `-- TypeError                 ECMAScript's TypeError is Python's

A DOMException's class says its name too (`except InvalidStateError`), and `name` is what a script in a page would see.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final

from peer.api.webidl import Conversion, dictionary, long, one_of, string, unsigned_long

__all__ = [
    "AbortError",
    "DOMException",
    "InvalidAccessError",
    "InvalidCharacterError",
    "InvalidModificationError",
    "InvalidStateError",
    "NotReadableError",
    "NotSupportedError",
    "OperationError",
    "RTCError",
    "RTCErrorDetailType",
    "RangeError",
    "SyntaxError_",
    "UnknownError",
    "error_name",
]

# Web IDL, "DOMException names": those that ever had a legacy code; every other name has code 0.
LEGACY_CODES: Final[Mapping[str, int]] = {
    "IndexSizeError": 1,
    "HierarchyRequestError": 3,
    "WrongDocumentError": 4,
    "InvalidCharacterError": 5,
    "NoModificationAllowedError": 7,
    "NotFoundError": 8,
    "NotSupportedError": 9,
    "InUseAttributeError": 10,
    "InvalidStateError": 11,
    "SyntaxError": 12,
    "InvalidModificationError": 13,
    "NamespaceError": 14,
    "InvalidAccessError": 15,
    "TypeMismatchError": 17,
    "SecurityError": 18,
    "NetworkError": 19,
    "AbortError": 20,
    "URLMismatchError": 21,
    "QuotaExceededError": 22,
    "TimeoutError": 23,
    "InvalidNodeTypeError": 24,
    "DataCloneError": 25,
}


class DOMException(Exception):
    """Web IDL's DOMException: `name`, `message`, and the legacy `code`."""

    default_name = "Error"

    def __init__(self, message: str = "", name: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.name = self.default_name if name is None else name

    @property
    def code(self) -> int:
        """The legacy code, or 0 where the name has none."""
        return LEGACY_CODES.get(self.name, 0)

    def __str__(self) -> str:
        return f"{self.name}: {self.message}" if self.message else self.name


class AbortError(DOMException):
    """The operation was aborted."""

    default_name = "AbortError"


class InvalidAccessError(DOMException):
    """The object doesn't support the operation or argument."""

    default_name = "InvalidAccessError"


class InvalidCharacterError(DOMException):
    """The string contains invalid characters."""

    default_name = "InvalidCharacterError"


class InvalidModificationError(DOMException):
    """The object can't be modified in this way."""

    default_name = "InvalidModificationError"


class InvalidStateError(DOMException):
    """The object is in a state that forbids the call."""

    default_name = "InvalidStateError"


class NotReadableError(DOMException):
    """The I/O read operation failed: for us, an identity provider that could not be used."""

    default_name = "NotReadableError"


class NotSupportedError(DOMException):
    """The operation is not supported."""

    default_name = "NotSupportedError"


class OperationError(DOMException):
    """The operation failed for an operation-specific reason."""

    default_name = "OperationError"


class SyntaxError_(DOMException):  # the trailing underscore keeps Python's own SyntaxError reachable
    """The string did not match the expected pattern."""

    default_name = "SyntaxError"


class UnknownError(DOMException):
    """The operation failed for an unknown transient reason."""

    default_name = "UnknownError"


class RangeError(ValueError):
    """ECMAScript's RangeError: a number outside what is allowed."""


class RTCErrorDetailType(StrEnum):
    """webrtc-pc section 11.3."""

    DATA_CHANNEL_FAILURE = "data-channel-failure"
    DTLS_FAILURE = "dtls-failure"
    FINGERPRINT_FAILURE = "fingerprint-failure"
    SCTP_FAILURE = "sctp-failure"
    SDP_SYNTAX_ERROR = "sdp-syntax-error"
    HARDWARE_ENCODER_NOT_AVAILABLE = "hardware-encoder-not-available"
    HARDWARE_ENCODER_ERROR = "hardware-encoder-error"


class RTCError(OperationError):
    """webrtc-pc section 11.1: `RTCError({"errorDetail": "sdp-syntax-error", "sdpLineNumber": 3}, "message")`.

    `errorDetail` is an RTCErrorDetailType; `sdpLineNumber` counts from 1; alerts are TLS AlertDescription numbers.
    Attributes that don't apply are None.

    Raises TypeError for a missing or unknown `errorDetail`.
    """

    def __init__(self, init: Any, message: Any = "") -> None:
        super().__init__(string(message))
        given = dictionary(init, "RTCErrorInit", _ERROR_INIT, required=("errorDetail",))
        self.errorDetail: RTCErrorDetailType = given["errorDetail"]
        self.sdpLineNumber: int | None = given.get("sdpLineNumber")
        self.sctpCauseCode: int | None = given.get("sctpCauseCode")
        self.receivedAlert: int | None = given.get("receivedAlert")
        self.sentAlert: int | None = given.get("sentAlert")


_ERROR_INIT: Final[Mapping[str, Conversion]] = {
    "errorDetail": one_of(RTCErrorDetailType),
    "receivedAlert": unsigned_long,
    "sctpCauseCode": long,
    "sdpLineNumber": long,
    "sentAlert": unsigned_long,
}


def error_name(error: BaseException) -> str:
    """The name a script would see: a DOMException's `name`, else the class's ("TypeError", "RangeError")."""
    return error.name if isinstance(error, DOMException) else type(error).__name__
