"""Bundles, transports, and what ICE and DTLS are told."""

from __future__ import annotations

import pytest

from peer import jsep, sdp
from peer.jsep import BundlePolicy, DtlsRole, IceRole, RtcpMuxPolicy
from peer.jsep import effects as fx

from .party import FINGERPRINT, Party, changed, connected, negotiate, pair, without

CANDIDATE = "candidate:1 1 udp 1 192.0.2.1 1000 typ host"


def several(policy: BundlePolicy, **configuration: object) -> tuple[Party, Party]:
    one, other = pair(bundle_policy=policy, **configuration)
    for kind in ("audio", "video", "audio"):
        one.add(kind)
    one.data()
    return one, other


@pytest.mark.parametrize(
    ("policy", "transports"),
    [(BundlePolicy.BALANCED, 3), (BundlePolicy.MAX_BUNDLE, 1), (BundlePolicy.MAX_COMPAT, 4)],
)
@pytest.mark.parametrize("session_level", [True, False])
def test_an_offer_makes_the_transports_its_policy_wants(
    policy: BundlePolicy, transports: int, session_level: bool
) -> None:
    one, other = several(policy, session_level=session_level)
    offer = one.offer()
    assert len(one.all(fx.TransportCreated)) == len(one.all(fx.GatheringStarted)) == transports
    assert [effect.role for effect in one.all(fx.IceRoleSet)] == [IceRole.CONTROLLING] * transports
    other.hear("offer", offer)
    assert len(other.all(fx.TransportCreated)) == 1
    assert other.one(fx.IceRoleSet).role is IceRole.CONTROLLED
    assert other.all(fx.GatheringStarted) == []
    answer = other.answer()
    assert other.one(fx.GatheringStarted).local == other.state.transports[0].credentials
    one.hear("answer", answer)
    assert len(one.all(fx.TransportClosed)) == transports - 1
    assert all(effect.discarded for effect in one.all(fx.TransportClosed))
    for party in (one, other):
        (transport,) = party.state.transports
        assert {section.transport for section in party.state.sections} == {transport.key}
        assert {transceiver.transport for transceiver in party.state.transceivers} == {transport.key}


def test_a_provisional_answer_frees_nothing() -> None:
    one, other = several(BundlePolicy.MAX_COMPAT)
    other.hear("offer", one.offer())
    one.hear("pranswer", other.answer("pranswer"))
    assert one.all(fx.TransportClosed) == []
    assert len(one.state.transports) == 4
    one.hear("answer", other.answer())
    assert len(one.state.transports) == 1


def test_a_provisional_rejection_keeps_the_transport() -> None:
    one, other = pair()
    one.add("audio")
    offer = one.offer()
    other.hear("offer", offer)
    refusing = Party("refusing", audio=jsep.Capabilities())
    refusing.hear("offer", offer)
    one.hear("pranswer", refusing.answer("pranswer"))
    assert one.state.sections[0].transport is not None
    one.hear("answer", other.answer())
    assert one.state.sections[0].transport is not None


def test_without_bundle_every_section_keeps_its_transport() -> None:
    one, other = pair(bundle_policy=BundlePolicy.MAX_COMPAT)
    one.add("audio")
    one.add("video")
    other.hear("offer", without(one.offer(), "a=group"))
    one.hear("answer", other.answer())
    assert len(one.state.transports) == len(other.state.transports) == 2


def test_a_bundle_only_section_needs_its_bundle() -> None:
    one, other = several(BundlePolicy.MAX_BUNDLE)
    other.hear("offer", one.offer())
    answer = without(other.answer(), "a=group:BUNDLE")
    with pytest.raises(jsep.InvalidAccess, match="outside of a bundle"):
        one.hear("answer", answer)


def test_a_bundle_only_section_without_bundle_has_no_transport() -> None:
    one, _ = several(BundlePolicy.MAX_BUNDLE)
    party = Party()
    party.hear("offer", without(one.offer(), "a=group:BUNDLE"))
    assert len(party.state.transports) == 4


def test_a_bundle_with_all_rejected_is_no_bundle() -> None:
    one, _ = pair()
    one.add("audio")
    party = Party()
    party.hear("offer", changed(one.offer(), "m=audio 9", "m=audio 0"))
    assert party.state.sections[0].transport is None
    assert party.state.transports == ()


def test_an_ice_lite_offerer_is_controlled() -> None:
    """W3C step 11.2.14.6."""
    party = Party()
    party.hear("offer", changed(Party("lite").data().offer(), "t=0 0\r\n", "t=0 0\r\na=ice-lite\r\n"))
    assert party.one(fx.IceRoleSet).role is IceRole.CONTROLLING
    assert party.one(fx.RemoteIceSet).lite


# --- ICE ----------------------------------------------------------------------------------------------------


def test_remote_parameters_and_candidates_are_told_once() -> None:
    one, other = pair()
    offer = changed(one.data().offer(), "a=mid:0\r\n", f"a=mid:0\r\na={CANDIDATE}\r\na=end-of-candidates\r\n")
    other.hear("offer", offer)
    told = other.one(fx.RemoteIceSet)
    assert (told.remote.ufrag, told.options) == (one.state.transports[0].credentials.ufrag, ("trickle", "ice2"))
    assert other.one(fx.RemoteCandidatesAdded).candidates == (CANDIDATE,)
    assert other.one(fx.RemoteCandidatesEnded)
    other.answer()
    assert not other.all(fx.RemoteIceSet)
    assert not other.all(fx.RemoteCandidatesAdded)


def test_a_local_restart_starts_with_the_offer_and_the_remote_one_with_the_answer() -> None:
    one, other = connected()
    offer = changed(one.offer(ice_restart=True), "a=mid:0\r\n", f"a=mid:0\r\na={CANDIDATE}\r\n")
    assert one.one(fx.IceRestarted).local == one.state.transports[0].credentials
    other.hear("offer", offer)
    assert not other.all(fx.RemoteIceSet)
    assert not other.all(fx.RemoteCandidatesAdded)
    answer = other.answer()
    assert other.one(fx.IceRestarted)
    assert other.one(fx.RemoteIceSet).remote == one.state.transports[0].credentials
    assert other.one(fx.RemoteCandidatesAdded).candidates == (CANDIDATE,)
    one.hear("answer", answer)
    assert one.one(fx.RemoteIceSet).remote == other.state.transports[0].credentials
    assert not one.all(fx.DtlsRestarted)
    assert not one.all(fx.DtlsNegotiated)


@pytest.mark.parametrize(("session_level", "sets"), [(False, 2), (True, 1)])
def test_separate_restarts_of_separate_transports(session_level: bool, sets: int) -> None:
    one, other = pair(bundle_policy=BundlePolicy.MAX_COMPAT, session_level=session_level)
    one.add("audio")
    one.add("video")
    other.hear("offer", without(one.offer(), "a=group"))
    one.hear("answer", other.answer())
    other.hear("offer", without(one.offer(ice_restart=True), "a=group"))
    one.hear("answer", other.answer())
    assert len({transport.credentials for transport in other.state.transports}) == sets
    assert len({transport.credentials for transport in one.state.transports}) == sets


# --- DTLS ---------------------------------------------------------------------------------------------------


def test_an_answer_settles_dtls() -> None:
    one, other = connected()
    assert one.one(fx.DtlsNegotiated) == fx.DtlsNegotiated(1, DtlsRole.SERVER, (FINGERPRINT,))
    assert other.one(fx.DtlsNegotiated).role is DtlsRole.CLIENT


def test_an_offer_may_choose_the_role() -> None:
    one, other = pair()
    other.hear("offer", changed(one.data().offer(), "a=setup:actpass", "a=setup:active"))
    other.answer()
    assert other.one(fx.DtlsNegotiated).role is DtlsRole.SERVER


def test_a_new_association_with_an_ice_restart() -> None:
    one, other = connected()
    old = one.state.configuration.tls_id
    offer = changed(one.offer(ice_restart=True), old, "0" * 32)
    other.hear("offer", offer)
    other.answer()
    assert other.one(fx.DtlsRestarted).role is DtlsRole.CLIENT


def test_without_tls_id_the_fingerprint_tells() -> None:
    one, other = pair()
    other.hear("offer", without(one.data().offer(), "a=tls-id"))
    one.hear("answer", other.answer())
    other.hear("offer", without(one.offer(), "a=tls-id"))
    one.hear("answer", other.answer())
    assert one.all(fx.DtlsRestarted) == []


# --- the end ------------------------------------------------------------------------------------------------


def test_the_last_section_takes_the_transport_with_it() -> None:
    one, other = connected("audio", data=False)
    one.stop(one.state.transceivers[0].key)
    negotiate(one, other)
    assert one.one(fx.TransportClosed).discarded is False
    assert one.state.transports == other.state.transports == ()


def test_a_pending_offer_keeps_what_a_rollback_needs() -> None:
    one, _ = connected("audio", data=False)
    one.stop(one.state.transceivers[0].key)
    one.offer()
    assert one.all(fx.TransportClosed) == []
    assert len(one.state.transports) == 1


def test_a_replaced_offer_closes_what_only_it_had() -> None:
    party = Party()
    key = party.add("audio")
    party.data()
    party.offer()
    party.change(key, stopping=True)
    party.offer()
    assert party.one(fx.TransportClosed).discarded


def test_a_description_without_mux_keeps_its_rtcp_lines() -> None:
    one, other = pair(rtcp_mux_policy=RtcpMuxPolicy.NEGOTIATE)
    one.add("audio")
    other.hear("offer", without(one.offer(), "a=rtcp-mux"))
    one.hear("answer", other.answer())
    again = sdp.parse(one.create_offer()).media[0]
    assert again.first(sdp.RTCP) is not None
    assert not again.has(sdp.RTCP_MUX)


def test_a_tag_of_unknown_kind_carries_nothing() -> None:
    one, other = pair()
    one.add("audio")
    one.data()
    other.hear("offer", changed(one.offer(), "UDP/TLS/RTP/SAVPF", "none"))
    assert other.one(fx.SctpTransportCreated).transport == other.one(fx.TransportCreated).transport
    assert other.one(fx.TransportCreated).mid == "1"
