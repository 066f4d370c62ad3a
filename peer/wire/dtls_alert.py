"""Alerts: RFC 5246 7.2, RFC 8446 section 6 and B.2."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from peer.errors import DecodeError

__all__ = ["Alert", "AlertDescription", "AlertLevel"]


class AlertLevel(IntEnum):
    WARNING = 1
    FATAL = 2


class AlertDescription(IntEnum):
    CLOSE_NOTIFY = 0
    UNEXPECTED_MESSAGE = 10
    BAD_RECORD_MAC = 20
    RECORD_OVERFLOW = 22
    HANDSHAKE_FAILURE = 40
    BAD_CERTIFICATE = 42
    UNSUPPORTED_CERTIFICATE = 43
    CERTIFICATE_REVOKED = 44
    CERTIFICATE_EXPIRED = 45
    CERTIFICATE_UNKNOWN = 46
    ILLEGAL_PARAMETER = 47
    UNKNOWN_CA = 48
    ACCESS_DENIED = 49
    DECODE_ERROR = 50
    DECRYPT_ERROR = 51
    TOO_MANY_CIDS_REQUESTED = 52
    PROTOCOL_VERSION = 70
    INSUFFICIENT_SECURITY = 71
    INTERNAL_ERROR = 80
    INAPPROPRIATE_FALLBACK = 86
    USER_CANCELED = 90
    NO_RENEGOTIATION = 100
    MISSING_EXTENSION = 109
    UNSUPPORTED_EXTENSION = 110
    UNRECOGNIZED_NAME = 112
    UNKNOWN_PSK_IDENTITY = 115
    CERTIFICATE_REQUIRED = 116
    NO_APPLICATION_PROTOCOL = 120


@dataclass(frozen=True, slots=True)
class Alert:
    """`level` and `description` are plain numbers: a peer may say ones that are not registered."""

    level: int
    description: int

    @property
    def name(self) -> str:
        try:
            return AlertDescription(self.description).name.lower()
        except ValueError:
            return f"alert {self.description}"

    @classmethod
    def parse(cls, data: bytes) -> Alert:
        """DecodeError unless there are exactly two bytes."""
        if len(data) != 2:
            raise DecodeError(f"alert of {len(data)} bytes", offset=min(len(data), 2))
        return cls(data[0], data[1])

    def serialize(self) -> bytes:
        return bytes((self.level, self.description))
