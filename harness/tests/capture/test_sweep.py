"""Whatever is on the wire, the capture shows it: changed and cut datagrams of real sessions.

`PEERPROOF_SWEEP=1000000` plays that many.
"""

from __future__ import annotations

import os
import random
from dataclasses import replace
from pathlib import Path

from harness.capture.describe import describe_frame
from harness.capture.dissector import Dissector
from harness.capture.frame import Frame
from harness.capture.ladder import rows
from harness.capture.layers.stun import Priority
from harness.capture.match import dcep, dtls, rtp, sctp, stun
from harness.tests.capture.recorded import DATA_12, DATA_13, MEDIA_12, MEDIA_13, load

SWEEP = int(os.environ.get("PEERPROOF_SWEEP", "3000"))


def changed(data: bytes, chance: random.Random) -> bytes:
    """Cut, or with one to three bytes changed."""
    if chance.random() < 0.3:
        return data[: chance.randrange(len(data) + 1)]
    copy = bytearray(data)
    for _ in range(chance.randrange(1, 4)):
        copy[chance.randrange(min(len(copy), 80) if chance.random() < 0.7 else len(copy))] = chance.randrange(256)
    return bytes(copy)


MATCHERS = (
    stun.binding_request(
        use_candidate=True,
        username="a:b",
        priority=1,
        tie_breaker=1,
        has_integrity=True,
        password="x",
        fingerprint=True,
    ),
    stun.binding_success(has_mapped_address=True, password="x"),
    stun.error(487, fingerprint=True),
    stun.message(attributes=[Priority]).where(lambda packet: packet.kinds == [], "of no attributes"),
    dtls.client_hello(
        offers_suite=1, offers_version=1, offers_group=1, srtp_profile=1, extension=1, retransmitted=True
    ),
    dtls.client_hello(extension=99),
    dtls.server_hello(suite=1, version=1, srtp_profile=1),
    dtls.server_hello(version=1),
    dtls.alert(fatal=True),
    dtls.application_data() | dtls.protected(),
    sctp.init(outbound_streams=1, supports=("RE-CONFIG",), forward_tsn=True),
    sctp.init_ack(supports=("RE-CONFIG",)),
    sctp.data(stream=1, ppid=50, payload=b"x", beginning=True),
    sctp.abort(cause=1) | sctp.error(cause=1),
    sctp.reconfig(resets=1) | sctp.reconfig(response=True),
    dcep.open(label="x", protocol="y", priority=1),
    rtp.packet(ssrc=1, marker=True, extension=99),
    rtp.packet(extension=99),
    rtp.nack(media=1, lost=1) | rtp.nack(lost=1),
    rtp.source_description(cname="x"),
    rtp.bye(ssrc=1),
    rtp.remb() | rtp.pli(media=1) | rtp.fir(),
)


def test_no_datagram_stops_the_dissection() -> None:
    chance = random.Random(1)
    played = 0
    while played < SWEEP:
        for name in (DATA_12, DATA_13, MEDIA_12, MEDIA_13):
            recording = load(name)
            frames: list[Frame] = []
            for frame in recording.frames[:60]:
                payload = changed(frame.payload, chance) if chance.random() < 0.5 and frame.payload else frame.payload
                frames.append(
                    Frame(frame.number, frame.nanoseconds, replace(frame.datagram, payload=payload), frame.book)
                )
            for frame, items in zip(frames, Dissector(recording.book, recording.keylog).items(frames), strict=True):
                assert items
                assert describe_frame(items)
                for item in items:
                    assert item.packet is not None
                    for matcher in MATCHERS:
                        matcher.matches(frame, item)
            played += len(frames)


def test_a_session_of_garbage_can_be_saved_and_drawn(tmp_path: Path) -> None:
    chance = random.Random(2)
    recording = load(MEDIA_13)
    for frame in recording.frames:
        frame.datagram = replace(frame.datagram, payload=changed(frame.payload, chance))
    recording.save(tmp_path)
    assert rows(recording, 0.0)
