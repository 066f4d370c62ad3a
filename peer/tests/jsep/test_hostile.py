"""Mutated descriptions as remote offers and answers: a plan or a JsepError, and the peer goes on either way."""

from __future__ import annotations

import os
import random

import pytest
from hypothesis import given, settings

from peer import jsep
from peer.tests.sdp import corpus, strategies
from peer.tests.sdp.test_parser import mutated

from .party import Party, negotiate, pair

SWEEP = int(os.environ.get("PEERPROOF_SWEEP", "150"))
OFFERS = [name for name in corpus.NAMES if "-offer" in name or "/offer" in name]


def answers_or_refuses(party: Party, text: str) -> None:
    """The whole way of an offer; what is applied must be answerable, and both must be undone by nothing half done."""
    before = party.state
    try:
        party.hear("offer", text)
    except jsep.JsepError:
        assert party.state is before
        return
    jsep.negotiation_needed(party.state)
    party.answer("pranswer")
    party.answer()
    jsep.negotiation_needed(party.state)
    party.offer()
    party.rollback()


@settings(max_examples=SWEEP)
@given(strategies.mutations())
def test_a_mutated_offer(text: str) -> None:
    answers_or_refuses(Party().data(), text)


@settings(max_examples=SWEEP)
@given(strategies.descriptions())
def test_an_offer_out_of_the_grammar(text: str) -> None:
    answers_or_refuses(Party(), text)


@pytest.mark.parametrize("seed", range(4))
def test_mutated_reoffers_and_answers_in_bulk(seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(max(10, SWEEP // 5)):
        one, other = pair()
        for kind in chance.sample(["audio", "video", "audio"], chance.randint(0, 3)):
            one.add(kind, rids=("h", "l") if kind == "video" else ())
        one.data()
        if chance.random() < 0.5:
            negotiate(one, other)
        offer = one.offer(ice_restart=chance.random() < 0.3)
        answers_or_refuses(other, "\r\n".join(mutated(offer.split("\r\n"), chance)))
        fresh = Party("fresh")
        if other.state.signaling is jsep.SignalingState.STABLE and other.state.current_remote is None:
            fresh.hear("offer", offer)
            before = one.state
            try:
                one.hear("answer", "\r\n".join(mutated(fresh.answer().split("\r\n"), chance)))
            except jsep.JsepError:
                assert one.state is before
            else:
                one.create_offer()
