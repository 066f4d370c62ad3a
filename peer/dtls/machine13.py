"""What client and server of DTLS 1.3 share: keys and epochs, authentication, ACKs, and the time after the handshake.

After the handshake each of our messages (KeyUpdate, NewConnectionId, RequestConnectionId) is a flight of its own, sent
once the one before it has been acknowledged: RFC 9147 5.8.4 allows more at a time and asks for less.
"""

from __future__ import annotations

import hmac
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Final

from peer.dtls import schedule13
from peer.dtls.certificate import PublicKey
from peer.dtls.config import Role, Version
from peer.dtls.conversation import (
    Conversation,
    Machine,
    agree_on_connection_ids,
    agree_on_record_size_limit,
    reject,
    remote_key,
)
from peer.dtls.events import HandshakeCompleted
from peer.dtls.protection13 import Opener13, Sealer13
from peer.dtls.signatures import choose_scheme, is_usable, sign, verify
from peer.dtls.suites import Suite
from peer.dtls.transcript import RawMessage, Transcript
from peer.errors import LocalProtocolError
from peer.wire.dtls_alert import Alert, AlertDescription
from peer.wire.dtls_handshake import CertificateVerify, Finished, HandshakeMessage, HandshakeType
from peer.wire.dtls_handshake13 import (
    CertificateChain,
    CertificateEntry,
    KeyUpdate,
    NewConnectionId,
    NewSessionTicket,
    RequestConnectionId,
    parse_message,
)
from peer.wire.dtls_parameters import NamedGroup, SignatureScheme, name_of
from peer.wire.dtls_record import MAX_FRAGMENT, Ack, ContentType

__all__ = ["APPLICATION", "HANDSHAKE", "PLAIN", "Machine13"]

PLAIN, HANDSHAKE, APPLICATION = 0, 2, 3
_CONTEXTS: Final = {
    Role.CLIENT: b" " * 64 + b"TLS 1.3, client CertificateVerify\x00",
    Role.SERVER: b" " * 64 + b"TLS 1.3, server CertificateVerify\x00",
}
_LABELS: Final = {
    # The label in the key schedule, and in a key log.
    (Role.CLIENT, HANDSHAKE): (b"c hs traffic", "CLIENT_HANDSHAKE_TRAFFIC_SECRET"),
    (Role.SERVER, HANDSHAKE): (b"s hs traffic", "SERVER_HANDSHAKE_TRAFFIC_SECRET"),
    (Role.CLIENT, APPLICATION): (b"c ap traffic", "CLIENT_TRAFFIC_SECRET_0"),
    (Role.SERVER, APPLICATION): (b"s ap traffic", "SERVER_TRAFFIC_SECRET_0"),
}
_MAX_CONNECTION_IDS: Final = 8
_CONNECTION_ID_REQUESTS: Final = 32
# How many epochs stay readable for records that come late. Four would make the two epoch bits ambiguous.
_READABLE_EPOCHS: Final = 3
_UPDATE_NOT_REQUESTED, _UPDATE_REQUESTED = 0, 1
_IMMEDIATE, _SPARE = 0, 1


class Machine13(Machine):
    """Handshake state common to both roles, and everything after the handshake."""

    def __init__(self, conversation: Conversation) -> None:
        super().__init__(conversation)
        self.suite: Suite
        self.schedule: schedule13.KeySchedule
        self.transcript: Transcript
        self.client_random = b""
        self.group: NamedGroup
        self.srtp_profile: int | None = None
        self.remote_certificates: tuple[bytes, ...] = ()
        self.remote_scheme: int | None = None
        self.remote_key: PublicKey
        # Their connection ids, which we send; None when connection ids were not negotiated.
        self.remote_ids: deque[bytes] | None = None
        self._id_requests = 0
        self._awaits_ids = False
        self._secrets: dict[tuple[Role, int], bytes] = {}
        self._exporter_secret = b""
        self._ack_deadline: float | None = None
        self._queue: deque[HandshakeMessage] = deque()
        self._outstanding: HandshakeMessage | None = None
        self.read_epoch = self.write_epoch = PLAIN

    def parse(self, kind: int, body: bytes) -> HandshakeMessage:
        return parse_message(kind, body)

    @property
    def _us(self) -> Role:
        return self.conversation.role

    @property
    def _them(self) -> Role:
        return Role.SERVER if self.conversation.role is Role.CLIENT else Role.CLIENT

    def say(self, message: HandshakeMessage, epoch: int) -> None:
        conversation = self.conversation
        self.transcript.add(conversation.flights.add(message, epoch, conversation.now))

    # --- keys

    def derive_handshake_keys(self, shared_secret: bytes) -> None:
        """Call with the transcript at ServerHello."""
        self.schedule.mix(shared_secret)
        self._derive(HANDSHAKE)
        self.start_reading(HANDSHAKE)
        self.start_writing(HANDSHAKE)

    def derive_application_secrets(self) -> None:
        """Call with the transcript at the server's Finished. Keys come into use by `start_reading`, `start_writing`."""
        self.schedule.mix()
        self._derive(APPLICATION)
        self._exporter_secret = self.schedule.derive(b"exp master", self.transcript.digest())
        self.conversation.log_secret("EXPORTER_SECRET", self.client_random, self._exporter_secret)

    def _derive(self, epoch: int) -> None:
        digest = self.transcript.digest()
        for role in Role:
            label, log_label = _LABELS[role, epoch]
            secret = self._secrets[role, epoch] = self.schedule.derive(label, digest)
            self.conversation.log_secret(log_label, self.client_random, secret)

    def start_reading(self, epoch: int) -> None:
        records = self.conversation.records
        records.add_opener(Opener13(self.suite, self._secrets[self._them, epoch], epoch))
        records.drop_opener(epoch - _READABLE_EPOCHS)
        self.read_epoch = epoch

    def start_writing(self, epoch: int) -> None:
        connection_id = self.remote_ids[0] if self.remote_ids else b""
        records = self.conversation.records
        records.add_sealer(Sealer13(self.suite, self._secrets[self._us, epoch], epoch, connection_id))
        records.write_epoch = self.write_epoch = epoch

    def export(self, label: bytes, context: bytes | None, length: int) -> bytes:
        return schedule13.exporter(self.suite, self._exporter_secret, label, context or b"", length)

    # --- authentication, the same three messages both ways (RFC 8446 4.4)

    def choose_scheme(self, theirs: tuple[int, ...]) -> SignatureScheme | None:
        config = self.conversation.config
        return choose_scheme(config.signature_schemes, theirs, config.certificate.private_key, Version.DTLS13)

    def say_certificate(self, scheme: SignatureScheme | None, context: bytes = b"") -> None:
        """Certificate and CertificateVerify; an empty list and no signature without a scheme."""
        certificate = self.conversation.config.certificate
        entries = (CertificateEntry(certificate.der),) if scheme is not None else ()
        self.say(CertificateChain(context, entries), HANDSHAKE)
        if scheme is not None:
            content = _CONTEXTS[self._us] + self.transcript.digest()
            signature = sign(certificate.private_key, scheme, content)
            self.say(CertificateVerify(scheme, signature), HANDSHAKE)

    def say_finished(self) -> None:
        secret = self._secrets[self._us, HANDSHAKE]
        self.say(Finished(schedule13.finished(self.suite, secret, self.transcript.digest())), HANDSHAKE)

    def check_certificate(self, message: CertificateChain, raw: RawMessage) -> None:
        certificates = tuple(entry.certificate for entry in message.entries)
        if message.context or any(entry.extensions for entry in message.entries):
            # We ask for none: neither status_request nor signed_certificate_timestamp is ever offered.
            raise reject(AlertDescription.ILLEGAL_PARAMETER, "the certificate has a context or extensions")
        if certificates:
            self.remote_key = remote_key(self.conversation.config, certificates)
        self.remote_certificates = certificates
        self.transcript.add([raw])

    def check_verify(self, message: CertificateVerify, raw: RawMessage) -> None:
        offered = message.scheme in self.conversation.config.signature_schemes
        if not offered or not is_usable(message.scheme, self.remote_key, Version.DTLS13):
            raise reject(AlertDescription.ILLEGAL_PARAMETER, f"signature scheme {message.scheme:#06x}")
        content = _CONTEXTS[self._them] + self.transcript.digest()
        if not verify(self.remote_key, message.scheme, message.signature, content):
            raise reject(AlertDescription.DECRYPT_ERROR, "the CertificateVerify's signature is wrong")
        self.remote_scheme = message.scheme
        self.transcript.add([raw])

    def check_finished(self, message: Finished, raw: RawMessage) -> None:
        expected = schedule13.finished(self.suite, self._secrets[self._them, HANDSHAKE], self.transcript.digest())
        if not hmac.compare_digest(message.verify_data, expected):
            raise reject(AlertDescription.DECRYPT_ERROR, "Finished doesn't fit the handshake")
        self.transcript.add([raw])

    def finish(self) -> None:
        """The handshake is over. Nothing is read in clear from here on."""
        self.complete = True
        self.conversation.records.drop_opener(PLAIN)
        scheme = "" if self.remote_scheme is None else name_of(SignatureScheme, self.remote_scheme)
        self.conversation.events.append(
            HandshakeCompleted(
                Version.DTLS13, self.suite.id.name, self.group.name, scheme, self.srtp_profile, self.remote_certificates
            )
        )

    # --- acknowledgements (RFC 9147 section 7)

    def every_alert_is_fatal(self, alert: Alert) -> bool:
        return alert.description != AlertDescription.USER_CANCELED

    def handle_datagram_end(self, *, repeated: bool) -> None:
        conversation = self.conversation
        if repeated and (not self.complete or self._awaits_final_ack()):
            conversation.flights.repeat(conversation.now)
        if not conversation.has_news:
            return
        if self.complete or conversation.inbound.has_hole:
            self._send_ack()
        elif self._ack_deadline is None:
            self._ack_deadline = conversation.now + conversation.config.retransmission_timeout / 4

    def _awaits_final_ack(self) -> bool:
        return self._us is Role.CLIENT and self._outstanding is None and self.conversation.flights.deadline is not None

    def _send_ack(self) -> None:
        """Acknowledges what was heard of the flight under way; after the handshake each record once."""
        conversation = self.conversation
        self._ack_deadline = None
        conversation.has_news = False
        # Plaintext records can't be acknowledged once their keys are gone, nor need they.
        fitting = (conversation.records.room(self.write_epoch) - 2) // 16
        numbers = tuple(sorted(conversation.heard[-max(fitting, 1) :]))
        conversation.records.send(ContentType.ACK, self.write_epoch, Ack(numbers).serialize(), conversation.now)
        if self.complete:
            conversation.heard.clear()

    def handle_ack(self, ack: Ack, epoch: int) -> None:
        conversation = self.conversation
        flights = conversation.flights
        if flights.deadline is None:
            return
        news = flights.acknowledge(ack.record_numbers)
        if not flights.is_acknowledged:
            if news:
                flights.repeat(conversation.now)
            return
        flights.finish()
        said, self._outstanding = self._outstanding, None
        if isinstance(said, KeyUpdate):
            self._update_write_keys()
        self._say_next()

    def next_timeout(self) -> float | None:
        times = [time for time in (self.conversation.flights.deadline, self._ack_deadline) if time is not None]
        return min(times, default=None)

    def handle_timeout(self) -> None:
        conversation = self.conversation
        if self._ack_deadline is not None and self._ack_deadline <= conversation.now:
            self._send_ack()
        conversation.flights.handle_timeout(conversation.now)

    # --- after the handshake

    def _post(self, message: HandshakeMessage) -> None:
        """Queues a message; one at a time is on its way."""
        self._queue.append(message)
        if self.conversation.flights.deadline is None:
            self._say_next()

    def _say_next(self) -> None:
        if not self._queue:
            return
        conversation = self.conversation
        message = self._outstanding = self._queue.popleft()
        conversation.flights.begin()
        conversation.flights.add(message, self.write_epoch, conversation.now)
        conversation.flights.dispatch(conversation.now)

    def update_keys(self, *, request: bool) -> None:
        """RFC 9147 section 8. Our new keys come into use when the KeyUpdate has been acknowledged."""
        waiting = (*self._queue, self._outstanding)
        if not any(isinstance(message, KeyUpdate) for message in waiting) or request:
            self._post(KeyUpdate(_UPDATE_REQUESTED if request else _UPDATE_NOT_REQUESTED))

    def renew_keys(self) -> None:
        self.update_keys(request=False)

    def offer_connection_ids(self, ids: tuple[bytes, ...], *, immediate: bool) -> None:
        """RFC 9147 section 9. All ids of a connection have the length of the first."""
        records = self.conversation.records
        if not records.connection_ids:
            raise LocalProtocolError("no connection id was negotiated")
        if any(len(connection_id) != records.connection_id_size for connection_id in ids):
            raise LocalProtocolError("connection ids of another length than the first")
        records.connection_ids |= set(ids)
        self._post(NewConnectionId(ids, _IMMEDIATE if immediate else _SPARE))

    def request_connection_ids(self, count: int) -> None:
        """RFC 9147 section 9."""
        if not self.remote_ids:
            raise LocalProtocolError("the remote side has no connection id")
        if self._awaits_ids:
            raise LocalProtocolError("the request before this one has not been answered")
        self._awaits_ids = True
        self._post(RequestConnectionId(count))

    def agree_on_connection_ids(self, theirs: bytes | None) -> bool:
        """With the other side's extension; False when nothing was agreed on."""
        remote_id = agree_on_connection_ids(self.conversation, theirs)
        if remote_id is not None:
            self.remote_ids = deque([remote_id] if remote_id else [])
        return remote_id is not None

    def agree_on_record_size_limit(self, theirs: bytes | None) -> int | None:
        """With the other side's extension: the limit that we say, if we do."""
        return agree_on_record_size_limit(self.conversation, theirs, typed=True, most=MAX_FRAGMENT + 1)

    def handle_late_message(self, message: HandshakeMessage, raw: RawMessage) -> None:
        """Messages that may come at any time after the handshake."""
        handler = self._LATE_HANDLERS.get(raw.type)
        if handler is None or raw.epoch < APPLICATION:
            raise reject(AlertDescription.UNEXPECTED_MESSAGE, f"handshake message {raw.type} after the handshake")
        handler(self, message, raw)

    def _handle_ticket(self, message: NewSessionTicket, raw: RawMessage) -> None:
        if self._us is Role.SERVER:
            raise reject(AlertDescription.UNEXPECTED_MESSAGE, "a client sent a NewSessionTicket")
        # There is no resumption in WebRTC: tickets are acknowledged and forgotten.

    def _handle_key_update(self, message: KeyUpdate, raw: RawMessage) -> None:
        if message.request not in (_UPDATE_NOT_REQUESTED, _UPDATE_REQUESTED):
            raise reject(AlertDescription.ILLEGAL_PARAMETER, f"KeyUpdate with request {message.request}")
        if raw.epoch != self.read_epoch:
            raise reject(AlertDescription.UNEXPECTED_MESSAGE, "KeyUpdate under keys that were updated before")
        self._advance(self._them, self.read_epoch)
        self.start_reading(self.read_epoch + 1)
        if message.request:
            self.update_keys(request=False)

    def _update_write_keys(self) -> None:
        self._advance(self._us, self.write_epoch)
        self.start_writing(self.write_epoch + 1)

    def _advance(self, role: Role, epoch: int) -> None:
        secret = self._secrets[role, epoch + 1] = schedule13.next_secret(self.suite, self._secrets.pop((role, epoch)))
        number = epoch + 1 - APPLICATION
        self.conversation.log_secret(f"{role.upper()}_TRAFFIC_SECRET_{number}", self.client_random, secret)

    def _handle_new_connection_id(self, message: NewConnectionId, raw: RawMessage) -> None:
        if not self.remote_ids:
            raise reject(AlertDescription.UNEXPECTED_MESSAGE, "NewConnectionId without a connection id")
        if message.usage not in (_IMMEDIATE, _SPARE) or (message.usage == _IMMEDIATE and not message.connection_ids):
            raise reject(AlertDescription.ILLEGAL_PARAMETER, f"NewConnectionId with usage {message.usage}")
        self._awaits_ids = False
        fresh = [one for one in message.connection_ids if one][:_MAX_CONNECTION_IDS]
        if message.usage == _IMMEDIATE and fresh:
            self.remote_ids = deque(fresh)
        else:
            self.remote_ids.extend(fresh[: _MAX_CONNECTION_IDS - len(self.remote_ids)])
        self.conversation.records.sealer(self.write_epoch).connection_id = self.remote_ids[0]

    def _handle_request_connection_id(self, message: RequestConnectionId, raw: RawMessage) -> None:
        size = self.conversation.records.connection_id_size
        if not size:
            raise reject(AlertDescription.UNEXPECTED_MESSAGE, "RequestConnectionId without a connection id")
        self._id_requests += 1
        if self._id_requests > _CONNECTION_ID_REQUESTS:
            raise reject(AlertDescription.TOO_MANY_CIDS_REQUESTED, "too many requests for connection ids")
        ids = tuple(self.conversation.entropy(size) for _ in range(min(message.count, _MAX_CONNECTION_IDS)))
        self.offer_connection_ids(ids, immediate=False)

    _LATE_HANDLERS: ClassVar[Mapping[int, Callable[[Any, Any, RawMessage], None]]] = {
        HandshakeType.NEW_SESSION_TICKET: _handle_ticket,
        HandshakeType.KEY_UPDATE: _handle_key_update,
        HandshakeType.NEW_CONNECTION_ID: _handle_new_connection_id,
        HandshakeType.REQUEST_CONNECTION_ID: _handle_request_connection_id,
    }
