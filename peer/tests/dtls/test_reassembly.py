"""Reassembly: any cut, any order, doubles and overlaps; limits; disagreement."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from peer.dtls.reassembly import MAX_MESSAGE, Reassembler
from peer.dtls.transcript import RawMessage
from peer.errors import DecodeError
from peer.wire.dtls_handshake import Fragment

BODY = bytes(range(60))


def piece(start: int, end: int, sequence: int = 0, body: bytes = BODY) -> Fragment:
    return Fragment(11, len(body), sequence, start, body[start:end])


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), max_size=30), st.randoms(use_true_random=False))
def test_any_pieces_in_any_order(cuts: list[tuple[int, int]], random: object) -> None:
    pieces = [piece(min(cut), max(cut)) for cut in cuts] + [piece(n, n + 20) for n in (0, 20, 40)]
    random.shuffle(pieces)  # type: ignore[attr-defined]  # hypothesis gives a random.Random
    inbound, seen = Reassembler(), set[int]()
    for fragment in pieces:
        inbound.receive(fragment, 0)
        seen |= set(range(fragment.offset, fragment.offset + len(fragment.data)))
        message = inbound.take()
        assert (message is not None) is (len(seen) == 60)
        if message is not None:
            assert message == RawMessage(11, 0, BODY, 0)
            return


def test_messages_come_out_in_order() -> None:
    inbound = Reassembler()
    inbound.receive(piece(0, 60, 1), 0)
    assert inbound.has_hole
    assert inbound.take() is None
    inbound.receive(piece(0, 60, 0), 0)
    assert [inbound.take().sequence for _ in range(2)] == [0, 1]  # type: ignore[union-attr]  # they are there
    assert inbound.take() is None
    assert not inbound.receive(piece(0, 60, 0), 0), "from the past"


def test_an_empty_message_and_an_empty_fragment() -> None:
    inbound = Reassembler()
    assert inbound.receive(Fragment(11, 60, 0, 30, b""), 0)
    assert inbound.take() is None
    inbound.receive(Fragment(14, 0, 0, 0, b""), 0)
    assert inbound.take() == RawMessage(14, 0, b"", 0)


def test_the_first_bytes_stay_where_overlaps_disagree() -> None:
    inbound = Reassembler()
    inbound.receive(piece(0, 40), 0)
    inbound.receive(piece(20, 60, body=bytes(60)), 0)
    assert inbound.take() == RawMessage(11, 0, BODY[:40] + bytes(20), 0)


def test_fragments_that_contradict_each_other() -> None:
    inbound = Reassembler()
    inbound.receive(piece(0, 40), 2)
    for other in (Fragment(12, 60, 0, 40, bytes(20)), Fragment(11, 61, 0, 40, bytes(20))):
        with pytest.raises(DecodeError):
            inbound.receive(other, 2)
        assert not inbound.receive(other, 0)
    inbound.receive(piece(40, 60), 0)
    assert inbound.take() is None
    inbound.receive(piece(40, 60), 2)
    assert inbound.take() == RawMessage(11, 0, BODY, 2)


def test_what_came_under_keys_goes_before_what_came_in_clear() -> None:
    inbound = Reassembler()
    inbound.receive(piece(0, 59, body=bytes(60)), 0)
    inbound.receive(piece(0, 60), 2)
    assert inbound.take() == RawMessage(11, 0, BODY, 2)


def test_limits() -> None:
    inbound = Reassembler()
    assert not inbound.receive(Fragment(11, MAX_MESSAGE + 1, 0, 0, b"x"), 0)
    assert inbound.receive(Fragment(11, MAX_MESSAGE, 11, 0, b"x"), 0)
    assert not inbound.receive(Fragment(11, 1, 12, 0, b"x"), 0)
    for n in range(0, 4000, 2):
        inbound.receive(Fragment(11, 4000, 0, n, b"x"), 0)
    assert len(inbound._partials[0]._gaps) <= 128
