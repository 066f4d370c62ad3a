from __future__ import annotations

import pytest

from peer.errors import DecodeError
from peer.rtp import ToneReceived, tones
from peer.rtp.tones import INTERVAL, REPEATS, Report, Tone, Tones
from peer.testing import Link
from peer.tests.rtp.worlds import World, receive_config, send_config, sound


def play(tone: Tone) -> list[tuple[bool, int, Report]]:
    now, said = 0.0, []
    while not tone.is_over:
        said += [(marker, timestamp, tones.pull(data)) for marker, timestamp, data in tone.due(now)]
        now += INTERVAL
    return said


def test_a_tone_is_a_marker_then_updates_then_three_ends() -> None:
    said = play(Tone(5, 110, 1000, 4800, 48000, 0.0))
    assert [marker for marker, _, _ in said] == [True] + [False] * (len(said) - 1)
    assert {timestamp for _, timestamp, _ in said} == {1000}
    assert [report.duration for _, _, report in said] == [960, 1920, 2880, 3840, 4800, 4800, 4800]
    assert [report.end for _, _, report in said] == [False] * 4 + [True] * REPEATS


def test_a_long_tone_goes_on_in_segments() -> None:
    said = play(Tone(5, 110, 0, 100_000, 48000, 0.0))
    assert {timestamp for _, timestamp, _ in said} == {0, 0xFFFF}
    assert said[-1][2].duration == 100_000 - 0xFFFF
    received = Tones()
    told = [report for _, timestamp, one in said for report in received.receive(timestamp, one)]
    assert [report.end for report in told] == [False, True]


def test_an_event_whose_end_was_lost_ends_with_the_next_one() -> None:
    received = Tones()
    told = received.receive(0, Report(1, False, 10, 160)) + received.receive(800, Report(2, False, 10, 160))
    assert [(report.event, report.end) for report in told] == [(1, False), (1, True), (2, False)]


def test_a_late_packet_of_an_older_event_says_nothing() -> None:
    received = Tones()
    received.receive(800, Report(2, False, 10, 160))
    assert received.receive(0, Report(1, True, 10, 160)) == []


def test_a_short_payload_is_a_decode_error() -> None:
    with pytest.raises(DecodeError):
        tones.pull(b"\x01\x02\x03")


def test_tones_travel_in_the_audio_stream() -> None:
    world = World.make(Link(delay=0.02, loss=0.1, seed=2))
    sender = world.a.add_sender(send_config("audio"))
    world.b.add_receiver(receive_config("audio"))
    for number in range(100):
        if number in (10, 40, 70):
            sender.send_tone(number // 10, 200, world.pump.now)
        sender.send(sound(number), world.pump.now)
        world.pump.wait(0.02)
    told = [(event.event, event.ended) for event in world.seen(ToneReceived)]
    assert told == [(1, False), (1, True), (4, False), (4, True), (7, False), (7, True)]
    ends = [event.duration for event in world.seen(ToneReceived) if event.ended]
    assert ends == pytest.approx([0.2] * 3)
    assert not sender.is_playing
