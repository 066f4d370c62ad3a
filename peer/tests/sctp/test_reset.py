"""peer.sctp.reset: RFC 6525."""

from typing import Any

import pytest

from peer import sctp
from peer.errors import LocalProtocolError
from peer.testing import Link
from peer.tests.sctp.worlds import Stranger, established, received
from peer.wire import sctp as wire
from peer.wire.sctp_tlv import (
    AddIncomingStreams,
    AddOutgoingStreams,
    IncomingReset,
    OutgoingReset,
    Reconfiguration,
    ReconfigurationResponse,
    ReconfigurationResult,
    TsnReset,
)

PERFORMED, DENIED = ReconfigurationResult.PERFORMED, ReconfigurationResult.DENIED


def meet(**config: Any) -> Stranger:
    return Stranger(**config).meet(wire.ChunkType.RECONFIG)


def ask(stranger: Stranger, *parameters: Reconfiguration) -> list[Reconfiguration]:
    """One RE-CONFIG; gives the parameters that come back."""
    answers = stranger.say(wire.Reconfig(parameters))
    return [p for c in answers if isinstance(c, wire.Reconfig) for p in c.parameters]


def results(answers: list[Reconfiguration]) -> list[int]:
    return [a.result for a in answers if isinstance(a, ReconfigurationResponse)]


# Theirs


def test_a_reset_of_their_streams_is_performed_and_the_next_ssn_is_zero() -> None:
    stranger = meet()
    stranger.say(stranger.data(0), stranger.data(1, ssn=1))
    assert ask(stranger, OutgoingReset(stranger.tsn, 0, stranger.tsn + 1, (0,))) == [
        ReconfigurationResponse(stranger.tsn, PERFORMED)
    ]
    assert sctp.IncomingStreamsReset((0,)) in stranger.events
    stranger.say(stranger.data(2, b"anew", ssn=0))
    assert stranger.messages()[-1] == b"anew"


def test_a_request_is_accompanied_by_a_sack() -> None:
    stranger = meet()
    stranger.say(stranger.data(0))
    answers = stranger.say(wire.Reconfig((OutgoingReset(stranger.tsn, 0, stranger.tsn, (0,)),)))
    assert isinstance(answers[0], wire.Sack)


def test_a_reset_waits_for_the_data_before_it_and_holds_what_comes_after() -> None:
    stranger = meet()
    request = OutgoingReset(stranger.tsn, 0, stranger.tsn + 1, (0,))
    assert results(ask(stranger, request)) == [ReconfigurationResult.IN_PROGRESS]
    stranger.say(stranger.data(2, b"after", ssn=0))
    stranger.say(stranger.data(0, b"one", ssn=0))
    assert not any(isinstance(e, sctp.IncomingStreamsReset) for e in stranger.events)
    answers = stranger.say(stranger.data(1, b"two", ssn=1))
    assert wire.Reconfig((ReconfigurationResponse(stranger.tsn, PERFORMED),)) in answers
    stranger.say(stranger.data(2, b"after", ssn=0))
    assert stranger.messages() == [b"one", b"two", b"after"]


def test_a_repeated_request_is_answered_as_before_and_performed_once() -> None:
    stranger = meet()
    request = OutgoingReset(stranger.tsn, 0, stranger.tsn - 1, (0,))
    assert ask(stranger, request) == ask(stranger, request)
    assert sum(isinstance(e, sctp.IncomingStreamsReset) for e in stranger.events) == 1


def test_a_reset_without_stream_numbers_resets_all() -> None:
    stranger = meet()
    stranger.say(stranger.data(0, stream=1), stranger.data(1, stream=2))
    ask(stranger, OutgoingReset(stranger.tsn, 0, stranger.tsn + 1))
    assert sctp.IncomingStreamsReset((1, 2)) in stranger.events


@pytest.mark.parametrize("number", [7, 2**32 - 1])
def test_a_request_with_a_number_out_of_sequence_is_refused(number: int) -> None:
    stranger = meet()
    assert results(ask(stranger, OutgoingReset(number, 0, stranger.tsn - 1, (0,)))) == [
        ReconfigurationResult.BAD_SEQUENCE_NUMBER
    ]


def test_a_reset_of_a_stream_that_does_not_exist_is_refused() -> None:
    stranger = meet(inbound_streams=3)
    assert results(ask(stranger, OutgoingReset(stranger.tsn, 0, stranger.tsn - 1, (3,)))) == [
        ReconfigurationResult.WRONG_SSN
    ]


def test_a_reset_of_a_stream_that_was_never_used_is_performed() -> None:
    stranger = meet()
    assert results(ask(stranger, OutgoingReset(stranger.tsn, 0, stranger.tsn - 1, (5,)))) == [PERFORMED]


def test_asked_to_reset_ours_we_answer_and_do() -> None:
    stranger = meet()
    answers = ask(stranger, IncomingReset(stranger.tsn, (4,)))
    assert answers[0] == ReconfigurationResponse(stranger.tsn, PERFORMED)
    assert answers[1] == OutgoingReset(stranger.peer_tsn, stranger.tsn, stranger.peer_tsn - 1, (4,))


def test_asked_for_a_reset_that_is_under_way_there_is_nothing_to_do() -> None:
    stranger = meet()
    stranger.association.reset_streams((4,), stranger.now)
    stranger.listen()
    assert results(ask(stranger, IncomingReset(stranger.tsn, (4,)))) == [ReconfigurationResult.NOTHING_TO_DO]


def test_two_requests_in_one_chunk_get_two_answers_in_one() -> None:
    stranger = meet()
    answers = ask(
        stranger, OutgoingReset(stranger.tsn, 0, stranger.tsn - 1, (1,)), IncomingReset(stranger.tsn + 1, (1,))
    )
    assert results(answers) == [PERFORMED, PERFORMED]


def test_more_streams_are_granted_up_to_65535() -> None:
    stranger = meet(inbound_streams=5)
    assert results(ask(stranger, AddOutgoingStreams(stranger.tsn, 10))) == [PERFORMED]
    stranger.say(stranger.data(stream=14))
    assert stranger.messages() == [b"data"]
    assert results(ask(stranger, AddOutgoingStreams(stranger.tsn + 1, 65_535))) == [DENIED]
    assert results(ask(stranger, AddOutgoingStreams(stranger.tsn + 2, 0))) == [DENIED]


def test_asked_to_send_on_more_streams_we_ask_to_add_them() -> None:
    stranger = meet()
    answers = ask(stranger, AddIncomingStreams(stranger.tsn, 3))
    assert answers == [ReconfigurationResponse(stranger.tsn, PERFORMED), AddOutgoingStreams(stranger.peer_tsn, 3)]


def test_a_tsn_reset_is_denied_unless_it_is_allowed() -> None:
    stranger = meet()
    assert results(ask(stranger, TsnReset(stranger.tsn))) == [DENIED]
    stranger.say(stranger.data())
    assert stranger.messages() == [b"data"]


def test_an_allowed_tsn_reset_begins_anew_both_ways() -> None:
    stranger = meet(allow_tsn_reset=True)
    stranger.say(stranger.data(0), stranger.data(1, ssn=1))
    (answer,) = ask(stranger, TsnReset(stranger.tsn))
    assert isinstance(answer, ReconfigurationResponse)
    assert answer.receiver_next_tsn == (stranger.tsn + 2 + 2**31) & 0xFFFFFFFF
    assert answer.sender_next_tsn == stranger.peer_tsn
    assert ask(stranger, TsnReset(stranger.tsn)) == [answer]
    stranger.say(wire.Data(answer.receiver_next_tsn, 0, 0, 51, b"anew"))
    assert stranger.messages()[-1] == b"anew"


def test_a_parameter_nobody_knows_is_ignored() -> None:
    stranger = meet()
    assert stranger.say(wire.Unknown(130, 0, bytes.fromhex("0063000800000000"))) == []


# Ours, between two real ones


def test_a_stream_is_reset_after_all_that_waits_on_it_has_left() -> None:
    pump = established(link=Link(delay=0.01))
    pump.a.machine.send(1, 51, bytes(100_000), now=pump.now)
    pump.a.machine.reset_streams((1,), pump.now)
    pump.run(until=lambda: pump.a.seen(sctp.OutgoingStreamsReset), timeout=10)
    assert [len(e.data) for e in received(pump.b)] == [100_000]
    assert pump.b.events.index(sctp.IncomingStreamsReset((1,))) > pump.b.events.index(received(pump.b)[0])


def test_what_is_sent_while_a_reset_is_under_way_arrives_after_it() -> None:
    pump = established(link=Link(delay=0.05))
    pump.a.machine.send(1, 51, b"before", now=pump.now)
    pump.a.machine.reset_streams((1,), pump.now)
    pump.wait(0.02)
    pump.a.machine.send(1, 51, b"after", now=pump.now)
    pump.run(until=lambda: len(received(pump.b)) == 2, timeout=10)
    kinds = [type(e).__name__ for e in pump.b.events if not isinstance(e, sctp.AssociationEstablished)]
    assert kinds == ["MessageReceived", "IncomingStreamsReset", "MessageReceived"]


@pytest.mark.parametrize("seed", range(20))
def test_resets_both_ways_survive_a_bad_link(seed: int) -> None:
    pump = established(
        link=Link(loss=0.3, delay=0.02, duplicate=0.1, reorder=0.2, seed=seed), rto_max=2.0, max_retransmits=100
    )
    for side in pump.sides:
        for stream in range(3):
            side.machine.send(stream, 51, bytes(3000), now=pump.now)
        side.machine.reset_streams((0, 1, 2), pump.now)
    pump.run(
        until=lambda: all(
            {i for e in side.events if isinstance(e, kind) for i in e.streams} == {0, 1, 2}
            for side in pump.sides
            for kind in (sctp.IncomingStreamsReset, sctp.OutgoingStreamsReset)
        ),
        timeout=300,
    )
    for side in pump.sides:
        side.machine.send(1, 51, b"reused", now=pump.now)
    pump.run(until=lambda: all(received(side)[-1].data == b"reused" for side in pump.sides), timeout=100)
    assert all(len(received(side)) == 4 for side in pump.sides)


def test_streams_can_be_added_and_used() -> None:
    pump = established(link=Link(delay=0.01), outbound_streams=2, b={"inbound_streams": 5})
    with pytest.raises(LocalProtocolError):
        pump.a.machine.send(2, 51, b"x", now=pump.now)
    pump.a.machine.reconfigure(AddOutgoingStreams(0, 3), pump.now)
    pump.run(until=lambda: pump.a.seen(sctp.StreamsAdded), timeout=5)
    pump.a.machine.send(4, 51, b"x", now=pump.now)
    pump.run(until=lambda: received(pump.b)[-1].stream_id == 4 if received(pump.b) else False, timeout=5)


def test_tsns_can_be_reset_and_data_flows_on() -> None:
    pump = established(link=Link(delay=0.01), allow_tsn_reset=True)
    for side in pump.sides:
        side.machine.send(1, 51, bytes(10_000), now=pump.now)
    pump.a.machine.reconfigure(TsnReset(0), pump.now)
    pump.run(until=pump.seen(sctp.TsnsReset), timeout=5)
    for side in pump.sides:
        side.machine.send(1, 51, b"on", now=pump.now)
    pump.run(until=lambda: all(len(received(side)) == 2 for side in pump.sides), timeout=5)


def test_we_can_ask_the_peer_to_reset_its_streams() -> None:
    pump = established(link=Link(delay=0.01))
    pump.a.machine.reconfigure(IncomingReset(0, (3,)), pump.now)
    pump.run(until=lambda: pump.a.seen(sctp.IncomingStreamsReset), timeout=5)
    pump.wait(1)
    assert sctp.OutgoingStreamsReset((3,)) in pump.b.events


def test_a_peer_that_does_not_support_it_cannot_be_asked() -> None:
    pump = established(reconfiguration=False)
    with pytest.raises(LocalProtocolError):
        pump.a.machine.reset_streams((1,), pump.now)


def test_a_refused_reset_is_reported_and_the_stream_goes_on() -> None:
    stranger = meet()
    stranger.association.send(1, 51, b"one", now=0)
    stranger.association.reset_streams((1,), 0)
    assert any(isinstance(c, wire.Reconfig) for c in stranger.listen())
    stranger.say(wire.Reconfig((ReconfigurationResponse(stranger.peer_tsn, DENIED),)))
    assert sctp.ReconfigurationFailed((1,), DENIED) in stranger.events
    stranger.association.send(1, 51, b"two", now=0)
    assert [c.ssn for c in stranger.listen() if isinstance(c, wire.Data)] == [1]


def test_an_unanswered_request_is_repeated_with_the_same_number() -> None:
    stranger = meet()
    stranger.association.reset_streams((1,), 0)
    first = [c for c in stranger.listen() if isinstance(c, wire.Reconfig)]
    assert [c for c in stranger.wait(3.5) if isinstance(c, wire.Reconfig)] == first * 2
