"""Assertions over packets: what holds passes silently, what doesn't is a transcript and a judgement."""

from __future__ import annotations

import asyncio

import pytest

from harness.capture.addresses import Address
from harness.capture.datagram import made_up
from harness.capture.match import datagram, dcep, dtls, rtp, sctp, stun
from harness.capture.matcher import Matcher
from harness.capture.recording import Recording
from harness.capture.wire import NotSeen, Wire
from harness.tests.capture.recorded import DATA_12, DATA_13, MEDIA_13, load, shared
from harness.verdict import ConformanceFailure, Judgement, Ledger, Verdict

MUST, SHOULD = "RFC8445-7.2.2-M1", "RFC8445-7.2.2-S1"


@pytest.fixture
def ledger() -> Ledger:
    return Ledger()


@pytest.fixture
def wire(ledger: Ledger) -> Wire:
    """Chromium offers, Firefox answers, DTLS 1.2."""
    return shared(DATA_12).wire(ledger)


def failure(
    error: pytest.ExceptionInfo[ConformanceFailure], ledger: Ledger, verdict: Verdict = Verdict.FAIL
) -> Judgement:
    (judgement,) = ledger.judgements
    assert judgement.verdict is verdict
    assert error.value.judgement is judgement
    return judgement


def test_what_was_sent_is_found_and_recorded(wire: Wire, ledger: Ledger) -> None:
    hit = wire.expect(stun.binding_request(use_candidate=True), sender="offerer", clause=MUST)
    assert (hit.number, hit.sender) == (3, "offerer")
    assert hit.packet.find is not None
    (judgement,) = ledger.judgements
    assert (judgement.clause, judgement.verdict, judgement.frames) == (MUST, Verdict.PASS, (3,))
    assert judgement.evidence.startswith("frame 3:")


def test_what_was_not_sent_is_told_as_a_transcript_with_near_misses(wire: Wire, ledger: Ledger) -> None:
    with pytest.raises(ConformanceFailure) as error:
        wire.expect(stun.binding_request(username="wrong:name"), sender="answerer", clause=MUST)
    judgement = failure(error, ledger)
    lines = judgement.message.splitlines()
    assert lines[0] == "expected a STUN Binding request (username='wrong:name') from answerer; not seen"
    assert any(line.startswith(">>     1") and line.endswith("<== not this one") for line in lines)
    assert any("ClientHello" in line and line.startswith("  ") for line in lines)


def test_a_sender_nobody_knows_is_pointed_out(wire: Wire) -> None:
    with pytest.raises(
        ConformanceFailure, match="no packet is known to come from nobody; known senders: answerer, offerer"
    ):
        wire.expect(dtls.anything(), sender="nobody")


def test_the_receiver_counts_too(wire: Wire) -> None:
    assert wire.expect(dtls.client_hello(), receiver="offerer").sender == "answerer"
    with pytest.raises(ConformanceFailure):
        wire.expect(dtls.client_hello(), receiver="answerer")


def test_a_broken_should_is_weak_and_tells_that_there_is_no_message(wire: Wire, ledger: Ledger) -> None:
    with pytest.raises(NotSeen) as error:
        wire.expect(stun.error(487), clause=SHOULD)
    assert error.value.judgement.verdict is Verdict.WEAK
    assert [judgement.verdict for judgement in ledger.judgements] == [Verdict.WEAK]


def test_an_endpoint_object_stands_for_its_name(wire: Wire) -> None:
    class Endpoint:
        name = "offerer"

    assert wire.expect(dtls.server_hello(), sender=Endpoint()).number == 6


def test_an_answer_is_the_one_to_the_same_transaction(wire: Wire) -> None:
    request = wire.expect(stun.binding_request(), sender="offerer")
    answer = wire.expect(stun.binding_success(to=request), sender="answerer", after=request, within=0.5)
    assert answer.packet.transaction_id == request.packet.transaction_id
    with pytest.raises(ConformanceFailure, match="to frame 3"):
        wire.expect(stun.error(to=request))


def test_within_counts_from_a_hit_a_matcher_or_the_start(wire: Wire, ledger: Ledger) -> None:
    hello = wire.expect(dtls.client_hello(), within=0.02)
    assert wire.within(0.01, hello, dtls.server_hello()).number == 6
    assert wire.within(0.01, dtls.client_hello(), dtls.server_hello()).number == 6
    assert wire.expect(dtls.server_hello(), after=hello.time).number == 6
    with pytest.raises(ConformanceFailure, match=r"within 0\.001 s after frame 5; seen 0\.002 s after") as error:
        wire.within(0.001, hello, dtls.server_hello(), clause=MUST)
    assert error.value.judgement.frames == (6,)
    assert "<== too late" in error.value.judgement.message
    with pytest.raises(ConformanceFailure, match="no sooner than 1 s"):
        wire.within(2, hello, dtls.server_hello(), at_least=1)


def test_never_passes_over_all_frames_and_fails_with_those_that_match(wire: Wire, ledger: Ledger) -> None:
    judgement = wire.never(datagram.containing(b"hello"), clause=MUST)
    assert (judgement.verdict, judgement.evidence) == (Verdict.PASS, "absent from 49 frames")
    with pytest.raises(ConformanceFailure) as error:
        wire.never(dtls.alert("close_notify"), clause=MUST)
    assert error.value.judgement.frames == (49,)
    assert "<== must not be here" in error.value.judgement.message


def test_never_looks_between_two_moments(wire: Wire) -> None:
    wire.never(dtls.anything(), before=stun.binding_success())
    wire.never(dtls.client_hello(), after=dtls.server_hello())
    with pytest.raises(ConformanceFailure):
        wire.never(dtls.anything(), after=stun.binding_success())


def test_a_moment_that_never_came_is_after_everything(wire: Wire) -> None:
    wire.never(dtls.anything(), after=stun.error())
    assert wire.count(dtls.client_hello(), before=stun.error()) == 1


def test_the_order_holds_inside_a_frame_too(wire: Wire) -> None:
    names = ["ServerHello", "Certificate", "ServerKeyExchange", "CertificateRequest", "ServerHelloDone"]
    hits = wire.in_order([stun.binding_success(), dtls.client_hello(), *map(dtls.handshake, names)], clause=MUST)
    assert [hit.number for hit in hits] == [2, 5, 6, 6, 6, 6, 6]


def test_a_message_that_came_too_early_is_marked(wire: Wire, ledger: Ledger) -> None:
    with pytest.raises(ConformanceFailure) as error:
        wire.in_order([dtls.server_hello(), dtls.client_hello()], clause=MUST)
    judgement = failure(error, ledger)
    assert judgement.frames == (6, 5)
    assert "a DTLS ClientHello after a DTLS ServerHello came too early, in frame 5" in judgement.message
    assert "<== too early: a DTLS ClientHello is to follow a DTLS ServerHello" in judgement.message


def test_a_retransmission_does_not_repair_a_wrong_order(ledger: Ledger) -> None:
    # In this session the ClientHello is sent twice, with a STUN request of the other side between.
    wire = shared(DATA_13).wire(ledger)
    assert wire.count(dtls.client_hello()) == 2
    with pytest.raises(ConformanceFailure, match="too early"):
        wire.in_order([stun.binding_request(use_candidate=True), dtls.client_hello()])


def test_a_message_missing_from_an_order_is_told_with_what_came_before(wire: Wire) -> None:
    with pytest.raises(
        ConformanceFailure, match="an SCTP SHUTDOWN chunk after an SCTP INIT chunk was not seen after it"
    ):
        wire.in_order([sctp.init(), sctp.shutdown()])


def test_the_same_message_may_stand_twice_in_an_order(wire: Wire) -> None:
    assert len(wire.in_order([sctp.init(), sctp.init(), sctp.init_ack()])) == 3


def test_counts_are_judged_when_a_bound_is_given(wire: Wire, ledger: Ledger) -> None:
    assert wire.count(sctp.init()) == 2
    assert not ledger.judgements
    wire.count(sctp.init(), exactly=2, clause=MUST)
    wire.count(sctp.init(), at_least=1, at_most=2)
    with pytest.raises(ConformanceFailure, match="expected exactly 1 of an SCTP INIT chunk, saw 2"):
        wire.count(sctp.init(), exactly=1)
    with pytest.raises(ConformanceFailure, match="at least 3"):
        wire.count(sctp.init(), at_least=3)
    with pytest.raises(ConformanceFailure, match="at most 1"):
        wire.count(sctp.init(), at_most=1)


def test_looking_judges_nothing(wire: Wire, ledger: Ledger) -> None:
    assert [hit.number for hit in wire.all(sctp.init())] == [9, 10]
    assert wire.first(stun.error()) is None
    assert "DATA_CHANNEL_OPEN stream=1 label='hé'" in wire.transcript()
    assert not ledger.judgements


def test_the_inside_of_dtls_is_seen(wire: Wire) -> None:
    opening = wire.expect(dcep.open(label="hé", channel_type=0), sender="offerer")
    wire.expect(dcep.ack(), sender="answerer", after=opening)
    wire.expect(sctp.data(payload=b"hello", ppid=51), sender="offerer", after=opening)


def test_srtp_is_seen_opened(ledger: Ledger) -> None:
    wire = shared(MEDIA_13).wire(ledger)
    wire.never(rtp.unopened())
    wire.expect(rtp.transport_feedback())
    wire.expect(rtp.sender_report())


async def test_a_live_case_waits_for_what_is_to_come(ledger: Ledger) -> None:
    recording = Recording(None)
    wire = recording.wire(ledger)
    message = bytes.fromhex("000100002112a442") + bytes(12)
    datagram_ = made_up(Address("127.0.0.1", 1), Address("127.0.0.1", 2), message)

    async def later() -> None:
        await asyncio.sleep(0.02)
        recording._batch([(1, datagram_.header + datagram_.payload)])

    waiting = asyncio.ensure_future(later())
    assert (await wire.wait_for(stun.binding_request(), timeout=5)).number == 1
    await waiting
    with pytest.raises(ConformanceFailure, match=r"not seen in 0\.01 s"):
        await wire.wait_for(stun.error(), timeout=0.01)


def test_a_plain_sequence_of_frames_will_do(ledger: Ledger) -> None:
    recording = shared(DATA_12)
    assert Wire(list(recording.frames), ledger, recording.keylog).expect(sctp.init()).number == 9
    assert Wire(list(recording.frames), ledger).first(sctp.init()) is None
    assert Wire([], ledger).first(sctp.init()) is None
    with pytest.raises(ConformanceFailure, match="no packet was captured"):
        Wire([], ledger).expect(sctp.init())


def closed(ledger: Ledger) -> Wire:
    """The session as it looks without its secrets."""
    recording = load(DATA_12)
    recording.keylog._secrets.clear()
    recording.keylog.generation += 1
    return recording.wire(ledger)


@pytest.mark.parametrize(
    "matcher",
    [
        sctp.init(),
        dcep.open(),
        dtls.finished(),
        dtls.handshake("EncryptedExtensions"),
        dtls.alert(),
        sctp.init() | sctp.sack(),
    ],
)
def test_what_may_be_inside_sealed_records_is_not_judged(ledger: Ledger, matcher: Matcher) -> None:
    wire = closed(ledger)
    with pytest.raises(NotSeen, match="could not be opened: their secrets are not known"):
        wire.expect(matcher, sender="offerer", clause=MUST)
    assert wire.never(matcher, clause=MUST).verdict is Verdict.INCONCLUSIVE
    with pytest.raises(NotSeen):
        wire.count(matcher, at_least=1, clause=MUST)
    with pytest.raises(NotSeen):
        wire.in_order([dtls.client_hello(), matcher], clause=MUST)
    assert {judgement.verdict for judgement in ledger.judgements} == {Verdict.INCONCLUSIVE}
    assert {judgement.clause for judgement in ledger.judgements} == {MUST}


def test_what_travels_in_clear_is_judged_all_the_same(ledger: Ledger) -> None:
    wire = closed(ledger)
    wire.expect(dtls.server_hello())
    wire.never(dtls.handshake("HelloVerifyRequest"))
    with pytest.raises(ConformanceFailure) as error:
        wire.expect(dtls.handshake("HelloVerifyRequest"))
    assert error.value.judgement.verdict is Verdict.FAIL
    wire.count(sctp.init(), at_most=5)


def test_a_capture_with_holes_proves_no_absence(ledger: Ledger) -> None:
    recording = Recording(None, limit=30)
    packet = made_up(Address("127.0.0.1", 1), Address("127.0.0.1", 2), bytes.fromhex("000100002112a442") + bytes(12))
    recording._batch([(1, packet.header + packet.payload)])
    wire = recording.wire(ledger)
    assert wire.never(stun.error(), clause=MUST).verdict is Verdict.INCONCLUSIVE
    with pytest.raises(NotSeen, match="the capture lost 1 packets"):
        wire.expect(stun.binding_request(), clause=MUST)
