"""Candidates between descriptions: W3C "surface the candidate" and addIceCandidate, RFC 8840."""

from __future__ import annotations

import pytest

from peer import jsep, sdp
from peer.jsep import BundlePolicy, Side
from peer.jsep import effects as fx

from .party import Party, connected, negotiate, pair, without

HOST = "candidate:1 1 udp 2113929471 192.0.2.1 1000 typ host"
HOST6 = "candidate:1 1 udp 2113929470 fd00::1 1001 typ host"
REFLEXIVE = "candidate:2 1 udp 1845494015 198.51.100.1 1002 typ srflx raddr 192.0.2.1 rport 1000"
RELAYED = "candidate:3 1 udp 255 203.0.113.1 1003 typ relay raddr 198.51.100.1 rport 1002"
HIDDEN = "candidate:4 1 udp 1 0a.local 1004 typ host"
TCP = "candidate:5 1 tcp 1 192.0.2.1 9 typ host tcptype active"
RTCP = "candidate:6 2 udp 1 192.0.2.9 1005 typ relay raddr 0.0.0.0 rport 0"
ODD = "candidate:7 1 udp 1 192.0.2.7 1006 typ token"


def local(party: Party, candidate: str, mid: str = "0", ufrag: str | None = None) -> sdp.SessionDescription:
    wanted = ufrag or party.state.transports[0].credentials.ufrag
    party.state = jsep.add_local_candidate(party.state, mid, candidate, wanted)
    description = party.state.local
    assert description is not None
    assert description.model is not None
    assert description.sdp == sdp.serialize(description.model)
    return description.model


# --- ours ---------------------------------------------------------------------------------------------------


def test_a_gathered_candidate_stands_in_the_local_description_once() -> None:
    party = Party().data()
    party.offer()
    local(party, HOST)
    model = local(party, f"a={HOST}")
    assert model.media[0].all(sdp.CANDIDATE) == (HOST.removeprefix("candidate:"),)
    assert model.media[0].lines[:2] == ("m=application 1000 UDP/DTLS/SCTP webrtc-datachannel", "c=IN IP4 192.0.2.1")


@pytest.mark.parametrize(
    ("candidates", "connection"),
    [
        ((HOST6,), "IN IP6 fd00::1"),
        ((HOST6, HOST), "IN IP4 192.0.2.1"),
        ((HOST, REFLEXIVE), "IN IP4 198.51.100.1"),
        ((RELAYED, HOST, REFLEXIVE), "IN IP4 203.0.113.1"),
        ((HIDDEN, TCP, RTCP), "IN IP4 0.0.0.0"),
        ((ODD, HOST6), "IN IP6 fd00::1"),
    ],
)
def test_the_default_candidate(candidates: tuple[str, ...], connection: str) -> None:
    """RFC 8839 section 4.2.1.2."""
    party = Party()
    party.add("audio")
    party.offer()
    for candidate in candidates:
        model = local(party, candidate)
    audio = model.media[0]
    assert audio.find("c=") == connection
    assert audio.first(sdp.RTCP) == f"{audio.port} {connection}"


def test_bundled_sections_follow_their_tag() -> None:
    one, _ = connected("audio", "video")
    model = local(one, HOST)
    assert [media.port for media in model.media] == [1000, 1000, 1000]


def test_sections_not_yet_bundled_and_bundle_only_ones_do_not() -> None:
    party = Party(bundle_policy=BundlePolicy.BALANCED)
    for kind in ("audio", "video", "video"):
        party.add(kind)
    party.offer()
    assert [media.port for media in local(party, HOST).media] == [1000, 9, 0]


def test_the_end_of_candidates_stays_last() -> None:
    party = Party().data()
    party.offer()
    ufrag = party.state.transports[0].credentials.ufrag
    party.state = jsep.end_local_candidates(party.state, "0", ufrag)
    assert local(party, HOST).media[0].lines[-1] == "a=end-of-candidates"


def test_a_candidate_of_another_generation_or_section_is_not_written() -> None:
    party = Party().data()
    assert jsep.add_local_candidate(party.state, "0", HOST, "x") == party.state
    party.offer()
    before = party.state
    assert jsep.add_local_candidate(before, "0", HOST, "other") == before
    assert jsep.add_local_candidate(before, "9", HOST, "other") == before


def test_a_pending_restart_has_candidates_of_its_own() -> None:
    one, _ = connected()
    old = one.state.transports[0].credentials.ufrag
    one.offer(ice_restart=True)
    assert local(one, HOST, ufrag=old).media[0].count(sdp.CANDIDATE) == 0
    assert one.state.current_local is not None
    assert HOST in one.state.current_local.sdp


def test_a_section_rejected_meanwhile_takes_none() -> None:
    one, _ = connected("audio", "video")
    ufrag = one.state.transports[0].credentials.ufrag
    one.stop(one.state.transceivers[0].key)
    one.offer()
    assert local(one, HOST, "0", ufrag).media[0].count(sdp.CANDIDATE) == 0
    assert local(one, HOST, "1", ufrag).media[1].count(sdp.CANDIDATE) == 1


def test_the_transport_of_a_section() -> None:
    one, _ = connected("audio")
    assert jsep.transport_of(one.state, "1") == one.state.transports[0].key
    assert jsep.transport_of(one.state, "nobody") is None


# --- theirs -------------------------------------------------------------------------------------------------


def remote(
    party: Party, candidate: str, mid: str | None = "0", index: int | None = None, ufrag: str | None = None
) -> tuple[tuple[int, str], ...]:
    party.state, deliveries = jsep.add_remote_candidate(party.state, mid, index, candidate, ufrag)
    return deliveries


def said(party: Party) -> str:
    assert party.state.remote is not None
    return party.state.remote.sdp


def test_a_candidate_reaches_its_transport_and_the_description() -> None:
    _, other = connected("audio")
    key = other.state.transports[0].key
    assert remote(other, HOST) == ((key, HOST),)
    assert remote(other, HOST6, None, 0) == ((key, HOST6),)
    assert f"a={HOST}\r\na={HOST6}\r\n" in said(other)
    ufrag = other.state.transports[0].remote
    assert ufrag is not None
    assert remote(other, REFLEXIVE, ufrag=ufrag.ufrag) == ((key, REFLEXIVE),)


def test_the_end_of_candidates_for_one_section_or_for_all() -> None:
    one, other = pair(bundle_policy=BundlePolicy.MAX_COMPAT)
    one.add("audio")
    one.add("video")
    other.hear("offer", without(one.offer(), "a=group"))
    first, second = (transport.key for transport in other.state.transports)
    assert remote(other, "") == ((first, ""),)
    assert remote(other, "", None, None) == ((first, ""), (second, ""))
    assert said(other).count("a=end-of-candidates") == 2


def test_candidates_of_a_section_that_will_be_bundled_away_go_to_waste() -> None:
    one, other = pair()
    one.add("audio")
    one.add("video")
    other.hear("offer", one.offer())
    assert remote(other, HOST, "1") == ()
    assert HOST in said(other)


def test_candidates_wait_for_the_answer_to_a_restart() -> None:
    one, other = connected()
    other.hear("offer", one.offer(ice_restart=True))
    assert remote(other, HOST) == ()
    other.answer()
    assert other.one(fx.RemoteCandidatesAdded).candidates == (HOST,)


def test_candidates_of_the_running_generation_still_count() -> None:
    one, other = connected()
    running = other.state.transports[0].remote
    assert running is not None
    other.hear("offer", one.offer(ice_restart=True))
    assert remote(other, HOST, ufrag=running.ufrag) == ((other.state.transports[0].key, HOST),)
    assert other.state.current_remote is not None
    assert HOST in other.state.current_remote.sdp
    assert HOST not in said(other)


def test_no_remote_description() -> None:
    with pytest.raises(jsep.InvalidState):
        remote(Party(), HOST)


@pytest.mark.parametrize(
    ("candidate", "mid", "index", "ufrag"),
    [
        (HOST, "nobody", None, None),
        (HOST, None, 7, None),
        (HOST, "0", None, "unknown"),
        ("candidate:nonsense", "0", None, None),
        ("nonsense", "0", None, None),
    ],
)
def test_what_cannot_be_added(candidate: str, mid: str | None, index: int | None, ufrag: str | None) -> None:
    _, other = connected("audio")
    before = other.state
    with pytest.raises(jsep.OperationFailed):
        remote(other, candidate, mid, index, ufrag)
    assert other.state is before


def test_a_stopped_transceiver_takes_none() -> None:
    _, other = connected("audio")
    other.change(other.state.transceivers[0].key, stopping=True, stopped=True)
    before = other.state
    assert remote(other, HOST) == ()
    assert other.state == before


def test_a_section_of_our_pending_offer_is_not_in_the_remote_description() -> None:
    one, _ = connected()
    one.add("audio")
    one.offer()
    with pytest.raises(jsep.OperationFailed):
        remote(one, HOST, "1")


def test_a_rejected_section_has_no_transport() -> None:
    one, other = connected("audio", "video")
    one.stop(one.state.transceivers[0].key)
    negotiate(one, other)
    assert remote(other, HOST) == ()
    assert remote(other, HOST, "1") == ((other.state.transports[0].key, HOST),)


def test_sections_without_credentials_have_those_of_their_tag() -> None:
    one, other = pair(session_level=False, bundle_policy=BundlePolicy.MAX_BUNDLE)
    one.add("audio")
    one.add("video")
    other.hear("offer", one.offer())
    ufrag = one.state.transports[0].credentials.ufrag
    assert remote(other, HOST, "1", ufrag=ufrag) == ()
    assert remote(other, HOST, "0", ufrag=ufrag) != ()
    other.set(Side.LOCAL, "answer", other.create_answer())
