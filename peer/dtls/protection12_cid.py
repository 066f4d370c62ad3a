"""Record protection of DTLS 1.2 with a connection id: RFC 9146 sections 4 and 5.

    plaintext     content | its type | zeros                                 DTLSInnerPlaintext
    additional    ff * 8 | 25 | length of the id 1 | 25 | version 2 | epoch and number 8 | id | length of plaintext 2
    record        25 | version 2 | epoch and number 8 | id | length 2 | explicit nonce, AES-GCM only 8 | ciphertext

Nobody in WebRTC uses it, so this is written to be read: nonces are those of `protection12`.
"""

from __future__ import annotations

from struct import Struct
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from peer.dtls.replay import ReplayWindow
from peer.dtls.suites import TAG_SIZE, Aead
from peer.wire.dtls_parameters import DTLS12
from peer.wire.dtls_record import HEADER_SIZE, MAX_FRAGMENT, ContentType, Record, WireRecord

__all__ = ["CidOpener", "CidSealer"]

_PLACEHOLDER: Final = b"\xff" * 8
_TYPE: Final = bytes([ContentType.TLS12_CID])
_pack_numbered = Struct(">HQ").pack


class _Protection:
    """`explicit` is how many bytes of the nonce travel in each record."""

    __slots__ = ("_aead", "_iv", "explicit")

    def __init__(self, aead: Aead, iv: bytes) -> None:
        self._aead = aead
        self._iv = iv
        self.explicit = 8 if isinstance(aead, AESGCM) else 0

    def nonce(self, number: int, explicit: bytes) -> bytes:
        if self.explicit:
            return self._iv + explicit
        return (int.from_bytes(self._iv, "big") ^ number).to_bytes(12, "big")

    def seal(self, number: int, inner: bytes, additional: bytes) -> bytes:
        explicit = number.to_bytes(8, "big")[: self.explicit]
        return explicit + self._aead.encrypt(self.nonce(number, explicit), inner, additional)

    def open(self, number: int, sealed: bytes, additional: bytes) -> bytes:
        nonce = self.nonce(number, sealed[: self.explicit])
        return self._aead.decrypt(nonce, sealed[self.explicit :], additional)


def _additional(version: int, number: int, connection_id: bytes, inner_size: int) -> bytes:
    start = _PLACEHOLDER + _TYPE + bytes([len(connection_id)]) + _TYPE
    return start + _pack_numbered(version, number) + connection_id + inner_size.to_bytes(2, "big")


class CidSealer:
    """Seals with the connection id that the other side wants to read."""

    __slots__ = ("_protection", "connection_id", "epoch", "sequence")

    def __init__(self, aead: Aead, iv: bytes, epoch: int, connection_id: bytes) -> None:
        self._protection = _Protection(aead, iv)
        self.epoch = epoch
        self.sequence = 0
        self.connection_id = connection_id

    @property
    def overhead(self) -> int:
        return HEADER_SIZE + len(self.connection_id) + self._protection.explicit + 1 + TAG_SIZE

    def seal(self, kind: int, payload: bytes) -> bytes:
        record = Record(kind, DTLS12, self.epoch, self.sequence, payload)
        self.sequence += 1
        return self.seal_record(record)

    def seal_record(self, record: Record) -> bytes:
        number, inner = record.epoch << 48 | record.sequence, record.fragment + bytes([record.type])
        additional = _additional(record.version, number, self.connection_id, len(inner))
        sealed = self._protection.seal(number, inner, additional)
        return Record(
            ContentType.TLS12_CID, record.version, record.epoch, record.sequence, sealed, self.connection_id
        ).serialize()


class CidOpener:
    """Opens what carries a connection id of ours; what carries none is invalid (RFC 9146 section 3)."""

    __slots__ = ("_protection", "_window", "epoch", "expansion")

    def __init__(self, aead: Aead, iv: bytes, epoch: int) -> None:
        self._protection = _Protection(aead, iv)
        self._window = ReplayWindow()
        self.epoch = epoch
        self.expansion = self._protection.explicit + TAG_SIZE

    def open(self, record: WireRecord) -> tuple[int, int, bytes] | None:
        if not isinstance(record, Record) or record.type != ContentType.TLS12_CID:
            return None
        inner_size = len(record.fragment) - self.expansion
        if (
            (record.epoch, record.version) != (self.epoch, DTLS12)
            or not 0 < inner_size <= MAX_FRAGMENT
            or not self._window.is_fresh(record.sequence)
        ):
            return None
        number = record.epoch << 48 | record.sequence
        try:
            additional = _additional(record.version, number, record.connection_id, inner_size)
            inner = self._protection.open(number, record.fragment, additional).rstrip(b"\x00")
        except InvalidTag:
            return None
        self._window.accept(record.sequence)
        # All zeros has no type: the caller ends the connection, as RFC 8446 5.4 wants it.
        return (inner[-1], record.sequence, inner[:-1]) if inner else (0, record.sequence, b"")

    def open_application_data(self, datagram: bytes) -> bytes | None:
        return None
