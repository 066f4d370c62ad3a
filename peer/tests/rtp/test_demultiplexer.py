"""RFC 9143 section 9.2: by mid, then SSRC, then payload type."""

from __future__ import annotations

from typing import Any

import pytest

from peer.rtp import Codec, ReceiveConfig, Receiver
from peer.rtp.demultiplexer import MAX_SSRCS, Demultiplexer
from peer.tests.rtp.worlds import OPUS, receive_config, transport
from peer.wire import rtp


def routed(*configs: ReceiveConfig) -> tuple[Demultiplexer, list[Receiver]]:
    one = transport("x")
    for config in configs:
        one.add_receiver(config)
    return one._table, one.receivers


def packet(ssrc: int, payload_type: int, mid: str | None = None, *, number: int = 1) -> rtp.Packet:
    elements = () if mid is None else (rtp.Extension(1, mid.encode()),)
    return rtp.Packet(payload_type, number, 0, ssrc, b"x", extensions=elements)


def two(**second: Any) -> tuple[Demultiplexer, list[Receiver]]:
    """Two video sections with the same payload types."""
    return routed(receive_config(mid="a", key=1), receive_config(**{"mid": "b", "key": 2, **second}))


def test_the_mid_decides_and_its_ssrc_is_remembered() -> None:
    table, (a, b) = two()
    assert table.route(packet(7, 96, "b")) is b
    assert table.route(packet(7, 96)) is b
    assert table.route(packet(8, 96, "a")) is a


def test_a_mid_moves_an_ssrc_but_an_old_packet_does_not_move_it_back() -> None:
    table, (a, b) = two()
    assert table.route(packet(7, 96, "a", number=10)) is a
    assert table.route(packet(7, 96, "b", number=12)) is b
    assert table.route(packet(7, 96, "a", number=11)) is b


def test_an_unknown_mid_is_nobodys_with_or_without_it_in_later_packets() -> None:
    table, _ = routed(receive_config(mid="a"))
    assert "is no m-section's" in str(table.route(packet(7, 96, "z")))
    assert "is no m-section's" in str(table.route(packet(7, 96)))


def test_a_declared_ssrc_needs_no_mid() -> None:
    table, (_, b) = two(ssrcs=(7,), repairs={9: 7})
    assert table.route(packet(7, 96)) is b
    assert table.route(packet(9, 97)) is b


def test_a_payload_type_of_one_section_alone_decides() -> None:
    table, (audio, video) = routed(receive_config("audio", mid="a"), receive_config(mid="v"))
    assert table.route(packet(7, 111)) is audio
    assert table.route(packet(8, 96)) is video


def test_a_payload_type_of_two_sections_decides_nothing() -> None:
    table, _ = two()
    assert isinstance(table.route(packet(7, 96)), str)


def test_an_ssrc_does_not_move_with_its_payload_type() -> None:
    table, (audio, _) = routed(receive_config("audio", mid="a"), receive_config(mid="v"))
    assert table.route(packet(7, 111)) is audio
    assert "not of m-section 'a'" in str(table.route(packet(7, 96)))


def test_an_sdes_item_names_the_mid() -> None:
    table, (_, b) = two()
    table.named(7, "b")
    table.named(8, "nobody")
    assert table.route(packet(7, 96)) is b


@pytest.mark.parametrize("ssrc", [0, 0xFFFFFFFF])
def test_edges_of_the_ssrc(ssrc: int) -> None:
    table, (a,) = routed(receive_config(mid="a"))
    assert table.route(packet(ssrc, 96)) is a


def test_strangers_do_not_fill_the_tables() -> None:
    table, _ = routed(receive_config(mid="a"))
    for ssrc in range(4 * MAX_SSRCS):
        table.route(packet(ssrc, 96, "z" if ssrc % 2 else "a"))
    assert len(table._by_ssrc) <= MAX_SSRCS
    assert len(table._said) <= MAX_SSRCS


def test_a_receiver_that_stops_loses_its_ssrcs() -> None:
    one = transport("x")
    codec = Codec(50, "audio/opus", 48000)
    stopped = one.add_receiver(receive_config("audio", mid="a", codecs=(codec,)))
    one.add_receiver(receive_config("audio", mid="b", codecs=(OPUS,)))
    assert one._table.route(packet(7, 50)) is stopped
    stopped.stop(0.0)
    assert isinstance(one._table.route(packet(7, 50)), str)


def test_what_is_on_its_way_to_a_section_that_ended_is_not_anothers() -> None:
    table, (a, b) = two(ssrcs=(7,))
    table.update([a])
    assert "no longer receives" in str(table.route(packet(7, 96)))
    assert table.route(packet(8, 96)) is a
    table.update([a, b])
    assert table.route(packet(7, 96)) is b


def test_a_section_that_received_keeps_its_streams_from_others() -> None:
    one = transport("x")
    a, b = (one.add_receiver(receive_config(mid=mid, key=key)) for key, mid in enumerate("ab"))
    sent = packet(7, 96, "b")
    assert one._table.route(sent) is b
    b.receive(sent, sent.serialize(), 0.0)
    b.stop(0.0)
    assert isinstance(one._table.route(packet(7, 96)), str)
    assert not b.streams
    again = one.add_receiver(receive_config(mid="b", key=1))
    assert one._table.route(packet(7, 96)) is again
    assert one._table.route(packet(8, 96, "a")) is a


def test_without_a_mid_a_payload_type_still_decides_for_what_is_left() -> None:
    table, (a, b) = routed(receive_config("audio", mid="", key=1), receive_config(mid="", key=2))
    assert table.route(packet(7, 96)) is b
    table.update([a])
    table.update([a, b])
    assert table.route(packet(7, 96)) is b
