"""One bundle's transport stack, in virtual time."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from peer import datachannel, dtls, sctp, session
from peer.ice import agent as ice
from peer.ice.agent import Address, Path
from peer.testing import Entropy, Link, Network, Side
from peer.trace import Direction, Entry, Layer

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SWEEP = int(os.environ.get("PEERPROOF_SWEEP", "2000"))
HERE, THERE = Address("192.0.2.1", 1000), Address("192.0.2.2", 2000)


def certificate(seed: str) -> dtls.Certificate:
    return dtls.Certificate.generate(now=NOW, lifetime=timedelta(days=30), entropy=Entropy(seed))


CERTIFICATES = {name: certificate(name) for name in "ab"}


@dataclass
class End:
    """One side: its session, and what the network says of it."""

    name: str
    address: Address
    session: session.Session
    side: Side

    def seen(self, kind: type) -> list[Any]:
        return [event for event in self.side.events if isinstance(event, kind)]


def make(name: str, *, controlling: bool, **options: Any) -> session.Session:
    def config(fingerprints: tuple[dtls.Fingerprint, ...]) -> dtls.Config:
        return dtls.Config(certificate=CERTIFICATES[name], remote_fingerprints=fingerprints)

    parameters = ice.Parameters.generate(Entropy(name))
    return session.Session(
        session.Config(ice.Config(controlling=controlling, local=parameters), config),
        entropy=Entropy(f"{name} session"),
        **options,
    )


def connect(
    network: Network, *, before: Callable[[End, End], None] = lambda a, b: None, **options: Any
) -> tuple[End, End]:
    """Two sessions that know everything of each other but have not sent a datagram yet."""
    made = {name: make(name, controlling=name == "a", **options) for name in "ab"}
    ends = {
        name: End(name, address, made[name], network.attach(name, made[name], [address]))
        for name, address in (("a", HERE), ("b", THERE))
    }
    a, b = ends["a"], ends["b"]
    before(a, b)
    for mine, theirs in ((a, b), (b, a)):
        signal_ice(mine, theirs)
        signal_dtls(mine, theirs)
        signal_sctp(mine)
    return a, b


def candidate(address: Address) -> ice.Candidate:
    return ice.Candidate("1", 1, "udp", 2130706431, address, ice.CandidateType.HOST, base=address)


def signal_ice(mine: End, theirs: End) -> None:
    agent = mine.session.ice
    for events in (
        agent.add_local_candidate(candidate(mine.address), 0.0),
        agent.end_of_local_candidates(0.0),
        agent.set_remote_parameters(theirs.session.ice.local_parameters, 0.0),
        agent.add_remote_candidate(candidate(theirs.address), 0.0),
        agent.add_remote_candidate(None, 0.0),
    ):
        mine.side.events += mine.session.take_ice(events, 0.0)


def signal_dtls(mine: End, theirs: End, fingerprint: dtls.Fingerprint | None = None) -> None:
    role = dtls.Role.CLIENT if mine.name == "b" else dtls.Role.SERVER
    expected = fingerprint or CERTIFICATES[theirs.name].fingerprint()
    mine.side.events += mine.session.negotiate_dtls(role, (expected,), 0.0)


def signal_sctp(mine: End) -> None:
    mine.session.negotiate_sctp(sctp.Config(remote_max_message_size=0), 0.0)


def up(*ends: End) -> Callable[[], bool]:
    return lambda: all(end.seen(datachannel.AssociationEstablished) for end in ends)


@pytest.mark.parametrize(
    "link",
    [
        Link(),
        Link(delay=0.05),
        Link(loss=0.15, seed=3),
        Link(loss=0.1, reorder=0.1, duplicate=0.1, delay=0.02, jitter=0.02, seed=5),
    ],
    ids=["perfect", "slow", "lossy", "bad"],
)
def test_messages_arrive_over_any_link(link: Link) -> None:
    network = Network(link=link)
    a, b = connect(network)
    network.run(until=up(a, b), timeout=60)
    assert a.session.channels is not None
    number = a.session.channels.open("chat", now=network.now)
    for text in ("one", "", "x" * 5000):
        a.session.channels.send(number, text, network.now)
    network.run(until=lambda: len(b.seen(datachannel.MessageReceived)) == 3, timeout=60)
    assert [event.data for event in b.seen(datachannel.MessageReceived)] == ["one", "", "x" * 5000]


@pytest.mark.parametrize(("link_mtu", "found"), [(1500, 1444), (None, 1448)])
def test_sctp_packets_fill_an_ethernet_frame_and_no_more(link_mtu: int | None, found: int) -> None:
    """1500 bytes less IPv4, UDP and DTLS 1.3; less a TURN channel where the local link has the limit."""
    network = Network(link=Link(delay=0.01, mtu=1472))
    a, b = connect(network)
    for end in (a, b):
        end.session.path_changed(link_mtu, 0.0)
    network.run(until=up(a, b), timeout=10)
    network.run(timeout=1)
    assert a.session.channels is not None
    assert a.session.channels.association._transmission.mtu == found


def test_dtls_waits_for_a_path_and_the_order_is_right() -> None:
    network = Network()
    a, b = connect(network)
    network.run(until=up(a, b), timeout=10)
    for end in (a, b):
        kinds = [type(event) for event in end.side.events]
        wanted = [ice.SelectedPairChanged, session.DtlsStarted, dtls.HandshakeCompleted]
        wanted.append(datachannel.AssociationEstablished)
        assert [kind for kind in kinds if kind in wanted] == wanted


def test_a_client_hello_that_comes_before_the_fingerprint_is_kept() -> None:
    network = Network()
    made = {name: make(name, controlling=name == "a") for name in "ab"}
    a = End("a", HERE, made["a"], network.attach("a", made["a"], [HERE]))
    b = End("b", THERE, made["b"], network.attach("b", made["b"], [THERE]))
    signal_ice(a, b)
    signal_ice(b, a)
    signal_dtls(b, a)  # the client knows everything, the server waits for its answer
    signal_sctp(b)
    network.run(until=lambda: len(a.session._early) > 0, timeout=10)
    assert a.session.dtls is None
    signal_dtls(a, b)
    signal_sctp(a)
    network.run(until=up(a, b), timeout=10)


def test_dtls_from_an_address_that_ice_does_not_know_is_discarded() -> None:
    """A stranger may neither start a handshake before the other side does, nor break the one under way."""
    network = Network()
    a, b = connect(network)
    stranger = Path(b.address, Address("198.51.100.1", 999))
    hello = dtls.Connection(dtls.Config(CERTIFICATES["a"]), dtls.Role.CLIENT, entropy=Entropy("stranger"))
    hello.start(0.0)
    for end in (a, b):
        path = stranger._replace(local=end.address)
        said = [(data, path) for data in hello.datagrams_to_send(0.0)] or [(b"\x15\xfe\xfd" + bytes(12), path)]
        assert end.session.receive_datagrams(said, network.now) == []
        assert end.session.counters.discarded == len(said)
    network.run(until=lambda: bool(a.seen(dtls.HandshakeCompleted) and b.seen(dtls.HandshakeCompleted)), timeout=10)
    assert not a.seen(session.DtlsFailed)
    assert not b.seen(session.DtlsFailed)


def test_what_is_kept_early_is_bounded() -> None:
    alone = make("a", controlling=True)
    path = Path(HERE, THERE)
    alone.receive_datagrams([(bytes([22, 254, 253, number % 256]) * 10, path) for number in range(1000)], 0.0)
    assert len(alone._early) == session.EARLY_DATAGRAMS


def test_a_wrong_fingerprint_ends_it_with_an_event_on_both_sides() -> None:
    network = Network()
    made = {name: make(name, controlling=name == "a") for name in "ab"}
    a = End("a", HERE, made["a"], network.attach("a", made["a"], [HERE]))
    b = End("b", THERE, made["b"], network.attach("b", made["b"], [THERE]))
    signal_ice(a, b)
    signal_ice(b, a)
    signal_dtls(a, b, CERTIFICATES["a"].fingerprint())
    signal_dtls(b, a)
    network.run(until=lambda: bool(a.seen(session.DtlsFailed) and b.seen(session.DtlsFailed)), timeout=10)
    (mine,), (theirs,) = a.seen(session.DtlsFailed), b.seen(session.DtlsFailed)
    assert (mine.fingerprint, mine.sent_alert) == (True, 42)
    assert (theirs.fingerprint, theirs.received_alert) == (False, 42)


def test_a_restart_of_dtls_ends_the_association() -> None:
    network = Network()
    a, b = connect(network)
    network.run(until=up(a, b), timeout=10)
    for mine, theirs in ((a, b), (b, a)):
        role = dtls.Role.CLIENT if mine.name == "b" else dtls.Role.SERVER
        expected = CERTIFICATES[theirs.name].fingerprint()
        mine.side.events += mine.session.restart_dtls(role, (expected,), network.now)
        assert mine.seen(datachannel.AssociationAborted)
        signal_sctp(mine)
    network.run(until=lambda: all(len(end.seen(dtls.HandshakeCompleted)) == 2 for end in (a, b)), timeout=10)
    network.run(until=lambda: all(len(end.seen(datachannel.AssociationEstablished)) == 2 for end in (a, b)), timeout=10)


def test_close_says_goodbye_once() -> None:
    network = Network()
    a, b = connect(network)
    network.run(until=up(a, b), timeout=10)
    a.session.close(network.now)
    network.run(until=lambda: bool(b.seen(datachannel.AssociationAborted)), timeout=10)
    network.run(until=lambda: bool(b.seen(dtls.ConnectionClosed)), timeout=10)


@pytest.mark.parametrize("first", [4, 19, 64, 79, 127, 192, 255])
def test_first_bytes_that_are_nobodys(first: int) -> None:
    """RFC 7983 section 7."""
    entries: list[Entry] = []
    alone = make("a", controlling=True, trace=entries.append)
    assert alone.receive_datagrams([(bytes([first, 1, 2]), Path(HERE, THERE))], 1.0) == []
    assert alone.counters.discarded == 1
    data = bytes([first, 1, 2])
    assert [(entry.direction, entry.data) for entry in entries] == [
        (Direction.RECEIVED, data),
        (Direction.DISCARDED, data),
    ]


def test_every_datagram_is_traced_with_its_path() -> None:
    entries: list[Any] = []
    network = Network()
    a, b = connect(network, trace=entries.append)
    network.run(until=up(a, b), timeout=10)
    datagrams = [one for one in entries if isinstance(one, Entry) and one.layer is Layer.DATAGRAM]
    sent = [one for one in datagrams if one.direction is Direction.SENT]
    received = [one for one in datagrams if one.direction is Direction.RECEIVED]
    assert len(sent) >= len(received) > 10
    assert {one.message.local for one in sent} == {HERE, THERE}
    assert {one.data for one in received} <= {one.data for one in sent}


def test_the_datagram_seam_is_last() -> None:
    dropped = []

    def drop_dtls(transmission: ice.Transmission) -> tuple[ice.Transmission, ...]:
        if transmission.data[0] >= 20:
            dropped.append(transmission.data)
            return ()
        return (transmission,)

    network = Network()
    a, b = connect(network, transforms=session.Transforms(datagram=drop_dtls))
    network.run(until=lambda: len(dropped) >= 3, timeout=10)
    assert not a.seen(dtls.HandshakeCompleted)
    assert not b.seen(dtls.HandshakeCompleted)


def recorded() -> tuple[list[bytes], End, End, Network]:
    """Every datagram of a set-up and a few messages."""
    said: list[bytes] = []

    def keep(transmission: ice.Transmission) -> tuple[ice.Transmission, ...]:
        said.append(transmission.data)
        return (transmission,)

    network = Network()
    a, b = connect(network, transforms=session.Transforms(datagram=keep))
    network.run(until=up(a, b), timeout=10)
    assert a.session.channels is not None
    number = a.session.channels.open("chat", now=network.now)
    a.session.channels.send(number, "text", network.now)
    network.run(until=lambda: bool(b.seen(datachannel.MessageReceived)), timeout=10)
    return said, a, b, network


def test_no_mutation_of_a_recorded_session_raises_or_harms_a_live_peer() -> None:
    """Truncations and single-byte changes of every datagram, into a connected session: discarded, or an event."""
    said, _, b, network = recorded()
    chance = Entropy("mutations")
    path = Path(THERE, HERE)
    for _ in range(SWEEP):
        data = bytearray(said[chance.below(len(said))])
        if chance.below(2):
            del data[chance.below(len(data)) :]
        elif data:
            data[chance.below(len(data))] = chance.below(256)
        b.session.receive_datagrams([(bytes(data), path)], network.now)
        b.session.datagrams_to_send(network.now)
    assert b.session.channels is not None
    assert b.session.dtls is not None
    assert not b.session._dead  # an established DTLS connection discards what doesn't authenticate


def test_after_a_goodbye_nothing_is_due_and_nothing_raises() -> None:
    network = Network()
    a, b = connect(network)
    network.run(until=up(a, b), timeout=10)
    assert b.session.dtls is not None
    b.session.dtls.close(network.now)
    network.run(until=lambda: bool(a.seen(dtls.ConnectionClosed)), timeout=10)
    assert a.session.channels is not None
    number = a.session.channels.open("late", now=network.now)
    a.session.channels.send(number, "nobody hears it", network.now)
    for later in (1.0, 10.0, 60.0):
        a.session.handle_timeout(network.now + later)
        assert all(one.data[0] < 4 for one in a.session.datagrams_to_send(network.now + later))


def test_a_link_that_begins_to_corrupt_is_got_over() -> None:
    """Corrupted records are discarded (RFC 9147 section 4.5.2) and their contents sent again."""
    network = Network()
    a, b = connect(network)
    network.run(until=up(a, b), timeout=10)
    network.link = Link(corrupt=0.2, delay=0.01, seed=11)
    assert a.session.channels is not None
    number = a.session.channels.open("chat", now=network.now)
    for text in ("one", "x" * 20000):
        a.session.channels.send(number, text, network.now)
    network.run(until=lambda: len(b.seen(datachannel.MessageReceived)) == 2, timeout=60)
    assert [event.data for event in b.seen(datachannel.MessageReceived)] == ["one", "x" * 20000]
    assert not network_errors(a, b)


def network_errors(*ends: End) -> list[Any]:
    """What a session raised: never anything."""
    return [error for end in ends for error in end.side.errors]
