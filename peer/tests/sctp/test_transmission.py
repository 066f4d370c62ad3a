"""peer.sctp.transmission: DATA out, SACK in (RFC 9260 sections 6.1, 6.2.1, 6.3, 7.2; RFC 3758, 7496)."""

from typing import Any

import pytest

from peer.testing import Link
from peer.tests.sctp.worlds import Stranger, established, received
from peer.wire import sctp as wire

FORWARD, INTERLEAVED = wire.ChunkType.FORWARD_TSN, (wire.ChunkType.I_DATA, wire.ChunkType.I_FORWARD_TSN)
PAYLOAD = 1188 - 12 - 16


def data(chunks: list[Any]) -> list[Any]:
    return [chunk for chunk in chunks if isinstance(chunk, wire.Data | wire.IData)]


def send(stranger: Stranger, payload: bytes, stream: int = 0, **options: Any) -> list[Any]:
    stranger.association.send(stream, 53, payload, now=stranger.now, **options)
    return data(stranger.listen())


def sack(stranger: Stranger, last: int, *gaps: tuple[int, int], window: int = 1_000_000) -> list[Any]:
    """A SACK up to our `last`-th TSN, counted from 0; gives the DATA that follows."""
    return data(stranger.say(wire.Sack((stranger.peer_tsn + last) & 0xFFFFFFFF, window, gaps)))


def flying(stranger: Stranger, packets: int) -> Stranger:
    """A stranger to whom `packets` packets of data are on their way."""
    transmission = stranger.association._transmission
    transmission.congestion.cwnd = max(1_000_000, 2 * PAYLOAD * packets)
    transmission.peer_window = max(1_000_000, 2 * PAYLOAD * packets)
    sent = send(stranger, bytes(PAYLOAD * packets))
    assert len(sent) == packets
    return stranger


# Fragments and bundles


def test_a_message_is_cut_to_packets_and_tsns_are_consecutive() -> None:
    stranger = Stranger().meet()
    chunks = send(stranger, bytes(range(250)) * 10)
    assert [(c.tsn - stranger.peer_tsn, c.flags & 7, len(c.data)) for c in chunks] == [
        (0, 2, 1160),
        (1, 0, 1160),
        (2, 1, 180),
    ]
    assert b"".join(c.data for c in chunks) == bytes(range(250)) * 10
    assert all(len(p.serialize()) <= 1188 for p in stranger.packets)


def test_small_messages_share_a_packet() -> None:
    stranger = Stranger().meet()
    for i in range(10):
        stranger.association.send(0, 51, b"%d" % i, now=0)
    before = len(stranger.packets)
    chunks = data(stranger.listen())
    assert [c.ssn for c in chunks] == list(range(10))
    assert len(stranger.packets) == before + 1


def test_unordered_messages_have_the_u_bit_and_take_no_ssn() -> None:
    stranger = Stranger().meet()
    chunks = [*send(stranger, b"a", ordered=False), *send(stranger, b"b")]
    assert [(c.flags & 4, c.ssn) for c in chunks] == [(4, 0), (0, 0)]


def test_the_last_chunk_asks_for_a_sack_at_once_where_half_the_window_is_in_flight() -> None:
    assert [c.flags & 8 for c in send(Stranger().meet(), bytes(3000))] == [0, 0, 8]
    assert [c.flags & 8 for c in send(Stranger().meet(), bytes(2000))] == [0, 0]


def test_interleaving_sends_i_data_with_mid_and_fsn() -> None:
    stranger = Stranger(interleaving=True).meet(*INTERLEAVED)
    chunks = send(stranger, bytes(3000), stream=4)
    assert [(type(c), c.mid, c.ppid_or_fsn) for c in chunks] == [
        (wire.IData, 0, 53),
        (wire.IData, 0, 1),
        (wire.IData, 0, 2),
    ]


def test_interleaving_sends_a_short_message_in_the_middle_of_a_long_one() -> None:
    stranger = Stranger(interleaving=True).meet(*INTERLEAVED)
    stranger.association.send(1, 53, bytes(50_000), now=0)
    stranger.listen()
    stranger.association.send(2, 53, b"short", now=0)
    chunks = sack(stranger, 1)
    assert {c.stream_id for c in chunks} == {1, 2}


# Windows


def test_no_more_than_the_initial_window_leaves_at_first() -> None:
    stranger = Stranger().meet()
    chunks = send(stranger, bytes(100_000))
    assert sum(len(c.data) for c in chunks[:-1]) < 4404 <= sum(len(c.data) for c in chunks)


def test_the_peers_window_is_respected() -> None:
    stranger = Stranger()
    (answer,) = stranger.say(stranger.init(a_rwnd=2000), tag=0)
    stranger.peer_tag = answer.tag
    stranger.say(wire.CookieEcho(answer.cookie))
    assert sum(len(c.data) for c in send(stranger, bytes(10_000))) <= 2000


def test_a_zero_window_is_probed_after_an_rto_at_growing_intervals() -> None:
    stranger = Stranger().meet()
    stranger.peer_tsn = send(stranger, b"x")[0].tsn
    sack(stranger, 0, window=0)
    assert send(stranger, bytes(5000)) == []
    times = []
    for _ in range(4):
        before = stranger.now
        while not data(stranger.wait(0.1)):
            assert stranger.now < before + 60
        times.append(stranger.now - before)
        sack(stranger, 0, window=0)
    assert times[0] == pytest.approx(0.4, abs=0.2)
    assert times[-1] > times[0] * 3
    assert stranger.association.state == "established"
    assert len(sack(stranger, 1, window=100_000)) > 1


def test_a_receiver_that_keeps_its_window_closed_is_probed_for_ever() -> None:
    stranger = Stranger(rto_max=1.0).meet()
    stranger.peer_tsn = send(stranger, b"x")[0].tsn
    sack(stranger, 0, window=0)
    send(stranger, bytes(5000))
    for _ in range(100):
        stranger.wait(1.1)
        sack(stranger, 0, window=0)
    assert stranger.association.state == "established"


# Retransmission


def test_unanswered_data_is_sent_again_after_the_rto_one_packet_only_and_backs_off() -> None:
    stranger = flying(Stranger().meet(), 5)
    again = data(stranger.wait(1.1))
    assert [c.tsn - stranger.peer_tsn for c in again] == [0]
    assert stranger.association._transmission.rto.value == 2.0
    assert [c.tsn - stranger.peer_tsn for c in data(stranger.wait(2.1))] == [0]


def test_a_peer_that_never_answers_is_given_up() -> None:
    stranger = flying(Stranger(max_retransmits=3).meet(), 1)
    stranger.wait(60)
    assert stranger.association.state == "closed"
    assert any(type(e).__name__ == "AssociationAborted" for e in stranger.events)


def test_three_reports_of_a_gap_bring_a_fast_retransmission() -> None:
    stranger = flying(Stranger().meet(), 10)
    assert sack(stranger, 0, (2, 2)) == []
    assert sack(stranger, 0, (2, 3)) == []
    again = sack(stranger, 0, (2, 4))
    assert [c.tsn - stranger.peer_tsn for c in again] == [1]
    window = stranger.association._transmission.congestion
    assert window.cwnd == window.ssthresh == 500_000


def test_a_chunk_is_fast_retransmitted_once_only() -> None:
    stranger = flying(Stranger().meet(), 20)
    for last in range(2, 5):
        sack(stranger, 0, (2, last))
    assert [sack(stranger, 0, (2, last)) for last in range(5, 12)] == [[]] * 7


def test_the_same_gap_reported_thrice_newly_acknowledges_nothing_and_proves_no_loss() -> None:
    stranger = flying(Stranger().meet(), 10)
    assert [sack(stranger, 0, (2, 2)) for _ in range(5)] == [[]] * 5


def test_a_receiver_that_reneges_gets_the_chunk_again() -> None:
    stranger = flying(Stranger().meet(), 4)
    sack(stranger, 0, (2, 3))
    sack(stranger, 0)
    transmission = stranger.association._transmission
    assert transmission.flight == 3 * (16 + PAYLOAD)
    assert {c.tsn - stranger.peer_tsn for c in data(stranger.wait(1.5))} >= {1}
    assert sack(stranger, 3) == []
    assert (transmission.flight, transmission.outstanding) == (0, {})


def test_karn_no_round_trip_is_measured_from_what_was_sent_twice() -> None:
    stranger = flying(Stranger().meet(), 1)
    stranger.wait(1.5)
    sack(stranger, 0)
    assert stranger.association._transmission.rto.srtt is None


@pytest.mark.parametrize(
    ("last", "gaps"),
    [(-1, ()), (99, ()), (0, ((2, 99),)), (0, ((3, 2),)), (0, ((0, 1),)), (0, ((2, 2), (2, 3)))],
    ids=["old", "never sent", "gap never sent", "gap reversed", "gap at zero", "gaps overlap"],
)
def test_a_sack_that_cannot_be_true_changes_nothing(last: int, gaps: tuple[tuple[int, int], ...]) -> None:
    stranger = flying(Stranger().meet(), 5)
    sack(stranger, 0)
    transmission = stranger.association._transmission
    before = (transmission.flight, transmission.cumulative, len(transmission.outstanding))
    sack(stranger, last, *gaps)
    assert (transmission.flight, transmission.cumulative, len(transmission.outstanding)) == before


def test_a_sack_costs_what_it_newly_acknowledges() -> None:
    """A thousand SACKs that repeat a gap over thirty thousand chunks: quadratic work would take minutes."""
    stranger = Stranger(burst_limit=1 << 40).meet()
    flying(stranger, 30_000)
    for i in range(1000):
        sack(stranger, 0, (2, 28_000 + i))
    assert stranger.association._transmission.cumulative == stranger.peer_tsn


# Giving up


def test_a_message_of_no_retransmissions_is_passed_by_forward_tsn() -> None:
    stranger = Stranger().meet(FORWARD)
    chunk = send(stranger, b"once", stream=3, max_retransmits=0)[0]
    said = stranger.wait(1.1)
    assert data(said) == []
    assert said == [wire.ForwardTsn(chunk.tsn, (wire.SkippedStream(3, 0),))]


def test_a_message_of_one_retransmission_is_sent_twice() -> None:
    stranger = Stranger().meet(FORWARD)
    send(stranger, b"twice", max_retransmits=1)
    said = stranger.wait(4)
    assert len(data(said)) == 1
    assert any(isinstance(c, wire.ForwardTsn) for c in said)


def test_a_message_beyond_its_lifetime_is_not_sent_again() -> None:
    stranger = Stranger().meet(FORWARD)
    send(stranger, b"short-lived", lifetime=0.5)
    assert data(stranger.wait(5)) == []


def test_a_message_that_expires_in_the_queue_never_leaves() -> None:
    stranger = Stranger().meet(FORWARD)
    send(stranger, bytes(20_000))
    stranger.association.send(1, 51, b"too late", now=stranger.now, lifetime=0.01)
    stranger.now += 0.1
    last = stranger.association._transmission.next_tsn - 1 - stranger.peer_tsn
    for _ in range(20):
        for chunk in sack(stranger, last):
            assert chunk.stream_id == 0
        last = stranger.association._transmission.next_tsn - 1 - stranger.peer_tsn
    assert stranger.association.buffered == 0


def test_a_message_given_up_halfway_is_passed_even_if_all_that_was_sent_arrived() -> None:
    stranger = Stranger().meet(FORWARD)
    sent = send(stranger, bytes(20_000), lifetime=0.1)
    stranger.now += 1
    answers = stranger.say(wire.Sack(sent[-1].tsn, 1_000_000))
    assert [c for c in answers if not isinstance(c, wire.Data)] == [
        wire.ForwardTsn(sent[-1].tsn + 1, (wire.SkippedStream(0, 0),))
    ]


def test_a_lost_forward_tsn_is_repeated() -> None:
    stranger = Stranger().meet(FORWARD)
    send(stranger, b"once", max_retransmits=0)
    assert sum(isinstance(c, wire.ForwardTsn) for c in stranger.wait(20)) >= 3


def test_without_agreement_on_partial_reliability_everything_is_reliable() -> None:
    stranger = Stranger().meet()
    send(stranger, b"once", max_retransmits=0)
    said = stranger.wait(1.1)
    assert len(data(said)) == 1
    assert not any(isinstance(c, wire.ForwardTsn) for c in said)


def test_with_interleaving_it_is_i_forward_tsn_and_names_unordered_messages_too() -> None:
    stranger = Stranger(interleaving=True).meet(FORWARD, *INTERLEAVED)
    chunk = send(stranger, b"once", stream=3, max_retransmits=0, ordered=False)[0]
    assert stranger.wait(1.1) == [wire.IForwardTsn(chunk.tsn, (wire.SkippedMessage(3, True, 0),))]


# Between two real ones


def test_ssns_and_tsns_wrap_in_a_long_transfer() -> None:
    pump = established(link=Link(delay=0.001), keep_transcript=False)
    transmission = pump.a.machine._transmission
    for i in range(70_000):
        pump.a.machine.send(1, 51, b"%d" % i, now=pump.now)
    pump.run(until=lambda: transmission.all_acknowledged, timeout=100)
    assert [e.data for e in received(pump.b)] == [b"%d" % i for i in range(70_000)]


def test_goodput_over_30_ms_and_one_per_cent_loss_is_what_congestion_control_allows() -> None:
    """Mathis: 1.22 * MSS / (RTT * sqrt(p)) is 0.47 MB/s. Section 7.2 allows more: two packets after each recovery."""
    taken = sum(_seconds_for_3_mb_over(Link(delay=0.015, loss=0.01, seed=seed)) for seed in range(1, 5))
    assert 4 * 3_000_000 / taken > 620_000


def _seconds_for_3_mb_over(link: Link) -> float:
    pump = established(link=link, keep_transcript=False)
    began = pump.now
    for _ in range(100):
        pump.a.machine.send(1, 53, bytes(30_000), now=pump.now)
    pump.run(until=lambda: len(received(pump.b)) == 100, timeout=100)
    return pump.now - began
