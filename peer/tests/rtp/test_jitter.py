"""The buffer: whatever order packets come in, frames come out whole and in order; and it stays bounded."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from peer.rtp.jitter import MAX_MISSING, MAX_PACKETS, FrameBuffer, Gap, Insertion, Unit
from peer.wire import rtp

SIZE = 3  # packets a frame


def packet(number: int, *, size: int = SIZE) -> rtp.Packet:
    return rtp.Packet(96, number & 0xFFFF, number // size * 3000, 1, b"x", number % size == size - 1)


def frames(out: list[Unit | Gap]) -> list[int]:
    return [one.packets[0].timestamp // 3000 for one in out if isinstance(one, Unit)]


@given(st.permutations(range(30)))
def test_any_order_gives_frames_in_order(order: list[int]) -> None:
    buffer = FrameBuffer(video=True)
    buffer.insert(100 * SIZE, packet(100 * SIZE), 0.0)  # the stream has begun
    out = []
    for number in [100 * SIZE + 1, 100 * SIZE + 2, *(101 * SIZE + place for place in order)]:
        buffer.insert(number, packet(number), 0.0)
        out += buffer.take(0.0)
    assert frames(out) == list(range(100, 111))
    assert all(isinstance(one, Unit) and len(one.packets) == SIZE for one in out)


def test_a_packet_lost_is_waited_for_then_told() -> None:
    buffer = FrameBuffer(video=True)
    buffer.wait = 0.2
    for number in (0, 1, 2, 3, 5, 6, 7, 8):
        buffer.insert(number, packet(number), 0.0)
    assert frames(buffer.take(0.19)) == [0]
    assert buffer.next_timeout(requests=False) == 0.2
    gap, *rest = buffer.take(0.2)
    assert gap == Gap(1)
    units = [one for one in rest if isinstance(one, Unit)]
    assert [one.continuous for one in units] == [False, True]
    assert len(units[0].packets) == 1  # what is left of the torn frame


def test_a_packet_that_comes_after_all_closes_the_gap() -> None:
    buffer = FrameBuffer(video=True)
    for number in (0, 1, 2, 3, 5, 6, 7, 8):
        buffer.insert(number, packet(number), 0.0)
    assert frames(buffer.take(0.1)) == [0]
    assert buffer.insert(4, packet(4), 0.1) is Insertion.NEW
    assert frames(buffer.take(0.1)) == [1, 2]


def test_what_comes_too_late_and_what_comes_twice_is_told_apart() -> None:
    buffer = FrameBuffer(video=True)
    for number in range(4):
        buffer.insert(number, packet(number), 0.0)
    buffer.take(0.0)
    assert buffer.insert(1, packet(1), 0.0) is Insertion.LATE
    assert buffer.insert(3, packet(3), 0.0) is Insertion.DUPLICATE


def test_a_frame_without_a_marker_ends_with_the_next_timestamp() -> None:
    buffer = FrameBuffer(video=True)
    for number in range(3):
        buffer.insert(number, rtp.Packet(96, number, 0, 1, b"x"), 0.0)
    assert buffer.take(0.0) == []
    buffer.insert(3, rtp.Packet(96, 3, 3000, 1, b"x"), 0.0)
    (unit,) = buffer.take(0.0)
    assert isinstance(unit, Unit)
    assert len(unit.packets) == 3


def test_padding_takes_a_number_and_no_part_in_a_frame() -> None:
    buffer = FrameBuffer(video=True)
    for number, empty in ((0, True), (1, False), (2, True), (3, False)):
        buffer.insert(number, rtp.Packet(96, number, 0, 1, b"" if empty else b"x", number == 3), 0.0, empty=empty)
    (unit,) = buffer.take(0.0)
    assert isinstance(unit, Unit)
    assert [one.sequence_number for one in unit.packets] == [1, 3]


def test_audio_packets_are_frames() -> None:
    buffer = FrameBuffer(video=False)
    out = []
    for number in (0, 2, 1, 3):
        buffer.insert(number, packet(number, size=1), 0.0)
        out += buffer.take(0.0)
    assert frames(out) == [0, 1, 2, 3]


def test_a_stream_may_begin_before_the_first_packet_that_came() -> None:
    buffer = FrameBuffer(video=True)
    for number in (2, 1, 0):
        buffer.insert(number, packet(number), 0.0)
    assert frames(buffer.take(0.0)) == [0]


def test_missing_packets_are_asked_for_at_once_and_again_after_the_interval() -> None:
    buffer = FrameBuffer(video=True)
    for number in (0, 1, 5):
        buffer.insert(number, packet(number), 1.0)
    assert buffer.overdue_requests(1.0, 0.1) == [2, 3, 4]
    assert buffer.overdue_requests(1.05, 0.1) == []
    buffer.insert(3, packet(3), 1.06)
    assert buffer.overdue_requests(1.1, 0.1) == [2, 4]


def test_a_frame_without_an_end_does_not_grow_for_ever() -> None:
    buffer = FrameBuffer(video=True)
    most = 0
    for number in range(3 * MAX_PACKETS):
        buffer.insert(number, rtp.Packet(96, number & 0xFFFF, 0, 1, b"x"), number * 1e-4)
        buffer.take(number * 1e-4)
        most = max(most, len(buffer._held))
    assert most <= MAX_PACKETS + 1


@given(st.lists(st.integers(0, 1 << 20), max_size=200))
def test_what_is_held_and_missed_is_bounded(numbers: list[int]) -> None:
    buffer = FrameBuffer(video=True)
    for place, number in enumerate(numbers):
        buffer.insert(number, packet(number), place * 0.01)
        buffer.take(place * 0.01)
        assert len(buffer._held) <= MAX_PACKETS + 1
        assert buffer.missing <= MAX_MISSING + 1
    buffer.take(1e6)
    assert buffer.missing == 0
