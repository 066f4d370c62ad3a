"""One transport's RTP session: SRTP, demultiplexing, RTCP, pacing. The package's docstring has the whole picture."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from peer import dtls, srtp
from peer.errors import DecodeError
from peer.rtp import extensions, keys
from peer.rtp.arrivals import Arrivals, CongestionArrivals
from peer.rtp.bandwidth import Estimator
from peer.rtp.config import ReceiveConfig, SendConfig
from peer.rtp.control import Control
from peer.rtp.demultiplexer import Demultiplexer
from peer.rtp.events import Event, SsrcChanged, TargetBitrateChanged
from peer.rtp.limit import ReceiveLimit
from peer.rtp.outgoing import Outgoing, random32
from peer.rtp.pacer import Kind, Pacer, Queued
from peer.rtp.receiver import Receiver
from peer.rtp.repairs import Repairs
from peer.rtp.seam import Seam, Transform, is_rtcp
from peer.rtp.sender import Sender, stamped
from peer.trace import Sink
from peer.wire import rtp

__all__ = ["Transport"]

MAX_EARLY: Final = 64
"""Packets kept that come before the keys: the other side may be done with DTLS first."""
MIN_BITRATE: Final = 30_000
TOLD_APART: Final = 0.02
"""How much the estimate has to change, relatively, to be told."""


class Transport(Control):
    """The RTP session of one bundle's transport, in the dialect of every machine.

    `ntp_offset` is what turns `now` into NTP seconds (since 1900); give all transports of a connection the same. Bit
    rates are in bit/s. `transform` is offered each RTP packet and each tuple of RTCP packets before it is protected.
    """

    def __init__(
        self,
        *,
        entropy: Callable[[int], bytes],
        trace: Sink | None = None,
        transform: Transform | None = None,
        ntp_offset: float = 0.0,
        start_bitrate: int = 300_000,
        max_bitrate: int = 10_000_000,
    ) -> None:
        super().__init__(entropy, ntp_offset)
        self._trace = trace
        self._seam = Seam(transform, trace)
        self._outbound: srtp.Outbound | None = None
        self._inbound: srtp.Inbound | None = None
        self._early: list[bytes] = []
        self._table = Demultiplexer()
        self.estimator = Estimator(start_bitrate, MIN_BITRATE, max_bitrate)
        self._told = start_bitrate
        self._pacer = Pacer(start_bitrate)
        self._repairs = Repairs()
        self._arrivals = Arrivals()
        self._congestion_arrivals = CongestionArrivals()
        self._limit = ReceiveLimit(start_bitrate, MIN_BITRATE, max_bitrate)
        self._number = int.from_bytes(entropy(2), "big") & 0x7FFF  # transport-wide
        self._overhead = 0
        self.discarded = 0

    # what the owner does

    def keys_agreed(self, connection: dtls.Connection, handshake: dtls.HandshakeCompleted, now: float) -> list[Event]:
        """DTLS is through: from now on packets are protected and unprotected, with new keys after a restart."""
        agreed = keys.agree(connection, handshake.srtp_profile, now, self._trace)
        if agreed is None:
            return []
        self.use_keys(*agreed, now)
        early, self._early = self._early, []
        return [event for data in early for event in self.receive_datagram(data, now)]

    def use_keys(self, outbound: srtp.Outbound, inbound: srtp.Inbound, now: float) -> None:
        """Contexts from elsewhere than DTLS."""
        self._outbound, self._inbound = outbound, inbound
        self._overhead = outbound.profile.tag_length
        self._schedule.start(now)

    def add_sender(self, config: SendConfig) -> Sender:
        sender = Sender(config, self, self._entropy)
        self.senders.append(sender)
        return sender

    def add_receiver(self, config: ReceiveConfig) -> Receiver:
        receiver = Receiver(config, self)
        self.receivers.append(receiver)
        self.configured()
        return receiver

    def configured(self) -> None:
        """A receiver's configuration is another one."""
        self._table.update(self.receivers)

    @property
    def target_bitrate(self) -> int:
        """What all senders together may send."""
        return self.estimator.target

    @property
    def backlog(self) -> float:
        """Seconds that it takes at the target rate to send what waits."""
        return self._pacer.backlog

    # the dialect

    def receive_datagram(self, data: bytes, now: float) -> list[Event]:
        """One SRTP or SRTCP packet. What is broken, forged, replayed or nobody's is discarded."""
        if self._inbound is None:
            if len(self._early) < MAX_EARLY:
                self._early.append(data)
            return []
        control = is_rtcp(data)
        try:
            clear = self._inbound.unprotect_rtcp(data) if control else self._inbound.unprotect(data)
        except DecodeError as error:
            self._seam.discarded(data, now, error)
            self.discarded += 1
            return []
        try:
            events = self._receive_rtcp(clear, now) if control else self._receive_rtp(clear, now)
        except DecodeError as error:
            self._seam.discarded(clear, now, error)
            self.discarded += 1
            return []
        self._check_target(events, now)
        return events

    def datagrams_to_send(self, now: float) -> list[bytes]:
        """Every packet that may leave now, protected."""
        outbound = self._outbound
        if outbound is None:
            return []
        out = []
        for item in self._pacer.take(now):
            out += [self._protect(outbound, clear) for clear in self._seam.send(self._stamp(item, now), now)]
        for packets in self._compounds(now):
            for clear in self._seam.send(packets, now):
                self._schedule.counted(len(clear))
                out.append(self._protect(outbound, clear))
        return [data for data in out if data]

    def next_timeout(self) -> float | None:
        if self._outbound is None:
            return None
        machines = (self._pacer, self._arrivals, self._congestion_arrivals, self._limit)
        times = [self._schedule.due, *(machine.next_timeout() for machine in machines)]
        times += [receiver.next_timeout() for receiver in self.receivers]
        times += [sender.next_timeout() for sender in self.senders]
        return min((time for time in times if time is not None), default=None)

    def handle_timeout(self, now: float) -> list[Event]:
        events: list[Event] = []
        for sender in list(self.senders):
            sender.handle_timeout(now)
        for receiver in list(self.receivers):
            events += receiver.handle_timeout(now)
        reporter, reduced = self.reporter, self._all_reduced()
        for message in self._arrivals.take(reporter, now):
            self.feed_back(message, reduced=reduced)
        congestion = self._congestion_arrivals.take(reporter, now, self.ntp_offset)
        if congestion is not None:
            self.feed_back(congestion, reduced=reduced)
        limit = self._limit.take(reporter, (ssrc for one in self.receivers for ssrc in one.streams), now)
        if limit is not None:
            self.feed_back(limit, reduced=reduced)
        if self._schedule.due is not None and now >= self._schedule.due:
            for receiver in list(self.receivers):
                events += receiver.check_silence(now)
        self._check_target(events, now)
        return events

    # RTP in

    def _receive_rtp(self, clear: bytes, now: float) -> list[Event]:
        packet = rtp.parse(clear)
        events: list[Event] = []
        if packet.ssrc in self._streams:
            events.append(self._collided(packet.ssrc, now))
        receiver = self._table.route(packet)
        if isinstance(receiver, str):
            self.discarded += 1
            self._seam.received(packet, clear, now, receiver)
            return events
        self._note_arrival(receiver, packet, len(clear), now)
        caused = receiver.receive(packet, clear, now)
        if isinstance(caused, str):
            self.discarded += 1
            self._seam.received(packet, clear, now, caused)
            return events
        self._seam.received(packet, clear, now)
        return events + caused

    def _note_arrival(self, receiver: Receiver, packet: rtp.Packet, size: int, now: float) -> None:
        """For the feedback that was negotiated: RFC 8888, else transport-wide, else REMB."""
        if receiver.codec(packet.payload_type) is None:
            return
        wide = receiver.value(packet, extensions.TRANSPORT_WIDE)
        sent = receiver.value(packet, extensions.ABS_SEND_TIME)
        try:
            if receiver.feeds_back_congestion:
                self._congestion_arrivals.record(packet.ssrc, packet.sequence_number, now)
            elif receiver.feeds_back_transport_wide and wide is not None:
                self._arrivals.record(extensions.pull_transport_wide(wide), packet.ssrc, now)
            elif receiver.feeds_back_remb and sent is not None:
                self._limit.arrived(extensions.pull_abs_send_time(sent), size, now)
        except DecodeError:
            return

    def _collided(self, ssrc: int, now: float) -> Event:
        """RFC 3550 section 8.2: BYE for the SSRC that both use, and on with another one."""
        sender, stream = self._streams[ssrc]
        new = random32(self._entropy, self._streams)
        self.unregistered(stream, now, only=ssrc)
        stream.rename(ssrc, new, self._entropy)
        self.registered(sender, stream)
        sender.renamed(stream)
        return SsrcChanged(sender.config.key, stream.config.rid, ssrc, new)

    # RTP out

    def enqueue(self, item: Queued) -> None:
        if item.kind is not Kind.RETRANSMISSION or self._repairs.take(item.size, self.estimator.target, item.at):
            self._pacer.add(item)

    def _drop_queued(self, stream: Outgoing) -> None:
        self._pacer.forget(stream)

    def _stamp(self, item: Queued, now: float) -> rtp.Packet:
        """The packet as it leaves: its number, and the extensions that tell when and which."""
        stream, packet = item.stream, item.packet
        flow = stream.flow(packet.ssrc)
        again = item.kind is Kind.RETRANSMISSION
        if again and packet.ssrc == stream.ssrc:
            # Without RTX the same packet goes again, byte for byte: another one under its number would break SRTP.
            stream.count(packet, len(packet.serialize()), item.at, now, again=True)
            return packet
        ids = self._streams[packet.ssrc][0].config.extensions if packet.ssrc in self._streams else {}
        values: dict[int, bytes] = {}
        if extensions.ABS_SEND_TIME in ids:
            values[ids[extensions.ABS_SEND_TIME]] = extensions.push_abs_send_time(now + self.ntp_offset)
        if extensions.TOFFSET in ids:
            values[ids[extensions.TOFFSET]] = extensions.push_toffset(round((now - item.at) * stream.clock_rate))
        wide = ids.get(extensions.TRANSPORT_WIDE)
        if wide is not None:
            values[wide] = extensions.push_transport_wide(self._number & 0xFFFF)
        packet = stamped(packet, flow.sequence_number, values)
        flow.sequence_number = (flow.sequence_number + 1) & 0xFFFF
        size = len(packet.serialize())
        self.estimator.sent(self._number, size + self._overhead, now, packet.ssrc, packet.sequence_number)
        self._number += 1
        if not again:
            stream.history.add(packet, now)
        stream.count(packet, size, item.at, now, again=again)
        return packet

    def _protect(self, outbound: srtp.Outbound, clear: bytes) -> bytes:
        try:
            return outbound.protect_rtcp(clear) if is_rtcp(clear) else outbound.protect(clear)
        except DecodeError:
            return clear  # a case sends what isn't a packet at all: it leaves as it is

    # the estimate

    def _check_target(self, events: list[Event], now: float) -> None:
        self.estimator.expire(now)
        self._check_maxima(now)
        self._pacer.rate = self.estimator.target
        left = self._pacer.rate - int(self._repairs.rate(now))
        if abs(left - self._told) > self._told * TOLD_APART:
            self._told = left
            events.append(TargetBitrateChanged(left))
