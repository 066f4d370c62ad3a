"""peer.datachannel: RFC 8831 and RFC 8832, in virtual time."""

from collections.abc import Iterable
from typing import Any

import pytest

from peer import sctp
from peer.datachannel import (
    EVENTS,
    AssociationClosed,
    AssociationEstablished,
    BufferedAmountReduced,
    ChannelAnnounced,
    ChannelClosed,
    ChannelClosing,
    ChannelOpened,
    Channels,
    ChannelState,
    MessageReceived,
)
from peer.errors import LocalProtocolError
from peer.testing import Entropy, Link, Pump, Side
from peer.trace import Direction, Entry, Layer
from peer.wire import dcep
from peer.wire import sctp as wire
from peer.wire.dcep import Ppid

CLEAN = Link(delay=0.01)


def pair(*, link: Link = CLEAN, a: dict[str, Any] | None = None, **config: Any) -> Pump:
    """Two sides that have met; `a` is the DTLS client."""
    config = {"remote_max_message_size": 0, "max_mtu": 1188, **config}
    sides = [
        Channels(sctp.Association(sctp.Config(**config), entropy=Entropy("a")), "client", **(a or {})),
        Channels(sctp.Association(sctp.Config(**config), entropy=Entropy("b")), "server"),
    ]
    pump = Pump(*sides, link=link)
    for side in sides:
        side.connect(0)
    pump.run(until=pump.seen(AssociationEstablished), timeout=60)
    return pump


def of(side: Side, kind: type) -> list[Any]:
    return [event for event in side.events if isinstance(event, kind)]


def messages(side: Side) -> list[str | bytes]:
    return [event.data for event in of(side, MessageReceived)]


def raw(pump: Pump, stream: int, ppid: int, data: bytes) -> None:
    """A says something on a stream, past its own data channels."""
    pump.a.machine.association.send(stream, ppid, data, now=pump.now)


# Opening


def test_every_event_type_is_listed() -> None:
    assert all(isinstance(kind, type) for kind in EVENTS)
    assert len(EVENTS) == 10


def test_the_dtls_client_takes_even_ids_and_the_server_odd_ones() -> None:
    pump = pair()
    assert [pump.a.machine.open(now=pump.now) for _ in range(3)] == [0, 2, 4]
    assert [pump.b.machine.open(now=pump.now) for _ in range(3)] == [1, 3, 5]


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"ordered": False},
        {"max_retransmits": 0},
        {"max_retransmits": 65_535, "ordered": False},
        {"max_packet_life_time": 500},
        {"max_packet_life_time": 0, "ordered": False},
        {"priority": 1024},
    ],
)
def test_a_channel_is_announced_with_all_it_was_opened_with(options: dict[str, Any]) -> None:
    pump = pair()
    pump.a.machine.open("läbel", "pröto", **options, now=pump.now)
    pump.run(until=lambda: pump.a.seen(ChannelOpened), timeout=5)
    expected = {"ordered": True, "max_retransmits": None, "max_packet_life_time": None, "priority": 256, **options}
    assert of(pump.b, ChannelAnnounced) == [ChannelAnnounced(0, "läbel", "pröto", **expected)]


def test_label_and_protocol_of_65535_bytes() -> None:
    pump = pair()
    pump.a.machine.open("l" * 65_535, "ü" * 32_767, now=pump.now)
    pump.run(until=lambda: pump.b.seen(ChannelAnnounced), timeout=10)
    (announced,) = of(pump.b, ChannelAnnounced)
    assert (announced.label, announced.protocol) == ("l" * 65_535, "ü" * 32_767)


def test_messages_may_follow_the_open_at_once_even_before_the_association_stands() -> None:
    a = Channels(sctp.Association(entropy=Entropy(1)), "client")
    b = Channels(sctp.Association(entropy=Entropy(2)), "server")
    channel = a.open("early", now=0)
    a.send(channel, "first", 0)
    a.connect(0)
    b.connect(0)
    pump = Pump(a, b, link=CLEAN)
    pump.run(until=lambda: messages(pump.b) == ["first"], timeout=5)


def test_a_negotiated_channel_says_nothing_and_works_on_both_sides() -> None:
    pump = pair()
    for side in pump.sides:
        assert side.machine.open(negotiated=True, id=7, now=pump.now) == 7
    pump.a.machine.send(7, "to b", pump.now)
    pump.b.machine.send(7, b"to a", pump.now)
    pump.run(until=lambda: bool(messages(pump.a) and messages(pump.b)), timeout=5)
    assert (messages(pump.a), messages(pump.b)) == ([b"to a"], ["to b"])
    assert of(pump.b, ChannelAnnounced) == []


def test_an_id_that_is_taken_or_impossible_cannot_be_opened() -> None:
    pump = pair()
    pump.a.machine.open(id=4, now=pump.now)
    for taken in (4, -1, 65_535):
        with pytest.raises(LocalProtocolError):
            pump.a.machine.open(id=taken, now=pump.now)
    with pytest.raises(LocalProtocolError, match="not by both"):
        pump.a.machine.open(max_retransmits=1, max_packet_life_time=1, now=pump.now)


def test_65535_negotiated_channels() -> None:
    pump = pair()
    for side in pump.sides:
        for number in range(65_535):
            side.machine.open(negotiated=True, id=number, now=pump.now)
    with pytest.raises(LocalProtocolError, match="no stream id is free"):
        pump.a.machine.open(now=pump.now)
    for number in (0, 1, 40_000, 65_534):
        pump.a.machine.send(number, str(number), pump.now)
    pump.run(until=lambda: len(messages(pump.b)) == 4, timeout=5)
    assert [(e.channel, e.data) for e in of(pump.b, MessageReceived)] == [(n, str(n)) for n in (0, 1, 40_000, 65_534)]


def test_an_unordered_channel_sends_in_order_until_the_peer_has_spoken() -> None:
    pump = pair()
    channel = pump.a.machine.open(ordered=False, now=pump.now)
    pump.a.machine.send(channel, "before", pump.now)
    pump.run(until=lambda: pump.a.seen(ChannelOpened), timeout=5)
    pump.a.machine.send(channel, "after", pump.now)
    pump.run(until=lambda: len(messages(pump.b)) == 2, timeout=5)
    chunks = [c for s in pump.transcript if s.side == "a" and s.what == "sent" for c in wire.parse(s.data).chunks]
    assert [c.flags & 4 for c in chunks if isinstance(c, wire.Data)] == [0, 0, 4]


# What breaks the rules of opening


def test_an_open_with_our_own_parity_is_not_acknowledged_and_the_stream_is_closed() -> None:
    pump = pair()
    raw(pump, 1, Ppid.DCEP, dcep.Open(0, 256, 0, "wrong", "").serialize())
    pump.wait(1)
    assert of(pump.b, ChannelAnnounced) == []
    chunks = [c for s in pump.transcript if s.side == "b" and s.what == "sent" for c in wire.parse(s.data).chunks]
    assert any(isinstance(c, wire.Reconfig) for c in chunks)
    assert not any(isinstance(c, wire.Data) for c in chunks)


def test_a_second_open_on_an_open_stream_closes_it() -> None:
    pump = pair()
    channel = pump.a.machine.open(now=pump.now)
    raw(pump, channel, Ppid.DCEP, dcep.Open(0, 256, 0, "again", "").serialize())
    pump.run(until=lambda: all(s.seen(ChannelClosed) for s in pump.sides), timeout=5)
    assert len(of(pump.b, ChannelAnnounced)) == 1


@pytest.mark.parametrize(
    "data", [b"\x03", b"\x01hello", b"\x03\x7f" + bytes(10), b"\x03\x00" + bytes(6) + b"\0\1\0\0\xff"]
)
def test_a_malformed_open_closes_the_stream(data: bytes) -> None:
    pump = pair()
    raw(pump, 0, Ppid.DCEP, data)
    pump.wait(1)
    assert of(pump.b, ChannelAnnounced) == []
    channel = pump.b.machine.channel(0)
    assert channel is not None
    assert channel.state is ChannelState.CLOSING


def test_user_data_on_an_unused_stream_closes_the_stream() -> None:
    pump = pair()
    raw(pump, 6, Ppid.STRING, b"hello?")
    pump.wait(1)
    assert messages(pump.b) == []
    assert of(pump.b, ChannelClosing) == []


def test_an_ack_nobody_asked_for_on_an_open_channel_changes_nothing() -> None:
    pump = pair()
    channel = pump.a.machine.open(now=pump.now)
    pump.run(until=lambda: pump.a.seen(ChannelOpened), timeout=5)
    raw(pump, channel, Ppid.DCEP, dcep.Ack().serialize())
    pump.wait(1)
    assert of(pump.b, ChannelOpened) == []
    assert of(pump.b, ChannelClosing) == []


def test_an_unknown_ppid_closes_the_channel() -> None:
    pump = pair()
    channel = pump.a.machine.open(now=pump.now)
    raw(pump, channel, 999, b"?")
    pump.run(until=lambda: all(s.seen(ChannelClosed) for s in pump.sides), timeout=5)
    assert of(pump.b, ChannelClosing) == [ChannelClosing(channel)]


# Messages


def test_text_binary_and_empty_messages_arrive_as_what_they_were() -> None:
    pump = pair()
    channel = pump.a.machine.open(now=pump.now)
    said: list[str | bytes] = ["text", b"binary", "", b"", "ünïcödé 🎈", bytes(range(256)) * 100]
    for message in said:
        pump.a.machine.send(channel, message, pump.now)
    pump.run(until=lambda: len(messages(pump.b)) == len(said), timeout=5)
    assert messages(pump.b) == said


def test_an_empty_message_is_one_zero_byte_with_its_own_ppid() -> None:
    pump = pair()
    channel = pump.a.machine.open(negotiated=True, id=0, now=pump.now)
    pump.a.machine.send(channel, "", pump.now)
    pump.a.machine.send(channel, b"", pump.now)
    assert pump.a.machine.buffered_amount(channel) == 0
    (packet,) = [wire.parse(data) for data in pump.a.machine.datagrams_to_send(pump.now)]
    assert [(c.ppid, c.data) for c in packet.chunks if isinstance(c, wire.Data)] == [(56, b"\0"), (57, b"\0")]


def test_the_deprecated_partial_ppids_are_put_together() -> None:
    pump = pair()
    channel = pump.a.machine.open(now=pump.now)
    raw(pump, channel, Ppid.STRING_PARTIAL, "hä".encode()[:2])
    raw(pump, channel, Ppid.STRING, "hä".encode()[2:])
    raw(pump, channel, Ppid.BINARY_PARTIAL, b"1")
    raw(pump, channel, Ppid.BINARY, b"2")
    pump.run(until=lambda: len(messages(pump.b)) == 2, timeout=5)
    assert messages(pump.b) == ["hä", b"12"]


def test_a_message_beyond_the_peers_limit_is_refused() -> None:
    pump = pair(remote_max_message_size=100)
    channel = pump.a.machine.open(now=pump.now)
    with pytest.raises(LocalProtocolError, match="101 bytes"):
        pump.a.machine.send(channel, "ä" * 50 + "x", pump.now)


def test_the_buffered_amount_counts_user_bytes_only_and_falls_to_zero() -> None:
    pump = pair()
    channel = pump.a.machine.open("a label that is not counted", now=pump.now)
    pump.a.machine.send(channel, b"x" * 50_000, pump.now)
    pump.a.machine.send(channel, "", pump.now)
    assert pump.a.machine.buffered_amount(channel) == 50_000
    pump.run(until=lambda: len(messages(pump.b)) == 2, timeout=5)
    reduced = of(pump.a, BufferedAmountReduced)
    assert sum(e.size for e in reduced) == 50_000
    assert reduced[-1].amount == pump.a.machine.buffered_amount(channel) == 0


def test_a_channel_that_is_not_read_closes_the_window_and_the_sender_waits() -> None:
    pump = pair(receive_window=100_000)
    channel = pump.a.machine.open(now=pump.now)
    pump.run(until=lambda: pump.b.seen(ChannelAnnounced), timeout=5)
    pump.b.machine.pause(channel)
    for _ in range(50):
        pump.a.machine.send(channel, bytes(10_000), pump.now)
    pump.wait(30)
    assert messages(pump.b) == []
    assert pump.a.machine.buffered_amount(channel) > 350_000
    held = pump.b.machine.resume(channel)
    assert 5 <= len(held) <= 12
    pump.run(until=lambda: len(messages(pump.b)) + len(held) == 50, timeout=60)


def test_limited_channels_lose_messages_and_reliable_ones_do_not() -> None:
    pump = pair(link=Link(loss=0.2, delay=0.02, seed=3))
    kinds = [{}, {"max_retransmits": 0}, {"max_packet_life_time": 50, "ordered": False}]
    channels = [pump.a.machine.open(**kind, now=pump.now) for kind in kinds]
    for number in range(100):
        for channel in channels:
            pump.a.machine.send(channel, f"{number}", pump.now)
        pump.wait(0.05)
    pump.wait(30)
    got = {c: [int(e.data) for e in of(pump.b, MessageReceived) if e.channel == c] for c in channels}
    assert got[channels[0]] == list(range(100))
    assert 20 < len(got[channels[1]]) < 100
    assert got[channels[1]] == sorted(set(got[channels[1]]))
    assert len(set(got[channels[2]])) == len(got[channels[2]])


# Closing


def test_closing_resets_both_directions_and_frees_the_id() -> None:
    pump = pair()
    channel = pump.a.machine.open("one", now=pump.now)
    pump.a.machine.send(channel, "last words", pump.now)
    pump.a.machine.close(channel, pump.now)
    pump.run(until=lambda: all(s.seen(ChannelClosed) for s in pump.sides), timeout=5)
    assert messages(pump.b) == ["last words"]
    kinds = [type(e) for e in pump.b.events if isinstance(e, ChannelClosing | ChannelClosed | MessageReceived)]
    assert kinds == [MessageReceived, ChannelClosing, ChannelClosed]
    assert of(pump.a, ChannelClosing) == []
    assert pump.a.machine.open("two", now=pump.now) == channel
    pump.a.machine.send(channel, "reused", pump.now)
    pump.run(until=lambda: messages(pump.b)[-1] == "reused", timeout=5)
    assert [e.label for e in of(pump.b, ChannelAnnounced)] == ["one", "two"]


def test_both_sides_close_at_once() -> None:
    pump = pair()
    channel = pump.a.machine.open(now=pump.now)
    pump.run(until=lambda: pump.a.seen(ChannelOpened), timeout=5)
    for side in pump.sides:
        side.machine.close(channel, pump.now)
    pump.run(until=lambda: all(s.seen(ChannelClosed) for s in pump.sides), timeout=5)
    assert [len(of(s, ChannelClosed)) for s in pump.sides] == [1, 1]


def test_closing_twice_is_as_good_as_once_and_sending_is_over() -> None:
    pump = pair()
    channel = pump.a.machine.open(now=pump.now)
    pump.a.machine.close(channel, pump.now)
    pump.a.machine.close(channel, pump.now)
    with pytest.raises(LocalProtocolError, match="not open"):
        pump.a.machine.send(channel, "x", pump.now)
    pump.run(until=lambda: all(s.seen(ChannelClosed) for s in pump.sides), timeout=5)
    with pytest.raises(LocalProtocolError, match="no channel"):
        pump.a.machine.close(channel, pump.now)


def test_closing_before_the_association_stands() -> None:
    a = Channels(sctp.Association(entropy=Entropy(1)), "client")
    b = Channels(sctp.Association(entropy=Entropy(2)), "server")
    channel = a.open("short-lived", now=0)
    a.close(channel, 0)
    a.connect(0)
    b.connect(0)
    pump = Pump(a, b, link=CLEAN)
    pump.run(until=lambda: all(s.seen(ChannelClosed) for s in pump.sides), timeout=5)


def test_without_stream_reset_a_channel_is_closed_and_its_id_stays_used() -> None:
    pump = pair(reconfiguration=False)
    channel = pump.a.machine.open(now=pump.now)
    pump.a.machine.close(channel, pump.now)
    pump.run(until=lambda: pump.a.seen(ChannelClosed), timeout=5)
    assert pump.a.machine.open(now=pump.now) != channel


@pytest.mark.parametrize("seed", range(10))
def test_channels_open_send_and_close_at_random_on_a_bad_link(seed: int) -> None:
    pump = pair(
        link=Link(loss=0.1, delay=0.02, jitter=0.02, reorder=0.1, duplicate=0.05, seed=seed),
        rto_max=2.0,
        max_retransmits=100,
    )
    draw = Entropy(f"random {seed}")
    said: dict[int, list[str]] = {0: [], 1: []}
    for number in range(60):
        index = draw.below(2)
        side = pump.sides[index].machine
        channel = side.open(str(number), now=pump.now)
        for part in range(draw.below(4)):
            text = f"{number}.{part} " + "x" * draw.below(5000)
            side.send(channel, text, pump.now)
            said[index].append(text)
        side.close(channel, pump.now)
        pump.wait(draw.chance() * 0.1)
    pump.run(until=lambda: all(len(of(s, ChannelClosed)) == 60 for s in pump.sides), timeout=300)
    for index in (0, 1):
        assert sorted(map(str, messages(pump.sides[1 - index]))) == sorted(said[index])


# The association


def test_a_restart_closes_every_channel() -> None:
    pump = pair()
    channel = pump.a.machine.open(now=pump.now)
    pump.run(until=lambda: pump.a.seen(ChannelOpened), timeout=5)
    fresh = Channels(sctp.Association(entropy=Entropy("again")), "client")
    fresh.connect(pump.now)
    again = Pump(fresh, pump.b.machine, start=pump.now)
    again.run(until=lambda: again.a.seen(AssociationEstablished), timeout=5)
    assert of(again.b, ChannelClosed) == [ChannelClosed(channel)]


def test_shutdown_delivers_what_is_queued_and_ends_with_one_event() -> None:
    pump = pair()
    channel = pump.a.machine.open(now=pump.now)
    pump.a.machine.send(channel, bytes(50_000), pump.now)
    pump.a.machine.shutdown(pump.now)
    pump.run(until=pump.seen(AssociationClosed), timeout=5)
    assert messages(pump.b) == [bytes(50_000)]
    assert of(pump.b, ChannelClosed) == []


def test_dcep_passes_the_seam_and_the_trace() -> None:
    entries: list[Entry] = []

    def louder(message: dcep.Message) -> Iterable[dcep.Message | bytes]:
        yield dcep.Open(0, 1, 0, message.label.upper(), "") if isinstance(message, dcep.Open) else message

    pump = pair(a={"transform": louder, "trace": entries.append})
    pump.a.machine.open("quiet", now=pump.now)
    pump.run(until=lambda: pump.a.seen(ChannelOpened), timeout=5)
    assert of(pump.b, ChannelAnnounced)[0].label == "QUIET"
    assert [(e.layer, e.direction, type(e.message)) for e in entries] == [
        (Layer.DCEP, Direction.SENT, dcep.Open),
        (Layer.DCEP, Direction.RECEIVED, dcep.Ack),
    ]
