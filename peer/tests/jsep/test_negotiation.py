"""W3C "check if negotiation is needed", restartIce(), the legacy options, whether a created description still holds."""

from __future__ import annotations

from dataclasses import replace

import pytest

from peer import jsep
from peer.jsep import Direction, Side

from .party import Party, connected, negotiate, pair, without


def needed(party: Party) -> bool:
    return jsep.negotiation_needed(party.state)


def test_a_new_connection_needs_nothing() -> None:
    assert not needed(Party())


def test_step_2_a_restart() -> None:
    one, _ = connected()
    one.state = jsep.restart_ice(one.state)
    assert needed(one)


def test_restarting_before_anything_was_said_changes_nothing() -> None:
    party = Party()
    party.state = jsep.restart_ice(party.state)
    assert not needed(party)


def test_a_new_ice_configuration() -> None:
    one, _ = connected()
    one.state = one.state.ice_configured()
    assert needed(one)


def test_step_4_a_data_channel() -> None:
    one, other = connected("audio", data=False)
    assert not needed(one)
    one.data()
    assert needed(one)
    negotiate(one, other)
    assert not needed(one)


def test_step_5_1_stopping() -> None:
    one, _ = connected("audio")
    one.stop(one.state.transceivers[0].key)
    assert needed(one)


def test_step_5_2_not_associated() -> None:
    one, _ = connected()
    one.add("audio")
    assert needed(one)


def test_step_5_2_a_pending_association_does_not_count() -> None:
    party = Party()
    party.add("audio")
    party.offer()
    assert needed(party)


def test_step_5_3_1_streams() -> None:
    one, other = connected("audio")
    key = one.state.transceivers[0].key
    one.change(key, stream_ids=())
    assert needed(one)
    negotiate(one, other)
    assert not needed(one)
    one.change(key, stream_ids=("s", "t"))
    assert needed(one)
    one.change(key, direction=Direction.RECVONLY)
    assert needed(one)


def test_step_5_3_2_direction_of_an_offer() -> None:
    one, other = pair()
    one.add("audio", "sendrecv")
    other.add("audio", "sendrecv")
    negotiate(one, other)
    key = one.only.key
    assert not needed(one)
    one.change(key, direction=Direction.RECVONLY)
    assert needed(one)
    other.change(other.only.key, direction=Direction.SENDONLY)
    negotiate(one, other)
    one.change(key, direction=Direction.RECVONLY)
    assert not needed(one)


def test_step_5_3_2_the_answer_counts_reversed() -> None:
    one, _ = connected("audio")
    key = one.state.transceivers[0].key
    # offered sendrecv, answered recvonly: seen from here that is sendonly
    one.change(key, direction=Direction.SENDONLY)
    assert not needed(one)


def test_step_5_3_3_direction_of_an_answer() -> None:
    one, other = pair()
    one.add("audio", "sendonly")
    other.add("audio")
    other.hear("offer", one.offer())
    other.change(other.state.transceivers[-1].key, direction=Direction.RECVONLY)
    one.hear("answer", other.answer())
    answered = other.state.transceivers[-1].key
    other.state = replace(other.state, transceivers=other.state.transceivers[-1:])
    assert not needed(other)
    # sendrecv meets the offered sendonly in recvonly all the same, but has a stream to announce
    other.change(answered, direction=Direction.INACTIVE)
    assert needed(other)


def test_step_5_4_stopped_but_not_yet_rejected() -> None:
    one, other = connected("audio")
    key = other.state.transceivers[0].key
    other.change(key, stopping=True, stopped=True)
    assert needed(other)
    other.change(key, mid=None)
    assert not needed(other)
    del one


def test_step_5_4_rejected_on_one_side_is_enough() -> None:
    one, other = pair()
    one.add("audio")
    other.configure(audio=jsep.Capabilities())
    other.hear("offer", one.offer())
    other.answer("pranswer")
    stopped = replace(other.only, stopping=True, stopped=True)
    other.answer()
    assert other.state.transceivers == ()
    other.state = replace(other.state, transceivers=(stopped,))
    assert not needed(other)


def test_a_section_that_became_another_ones_does_not_count() -> None:
    one, _ = connected("audio")
    key = one.state.transceivers[0].key
    one.change(key, mid="7")
    assert needed(one)


def test_sections_without_mid_count_by_their_place() -> None:
    one, other = pair()
    one.add("audio")
    other.hear("offer", without(one.offer(), "a=group", "a=mid"))
    other.answer()
    assert not needed(other)


def test_without_a_remote_section_direction_is_open() -> None:
    one, other = connected("audio")
    one.state = replace(one.state, current_remote=None)
    assert needed(one)
    del other


# --- legacy options -----------------------------------------------------------------------------------------


def receive(party: Party, **options: bool) -> list[tuple[str, str]]:
    party.state = jsep.offer_to_receive(party.state, **options)
    return [(one.kind.value, one.direction.value) for one in party.state.transceivers]


def test_true_adds_a_recvonly_transceiver_where_none_receives() -> None:
    party = Party()
    assert receive(party) == []
    assert receive(party, audio=True) == [("audio", "recvonly")]
    assert receive(party, audio=True, video=True) == [("audio", "recvonly"), ("video", "recvonly")]


@pytest.mark.parametrize(
    ("direction", "expected"),
    [("sendrecv", "sendonly"), ("recvonly", "inactive"), ("sendonly", "sendonly"), ("inactive", "inactive")],
)
def test_false_takes_receiving_away(direction: str, expected: str) -> None:
    party = Party()
    party.add("audio", direction)
    assert receive(party, audio=False) == [("audio", expected)]


def test_stopping_transceivers_and_other_kinds_are_left_alone() -> None:
    party = Party()
    party.stop(party.add("audio"))
    party.add("video")
    assert receive(party, audio=True, video=True)[2:] == [("audio", "recvonly")]


# --- still accurate -----------------------------------------------------------------------------------------


def test_a_description_holds_until_something_changes() -> None:
    party = Party().data()
    assert not jsep.still_accurate(party.state)
    party.create_offer()
    assert jsep.still_accurate(party.state)
    party.add("audio")
    assert not jsep.still_accurate(party.state)


def test_an_answer_holds_too() -> None:
    one, other = pair()
    other.hear("offer", one.data().offer())
    other.create_answer()
    assert jsep.still_accurate(other.state)
    other.set(Side.LOCAL, "answer", other.state.last_created_answer)
    assert not jsep.still_accurate(other.state)
