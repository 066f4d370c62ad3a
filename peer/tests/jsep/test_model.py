"""Directions, and what the API changes in a state between descriptions."""

from __future__ import annotations

import pytest

from peer import jsep
from peer.jsep import Direction, Kind, SignalingState
from peer.jsep.model import default_encodings

from .party import Party, connected


@pytest.mark.parametrize(
    ("direction", "sends", "receives", "other"),
    [
        ("sendrecv", True, True, "sendrecv"),
        ("sendonly", True, False, "recvonly"),
        ("recvonly", False, True, "sendonly"),
        ("inactive", False, False, "inactive"),
    ],
)
def test_directions(direction: str, sends: bool, receives: bool, other: str) -> None:
    one = Direction(direction)
    assert (one.sends, one.receives, one.reversed) == (sends, receives, other)


def test_directions_meet() -> None:
    assert Direction.SENDONLY & Direction.SENDRECV is Direction.SENDONLY
    assert Direction.SENDONLY & Direction.RECVONLY is Direction.INACTIVE


def test_keys_are_never_used_twice() -> None:
    party = Party()
    first, second = party.add(), party.add("video")
    assert first != second
    assert [one.key for one in party.state.transceivers] == [first, second]


def test_slots_are_found_by_key() -> None:
    one, _ = connected("audio")
    transceiver = one.state.transceivers[0]
    assert one.state.transceiver(transceiver.key) is transceiver
    assert one.state.transceiver(99) is None
    assert transceiver.transport is not None
    assert one.state.transport(transceiver.transport) is one.state.transports[0]
    assert one.state.transport(99) is None
    assert one.state.section("0") is one.state.sections[0]
    assert one.state.section("nobody") is None


def test_changing_one_transceiver_leaves_the_others() -> None:
    party = Party()
    first, second = party.add(), party.add()
    party.change(second, direction=Direction.INACTIVE)
    assert party.transceiver(first).direction is Direction.SENDRECV
    assert party.transceiver(second).direction is Direction.INACTIVE


def test_default_encodings() -> None:
    assert default_encodings(Kind.VIDEO)[0].scale_resolution_down_by == 1.0
    assert default_encodings(Kind.AUDIO)[0].scale_resolution_down_by is None


def test_closing_stops_everything() -> None:
    one, _ = connected("audio")
    state = one.state.closed()
    assert state.signaling is SignalingState.CLOSED
    assert all(transceiver.stopped and transceiver.stopping for transceiver in state.transceivers)


def test_an_rtx_format_knows_what_it_repairs() -> None:
    rtx = jsep.NegotiatedCodec(97, jsep.Codec("video/rtx", 90000, None, "apt=96;rtx-time=3000"))
    assert rtx.associated == 96
    assert jsep.NegotiatedCodec(96, jsep.Codec("video/VP8", 90000)).associated is None
    assert jsep.NegotiatedCodec(97, jsep.Codec("video/rtx", 90000, None, "apt=x")).associated is None


def test_a_new_state_has_a_session_id_that_fits() -> None:
    state = Party().state
    assert 0 <= state.configuration.session_id < 2**63 - 1
    assert 20 <= len(state.configuration.tls_id) <= 255
    assert state.local is None
    assert state.remote is None
