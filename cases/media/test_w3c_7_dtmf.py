"""W3C webrtc-pc section 7 and RFC 4733: tones are heard as events, in order and for as long as was asked."""

from __future__ import annotations

from itertools import groupby

from cases.media.flowing import Flow, flowing, until
from harness.cases import check, clause, throws
from harness.endpoints.base import Endpoint
from harness.endpoints.proxies import Proxy
from harness.endpoints.reference import Reference
from peer.rtp import tones
from peer.wire import rtp

Played = list[tuple[rtp.Packet, tones.Report]]


async def dialling(peer: Reference, endpoint: Endpoint) -> tuple[Flow, Proxy]:
    """Audio flows, and tones can be inserted."""
    flow = await flowing(peer, endpoint, "audio")
    await flow.seen(2, "audio")
    return flow, await flow.senders["audio"].follow("dtmf")


async def played(flow: Flow, count: int) -> list[Played]:
    """The packets of each event, once `count` events have ended."""

    def events() -> list[Played]:
        heard = [(packet, tones.pull(packet.payload)) for packet in flow.packets("telephone-event")]
        groups = [list(group) for _, group in groupby(heard, key=lambda row: row[0].timestamp)]
        return groups if sum(any(report.end for _, report in group) for group in groups) >= count else []

    found: list[Played] = await until(events, f"{count} events were not heard")
    return found


async def test_sanity_tones_can_be_inserted(peer: Reference, endpoint: Endpoint) -> None:
    _, dtmf = await dialling(peer, endpoint)
    check(await dtmf.get("canInsertDTMF") is True, "canInsertDTMF is not true")


@clause("W3C-RTCDTMFSender.insertDTMF-17.5")
async def test_tones_are_heard_in_order(peer: Reference, endpoint: Endpoint) -> None:
    flow, dtmf = await dialling(peer, endpoint)
    await dtmf.call("insertDTMF", "1a#", 60, 30)
    heard = [group[0][1].event for group in await played(flow, 3)]
    check(heard == [1, 12, 11], f"the events are {heard}, for 1A#")


@clause("W3C-RTCDTMFSender.insertDTMF-17.5")
async def test_a_tone_lasts_as_long_as_was_asked(peer: Reference, endpoint: Endpoint) -> None:
    flow, dtmf = await dialling(peer, endpoint)
    await dtmf.call("insertDTMF", "7", 200, 30)
    packet, report = (await played(flow, 1))[0][-1]
    rate = 48000 if packet.payload_type in rates(flow, 48000) else 8000
    lasted = 1000 * report.duration / rate
    check(150 <= lasted <= 260, f"it lasted {lasted:.0f} ms, not 200")


def rates(flow: Flow, rate: int) -> set[int]:
    """The payload types of events on a clock of that rate."""
    codecs = flow.native.getReceivers()[0].getParameters().codecs
    return {one.payloadType for one in codecs if one.clockRate == rate}


@clause("RFC4733-2.5.1.2-M2")
async def test_an_event_keeps_its_timestamp_while_its_duration_grows(peer: Reference, endpoint: Endpoint) -> None:
    flow, dtmf = await dialling(peer, endpoint)
    await dtmf.call("insertDTMF", "5", 150, 30)
    (event,) = await played(flow, 1)
    durations = [report.duration for _, report in event]
    check(durations == sorted(durations), f"the durations are {durations}")
    check(len(set(durations)) > 1, "there are no updates")


@clause("RFC4733-2.5.1.2-M3", "RFC4733-2.5.1.2-M5")
async def test_the_first_packet_of_an_event_is_marked(peer: Reference, endpoint: Endpoint) -> None:
    flow, dtmf = await dialling(peer, endpoint)
    await dtmf.call("insertDTMF", "5", 250, 30)
    (event,) = await played(flow, 1)
    marks = [packet.marker for packet, _ in event]
    ends = [report.end for _, report in event]
    check(marks[0] and not any(marks[1:]), f"the marker bits are {marks}, the end bits {ends}")


@clause("RFC4733-2.5.1.2-M1")
async def test_events_travel_in_the_stream_of_the_sound(peer: Reference, endpoint: Endpoint) -> None:
    flow, dtmf = await dialling(peer, endpoint)
    await dtmf.call("insertDTMF", "5", 100, 30)
    (event,) = await played(flow, 1)
    sound = flow.packets("opus")
    check({packet.ssrc for packet, _ in event} == {sound[0].ssrc}, "the events have another SSRC")
    numbers = {packet.sequence_number for packet in sound}
    check(not any(packet.sequence_number in numbers for packet, _ in event), "a number is used twice")


@clause("W3C-RTCDTMFSender.insertDTMF-17.2", "W3C-RTCDTMFSender.insertDTMF-17.6")
async def test_every_tone_is_told_and_then_the_end(peer: Reference, endpoint: Endpoint) -> None:
    _, dtmf = await dialling(peer, endpoint)
    await dtmf.call("insertDTMF", "12", 40, 30)
    told = [(await dtmf.event("tonechange")).detail["tone"] for _ in range(3)]
    check(told == ["1", "2", ""], f"the tones are {told}")


@clause("W3C-RTCDTMFSender.toneBuffer-M1")
async def test_the_buffer_holds_what_remains(peer: Reference, endpoint: Endpoint) -> None:
    _, dtmf = await dialling(peer, endpoint)
    await dtmf.call("insertDTMF", "12", 40, 30)
    await dtmf.event("tonechange")
    await dtmf.event("tonechange")
    left = await dtmf.get("toneBuffer")
    check(left == "", f"the buffer is {left!r} after the last tone began")


@clause("W3C-RTCDTMFSender.insertDTMF-8")
async def test_what_is_no_key_is_refused(peer: Reference, endpoint: Endpoint) -> None:
    _, dtmf = await dialling(peer, endpoint)
    with throws("InvalidCharacterError"):
        await dtmf.call("insertDTMF", "12x")
