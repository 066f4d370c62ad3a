from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from peer.rtp.arrivals import INTERVAL, MAX_PACKETS, Arrivals, CongestionArrivals
from peer.rtp.clock import Unwrapper
from peer.wire import rtcp


def told(messages: list[rtcp.TransportFeedback]) -> dict[int, float | None]:
    """Times (s) by unwrapped number, as a reader of the messages takes them."""
    unwrap, times = Unwrapper(16), {}
    for message in messages:
        time = message.reference_time * 0.064
        number = unwrap(message.base)
        for delta in message.deltas:
            time += (delta or 0) * 250e-6
            times[number] = None if delta is None else time
            number += 1
    return times


def test_nothing_is_told_before_it_is_due() -> None:
    arrivals = Arrivals()
    assert arrivals.next_timeout() is None
    arrivals.record(7, 1, 1.0)
    assert arrivals.take(9, 1.0 + INTERVAL / 2) == []
    (message,) = arrivals.take(9, 1.0 + INTERVAL)
    assert (message.ssrc, message.media_ssrc, message.base, message.count) == (9, 1, 7, 0)


@given(st.lists(st.tuples(st.integers(1, 4), st.floats(0, 0.2)), min_size=1, max_size=300), st.integers(0, 0xFFFF))
def test_every_arrival_is_told_with_its_time(steps: list[tuple[int, float]], start: int) -> None:
    arrivals, number, now, expected, messages = Arrivals(), start, 10.0, {}, []
    for step, wait in steps:
        number, now = number + step, now + wait
        arrivals.record(number & 0xFFFF, 1, now)
        expected[number] = now
        messages += arrivals.take(9, now)
    messages += arrivals.take(9, now + 1)
    times = told(
        [message for sent in messages if isinstance(message := rtcp.parse(sent.serialize())[0], rtcp.TransportFeedback)]
    )
    for sequence, time in expected.items():
        seen = times[(sequence - number) + max(times)]
        assert seen is not None
        assert abs(seen - time) <= 0.0005
    assert [message.count for message in messages] == [count & 0xFF for count in range(len(messages))]


def test_what_did_not_come_is_told_as_lost() -> None:
    arrivals = Arrivals()
    for number in (1, 2, 5):
        arrivals.record(number, 1, 1.0)
    (message,) = arrivals.take(9, 2.0)
    assert [delta is not None for delta in message.deltas] == [True, True, False, False, True]


def test_a_long_wait_begins_a_new_message() -> None:
    arrivals = Arrivals()
    arrivals.record(1, 1, 1.0)
    arrivals.record(2, 1, 20.0)
    first, second = arrivals.take(9, 20.0)
    assert (first.base, second.base) == (1, 2)
    assert second.reference_time == int(20.0 / 0.064)


def test_jumps_and_floods_stay_bounded() -> None:
    arrivals = Arrivals()
    for place in range(20_000):
        arrivals.record(place * 7919 & 0xFFFF, 1, 1.0)
        assert len(arrivals._times) <= 4096
    assert all(len(message.deltas) <= MAX_PACKETS for message in arrivals.take(9, 1.0))


def test_rfc8888_reports_each_stream_from_where_the_last_ended() -> None:
    arrivals = CongestionArrivals()
    for number, now in ((65534, 1.0), (65535, 1.01), (1, 1.02)):
        arrivals.record(5, number, now)
    message = arrivals.take(9, 1.1, 0.0)
    assert message is not None
    assert message.timestamp == int(1.1 * 65536)
    (report,) = message.reports
    assert (report.ssrc, report.begin) == (5, 65534)
    assert report.arrivals == ((0, 102), (0, 92), None, (0, 81))
    arrivals.record(5, 3, 1.15)
    following = arrivals.take(9, 1.3, 0.0)
    assert following is not None
    assert following.reports[0].begin == 2
    assert following.reports[0].arrivals == (None, (0, 153))


def test_rfc8888_says_when_it_is_too_long_ago() -> None:
    arrivals = CongestionArrivals()
    arrivals.record(5, 1, 1.0)
    message = arrivals.take(9, 30.0, 0.0)
    assert message is not None
    assert message.reports[0].arrivals == ((0, 0x1FFE),)
