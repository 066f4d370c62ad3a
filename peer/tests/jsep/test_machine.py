"""Two parties and every call that changes negotiation, in any order: the table is the model."""

from __future__ import annotations

import os
from dataclasses import replace

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from peer import jsep, sdp
from peer.jsep import DescriptionType, Direction, Side, SignalingState
from peer.jsep.signaling import TRANSITIONS

from .party import Party

STEPS = list(TRANSITIONS)
SWEEP = int(os.environ.get("PEERPROOF_SWEEP", "25"))
COVERED: set[tuple[SignalingState, Side, DescriptionType]] = set()
PARTIES = st.integers(0, 1)


class Negotiation(RuleBasedStateMachine):
    """Each party holds what the other said last; some of it is stale: any error but a JsepError is a bug."""

    def __init__(self) -> None:
        super().__init__()
        self.parties = (Party("first"), Party("second"))
        self.said: list[dict[str, str]] = [{}, {}]
        self.expected = [SignalingState.STABLE, SignalingState.STABLE]

    def _set(self, who: int, side: Side, kind: DescriptionType, text: str) -> None:
        party = self.parties[who]
        before = party.state
        cell = (before.signaling, side, kind)
        COVERED.add(cell)
        try:
            party.set(side, kind, text)
        except jsep.JsepError:
            assert party.state is before
        else:
            assert cell in TRANSITIONS
            self.expected[who] = TRANSITIONS[cell]
            if side is Side.LOCAL and kind is not DescriptionType.ROLLBACK:
                self.said[who][kind] = text

    @rule(
        who=PARTIES, kind=st.sampled_from(["audio", "video"]), direction=st.sampled_from(Direction), track=st.booleans()
    )
    def add(self, who: int, kind: str, direction: Direction, track: bool) -> None:
        if len(self.parties[who].state.transceivers) < 4:
            self.parties[who].add(kind, direction, track=track)

    @rule(who=PARTIES)
    def data(self, who: int) -> None:
        self.parties[who].data()

    @rule(who=PARTIES, at=st.integers(0, 3))
    def stop(self, who: int, at: int) -> None:
        for one in self.parties[who].state.transceivers[at : at + 1]:
            if not one.stopping:
                self.parties[who].stop(one.key)

    @rule(who=PARTIES, at=st.integers(0, 3), direction=st.sampled_from(Direction))
    def turn(self, who: int, at: int, direction: Direction) -> None:
        for one in self.parties[who].state.transceivers[at : at + 1]:
            if not one.stopping:
                self.parties[who].change(one.key, direction=direction)

    @rule(who=PARTIES)
    def restart(self, who: int) -> None:
        self.parties[who].state = jsep.restart_ice(self.parties[who].state)

    @rule(who=PARTIES, restart=st.booleans())
    def offer(self, who: int, restart: bool) -> None:
        party = self.parties[who]
        if party.state.signaling in (SignalingState.STABLE, SignalingState.HAVE_LOCAL_OFFER):
            self._set(who, Side.LOCAL, DescriptionType.OFFER, party.create_offer(ice_restart=restart))

    @rule(who=PARTIES, kind=st.sampled_from([DescriptionType.ANSWER, DescriptionType.PRANSWER]))
    def answer(self, who: int, kind: DescriptionType) -> None:
        party = self.parties[who]
        if party.state.signaling in (SignalingState.HAVE_REMOTE_OFFER, SignalingState.HAVE_LOCAL_PRANSWER):
            self._set(who, Side.LOCAL, kind, party.create_answer())

    @rule(who=PARTIES, kind=st.sampled_from(DescriptionType))
    def hear(self, who: int, kind: DescriptionType) -> None:
        self._set(who, Side.REMOTE, kind, self.said[1 - who].get(kind, ""))

    @rule(who=PARTIES, side=st.sampled_from(Side))
    def rollback(self, who: int, side: Side) -> None:
        self._set(who, side, DescriptionType.ROLLBACK, "")

    @rule(who=PARTIES)
    def whole_round(self, who: int) -> None:
        """When both are stable and know of each other, a round must succeed and settle what both want."""
        one, other = self.parties[who], self.parties[1 - who]
        together = one.state.current_local == other.state.current_remote
        if any(party.state.signaling is not SignalingState.STABLE for party in (one, other)) or not together:
            return
        self._set(who, Side.LOCAL, DescriptionType.OFFER, one.create_offer())
        self._set(1 - who, Side.REMOTE, DescriptionType.OFFER, one.state.last_created_offer)
        self._set(1 - who, Side.LOCAL, DescriptionType.ANSWER, other.create_answer())
        self._set(who, Side.REMOTE, DescriptionType.ANSWER, self.said[1 - who]["answer"])
        assert self.expected == [SignalingState.STABLE, SignalingState.STABLE]
        # W3C step 5.1: stopped before it ever had an m-section, a transceiver asks for negotiation for ever
        if not any(transceiver.stopping for transceiver in one.state.transceivers):
            assert not jsep.negotiation_needed(one.state)

    @invariant()
    def the_table_is_right(self) -> None:
        assert [party.state.signaling for party in self.parties] == self.expected

    @invariant()
    def slots_agree_with_descriptions(self) -> None:
        for party in self.parties:
            state = party.state
            stable = state.signaling is SignalingState.STABLE
            assert stable is (state.pending_local is None and state.pending_remote is None)
            assert stable is (state.stable is None)
            mids = [one.jsep_mid for one in state.transceivers if one.jsep_mid is not None]
            assert len(set(mids)) == len(mids)
            keys = {one.key for one in state.transports}
            assert {section.transport for section in state.sections} - {None} <= keys
            for description in (state.local, state.remote):
                if description is not None and description.model is not None:
                    assert sdp.serialize(description.model) == description.sdp
                    assert len(description.model.media) <= len(state.sections)


Negotiation.TestCase.settings = settings(max_examples=SWEEP, stateful_step_count=30, deadline=None)
TestNegotiation = Negotiation.TestCase


# --- every cell, every pair of transitions ------------------------------------------------------------------


class Walk:
    """A party driven through given transitions; whatever text a step needs is got from a partner."""

    def __init__(self) -> None:
        self.party = Party("walker").data()

    def text(self, side: Side, kind: DescriptionType) -> str:
        """A text that fits the state the walker is in."""
        state = self.party.state
        if kind is DescriptionType.ROLLBACK:
            return ""
        if kind is DescriptionType.OFFER:
            author = self.party if side is Side.LOCAL else Party("partner").data()
            return author.create_offer()
        if side is Side.LOCAL:
            return self.party.create_answer()
        assert state.pending_local is not None
        partner = Party("partner")
        partner.hear("offer", state.pending_local.sdp)
        return partner.answer()

    def take(self, step: tuple[SignalingState, Side, DescriptionType]) -> None:
        state, side, kind = step
        assert self.party.state.signaling is state
        self.party.set(side, kind, self.text(side, kind))
        assert self.party.state.signaling is TRANSITIONS[step]


def way_to(state: SignalingState) -> list[tuple[SignalingState, Side, DescriptionType]]:
    """The shortest way from "stable"."""
    ways: dict[SignalingState, list[tuple[SignalingState, Side, DescriptionType]]] = {SignalingState.STABLE: []}
    while state not in ways:
        for step in STEPS:
            if step[0] in ways and TRANSITIONS[step] not in ways:
                ways[TRANSITIONS[step]] = [*ways[step[0]], step]
    return ways[state]


PAIRS = [(first, second) for first in STEPS for second in STEPS if TRANSITIONS[first] is second[0]]


@pytest.mark.parametrize(("first", "second"), PAIRS, ids=lambda step: ":".join(step))
def test_every_pair_of_transitions_is_walked(
    first: tuple[SignalingState, Side, DescriptionType], second: tuple[SignalingState, Side, DescriptionType]
) -> None:
    walk = Walk()
    for step in [*way_to(first[0]), first, second]:
        walk.take(step)


REFUSED = [
    (state, side, kind)
    for state in SignalingState
    for side in Side
    for kind in DescriptionType
    if state is not SignalingState.CLOSED and (state, side, kind) not in TRANSITIONS
]


@pytest.mark.parametrize(("state", "side", "kind"), REFUSED)
def test_every_other_cell_is_refused_and_leaves_the_state(
    state: SignalingState, side: Side, kind: DescriptionType
) -> None:
    walk = Walk()
    for step in way_to(state):
        walk.take(step)
    text = "" if kind is DescriptionType.ROLLBACK else Party("partner").data().create_offer()
    if side is Side.LOCAL:
        # so that the type alone is wrong, not the text
        walk.party.state = replace(walk.party.state, last_created_offer=text, last_created_answer=text)
    before = walk.party.state
    with pytest.raises(jsep.InvalidState):
        walk.party.set(side, kind, text)
    assert walk.party.state is before
