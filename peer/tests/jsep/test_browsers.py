"""What browsers say, from the recorded corpus: every offer of theirs is applied, answered, and offered back."""

from __future__ import annotations

import pytest

from peer import jsep, sdp
from peer.jsep import effects as fx
from peer.tests.sdp import corpus

from .party import Party

OFFERS = [name for name in corpus.NAMES if name.endswith(("-offer", "-offer-gathered")) and "rfc9429" not in name]


@pytest.mark.parametrize("name", OFFERS)
def test_a_recorded_offer_is_answered(name: str) -> None:
    text = corpus.read(name)
    offer = sdp.parse(text)
    party = Party()
    party.hear("offer", text)
    answer = sdp.parse(party.answer())
    assert [one.media for one in answer.media] == [one.media for one in offer.media]
    assert all(one.port for one in answer.media)
    assert [group.mids for group in answer.groups] == [
        group.mids for group in offer.groups if group.semantics == "BUNDLE" and group.mids
    ]
    assert len(party.state.transports) == min(1, len(offer.media))
    # every answered format stands in the offer, under the same number
    for theirs, ours in zip(offer.media, answer.media, strict=True):
        assert set(ours.formats) <= set(theirs.formats)
    assert sdp.parse(party.create_offer()).groups[:1] == answer.groups[:1]


@pytest.mark.parametrize("name", [name for name in OFFERS if name.endswith("-gathered") and "empty" not in name])
def test_recorded_candidates_are_handed_on(name: str) -> None:
    offer = sdp.parse(corpus.read(name))
    party = Party()
    party.hear("offer", corpus.read(name))
    tag = offer.media[0]
    assert len(party.one(fx.RemoteCandidatesAdded).candidates) == tag.count(sdp.CANDIDATE)
    assert len(party.all(fx.RemoteCandidatesEnded)) == int(tag.has(sdp.END_OF_CANDIDATES))


@pytest.mark.parametrize("browser", ["chromium-156-2026-11-21", "firefox-153-2026-11-21"])
@pytest.mark.parametrize("scenario", ["restart", "recycled", "late-data"])
def test_a_recorded_second_round(browser: str, scenario: str) -> None:
    party = Party()
    party.hear("offer", corpus.read(f"{browser}/{scenario}-offer-gathered"))
    party.answer()
    before = party.state.transports[0].remote
    party.hear("offer", corpus.read(f"{browser}/{scenario}-reoffer"))
    party.answer()
    assert len(party.all(fx.RemoteIceSet)) == int(scenario == "restart")
    assert (party.state.transports[0].remote == before) is (scenario != "restart")
    if scenario == "recycled":
        assert party.state.sections[0].rejected
        assert len(party.all(fx.TransceiverRemoved)) == 1
    if scenario == "late-data":
        assert party.state.sctp is not None


@pytest.mark.parametrize("browser", ["chromium-156-2026-11-21", "firefox-153-2026-11-21"])
def test_the_mandatory_codecs_meet(browser: str) -> None:
    party = Party()
    party.add("audio")
    party.add("video")
    party.hear("offer", corpus.read(f"{browser}/audio-video-data-offer"))
    party.answer()
    names = [{codec.codec.name for codec in one.send.codecs} for one in party.state.transceivers]
    assert {"opus", "PCMU", "PCMA"} <= names[0]
    assert {"VP8", "VP9", "AV1", "rtx"} <= names[1]
    assert all(one.current_direction is jsep.Direction.SENDRECV for one in party.state.transceivers)
