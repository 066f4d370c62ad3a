"""peer.sctp.association: the public face, packets in and out; mutated packets; breakages of the past."""

import os

import pytest

from peer import sctp
from peer.errors import LocalProtocolError, RemoteProtocolError
from peer.sctp import State
from peer.testing import Entropy, Link
from peer.tests.sctp.worlds import Stranger, established, pair, received
from peer.wire import sctp as wire
from peer.wire.sctp_tlv import OutgoingReset, Parameter, ParameterType

MUTATIONS = int(os.environ.get("PEERPROOF_SWEEP", "6000"))


# What the user may do


def test_an_empty_message_cannot_be_sent() -> None:
    with pytest.raises(LocalProtocolError, match="0 bytes"):
        established().a.machine.send(0, 51, b"", now=0)


def test_a_message_beyond_the_peers_limit_cannot_be_sent() -> None:
    pump = established(remote_max_message_size=1000)
    assert pump.a.machine.max_message_size == 1000
    pump.a.machine.send(0, 51, bytes(1000), now=0)
    with pytest.raises(LocalProtocolError, match="1001 bytes"):
        pump.a.machine.send(0, 51, bytes(1001), now=0)


@pytest.mark.parametrize("stream", [-1, 65_535, 70_000])
def test_a_stream_that_does_not_exist_cannot_be_used(stream: int) -> None:
    with pytest.raises(LocalProtocolError, match="no stream"):
        established().a.machine.send(stream, 51, b"x", now=0)


def test_nothing_can_be_sent_once_shutdown_was_asked_for() -> None:
    pump = established()
    pump.a.machine.shutdown(pump.now)
    with pytest.raises(LocalProtocolError):
        pump.a.machine.send(0, 51, b"x", now=pump.now)


def test_an_association_that_ended_does_not_come_back() -> None:
    pump = established()
    pump.a.machine.abort(pump.now)
    pump.run(until=pump.seen(sctp.AssociationAborted), timeout=5)
    with pytest.raises(LocalProtocolError):
        pump.a.machine.connect(pump.now)
    assert pump.a.machine.next_timeout() is None
    assert pump.a.machine.datagrams_to_send(pump.now) == []


def test_what_was_queued_is_gone_with_the_association() -> None:
    pump = established()
    pump.a.machine.send(0, 51, bytes(100_000), now=pump.now)
    pump.a.machine.abort(pump.now)
    assert pump.a.machine.buffered == 0


def test_a_bytearray_may_be_reused_after_sending() -> None:
    pump = established()
    data = bytearray(b"before")
    pump.a.machine.send(0, 51, data, now=pump.now)
    data[:] = b"after!"
    pump.run(until=lambda: [e.data for e in received(pump.b)] == [b"before"], timeout=5)


def test_the_buffered_amount_falls_as_bytes_leave_and_is_reported() -> None:
    pump = established(link=Link(delay=0.01))
    pump.a.machine.send(3, 51, bytes(50_000), now=pump.now)
    assert pump.a.machine.buffered_amount(3) == pump.a.machine.buffered == 50_000
    assert pump.a.machine.buffered_amount(4) == 0
    pump.run(until=lambda: len(received(pump.b)) == 1, timeout=5)
    assert pump.a.machine.buffered_amount(3) == 0
    assert sctp.BufferedAmountChanged(3) in pump.a.events


def test_a_message_of_many_megabytes_passes() -> None:
    pump = established(link=Link(delay=0.001), keep_transcript=False)
    data = os.urandom(1024) * 8192
    pump.a.machine.send(0, 53, data, now=pump.now)
    pump.run(until=lambda: len(received(pump.b)) == 1, timeout=60)
    assert received(pump.b)[0].data == data


def test_priorities_share_the_path() -> None:
    pump = established(link=Link(delay=0.01, rate=500_000, queue=1 << 20), interleaving=True)
    for stream, priority in ((1, 128), (2, 1024)):
        pump.a.machine.set_priority(stream, priority)
        for _ in range(40):
            pump.a.machine.send(stream, 53, bytes(10_000), now=pump.now)
    pump.run(until=lambda: sum(e.stream_id == 2 for e in received(pump.b)) >= 30, timeout=60)
    assert sum(e.stream_id == 1 for e in received(pump.b)) <= 8


# Breakages of the past, of this and other implementations


@pytest.mark.parametrize(
    "kind", [wire.ChunkType.INIT, wire.ChunkType.HEARTBEAT, wire.ChunkType.RECONFIG, wire.ChunkType.ERROR]
)
def test_a_parameter_of_length_zero_does_not_loop(kind: int) -> None:
    stranger = Stranger().meet(wire.ChunkType.RECONFIG)
    body = stranger.init().serialize()[4:] if kind == wire.ChunkType.INIT else b""
    raw = wire.Unknown(kind, 0, body + b"\x80\x08\0\0" * 3).serialize()
    assert stranger.say(raw, tag=0 if kind == wire.ChunkType.INIT else None) == []
    assert stranger.association.state is State.ESTABLISHED


@pytest.mark.parametrize("length", [0, 1, 2, 3])
def test_a_chunk_of_length_below_four_ends_the_packet_only(length: int) -> None:
    stranger = Stranger().meet()
    stranger.say(stranger.data(), bytes([0, 3, 0, length]) + bytes(12))
    stranger.say(stranger.data(1, ssn=1))
    assert stranger.messages() == [b"data", b"data"]


def test_overlapping_fragments_deliver_nothing_twice() -> None:
    stranger = Stranger().meet()
    stranger.say(stranger.data(0, b"a", flags=2), stranger.data(0, b"A", flags=3), stranger.data(1, b"b", flags=1))
    stranger.say(stranger.data(1, b"B", flags=3))
    assert stranger.messages() == [b"ab"]


def test_data_behind_the_cookie_echo_in_one_packet_is_taken() -> None:
    stranger = Stranger()
    (answer,) = stranger.say(stranger.init(), tag=0)
    stranger.peer_tag = answer.tag
    stranger.say(wire.CookieEcho(answer.cookie), stranger.data())
    assert stranger.messages() == [b"data"]


def test_a_reset_of_all_65535_streams_fits_its_packets() -> None:
    pump = established(link=Link(delay=0.001))
    pump.a.machine.reset_streams(tuple(range(2000)), pump.now)
    pump.run(
        until=lambda: sum(len(e.streams) for e in pump.a.events if isinstance(e, sctp.OutgoingStreamsReset)) == 2000,
        timeout=20,
    )
    assert max(len(s.data) for s in pump.transcript) <= 1188


def test_after_a_protocol_error_a_later_packet_raises_nothing() -> None:
    stranger = Stranger().meet()
    with pytest.raises(RemoteProtocolError):
        stranger.say(stranger.data(data=b""))
    stranger.listen()
    stranger.say(stranger.data())
    assert sum(isinstance(e, sctp.AssociationAborted) for e in stranger.events) == 1


# Mutated packets


def seeds() -> list[wire.Packet]:
    """A packet of each kind, as an established peer may say it."""
    stranger = Stranger(interleaving=False).meet(wire.ChunkType.RECONFIG, wire.ChunkType.FORWARD_TSN)
    tag = stranger.peer_tag
    chunks: list[tuple[wire.Chunk, ...]] = [
        (stranger.data(0, bytes(100)),),
        (stranger.data(1, b"ab", flags=2), stranger.data(2, b"cd", flags=0), stranger.data(3, b"ef", flags=1)),
        (stranger.data(9, b"far", ssn=4, flags=3 | 4 | 8),),
        (wire.Sack(stranger.peer_tsn, 1000, ((2, 3), (5, 6)), (7,)),),
        (wire.Heartbeat((Parameter(1, b"info"),)), wire.Sack(stranger.peer_tsn + 1, 100_000)),
        (wire.HeartbeatAck((Parameter(1, b"info"),)),),
        (wire.Abort(),),
        (wire.Shutdown(stranger.peer_tsn),),
        (wire.ShutdownAck(),),
        (wire.Error(),),
        (wire.CookieEcho(bytes(73)),),
        (wire.CookieAck(),),
        (wire.Reconfig((OutgoingReset(stranger.tsn, stranger.peer_tsn - 1, stranger.tsn + 3, (0, 1)),)),),
        (wire.ForwardTsn(stranger.tsn + 2, (wire.SkippedStream(0, 1),)),),
        (wire.Unknown(0xC9, 0, b"unknown"), wire.Pad(8)),
    ]
    packets = [wire.Packet(5000, 5000, tag, c) for c in chunks]
    extensions = Parameter(ParameterType.SUPPORTED_EXTENSIONS, b"\x82\xc0\x40")
    return [*packets, wire.Packet(5000, 5000, 0, (stranger.init(extensions),))]


@pytest.mark.timeout(3600)
def test_mutated_packets_raise_protocol_errors_or_nothing_and_memory_is_bounded() -> None:
    """Whatever comes through a valid DTLS connection. `PEERPROOF_SWEEP` sets how many packets."""
    draw = Entropy("mutations")
    packets = [packet.serialize() for packet in seeds()]
    stranger = None
    for count in range(MUTATIONS):
        if stranger is None or stranger.association.state is State.CLOSED or count % 500 == 0:
            stranger = Stranger(receive_window=50_000, heartbeat_interval=0.0).meet(
                wire.ChunkType.RECONFIG, wire.ChunkType.FORWARD_TSN
            )
            stranger.association.send(0, 51, bytes(5000), now=stranger.now)
            stranger.listen()
        data = mutate(packets[draw.below(len(packets))], draw)
        try:
            stranger.hand(wire.with_checksum(data[:8] + bytes(4) + data[12:]) if len(data) >= 12 else data)
        except RemoteProtocolError:
            stranger.listen()
        if count % 50 == 0:
            stranger.wait(1.0)
            judge_memory(stranger)


def mutate(data: bytes, draw: Entropy) -> bytes:
    mutated = bytearray(data)
    for _ in range(draw.below(4)):
        what, at = draw.below(4), 12 + draw.below(max(len(mutated) - 12, 1))
        if what == 0 and at < len(mutated):
            mutated[at] = draw.below(256)
        elif what == 1 and at < len(mutated):
            mutated[at] ^= 1 << draw.below(8)
        elif what == 2:
            del mutated[at : at + 1 + draw.below(8)]
        else:
            mutated[at:at] = draw(1 + draw.below(8))
    return bytes(mutated)


def judge_memory(stranger: Stranger) -> None:
    association = stranger.association
    inbound = association._inbound
    assert len(association._bundle) < 100
    assert len(association._outbox) < 100
    if inbound is not None:
        assert inbound.reassembly.counted + inbound.waiting_bytes <= 60_000
        assert len(inbound._ranges) < 1000
        assert len(inbound._duplicates) <= 32


def test_every_truncation_of_every_packet_is_survived() -> None:
    for packet in seeds():
        data = packet.serialize()
        stranger = Stranger().meet(wire.ChunkType.RECONFIG, wire.ChunkType.FORWARD_TSN)
        for size in range(12, len(data)):
            try:
                stranger.hand(wire.with_checksum(data[:8] + bytes(4) + data[12:size]))
            except RemoteProtocolError:
                stranger = Stranger().meet(wire.ChunkType.RECONFIG, wire.ChunkType.FORWARD_TSN)


def test_random_bytes_are_discarded() -> None:
    stranger = Stranger().meet()
    draw = Entropy("noise")
    for size in range(200):
        assert stranger.hand(draw(size)) == []


def test_nothing_is_sent_before_connect() -> None:
    pump = pair()
    assert pump.a.machine.datagrams_to_send(0) == []
    assert pump.a.machine.next_timeout() is None
