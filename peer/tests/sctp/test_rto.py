"""peer.sctp.rto: RFC 9260 section 6.3.1."""

import pytest

from peer.sctp.rto import RetransmissionTimeout


def rto(minimum: float = 0.001) -> RetransmissionTimeout:
    return RetransmissionTimeout(initial=1.0, minimum=minimum, maximum=60.0)


def test_before_any_measurement_it_is_the_initial_one() -> None:
    assert rto().value == 1.0


def test_the_first_measurement_gives_three_times_it() -> None:
    timeout = rto()
    timeout.measure(0.2)
    assert (timeout.srtt, timeout.rttvar, timeout.value) == pytest.approx((0.2, 0.1, 0.6))


def test_a_further_measurement_is_weighted_by_alpha_and_beta() -> None:
    timeout = rto()
    timeout.measure(0.2)
    timeout.measure(0.4)
    assert timeout.rttvar == pytest.approx(0.75 * 0.1 + 0.25 * 0.2)
    assert timeout.srtt == pytest.approx(7 / 8 * 0.2 + 1 / 8 * 0.4)
    assert timeout.value == pytest.approx(0.225 + 4 * 0.125)


def test_it_stays_between_minimum_and_maximum() -> None:
    timeout = rto(minimum=0.4)
    timeout.measure(0.001)
    assert timeout.value == 0.4
    timeout.measure(1000)
    assert timeout.value == 60


def test_backing_off_doubles_up_to_the_maximum_and_a_measurement_ends_it() -> None:
    timeout = rto()
    for expected in (2, 4, 8, 16, 32, 60, 60):
        timeout.back_off()
        assert timeout.value == expected
    timeout.measure(0.2)
    assert timeout.value == pytest.approx(0.6)


def test_the_variance_never_becomes_zero() -> None:
    timeout = rto()
    for _ in range(200):
        timeout.measure(0.1)
    assert timeout.value > 0.1
