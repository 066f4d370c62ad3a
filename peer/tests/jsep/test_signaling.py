"""The signaling table against every cell, drawn independently from RFC 9429 section 3.2's figure."""

from __future__ import annotations

import itertools

import pytest

from peer.jsep import DescriptionType, InvalidState, Side, SignalingState
from peer.jsep.signaling import TRANSITIONS, allows, transition

# what each side may set, and where that leads; R is rollback
FIGURE = {
    "stable": {"local offer": "have-local-offer", "remote offer": "have-remote-offer"},
    "have-local-offer": {
        "local offer": "have-local-offer",
        "remote pranswer": "have-remote-pranswer",
        "remote answer": "stable",
        "local rollback": "stable",
        "remote rollback": "stable",
    },
    "have-remote-offer": {
        "remote offer": "have-remote-offer",
        "local pranswer": "have-local-pranswer",
        "local answer": "stable",
        "local rollback": "stable",
        "remote rollback": "stable",
    },
    "have-local-pranswer": {"local pranswer": "have-local-pranswer", "local answer": "stable"},
    "have-remote-pranswer": {"remote pranswer": "have-remote-pranswer", "remote answer": "stable"},
    "closed": {},
}
CELLS = list(itertools.product(SignalingState, Side, DescriptionType))


@pytest.mark.parametrize(("state", "side", "kind"), CELLS, ids=lambda value: value.value)
def test_every_cell(state: SignalingState, side: Side, kind: DescriptionType) -> None:
    expected = FIGURE[state].get(f"{side} {kind}")
    assert allows(state, side, kind) is (expected is not None)
    if expected is None:
        with pytest.raises(InvalidState, match="can't be set"):
            transition(state, side, kind)
    else:
        assert transition(state, side, kind) == expected


def test_the_figure_and_the_table_have_the_same_size() -> None:
    assert len(CELLS) == 48
    assert len(TRANSITIONS) == sum(map(len, FIGURE.values())) == 16
