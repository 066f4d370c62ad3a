"""The pump is judged by toy machines whose every move is known beforehand."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field

import pytest

from peer.errors import RemoteProtocolError
from peer.ice.agent.path import Address, Path, Transmission
from peer.testing import Entropy, Lane, Link, Network, Pump, PumpTimeoutError


@dataclass
class Received:
    data: bytes
    time: float


@dataclass
class Talker:
    """Sends `count` numbered datagrams, one every `interval`, and reports what comes."""

    count: int = 0
    interval: float = 1.0
    size: int = 4
    sent: int = 0
    raises: bool = False
    outbox: list[bytes] = field(default_factory=list)
    due: float | None = 0.0

    def receive_datagram(self, data: bytes, now: float) -> list[Received]:
        if self.raises:
            raise RemoteProtocolError("no", code=40)
        return [Received(data, now)]

    def datagrams_to_send(self, now: float) -> list[bytes]:
        out, self.outbox = self.outbox, []
        return out

    def next_timeout(self) -> float | None:
        return self.due if self.sent < self.count else None

    def handle_timeout(self, now: float) -> list[Received]:
        self.outbox.append(self.sent.to_bytes(4, "big").ljust(self.size, b"x"))
        self.sent += 1
        self.due = now + self.interval
        return []


class Stuck(Talker):
    def next_timeout(self) -> float | None:
        return 0.0

    def handle_timeout(self, now: float) -> list[Received]:
        return []


def received(pump: Pump) -> list[int]:
    return [int.from_bytes(event.data[:4], "big") for event in pump.b.events]


def test_datagrams_arrive_in_order_after_the_delay_and_the_run_ends_when_nothing_is_left() -> None:
    pump = Pump(Talker(3), Talker(), link=Link(delay=0.25))
    assert pump.run() == pytest.approx(2.25)
    assert [(event.data[3], event.time) for event in pump.b.events] == [(0, 0.25), (1, 1.25), (2, 2.25)]
    assert pump.idle


def test_until_ends_the_run_and_a_predicate_that_never_holds_is_a_failure_with_the_transcript() -> None:
    pump = Pump(Talker(5), Talker())
    pump.run(until=lambda: len(pump.b.events) == 2)
    assert pump.now == 1.0
    with pytest.raises(PumpTimeoutError, match=r"(?s)nothing is left.*received"):
        pump.run(until=lambda: len(pump.b.events) == 6)
    with pytest.raises(PumpTimeoutError, match="timed out"):
        Pump(Talker(100), Talker()).run(until=lambda: False, timeout=5)


def test_seen_and_wait() -> None:
    a, b = Talker(1), Talker(1)
    pump = Pump(a, b, link=Link(delay=2.0))
    pump.wait(1.0)
    assert (pump.now, pump.seen(Received)()) == (1.0, False)
    pump.run(until=pump.seen(Received))
    assert pump.now == 2.0


def test_a_remote_protocol_error_is_kept_and_the_run_goes_on() -> None:
    pump = Pump(Talker(2), Talker(raises=True))
    pump.run()
    assert [error.code for error in pump.b.errors] == [40, 40]
    assert pump.b.events == []


def test_a_machine_whose_timer_stays_in_the_past_is_a_failure_not_a_hang() -> None:
    with pytest.raises(PumpTimeoutError, match="stands still"):
        Pump(Stuck(), Talker()).run()


def test_the_same_seed_gives_the_same_run_and_another_seed_another() -> None:
    def transcript(seed: int) -> list[str]:
        link = Link(seed=seed, loss=0.2, jitter=0.3, reorder=0.2, duplicate=0.1, corrupt=0.1)
        pump = Pump(Talker(200, 0.01), Talker(), link=link)
        pump.run()
        return list(map(str, pump.transcript))

    assert transcript(1) == transcript(1) != transcript(2)


def test_loss_is_about_what_was_asked() -> None:
    pump = Pump(Talker(2000, 0.01), Talker(), link=Link(loss=0.2, seed=3))
    pump.run(timeout=100)
    assert 1530 < len(pump.b.events) < 1670


def test_burst_losses_come_in_runs() -> None:
    lane = Lane(Link(seed=1, burst_enter=0.05, burst_leave=0.2))
    lost = [not lane.carry(b"x", 0.0) for _ in range(5000)]
    bursts = sum(1 for before, here in itertools.pairwise(lost) if here and not before)
    assert 3.5 < sum(lost) / bursts < 6.5


def test_jitter_keeps_the_order_and_reorder_changes_it() -> None:
    calm = Pump(Talker(300, 0.001), Talker(), link=Link(jitter=0.5))
    calm.run()
    assert received(calm) == list(range(300))
    wild = Pump(Talker(300, 0.001), Talker(), link=Link(reorder=0.1, reorder_delay=0.005))
    wild.run()
    assert sorted(received(wild)) == list(range(300)) != received(wild)


def test_duplicates_and_corruption() -> None:
    pump = Pump(Talker(100), Talker(), link=Link(duplicate=1.0, corrupt=1.0))
    pump.run(timeout=200)
    assert len(pump.b.events) == 200
    for event in pump.b.events[::2]:
        number = int(event.time).to_bytes(4, "big")
        assert (int.from_bytes(number, "big") ^ int.from_bytes(event.data, "big")).bit_count() == 1


def test_rate_and_queue() -> None:
    lane = Lane(Link(rate=1000.0, queue=2500))
    arrivals = [lane.carry(bytes(1000), 0.0) for _ in range(3)]
    assert [a[0].time for a in arrivals if a] == [1.0, 2.0]
    assert lane.why_lost == "queue full"
    assert lane.carry(bytes(1000), 1.5)[0].time == 3.0


def test_mtu_drop_list_outage_and_predicate() -> None:
    assert Lane(Link(mtu=10)).carry(bytes(11), 0.0) == []
    lane = Lane(Link(drop=frozenset({1})))
    assert [bool(lane.carry(b"x", 0.0)) for _ in range(3)] == [True, False, True]
    lane = Lane(Link(outages=((1.0, 2.0),)))
    assert [bool(lane.carry(b"x", time)) for time in (0.9, 1.0, 1.9, 2.0)] == [True, False, False, True]
    lane = Lane(Link(drop_if=lambda data: data == b"no"))
    assert [bool(lane.carry(data, 0.0)) for data in (b"no", b"yes")] == [False, True]


def test_a_one_way_outage_is_a_link_on_one_side_only() -> None:
    pump = Pump(Talker(3), Talker(3), back=Link(outages=((0.0, 99.0),)))
    pump.run()
    assert (len(pump.a.events), len(pump.b.events)) == (0, 3)
    pump.set_link(Link())
    pump.b.machine.count = 4
    pump.run()
    assert len(pump.a.events) == 1


def test_injected_datagrams_arrive_at_once() -> None:
    pump = Pump(Talker(), Talker())
    pump.inject(pump.a, b"boo")
    pump.run()
    assert pump.a.events == [Received(b"boo", 0.0)]


def test_entropy_is_deterministic_and_even() -> None:
    assert Entropy(1)(5) + Entropy(1)(0) == Entropy(1)(5) != Entropy(2)(5)
    source = Entropy("text")
    assert len(source(100)) == 100
    assert 0.45 < sum(source.chance() for _ in range(1000)) / 1000 < 0.55
    assert {source.below(3) for _ in range(100)} == {0, 1, 2}


@dataclass
class Host:
    """Sends what is put into `outbox`; answers nothing."""

    outbox: list[Transmission] = field(default_factory=list)

    def receive_datagram(self, data: bytes, now: float, path: Path) -> list[tuple[bytes, Path]]:
        return [(data, path)]

    def datagrams_to_send(self, now: float) -> list[Transmission]:
        out, self.outbox = self.outbox, []
        return out

    def next_timeout(self) -> float | None:
        return None

    def handle_timeout(self, now: float) -> list[tuple[bytes, Path]]:
        return []


def test_a_network_delivers_by_address_and_tells_the_path_from_the_receivers_side() -> None:
    one, two, other = Address("192.0.2.1", 1), Address("192.0.2.2", 2), Address("192.0.2.3", 3)
    network = Network(link=Link(delay=1.0))
    a, b = network.attach("a", Host(), [one]), network.attach("b", Host(), [two, other])
    for destination in (two, other, Address("192.0.2.9", 9)):
        a.machine.outbox.append(Transmission(b"hi", Path(one, destination)))
    a.machine.outbox.append(Transmission(b"spoofed", Path(other, two)))
    assert network.run() == 1.0
    assert b.events == [(b"hi", Path(two, one)), (b"hi", Path(other, one))]
    assert [step.note for step in network.transcript if step.what == "lost"] == [
        "no way from 192.0.2.1:1 to 192.0.2.9:9",
        "no way from 192.0.2.3:3 to 192.0.2.2:2",
    ]


def test_a_network_blocks_one_direction_and_loses_addresses() -> None:
    one, two = Address("192.0.2.1", 1), Address("192.0.2.2", 2)
    network = Network(links={("b", "a"): Link(delay=3.0)})
    a, b = network.attach("a", Host(), [one]), network.attach("b", Host(), [two])
    network.block(one, two)
    a.machine.outbox.append(Transmission(b"1", Path(one, two)))
    b.machine.outbox.append(Transmission(b"2", Path(two, one)))
    assert network.run() == 3.0
    network.unblock(one, two)
    a.machine.outbox.append(Transmission(b"3", Path(one, two)))
    network.run()
    network.remove_address(two)
    a.machine.outbox.append(Transmission(b"4", Path(one, two)))
    network.run()
    network.inject(b, b"5", Path(two, one))
    network.run()
    assert [data for data, _ in a.events] == [b"2"]
    assert [data for data, _ in b.events] == [b"3", b"5"]
