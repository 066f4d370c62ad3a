"""The RTCP half of a transport: reports both ways, feedback both ways, BYE."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeGuard

from peer.rtp.bandwidth import Estimator
from peer.rtp.clock import middle, ntp64
from peer.rtp.demultiplexer import Demultiplexer
from peer.rtp.events import EndReason, Event
from peer.rtp.outgoing import Flow, Outgoing, random32
from peer.rtp.receiver import Receiver
from peer.rtp.schedule import Schedule
from peer.rtp.seam import Seam
from peer.rtp.sender import Sender
from peer.wire import rtcp
from peer.wire.rtcp_xr import Dlrr, ReceiverReferenceTime

__all__ = ["Control"]

MAX_BLOCKS: Final = 16
"""Report blocks in one of our packets: together with what follows it fits a datagram."""
MAX_FLOWS: Final = 4
MAX_QUEUED: Final = 64
MAX_REFERENCES: Final = 16
RECENT: Final = 10.0
"""Seconds without a packet after which an SSRC is no sender any more (two intervals, RFC 3550 section 6.3.8)."""
SDES_MID: Final = 15
"""RFC 9143 section 15."""
MAX_NAMES: Final = 64
LEAST: Final = 1_000
"""Bits per second that a TMMBR can't go below: packets that are queued already have to leave some time."""


class Control:
    """What `Transport` does with RTCP."""

    _seam: Seam
    _table: Demultiplexer
    estimator: Estimator

    def __init__(self, entropy: Callable[[int], bytes], ntp_offset: float) -> None:
        self._entropy = entropy
        self.ntp_offset = ntp_offset
        self.senders: list[Sender] = []
        self.receivers: list[Receiver] = []
        self.round_trip_time = 0.1
        """Seconds, as last measured; a guess before."""
        self.cnames: dict[int, str] = {}
        self._streams: dict[int, tuple[Sender, Outgoing]] = {}
        self._own_ssrc = random32(entropy)
        self._own_cname = entropy(12).hex()
        self._schedule = Schedule(entropy)
        self._feedback: list[tuple[rtcp.Packet, bool]] = []
        self._byes: list[Flow] = []
        self._has_reported = False
        self._references: dict[int, tuple[int, float]] = {}  # SSRC -> its RRTR's middle bits, when it came
        self._handlers: dict[type, Callable[[Any, float, list[Event]], None]] = {
            rtcp.SenderReport: self._sender_report,
            rtcp.ReceiverReport: self._receiver_report,
            rtcp.SourceDescription: self._description,
            rtcp.Bye: self._bye,
            rtcp.Nack: self._nack,
            rtcp.PictureLoss: self._picture_loss,
            rtcp.FullIntraRequest: self._full_intra,
            rtcp.Remb: self._remb,
            rtcp.MaximumRequest: self._maximum_request,
            rtcp.TransportFeedback: self._transport_feedback,
            rtcp.Congestion: self._congestion,
            rtcp.ExtendedReport: self._extended,
        }

    # who is who

    @property
    def reporter(self) -> int:
        """The SSRC that speaks for us: the first stream we send, else one that sends nothing."""
        return next(iter(self._streams), self._own_ssrc)

    def registered(self, sender: Sender, stream: Outgoing) -> None:
        for ssrc in stream.ssrcs:
            self._streams[ssrc] = sender, stream
        self._byes = [flow for flow in self._byes if flow.ssrc not in stream.ssrcs]

    def unregistered(self, stream: Outgoing, now: float, *, only: int | None = None) -> None:
        """The stream says BYE; one that never sent has nothing to take leave of (RFC 3550 section 6.3.7)."""
        self._drop_queued(stream)
        for ssrc in stream.ssrcs if only is None else (only,):
            if self._streams.pop(ssrc, None) is not None and stream.flow(ssrc).sent_at is not None:
                self._byes.append(stream.flow(ssrc))

    def released(self, one: Sender | Receiver) -> None:
        if isinstance(one, Sender):
            self.senders = [sender for sender in self.senders if sender is not one]
        else:
            self.receivers = [receiver for receiver in self.receivers if receiver is not one]
            self._table.update(self.receivers)

    def forgotten(self, ssrc: int) -> None:
        self._table.forget(ssrc)

    def feed_back(self, packet: rtcp.Packet, *, reduced: bool) -> None:
        """Queue a feedback message; it leaves with the next datagrams."""
        if len(self._feedback) < MAX_QUEUED:
            self._feedback.append((packet, reduced))

    def _drop_queued(self, stream: Outgoing) -> None:
        raise NotImplementedError

    def _all_reduced(self) -> bool:
        receivers = all(one.config.reduced_size for one in self.receivers)
        return receivers and all(one.config.reduced_size for one in self.senders)

    # RTCP out

    def _compounds(self, now: float) -> list[tuple[rtcp.Packet, ...]]:
        """What is to leave now: the regular report if it is due, feedback, BYE."""
        out: list[tuple[rtcp.Packet, ...]] = []
        due = self._schedule.due is not None and now >= self._schedule.due
        if due and (self.senders or self.receivers):
            out += self._reports(now)
        if due:
            self._schedule.sent(now)
        feedback, self._feedback = self._feedback, []
        # RFC 5506 section 4: reduced-size packets only once a compound one was sent.
        self._has_reported = self._has_reported or bool(out)
        reduced = tuple(packet for packet, may in feedback if may and self._has_reported)
        full = tuple(packet for packet, may in feedback if not (may and self._has_reported))
        self._has_reported = self._has_reported or bool(full)
        out += [reduced[at : at + 4] for at in range(0, len(reduced), 4)]
        out += [(*self._head(now), *full[at : at + 4]) for at in range(0, len(full), 4)]
        if self._byes:
            byes, self._byes = self._byes, []
            out += [
                (
                    rtcp.ReceiverReport(flow.ssrc),
                    rtcp.SourceDescription.cname(flow.ssrc, self._cname),
                    rtcp.Bye((flow.ssrc,)),
                )
                for flow in byes
            ]
        return out

    @property
    def _cname(self) -> str:
        return self.senders[0].config.cname if self.senders else self._own_cname

    def _flows(self, now: float) -> list[tuple[Sender, Outgoing, Flow]]:
        """Our SSRCs that are senders in RFC 3550's sense."""
        flows = []
        for ssrc, (sender, stream) in self._streams.items():
            flow = stream.flow(ssrc)
            if flow.sent_at is not None and now - flow.sent_at < RECENT:
                flows.append((sender, stream, flow))
        return flows

    def _blocks(self, now: float) -> list[rtcp.ReportBlock]:
        receptions = [
            (ssrc, stream.reception) for receiver in self.receivers for ssrc, stream in receiver.streams.items()
        ]
        receptions += [(ssrc, one.reception) for receiver in self.receivers for ssrc, one in receiver.repairs.items()]
        return [one.block(ssrc, now) for ssrc, one in receptions if one.received and now - one.heard_at < RECENT]

    def _head(self, now: float) -> tuple[rtcp.Packet, ...]:
        """What begins a compound packet where no report is due: an empty report and the name (section 6.1)."""
        flows = self._flows(now)
        if flows:
            _, stream, flow = flows[0]
            report: rtcp.Packet = stream.sender_report(flow, now, self.ntp_offset)
            return report, rtcp.SourceDescription.cname(flow.ssrc, self._cname)
        return rtcp.ReceiverReport(self.reporter), rtcp.SourceDescription.cname(self.reporter, self._cname)

    def _reports(self, now: float) -> list[tuple[rtcp.Packet, ...]]:
        """The regular compound packets: a report of every sending SSRC, with all blocks between them."""
        flows, blocks = self._flows(now), self._blocks(now)
        out: list[tuple[rtcp.Packet, ...]] = []
        while flows or blocks or not out:
            taken, flows = flows[:MAX_FLOWS], flows[MAX_FLOWS:]
            some, blocks = tuple(blocks[:MAX_BLOCKS]), blocks[MAX_BLOCKS:]
            packets: list[rtcp.Packet] = []
            for _, stream, flow in taken:
                packets.append(stream.sender_report(flow, now, self.ntp_offset, some))
                some = ()
            if not taken:
                packets.append(rtcp.ReceiverReport(self.reporter, some))
            packets.append(self._descriptions(taken))
            out.append((*packets, *(self._extension(now, sends=bool(taken)) if len(out) == 0 else ())))
        return out

    def _descriptions(self, flows: list[tuple[Sender, Outgoing, Flow]]) -> rtcp.SourceDescription:
        if not flows:
            return rtcp.SourceDescription.cname(self.reporter, self._cname)
        return rtcp.SourceDescription(
            tuple(
                (flow.ssrc, ((1, sender.config.cname.encode()), *_mid_item(sender.config.mid)))
                for sender, _, flow in flows
            )
        )

    def _extension(self, now: float, *, sends: bool) -> tuple[rtcp.Packet, ...]:
        """RFC 3611: our reference time where we send nothing, and answers to theirs."""
        blocks: list[Any] = []
        if not sends and self.receivers:
            blocks.append(ReceiverReferenceTime(ntp64(now + self.ntp_offset)))
        if self._references:
            answers = tuple(
                (ssrc, lrr, int((now - at) * 65536) & 0xFFFFFFFF) for ssrc, (lrr, at) in self._references.items()
            )
            blocks.append(Dlrr(answers))
            self._references = {}
        return (rtcp.ExtendedReport(self.reporter, tuple(blocks)),) if blocks else ()

    # RTCP in

    def _receive_rtcp(self, clear: bytes, now: float) -> list[Event]:
        packets = rtcp.parse(clear)
        self._schedule.counted(len(clear))
        self._seam.received(packets, clear, now)
        events: list[Event] = []
        for packet in packets:
            handler = self._handlers.get(type(packet))
            if handler is not None:  # RFC 3550 section 6.1: what isn't known is ignored
                handler(packet, now, events)
        return events

    def _sender_report(self, report: rtcp.SenderReport, now: float, events: list[Event]) -> None:
        for receiver in self.receivers:
            stream = receiver.streams.get(report.ssrc)
            if stream is not None:
                stream.reported(report, now)
            elif report.ssrc in receiver.repairs:
                receiver.repairs[report.ssrc].reception.reported(report.ntp, now)
        self._report_blocks(report.reports, now)

    def _receiver_report(self, report: rtcp.ReceiverReport, now: float, events: list[Event]) -> None:
        self._report_blocks(report.reports, now)

    def _report_blocks(self, blocks: tuple[rtcp.ReportBlock, ...], now: float) -> None:
        for block in blocks:
            known = self._streams.get(block.ssrc)
            if known is None or block.ssrc != known[1].ssrc:
                continue
            taken = known[1].reported(block, now, self.ntp_offset)
            if taken is not None:
                self.round_trip_time = taken
            self.estimator.reported_loss(block.fraction_lost / 256, taken, now)

    def _description(self, description: rtcp.SourceDescription, now: float, events: list[Event]) -> None:
        for ssrc, items in description.chunks:
            for kind, text in items:
                if kind == 1:
                    self.cnames.pop(ssrc, None)
                    self.cnames[ssrc] = text.decode(errors="replace")
                    if len(self.cnames) > MAX_NAMES:
                        del self.cnames[next(iter(self.cnames))]
                elif kind == SDES_MID:
                    self._table.named(ssrc, text.decode(errors="replace"))

    def _bye(self, bye: rtcp.Bye, now: float, events: list[Event]) -> None:
        text = (bye.reason or b"").decode(errors="replace")
        for ssrc in bye.ssrcs:
            for receiver in self.receivers:
                events += receiver.end(ssrc, EndReason.BYE, text, keep=True)
            for stream in self._media_streams():
                if stream.maximum.left(ssrc, now, self.round_trip_time):
                    self._notify_maximum(stream)

    def _nack(self, nack: rtcp.Nack, now: float, events: list[Event]) -> None:
        known = self._streams.get(nack.media_ssrc)
        if known is not None:
            known[0].retransmit(known[1], nack.lost, now, self.round_trip_time)

    def _picture_loss(self, request: rtcp.PictureLoss, now: float, events: list[Event]) -> None:
        known = self._streams.get(request.media_ssrc)
        if known is not None:
            events.append(known[0].key_frame_wanted(known[1]))

    def _full_intra(self, request: rtcp.FullIntraRequest, now: float, events: list[Event]) -> None:
        for ssrc, command in request.requests:
            known = self._streams.get(ssrc)
            wanted = known and known[0].full_intra_wanted(known[1], request.ssrc, command)
            if wanted:
                events.append(wanted)

    def _remb(self, remb: rtcp.Remb, now: float, events: list[Event]) -> None:
        self.estimator.limited(remb.bitrate, now)

    def _maximum_request(self, request: rtcp.MaximumRequest, now: float, events: list[Event]) -> None:
        for rate in request.rates:
            known = self._streams.get(rate.ssrc)
            if known is not None and known[1].ssrc == rate.ssrc:
                known[1].maximum.asked(request.ssrc, rate, now, self.round_trip_time)
                self._notify_maximum(known[1])

    def _media_streams(self) -> list[Outgoing]:
        return [stream for sender in self.senders for stream in sender.streams]

    def _notify_maximum(self, stream: Outgoing) -> None:
        """One TMMBN for however many requests came since the last one (RFC 5104 section 4.2.2.2)."""
        told = rtcp.MaximumNotification(stream.ssrc, stream.maximum.bounds)
        self._feedback = [one for one in self._feedback if not (_is_maximum(one[0]) and one[0].ssrc == stream.ssrc)]
        self.feed_back(told, reduced=self._all_reduced())

    def _check_maxima(self, now: float) -> None:
        """What the smallest of all limits leaves. That of one stream counts for all: at least as strict."""
        limits = [stream.maximum.limit(now) for stream in self._media_streams()]
        self.estimator.ceiling = min((max(limit, LEAST) for limit in limits if limit is not None), default=None)

    def _transport_feedback(self, message: rtcp.TransportFeedback, now: float, events: list[Event]) -> None:
        self.estimator.feedback(message, now)

    def _congestion(self, message: rtcp.Congestion, now: float, events: list[Event]) -> None:
        self.estimator.congestion(message, now)

    def _extended(self, report: rtcp.ExtendedReport, now: float, events: list[Event]) -> None:
        for block in report.blocks:
            if isinstance(block, ReceiverReferenceTime):
                self._references.pop(report.ssrc, None)
                self._references[report.ssrc] = (block.ntp >> 16) & 0xFFFFFFFF, now
                if len(self._references) > MAX_REFERENCES:
                    del self._references[next(iter(self._references))]
            elif isinstance(block, Dlrr):
                self._delay_since(report.ssrc, block, now)

    def _delay_since(self, sender: int, block: Dlrr, now: float) -> None:
        """RFC 3611 section 4.5: the round trip as a receiver sees it."""
        for ssrc, lrr, dlrr in block.reports:
            if not lrr or (ssrc != self._own_ssrc and ssrc not in self._streams):
                continue
            taken = ((middle(now + self.ntp_offset) - lrr - dlrr) & 0xFFFFFFFF) / 65536
            if taken > 0x7FFF:
                taken = 0.0
            if taken < 60:
                self.round_trip_time = taken
                for receiver in self.receivers:
                    for stream in receiver.streams.values():
                        if stream.statistics.remote is not None:
                            stream.round_trip(taken)


def _is_maximum(packet: rtcp.Packet) -> TypeGuard[rtcp.MaximumNotification]:
    return isinstance(packet, rtcp.MaximumNotification)


def _mid_item(mid: str) -> tuple[tuple[int, bytes], ...]:
    return ((SDES_MID, mid.encode()),) if mid else ()
