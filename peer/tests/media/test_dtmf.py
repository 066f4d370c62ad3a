"""RTCDTMFSender on the wire: RFC 4733 events as webrtc-pc section 7 times them."""

from __future__ import annotations

import asyncio
from itertools import groupby, pairwise

from peer.api import RTCDTMFSender
from peer.rtp import tones
from peer.tests.api.connecting import event, held
from peer.tests.media.flowing import flowing
from peer.tests.media.wiretap import Wiretap

TELEPHONE_EVENT = 110


async def played(dtmf: RTCDTMFSender) -> list[tuple[str, float]]:
    """Every tonechange with its time, up to the empty one."""
    loop = asyncio.get_running_loop()
    heard: list[tuple[str, float]] = []
    while not heard or heard[-1][0]:
        changed = await event(dtmf, "tonechange")
        heard.append((changed.tone, loop.time()))
    return heard


async def test_tones_are_events_of_their_length_with_the_gap_between() -> None:
    tap = Wiretap()
    async with flowing(("audio",), first=tap.seams) as (one, _, arrivals):
        await arrivals["audio"].count(2)
        dtmf = held(one.getSenders()[0].dtmf)
        assert dtmf.canInsertDTMF
        changes = asyncio.ensure_future(played(dtmf))
        dtmf.insertDTMF("1a#", 120, 50)
        assert dtmf.toneBuffer == "1A#"
        heard = await changes
        assert [tone for tone, _ in heard] == ["1", "A", "#", ""]
        await arrivals["audio"].count(2)
        packets = [(packet, tones.pull(packet.payload)) for packet in tap.of(TELEPHONE_EVENT)]
        per_event = [list(group) for _, group in groupby(packets, key=lambda row: row[0].timestamp)]
        assert [group[0][1].event for group in per_event] == [1, 12, 11]
        for group in per_event:
            assert group[0][0].marker  # RFC 4733 section 2.5.1.1: the first packet of an event
            assert not any(packet.marker for packet, _ in group[1:])
            assert [report.end for _, report in group[-3:]] == [True, True, True]
            assert not any(report.end for _, report in group[:-3])
            assert group[-1][1].duration == 120 * 48
            durations = [report.duration for _, report in group]
            assert durations == sorted(durations)
        starts = [group[0][0].timestamp for group in per_event]
        for first, second in pairwise(starts):
            apart = ((second - first) & 0xFFFFFFFF) / 48
            assert 168 <= apart < 400  # 120 + 50 ms, later when the machine is busy


async def test_sound_waits_for_a_tone_and_goes_on_in_the_same_stream() -> None:
    tap = Wiretap()
    async with flowing(("audio",), first=tap.seams) as (one, _, arrivals):
        await arrivals["audio"].count(2)
        dtmf = held(one.getSenders()[0].dtmf)
        changes = asyncio.ensure_future(played(dtmf))
        dtmf.insertDTMF("5", 100)
        await changes
        await arrivals["audio"].count(3)
        numbers = [packet.sequence_number for _, packet in tap.sent]
        assert all((after - before) & 0xFFFF == 1 for before, after in pairwise(numbers))
        assert len({packet.ssrc for _, packet in tap.sent}) == 1
        kinds = [packet.payload_type == TELEPHONE_EVENT for _, packet in tap.sent]
        assert [kind for kind, _ in groupby(kinds)] == [False, True, False]
        timestamps = [packet.timestamp for _, packet in tap.sent if packet.payload_type != TELEPHONE_EVENT]
        assert all(0 < (after - before) & 0xFFFFFFFF < 1 << 31 for before, after in pairwise(timestamps))


async def test_without_a_track_or_direction_nothing_can_be_inserted() -> None:
    async with flowing(("audio",)) as (one, _, arrivals):
        await arrivals["audio"].count(1)
        sender = one.getSenders()[0]
        dtmf = held(sender.dtmf)
        await sender.replaceTrack(None)
        assert not dtmf.canInsertDTMF
