"""Transceivers and m-sections: RFC 9429 sections 5.9 and 5.10."""

from __future__ import annotations

from dataclasses import replace

import pytest

from peer import jsep
from peer.jsep import Direction, Side
from peer.jsep import effects as fx

from .party import Party, changed, connected, negotiate, pair, without


def test_a_local_offer_sets_mids_by_the_mapping_of_create_offer() -> None:
    party = Party()
    key = party.add("audio")
    text = party.create_offer()
    assert party.transceiver(key).jsep_mid is None
    party.set(Side.LOCAL, "offer", text)
    assert (party.transceiver(key).jsep_mid, party.transceiver(key).mid) == ("0", "0")
    assert party.one(fx.TransceiverAssociated) == fx.TransceiverAssociated(key, "0")


def test_a_remote_offer_finds_the_first_transceiver_made_by_add_track() -> None:
    party = Party()
    made = [party.add("video"), party.add("audio", track=False), party.add("audio"), party.add("audio")]
    offerer = Party("offerer")
    offerer.add("audio")
    party.hear("offer", offerer.offer())
    assert [party.transceiver(key).mid for key in made] == [None, None, "0", None]
    assert party.all(fx.TransceiverCreated) == []


@pytest.mark.parametrize("direction", ["sendonly", "inactive"])
def test_an_offer_that_will_not_receive_finds_none(direction: str) -> None:
    party = Party()
    party.add("audio")
    offerer = Party("offerer")
    offerer.add("audio", direction)
    party.hear("offer", offerer.offer())
    created = party.one(fx.TransceiverCreated).transceiver
    assert party.transceiver(created).direction is Direction.RECVONLY
    assert party.transceiver(created).remote_made


def test_a_stopping_transceiver_is_not_found() -> None:
    party = Party()
    party.stop(party.add("audio"))
    offerer = Party("offerer")
    offerer.add("audio")
    party.hear("offer", offerer.offer())
    assert party.one(fx.TransceiverCreated)


def test_a_section_without_mid_gets_one() -> None:
    offerer = Party("offerer")
    offerer.add("audio")
    offerer.add("video")
    text = without(offerer.offer(), "a=group")
    party = Party()
    party.hear("offer", without(text, "a=mid:1"))
    assert [section.mid for section in party.state.sections] == ["0", "1"]
    party = Party()
    party.hear("offer", changed(without(text, "a=mid:0"), "a=mid:1", "a=mid:0"))
    assert [section.mid for section in party.state.sections] == ["1", "0"]
    # and keeps it
    party.hear("offer", changed(without(text, "a=mid:0"), "a=mid:1", "a=mid:0"))
    assert [section.mid for section in party.state.sections] == ["1", "0"]


def test_a_rejected_remote_section_makes_a_stopped_transceiver() -> None:
    party = Party()
    party.add("audio")
    party.hear("offer", Party("offerer").data().offer() + "m=audio 0 UDP/TLS/RTP/SAVPF 0\r\na=mid:9\r\n")
    created = party.one(fx.TransceiverCreated).transceiver
    assert party.transceiver(created).stopped
    party.answer()
    assert party.state.transceiver(created) is None


def test_a_recycled_section_lets_its_transceiver_go() -> None:
    one, other = connected("audio", "video")
    one.stop(one.state.transceivers[0].key)
    negotiate(one, other)
    one.add("audio")
    other.hear("offer", one.offer())
    assert other.state.sections[0].mid == "3"
    assert other.one(fx.TransceiverCreated)


def test_a_transceiver_still_in_a_recycled_section_is_disassociated() -> None:
    one, other = connected("audio", "video")
    # rejected by an answer of ours without being stopped on our side
    other.change(other.state.transceivers[0].key, preferred_codecs=())
    one.stop(one.state.transceivers[0].key)
    offer = one.offer()
    other.hear("offer", offer)
    answer = other.answer()
    section = other.state.sections[0]
    assert section.transceiver is None
    survivor = other.add("audio")
    other.change(survivor, jsep_mid="0", mid="0", index=0)
    other.state = replace(other.state, sections=(replace(section, transceiver=survivor), *other.state.sections[1:]))
    one.hear("answer", answer)
    one.add("audio")
    other.hear("offer", one.offer())
    assert other.one(fx.TransceiverDisassociated).transceiver == survivor
    assert other.transceiver(survivor).mid == "3"


def test_an_offer_for_a_transceiver_that_is_gone() -> None:
    one, other = pair()
    other.add("audio")
    one.hear("offer", other.offer())
    one.rollback()
    one.add("audio")
    text = one.create_offer()
    one.hear("offer", other.state.last_created_offer)
    one.rollback()
    one.state = replace(one.state, transceivers=())
    with pytest.raises(jsep.OperationFailed, match="gone"):
        one.set(Side.LOCAL, "offer", text)


def test_an_offer_made_before_its_transceiver_was_associated_elsewhere() -> None:
    one, other = pair()
    key = one.add("audio")
    stale = one.create_offer()
    one.change(key, jsep_mid="7")
    with pytest.raises(jsep.OperationFailed, match="associated with '7'"):
        one.set(Side.LOCAL, "offer", stale)
    del other


@pytest.mark.parametrize(("limit", "rids"), [(8, ["h", "m", "l"]), (2, ["h", "m"])])
def test_an_offer_to_receive_simulcast_proposes_encodings(limit: int, rids: list[str]) -> None:
    """W3C steps 11.2.1 to 11.2.4."""
    offerer = Party("offerer")
    offerer.add("video")
    lines = "a=rid:h recv\r\na=rid:m recv\r\na=rid:l recv\r\na=rid:x recv\r\na=simulcast:recv h,x;m;h;~l\r\n"
    text = changed(offerer.offer(), "a=mid:0\r\n", f"a=mid:0\r\n{lines}")
    party = Party()
    party.configure(max_encodings=limit)
    party.hear("offer", text)
    encodings = party.only.encodings
    assert [one.rid for one in encodings] == rids
    assert [one.scale_resolution_down_by for one in encodings] == [2.0**power for power in reversed(range(len(rids)))]


def test_an_offer_to_send_simulcast_proposes_nothing() -> None:
    offerer = Party("offerer")
    offerer.add("video", rids=("h", "l"))
    party = Party()
    party.hear("offer", offerer.offer())
    assert [one.rid for one in party.only.encodings] == [None]
