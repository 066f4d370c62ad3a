"""The bad link on real sockets, with two agents at its ends."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.net.link_relay import LinkRelay, ipv4_host, replaced
from peer.ice.agent import Address, Candidate, CandidateType, Config, State, Transmission
from peer.ice.edge import Options, Selection
from peer.testing import Link
from peer.tests.ice.driving import Driver

IPV4 = Selection(hosts=("127.0.0.1",))


def join(relay: LinkRelay) -> tuple[Driver, Driver]:
    """Two peers who only ever hear of the relay."""
    a, b = Driver(Config(controlling=True), Options(selection=IPV4)), Driver(Config(), Options(selection=IPV4))

    def pass_on(to: Driver, told: Candidate | None) -> None:
        if told is not None:
            to.add_remote(told)

    a.on_local = lambda candidate: pass_on(b, relay.stand_in_for_a(candidate)) if candidate else b.add_remote(None)
    b.on_local = lambda candidate: pass_on(a, relay.stand_in_for_b(candidate)) if candidate else a.add_remote(None)
    a.do(a.agent.set_remote_parameters(b.agent.local_parameters, a.loop.time()))
    b.do(b.agent.set_remote_parameters(a.agent.local_parameters, b.loop.time()))
    a.gatherer.start()
    b.gatherer.start()
    return a, b


def send(driver: Driver, *words: bytes) -> None:
    path = driver.agent.selected_path
    assert path is not None
    driver.gatherer.send([Transmission(b"\x80" + word, path) for word in words])


async def test_two_peers_connect_through_loss_and_delay_and_only_through_the_relay() -> None:
    relay = LinkRelay(Link(loss=0.2, delay=0.02, jitter=0.01, seed=3))
    a, b = join(relay)
    await a.reach(State.COMPLETED)
    await b.reach(State.COMPLETED)
    pair = a.agent.selected_pair
    assert pair is not None
    assert pair.current_round_trip_time is not None
    assert pair.current_round_trip_time >= 0.04
    hosts = [known for known in b.agent.local_candidates if known.type is CandidateType.HOST]
    assert pair.path.remote not in {candidate.address for candidate in hosts}
    for driver in (a, b):
        driver.close()
    relay.close()
    forth, back = relay.counts
    assert forth.received == forth.delivered + sum(forth.lost.values())
    assert back.delivered > 0


async def test_the_weather_can_change_one_way_and_by_an_exact_list() -> None:
    relay = LinkRelay()
    a, b = join(relay)
    await a.reach(State.COMPLETED)
    await b.reach(State.COMPLETED)
    relay.set_links(Link(drop=frozenset({0, 2})), Link())
    send(a, b"0", b"1", b"2", b"3")
    await b.until(lambda: len(b.data) == 2)
    assert b.data == [b"\x801", b"\x803"]
    send(b, b"back")
    await a.until(lambda: a.data == [b"\x80back"])
    assert relay.counts[0].lost == {"on the drop list": 2}
    for driver in (a, b):
        driver.close()
    relay.close()


@pytest.mark.parametrize(
    "text",
    [
        "candidate:1 1 tcp 1 127.0.0.1 9 typ host tcptype active",
        "candidate:1 1 udp 1 ::1 5000 typ host",
        "candidate:1 1 udp 1 name.local 5000 typ host",
        "candidate:1 1 udp 1 203.0.113.1 5000 typ srflx raddr 127.0.0.1 rport 5000",
    ],
)
async def test_what_would_lead_around_the_relay_is_not_passed_on(text: str) -> None:
    relay = LinkRelay()
    assert relay.stand_in_for_a(Candidate.parse(text)) is None
    first = relay.stand_in_for_a(Candidate.parse("candidate:1 1 udp 1 127.0.0.1 5000 typ host"))
    assert first is not None
    assert relay.stand_in_for_a(Candidate.parse("candidate:2 1 udp 1 127.0.0.1 5001 typ host")) is None
    relay.close()


HOST = "a=candidate:1 1 udp 2130706431 192.0.2.1 5000 typ host"
RELAY = "a=candidate:2 1 udp 100 192.0.2.9 6000 typ relay raddr 192.0.2.1 rport 5000"
SDP = f"v=0\r\n{HOST}\r\na=candidate:broken\r\n{RELAY}\r\na=end-of-candidates\r\n"


def moved(candidate: Candidate) -> Candidate | None:
    return replace(candidate, address=Address("127.0.0.1", 7)) if candidate.type == "host" else None


def test_candidates_stand_for_the_link_or_disappear() -> None:
    changed = replaced(SDP, moved)
    assert "a=candidate:1 1 udp 2130706431 127.0.0.1 7 typ host" in changed
    assert ipv4_host(changed) == "127.0.0.1"
    assert "typ relay" not in changed
    assert changed.splitlines()[0] == "v=0"
    assert changed.endswith("a=end-of-candidates\r\n")
    assert "broken" not in changed
