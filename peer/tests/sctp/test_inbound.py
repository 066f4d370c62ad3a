"""peer.sctp.inbound: DATA in, SACK out (RFC 9260 sections 6.2, 6.6, 6.7; RFC 3758 section 3.6; RFC 8260)."""

import pytest

from peer import sctp
from peer.errors import RemoteProtocolError
from peer.tests.sctp.worlds import Stranger
from peer.wire import sctp as wire
from peer.wire.sctp_tlv import Cause, CauseCode, Parameter, ParameterType

FORWARD, INTERLEAVED = wire.ChunkType.FORWARD_TSN, (wire.ChunkType.I_DATA, wire.ChunkType.I_FORWARD_TSN)
UNORDERED = 4
BEGIN, MIDDLE, END = 2, 0, 1


def sacks(chunks: list[wire.Chunk]) -> list[wire.Sack]:
    return [chunk for chunk in chunks if isinstance(chunk, wire.Sack)]


# Acknowledging


def test_the_first_packet_of_an_association_is_acknowledged_at_once() -> None:
    stranger = Stranger().meet()
    assert len(sacks(stranger.say(stranger.data()))) == 1


def test_one_packet_is_acknowledged_after_the_delay_and_not_before() -> None:
    stranger = Stranger(sack_delay=0.2, tsn=999).meet()
    stranger.say(stranger.data())
    stranger.tsn = 1000
    assert sacks(stranger.say(stranger.data(ssn=1))) == []
    assert sacks(stranger.wait(0.19)) == []
    (sack,) = sacks(stranger.wait(0.02))
    assert (sack.cumulative_tsn, sack.gaps, sack.duplicates) == (stranger.tsn, (), ())


def test_every_second_packet_is_acknowledged_at_once() -> None:
    stranger = Stranger().meet()
    answers = [len(sacks(stranger.say(stranger.data(i, ssn=i)))) for i in range(6)]
    assert answers == [1, 0, 1, 0, 1, 0]


def test_the_i_bit_asks_for_a_sack_at_once() -> None:
    stranger = Stranger().meet()
    assert len(sacks(stranger.say(stranger.data(flags=3 | 8)))) == 1


def test_a_gap_is_reported_at_once_with_every_packet_until_it_is_filled() -> None:
    stranger = Stranger().meet()
    stranger.say(stranger.data(0), stranger.data(1, ssn=1))
    for offset, gaps in ((3, ((2, 2),)), (4, ((2, 3),)), (6, ((2, 3), (5, 5)))):
        (sack,) = sacks(stranger.say(stranger.data(offset, ssn=offset)))
        assert (sack.cumulative_tsn, sack.gaps) == (stranger.tsn + 1, gaps)
    (sack,) = sacks(stranger.say(stranger.data(2, ssn=2)))
    assert (sack.cumulative_tsn, sack.gaps) == (stranger.tsn + 4, ((2, 2),))
    (sack,) = sacks(stranger.say(stranger.data(5, ssn=5)))
    assert (sack.cumulative_tsn, sack.gaps) == (stranger.tsn + 6, ())
    assert len(stranger.messages()) == 7


def test_duplicates_are_reported_at_once_and_delivered_once() -> None:
    stranger = Stranger().meet()
    stranger.say(stranger.data(), stranger.data(1, ssn=1))
    (sack,) = sacks(stranger.say(stranger.data()))
    assert sack.duplicates == (stranger.tsn,)
    (sack,) = sacks(stranger.say(stranger.data(3, ssn=3), stranger.data(3, ssn=3)))
    assert sack.duplicates == (stranger.tsn + 3,)
    assert len(stranger.messages()) == 2


def test_data_that_leaves_takes_the_delayed_sack_along() -> None:
    stranger = Stranger().meet()
    stranger.association.send(0, 51, b"echo", now=stranger.now)
    sack, data = stranger.say(stranger.data())
    assert isinstance(sack, wire.Sack)
    assert isinstance(data, wire.Data)


def test_the_delayed_sack_goes_along_behind_other_control_chunks() -> None:
    stranger = Stranger().meet()
    stranger.say(stranger.data())
    assert stranger.say(stranger.data(1, ssn=1)) == []
    stranger.association.send(0, 51, b"echo", now=stranger.now)
    said = stranger.say(wire.Heartbeat((Parameter(ParameterType.HEARTBEAT_INFO, b"info"),)))
    assert [type(chunk) for chunk in said] == [wire.HeartbeatAck, wire.Sack, wire.Data]


def test_a_batch_of_packets_is_acknowledged_by_one_sack() -> None:
    stranger = Stranger().meet()
    for i in range(10):
        packet = wire.Packet(5000, 5000, stranger.peer_tag, (stranger.data(i, ssn=i),))
        stranger.association.receive_datagram(packet.serialize(), stranger.now)
    (sack,) = sacks(stranger.listen())
    assert sack.cumulative_tsn == stranger.tsn + 9


def test_more_gaps_than_fit_stay_within_one_packet() -> None:
    stranger = Stranger().meet()
    for i in range(0, 2000, 2):
        stranger.say(stranger.data(i + 1, ssn=i + 1))
    packet = stranger.packets[-1]
    assert len(packet.serialize()) <= 1188
    assert len(packet.chunks[0].gaps) == (1188 - 12 - 16) // 4


# Order


def test_ordered_messages_wait_for_their_turn_and_unordered_ones_do_not() -> None:
    stranger = Stranger().meet()
    stranger.say(stranger.data(1, b"second", ssn=1))
    stranger.say(stranger.data(2, b"free", flags=3 | UNORDERED))
    assert stranger.messages() == [b"free"]
    stranger.say(stranger.data(0, b"first"))
    assert stranger.messages() == [b"free", b"first", b"second"]


def test_a_missing_message_holds_up_its_own_stream_only() -> None:
    stranger = Stranger().meet()
    stranger.say(stranger.data(1, b"other", stream=2))
    assert stranger.messages() == [b"other"]


def test_tsn_and_ssn_wrap() -> None:
    stranger = Stranger(tsn=0xFFFFFFF0).meet()
    for i in range(70_000):
        packet = wire.Packet(5000, 5000, stranger.peer_tag, (stranger.data(i, b"%d" % i, ssn=i & 0xFFFF),))
        stranger.events += stranger.association.receive_datagram(packet.serialize(), stranger.now)
        if i % 100 == 0:
            stranger.listen()
    assert stranger.messages() == [b"%d" % i for i in range(70_000)]
    assert stranger.association._inbound is not None
    assert sacks(stranger.listen())[-1].cumulative_tsn == (stranger.tsn + 69_999) & 0xFFFFFFFF


# Fragments


def test_a_message_whose_last_fragment_comes_first() -> None:
    stranger = Stranger().meet()
    stranger.say(stranger.data(2, b"c", flags=END))
    stranger.say(stranger.data(1, b"b", flags=MIDDLE))
    stranger.say(stranger.data(0, b"a", flags=BEGIN))
    assert stranger.messages() == [b"abc"]


def test_a_message_without_its_end_holds_nothing_else_up() -> None:
    stranger = Stranger().meet()
    stranger.say(stranger.data(0, b"a", flags=BEGIN))
    stranger.say(stranger.data(1, b"whole", stream=2))
    stranger.say(stranger.data(2, b"z", flags=END))
    assert stranger.messages() == [b"whole"]
    assert stranger.association._inbound.reassembly.under_delivery == 0


def test_data_without_user_data_ends_the_association_with_its_tsn() -> None:
    stranger = Stranger().meet()
    with pytest.raises(RemoteProtocolError) as caught:
        stranger.say(stranger.data(data=b""))
    assert caught.value.code == CauseCode.NO_USER_DATA
    (abort,) = stranger.listen()
    assert abort == wire.Abort((Cause(CauseCode.NO_USER_DATA, stranger.tsn.to_bytes(4, "big")),))


def test_data_on_a_stream_that_does_not_exist_is_acknowledged_and_reported() -> None:
    stranger = Stranger(inbound_streams=5).meet()
    answers = stranger.say(stranger.data(stream=5, flags=3 | 8))
    assert wire.Error((Cause(CauseCode.INVALID_STREAM, b"\0\5\0\0"),)) in answers
    assert sacks(answers)[0].cumulative_tsn == stranger.tsn
    assert stranger.messages() == []


def test_a_message_longer_than_we_take_ends_the_association() -> None:
    stranger = Stranger(max_message_size=2000).meet()
    stranger.say(stranger.data(0, bytes(1000), flags=BEGIN))
    stranger.say(stranger.data(1, bytes(1000), flags=MIDDLE))
    with pytest.raises(RemoteProtocolError) as caught:
        stranger.say(stranger.data(2, bytes(1), flags=END))
    assert caught.value.code == CauseCode.OUT_OF_RESOURCE


# The window


def test_the_window_shrinks_by_what_waits_and_opens_again() -> None:
    stranger = Stranger(receive_window=10_000).meet()
    (sack,) = sacks(stranger.say(stranger.data(1, bytes(1000), ssn=1)))
    assert sack.a_rwnd < 9_000
    (sack,) = sacks(stranger.say(stranger.data(0, bytes(1000), flags=3 | 8)))
    assert sack.a_rwnd == 10_000


def test_a_full_window_takes_nothing_new_but_fills_holes() -> None:
    stranger = Stranger(receive_window=5_000).meet()
    for i in range(1, 10):
        stranger.say(stranger.data(i, bytes(1000), ssn=i))
    top = stranger.packets[-1].chunks[0]
    assert top.a_rwnd < 1200
    assert top.gaps == ((2, 5),)
    stranger.say(stranger.data(0, bytes(1000), ssn=0))
    assert len(stranger.messages()) == 5


def test_a_long_message_does_not_close_the_window_it_needs() -> None:
    stranger = Stranger(receive_window=5_000).meet()
    for i in range(50):
        stranger.say(stranger.data(i, bytes(1000), flags=BEGIN if i == 0 else END if i == 49 else MIDDLE))
    assert [len(m) for m in stranger.messages()] == [50_000]


def test_a_user_that_does_not_read_closes_the_window_and_opening_it_is_announced() -> None:
    stranger = Stranger(receive_window=4_000).meet()
    association = stranger.association
    association.retain(4_000)
    (sack,) = sacks(stranger.say(stranger.data(0, bytes(1000))))
    assert (sack.a_rwnd, sack.cumulative_tsn) == (0, stranger.tsn - 1)
    association.release(500)
    assert sacks(stranger.listen()) == []
    association.release(3_500)
    assert sacks(stranger.listen())[0].a_rwnd == 4_000
    stranger.say(stranger.data(0, bytes(1000)))
    assert len(stranger.messages()) == 1


def test_what_a_peer_leaves_open_is_bounded() -> None:
    stranger = Stranger(receive_window=100_000).meet()
    for i in range(0, 4_000, 2):
        stranger.say(stranger.data(i + 1, b"x", flags=MIDDLE))
    inbound = stranger.association._inbound
    assert inbound.window == 0 or inbound.window < 300
    assert len(inbound.reassembly._open_starts) < 600


def test_a_tsn_far_ahead_is_not_taken() -> None:
    stranger = Stranger().meet()
    (sack,) = sacks(stranger.say(stranger.data(70_000)))
    assert sack.gaps == ()


# FORWARD-TSN


def test_forward_tsn_passes_what_is_missing_and_frees_what_waits() -> None:
    stranger = Stranger().meet(FORWARD)
    stranger.say(stranger.data(1, b"next", ssn=1))
    stranger.say(wire.ForwardTsn(stranger.tsn, (wire.SkippedStream(0, 0),)))
    assert stranger.messages() == [b"next"]
    (sack,) = sacks(stranger.say(wire.ForwardTsn(stranger.tsn, ())))
    assert sack.cumulative_tsn == stranger.tsn + 1


def test_forward_tsn_delivers_waiting_messages_up_to_the_number_it_names() -> None:
    stranger = Stranger().meet(FORWARD)
    stranger.say(stranger.data(2, b"two", ssn=2), stranger.data(4, b"four", ssn=4))
    stranger.say(wire.ForwardTsn(stranger.tsn + 3, (wire.SkippedStream(0, 3),)))
    assert stranger.messages() == [b"two", b"four"]


def test_forward_tsn_forgets_the_half_of_a_message() -> None:
    stranger = Stranger().meet(FORWARD)
    stranger.say(stranger.data(0, b"half", flags=BEGIN))
    stranger.say(wire.ForwardTsn(stranger.tsn + 1, (wire.SkippedStream(0, 0),)))
    stranger.say(stranger.data(2, b"whole", ssn=1))
    assert stranger.messages() == [b"whole"]


def test_forward_tsn_backwards_changes_nothing_and_is_answered_by_a_sack() -> None:
    stranger = Stranger().meet(FORWARD)
    stranger.say(stranger.data(0), stranger.data(1, ssn=1))
    (sack,) = sacks(stranger.say(wire.ForwardTsn(stranger.tsn - 5)))
    assert sack.cumulative_tsn == stranger.tsn + 1


@pytest.mark.parametrize("chunk", [wire.ForwardTsn(1000), wire.IForwardTsn(1000)])
def test_forward_tsn_that_was_not_agreed_on_ends_the_association(chunk: wire.Chunk) -> None:
    stranger = Stranger(interleaving=True).meet()
    with pytest.raises(RemoteProtocolError) as caught:
        stranger.say(chunk)
    assert caught.value.code == CauseCode.PROTOCOL_VIOLATION


# I-DATA


def i_data(
    stranger: Stranger, offset: int, mid: int, fourth: int, data: bytes, flags: int, stream: int = 0
) -> wire.IData:
    return wire.IData(stranger.tsn + offset, stream, mid, fourth, data, flags)


def test_interleaved_fragments_of_two_streams_make_two_messages() -> None:
    stranger = Stranger(interleaving=True).meet(*INTERLEAVED)
    stranger.say(i_data(stranger, 0, 0, 51, b"a", BEGIN, 1), i_data(stranger, 1, 0, 53, b"x", BEGIN, 2))
    stranger.say(i_data(stranger, 2, 0, 1, b"b", END, 1), i_data(stranger, 3, 0, 1, b"y", END, 2))
    assert [(e.stream_id, e.ppid, e.data) for e in stranger.events if isinstance(e, sctp.MessageReceived)] == [
        (1, 51, b"ab"),
        (2, 53, b"xy"),
    ]


def test_i_data_is_delivered_in_the_order_of_mids() -> None:
    stranger = Stranger(interleaving=True).meet(*INTERLEAVED)
    stranger.say(i_data(stranger, 0, 1, 51, b"second", 3), i_data(stranger, 1, 5, 51, b"free", 3 | UNORDERED))
    assert stranger.messages() == [b"free"]
    stranger.say(i_data(stranger, 2, 0, 51, b"first", 3))
    assert stranger.messages() == [b"free", b"first", b"second"]


def test_i_forward_tsn_passes_ordered_and_unordered_messages() -> None:
    stranger = Stranger(interleaving=True).meet(FORWARD, *INTERLEAVED)
    stranger.say(i_data(stranger, 0, 0, 51, b"half", BEGIN), i_data(stranger, 1, 0, 51, b"half", BEGIN | UNORDERED))
    stranger.say(
        wire.IForwardTsn(stranger.tsn + 3, (wire.SkippedMessage(0, False, 0), wire.SkippedMessage(0, True, 0)))
    )
    assert stranger.association._inbound.reassembly.is_empty
    stranger.say(i_data(stranger, 4, 1, 51, b"on", 3))
    assert stranger.messages() == [b"on"]


@pytest.mark.parametrize("agreed", [False, True])
def test_the_kind_of_data_that_was_not_agreed_on_ends_the_association(agreed: bool) -> None:
    stranger = Stranger(interleaving=agreed).meet(*INTERLEAVED)
    wrong = stranger.data() if agreed else i_data(stranger, 0, 0, 51, b"x", 3)
    with pytest.raises(RemoteProtocolError) as caught:
        stranger.say(wrong)
    assert caught.value.code == CauseCode.PROTOCOL_VIOLATION
