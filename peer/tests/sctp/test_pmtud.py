"""peer.sctp.pmtud: RFC 8899 with the probes of RFC 4820."""

import pytest

from peer.sctp.pmtud import PathMtu, SearchState
from peer.testing import Link
from peer.tests.sctp.worlds import established, received
from peer.wire import sctp as wire


def search(limit: int, base: int = 1188, ceiling: int = 1412) -> PathMtu:
    """Plays a search on a path that takes packets up to `limit`."""
    path, now = PathMtu(base), 0.0
    path.restart(ceiling, now)
    while path.state is SearchState.SEARCHING and path.deadline is not None:
        now = max(now, path.deadline)
        size = path.probe_due(now, 1.0)
        if size and size <= limit:
            path.confirmed(now, size)
    return path


@pytest.mark.parametrize("limit", [1188, 1200, 1250, 1300, 1391, 1411, 1412, 9000])
def test_the_search_ends_at_most_sixteen_bytes_below_what_the_path_takes(limit: int) -> None:
    path = search(limit)
    assert path.mtu <= limit
    assert min(limit, 1412) - path.mtu < 16
    assert path.state is SearchState.COMPLETE


@pytest.mark.parametrize(
    ("limit", "found"), [(1412, 1412), (1300, 1300), (1440, 1428), (8900, 1448), (9000, 8912), (20_000, 16_384)]
)
def test_beyond_ethernet_the_ceiling_and_the_common_sizes_are_tried(limit: int, found: int) -> None:
    assert 0 <= found - search(limit, ceiling=16_384).mtu < 16


def test_another_path_is_searched_from_the_base() -> None:
    path = search(20_000, ceiling=16_384)
    path.restart(1412, 5.0)
    assert (path.mtu, path.deadline) == (1188, 5.0)
    assert path.probe_due(5.0, 1.0) == 1412


def test_where_base_and_ceiling_are_equal_nothing_is_probed() -> None:
    path = PathMtu(1188, discovers=False)
    path.restart(1412, 0.0)
    assert (path.deadline, path.state) == (None, SearchState.COMPLETE)


def test_a_found_limit_is_questioned_again_after_ten_minutes() -> None:
    path = search(1300)
    assert path.deadline is not None
    assert path.probe_due(path.deadline, 1.0) == 1412


def test_time_outs_in_a_row_mean_a_black_hole() -> None:
    path = search(9000)
    for _ in range(2):
        path.timed_out(5.0)
    path.answered()
    for _ in range(3):
        assert path.mtu == 1412
        path.timed_out(5.0)
    assert path.mtu == 1188


def test_an_acknowledged_probe_of_another_size_changes_nothing() -> None:
    path = PathMtu(1188)
    path.restart(1412, 0.0)
    path.probe_due(0.0, 1.0)
    path.confirmed(0.0, 1300)
    assert path.mtu == 1188


@pytest.mark.parametrize("limit", [1200, 1350, 1500])
def test_an_association_fills_the_packets_that_the_path_takes(limit: int) -> None:
    pump = established(link=Link(delay=0.01, mtu=limit), max_mtu=1412)
    pump.wait(60)
    pump.a.machine.send(1, 53, bytes(20_000), now=pump.now)
    pump.run(until=lambda: len(received(pump.b)) == 1, timeout=10)
    sizes = [len(s.data) for s in pump.transcript if s.side == "a" and s.what == "sent" and s.data[12] == 0]
    assert min(limit, 1412) - 16 < max(sizes) <= limit
    assert not pump.a.errors


def test_a_probe_is_a_padded_heartbeat_and_its_loss_is_no_error() -> None:
    pump = established(link=Link(delay=0.01, mtu=1200), max_mtu=1412, max_retransmits=1)
    pump.wait(100)
    lost = [s.data for s in pump.transcript if s.what == "lost"]
    assert lost
    for data in lost:
        assert [type(c) for c in wire.parse(data).chunks] == [wire.Heartbeat, wire.Pad]
        assert wire.parse(data).checksum == wire.crc32c(data)
    assert pump.a.machine.state == "established"
    assert pump.a.machine._transmission.congestion.cwnd >= 4404


def test_a_path_that_shrinks_is_survived() -> None:
    pump = established(link=Link(delay=0.01), max_mtu=1412, rto_max=1.0)
    pump.wait(5)
    assert pump.a.machine._transmission.mtu == 1412
    pump.set_link(Link(delay=0.01, mtu=1200))
    pump.wait(1)
    for _ in range(3):
        pump.a.machine.send(1, 53, b"small", now=pump.now)
    pump.run(until=lambda: len(received(pump.b)) == 3, timeout=30)


@pytest.mark.parametrize(("theirs", "found"), [(1412, 16_384), (1188, 1412)])
def test_larger_packets_than_ethernets_are_tried_with_a_peer_that_knows_probes(theirs: int, found: int) -> None:
    pump = established(link=Link(delay=0.01), max_mtu=1412, b={"max_mtu": theirs})
    pump.a.machine.path_changed(65_536, pump.now)
    pump.wait(1)
    assert pump.a.machine._transmission.mtu == found
    pump.a.machine.path_changed(1412, pump.now)
    pump.wait(1)
    assert pump.a.machine._transmission.mtu == 1412
