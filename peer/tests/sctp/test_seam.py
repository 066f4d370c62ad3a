"""peer.sctp.seam: transforms and the trace."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from peer import sctp
from peer.testing import Entropy, Pump
from peer.trace import Direction, Entry, Layer
from peer.wire import sctp as wire


def pump_with(transform: Any) -> Pump:
    config = sctp.Config(zero_checksum=False, max_mtu=1188)
    a = sctp.Association(config, entropy=Entropy(1), transform=transform)
    b = sctp.Association(config, entropy=Entropy(2))
    a.connect(0)
    return Pump(a, b)


def sent(pump: Pump) -> list[wire.Packet]:
    return [wire.parse(s.data) for s in pump.transcript if s.side == "a" and s.what == "sent"]


def test_a_chunk_can_be_changed_and_the_checksum_follows() -> None:
    def fewer_streams(message: Any) -> Iterable[Any]:
        yield replace(message, outbound_streams=3) if isinstance(message, wire.Init) else message

    pump = pump_with(fewer_streams)
    pump.run(until=pump.seen(sctp.AssociationEstablished), timeout=5)
    assert pump.b.machine._inbound.stream_count == 3


def test_a_chunk_can_be_dropped_and_what_is_empty_is_not_sent() -> None:
    pump = pump_with(lambda m: () if isinstance(m, wire.Init) else (m,))
    pump.wait(5)
    assert sent(pump) == []


def test_a_packet_can_be_doubled_or_replaced_by_bytes() -> None:
    pump = pump_with(lambda m: (m, b"garbage!") if isinstance(m, wire.Packet) else (m,))
    (first, second) = pump.a.machine.datagrams_to_send(0)
    assert isinstance(wire.parse(first).chunks[0], wire.Init)
    assert second == b"garbage!"


def test_a_wrong_checksum_can_be_sent() -> None:
    pump = pump_with(lambda m: (replace(m, checksum=1),) if isinstance(m, wire.Packet) else (m,))
    pump.wait(3)
    assert {p.checksum for p in sent(pump)} == {1}
    assert pump.b.machine.state is sctp.State.CLOSED


def test_the_trace_sees_both_directions_and_why_something_was_discarded() -> None:
    entries: list[Any] = []
    a = sctp.Association(entropy=Entropy(1), trace=entries.append)
    b = sctp.Association(entropy=Entropy(2))
    pump = Pump(a, b)
    a.connect(0)
    pump.run(until=pump.seen(sctp.AssociationEstablished), timeout=5)
    a.receive_datagram(b"\x13\x88\x13\x88" + bytes(20), 1.0)
    a.receive_datagram(b"short", 1.0)
    assert all(isinstance(e, Entry) and e.layer is Layer.SCTP for e in entries)
    assert {e.direction for e in entries} == set(Direction)
    assert isinstance(entries[0].message, wire.Packet)
    assert isinstance(entries[0].message.chunks[0], wire.Init)
    assert [e.note for e in entries if e.direction is Direction.DISCARDED] == ["verification tag", "too short"]
