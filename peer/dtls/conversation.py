"""What the state machines of a connection share, whichever version they speak."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Final

from peer.dtls.certificate import PublicKey, is_vouched_for, public_key_of
from peer.dtls.config import Config, Entropy, Role
from peer.dtls.events import Event
from peer.dtls.flight import Flights
from peer.dtls.reassembly import Reassembler
from peer.dtls.records import RecordLayer
from peer.dtls.transcript import RawMessage
from peer.errors import LocalProtocolError, RemoteProtocolError
from peer.trace import Secret, Sink
from peer.wire.dtls_alert import Alert, AlertDescription, AlertLevel
from peer.wire.dtls_extensions import ExtensionType, UseSrtp, parse_connection_id, parse_record_size_limit
from peer.wire.dtls_handshake import HandshakeMessage
from peer.wire.dtls_record import Ack, ContentType, RecordNumber

__all__ = [
    "Conversation",
    "Machine",
    "agree_on_connection_ids",
    "agree_on_record_size_limit",
    "choose_srtp_profile",
    "reject",
    "remote_key",
    "selected_srtp_profile",
]

_MAX_HEARD: Final = 64
_SMALLEST_LIMIT: Final = 64


def reject(description: AlertDescription, message: str) -> RemoteProtocolError:
    """The error that ends the connection with this alert."""
    return RemoteProtocolError(message, code=int(description))


@dataclass(slots=True)
class Conversation:
    """`now` is the time of the call under way; `events` is what that call will report."""

    config: Config
    role: Role
    entropy: Entropy
    records: RecordLayer
    flights: Flights
    inbound: Reassembler
    trace: Sink | None
    now: float = 0.0
    events: list[Event] = field(default_factory=list)
    heard: list[RecordNumber] = field(default_factory=list)
    """The handshake records of the flight under way, for ACKs of DTLS 1.3."""
    has_news: bool = False
    """Something was heard since the last ACK. An ACK without news would only be answered in kind."""
    answered: int = -1
    """The message_seq that our last flight answers. Only when that one comes again has our flight been lost: to take
    any old message for a sign would make both sides answer each other's repetitions for ever."""

    def begin_flight(self) -> None:
        """What was heard is answered by the flight that begins now, which acknowledges it by itself."""
        self.flights.begin()
        self.heard.clear()
        self.has_news = False
        self.answered = self.inbound.next_sequence - 1

    def note_heard(self, number: RecordNumber) -> None:
        """Remembers a handshake record to acknowledge. Only the latest: what is left out will be repeated."""
        self.has_news = True
        self.heard.append(number)
        del self.heard[:-_MAX_HEARD]

    def log_secret(self, label: str, client_random: bytes, secret: bytes) -> None:
        """A line of an NSS key log."""
        if self.trace is not None:
            self.trace(Secret(self.now, f"{label} {client_random.hex()} {secret.hex()}"))

    def send_alert(self, level: AlertLevel, description: int) -> None:
        self.records.flush()
        self.records.send(ContentType.ALERT, self.records.write_epoch, Alert(level, description).serialize(), self.now)
        self.records.flush()


class Machine(ABC):
    """One stage of a handshake. `handle_message` returns the machine that takes the next message, mostly itself."""

    complete = False

    def __init__(self, conversation: Conversation) -> None:
        self.conversation = conversation

    @abstractmethod
    def parse(self, kind: int, body: bytes) -> HandshakeMessage:
        """Reads a message as this version has it. Raises DecodeError."""

    @abstractmethod
    def handle_message(self, message: HandshakeMessage, raw: RawMessage) -> Machine:
        """Raises RemoteProtocolError when the message ends the connection."""

    def handle_datagram_end(self, *, repeated: bool) -> None:
        """All records of a datagram are dealt with.

        `repeated` when the other side said again what it said before our last flight: then that flight was lost.
        """
        if repeated:
            self.conversation.flights.repeat(self.conversation.now)

    def handle_change_cipher_spec(self) -> None:
        """A ChangeCipherSpec came in. DTLS 1.3 has none: dropped (RFC 9147 section 5)."""
        return

    def handle_ack(self, ack: Ack, epoch: int) -> None:
        """An ACK came in. DTLS 1.2 has none: ignored."""
        return

    def every_alert_is_fatal(self, alert: Alert) -> bool:
        """DTLS 1.3 ignores the level of an alert (RFC 8446 section 6)."""
        return False

    def renew_keys(self) -> None:
        """So many records were sent that the keys should change, where the version can: DTLS 1.2 can't."""
        return

    def export(self, label: bytes, context: bytes | None, length: int) -> bytes:
        """RFC 5705. Only a machine that is complete has something to export."""
        raise LocalProtocolError("there is no keying material before the handshake is complete")

    def next_timeout(self) -> float | None:
        return self.conversation.flights.deadline

    def handle_timeout(self) -> None:
        self.conversation.flights.handle_timeout(self.conversation.now)


def remote_key(config: Config, certificates: tuple[bytes, ...]) -> PublicKey:
    """The key of the remote side's certificate, once its fingerprint is right (RFC 8122 section 5, RFC 8827 6.5)."""
    fingerprints = config.remote_fingerprints
    if fingerprints is not None and not is_vouched_for(certificates[0], fingerprints):
        raise reject(AlertDescription.BAD_CERTIFICATE, "the certificate matches no fingerprint")
    return public_key_of(certificates[0])


def agree_on_connection_ids(conversation: Conversation, theirs: bytes | None) -> bytes | None:
    """RFC 9146 section 3, with the other side's extension: the id it wants to read; None when there is no agreement.

    From now on records may carry the id of ours.
    """
    ours = conversation.config.connection_id
    if ours is None or theirs is None:
        return None
    conversation.records.connection_ids = frozenset([ours] if ours else [])
    return parse_connection_id(theirs)


def agree_on_record_size_limit(
    conversation: Conversation, theirs: bytes | None, *, typed: bool, most: int
) -> int | None:
    """RFC 8449 section 4, with the other side's extension: the limit that we say, if we do.

    `most` is what the version allows; `typed` when the content type counts, because it is encrypted too.
    """
    ours = conversation.config.record_size_limit
    if ours is None or theirs is None:
        return None
    limit = parse_record_size_limit(theirs)
    if limit < _SMALLEST_LIMIT or (limit > most and conversation.role is Role.CLIENT):
        raise reject(AlertDescription.ILLEGAL_PARAMETER, f"a record size limit of {limit}")
    records = conversation.records
    records.send_limit = min(limit, most) - typed
    records.receive_limit = min(ours, most)
    return records.receive_limit


def choose_srtp_profile(config: Config, offered: bytes | None) -> int | None:
    """RFC 5764 4.1.1, as server: our favourite of what the client offers, or none."""
    if offered is None or not config.srtp_profiles:
        return None
    profiles = UseSrtp.parse(offered).profiles
    return next((profile for profile in config.srtp_profiles if profile in profiles), None)


def selected_srtp_profile(config: Config, answered: bytes | None) -> int | None:
    """RFC 5764 4.1.1, as client: the one profile the server says, which must be one we offered."""
    if answered is None:
        return None
    answer = UseSrtp.parse(answered)
    if len(answer.profiles) != 1 or answer.profiles[0] not in config.srtp_profiles or answer.mki:
        raise reject(
            AlertDescription.ILLEGAL_PARAMETER, f"the server's {ExtensionType.USE_SRTP.name} is not from our offer"
        )
    return answer.profiles[0]
