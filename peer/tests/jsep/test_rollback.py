"""Rollback: RFC 9429 section 5.7, W3C step 12."""

from __future__ import annotations

from dataclasses import replace

import pytest

from peer import jsep
from peer.jsep import Direction, Side, SignalingState, State
from peer.jsep import effects as fx

from .party import Party, changed, connected, negotiate, pair

# what moves on however a negotiation ends
COUNTERS = ("version", "next_key", "next_mid", "last_created_offer", "last_created_answer", "proposed", "basis")


def observable(state: State) -> State:
    """The state without its counters and memories."""
    fresh = {name: getattr(Party().state, name) for name in (*COUNTERS, "payload_types", "default_stream")}
    return replace(state, **fresh)


@pytest.mark.parametrize("side", list(Side))
def test_a_local_offer_is_taken_back_whole(side: Side) -> None:
    one, _ = connected("audio")
    before = one.state
    one.offer(ice_restart=True)
    one.rollback(side)
    assert observable(one.state) == observable(before)


@pytest.mark.parametrize("side", list(Side))
def test_a_remote_offer_is_taken_back_whole(side: Side) -> None:
    one, other = connected("audio")
    before = other.state
    one.add("video")
    one.change(one.state.transceivers[0].key, direction=Direction.INACTIVE)
    other.hear("offer", one.offer())
    assert len(other.state.transceivers) == 2
    other.rollback(side)
    assert observable(other.state) == observable(before)


def test_the_first_offer_of_all() -> None:
    one, other = pair()
    key = one.add("audio")
    offer = one.data().offer()
    one.rollback()
    assert [effect.transport for effect in one.all(fx.TransportClosed)] == [2, 3]
    assert one.one(fx.SctpTransportRemoved)
    assert one.one(fx.TransceiverDisassociated).transceiver == key
    assert one.one(fx.TransportAssigned) == fx.TransportAssigned(key, None)
    assert (one.transceiver(key).mid, one.transceiver(key).jsep_mid) == (None, None)
    other.hear("offer", offer)
    other.rollback()
    assert other.state.transceivers == ()
    assert other.one(fx.TransceiverStopped)
    assert other.one(fx.TransceiverRemoved).slots.stopped
    # [[CurrentDirection]] is null, neither "sendonly" nor "inactive": the track ends without being muted
    assert other.all(fx.TrackMuted) == []
    assert other.one(fx.StreamTrackRemoved).stream_id == "stream"
    assert other.one(fx.SignalingStateChanged).signaling is SignalingState.STABLE
    assert other.one(fx.NegotiationNeededUpdated)
    # and a new round works, with a new version
    negotiate(one, other)


def test_a_transceiver_that_got_a_track_stays() -> None:
    one, other = pair()
    one.add("audio")
    other.hear("offer", one.offer())
    key = other.only.key
    other.change(key, add_track=True, direction=Direction.SENDRECV)
    other.rollback()
    assert other.only.key == key
    assert not other.only.stopped
    assert "m=audio 9" in other.create_offer()


def test_what_the_application_added_meanwhile_stays() -> None:
    one, _ = connected("audio")
    one.offer()
    key = one.add("video")
    one.rollback()
    assert one.transceiver(key).mid is None
    assert one.all(fx.TransceiverDisassociated) == []


def test_streams_come_back() -> None:
    one, other = connected("audio")
    key = other.state.transceivers[0].key
    one.change(one.state.transceivers[0].key, stream_ids=("new",))
    other.hear("offer", one.offer())
    other.rollback()
    assert other.transceiver(key).remote_stream_ids == ("stream",)
    assert other.one(fx.StreamTrackAdded).stream_id == "stream"
    assert other.one(fx.TrackFired).stream_ids == ("stream",)


def test_what_an_offer_stopped_stays_stopped() -> None:
    one, other = connected("audio")
    key = other.state.transceivers[0].key
    one.stop(one.state.transceivers[0].key)
    other.hear("offer", one.offer())
    assert other.transceiver(key).stopped
    other.rollback()
    assert other.transceiver(key).stopped
    assert other.transceiver(key).remote_stream_ids == ()


def test_a_proposed_envelope_is_taken_back() -> None:
    offerer, party = pair()
    offerer.add("video")
    party.add("video")
    lines = "a=rid:h recv\r\na=rid:m recv\r\na=simulcast:recv h;m\r\n"
    party.hear("offer", changed(offerer.offer(), "a=mid:0\r\n", f"a=mid:0\r\n{lines}"))
    assert len(party.only.encodings) == 2
    party.rollback()
    assert [encoding.rid for encoding in party.only.encodings] == [None]


def test_an_envelope_of_before_stays() -> None:
    party = Party()
    party.add("video", rids=("a", "b"))
    party.offer()
    party.rollback()
    assert [encoding.rid for encoding in party.only.encodings] == ["a", "b"]


def test_a_restart_is_undone() -> None:
    one, _ = connected()
    before = one.state.transports[0].credentials
    one.offer(ice_restart=True)
    one.rollback()
    assert one.one(fx.IceRestarted).local == before
    assert one.state.transports[0].credentials == before


def test_a_closed_association_comes_back() -> None:
    one, other = connected()
    key = one.state.sctp.key if one.state.sctp else None
    other.hear("offer", one.offer())
    one.rollback()
    assert not one.all(fx.SctpTransportRemoved)
    assert not one.all(fx.SctpTransportCreated)
    one.state = replace(one.state, stable=None)
    one.offer()
    one.state = replace(one.state, sctp=None)
    one.rollback()
    assert one.one(fx.SctpTransportCreated).key == key


def test_the_version_goes_on() -> None:
    party = Party().data()
    party.offer()
    version = party.state.version
    party.rollback()
    party.create_offer()
    assert party.state.version == version + 1


def test_two_remote_offers_are_one_transaction() -> None:
    one, other = pair()
    one.add("audio")
    other.hear("offer", one.offer())
    one.add("video")
    other.hear("offer", one.offer())
    assert [one.kind for one in other.state.transceivers] == ["audio", "video"]
    other.rollback()
    assert not other.state.transceivers
    assert other.state.stable is None
    assert jsep.negotiation_needed(other.state) is False
