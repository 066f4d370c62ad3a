"""The tables of webrtc-pc section 4.3, every row."""

from __future__ import annotations

import itertools

import pytest

from peer.api import states
from peer.api.states import connection_state, ice_connection_state, ice_gathering_state

ICE, DTLS, GATHERER = states.RTCIceTransportState, states.RTCDtlsTransportState, states.RTCIceGathererState


@pytest.mark.parametrize(
    ("gatherers", "expected"),
    [
        ((), "new"),
        (("new",), "new"),
        (("new", "complete"), "new"),
        (("gathering", "new"), "gathering"),
        (("gathering", "complete"), "gathering"),
        (("complete", "complete"), "complete"),
    ],
)
def test_gathering(gatherers: tuple[str, ...], expected: str) -> None:
    assert ice_gathering_state([GATHERER(one) for one in gatherers]) == expected


@pytest.mark.parametrize(
    ("transports", "expected"),
    [
        ((), "new"),
        (("new", "closed"), "new"),
        (("failed", "connected"), "failed"),
        (("failed", "disconnected"), "failed"),
        (("disconnected", "checking"), "disconnected"),
        (("new", "connected"), "checking"),
        (("checking", "completed"), "checking"),
        (("completed", "closed"), "completed"),
        (("completed", "connected"), "connected"),
        (("connected", "closed"), "connected"),
    ],
)
def test_ice_connection(transports: tuple[str, ...], expected: str) -> None:
    assert ice_connection_state([ICE(one) for one in transports], is_closed=False) == expected
    assert ice_connection_state([ICE(one) for one in transports], is_closed=True) == "closed"


def test_the_order_of_transports_does_not_matter() -> None:
    for several in itertools.product(ICE, repeat=3):
        results = {ice_connection_state(order, is_closed=False) for order in itertools.permutations(several)}
        assert len(results) == 1


@pytest.mark.parametrize(
    ("ice", "dtls", "expected"),
    [
        ("closed", (), "closed"),
        ("failed", ("connected",), "failed"),
        ("connected", ("failed",), "failed"),
        ("disconnected", ("connected",), "disconnected"),
        ("new", (), "new"),
        ("new", ("new", "closed"), "new"),
        ("new", ("connecting",), "connecting"),
        ("checking", ("new",), "connecting"),
        ("connected", ("connecting",), "connecting"),
        ("connected", ("connected", "closed"), "connected"),
        ("completed", ("connected",), "connected"),
    ],
)
def test_connection(ice: str, dtls: tuple[str, ...], expected: str) -> None:
    assert connection_state(states.RTCIceConnectionState(ice), [DTLS(one) for one in dtls]) == expected
