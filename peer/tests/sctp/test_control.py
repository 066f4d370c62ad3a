"""peer.sctp.control: how an association begins, answers, and ends (RFC 9260 sections 5, 8, 9)."""

import pytest

from peer import sctp
from peer.errors import RemoteProtocolError
from peer.sctp import State
from peer.testing import Link, Pump
from peer.tests.sctp.worlds import Stranger, established, pair, received
from peer.wire import sctp as wire
from peer.wire.sctp_tlv import Cause, CauseCode, Parameter, ParameterType


def lost(*numbers: int) -> Link:
    return Link(delay=0.01, drop=frozenset(numbers))


# Setting up


def test_both_sides_connect_at_once_and_meet_in_one_association() -> None:
    pump = established(link=Link(delay=0.01))
    a, b = pump.a.machine, pump.b.machine
    assert (a.state, b.state) == (State.ESTABLISHED, State.ESTABLISHED)
    assert (a._local_tag, a._peer_tag) == (b._peer_tag, b._local_tag)
    assert pump.now == pytest.approx(0.03)
    pump.wait(5)
    assert sum(isinstance(e, sctp.AssociationEstablished) for e in pump.a.events) == 1


@pytest.mark.parametrize("dropped", range(6))
@pytest.mark.parametrize("side", ["a", "b", "both"])
def test_the_handshake_survives_the_loss_of_any_packet(dropped: int, side: str) -> None:
    pump = pair()
    clean = Link(delay=0.01)
    pump.set_link(clean if side == "b" else lost(dropped), clean if side == "a" else lost(dropped))
    pump.a.machine.connect(0)
    pump.b.machine.connect(0)
    pump.run(until=pump.seen(sctp.AssociationEstablished), timeout=20)
    pump.a.machine.send(1, 51, b"x", now=pump.now)
    pump.b.machine.send(1, 51, b"y", now=pump.now)
    pump.run(until=lambda: len(received(pump.a)) == len(received(pump.b)) == 1, timeout=20)


def test_one_side_alone_may_connect() -> None:
    pump = pair(link=Link(delay=0.01))
    pump.a.machine.connect(0)
    pump.run(until=pump.seen(sctp.AssociationEstablished), timeout=5)


def test_what_was_queued_before_leaves_once_the_association_stands() -> None:
    pump = pair(link=Link(delay=0.01))
    pump.a.machine.send(1, 51, b"early", now=0)
    pump.a.machine.connect(0)
    pump.b.machine.connect(0)
    pump.run(until=lambda: [e.data for e in received(pump.b)] == [b"early"], timeout=5)


def test_init_offers_what_rfc_8831_asks_for() -> None:
    pump = pair()
    pump.a.machine.connect(0)
    (data,) = pump.a.machine.datagrams_to_send(0)
    packet = wire.parse(data)
    (init,) = packet.chunks
    assert isinstance(init, wire.Init)
    assert packet.verification_tag == 0
    assert packet.checksum == wire.crc32c(data)
    assert (init.outbound_streams, init.inbound_streams) == (65_535, 65_535)
    extensions = next(p.value for p in init.parameters if p.type == ParameterType.SUPPORTED_EXTENSIONS)
    assert {wire.ChunkType.RECONFIG, wire.ChunkType.FORWARD_TSN} <= set(extensions)
    assert Parameter(ParameterType.FORWARD_TSN_SUPPORTED) in init.parameters


def test_cookie_ack_is_first_in_its_packet_before_sack_and_data() -> None:
    stranger = Stranger()
    (answer,) = stranger.say(stranger.init(), tag=0)
    stranger.peer_tag = answer.tag
    stranger.association.send(0, 51, b"queued", now=0)
    said = stranger.say(wire.CookieEcho(answer.cookie), stranger.data(flags=3 | 8))
    assert [type(c) for c in said] == [wire.CookieAck, wire.Sack, wire.Data]


def test_unknown_parameters_of_init_ack_are_reported_behind_the_cookie_echo() -> None:
    stranger = Stranger()
    stranger.association.connect(0)
    (init,) = stranger.listen()
    stranger.peer_tag = init.tag
    unknown = Parameter(0xC123, b"unknown")
    parameters = (Parameter(ParameterType.STATE_COOKIE, b"crumbs"), unknown, Parameter(0x8123, b"not reported"))
    said = stranger.say(wire.InitAck(stranger.tag, 100_000, 10, 10, stranger.tsn, parameters))
    report = Cause(CauseCode.UNRECOGNIZED_PARAMETERS, unknown.serialize())
    assert said == [wire.CookieEcho(b"crumbs"), wire.Error((report,))]
    assert len(stranger.packets) == 2


def test_streams_are_what_both_sides_allow() -> None:
    pump = established(outbound_streams=100, b={"inbound_streams": 7, "outbound_streams": 200})
    assert sctp.AssociationEstablished(7, 200) in pump.a.events
    assert sctp.AssociationEstablished(200, 7) in pump.b.events


def test_init_is_given_up_after_its_retransmissions() -> None:
    pump = pair(link=Link(loss=1.0), max_init_retransmits=3)
    pump.a.machine.connect(0)
    pump.run(until=lambda: pump.a.seen(sctp.AssociationAborted), timeout=60)
    assert pump.now == pytest.approx(1 + 2 + 4 + 8)


def test_init_with_a_verification_tag_is_discarded() -> None:
    stranger = Stranger()
    assert stranger.say(stranger.init(), tag=5) == []


def test_init_that_is_not_alone_is_discarded() -> None:
    stranger = Stranger()
    assert stranger.say(stranger.init(), wire.CookieAck(), tag=0) == []


@pytest.mark.parametrize("fields", [{"outbound_streams": 0}, {"inbound_streams": 0}, {"a_rwnd": 1499}])
def test_an_impossible_init_is_answered_by_abort_with_its_own_tag(fields: dict[str, int]) -> None:
    stranger = Stranger()
    (answer,) = stranger.say(stranger.init(**fields), tag=0)
    assert isinstance(answer, wire.Abort)
    assert answer.causes[0].code == CauseCode.INVALID_PARAMETER
    assert stranger.packets[-1].verification_tag == stranger.tag
    assert stranger.association.state is State.CLOSED


def test_init_with_tag_zero_is_discarded() -> None:
    stranger = Stranger()
    assert stranger.say(stranger.init(tag=0), tag=0) == []


@pytest.mark.parametrize(
    ("kind", "reported", "goes_on"),
    [(0x0100, False, False), (0x4100, True, False), (0x8100, False, True), (0xC100, True, True)],
)
def test_unknown_parameters_follow_their_two_high_bits(kind: int, reported: bool, goes_on: bool) -> None:
    stranger = Stranger()
    unknown = Parameter(kind, b"?")
    extensions = Parameter(ParameterType.SUPPORTED_EXTENSIONS, bytes([wire.ChunkType.RECONFIG]))
    (answer,) = stranger.say(stranger.init(unknown, extensions), tag=0)
    report = Parameter(ParameterType.UNRECOGNIZED, unknown.serialize())
    assert (report in answer.parameters) == reported
    stranger.peer_tag = answer.tag
    stranger.say(wire.CookieEcho(answer.cookie))
    assert stranger.association.offer.reconfiguration == goes_on


def test_a_cookie_that_was_tampered_with_is_discarded() -> None:
    stranger = Stranger()
    (answer,) = stranger.say(stranger.init(), tag=0)
    cookie = bytearray(answer.cookie)
    cookie[20] ^= 1
    assert stranger.say(wire.CookieEcho(bytes(cookie)), tag=answer.tag) == []
    assert stranger.association.state is State.CLOSED


def test_a_stale_cookie_is_answered_by_an_error_that_says_by_how_much() -> None:
    stranger = Stranger(cookie_lifetime=10.0)
    (answer,) = stranger.say(stranger.init(), tag=0)
    stranger.now += 12.5
    (error,) = stranger.say(wire.CookieEcho(answer.cookie), tag=answer.tag)
    assert error == wire.Error((Cause(CauseCode.STALE_COOKIE, (2_500_000).to_bytes(4, "big")),))
    assert stranger.association.state is State.CLOSED


def test_a_replayed_cookie_of_this_association_is_acknowledged_again_and_changes_nothing() -> None:
    stranger = Stranger()
    (answer,) = stranger.say(stranger.init(), tag=0)
    stranger.peer_tag = answer.tag
    stranger.say(wire.CookieEcho(answer.cookie))
    stranger.say(stranger.data())
    stranger.now += 1000
    assert wire.CookieAck() in stranger.say(wire.CookieEcho(answer.cookie))
    stranger.say(stranger.data(1, ssn=1))
    assert stranger.messages() == [b"data", b"data"]
    assert sum(isinstance(e, sctp.AssociationEstablished) for e in stranger.events) == 1


def test_a_stale_cookie_error_makes_us_begin_again() -> None:
    stranger = Stranger()
    stranger.association.connect(0)
    (init,) = stranger.listen()
    stranger.peer_tag = init.tag
    cookie = Parameter(ParameterType.STATE_COOKIE, b"stale bread")
    ack = wire.InitAck(stranger.tag, 100_000, 10, 10, stranger.tsn, (cookie,))
    assert stranger.say(ack) == [wire.CookieEcho(b"stale bread")]
    (again,) = stranger.say(wire.Error((Cause(CauseCode.STALE_COOKIE, bytes(4)),)))
    assert isinstance(again, wire.Init)


def test_init_ack_without_a_cookie_ends_it_with_missing_parameter() -> None:
    stranger = Stranger()
    stranger.association.connect(0)
    (init,) = stranger.listen()
    stranger.peer_tag = init.tag
    with pytest.raises(RemoteProtocolError) as caught:
        stranger.say(wire.InitAck(stranger.tag, 100_000, 10, 10, stranger.tsn))
    assert caught.value.code == CauseCode.MISSING_PARAMETER
    (abort,) = stranger.listen()
    assert abort.causes[0].code == CauseCode.MISSING_PARAMETER
    assert isinstance(stranger.events[-1], sctp.AssociationAborted)


def test_a_host_name_is_answered_by_abort() -> None:
    stranger = Stranger()
    (answer,) = stranger.say(stranger.init(Parameter(ParameterType.HOST_NAME, b"example.org")), tag=0)
    assert answer.causes[0].code == CauseCode.UNRESOLVABLE_ADDRESS


def waiting() -> Stranger:
    stranger = Stranger()
    stranger.association.connect(0)
    (init,) = stranger.listen()
    stranger.peer_tag = init.tag
    return stranger


def test_init_ack_with_a_small_window_is_answered_by_abort_and_changes_nothing() -> None:
    stranger = waiting()
    cookie = Parameter(ParameterType.STATE_COOKIE, b"crumbs")
    (answer,) = stranger.say(wire.InitAck(stranger.tag, 1499, 10, 10, stranger.tsn, (cookie,)))
    assert isinstance(answer, wire.Abort)
    assert stranger.packets[-1].verification_tag == stranger.tag
    assert stranger.association.state is State.COOKIE_WAIT


def test_init_ack_with_tag_zero_ends_it_with_the_tag_reflected() -> None:
    stranger = waiting()
    cookie = Parameter(ParameterType.STATE_COOKIE, b"crumbs")
    with pytest.raises(RemoteProtocolError):
        stranger.say(wire.InitAck(0, 100_000, 10, 10, stranger.tsn, (cookie,)))
    (answer,) = stranger.listen()
    assert answer.reflected
    assert stranger.packets[-1].verification_tag == stranger.peer_tag
    assert stranger.association.state is State.CLOSED


def test_out_of_the_blue_packets_with_an_abort_anywhere_are_discarded() -> None:
    stranger = Stranger()
    assert stranger.say(stranger.data(), wire.Abort(), tag=9) == []


def test_an_unexpected_init_ack_is_discarded() -> None:
    stranger = Stranger().meet()
    cookie = Parameter(ParameterType.STATE_COOKIE, b"late")
    assert stranger.say(wire.InitAck(9, 100_000, 10, 10, 1, (cookie,))) == []
    assert stranger.association.state is State.ESTABLISHED


# Restart: section 5.2.4.1


def restart(stranger: Stranger, *, tag: int = 0x777, tsn: int = 5000) -> list[object]:
    stranger.tag, stranger.tsn = tag, tsn
    (answer,) = stranger.say(stranger.init(), tag=0)
    assert answer.tag not in (stranger.peer_tag, 0)
    stranger.peer_tag = answer.tag
    return stranger.say(wire.CookieEcho(answer.cookie))


def test_a_peer_that_lost_its_state_restarts_the_association() -> None:
    stranger = Stranger().meet()
    stranger.say(stranger.data())
    assert restart(stranger)[0] == wire.CookieAck()
    assert any(isinstance(e, sctp.AssociationRestarted) for e in stranger.events)
    stranger.say(stranger.data(data=b"anew"))
    assert stranger.messages() == [b"data", b"anew"]


def test_an_unexpected_init_alone_changes_nothing() -> None:
    stranger = Stranger().meet()
    stranger.say(wire.Init(0x777, 100_000, 10, 10, 5000), tag=0)
    stranger.say(stranger.data())
    assert stranger.messages() == [b"data"]


def test_a_restart_while_we_shut_down_is_refused() -> None:
    stranger = Stranger().meet()
    stranger.say(wire.Shutdown((stranger.tsn - 1) & 0xFFFFFFFF))
    assert stranger.association.state is State.SHUTDOWN_ACK_SENT
    assert wire.ShutdownAck() in stranger.say(wire.Init(0x777, 100_000, 10, 10, 5000), tag=0)


# Heartbeats, errors, tags


def test_a_heartbeat_is_echoed_with_all_its_parameters() -> None:
    stranger = Stranger().meet()
    parameters = (Parameter(ParameterType.HEARTBEAT_INFO, b"now"), Parameter(0x9000, b"more"))
    assert stranger.say(wire.Heartbeat(parameters)) == [wire.HeartbeatAck(parameters)]


def test_a_flood_of_heartbeats_is_answered_in_bounds() -> None:
    stranger = Stranger().meet()
    flood = [wire.Heartbeat((Parameter(ParameterType.HEARTBEAT_INFO, bytes([i])),)) for i in range(100)]
    assert len(stranger.say(*flood)) <= 32


def test_an_idle_association_sends_heartbeats_and_a_silent_peer_is_given_up() -> None:
    stranger = Stranger(heartbeat_interval=10.0, max_retransmits=2, rto_max=4.0).meet()
    said = stranger.wait(25)
    assert sum(isinstance(c, wire.Heartbeat) for c in said) >= 2
    stranger.wait(60)
    assert any(isinstance(e, sctp.AssociationAborted) for e in stranger.events)


def test_an_answered_heartbeat_measures_the_round_trip() -> None:
    pump = established(link=Link(delay=0.1), heartbeat_interval=1.0)
    pump.wait(5)
    assert pump.a.machine._transmission.rto.srtt == pytest.approx(0.2)


@pytest.mark.parametrize(
    ("kind", "reported", "goes_on"),
    [(0x3F, False, False), (0x7F, True, False), (0xBF, False, True), (0xFF, True, True)],
)
def test_unknown_chunks_follow_their_two_high_bits(kind: int, reported: bool, goes_on: bool) -> None:
    stranger = Stranger().meet()
    unknown = wire.Unknown(kind, 0, b"what")
    answers = stranger.say(unknown, stranger.data())
    report = wire.Error((Cause(CauseCode.UNRECOGNIZED_CHUNK, unknown.serialize()),))
    assert (report in answers) == reported
    assert bool(stranger.messages()) == goes_on


def test_abort_with_our_tag_ends_it_and_is_reported_with_its_causes() -> None:
    stranger = Stranger().meet()
    causes = (Cause(CauseCode.USER_INITIATED_ABORT, b"enough"),)
    stranger.say(wire.Abort(causes))
    assert stranger.events[-1] == sctp.AssociationAborted(causes, by_remote=True)
    assert stranger.association.state is State.CLOSED


@pytest.mark.parametrize(
    ("own", "reflected", "falls"),
    [(True, False, True), (False, True, True), (True, True, False), (False, False, False)],
)
def test_abort_is_judged_by_tag_and_t_bit(own: bool, reflected: bool, falls: bool) -> None:
    stranger = Stranger().meet()
    tag = stranger.peer_tag if own else stranger.tag
    stranger.say(wire.Abort(reflected=reflected), tag=tag)
    assert (stranger.association.state is State.CLOSED) == falls


def test_a_wrong_verification_tag_is_discarded_silently() -> None:
    stranger = Stranger().meet()
    assert stranger.say(stranger.data(), tag=stranger.peer_tag ^ 1) == []
    assert stranger.messages() == []


@pytest.mark.parametrize("ports", [{"source_port": 5001}, {"destination_port": 4999}])
def test_wrong_ports_are_discarded_silently(ports: dict[str, int]) -> None:
    stranger = Stranger().meet()
    assert stranger.say(stranger.data(), **ports) == []
    assert stranger.messages() == []


@pytest.mark.parametrize(
    "chunk", [wire.CookieAck(), wire.ShutdownComplete(), wire.Error((Cause(CauseCode.STALE_COOKIE, bytes(4)),))]
)
def test_out_of_the_blue_these_are_silently_discarded(chunk: wire.Chunk) -> None:
    assert Stranger().say(chunk, tag=9) == []


def test_out_of_the_blue_data_is_answered_by_abort_with_the_tag_reflected() -> None:
    stranger = Stranger()
    assert stranger.say(stranger.data(), tag=9) == [wire.Abort(reflected=True)]
    assert stranger.packets[-1].verification_tag == 9


def test_out_of_the_blue_shutdown_ack_is_answered_by_shutdown_complete() -> None:
    assert Stranger().say(wire.ShutdownAck(), tag=9) == [wire.ShutdownComplete(reflected=True)]


# Zero checksum: RFC 9653


def checksums(pump: Pump) -> dict[str, set[bool]]:
    """For each chunk type that was sent, whether its packets' checksums were zero."""
    found: dict[str, set[bool]] = {}
    for step in pump.transcript:
        if step.what == "sent":
            packet = wire.parse(step.data)
            for chunk in packet.chunks:
                found.setdefault(type(chunk).__name__, set()).add(packet.checksum == 0)
    return found


def test_zero_checksums_are_used_when_accepted_and_never_with_init_or_cookie_echo() -> None:
    pump = established(link=Link(delay=0.01), zero_checksum=True)
    pump.a.machine.send(1, 51, bytes(5000), now=pump.now)
    pump.wait(1)
    found = checksums(pump)
    assert found["Init"] == found["InitAck"] == found["CookieEcho"] == {False}
    assert found["Data"] == found["Sack"] == {True}


def test_each_side_sends_what_the_other_accepts() -> None:
    pump = established(link=Link(delay=0.01), zero_checksum=False, b={"zero_checksum": True})
    pump.a.machine.send(1, 51, b"to the one that accepts", now=pump.now)
    pump.wait(1)
    assert checksums(pump)["Data"] == {True}
    pump.b.machine.send(1, 51, b"to the one that does not", now=pump.now)
    pump.wait(1)
    assert checksums(pump)["Data"] == {True, False}
    assert len(received(pump.a)) == len(received(pump.b)) == 1


def test_a_zero_checksum_that_was_not_offered_is_discarded() -> None:
    stranger = Stranger().meet()
    stranger.say(stranger.data(), checksum=0)
    assert stranger.messages() == []


def test_a_zero_checksum_that_was_offered_is_accepted_but_a_wrong_one_is_not() -> None:
    stranger = Stranger(zero_checksum=True).meet(zero_checksum=True)
    stranger.say(stranger.data(), checksum=1)
    assert stranger.messages() == []
    stranger.say(stranger.data(), checksum=0)
    assert stranger.messages() == [b"data"]


def test_init_with_a_zero_checksum_is_discarded() -> None:
    stranger = Stranger(zero_checksum=True)
    assert stranger.say(stranger.init(), tag=0, checksum=0) == []


# The graceful end


@pytest.mark.parametrize("dropped", range(5))
@pytest.mark.parametrize("both", [False, True])
def test_shutdown_survives_the_loss_of_any_packet(dropped: int, both: bool) -> None:
    pump = established(link=Link(delay=0.01))
    pump.a.machine.send(1, 51, bytes(3000), now=pump.now)
    pump.set_link(lost(dropped))
    pump.a.machine.shutdown(pump.now)
    if both:
        pump.b.machine.shutdown(pump.now)
    pump.run(until=lambda: all(s.machine.state is State.CLOSED for s in pump.sides), timeout=100)
    assert [len(e.data) for e in received(pump.b)] == [3000]
    assert any(s.seen(sctp.AssociationClosed) for s in pump.sides)


def test_shutdown_before_the_association_stands_follows_once_it_does() -> None:
    pump = pair(link=Link(delay=0.01))
    for side in pump.sides:
        side.machine.connect(0)
    pump.a.machine.send(1, 51, b"last words", now=0)
    pump.a.machine.shutdown(0)
    pump.run(until=pump.seen(sctp.AssociationClosed), timeout=5)
    assert [e.data for e in received(pump.b)] == [b"last words"]


def test_shutdown_that_is_never_answered_ends_after_the_retransmissions() -> None:
    stranger = Stranger(max_retransmits=2, rto_max=2.0).meet()
    stranger.association.shutdown(stranger.now)
    assert stranger.listen() == [wire.Shutdown(stranger.tsn - 1)]
    assert sum(isinstance(c, wire.Shutdown) for c in stranger.wait(30)) == 2
    assert isinstance(stranger.events[-1], sctp.AssociationAborted)


def test_data_after_shutdown_sent_is_acknowledged_by_shutdown() -> None:
    stranger = Stranger().meet()
    stranger.association.shutdown(stranger.now)
    stranger.listen()
    answers = stranger.say(stranger.data())
    assert wire.Shutdown(stranger.tsn) in answers
    assert stranger.messages() == [b"data"]


def test_aborting_tells_the_peer_why() -> None:
    stranger = Stranger().meet()
    stranger.association.abort(stranger.now, Cause(CauseCode.USER_INITIATED_ABORT, b"bye"))
    assert stranger.listen() == [wire.Abort((Cause(CauseCode.USER_INITIATED_ABORT, b"bye"),))]
    assert stranger.events[-1] == sctp.AssociationAborted(
        (Cause(CauseCode.USER_INITIATED_ABORT, b"bye"),), by_remote=False
    )
