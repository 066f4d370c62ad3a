"""Two transports that share keys, and what is sent over them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from peer import srtp
from peer.rtp import (
    Codec,
    EncodedFrame,
    FrameReceived,
    KeyFrameRequested,
    ReceiveConfig,
    SendConfig,
    SendStream,
    Transport,
    extensions,
)
from peer.rtp.clock import NTP_EPOCH
from peer.testing import Entropy, Link, Pump

PROFILE = srtp.PROFILES[0x0007]
VIDEO_FEEDBACK = frozenset({"nack", "nack pli", "ccm fir", "transport-cc", "goog-remb"})
VP8 = Codec(96, "video/VP8", 90000, feedback=VIDEO_FEEDBACK)
RTX = Codec(97, "video/rtx", 90000, fmtp={"apt": "96"})
OPUS = Codec(111, "audio/opus", 48000, 2, feedback=frozenset({"transport-cc"}))
RED = Codec(63, "audio/red", 48000, 2, fmtp={"111/111": ""})
EVENTS = Codec(110, "audio/telephone-event", 48000, 1, fmtp={"0-15": ""})
IDS = {
    extensions.MID: 1,
    extensions.ABS_SEND_TIME: 2,
    extensions.TRANSPORT_WIDE: 3,
    extensions.AUDIO_LEVEL: 4,
    extensions.RID: 5,
    extensions.REPAIRED_RID: 6,
    extensions.TOFFSET: 7,
    extensions.VIDEO_ORIENTATION: 8,
    extensions.ABS_CAPTURE_TIME: 9,
}
STRAIGHT = Link()
NTP_OFFSET = NTP_EPOCH + 1_800_000_000


def connect_keys(a: Transport, b: Transport, now: float = 0.0, *, profile: srtp.Profile = PROFILE) -> None:
    entropy = Entropy("keys")
    masters = [srtp.MasterKey(entropy(profile.key_length), entropy(profile.salt_length)) for _ in range(2)]
    for one, (ours, theirs) in ((a, (0, 1)), (b, (1, 0))):
        one.use_keys(srtp.Outbound(profile, masters[ours]), srtp.Inbound(profile, masters[theirs]), now)


def transport(name: str, **options: Any) -> Transport:
    return Transport(entropy=Entropy(name), ntp_offset=NTP_OFFSET, **options)


def send_config(kind: str = "video", **changes: Any) -> SendConfig:
    values: dict[str, Any] = {
        "key": 1,
        "kind": kind,
        "mid": "0",
        "streams": (SendStream(0x1000, 0x2000 if kind == "video" else None),),
        "codecs": (VP8, RTX) if kind == "video" else (OPUS, EVENTS),
        "cname": "them",
        "extensions": IDS,
        "reduced_size": True,
    }
    return SendConfig(**{**values, **changes})


def receive_config(kind: str = "video", **changes: Any) -> ReceiveConfig:
    values: dict[str, Any] = {
        "key": 2,
        "kind": kind,
        "mid": "0",
        "codecs": (VP8, RTX) if kind == "video" else (OPUS, RED, EVENTS),
        "extensions": IDS,
        "reduced_size": True,
    }
    return ReceiveConfig(**{**values, **changes})


def picture(number: int, size: int = 1000, *, key_frame: bool = False, timestamp: int | None = None) -> EncodedFrame:
    """Something that a VP8 packetizer takes; the first bytes are a frame tag, the number follows."""
    head = bytes((0x00 if key_frame else 0x01, 0, 0)) + (b"\x9d\x01\x2a\x80\x02\xe0\x01" if key_frame else b"")
    data = (head + number.to_bytes(4, "big")).ljust(size, b"\x55")
    return EncodedFrame(data, (number * 3000 if timestamp is None else timestamp) & 0xFFFFFFFF, key_frame=key_frame)


def sound(number: int, size: int = 60, **fields: Any) -> EncodedFrame:
    return EncodedFrame(
        b"\xfc" + number.to_bytes(4, "big").ljust(size - 1, b"\x11"), number * 960 & 0xFFFFFFFF, **fields
    )


@dataclass
class World:
    """`a` sends, `b` receives."""

    pump: Pump
    a: Transport
    b: Transport

    @classmethod
    def make(cls, link: Link = STRAIGHT, back: Link | None = None, **options: Any) -> World:
        a, b = transport("a", **options), transport("b")
        connect_keys(a, b)
        return cls(Pump(a, b, link=link, back=back, keep_transcript=False), a, b)

    def frames(self) -> list[FrameReceived]:
        return [event for event in self.pump.b.events if isinstance(event, FrameReceived)]

    def seen(self, kind: type, *, at: str = "b") -> list[Any]:
        side = self.pump.b if at == "b" else self.pump.a
        return [event for event in side.events if isinstance(event, kind)]


def numbers(frames: Iterable[FrameReceived]) -> list[int]:
    return [
        int.from_bytes(one.frame.data[10:14] if one.frame.key_frame else one.frame.data[3:7], "big") for one in frames
    ]


@dataclass
class Camera:
    """Pictures of a steady size at a steady rate; a key frame first and whenever one is asked for."""

    world: World
    size: int = 3000
    rate: int = 30
    number: int = 0
    answered: int = 0

    def run(self, seconds: float) -> None:
        for _ in range(round(seconds * self.rate)):
            self.shoot()
            self.world.pump.wait(1 / self.rate)

    def shoot(self) -> None:
        asked = len(self.world.seen(KeyFrameRequested, at="a"))
        key_frame = self.number == 0 or asked > self.answered
        self.answered = asked
        size = self.size * 3 if key_frame else self.size
        self.world.a.senders[0].send(picture(self.number, size, key_frame=key_frame), self.world.pump.now)
        self.number += 1
