"""Handshake messages as bytes, and the running hash over them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from peer.wire.dtls_handshake import Fragment, HandshakeType

__all__ = ["RawMessage", "Transcript", "dtls_form", "tls_form"]


@dataclass(frozen=True, slots=True)
class RawMessage:
    """A whole handshake message: what fragments carried, or what will be cut into them."""

    type: int
    sequence: int
    body: bytes
    epoch: int


def dtls_form(message: RawMessage) -> bytes:
    """As DTLS 1.2 hashes it (RFC 6347 4.2.6): with the DTLS header, as if sent in one fragment."""
    return Fragment(message.type, len(message.body), message.sequence, 0, message.body).serialize()


def tls_form(message: RawMessage) -> bytes:
    """As DTLS 1.3 hashes it (RFC 9147 5.2): without sequence number, offset and fragment length."""
    return bytes([message.type]) + len(message.body).to_bytes(3, "big") + message.body


class Transcript:
    """The hash over all messages so far, in the form of one version."""

    __slots__ = ("_content", "_form", "_hash")

    def __init__(self, digest: str, form: Callable[[RawMessage], bytes], messages: Iterable[RawMessage] = ()) -> None:
        self._form = form
        self._hash: Any = hashlib.new(digest)
        self._content: list[bytes] = []
        self.add(messages)

    def add(self, messages: Iterable[RawMessage]) -> None:
        for message in messages:
            data = self._form(message)
            self._hash.update(data)
            self._content.append(data)

    def digest(self) -> bytes:
        result: bytes = self._hash.copy().digest()
        return result

    def content(self) -> bytes:
        """The messages themselves: what a CertificateVerify of DTLS 1.2 signs (RFC 5246 7.4.8)."""
        return b"".join(self._content)

    def collapse(self) -> None:
        """RFC 8446 4.4.1: before a HelloRetryRequest, the first ClientHello is replaced by a hash of itself."""
        digest = self.digest()
        self._hash = hashlib.new(self._hash.name)
        self._hash.update(bytes([HandshakeType.MESSAGE_HASH, 0, 0, len(digest)]) + digest)
