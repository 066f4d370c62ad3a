"""createOffer: RFC 9429 sections 5.2.1 to 5.2.3."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from peer import jsep, sdp
from peer.jsep import BundlePolicy, Codec, Direction, RtcpMuxPolicy, SignalingState
from peer.jsep.capabilities import RID_URI, VIDEO
from peer.jsep.model import Capabilities
from peer.jsep.session import free_mids

from .party import Party, connected, media, negotiate, pair, without

RTP_ONLY = ("a=ice-ufrag", "a=ice-pwd", "a=fingerprint", "a=setup", "a=tls-id")


def bundle(text: str) -> tuple[str, ...]:
    return sdp.parse(text).groups[0].mids


# --- session level ------------------------------------------------------------------------------------------


def test_the_session_level_of_an_initial_offer() -> None:
    party = Party().data()
    lines = party.create_offer().split("\r\n")
    assert lines[0] == "v=0"
    assert re.fullmatch(r"o=- \d+ 1 IN IP4 0\.0\.0\.0", lines[1])
    assert lines[2:5] == ["s=-", "t=0 0", "a=ice-options:trickle ice2"]


def test_the_version_grows_with_every_offer_and_nothing_else_of_the_origin() -> None:
    party = Party().data()
    first, second = (party.create_offer().split("\r\n")[1].split(" ") for _ in range(2))
    assert int(second[2]) == int(first[2]) + 1
    assert second[:2] + second[3:] == first[:2] + first[3:]


def test_nothing_to_offer_is_an_offer_without_m_sections() -> None:
    text = Party().create_offer()
    assert sdp.parse(text).media == ()
    assert "a=group" not in text


def test_an_identity_assertion_is_included() -> None:
    assert "a=identity:eyJ9\r\n" in Party().data().create_offer(identity="eyJ9")


def test_streams_shared_by_transceivers_are_lip_synced() -> None:
    party = Party()
    party.add("audio", streams=("s",))
    party.add("video", streams=("s", "t"))
    party.add("video", streams=("t",))
    groups = sdp.parse(party.create_offer()).groups
    assert groups[1:] == (sdp.Group("LS", ("0", "1")), sdp.Group("LS", ("1", "2")))


@pytest.mark.parametrize("state", ["have-remote-offer", "have-local-pranswer", "have-remote-pranswer", "closed"])
def test_no_offer_in_other_states(state: str) -> None:
    party = Party()
    party.state = replace(party.state, signaling=SignalingState(state))
    with pytest.raises(jsep.InvalidState):
        party.create_offer()


# --- m-sections of an initial offer -------------------------------------------------------------------------


def test_the_data_section() -> None:
    party = Party(max_message_size=1000, sctp_port=5001).data()
    data = media(party.create_offer())
    assert data.lines[0] == "m=application 9 UDP/DTLS/SCTP webrtc-datachannel"
    assert (data.first(sdp.SCTP_PORT), data.first(sdp.MAX_MESSAGE_SIZE)) == (5001, 1000)


def test_media_comes_before_data_and_in_the_order_of_the_transceivers() -> None:
    party = Party().data()
    party.add("video")
    party.add("audio")
    assert [one.media for one in sdp.parse(party.create_offer()).media] == ["video", "audio", "application"]


def test_data_comes_first_where_it_is_always_negotiated() -> None:
    one, other = pair(always_negotiates_data=True)
    one.add("audio")
    one.state = one.state.configured(always_negotiates_data=False)
    assert [media.media for media in sdp.parse(one.create_offer()).media] == ["audio"]
    one.state = one.state.configured(always_negotiates_data=True)
    offer = sdp.parse(one.create_offer())
    assert [(media.media, media.mid) for media in offer.media] == [("application", "0"), ("audio", "1")]
    assert offer.groups[0].mids == ("0", "1")
    one.data()
    negotiate(one, other)
    assert [section.media for section in one.state.sections] == ["application", "audio"]
    assert not jsep.negotiation_needed(one.state)
    other.add("audio")
    assert [media.media for media in sdp.parse(other.create_offer()).media] == ["application", "audio", "audio"]


def test_a_stopping_transceiver_without_m_section_gets_none() -> None:
    party = Party()
    party.stop(party.add())
    assert sdp.parse(party.create_offer()).media == ()


@pytest.mark.parametrize("direction", list(Direction))
def test_directions_and_streams(direction: Direction) -> None:
    party = Party()
    party.add("audio", direction, streams=("s",))
    audio = media(party.create_offer())
    assert [row.name for row in sdp.DIRECTIONS if audio.has(row)] == [direction]
    assert audio.count(sdp.MSID) == int(direction.sends)


def test_no_stream_is_said_with_a_hyphen() -> None:
    party = Party()
    party.add("audio", streams=())
    assert media(party.create_offer()).all(sdp.MSID) == (sdp.Msid("-"),)


def test_simulcast_is_offered_from_two_encodings_on() -> None:
    party = Party()
    party.add("video", rids=("h", "l"))
    party.add("video", rids=("h",))
    party.add("video", "recvonly", rids=("h", "l"))
    several, lone, receiving = sdp.parse(party.create_offer()).media
    assert several.all(sdp.RID_LINE) == (sdp.Rid("h", "send"), sdp.Rid("l", "send"))
    assert str(several.first(sdp.SIMULCAST)) == "send h;l"
    assert RID_URI in {row.uri for row in several.all(sdp.EXTMAP)}
    assert lone.count(sdp.RID_LINE) == receiving.count(sdp.RID_LINE) == 0


def test_encodings_without_rids_get_some() -> None:
    party = Party()
    party.state, made = party.state.add(
        jsep.Kind.VIDEO, Direction.SENDRECV, encodings=(jsep.Encoding(), jsep.Encoding())
    )
    assert [one.rid for one in made.encodings] == ["1", "2"]
    assert str(media(party.create_offer()).first(sdp.SIMULCAST)) == "send 1;2"


def test_preferences_set_the_order_and_leave_out() -> None:
    party = Party()
    key = party.add("video")
    party.change(key, preferred_codecs=(Codec("video/VP9", 90000, None, "profile-id=0"), Codec("video/rtx", 90000)))
    assert [row.name for row in media(party.create_offer()).all(sdp.RTPMAP)] == ["VP9", "rtx"]


@pytest.mark.parametrize(
    ("wished", "noise", "dtx"), [(None, True, ""), (True, True, "usedtx=1"), (False, False, "usedtx=0")]
)
def test_voice_activity_detection(wished: bool | None, noise: bool, dtx: str) -> None:
    party = Party()
    party.add("audio")
    audio = media(party.create_offer(voice_activity_detection=wished))
    assert ("CN" in {row.name for row in audio.all(sdp.RTPMAP)}) is noise
    opus = next(row.parameters for row in audio.all(sdp.FMTP) if row.format == "111")
    assert (dtx in opus) if dtx else ("usedtx" not in opus)


def test_more_formats_than_payload_types() -> None:
    codecs = tuple(Codec(f"video/X{number}", 90000) for number in range(70))
    party = Party(video=Capabilities(codecs))
    party.add("video")
    with pytest.raises(jsep.OperationFailed):
        party.create_offer()


# --- bundle policies ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("policy", "only"),
    [
        (BundlePolicy.BALANCED, [False, False, True, False]),
        (BundlePolicy.MAX_BUNDLE, [False, True, True, True]),
        (BundlePolicy.MAX_COMPAT, [False, False, False, False]),
    ],
)
@pytest.mark.parametrize("session_level", [True, False])
def test_bundle_policies(policy: BundlePolicy, only: list[bool], session_level: bool) -> None:
    party = Party(bundle_policy=policy, session_level=session_level).data()
    for kind in ("audio", "video", "audio"):
        party.add(kind)
    text = party.create_offer()
    description = sdp.parse(text)
    assert bundle(text) == ("0", "1", "2", "3")
    assert [one.has(sdp.BUNDLE_ONLY) for one in description.media] == only
    assert [one.port == 0 for one in description.media] == only
    if not session_level:
        assert [one.first(sdp.ICE_UFRAG) is None for one in description.media] == only
        credentials = [one.first(sdp.ICE_PWD) for one in description.media if one.has(sdp.BUNDLE_ONLY) is False]
        assert len(set(credentials)) == len(credentials)
    else:
        assert all(description.session.count(sdp.ATTRIBUTES[name[2:]]) == 1 for name in RTP_ONLY)
        assert all(one.count(sdp.FINGERPRINT) == 0 for one in description.media)


def test_rtcp_stands_with_the_transport() -> None:
    party = Party(bundle_policy=BundlePolicy.MAX_BUNDLE, session_level=False)
    party.add("audio")
    party.add("video")
    tag, bundled = sdp.parse(party.create_offer()).media
    assert all(tag.has(row) for row in (sdp.RTCP_MUX, sdp.RTCP_MUX_ONLY, sdp.RTCP_RSIZE))
    assert tag.first(sdp.RTCP) == "9 IN IP4 0.0.0.0"
    assert not any(bundled.has(row) for row in (sdp.RTCP_MUX, sdp.RTCP_MUX_ONLY, sdp.RTCP_RSIZE))
    assert bundled.count(sdp.RTCP) == 0
    party.configure(session_level=True, rtcp_mux_policy=RtcpMuxPolicy.NEGOTIATE)
    tag, bundled = sdp.parse(party.create_offer()).media
    assert bundled.has(sdp.RTCP_MUX)
    assert not tag.has(sdp.RTCP_MUX_ONLY)


# --- subsequent offers --------------------------------------------------------------------------------------


def test_an_offer_that_was_not_applied_is_made_anew() -> None:
    party = Party().data()
    assert media(party.create_offer()).mid == media(party.create_offer()).mid == "0"


def test_a_pending_offer_keeps_its_mids_and_credentials() -> None:
    party = Party().data()
    first = sdp.parse(party.offer())
    party.add("audio")
    second = sdp.parse(party.create_offer())
    assert [one.mid for one in second.media] == ["0", "1"]
    assert second.session.first(sdp.ICE_UFRAG) == first.session.first(sdp.ICE_UFRAG)


def test_a_reoffer_leaves_transport_and_identical_attributes_to_the_tag() -> None:
    """RFC 9429 section 5.2.2; no bundle-only, no rtcp, no rtcp-mux-only any more."""
    one, _ = connected("audio", "video", session_level=False)
    tag, bundled, data = sdp.parse(one.create_offer()).media
    assert tag.count(sdp.ICE_UFRAG) == 1
    assert bundled.count(sdp.ICE_UFRAG) == data.count(sdp.ICE_UFRAG) == 0
    assert not any(section.has(sdp.BUNDLE_ONLY) for section in (tag, bundled, data))
    assert tag.first(sdp.RTCP) is None
    assert not tag.has(sdp.RTCP_MUX_ONLY)
    assert tag.has(sdp.RTCP_MUX)
    assert tag.has(sdp.RTCP_RSIZE)


def test_a_reoffer_has_only_what_was_answered() -> None:
    one, other = pair()
    one.add("video")
    other.configure(video=Capabilities(VIDEO.codecs[2:3] + VIDEO.codecs[:1], VIDEO.extensions[:2]))
    other.configure(
        video=replace(other.state.configuration.video, codecs=(replace(VIDEO.codecs[0], feedback=("nack",)),))
    )
    _, answer = negotiate(one, other)
    again = media(one.create_offer())
    assert again.formats[0] == media(answer).formats[0]
    assert {row.uri for row in again.all(sdp.EXTMAP)} == {row.uri for row in media(answer).all(sdp.EXTMAP)}
    number = again.formats[0]
    assert [row.value for row in again.all(sdp.RTCP_FB) if row.format == number] == ["nack"]
    assert len(again.formats) > 1


def test_the_order_of_the_most_recent_answer_is_kept() -> None:
    one, other = pair()
    one.add("video")
    text = one.offer()
    other.hear("offer", text)
    other.change(
        other.only.key, preferred_codecs=(Codec("video/VP9", 90000, None, "profile-id=2"), Codec("video/VP8", 90000))
    )
    answer = other.answer()
    one.hear("answer", answer)
    again = media(one.create_offer()).formats
    assert [number for number in again if number in media(answer).formats] == list(media(answer).formats)


def test_msid_stays_when_the_direction_changes() -> None:
    one, other = connected("audio")
    key = one.state.transceivers[0].key
    one.change(key, direction=Direction.RECVONLY)
    assert media(one.create_offer()).all(sdp.MSID) == (sdp.Msid("stream"),)
    other.change(other.state.transceivers[0].key, direction=Direction.SENDRECV, stream_ids=("q",))
    assert media(other.create_offer()).all(sdp.MSID) == (sdp.Msid("q"),)


def test_the_ssrcs_stay_where_the_msid_does() -> None:
    one, other = connected("audio")
    said = media(one.create_offer()).all(sdp.SSRC_ATTRIBUTE)
    assert said
    one.change(one.state.transceivers[0].key, direction=Direction.INACTIVE)
    assert media(one.create_offer()).all(sdp.SSRC_ATTRIBUTE) == said
    negotiate(one, other)
    assert media(one.create_offer()).all(sdp.SSRC_ATTRIBUTE) == said


def test_a_stopped_transceiver_leaves_port_zero_and_no_msid() -> None:
    one, other = connected("audio", "video")
    one.stop(one.state.transceivers[0].key)
    text, _ = negotiate(one, other)
    audio = media(text)
    assert audio.port == 0
    assert audio.count(sdp.MSID) == 0
    assert bundle(text) == ("1", "2")
    assert media(text, 1).port == 9
    assert len(one.state.transceivers) == len(other.state.transceivers) == 1


def test_a_rejected_section_is_recycled_with_a_new_mid() -> None:
    one, other = connected("audio", "video")
    one.stop(one.state.transceivers[0].key)
    negotiate(one, other)
    # nothing to put there: it stays rejected
    assert media(one.offer()).port == 0
    one.rollback()
    key = one.add("video")
    text, _ = negotiate(one, other)
    assert [section.mid for section in sdp.parse(text).media] == ["3", "1", "2"]
    assert media(text).media == "video"
    assert bundle(text) == ("1", "2", "3")
    assert one.transceiver(key).index == 0


def test_a_section_rejected_only_in_a_pending_offer_is_not_recycled() -> None:
    one, _ = connected("audio", "video")
    one.stop(one.state.transceivers[0].key)
    one.offer()
    one.add("audio")
    assert [section.port == 0 for section in sdp.parse(one.create_offer()).media] == [True, False, False, False]


def test_new_sections_join_the_bundle_there_is() -> None:
    """RFC 9143 section 7.6, RFC 9429 section 7.2 (offer-B2)."""
    one, _ = connected("audio", session_level=False)
    one.add("video")
    one.add("audio")
    text = one.create_offer()
    assert bundle(text) == ("0", "1", "2", "3")
    fresh = sdp.parse(text).media[2:]
    assert not any(section.has(sdp.BUNDLE_ONLY) or section.count(sdp.ICE_UFRAG) for section in fresh)
    assert all(section.port == 9 for section in fresh)


def test_without_a_bundle_new_sections_have_their_own_transports() -> None:
    one, other = pair()
    one.add("audio")
    text = one.offer()
    other.hear("offer", without(text, "a=group"))
    one.hear("answer", other.answer())
    one.add("video")
    again = one.create_offer()
    assert bundle(again) == ("1",)
    one.set(jsep.Side.LOCAL, "offer", again)
    assert len({section.transport for section in one.state.sections}) == 2


def test_without_a_bundle_and_without_news_there_is_no_group() -> None:
    one, other = pair(session_level=False)
    one.add("audio")
    other.hear("offer", without(one.offer(), "a=group"))
    one.hear("answer", other.answer())
    assert "BUNDLE" not in one.create_offer()


def test_lip_sync_groups_of_the_answer_go_on() -> None:
    one, other = connected("audio", "video")
    assert sdp.Group("LS", ("0", "1")) in sdp.parse(other.create_offer()).groups
    for transceiver in one.state.transceivers:
        one.change(transceiver.key, stream_ids=(str(transceiver.key),))
    assert sdp.Group("LS", ("0", "1")) in sdp.parse(one.create_offer()).groups


def test_data_channels_that_come_late() -> None:
    one, other = connected("audio", data=False)
    one.data()
    text, _ = negotiate(one, other)
    assert bundle(text) == ("0", "1")
    assert one.state.sctp is not None


def test_media_bundled_into_data() -> None:
    """RFC 9429 section 5.2.2: TRANSPORT attributes of media may stand in the data section then."""
    one, other = connected()
    one.add("audio")
    text, answer = negotiate(one, other)
    assert media(text).has(sdp.RTCP_MUX)
    assert media(answer).has(sdp.RTCP_MUX)
    assert len(one.state.transports) == 1


def test_names_in_use_are_not_given_again() -> None:
    one, _ = connected("audio")
    one.state = replace(one.state, next_mid=0)
    assert free_mids(one.state) == ["2", "3"]


# --- ICE restart --------------------------------------------------------------------------------------------


def ufrag(text: str) -> str | None:
    return sdp.parse(text).session.first(sdp.ICE_UFRAG)


def test_credentials_stay_without_a_restart() -> None:
    one, _ = connected("audio")
    assert ufrag(one.create_offer()) == ufrag(one.create_offer())


@pytest.mark.parametrize("how", ["option", "method", "configuration"])
def test_a_restart_draws_new_credentials(how: str) -> None:
    one, other = connected("audio")
    before = ufrag(one.create_offer())
    if how == "method":
        one.state = jsep.restart_ice(one.state)
    elif how == "configuration":
        one.state = one.state.ice_configured()
    text, _ = negotiate(one, other, ice_restart=how == "option")
    assert ufrag(text) != before
    assert ufrag(one.create_offer()) == ufrag(text)
    assert one.state.credentials_to_replace == frozenset()
    assert not one.state.ice_changed


def test_a_restart_has_no_effect_on_an_initial_offer() -> None:
    party = Party().data()
    before = ufrag(party.offer())
    assert ufrag(party.create_offer(ice_restart=True)) == before
    party.state = jsep.restart_ice(party.state)
    assert ufrag(party.create_offer()) != before


def test_a_pending_restart_is_not_restarted_again() -> None:
    one, _ = connected("audio")
    one.state = jsep.restart_ice(one.state)
    pending = ufrag(one.offer())
    assert ufrag(one.create_offer()) == pending
    one.state = jsep.restart_ice(one.state)
    assert ufrag(one.create_offer()) != pending


def test_a_pending_restart_is_dropped_by_an_offer_without() -> None:
    """W3C RTCOfferOptions.iceRestart: without it, the credentials of currentLocalDescription."""
    one, _ = connected("audio")
    current = ufrag(one.create_offer())
    assert ufrag(one.offer(ice_restart=True)) != current
    assert ufrag(one.create_offer()) == current


def test_configuring_ice_before_any_offer_changes_nothing() -> None:
    party = Party().data()
    party.state = party.state.ice_configured()
    assert not party.state.ice_changed


def test_gathered_candidates_stand_in_the_next_offer() -> None:
    one, _ = connected("audio")
    ours = ufrag(one.create_offer()) or ""
    one.state = jsep.add_local_candidate(one.state, "0", "candidate:1 1 udp 1 192.0.2.1 1000 typ host", ours)
    one.state = jsep.end_local_candidates(one.state, "0", ours)
    audio, data = sdp.parse(one.create_offer()).media
    assert audio.count(sdp.CANDIDATE) == 1
    assert audio.has(sdp.END_OF_CANDIDATES)
    assert audio.port == data.port == 1000
    assert audio.find("c=") == "IN IP4 192.0.2.1"
    assert media(one.create_offer(ice_restart=True)).count(sdp.CANDIDATE) == 0


def test_stopping_the_tag_hands_its_transport_to_the_next() -> None:
    one, other = connected("audio", "video")
    transport = one.state.sections[0].transport
    one.stop(one.state.transceivers[0].key)
    negotiate(one, other)
    assert [section.transport for section in one.state.sections] == [None, transport, transport]
    assert [(kept.key, kept.mid) for kept in one.state.transports] == [(transport, "1")]


# --- header extensions under control ------------------------------------------------------------------------


def test_layers_are_offered_with_their_names_though_an_answer_was_without() -> None:
    one, other = pair()
    one.add("video")
    other.hear("offer", one.offer())
    one.hear("answer", without(other.answer(), "a=extmap:10 ", "a=extmap:11 "))
    one.add("video")
    one.add("video", rids=("a", "b"))
    sections = sdp.parse(one.create_offer()).media
    assert [RID_URI in {row.uri for row in section.all(sdp.EXTMAP)} for section in sections] == [False, False, True]


def test_a_provisional_answer_settles_no_header_extension() -> None:
    one, other = pair()
    key = one.add("audio")
    other.hear("offer", one.offer())
    one.hear("pranswer", without(other.create_answer(), "a=extmap"))
    assert (one.transceiver(key).extensions, one.transceiver(key).negotiated_extensions) == (None, None)
    one.hear("answer", without(other.create_answer(), "a=extmap"))
    assert (one.transceiver(key).extensions, one.transceiver(key).negotiated_extensions) == ((), ())
