"""A DTLS connection seen from outside: records into messages.

A `Conversation` follows both directions of one DTLS connection, datagram by datagram: it splits records, puts handshake
messages together from their fragments, and opens what the key log allows. It works on bytes; scapy comes in when
somebody looks at a message. Nothing in it depends on addresses: a connection may move from path to path.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from harness.capture import protection, srtp
from harness.capture.keylog import KeyLog
from harness.capture.layers import dtls_handshake
from harness.capture.layers.dtls import ContentType

__all__ = ["Content", "Conversation", "client_random_in"]

_RECORD_HEADER: Final = 13
_HANDSHAKE_HEADER: Final = 12
_CLIENT_HELLO: Final = 1
_SERVER_HELLO: Final = 2
_ENCRYPTED_EXTENSIONS: Final = 8
_USE_SRTP: Final = 14
# RFC 5764 section 4.2.
_SRTP_LABEL: Final = b"EXTRACTOR-dtls_srtp"
_DTLS13: Final = 0xFEFC
_EPOCH_HANDSHAKE: Final = 2
_EPOCH_APPLICATION: Final = 3
# A fragment may claim 16 MiB; handshake messages of WebRTC are far below this.
_LARGEST_MESSAGE: Final = 1 << 18


@dataclass(frozen=True, slots=True)
class Content:
    """What a record held. `type` is None for a record that stayed closed.

    For a handshake message `data` is the whole message, as if sent in one fragment; `partial` marks a fragment that
    completes none; `again` a message that was complete before (a retransmission).
    """

    type: int | None
    data: bytes
    protected: bool
    epoch: int
    sequence: int
    partial: bool = False
    again: bool = False


@dataclass(slots=True)
class _Partial:
    kind: int
    body: bytearray
    missing: list[tuple[int, int]]

    def add(self, offset: int, part: bytes) -> None:
        end = offset + len(part)
        self.body[offset:end] = part
        gaps: list[tuple[int, int]] = []
        for first, last in self.missing:
            if first < min(offset, last):
                gaps.append((first, min(offset, last)))
            if max(end, first) < last:
                gaps.append((max(end, first), last))
        self.missing = gaps


@dataclass(slots=True)
class _Side:
    """One direction."""

    partials: dict[int, _Partial] = field(default_factory=dict)
    complete: set[int] = field(default_factory=set)
    keys12: protection.Keys12 | None = None
    keys13: dict[int, protection.Keys13] = field(default_factory=dict)
    newest_epoch: int = 0
    expected: dict[int, int] = field(default_factory=dict)


def client_random_in(payload: bytes) -> bytes | None:
    """The random of a ClientHello that begins in this datagram, or None."""
    position = 0
    while position + _RECORD_HEADER <= len(payload) and payload[position] in range(20, 32):
        length = struct.unpack_from("!H", payload, position + 11)[0]
        body = payload[position + _RECORD_HEADER : position + _RECORD_HEADER + length]
        in_clear = payload[position + 3 : position + 5] == b"\0\0" and payload[position] == ContentType.HANDSHAKE
        begins = body[:1] == bytes([_CLIENT_HELLO]) and body[6:9] == b"\0\0\0"
        if in_clear and begins and len(body) >= _HANDSHAKE_HEADER + 34:
            return body[_HANDSHAKE_HEADER + 2 : _HANDSHAKE_HEADER + 34]
        position += _RECORD_HEADER + length
    return None


class Conversation:
    """One connection, named by `client_random`; `version` and `cipher_suite` are None until a ServerHello was seen."""

    def __init__(self, keylog: KeyLog, client_random: bytes | None, client: object) -> None:
        self._keylog = keylog
        self.client_random = client_random
        self.client = client
        self.server_random: bytes | None = None
        self.version: int | None = None
        self.cipher_suite: int | None = None
        self.srtp_profile: int | None = None
        self._sides = {True: _Side(), False: _Side()}
        self._srtp: tuple[srtp.Stream, srtp.Stream] | None = None

    def read(self, payload: bytes, sender: object) -> list[Content]:
        """What the records of a datagram hold, in order. `sender` is compared with `client` to tell the direction."""
        from_client = sender == self.client
        return [content for record in _records(payload) for content in self._record(record, from_client)]

    def opens(self, payload: bytes, sender: object) -> bool:
        """Whether the first record of a datagram is protected and can be opened."""
        first = next(_records(payload), b"")
        return bool(first) and self._open(first, sender == self.client) is not None

    def open_srtp(self, packet: bytes, sender: object, *, rtcp: bool) -> bytes | None:
        """An SRTP or SRTCP packet that travelled beside this connection, in clear; None when its keys don't open it."""
        streams = self._srtp = self._srtp or self._derive_srtp()
        if streams is None:
            return None
        stream = streams[0] if sender == self.client else streams[1]
        return stream.open_rtcp(packet) if rtcp else stream.open_rtp(packet)

    def _derive_srtp(self) -> tuple[srtp.Stream, srtp.Stream] | None:
        profile = srtp.PROFILES.get(self.srtp_profile or 0)
        with_ = protection.suite(self.cipher_suite or 0)
        if profile is None or with_ is None or self.client_random is None or self.server_random is None:
            return None
        size = 2 * (profile.key + profile.salt)
        if self.version == _DTLS13:
            secret = self._keylog.find("EXPORTER_SECRET", self.client_random)
            material = secret and protection.exporter13(secret, _SRTP_LABEL, size, with_)
        else:
            secret = self._keylog.find("CLIENT_RANDOM", self.client_random)
            randoms = self.client_random + self.server_random
            material = secret and protection.prf(secret, _SRTP_LABEL, randoms, size, with_.digest)
        if not material:
            return None
        client, server = srtp.split_keying_material(profile, material)
        return srtp.Stream.of(profile, *client), srtp.Stream.of(profile, *server)

    def _record(self, record: bytes, from_client: bool) -> Iterator[Content]:
        unified = record[0] >> 5 == 1
        epoch, sequence = (0, 0) if unified else struct.unpack("!HQ", record[3:5] + b"\0\0" + record[5:11])
        if not unified and epoch == 0:
            yield from self._content(record[0], record[_RECORD_HEADER:], from_client, False, epoch, sequence)
            return
        opened = self._open(record, from_client)
        if opened is None:
            kind = None if unified else record[0]
            yield Content(None, bytes([kind or 0]) + record[_RECORD_HEADER:], True, epoch, sequence)
            return
        kind, data, epoch, sequence = opened
        yield from self._content(kind, data, from_client, True, epoch, sequence)

    def _content(
        self, kind: int, data: bytes, from_client: bool, protected: bool, epoch: int, sequence: int
    ) -> Iterator[Content]:
        if kind != ContentType.HANDSHAKE:
            yield Content(kind, data, protected, epoch, sequence)
            return
        position = 0
        while position + _HANDSHAKE_HEADER <= len(data):
            size = int.from_bytes(data[position + 9 : position + 12], "big")
            fragment = data[position : position + _HANDSHAKE_HEADER + size]
            message, again = self._reassemble(fragment, self._sides[from_client])
            if message is None:
                yield Content(kind, fragment, protected, epoch, sequence, partial=True)
            else:
                self._learn(message, from_client)
                yield Content(kind, message, protected, epoch, sequence, again=again)
            position += _HANDSHAKE_HEADER + size

    @staticmethod
    def _reassemble(fragment: bytes, side: _Side) -> tuple[bytes | None, bool]:
        """The message this fragment completes, if it does, and whether it had been complete before."""
        kind, length = fragment[0], int.from_bytes(fragment[1:4], "big")
        number, offset = struct.unpack_from("!H", fragment, 4)[0], int.from_bytes(fragment[6:9], "big")
        body = fragment[_HANDSHAKE_HEADER:]
        if offset + len(body) > length or length > _LARGEST_MESSAGE:
            return None, False
        if len(body) < length:
            partial = side.partials.get(number)
            if partial is None or partial.kind != kind or len(partial.body) != length:
                partial = side.partials[number] = _Partial(kind, bytearray(length), [(0, length)])
            partial.add(offset, body)
            if partial.missing:
                return None, False
            body = bytes(partial.body)
            del side.partials[number]
        again = number in side.complete
        side.complete.add(number)
        size = length.to_bytes(3, "big")
        return bytes([kind]) + size + struct.pack("!H", number) + bytes(3) + size + body, again

    def _learn(self, message: bytes, from_client: bool) -> None:
        if message[0] == _CLIENT_HELLO and from_client and len(message) >= _HANDSHAKE_HEADER + 34:
            self.client_random = self.client_random or message[_HANDSHAKE_HEADER + 2 : _HANDSHAKE_HEADER + 34]
        if message[0] not in (_SERVER_HELLO, _ENCRYPTED_EXTENSIONS) or from_client:
            return
        hello = dtls_handshake.dissect(message, dtls13=True)
        if isinstance(hello, dtls_handshake.ServerHello) and not hello.is_retry:
            self.server_random = bytes(hello.random)
            self.cipher_suite = int(hello.cipher_suite)
            self.version = hello.negotiated_version
        if (use_srtp := hello.extension(_USE_SRTP)) is not None and use_srtp.fields.get("profiles"):
            self.srtp_profile = int(use_srtp.profiles[0])

    def _open(self, record: bytes, from_client: bool) -> tuple[int, bytes, int, int] | None:
        """Content type, plaintext, epoch and sequence number of a protected record."""
        side = self._sides[from_client]
        if record[0] >> 5 == 1:
            return self._open13(record, from_client, side)
        keys = side.keys12 or self._derive12(from_client)
        if keys is None:
            return None
        plain = keys.open(record[:_RECORD_HEADER], record[_RECORD_HEADER:])
        if plain is None:
            return None
        epoch, sequence = struct.unpack("!HQ", record[3:5] + b"\0\0" + record[5:11])
        return record[0], plain, epoch, sequence

    def _derive12(self, from_client: bool) -> protection.Keys12 | None:
        with_ = protection.suite(self.cipher_suite or 0)
        if with_ is None or self.client_random is None or self.server_random is None or self.version == _DTLS13:
            return None
        master = self._keylog.find("CLIENT_RANDOM", self.client_random)
        if master is None:
            return None
        client, server = protection.keys12(master, self.client_random, self.server_random, with_)
        self._sides[True].keys12, self._sides[False].keys12 = client, server
        return client if from_client else server

    def _open13(self, record: bytes, from_client: bool, side: _Side) -> tuple[int, bytes, int, int] | None:
        wide = 2 if record[0] & 0x08 else 1
        header = 1 + wide + (2 if record[0] & 0x04 else 0)
        sealed = record[header:]
        if len(sealed) < 16 or record[0] & 0x10:
            return None
        newest = max(side.newest_epoch, _EPOCH_APPLICATION)
        for epoch in range(newest + 1, _EPOCH_HANDSHAKE - 1, -1):
            if epoch & 3 != record[0] & 3:
                continue
            keys = self._keys13(epoch, from_client, side)
            if keys is None:
                continue
            mask = keys.mask(sealed[:16])
            low = bytes(a ^ b for a, b in zip(record[1 : 1 + wide], mask, strict=False))
            sequence = _nearest(int.from_bytes(low, "big"), 8 * wide, side.expected.get(epoch, 0))
            opened = keys.open(sequence, record[:1] + low + record[1 + wide : header], sealed)
            if opened is not None:
                side.newest_epoch = max(side.newest_epoch, epoch)
                side.expected[epoch] = max(side.expected.get(epoch, 0), sequence + 1)
                return opened[0], opened[1], epoch, sequence
        return None

    def _keys13(self, epoch: int, from_client: bool, side: _Side) -> protection.Keys13 | None:
        if epoch in side.keys13:
            return side.keys13[epoch]
        with_ = protection.suite(self.cipher_suite or 0)
        if with_ is None or self.client_random is None or self.version != _DTLS13:
            return None
        who = "CLIENT" if from_client else "SERVER"
        label = f"{who}_HANDSHAKE_TRAFFIC_SECRET" if epoch == _EPOCH_HANDSHAKE else f"{who}_TRAFFIC_SECRET_0"
        secret = self._keylog.find(label, self.client_random)
        if secret is None:
            return None
        for _ in range(_EPOCH_APPLICATION, epoch):
            secret = protection.next_secret(secret, with_)
        side.keys13[epoch] = protection.keys13(secret, with_)
        return side.keys13[epoch]


def _nearest(low: int, bits: int, expected: int) -> int:
    """The sequence number with these low bits that is closest to the one expected (RFC 9147 section 4.2.2)."""
    window = 1 << bits
    candidate = expected & ~(window - 1) | low
    around = (candidate - window, candidate, candidate + window)
    return min((each for each in around if each >= 0), key=lambda each: abs(each - expected))


def _records(payload: bytes) -> Iterator[bytes]:
    """Split a datagram into records. Stops at what can't be one."""
    position = 0
    while position < len(payload):
        first = payload[position]
        if first >> 5 == 1:
            fixed = 2 + (1 if first & 0x08 else 0)
            if not first & 0x04:
                end = len(payload)
            elif position + fixed + 2 <= len(payload):
                end = position + fixed + 2 + struct.unpack_from("!H", payload, position + fixed)[0]
            else:
                return
        elif 20 <= first <= 31 and position + _RECORD_HEADER <= len(payload):
            end = position + _RECORD_HEADER + struct.unpack_from("!H", payload, position + 11)[0]
        else:
            return
        if end > len(payload):
            return
        yield payload[position:end]
        position = end
