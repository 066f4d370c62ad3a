"""Three witnesses of one session: the capture, the trace of the reference peer, `getStats` of any endpoint.

Each counts on its own. `cross_check` puts their counts side by side and flags what doesn't fit. Statistics are read at
some moment while packets go on flowing, so a count of the capture is a range: what had passed a little before that
moment, and a little after it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from harness.capture.frame import Frame
from harness.capture.items import Item, Part
from harness.capture.layers import rtcp, sctp
from harness.capture.layers.dtls_extensions import SRTP_PROFILES
from harness.capture.layers.dtls_handshake import CIPHER_SUITES
from harness.capture.layers.rtp import header_size
from peer.trace import Direction, Layer

if TYPE_CHECKING:
    from harness.capture.recording import Recording

__all__ = ["Comparison", "cross_check", "disagreements"]

_SLACK: Final = 0.1
_MESSAGE_PPIDS: Final = frozenset({51, 53, 56, 57})


@dataclass(frozen=True, slots=True)
class Comparison:
    """One fact by two witnesses: what the `capture` saw, and what the other `witness` says."""

    endpoint: str
    what: str
    witness: str
    capture: str
    other: str
    agrees: bool

    def __str__(self) -> str:
        sign = "=" if self.agrees else "!="
        return f"{self.endpoint}: {self.what}: capture {self.capture} {sign} {self.witness} {self.other}"


Stats = Mapping[str, Any]


def cross_check(
    recording: Recording, statistics: Mapping[str, Sequence[Stats]] | None = None, *, slack: float = _SLACK
) -> list[Comparison]:
    """All comparisons that can be made. `statistics` maps an endpoint's name to the entries of a `getStats` report.

    `slack` is how far, in seconds, the clock of the statistics and that of the capture may be apart.
    """
    view = _View(recording, slack)
    found = list(_with_trace(recording, view))
    for endpoint, entries in (statistics or {}).items():
        for entry in entries:
            check = _CHECKS.get(str(entry.get("type")))
            if check is not None:
                found += check(view, endpoint, entry, entries)
    return found


def disagreements(comparisons: Iterable[Comparison]) -> list[Comparison]:
    """Those that don't fit."""
    return [each for each in comparisons if not each.agrees]


class _View:
    """The capture, counted by endpoint and time."""

    def __init__(self, recording: Recording, slack: float) -> None:
        self.items = recording.items()
        self.frames = recording.frames
        self.conversations = recording.dissector.conversations
        self.repairs = recording.book.repairs
        self._times = [frame.time for frame in self.frames]
        self.slack = slack

    def flat(self) -> Iterator[tuple[int, Frame, Item]]:
        for index, held in enumerate(self.items):
            for item in held:
                yield index, self.frames[index], item

    def range(self, at: float, indexes: Sequence[tuple[int, int]]) -> tuple[int, int]:
        """Sums of the weights of frames up to a moment: a little before it and a little after it."""
        early = bisect_right(self._times, at - self.slack)
        late = bisect_right(self._times, at + self.slack)
        before = sum(weight for index, weight in indexes if index < early)
        return before, sum(weight for index, weight in indexes if index < late)


def _counted(endpoint: str, what: str, span: tuple[int, int], said: int) -> Comparison:
    seen = str(span[0]) if span[0] == span[1] else f"{span[0]}..{span[1]}"
    return Comparison(endpoint, what, "getStats", seen, str(said), span[0] <= said <= span[1])


def _moment(entry: Stats) -> float:
    return float(entry.get("timestamp", 0)) / 1000


def _stream(view: _View, endpoint: str, entry: Stats, *, sent: bool) -> Iterator[Comparison]:
    """Packets of an RTP stream, their headers, the feedback about it."""
    at, ssrc = _moment(entry), int(entry.get("ssrc", 0))
    name, verb = ("packetsSent", "sent") if sent else ("packetsReceived", "received")
    if (said := entry.get(name)) is not None:
        span = _with_repair(view, endpoint, entry, int(said), sent=sent, weigh=lambda _: 1)
        yield _counted(endpoint, f"RTP packets {verb} of {entry.get('kind')} SSRC {ssrc}", span, int(said))
    if sent and (said := entry.get("headerBytesSent")) is not None:
        span = _with_repair(view, endpoint, entry, int(said), sent=True, weigh=_overhead)
        yield _counted(endpoint, f"RTP header bytes sent of {entry.get('kind')} SSRC {ssrc}", span, int(said))
    for counter, kind in (("nackCount", rtcp.Nack), ("pliCount", rtcp.Pli), ("firCount", rtcp.Fir)):
        if (said := entry.get(counter)) is not None:
            hits = _feedback(view, endpoint, ssrc, kind, sent_by_endpoint=not sent)
            verb = "received" if sent else "sent"
            yield _counted(
                endpoint, f"{kind.__name__.upper()}s {verb} for SSRC {ssrc}", view.range(at, hits), int(said)
            )


def _overhead(packet: bytes) -> int:
    """Header and padding (webrtc-stats counts both as header bytes) of a packet in clear."""
    return (header_size(packet) or 0) + (packet[-1] if packet[0] & 0x20 else 0)


def _with_repair(
    view: _View, endpoint: str, entry: Stats, said: int, *, sent: bool, weigh: Callable[[bytes], int]
) -> tuple[int, int]:
    """The sum over a stream's packets. Some count its retransmission SSRC with it: that sum where only it fits."""
    ssrc = int(entry.get("ssrc", 0))
    repair = entry.get("rtxSsrc") or view.repairs.get(ssrc)
    own: list[tuple[int, int]] = []
    both: list[tuple[int, int]] = []
    for index, frame, item in view.flat():
        if item.part is Part.RTP and (frame.sender if sent else frame.receiver) == endpoint:
            source, weight = int.from_bytes(item.data[8:12], "big"), weigh(item.data)
            own += [(index, weight)] if source == ssrc else []
            both += [(index, weight)] if source in (ssrc, repair) else []
    together = view.range(_moment(entry), both)
    return together if together[0] <= said <= together[1] else view.range(_moment(entry), own)


def _feedback(
    view: _View, endpoint: str, ssrc: Any, kind: type[rtcp.Report], *, sent_by_endpoint: bool
) -> list[tuple[int, int]]:
    hits: list[tuple[int, int]] = []
    for index, frame, item in view.flat():
        if item.part is not Part.RTCP_PACKET or item.code not in (205, 206):
            continue
        if (frame.sender if sent_by_endpoint else frame.receiver) != endpoint or not isinstance(item.packet, kind):
            continue
        about = [item.packet.media]
        if kind is rtcp.Fir:
            about = [each.ssrc for each in item.packet.items if isinstance(each, rtcp.FirItem)]
        hits += [(index, 1)] if ssrc in about else []
    return hits


def _outbound(view: _View, endpoint: str, entry: Stats, _: Sequence[Stats]) -> Iterator[Comparison]:
    yield from _stream(view, endpoint, entry, sent=True)


def _inbound(view: _View, endpoint: str, entry: Stats, _: Sequence[Stats]) -> Iterator[Comparison]:
    yield from _stream(view, endpoint, entry, sent=False)


def _data_channel(view: _View, endpoint: str, entry: Stats, entries: Sequence[Stats]) -> Iterator[Comparison]:
    """Messages over all channels: the statistics name a channel by label or number, the wire by stream."""
    channels = [each for each in entries if each.get("type") == "data-channel"]
    if entry is not channels[0] or not any(item.part is Part.CHUNK for _, _, item in view.flat()):
        return
    for name, sent in (("messagesSent", True), ("messagesReceived", False)):
        seen: dict[object, int] = {}
        for index, frame, item in view.flat():
            if item.part is Part.CHUNK and (frame.sender if sent else frame.receiver) == endpoint:
                message = _message(item)
                if message is not None:
                    seen.setdefault(message, index)
        said = sum(int(each.get(name, 0)) for each in channels)
        span = view.range(_moment(entry), [(index, 1) for index in seen.values()])
        yield _counted(endpoint, f"data channel messages {'sent' if sent else 'received'}", span, said)


def _message(item: Item) -> object:
    """What identifies the user message that a chunk ends (DATA) or begins (I-DATA: later fragments have no PPID)."""
    chunk = item.packet if item.code in (0, 64) else None
    if isinstance(chunk, sctp.Data) and chunk.ending and chunk.ppid in _MESSAGE_PPIDS:
        return chunk.tsn
    if isinstance(chunk, sctp.IData) and chunk.beginning and chunk.ppid_or_fsn in _MESSAGE_PPIDS:
        return chunk.stream, chunk.unordered, chunk.mid
    return None


def _transport(view: _View, endpoint: str, entry: Stats, entries: Sequence[Stats]) -> Iterator[Comparison]:
    """DTLS and SRTP facts, and the selected pair: where DTLS and SRTP left from at that time."""
    conversation = next((each for each in reversed(view.conversations) if each.cipher_suite is not None), None)
    if conversation is not None and entry.get("tlsVersion"):
        facts = {
            "tlsVersion": f"{conversation.version or 0:04X}",
            "dtlsCipher": CIPHER_SUITES.get(conversation.cipher_suite or 0, hex(conversation.cipher_suite or 0)),
            "srtpCipher": SRTP_PROFILES.get(conversation.srtp_profile or 0),
        }
        for name, seen in facts.items():
            if seen is not None and entry.get(name):
                said = str(entry[name])
                yield Comparison(endpoint, name, "getStats", seen, said, _same(name, seen, said))
    pair = _selected(entry, entries)
    local = next((each for each in entries if pair and each.get("id") == pair.get("localCandidateId")), None)
    address = local and local.get("address") and f"{local['address']} {local.get('port')}"
    used = _used_address(view, endpoint, _moment(entry))
    if address and used and local and local.get("candidateType") == "host":
        yield Comparison(endpoint, "local address of the selected pair", "getStats", used, address, used == address)


def _same(name: str, seen: str, said: str) -> bool:
    """Cipher suites go by two spellings; srtpCipher leaves out underscores in one implementation or another."""
    return seen.lower() == said.lower() if name == "tlsVersion" else seen.replace("_", "") == said.replace("_", "")


def _selected(transport: Stats, entries: Sequence[Stats]) -> Stats | None:
    wanted = transport.get("selectedCandidatePairId")
    return next((each for each in entries if each.get("type") == "candidate-pair" and each.get("id") == wanted), None)


def _used_address(view: _View, endpoint: str, at: float) -> str | None:
    """Where it last sent DTLS, RTP or RTCP from, shortly before that time; None when it was silent then."""
    sent = [
        frame
        for frame, held in zip(view.frames, view.items, strict=False)
        if frame.sender == endpoint and at - view.slack <= frame.time <= at and held and held[0].part is not Part.STUN
    ]
    return f"{sent[-1].source.host} {sent[-1].source.port}" if sent else None


_CHECKS: Final = {
    "outbound-rtp": _outbound,
    "inbound-rtp": _inbound,
    "data-channel": _data_channel,
    "transport": _transport,
}

# What a layer of the trace is in the capture. One trace entry a message: handshake messages, which may be sent again in
# other fragments, don't compare one to one.
_TRACED: Final = {Layer.STUN: Part.STUN, Layer.SCTP: Part.SCTP, Layer.RTP: Part.RTP, Layer.RTCP: Part.RTCP}


def _with_trace(recording: Recording, view: _View) -> Iterator[Comparison]:
    """Datagrams and messages sent. What the trace says was sent must be in the capture, no more and no less."""
    if recording.tap.discarded:
        return
    sent = Counter((name, entry.layer) for name, entry in recording.tap.entries if entry.direction is Direction.SENT)
    for (endpoint, layer), said in sent.items():
        part = _TRACED.get(layer)
        if part is not None:
            seen = sum(1 for _, frame, item in view.flat() if item.part is part and frame.sender == endpoint)
        elif layer is Layer.DATAGRAM:
            seen = sum(1 for frame in view.frames if frame.sender == endpoint)
        else:
            continue
        yield Comparison(endpoint, f"{layer} messages sent", "trace", str(seen), str(said), seen == said)
