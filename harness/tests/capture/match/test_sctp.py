"""Matchers for SCTP."""

from __future__ import annotations

import pytest

from harness.capture.items import Item, Part
from harness.capture.layers import sctp as layer
from harness.capture.match import sctp
from harness.capture.matcher import Matcher
from harness.tests.capture.match.found import numbers
from harness.tests.capture.recorded import DATA_12, DATA_13, shared


@pytest.mark.parametrize(
    ("matcher", "frames"),
    [
        (sctp.init(), [9, 10]),
        (sctp.init(forward_tsn=True), [9, 10]),
        (sctp.init(supports=("RE-CONFIG",)), [9, 10]),
        (sctp.init(supports=("RE-CONFIG", "ASCONF", "AUTH")), []),
        (sctp.init(outbound_streams=1), []),
        (sctp.init_ack(), [11, 12]),
        (sctp.init_ack(inbound_streams=3), []),
        (sctp.cookie_echo(), [13, 14]),
        (sctp.cookie_ack(), [15, 16]),
        (sctp.data(ppid=50), [17, 19]),
        (sctp.data(ppid=51, stream=1, payload=b"hello"), [21, 22]),
        (sctp.data(unordered=True), []),
        (sctp.data(beginning=True, ending=True), [17, 19, 21, 22]),
        (sctp.data(tsn=228238730), [21]),
        (sctp.sack(), [18, 20, 22, 31]),
        (sctp.sack(cumulative_tsn=228238730), [22]),
        (sctp.reconfig(), [34, 35, 36, 37]),
        (sctp.reconfig(resets=1), [34, 36]),
        (sctp.reconfig(response=True), [35, 37]),
        (sctp.abort(), [48]),
        (sctp.abort(cause=13), []),
        (sctp.chunk("COOKIE ECHO"), [13, 14]),
        (sctp.packet().where(lambda packet: len(packet.chunks) == 2, "of two chunks"), [22]),
        (sctp.heartbeat() | sctp.heartbeat_ack() | sctp.shutdown() | sctp.shutdown_ack(), []),
        (sctp.shutdown_complete() | sctp.forward_tsn() | sctp.error() | sctp.i_data(), []),
    ],
)
def test_each_matcher_finds_its_chunks(matcher: Matcher, frames: list[int]) -> None:
    assert numbers(DATA_12, matcher) == frames


def test_a_cause_is_looked_for_in_the_chunk() -> None:
    frame = shared(DATA_13).frames[0]
    data = bytes(layer.Abort(parameters=[layer.Cause(type=12, value=b"bye")]))
    assert sctp.abort(cause=12).matches(frame, Item(Part.CHUNK, 6, data))
    assert not sctp.abort(cause=13).matches(frame, Item(Part.CHUNK, 6, data))
    assert str(sctp.abort(cause=12)) == "an SCTP ABORT chunk with cause 12 (User-Initiated Abort)"


def test_an_unknown_chunk_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match="COOKIE ECHO"):
        sctp.chunk("COOKIE-ECHO")
