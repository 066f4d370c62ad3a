"""`plan`: the order of the checks, the slots of the connection, the order of the effects."""

from __future__ import annotations

import pytest

from peer import jsep, sdp
from peer.jsep import DescriptionType, Side, SignalingState
from peer.jsep import effects as fx

from .party import Party, connected, negotiate, pair, without


def offer() -> str:
    return Party("offerer").data().offer()


# --- refusals -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["offer", "answer", "pranswer"])
def test_an_altered_local_description_is_refused_before_anything_else(kind: str) -> None:
    party = Party().data()
    party.create_offer()
    with pytest.raises(jsep.InvalidModification):
        party.set(Side.LOCAL, kind, "nonsense")


def test_the_type_is_checked_before_the_text() -> None:
    with pytest.raises(jsep.InvalidState):
        Party().hear("answer", "nonsense")


def test_the_text_is_checked_before_its_contents() -> None:
    text = without(offer(), "a=fingerprint").replace("a=setup:actpass", "a=setup:maybe")
    with pytest.raises(jsep.SdpSyntax) as caught:
        Party().hear("offer", text)
    assert text.split("\r\n")[caught.value.line - 1] == "a=setup:maybe"


@pytest.mark.parametrize("side", list(Side))
@pytest.mark.parametrize("state", ["stable", "have-local-pranswer", "have-remote-pranswer"])
def test_rollback_is_refused_where_w3c_refuses_it(side: Side, state: str) -> None:
    one, other = pair()
    party = one
    if state != "stable":
        other.hear("offer", one.data().offer())
        one.hear("pranswer", other.answer("pranswer"))
        party = one if state == "have-remote-pranswer" else other
    assert party.state.signaling == state
    with pytest.raises(jsep.InvalidState):
        party.rollback(side)


# --- descriptions -------------------------------------------------------------------------------------------


def test_descriptions_move_from_pending_to_current() -> None:
    one, other = pair()
    one.data()
    assert one.state.local is None
    text = one.offer()
    assert one.state.pending_local is not None
    assert one.state.local is one.state.pending_local
    other.hear("offer", text)
    assert other.state.remote is other.state.pending_remote
    first = other.answer("pranswer")
    assert other.state.pending_local is not None
    one.hear("pranswer", first)
    second = other.answer()
    one.hear("answer", second)
    for party, local, remote in ((one, text, second), (other, second, text)):
        state = party.state
        assert state.pending_local is state.pending_remote is state.stable is None
        assert (state.local, state.remote) == (state.current_local, state.current_remote)
        assert state.current_local is not None
        assert state.current_remote is not None
        assert (state.current_local.sdp, state.current_remote.sdp) == (local, remote)
        assert (state.last_created_offer, state.last_created_answer) == ("", "")
    assert one.state.current_local is not None
    assert one.state.current_local.type is DescriptionType.OFFER


def test_signaling_state_changes_are_told_once() -> None:
    party = Party().data()
    party.offer()
    assert party.one(fx.SignalingStateChanged).signaling is SignalingState.HAVE_LOCAL_OFFER
    party.offer()
    assert party.all(fx.SignalingStateChanged) == []


def test_negotiation_needed_is_looked_at_when_stable() -> None:
    one, other = connected()
    assert one.one(fx.NegotiationNeededUpdated)
    other.hear("offer", one.offer())
    assert other.all(fx.NegotiationNeededUpdated) == []


def test_early_candidates_are_released_by_local_descriptions() -> None:
    one, other = connected()
    assert other.one(fx.EarlyCandidatesReleased)
    assert one.all(fx.EarlyCandidatesReleased) == []


def test_events_come_last_and_in_w3c_order() -> None:
    one, other = pair()
    one.add("audio", streams=("s",))
    other.hear("offer", one.offer())
    order = [type(effect) for effect in other.effects]
    assert order[-3:] == [fx.SignalingStateChanged, fx.StreamTrackAdded, fx.TrackFired]


def test_trickling_is_known_after_a_remote_description() -> None:
    one, other = pair()
    text = one.data().offer()
    assert one.state.can_trickle is None
    other.hear("offer", text)
    assert other.state.can_trickle is True
    party = Party()
    party.hear("offer", without(text, "a=ice-options"))
    assert party.state.can_trickle is False


def test_an_identity_is_handed_on() -> None:
    party = Party()
    party.hear("offer", Party("offerer").data().create_offer(identity="eyJ9"))
    assert party.one(fx.IdentityReceived).values == ("eyJ9",)


def test_a_restart_stays_wanted_until_it_is_answered() -> None:
    one, other = connected()
    stale = one.create_offer()
    one.state = jsep.restart_ice(one.state)
    assert one.state.credentials_to_replace
    one.set(Side.LOCAL, "offer", stale)
    other.hear("offer", stale)
    one.hear("answer", other.answer())
    # that offer was made before restartIce() was called
    assert one.state.credentials_to_replace
    negotiate(one, other)
    assert not one.state.credentials_to_replace


def test_mids_of_the_other_side_are_not_used_again() -> None:
    one, other = connected("audio", data=False)
    other.add("video")
    text, _ = negotiate(other, one)
    assert [media.mid for media in sdp.parse(text).media] == ["0", "1"]
    party = Party()
    party.hear("offer", text.replace("a=mid:1", "a=mid:x9").replace("BUNDLE 0 1", "BUNDLE 0 x9"))
    assert party.state.next_mid == 1


def test_payload_types_of_the_other_side_are_remembered() -> None:
    party = Party()
    first = Party("offerer")
    first.add("audio")
    text = first.offer().replace("111", "96")
    party.hear("offer", text)
    party.answer()
    assert party.state.payload_types[0].payload_type == 96
    party.add("audio")
    party.add("video")
    description = sdp.parse(party.create_offer())
    assert description.media[1].formats[0] == "96"
    assert "96" not in description.media[2].formats


def test_a_stopped_transceiver_leaves_the_set_with_the_answer() -> None:
    one, other = connected("audio")
    key = one.state.transceivers[0].key
    one.stop(key)
    negotiate(one, other)
    assert one.state.transceivers == other.state.transceivers == ()
    removed = one.one(fx.TransceiverRemoved)
    assert removed.transceiver == key
    assert removed.slots.stopped
    assert one.state.sections[0].transceiver is None
