"""What client and server of DTLS 1.2 share: keys, Finished, the exporter, and the time after the handshake."""

from __future__ import annotations

import hmac
from typing import ClassVar

from peer.dtls import prf
from peer.dtls.config import Role, Version
from peer.dtls.conversation import (
    Conversation,
    Machine,
    agree_on_connection_ids,
    agree_on_record_size_limit,
    reject,
)
from peer.dtls.events import HandshakeCompleted
from peer.dtls.protection import Opener
from peer.dtls.protection12 import make_opener, make_sealer
from peer.dtls.suites import Suite
from peer.dtls.transcript import RawMessage, Transcript, dtls_form
from peer.wire import dtls_extensions as extensions
from peer.wire.dtls_alert import AlertDescription, AlertLevel
from peer.wire.dtls_extensions import Extension, Extensions, ExtensionType, find
from peer.wire.dtls_handshake import Finished, HandshakeMessage, HandshakeType
from peer.wire.dtls_handshake12 import parse_message
from peer.wire.dtls_parameters import NamedGroup, SignatureScheme, name_of
from peer.wire.dtls_record import MAX_FRAGMENT

__all__ = ["ENCRYPTED", "PLAIN", "Machine12"]

PLAIN, ENCRYPTED = 0, 1
_FINISHED_LABELS = {Role.CLIENT: b"client finished", Role.SERVER: b"server finished"}


class Machine12(Machine):
    """Handshake state common to both roles. Everything that is negotiated is set by the role's own handlers."""

    # What asks for a new handshake: HelloRequest to a client, ClientHello to a server.
    RENEGOTIATION: ClassVar[HandshakeType]

    def parse(self, kind: int, body: bytes) -> HandshakeMessage:
        return parse_message(kind, body)

    def __init__(self, conversation: Conversation) -> None:
        super().__init__(conversation)
        self.suite: Suite
        self.transcript: Transcript
        self.client_random = b""
        self.server_random = b""
        self.group: NamedGroup
        self.extended_master_secret = False
        self.srtp_profile: int | None = None
        self.remote_certificates: tuple[bytes, ...] = ()
        self.remote_scheme: int | None = None
        # The connection id we are to send; empty for none.
        self.remote_id = b""
        self._master_secret = b""
        self._opener: Opener | None = None
        self._was_told_to_read = False

    def start_transcript(self, suite: Suite, messages: list[RawMessage]) -> None:
        self.suite = suite
        self.transcript = Transcript(suite.hash, dtls_form, messages)

    def agree(self, theirs: Extensions | None) -> list[Extension]:
        """Takes note of what the other side's hello says about records; what a server answers to it."""
        conversation, answer = self.conversation, []
        remote_id = agree_on_connection_ids(conversation, find(theirs or (), ExtensionType.CONNECTION_ID))
        if remote_id is not None:
            self.remote_id = remote_id
            answer.append(extensions.connection_id(conversation.config.connection_id or b""))
        # RFC 9146 section 4: with a connection id the content type is encrypted along.
        limit = agree_on_record_size_limit(
            conversation,
            find(theirs or (), ExtensionType.RECORD_SIZE_LIMIT),
            typed=bool(self.remote_id),
            most=MAX_FRAGMENT,
        )
        if limit is not None:
            answer.append(extensions.record_size_limit(limit))
        elif self.remote_id:
            conversation.records.send_limit = MAX_FRAGMENT - 1
        return answer

    def say(self, message: HandshakeMessage, epoch: int = PLAIN) -> None:
        conversation = self.conversation
        self.transcript.add(conversation.flights.add(message, epoch, conversation.now))

    def derive_keys(self, premaster: bytes) -> None:
        """Call with the transcript at ClientKeyExchange. A ChangeCipherSpec starts the reading."""
        suite, conversation = self.suite, self.conversation
        session_hash = self.transcript.digest() if self.extended_master_secret else None
        randoms = self.client_random + self.server_random
        self._master_secret = prf.master_secret(suite, premaster, randoms, session_hash)
        conversation.log_secret("CLIENT_RANDOM", self.client_random, self._master_secret)
        keys = prf.key_block(suite, self._master_secret, self.client_random, self.server_random)
        client, server = (keys.client_key, keys.client_iv), (keys.server_key, keys.server_iv)
        ours, theirs = (client, server) if conversation.role is Role.CLIENT else (server, client)
        records = conversation.records
        records.add_sealer(make_sealer(suite, *ours, ENCRYPTED, self.remote_id))
        self._opener = make_opener(suite, *theirs, ENCRYPTED, with_connection_id=bool(records.connection_ids))
        self._start_reading()

    def handle_change_cipher_spec(self) -> None:
        self._was_told_to_read = True
        self._start_reading()

    def _start_reading(self) -> None:
        """RFC 5246 7.4.9: Finished has to follow a ChangeCipherSpec. Records that overtook it wait for it."""
        if self._was_told_to_read and self._opener is not None:
            self.conversation.records.add_opener(self._opener)
            self._opener = None

    def say_finished(self) -> None:
        """ChangeCipherSpec and Finished."""
        conversation = self.conversation
        conversation.flights.add_change_cipher_spec()
        self.say(Finished(self._verify_data(conversation.role)), ENCRYPTED)
        conversation.records.write_epoch = ENCRYPTED

    def check_finished(self, message: Finished, raw: RawMessage) -> None:
        """The other side's Finished, with the transcript as it was before it."""
        other = Role.SERVER if self.conversation.role is Role.CLIENT else Role.CLIENT
        if raw.epoch != ENCRYPTED:
            raise reject(AlertDescription.UNEXPECTED_MESSAGE, "Finished in clear")
        if not hmac.compare_digest(message.verify_data, self._verify_data(other)):
            raise reject(AlertDescription.DECRYPT_ERROR, "Finished doesn't fit the handshake")
        self.transcript.add([raw])

    def _verify_data(self, role: Role) -> bytes:
        return prf.verify_data(self.suite, self._master_secret, _FINISHED_LABELS[role], self.transcript.digest())

    def finish(self) -> None:
        """The handshake is over. Nothing is read in clear from here on (RFC 6347 4.1: no way back to epoch 0)."""
        self.complete = True
        self.conversation.records.drop_opener(PLAIN)
        scheme = "" if self.remote_scheme is None else name_of(SignatureScheme, self.remote_scheme)
        self.conversation.events.append(
            HandshakeCompleted(
                Version.DTLS12,
                self.suite.id.name,
                self.group.name,
                scheme,
                self.srtp_profile,
                self.remote_certificates,
            )
        )

    def handle_late_message(self, raw: RawMessage) -> None:
        """After the handshake: a renegotiation is refused (RFC 5246 7.2.2), anything else breaks the protocol."""
        if raw.type != self.RENEGOTIATION:
            raise reject(AlertDescription.UNEXPECTED_MESSAGE, f"handshake message {raw.type} after the handshake")
        self.conversation.send_alert(AlertLevel.WARNING, AlertDescription.NO_RENEGOTIATION)

    def export(self, label: bytes, context: bytes | None, length: int) -> bytes:
        randoms = self.client_random + self.server_random
        return prf.exporter(self.suite, self._master_secret, label, randoms, context, length)
