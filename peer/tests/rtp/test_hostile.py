"""Authenticated but spoilt: whatever RTP and RTCP says, nothing is raised and nothing grows without bound.

PEERPROOF_MUTANTS sets how many packets are spoilt (a million by hand; a few thousand in a run of the tests).
"""

from __future__ import annotations

import os
from types import SimpleNamespace
from typing import Any

from peer.rtp import Codec, EncodedFrame, ReceiveConfig, SendConfig, SendStream, Transport, extensions
from peer.rtp.jitter import MAX_PACKETS
from peer.testing import Entropy, Link, Pump
from peer.tests.rtp.worlds import EVENTS, IDS, OPUS, RED, VIDEO_FEEDBACK, picture, sound, transport
from peer.wire import rtcp, rtp
from peer.wire.rtcp_xr import Dlrr, ExtendedReport, ReceiverReferenceTime

MUTANTS = int(os.environ.get("PEERPROOF_MUTANTS", "8000"))
EXTENDED = {**IDS, extensions.PLAYOUT_DELAY: 10, extensions.DEPENDENCY_DESCRIPTOR: 11, extensions.MIXER_AUDIO_LEVEL: 12}
VIDEO = (
    *(
        Codec(payload_type, f"video/{name}", 90000, feedback=VIDEO_FEEDBACK)
        for payload_type, name in ((96, "VP8"), (98, "VP9"), (102, "H264"), (45, "AV1"))
    ),
    *(Codec(primary + 1, "video/rtx", 90000, fmtp={"apt": str(primary)}) for primary in (96, 98, 102)),
    Codec(118, "video/red", 90000),
    Codec(120, "video/ulpfec", 90000),
    Codec(49, "video/flexfec-03", 90000),
)
AUDIO = (
    OPUS,
    RED,
    EVENTS,
    Codec(13, "audio/CN", 8000, 1),
    Codec(0, "audio/PCMU", 8000, 1),
    Codec(9, "audio/G722", 8000, 1),
)


class Clear:
    """Keys that protect nothing: spoilt packets reach the parsers."""

    profile = SimpleNamespace(tag_length=0)

    @staticmethod
    def unchanged(data: bytes) -> bytes:
        return data

    protect = protect_rtcp = unprotect = unprotect_rtcp = unchanged


def target(name: str) -> Transport:
    one = transport(name)
    clear: Any = Clear()
    one.use_keys(clear, clear, 0.0)
    streams = (SendStream(0x1000, 0x2000, "lo"), SendStream(0x1001, 0x2001, "hi"))
    one.add_sender(SendConfig(1, "video", "v", streams, VIDEO, "us", EXTENDED, reduced_size=True))
    one.add_sender(SendConfig(2, "audio", "a", (SendStream(0x1002),), AUDIO, "us", EXTENDED))
    one.add_receiver(ReceiveConfig(3, "video", "v", VIDEO, EXTENDED, ("lo", "hi"), reduced_size=True))
    one.add_receiver(ReceiveConfig(4, "audio", "a", AUDIO, EXTENDED))
    return one


def conversation() -> list[bytes]:
    """What two transports say to each other with loss, in clear: something of every kind."""
    heard: list[bytes] = []
    a, b = target("a"), target("b")
    for one, base in ((a, 0x10), (b, 0x50)):
        one.senders[0].configure(
            SendConfig(
                1,
                "video",
                "v",
                (SendStream(base, base + 1, "lo"), SendStream(base + 2, base + 3, "hi")),
                VIDEO,
                "us",
                EXTENDED,
                reduced_size=True,
            ),
            0.0,
        )
        one.senders[1].configure(SendConfig(2, "audio", "a", (SendStream(base + 4),), AUDIO, "us", EXTENDED), 0.0)

    def note(data: bytes) -> bool:
        heard.append(data)
        return False

    pump = Pump(a, b, link=Link(delay=0.02, loss=0.05, drop_if=note), keep_transcript=False)
    for number in range(60):
        for one in (a, b):
            for rid in ("lo", "hi"):
                one.senders[0].send(picture(number, 1500, key_frame=number % 20 == 0), pump.now, rid=rid)
            one.senders[1].send(sound(number, audio_level=number), pump.now)
            if number == 30:
                one.senders[1].send_tone(5, 100, pump.now)
        pump.wait(0.03)
    return heard + [one.serialize() if isinstance(one, rtp.Packet) else rtcp.serialize(one) for one in EXTRAS]


EXTRAS: tuple[rtp.Packet | tuple[rtcp.Packet, ...], ...] = (
    rtp.Packet(63, 9, 900, 0x14, bytes.fromhex("ef000c05") + b"\x6f" + b"older" + b"newer"),
    rtp.Packet(118, 700, 0, 0x10, b"\x60\x10\x00\x00\x00picture", True),
    rtp.Packet(118, 701, 0, 0x10, b"\x78" + bytes.fromhex("0060 02bc 00000000 0010 0010 e000") + bytes(16)),
    rtp.Packet(49, 70, 0, 0x77, bytes.fromhex("0060 0010 00000000 01000000 00000010 02bc e000") + bytes(16)),
    rtp.Packet(98, 800, 0, 0x18, bytes.fromhex("8a8001") + b"vp9", True),
    rtp.Packet(102, 900, 0, 0x19, bytes.fromhex("7c8501") + b"h264", True),
    rtp.Packet(45, 950, 0, 0x1A, bytes.fromhex("1812") + b"av1", True, extensions=(rtp.Extension(11, bytes(12)),)),
    rtp.Packet(0, 1, 0, 0x1B, b"\xff" * 160, csrcs=(1, 2, 3), extensions=(rtp.Extension(12, b"\1\2\3"),)),
    rtp.Packet(13, 2, 0, 0x1B, b"\x40\x01\x02"),
    (rtcp.Remb(9, 500_000, (0x1000,)), rtcp.FullIntraRequest(9, ((0x1000, 1),))),
    (rtcp.MaximumRequest(9, (rtcp.MaximumRate(0x1000, 500_000, 40), rtcp.MaximumRate(0x1002, 90_000, 60))),),
    (rtcp.MaximumNotification(9, (rtcp.MaximumRate(9, 500_000, 40),)),),
    (rtcp.Congestion(9, (rtcp.ArrivalReport(0x1000, 5, ((0, 5), None, (1, 9))),), 77),),
    (ExtendedReport(9, (ReceiverReferenceTime(77 << 32), Dlrr(((0x1000, 5, 6),)))), rtcp.Bye((0x14,), b"bye")),
    (rtcp.TransportFeedback(9, 0x1000, 1, 10, 0, (1, None, 300, -5)), rtcp.Nack(9, 0x1000, (1, 2, 20))),
    (rtcp.ReceiverReport(9, (rtcp.ReportBlock(0x1000, 9, 9, 9, 9, 9, 9),)), rtcp.App(1, 9, b"name", b"data")),
)


def spoil(data: bytes, chance: Entropy, others: list[bytes]) -> bytes:
    spoilt = bytearray(data)
    for _ in range(1 + chance.below(3)):
        at = chance.below(max(len(spoilt), 1))
        match chance.below(7):
            case 0 if spoilt:
                spoilt[at] ^= 1 << chance.below(8)
            case 1 if spoilt:
                spoilt[at] = chance(1)[0]
            case 2:
                del spoilt[at:]
            case 3:
                spoilt[at:at] = chance(1 + chance.below(4))
            case 4 if spoilt:
                spoilt[at : at + 2] = (b"\xff\xff", b"\0\0", b"\x80\0", b"\x7f\xff")[chance.below(4)]
            case 5:
                other = others[chance.below(len(others))]
                spoilt[at:] = other[chance.below(len(other)) :]
            case _:
                del spoilt[at : at + chance.below(8)]
    return bytes(spoilt)


def bounded(one: Transport) -> None:
    assert len(one._feedback) <= 64
    assert len(one._byes) < 64
    assert len(one.cnames) <= 64
    assert len(one._arrivals._times) <= 4096
    assert one._pacer.queued < 20_000_000
    for sender in one.senders:
        assert all(len(stream.maximum.bounds) <= 32 for stream in sender.streams)
    for receiver in one.receivers:
        assert len(receiver.streams) <= 32
        assert len(receiver.repairs) <= 32
        for stream in receiver.streams.values():
            assert len(stream.buffer._held) <= MAX_PACKETS + 1
            assert stream.buffer.missing < 4096


def test_spoilt_packets_raise_nothing_and_stay_bounded() -> None:
    chance = Entropy("mutants")
    heard = conversation()
    assert len({data[1] & 0x7F for data in heard}) > 15
    one, now = target("victim"), 0.0
    for count in range(MUTANTS):
        if count % 20_000 == 0:
            one = target("victim")
        now += 0.002
        data = heard[chance.below(len(heard))]
        one.receive_datagram(spoil(data, chance, heard) if chance.below(8) else data, now)
        if count % 5 == 0:
            due = one.next_timeout()
            if due is not None and due <= now:
                one.handle_timeout(now)
            one.datagrams_to_send(now)
        if count % 40 == 0:
            one.senders[0].send(picture(count, 800), now, rid="lo")
            one.senders[1].send(EncodedFrame(b"\xfcx", count * 960 & 0xFFFFFFFF), now)
        if count % 500 == 0:
            bounded(one)
    bounded(one)


def test_a_flood_of_retransmission_requests_is_answered_within_reason() -> None:
    one = target("victim")
    for number in range(200):
        one.senders[0].send(picture(number, 1000), number * 0.01, rid="lo")
        one.datagrams_to_send(number * 0.01)
    everything = rtcp.serialize((rtcp.Nack(9, 0x1000, tuple(range(0, 65536, 3))[:8000]),))
    for _ in range(50):
        one.receive_datagram(everything, 2.0)
    assert one._pacer.queued < 2_000_000
