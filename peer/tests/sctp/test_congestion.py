"""peer.sctp.congestion: RFC 9260 section 7.2."""

from peer.sctp.congestion import CongestionWindow

PMDCS = 1200


def test_the_initial_window_follows_section_7_2_1() -> None:
    assert CongestionWindow(1200).cwnd == 4404
    assert CongestionWindow(1000).cwnd == 4000
    assert CongestionWindow(3000).cwnd == 6000


def test_slow_start_grows_by_what_was_acknowledged_but_at_most_two_packets() -> None:
    window = CongestionWindow(PMDCS)
    window.acknowledged(500, 4404, 3904)
    assert window.cwnd == 4904
    window.acknowledged(5000, 4904, 0)
    assert window.cwnd == 4904 + 2 * PMDCS


def test_slow_start_after_a_timeout_grows_by_at_most_one_packet() -> None:
    """RFC 3465 section 2.3: what is acknowledged then was partly sent before the time-out."""
    window = CongestionWindow(PMDCS)
    window.cwnd = 6 * PMDCS
    window.timed_out()
    for expected in range(2, 6):
        window.acknowledged(3 * PMDCS, window.cwnd, 0)
        assert window.cwnd == expected * PMDCS
    window.acknowledged(PMDCS, window.cwnd, PMDCS)
    window.lost(100)
    window.advanced(100)
    before = window.cwnd
    window.acknowledged(3 * PMDCS, before, PMDCS)
    assert window.cwnd == before + 2 * PMDCS


def test_congestion_avoidance_grows_only_where_the_window_was_full() -> None:
    window = CongestionWindow(PMDCS)
    window.cwnd, window.ssthresh = 12_000, 11_000
    for _ in range(20):
        window.acknowledged(1200, 11_999, 10_800)
    assert window.cwnd == 12_000
    window.acknowledged(1200, 12_000, 10_800)
    assert window.cwnd == 13_200
    window.acknowledged(10_000, 13_200, 3_200)
    assert window.cwnd == 13_200


def test_a_window_that_is_not_used_does_not_grow() -> None:
    window = CongestionWindow(PMDCS)
    window.acknowledged(1200, 2400, 1200)
    assert window.cwnd == 4404


def test_congestion_avoidance_grows_by_one_packet_a_window() -> None:
    window = CongestionWindow(PMDCS)
    window.cwnd = window.ssthresh = 12_000
    window.ssthresh = 11_000
    for _ in range(9):
        window.acknowledged(1200, 12_000, 10_800)
    assert window.cwnd == 12_000
    window.acknowledged(1200, 12_000, 10_800)
    assert window.cwnd == 13_200


def test_a_loss_halves_the_window_once_until_the_exit_point_is_acknowledged() -> None:
    window = CongestionWindow(PMDCS)
    window.cwnd = 24_000
    assert window.lost(100)
    assert (window.cwnd, window.ssthresh) == (12_000, 12_000)
    assert not window.lost(110)
    assert window.cwnd == 12_000
    window.advanced(99)
    assert window.recovery_exit == 100
    window.advanced(100)
    assert window.lost(120)
    assert window.cwnd == 6000


def test_no_growth_in_fast_recovery() -> None:
    window = CongestionWindow(PMDCS)
    window.lost(100)
    before = window.cwnd
    window.acknowledged(1200, before, before)
    assert window.cwnd == before


def test_a_timeout_leaves_one_packet_and_half_the_window_as_threshold() -> None:
    window = CongestionWindow(PMDCS)
    window.cwnd = 24_000
    window.timed_out()
    assert (window.cwnd, window.ssthresh, window.recovery_exit) == (PMDCS, 12_000, None)


def test_the_threshold_never_falls_below_four_packets() -> None:
    window = CongestionWindow(PMDCS)
    window.timed_out()
    assert window.ssthresh == 4 * PMDCS


def test_idleness_halves_down_to_four_packets() -> None:
    window = CongestionWindow(PMDCS)
    window.cwnd = 20_000
    for expected in (10_000, 5_000, 4_800, 4_800):
        window.idled()
        assert window.cwnd == expected
    assert window.ssthresh == 20_000
