"""createAnswer: RFC 9429 section 5.3."""

from __future__ import annotations

import pytest

from peer import jsep, sdp
from peer.jsep import BundlePolicy, Codec, Direction, DtlsRole
from peer.jsep.answer import setup_in_answer
from peer.jsep.model import Capabilities

from .party import Party, changed, connected, media, negotiate, pair, without


def answer_to(offer: str, answerer: Party | None = None, **options: bool) -> sdp.SessionDescription:
    answerer = answerer or Party("answerer")
    answerer.hear("offer", offer)
    return sdp.parse(answerer.answer("answer", **options))


def offer_of(*kinds: str, data: bool = False, **configuration: object) -> str:
    party = Party("offerer", **configuration)
    for kind in kinds:
        party.add(kind)
    return party.data().offer() if data else party.offer()


@pytest.mark.parametrize("state", ["stable", "have-local-offer"])
def test_no_answer_without_a_remote_offer(state: str) -> None:
    party = Party().data()
    if state != "stable":
        party.offer()
    with pytest.raises(jsep.InvalidState):
        party.create_answer()


def test_the_version_grows() -> None:
    answerer = Party()
    answerer.hear("offer", offer_of("audio"))
    first, second = (answerer.create_answer().split("\r\n")[1].split(" ") for _ in range(2))
    assert int(second[2]) == int(first[2]) + 1


def test_ice_options_only_where_offered() -> None:
    offer = offer_of("audio")
    assert answer_to(offer).session.first(sdp.ICE_OPTIONS) == ("trickle", "ice2")
    assert answer_to(without(offer, "a=ice-options")).session.first(sdp.ICE_OPTIONS) is None
    for offered, answered in (("trickle", ("trickle", "ice2")), ("ice2", ("ice2",)), ("rtp+ecn", None)):
        text = changed(offer, "a=ice-options:trickle ice2", f"a=ice-options:{offered}")
        assert answer_to(text).session.first(sdp.ICE_OPTIONS) == answered


def test_extmap_allow_mixed_where_offered() -> None:
    offer = offer_of("audio")
    assert answer_to(offer).session.has(sdp.EXTMAP_ALLOW_MIXED)
    bare = without(offer, "a=extmap-allow-mixed")
    assert not answer_to(bare).session.has(sdp.EXTMAP_ALLOW_MIXED)
    in_media = changed(bare, "a=mid:0\r\n", "a=mid:0\r\na=extmap-allow-mixed\r\n")
    assert answer_to(in_media).media[0].has(sdp.EXTMAP_ALLOW_MIXED)


def test_an_answer_mirrors_the_sections_and_profiles() -> None:
    offer = changed(offer_of("audio", "video", data=True), "UDP/TLS/RTP/SAVPF", "RTP/AVP")
    answer = answer_to(offer)
    assert [(one.media, one.proto, one.mid) for one in answer.media] == [
        ("audio", "RTP/AVP", "0"),
        ("video", "RTP/AVP", "1"),
        ("application", "UDP/DTLS/SCTP", "2"),
    ]
    assert not any(one.has(sdp.BUNDLE_ONLY) for one in answer.media)


def test_no_mid_in_no_mid_out() -> None:
    offer = without(offer_of("audio"), "a=mid", "a=group")
    answer = answer_to(offer)
    assert answer.media[0].mid is None
    assert answer.groups == ()


@pytest.mark.parametrize(
    ("offered", "ours", "expected"),
    [
        ("sendrecv", "sendrecv", "sendrecv"),
        ("sendonly", "sendrecv", "recvonly"),
        ("recvonly", "sendrecv", "sendonly"),
        ("sendrecv", "recvonly", "recvonly"),
        ("sendonly", "sendonly", "inactive"),
        ("inactive", "sendrecv", "inactive"),
    ],
)
def test_directions_are_intersected(offered: str, ours: str, expected: str) -> None:
    offerer, answerer = pair()
    offerer.add("audio", offered)
    answerer.hear("offer", offerer.offer())
    answerer.change(answerer.only.key, direction=Direction(ours))
    answer = sdp.parse(answerer.answer())
    assert [row.name for row in sdp.DIRECTIONS if answer.media[0].has(row)] == [expected]
    assert answerer.only.current_direction == expected


def test_the_direction_may_stand_at_session_level() -> None:
    offer = changed(without(offer_of("audio"), "a=sendrecv"), "t=0 0\r\n", "t=0 0\r\na=sendonly\r\n")
    assert answer_to(offer).media[0].has(sdp.RECVONLY)
    assert answer_to(without(offer, "a=sendonly")).media[0].has(sdp.RECVONLY)


# --- rejection ----------------------------------------------------------------------------------------------


def test_nothing_in_common_is_rejected() -> None:
    answerer = Party(audio=Capabilities((Codec("audio/none", 8000, 1),)))
    answer = answer_to(offer_of("video", "audio"), answerer)
    assert [one.port for one in answer.media] == [9, 0]
    assert answer.groups[0].mids == ("0",)
    assert answer.media[1].has(sdp.INACTIVE)


def test_a_stopped_transceiver_is_rejected_a_stopping_one_is_not() -> None:
    """W3C stop(): a stopping transceiver doesn't affect createAnswer."""
    answerer = Party()
    answerer.hear("offer", offer_of("audio"))
    key = answerer.only.key
    answerer.stop(key)
    assert media(answerer.create_answer()).port == 9
    answerer.change(key, stopped=True)
    assert media(answerer.create_answer()).port == 0


def test_what_we_do_not_know_is_rejected() -> None:
    offer = offer_of("audio", data=True)
    fax = changed(offer, "m=application 9 UDP/DTLS/SCTP webrtc-datachannel", "m=image 9 udptl t38")
    answer = answer_to(fax)
    assert answer.media[1].lines[0] == "m=image 0 udptl t38"


def test_an_offered_rejection_is_answered_with_one() -> None:
    offer = offer_of("audio", "video")
    index = offer.index("m=video")
    rejected = changed(offer[:index].replace("BUNDLE 0 1", "BUNDLE 0"), "m=audio 9", "m=audio 9") + changed(
        offer[index:], "m=video 9", "m=video 0"
    )
    assert [one.port for one in answer_to(rejected).media] == [9, 0]


@pytest.mark.parametrize(
    ("policy", "ports"),
    [
        (BundlePolicy.MAX_BUNDLE, [9, 0, 0, 0]),
        (BundlePolicy.BALANCED, [9, 9, 0, 9]),
        (BundlePolicy.MAX_COMPAT, [9, 9, 9, 9]),
    ],
)
def test_policies_against_an_offer_without_bundle(policy: BundlePolicy, ports: list[int]) -> None:
    offer = without(offer_of("audio", "video", "audio", data=True, bundle_policy=BundlePolicy.MAX_COMPAT), "a=group")
    answer = answer_to(offer, Party(bundle_policy=policy))
    assert [one.port for one in answer.media] == ports


def test_a_bundle_only_section_without_a_bundle_is_rejected() -> None:
    offer = without(offer_of("audio", "video", bundle_policy=BundlePolicy.MAX_BUNDLE), "a=group")
    assert [one.port for one in answer_to(offer, Party(bundle_policy=BundlePolicy.MAX_COMPAT)).media] == [9, 0]


@pytest.mark.parametrize("policy", list(BundlePolicy))
def test_a_section_bundled_with_a_rejected_tag_goes_with_it(policy: BundlePolicy) -> None:
    """RFC 9143 section 7.3.3."""
    answerer = Party(audio=Capabilities((Codec("audio/none", 8000, 1),)))
    answer = answer_to(offer_of("audio", "video", bundle_policy=policy), answerer)
    assert [one.port for one in answer.media] == [0, 0]
    assert answer.groups == ()


# --- transports ---------------------------------------------------------------------------------------------


def test_the_bundle_is_accepted_and_only_its_tag_carries_the_transport() -> None:
    answer = answer_to(offer_of("audio", "video", data=True), Party(session_level=False))
    assert answer.groups[0].mids == ("0", "1", "2")
    assert [one.first(sdp.ICE_UFRAG) is not None for one in answer.media] == [True, False, False]
    assert [one.has(sdp.RTCP_MUX) for one in answer.media] == [True, False, False]


def test_without_bundle_each_section_has_its_own() -> None:
    offer = without(offer_of("audio", "video", bundle_policy=BundlePolicy.MAX_COMPAT, session_level=False), "a=group")
    answer = answer_to(offer, Party(session_level=False))
    assert len({one.first(sdp.ICE_PWD) for one in answer.media}) == 2
    shared = answer_to(offer, Party())
    assert shared.session.first(sdp.ICE_PWD) is not None


@pytest.mark.parametrize(
    ("offered", "role", "liked", "expected"),
    [
        (sdp.Setup.ACTPASS, None, DtlsRole.CLIENT, sdp.Setup.ACTIVE),
        (sdp.Setup.ACTPASS, None, DtlsRole.SERVER, sdp.Setup.PASSIVE),
        (sdp.Setup.ACTIVE, None, DtlsRole.CLIENT, sdp.Setup.PASSIVE),
        (sdp.Setup.PASSIVE, None, DtlsRole.SERVER, sdp.Setup.ACTIVE),
        (sdp.Setup.ACTPASS, DtlsRole.SERVER, DtlsRole.CLIENT, sdp.Setup.PASSIVE),
        (None, None, DtlsRole.CLIENT, sdp.Setup.ACTIVE),
    ],
)
def test_setup(offered: sdp.Setup | None, role: DtlsRole | None, liked: DtlsRole, expected: sdp.Setup) -> None:
    assert setup_in_answer(offered, role, liked) is expected


def test_tls_id_only_where_offered() -> None:
    offer = offer_of("audio")
    assert answer_to(offer).session.first(sdp.TLS_ID) is not None
    assert answer_to(without(offer, "a=tls-id")).session.first(sdp.TLS_ID) is None


def test_without_rtcp_mux_there_is_an_rtcp_line() -> None:
    offer = without(offer_of("audio"), "a=rtcp-mux")
    answerer = Party(rtcp_mux_policy=jsep.RtcpMuxPolicy.NEGOTIATE)
    audio = answer_to(offer, answerer).media[0]
    assert audio.first(sdp.RTCP) == "9 IN IP4 0.0.0.0"
    assert not audio.has(sdp.RTCP_MUX)


def test_a_restart_is_answered_with_new_credentials() -> None:
    one, other = connected("audio")
    before = other.state.transports[0].credentials.ufrag
    _, same = negotiate(one, other)
    assert sdp.parse(same).session.first(sdp.ICE_UFRAG) == before
    _, restarted = negotiate(one, other, ice_restart=True)
    assert sdp.parse(restarted).session.first(sdp.ICE_UFRAG) != before


def test_the_dtls_role_is_kept_when_the_answerer_becomes_the_offerer() -> None:
    one, other = connected("audio")
    _, answer = negotiate(other, one)
    assert sdp.parse(answer).session.first(sdp.SETUP) is sdp.Setup.PASSIVE
    assert one.state.transports[0].dtls_role is DtlsRole.SERVER


def test_a_provisional_answer_may_be_followed_by_the_final_one() -> None:
    offerer, answerer = pair()
    offerer.add("audio")
    offer = offerer.offer()
    answerer.hear("offer", offer)
    first = answerer.answer("pranswer")
    offerer.hear("pranswer", first)
    second = answerer.answer()
    offerer.hear("answer", second)
    credentials = [sdp.parse(text).session.first(sdp.ICE_PWD) for text in (first, second)]
    assert credentials[0] == credentials[1]


# --- codecs and the like ------------------------------------------------------------------------------------


def test_preferences_set_the_order_regardless_of_the_offer() -> None:
    answerer = Party()
    answerer.hear("offer", offer_of("video"))
    answerer.change(answerer.only.key, preferred_codecs=(Codec("video/VP9", 90000), Codec("video/VP8", 90000)))
    assert [row.name for row in media(answerer.create_answer()).all(sdp.RTPMAP)] == ["VP9", "VP8"]


def test_extensions_and_feedback_of_the_offer_only() -> None:
    offer = without(offer_of("video"), "a=extmap:14", "a=rtcp-fb:96 goog-remb")
    offer = changed(offer, "a=extmap:13", "a=extmap:5 urn:nobody\r\na=extmap:13")
    video = answer_to(offer).media[0]
    ids = [row.id for row in video.all(sdp.EXTMAP)]
    assert 14 not in ids
    assert 5 not in ids
    assert 13 in ids
    assert "goog-remb" not in [row.value for row in video.all(sdp.RTCP_FB) if row.format == "96"]


def test_extensions_at_session_level_hold_for_every_section() -> None:
    offer = without(offer_of("video"), "a=extmap:")
    offer = changed(offer, "t=0 0\r\n", "t=0 0\r\na=extmap:7 urn:3gpp:video-orientation\r\n")
    assert [row.id for row in answer_to(offer).media[0].all(sdp.EXTMAP)] == [7]


def test_msid_of_an_answer() -> None:
    one, other = connected("audio")
    key = other.only.key
    other.change(key, direction=Direction.SENDRECV, stream_ids=("back",))
    _, answer = negotiate(one, other)
    assert media(answer).all(sdp.MSID) == (sdp.Msid("back"),)
    other.change(key, direction=Direction.RECVONLY)
    _, answer = negotiate(one, other)
    assert media(answer).all(sdp.MSID) == (sdp.Msid("back"),)


def dtx(description: sdp.SessionDescription) -> str:
    return next(row.parameters for row in description.media[0].all(sdp.FMTP) if row.format == "111")


def test_silence_suppression_is_bilateral() -> None:
    """RFC 9429 section 5.3.3.1."""
    plain, suppressing = offer_of("audio"), Party("offerer")
    suppressing.add("audio")
    wanting = suppressing.offer(voice_activity_detection=True)
    assert "usedtx" not in dtx(answer_to(plain))
    assert "usedtx=1" in dtx(answer_to(wanting))
    assert "usedtx=0" in dtx(answer_to(plain, voice_activity_detection=True))
    assert "usedtx=1" in dtx(answer_to(wanting, voice_activity_detection=True))
    refused = answer_to(wanting, voice_activity_detection=False)
    assert "usedtx=0" in dtx(refused)
    assert "CN" not in {row.name for row in refused.media[0].all(sdp.RTPMAP)}


SIMULCAST = "a=rid:h recv\r\na=rid:m recv\r\na=rid:l recv\r\na=simulcast:recv ~h,x;m;h;l\r\na=rid:x recv\r\n"


def test_an_offer_to_receive_simulcast() -> None:
    """W3C createAnswer, final steps, step 3.2: first alternatives, no doubles, only what we have."""
    offer = changed(offer_of("video"), "a=mid:0\r\n", f"a=mid:0\r\n{SIMULCAST}")
    answerer = Party()
    answerer.add("video")
    answerer.hear("offer", offer)
    key = answerer.only.key
    assert [one.rid for one in answerer.only.encodings] == ["h", "m", "l"]
    answerer.change(key, encodings=answerer.only.encodings[:2])
    answer = media(answerer.answer())
    assert str(answer.first(sdp.SIMULCAST)) == "send h;m"
    assert [str(row) for row in answer.all(sdp.RID_LINE)] == ["h send", "m send"]


def test_no_simulcast_without_matching_encodings_or_without_sending() -> None:
    offer = changed(offer_of("video"), "a=mid:0\r\n", f"a=mid:0\r\n{SIMULCAST}")
    answerer = Party()
    answerer.add("video", rids=("a", "b"))
    answerer.hear("offer", offer)
    assert media(answerer.create_answer()).first(sdp.SIMULCAST) is None
    answerer.change(answerer.only.key, direction=Direction.RECVONLY)
    assert media(answerer.create_answer()).first(sdp.SIMULCAST) is None


def test_an_offer_to_send_simulcast_is_answered_without() -> None:
    """RFC 9429 section 3.7: JSEP doesn't receive simulcast."""
    offerer = Party("offerer")
    offerer.add("video", rids=("h", "l"))
    assert answer_to(offerer.offer()).media[0].first(sdp.SIMULCAST) is None


# --- lip sync -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("streams", "expected"),
    [
        ((("m",), ("m",)), [("0", "1")]),
        ((("m",), ("n",)), []),
        (((), ()), [("0", "1")]),
        ((("m",), ()), [("0", "1")]),
    ],
)
def test_lip_sync_groups(streams: tuple[tuple[str, ...], ...], expected: list[tuple[str, ...]]) -> None:
    """RFC 9429 section 5.3.1, its three examples."""
    answerer = Party()
    answerer.hear("offer", offer_of("audio", "video"))
    for one, ids in zip(answerer.state.transceivers, streams, strict=True):
        answerer.change(one.key, stream_ids=ids)
    groups = [one.mids for one in sdp.parse(answerer.create_answer()).groups if one.semantics == "LS"]
    assert groups == expected


def test_a_shared_stream_takes_the_streamless_along() -> None:
    answerer = Party()
    answerer.hear("offer", offer_of("audio", "video", "video"))
    first, second, _ = answerer.state.transceivers
    answerer.change(first.key, stream_ids=("m",))
    answerer.change(second.key, stream_ids=("m",))
    assert sdp.parse(answerer.create_answer()).groups[1] == sdp.Group("LS", ("0", "1", "2"))
