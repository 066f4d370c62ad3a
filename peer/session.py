"""One bundle's transport stack: the one file in which a datagram is followed from top to bottom.

                          ┌─ STUN ──> ice.Agent
    datagram ── demux ────┼─ DTLS ──> dtls.Connection ──> datachannel.Channels ──> messages
      (RFC 7983)          └─ SRTP ──> rtp.Transport ──> frames
    messages ──> datachannel.Channels ──> dtls.Connection ──> the selected path ──> datagram

A session speaks the dialect of every machine, with paths: `receive_datagrams(batch, now)`, `datagrams_to_send(now)`,
`next_timeout()`, `handle_timeout(now)`. What a remote peer sends raises nothing here: a layer's fatal error is an
event.

The order of things: ICE finds a pair; DTLS starts on it, as the client as soon as there is one, as the server with
the other side's first flight, which is kept if it comes before the remote fingerprint is known; SCTP is set up over
DTLS by both sides at once.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from peer import datachannel, dtls, rtp, sctp
from peer.errors import RemoteProtocolError
from peer.ice import agent as ice
from peer.ice.agent import Path, Transmission
from peer.trace import Direction, Entry, Layer, Sink

__all__ = ["Config", "DtlsFailed", "Event", "SctpFailed", "Session"]

# How many DTLS datagrams are kept while the remote fingerprint is unknown: a ClientHello in a few fragments, twice.
EARLY_DATAGRAMS: Final = 16
# What stands around an SCTP packet: UDP 8 and a TURN channel 4; IP; a DTLS record, at the most.
_AROUND, _IPV4, _IPV6, _DTLS13, _DTLS12 = 12, 20, 40, 22, 37


@dataclass(frozen=True, slots=True)
class Config:
    """How the layers are set up. The ICE part holds our credentials; `dtls` misses what only an answer tells;
    `ntp_offset` turns `now` into NTP seconds.
    """

    ice: ice.Config
    dtls: Callable[[tuple[dtls.Fingerprint, ...]], dtls.Config]
    sctp: Callable[..., sctp.Config] = sctp.Config
    ntp_offset: float = 0.0


@dataclass(frozen=True, slots=True)
class DtlsFailed:
    """The handshake failed or the connection died. `sent_alert` or `received_alert` is the AlertDescription, if there
    was one.
    """

    reason: str
    sent_alert: int | None = None
    received_alert: int | None = None
    fingerprint: bool = False


@dataclass(frozen=True, slots=True)
class DtlsStarted:
    """ICE has a path and the handshake may begin."""


@dataclass(frozen=True, slots=True)
class SctpFailed:
    """The other side broke SCTP or DCEP. `cause` is the error cause code that was sent, if any."""

    reason: str
    cause: int | None = None


Event: TypeAlias = ice.Event | dtls.Event | datachannel.Event | rtp.Event | DtlsStarted | DtlsFailed | SctpFailed


@dataclass(frozen=True, slots=True)
class Transforms:
    """The seam of each layer; None is identity."""

    stun: Callable[[Any], Iterable[Any]] | None = None
    dtls_handshake: Callable[[Any], Iterable[Any]] | None = None
    dtls_record: Callable[[Any], Iterable[Any]] | None = None
    sctp: Callable[[Any], Iterable[Any]] | None = None
    dcep: Callable[[Any], Iterable[Any]] | None = None
    rtp: Callable[[Any], Iterable[Any]] | None = None
    datagram: Callable[[Transmission], Iterable[Transmission]] | None = None


@dataclass(slots=True)
class Counters:
    """Bytes and packets of everything but STUN, for getStats."""

    packets_sent: int = 0
    packets_received: int = 0
    bytes_sent: int = 0
    bytes_received: int = 0
    discarded: int = 0


class Session:
    """The machines of one transport, and who feeds whom. `ice`, `dtls` and `channels` may be read."""

    def __init__(
        self,
        config: Config,
        *,
        entropy: Callable[[int], bytes],
        transforms: Transforms | None = None,
        trace: Sink | None = None,
    ) -> None:
        self._config = config
        self._entropy = entropy
        self._transforms = transforms or Transforms()
        self._trace = trace
        self.ice = ice.Agent(config.ice, entropy=entropy, trace=trace, **_given(transform=self._transforms.stun))
        self.dtls: dtls.Connection | None = None
        self.channels: datachannel.Channels | None = None
        self.media: rtp.Transport | None = None
        self.handshake: dtls.HandshakeCompleted | None = None
        self.counters = Counters()
        self.role: dtls.Role | None = None
        self._link_mtu: int | None = None
        self._started = False
        self._dead = False
        self._early: deque[tuple[bytes, Path]] = deque(maxlen=EARLY_DATAGRAMS)
        self._closed = False

    # signalling

    def negotiate_dtls(self, role: dtls.Role, fingerprints: tuple[dtls.Fingerprint, ...], now: float) -> list[Event]:
        """An answer settled who is what and which certificates are trusted. Starts as soon as ICE has a path."""
        if self.dtls is not None:
            return []
        self.role = role
        self.dtls = dtls.Connection(
            self._config.dtls(fingerprints),
            role,
            entropy=self._entropy,
            trace=self._trace,
            **_given(
                transform_handshake=self._transforms.dtls_handshake, transform_record=self._transforms.dtls_record
            ),
        )
        events = self._start_dtls(now)
        early, self._early = list(self._early), deque(maxlen=EARLY_DATAGRAMS)
        for data, path in early:
            if self.ice.knows(path):
                self._receive_dtls(data, path, now, events)
        return events

    def restart_dtls(self, role: dtls.Role, fingerprints: tuple[dtls.Fingerprint, ...], now: float) -> list[Event]:
        """A new association on the same transport: what ran over the old one is gone."""
        events: list[Event] = []
        if self.channels is not None:
            events.append(
                datachannel.AssociationAborted((), by_remote=False, reason="the DTLS association was replaced")
            )
        self.dtls = self.channels = self.handshake = None
        self._started = self._dead = False
        return events + self.negotiate_dtls(role, fingerprints, now)

    def negotiate_sctp(self, config: sctp.Config, now: float) -> list[Event]:
        """Ports and sizes are known: the association is set up over DTLS as soon as that stands."""
        if self.role is None:
            return []
        if self.channels is not None:
            before = self.channels.association.config
            if (before.local_port, before.remote_port) == (config.local_port, config.remote_port):
                return []
            events = self.end_sctp(now)  # RFC 8841 section 9.3: other ports, another association
            return events + self.negotiate_sctp(config, now)
        association = sctp.Association(
            config, entropy=self._entropy, trace=self._trace, **_given(transform=self._transforms.sctp)
        )
        self.channels = datachannel.Channels(
            association, self.role, trace=self._trace, **_given(transform=self._transforms.dcep)
        )
        self._tell_link_mtu(now)
        if self.handshake is not None:
            self.channels.connect(now)
        return []

    def end_sctp(self, now: float) -> list[Event]:
        """Abort the association, if there is one."""
        if self.channels is None:
            return []
        self.channels.abort(now)
        self._drain_channels(now)
        self.channels = None
        return [datachannel.AssociationAborted((), by_remote=False, reason="renegotiated")]

    def path_changed(self, mtu: int | None, now: float) -> None:
        """The selected pair is another; its first link takes IP packets of `mtu` bytes (None: nobody knows)."""
        self._link_mtu = mtu
        self._tell_link_mtu(now)

    def _tell_link_mtu(self, now: float) -> None:
        """Tell SCTP how large its packets may be for the first link to take them whole."""
        if self.channels is None:
            return
        path, handshake = self.ice.selected_path, self.handshake
        ip = _IPV4 if path is not None and not path.local.is_ipv6 else _IPV6
        record = _DTLS13 if handshake is not None and handshake.version == dtls.Version.DTLS13 else _DTLS12
        limit = None if self._link_mtu is None else self._link_mtu - _AROUND - ip - record
        self.channels.association.path_changed(limit, now)

    def open_media(self, now: float) -> list[Event]:
        """Be ready for RTP: there is `media` from now on. It gets its keys as soon as DTLS stands."""
        if self.media is not None:
            return []
        self.media = rtp.Transport(
            entropy=self._entropy,
            trace=self._trace,
            ntp_offset=self._config.ntp_offset,
            **_given(transform=self._transforms.rtp),
        )
        if self.dtls is None or self.handshake is None:
            return []
        return [*self.media.keys_agreed(self.dtls, self.handshake, now)]

    def close(self, now: float) -> None:
        """Abort SCTP, say goodbye on DTLS, stop. Drain `datagrams_to_send` once more, then drop the session."""
        if self._closed:
            return
        if self.channels is not None:
            self.channels.abort(now)
            self._drain_channels(now)
        if self.dtls is not None and not self._dead:
            self.dtls.close(now)

    # the dialect

    def receive_datagram(self, data: bytes, now: float, path: Path) -> list[Event]:
        """One datagram that came by `path`."""
        return self.receive_datagrams(((data, path),), now)

    def receive_datagrams(self, batch: Iterable[tuple[bytes, Path]], now: float) -> list[Event]:
        """Everything that came in one go, in order."""
        events: list[Event] = []
        counters, trace = self.counters, self._trace
        for data, path in batch:
            if trace is not None:
                trace(Entry(now, Layer.DATAGRAM, Direction.RECEIVED, path, data))
            first = data[0] if data else 255
            if 20 <= first < 64:
                counters.packets_received += 1
                counters.bytes_received += len(data)
                known = self.ice.count_received(path, len(data), now)
                if known or self.dtls is None:
                    self._receive_dtls(data, path, now, events)
                else:
                    counters.discarded += 1
                    self._note_discarded(data, now, "from an address that ICE does not know")
            elif first < 4:
                self._take_ice(self.ice.receive_datagram(data, now, path), now, events)
            elif 128 <= first < 192 and self.media is not None:
                counters.packets_received += 1
                counters.bytes_received += len(data)
                self.ice.count_received(path, len(data), now)
                events += self.media.receive_datagram(data, now)
            else:
                counters.discarded += 1
                self._note_discarded(data, now)
        return events

    def datagrams_to_send(self, now: float) -> list[Transmission]:
        out = self.ice.datagrams_to_send(now)
        path = self.ice.selected_path
        if path is None:
            return self._leave(out, now)
        self._drain_channels(now)
        data = self.dtls.datagrams_to_send(now) if self.dtls is not None else []
        if self.media is not None:
            data = [*data, *self.media.datagrams_to_send(now)]
        if data:
            size = sum(map(len, data))
            self.counters.packets_sent += len(data)
            self.counters.bytes_sent += size
            self.ice.count_sent(size, now)
            out += [Transmission(datagram, path) for datagram in data]
        return self._leave(out, now)

    def take_events(self, now: float) -> list[Event]:
        """What arose while sending. Whoever doesn't ask gets it with the next timeout."""
        return [] if self.channels is None or self._dead else [*self.channels.take_events(now)]

    def next_timeout(self) -> float | None:
        times = [machine.next_timeout() for machine in self._machines()]
        return min((time for time in times if time is not None), default=None)

    def handle_timeout(self, now: float) -> list[Event]:
        events: list[Event] = []
        self._take_ice(self.ice.handle_timeout(now), now, events)
        if self.dtls is not None and not self._dead:
            try:
                self._take_dtls(self.dtls.handle_timeout(now), now, events)
            except RemoteProtocolError as error:
                self._fail_dtls(self.dtls, error, events)
        if self.channels is not None:
            events += self.channels.handle_timeout(now)
        if self.media is not None:
            events += self.media.handle_timeout(now)
        return events

    # inside

    def _machines(self) -> list[Any]:
        machines: list[Any] = [self.ice]
        if self.dtls is not None and not self._dead:
            machines.append(self.dtls)
        # SCTP's timers mean nothing when nobody can be reached any more.
        if self.channels is not None and not self._dead and (self.dtls is None or not self.dtls.is_closed):
            machines.append(self.channels)
        if self.media is not None:
            machines.append(self.media)
        return machines

    def take_ice(self, events: Iterable[ice.Event], now: float) -> list[Event]:
        """What a call on `self.ice` returned: a path may let DTLS start."""
        taken: list[Event] = []
        self._take_ice(events, now, taken)
        return taken

    def _take_ice(self, caused: Iterable[ice.Event], now: float, events: list[Event]) -> None:
        events += caused
        # After all that ICE said at once: the pair and the state belong together.
        if not self._started:
            events += self._start_dtls(now)

    def _start_dtls(self, now: float) -> list[Event]:
        if self._started or self.dtls is None or self.ice.selected_path is None:
            return []
        self._started = True
        self.dtls.start(now)
        return [DtlsStarted()]

    def _receive_dtls(self, data: bytes, path: Path, now: float, events: list[Event]) -> None:
        connection = self.dtls
        if connection is None:
            self._early.append((data, path))
            return
        if self._dead:
            return
        try:
            caused = connection.receive_datagram(data, now)
        except RemoteProtocolError as error:
            self._fail_dtls(connection, error, events)
            return
        self._take_dtls(caused, now, events)

    def _take_dtls(self, caused: Iterable[dtls.Event], now: float, events: list[Event]) -> None:
        for event in caused:
            if isinstance(event, dtls.ApplicationDataReceived):
                self._receive_sctp(event.data, now, events)
            else:
                events.append(event)
                if isinstance(event, dtls.HandshakeCompleted):
                    events += self._handshake_completed(event, now)

    def _fail_dtls(self, connection: dtls.Connection, error: RemoteProtocolError, events: list[Event]) -> None:
        """The connection is dead; its alert still has to leave."""
        self._dead = True
        failure = DtlsFailed(
            str(error),
            sent_alert=connection.sent_alert,
            received_alert=connection.received_alert,
            fingerprint="fingerprint" in str(error),
        )
        events.append(failure)

    def _handshake_completed(self, event: dtls.HandshakeCompleted, now: float) -> list[Event]:
        self.handshake = event
        if self.channels is not None:
            self._tell_link_mtu(now)
            self.channels.connect(now)
        if self.media is None or self.dtls is None:
            return []
        return [*self.media.keys_agreed(self.dtls, event, now)]

    def _receive_sctp(self, packet: bytes, now: float, events: list[Event]) -> None:
        if self.channels is None:
            return
        try:
            events += self.channels.receive_datagram(packet, now)
        except RemoteProtocolError as error:
            events.append(SctpFailed(str(error), error.code))

    def _drain_channels(self, now: float) -> None:
        if self.channels is None or self._dead or self.dtls is None or not self.dtls.is_established:
            return
        send = self.dtls.send
        for packet in self.channels.datagrams_to_send(now):
            send(packet)

    def _leave(self, out: list[Transmission], now: float) -> list[Transmission]:
        """The last seam, and the trace of what really goes out."""
        if self._transforms.datagram is not None:
            out = [changed for transmission in out for changed in self._transforms.datagram(transmission)]
        if self._trace is not None:
            for transmission in out:
                entry = Entry(now, Layer.DATAGRAM, Direction.SENT, transmission.path, transmission.data)
                self._trace(entry)
        return out

    def _note_discarded(self, data: bytes, now: float, why: str = "RFC 7983: nobody's first byte") -> None:
        if self._trace is not None:
            self._trace(Entry(now, Layer.DATAGRAM, Direction.DISCARDED, None, data, why))


def _given(**optional: Any) -> dict[str, Any]:
    """Keyword arguments without those that are None: a machine's own default holds then."""
    return {name: value for name, value in optional.items() if value is not None}
