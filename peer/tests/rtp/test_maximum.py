"""RFC 5104 section 4.2 and 3.5.4: temporary maximum bit rates."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from peer.rtp import TargetBitrateChanged
from peer.rtp.maximum import Maximum, bounding
from peer.tests.rtp.test_control import Mouth
from peer.tests.rtp.test_sender import Ear
from peer.tests.rtp.worlds import send_config, transport
from peer.wire import rtcp
from peer.wire.rtcp import MaximumRate

# Section 3.5.4.2's example: A asks for 35 kbit/s with 40 bytes a packet, B for 40 kbit/s with 60.
A, B = MaximumRate(1, 35_000, 40), MaximumRate(2, 40_000, 60)


def test_tuples_of_either_axis_bound_the_region() -> None:
    """They cross at 5000 / (8 * 20) = 31.25 packets a second, below the 83 where B leaves nothing for media."""
    assert bounding([B, A]) == [A, B]


def test_a_tuple_above_another_everywhere_does_not_bound() -> None:
    assert bounding([A, MaximumRate(3, 50_000, 40)]) == [A]
    assert bounding([A, MaximumRate(3, 90_000, 50)]) == [A]
    assert bounding([MaximumRate(3, 35_000, 30), A]) == [A]
    assert bounding([]) == []


RATES = st.builds(MaximumRate, st.integers(1, 1 << 30), st.integers(0, 10_000_000), st.integers(0, 511))


@given(st.lists(RATES, max_size=8, unique_by=lambda one: one.ssrc), st.floats(0, 5000))
def test_the_set_is_as_strict_as_all_of_them(rates: list[MaximumRate], packets: float) -> None:
    def allowed(some: list[MaximumRate]) -> float:
        return max(0.0, min((one.bitrate - 8 * one.overhead * packets for one in some), default=0.0))

    assert allowed(bounding(rates)) == pytest.approx(allowed(rates), abs=1e-3)


def test_a_limit_falls_at_once_and_rises_two_round_trips_later() -> None:
    maximum = Maximum()
    assert maximum.limit(0.0) is None
    maximum.asked(9, MaximumRate(1, 60_000), 1.0, 0.1)
    assert maximum.limit(1.0) == 60_000
    maximum.asked(9, MaximumRate(1, 90_000), 2.0, 0.1)
    assert (maximum.limit(2.1), maximum.limit(2.3)) == (60_000, 90_000)
    assert maximum.left(9, 3.0, 0.1)
    assert (maximum.limit(3.1), maximum.limit(3.3)) == (90_000, None)
    assert not maximum.left(9, 3.0, 0.1)


def test_a_request_is_obeyed_and_confirmed_once() -> None:
    a = transport("a")
    ear = Ear(a)
    mouth = Mouth(a)
    a.add_sender(send_config())
    request = rtcp.MaximumRequest(9, (MaximumRate(0x1000, 64_000, 40),))
    assert TargetBitrateChanged(64_000) in mouth.says(request)
    mouth.says(request)
    a.datagrams_to_send(0.0)
    told = [one for packets in ear.rtcp for one in packets if isinstance(one, rtcp.MaximumNotification)]
    assert told == [rtcp.MaximumNotification(0x1000, (MaximumRate(9, 64_000, 40),))]
    mouth.says(rtcp.Bye((9,)))
    a.datagrams_to_send(0.1)
    assert ear.rtcp[-1][-1] == rtcp.MaximumNotification(0x1000, ())


def test_a_request_about_somebody_else_is_not_ours() -> None:
    a = transport("a")
    mouth = Mouth(a)
    a.add_sender(send_config())
    assert mouth.says(rtcp.MaximumRequest(9, (MaximumRate(0x77, 64_000),))) == []
