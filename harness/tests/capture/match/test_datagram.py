"""Matchers for datagrams as they are."""

from __future__ import annotations

from harness.capture.kinds import Kind
from harness.capture.match import datagram
from harness.tests.capture.match.found import numbers
from harness.tests.capture.recorded import DATA_12, shared


def test_clear_bytes_are_found_anywhere_in_a_datagram() -> None:
    assert set(numbers(DATA_12, datagram.containing(b"TRMF"))) >= {1, 3}
    assert numbers(DATA_12, datagram.containing(b"hello")) == []


def test_kinds_are_those_of_the_first_byte() -> None:
    expected = [frame.number for frame in shared(DATA_12).frames if frame.kind is Kind.STUN]
    assert numbers(DATA_12, datagram.of_kind(Kind.STUN)) == expected
