"""The facade: one connection, whichever version it turns out to speak."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from peer.dtls.config import (
    Config,
    DatagramTransform,
    Entropy,
    HandshakeTransform,
    RecordTransform,
    Role,
    identity,
)
from peer.dtls.conversation import Conversation, Machine, reject
from peer.dtls.events import ApplicationDataReceived, ConnectionClosed, Event
from peer.dtls.flight import Flights
from peer.dtls.machine13 import Machine13
from peer.dtls.opening import ClientOpening, ServerOpening
from peer.dtls.reassembly import Reassembler
from peer.dtls.records import Opened, RecordLayer
from peer.dtls.transcript import RawMessage, dtls_form
from peer.errors import DecodeError, LocalProtocolError, RemoteProtocolError
from peer.trace import Direction, Entry, Layer, Sink
from peer.wire.dtls_alert import Alert, AlertDescription, AlertLevel
from peer.wire.dtls_handshake import HandshakeMessage, parse_fragments
from peer.wire.dtls_record import Ack, ContentType, RecordNumber

__all__ = ["Connection"]

# Application data that overtook the last handshake message waits for it.
_MAX_EARLY_DATA: Final = 64
# RFC 8446 5.5: AES-GCM is good for 2^24.5 records under one key; a DTLS 1.3 machine updates its keys well before.
_UPDATE_AFTER: Final = 1 << 23
_APPLICATION_DATA: Final = int(ContentType.APPLICATION_DATA)


class Connection:
    """A DTLS client or server.

    The four methods of the dialect, `start`, `send`, `close` and `export_keying_material` are all there is to it.
    When the remote side breaks the protocol, `receive_datagram` raises RemoteProtocolError once, the alert is queued
    and everything after is ignored. `sent_alert` and `received_alert` hold the fatal alert, if there was one.
    """

    def __init__(
        self,
        config: Config,
        role: Role,
        *,
        entropy: Entropy,
        transform_handshake: HandshakeTransform = identity,
        transform_record: RecordTransform = identity,
        transform_datagram: DatagramTransform = identity,
        trace: Sink | None = None,
    ) -> None:
        records = RecordLayer(
            mtu=config.mtu, transform_record=transform_record, transform_datagram=transform_datagram, trace=trace
        )
        flights = Flights(records, transform=transform_handshake, trace=trace, timeout=config.retransmission_timeout)
        self._conversation = Conversation(config, role, entropy, records, flights, Reassembler(), trace)
        self._records = records
        self._machine: Machine = (ClientOpening if role is Role.CLIENT else ServerOpening)(self._conversation)
        self._early_data: list[bytes] = []
        self._closed = False
        self._gives_up_at: float | None = None
        self._sent_since_renewal = 0
        self._seal: Callable[[int, bytes], bytes] | None = None
        self._open_application_data: Callable[[bytes], bytes | None] | None = None
        self.sent_alert: int | None = None
        self.received_alert: int | None = None

    @property
    def role(self) -> Role:
        return self._conversation.role

    @property
    def is_established(self) -> bool:
        """The handshake is complete and the connection not closed."""
        return self._machine.complete and not self._closed

    @property
    def is_closed(self) -> bool:
        return self._closed

    # --- what the owner asks for

    def start(self, now: float) -> None:
        """A client sends its ClientHello; a server waits for one."""
        self._conversation.now = now
        self._watch_handshake(now)
        if isinstance(self._machine, ClientOpening):
            self._machine.start()

    def _watch_handshake(self, now: float) -> None:
        patience = self._conversation.config.handshake_timeout
        if self._gives_up_at is None and patience is not None:
            self._gives_up_at = now + patience

    def send(self, data: bytes) -> None:
        """Queues one record of application data, at most 16,384 bytes, or what a record size limit says.

        LocalProtocolError when it is longer, before the handshake is complete, and after the end.
        """
        records = self._records
        if len(data) > records.send_limit:
            raise LocalProtocolError(f"{len(data)} bytes don't fit a record")
        self._sent_since_renewal += 1
        if self._seal is not None:
            records.outbox.append(self._seal(_APPLICATION_DATA, data))
            return
        if not self._machine.complete or self._closed:
            raise LocalProtocolError("application data outside of an established connection")
        records.send(ContentType.APPLICATION_DATA, records.write_epoch, data, self._conversation.now)
        records.flush()

    def close(self, now: float) -> None:
        """Queues close_notify. Nothing is received any more."""
        if not self._closed:
            self._conversation.now = now
            self._close()

    def export_keying_material(self, label: bytes, context: bytes | None, length: int) -> bytes:
        """RFC 5705 section 4, RFC 8446 7.5. LocalProtocolError before the handshake is complete."""
        if not self._machine.complete:
            raise LocalProtocolError("there is no keying material before the handshake is complete")
        return self._machine.export(label, context, length)

    def update_keys(self, now: float, *, request: bool = False) -> None:
        """DTLS 1.3 only: new keys for what we send and, with `request`, for what the other side sends (RFC 9147 8)."""
        self._established13(now).update_keys(request=request)

    def offer_connection_ids(self, ids: tuple[bytes, ...], now: float, *, immediate: bool = False) -> None:
        """DTLS 1.3 only: ids the other side may, or with `immediate` must, use from now on (RFC 9147 section 9)."""
        self._established13(now).offer_connection_ids(ids, immediate=immediate)

    def request_connection_ids(self, count: int, now: float) -> None:
        """DTLS 1.3 only: asks for `count` spare ids (RFC 9147 section 9)."""
        self._established13(now).request_connection_ids(count)

    def _established13(self, now: float) -> Machine13:
        if not self.is_established or not isinstance(self._machine, Machine13):
            raise LocalProtocolError("this takes an established DTLS 1.3 connection")
        self._conversation.now = now
        return self._machine

    # --- the dialect

    def receive_datagram(self, data: bytes, now: float) -> list[Event]:
        """Raises RemoteProtocolError, once, when the remote side ends or breaks the connection."""
        if self._open_application_data is not None:
            payload = self._open_application_data(data)
            if payload is not None:
                return [ApplicationDataReceived(payload)]
        if self._closed:
            return []
        conversation = self._conversation
        conversation.now = now
        if not self._machine.complete:
            self._watch_handshake(now)
        repeated = False
        try:
            for opened in self._records.receive(data, now):
                repeated |= self._HANDLERS.get(opened.kind, Connection._handle_unknown)(self, opened)
                if self._closed:
                    break
            if not self._closed:
                self._machine.handle_datagram_end(repeated=repeated)
        except DecodeError as error:
            self._fail(reject(AlertDescription.DECODE_ERROR, str(error)))
        except RemoteProtocolError as error:
            self._fail(error)
        self._take_short_ways()
        return self._take_events()

    def datagrams_to_send(self, now: float) -> list[bytes]:
        """The datagrams to send now, in order; none is returned twice."""
        if self._sent_since_renewal > _UPDATE_AFTER and self._machine.complete:
            self._sent_since_renewal = 0
            self._conversation.now = now
            self._machine.renew_keys()
        return self._records.drain()

    def next_timeout(self) -> float | None:
        if self._closed:
            return None
        end, due = self._gives_up_at, self._machine.next_timeout()
        return due if end is None or self._machine.complete else min(end, end if due is None else due)

    def handle_timeout(self, now: float) -> list[Event]:
        """Raises RemoteProtocolError, once, when the handshake took longer than it may."""
        self._conversation.now = now
        if not self._closed:
            end = None if self._machine.complete else self._gives_up_at
            if end is not None and now >= end:
                self._fail(RemoteProtocolError("the handshake took too long"))
            self._machine.handle_timeout()
        self._take_short_ways()
        return self._take_events()

    def _take_short_ways(self) -> None:
        """Binds what sealing and opening one record of application data needs, while nobody is looking."""
        records = self._records
        self._seal = self._open_application_data = None
        if self.is_established and records.is_plain:
            self._seal = records.sealer(records.write_epoch).seal
            if records.opens_plainly:
                self._open_application_data = records.newest_opener.open_application_data

    def _take_events(self) -> list[Event]:
        events, self._conversation.events = self._conversation.events, []
        return events

    # --- records by content type; each says whether it showed that the other side repeats its last flight

    def _handle_handshake(self, opened: Opened) -> bool:
        conversation = self._conversation
        try:
            fragments = parse_fragments(opened.payload)
        except DecodeError as error:
            if opened.epoch:
                raise
            self._discard(opened, str(error))  # anybody may have sent it
            return False
        last_heard = conversation.inbound.next_sequence - 1
        repeated = kept = False
        for fragment in fragments:
            if fragment.sequence == conversation.answered:
                repeated |= fragment.offset + len(fragment.data) == fragment.length
            kept |= fragment.sequence <= last_heard or conversation.inbound.receive(fragment, opened.epoch)
        if kept:
            conversation.note_heard(RecordNumber(opened.epoch, opened.sequence))
        while (raw := conversation.inbound.take()) is not None:
            self._machine = self._machine.handle_message(self._parse(raw), raw)
        self._release_early_data()
        return repeated

    def _parse(self, raw: RawMessage) -> HandshakeMessage:
        conversation = self._conversation
        message = self._machine.parse(raw.type, raw.body)
        if conversation.trace is not None:
            conversation.trace(
                Entry(conversation.now, Layer.DTLS_HANDSHAKE, Direction.RECEIVED, message, dtls_form(raw))
            )
        return message

    def _handle_application_data(self, opened: Opened) -> bool:
        if not opened.epoch:
            self._discard(opened, "application data in clear")
        elif self._machine.complete:
            self._conversation.events.append(ApplicationDataReceived(opened.payload))
        elif len(self._early_data) < _MAX_EARLY_DATA:
            self._early_data.append(opened.payload)
        return False

    def _release_early_data(self) -> None:
        if self._early_data and self._machine.complete:
            self._conversation.events += [ApplicationDataReceived(data) for data in self._early_data]
            self._early_data = []

    def _handle_change_cipher_spec(self, opened: Opened) -> bool:
        if opened.epoch or opened.payload != b"\x01":
            self._discard(opened, "no ChangeCipherSpec that means something")  # anybody may have sent it
        else:
            self._machine.handle_change_cipher_spec()
        return False

    def _handle_alert(self, opened: Opened) -> bool:
        try:
            alert = Alert.parse(opened.payload)
        except DecodeError as error:
            if opened.epoch:
                raise
            self._discard(opened, str(error))
            return False
        if alert.description == AlertDescription.CLOSE_NOTIFY:
            self._conversation.events.append(ConnectionClosed())
            self._close()
        elif alert.level == AlertLevel.FATAL or self._machine.every_alert_is_fatal(alert):
            self._closed = True
            self.received_alert = alert.description
            raise RemoteProtocolError(f"the remote side sent the alert {alert.name}")
        return False

    def _handle_ack(self, opened: Opened) -> bool:
        if opened.epoch:
            self._machine.handle_ack(Ack.parse(opened.payload), opened.epoch)
        return False

    def _handle_unknown(self, opened: Opened) -> bool:
        if opened.epoch:
            raise reject(AlertDescription.UNEXPECTED_MESSAGE, f"a record of type {opened.kind}")
        self._discard(opened, "unknown content type")
        return False

    _HANDLERS: Mapping[int, Callable[[Connection, Opened], bool]] = {
        ContentType.HANDSHAKE: _handle_handshake,
        ContentType.APPLICATION_DATA: _handle_application_data,
        ContentType.CHANGE_CIPHER_SPEC: _handle_change_cipher_spec,
        ContentType.ALERT: _handle_alert,
        ContentType.ACK: _handle_ack,
    }

    # --- the end

    def _close(self) -> None:
        self._conversation.send_alert(AlertLevel.WARNING, AlertDescription.CLOSE_NOTIFY)
        self._conversation.flights.finish()
        self._closed = True
        self._take_short_ways()

    def _fail(self, error: RemoteProtocolError) -> None:
        """Queues the alert, closes, and raises."""
        self._closed = True
        self._take_short_ways()
        self._conversation.events.clear()
        if error.code is not None:
            self.sent_alert = error.code
            self._conversation.send_alert(AlertLevel.FATAL, error.code)
        raise error

    def _discard(self, opened: Opened, why: str) -> None:
        conversation = self._conversation
        if conversation.trace is not None:
            conversation.trace(
                Entry(conversation.now, Layer.DTLS_RECORD, Direction.DISCARDED, None, opened.payload, why)
            )
