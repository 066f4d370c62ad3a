"""What a description must not say (RFC 9429 section 5.8.3). Every refusal leaves the state as it was."""

from __future__ import annotations

from dataclasses import replace

import pytest

from peer import jsep, sdp
from peer.jsep import BundlePolicy, Direction, RtcpMuxPolicy

from .party import Party, changed, connected, pair, without

OFFERER = Party("offerer")
for _kind in ("audio", "video"):
    OFFERER.add(_kind)
OFFER = OFFERER.data().offer()
OTHER_PRINT = "a=fingerprint:sha-256 " + ":".join(["CD"] * 32)


def refused(party: Party, kind: str, text: str, match: str = "") -> None:
    before = party.state
    with pytest.raises(jsep.InvalidAccess, match=match):
        party.hear(kind, text)
    assert party.state is before


@pytest.mark.parametrize(
    ("old", "new", "match"),
    [
        ("a=setup:actpass\r\n", "a=setup:actpass\r\na=setup:active\r\n", "more than once"),
        ("a=mid:0\r\n", "a=mid:0\r\na=recvonly\r\n", "two directions"),
        ("a=mid:1\r\n", "a=mid:0\r\n", "stands twice"),
        ("BUNDLE 0 1 2\r\n", "BUNDLE 0 1 2\r\na=group:BUNDLE 1\r\n", "bundled twice"),
        ("a=sctp-port:5000\r\n", "", "no a=sctp-port"),
        ("a=setup:actpass", "a=setup:holdconn", "holdconn"),
        ("a=mid:0\r\n", "a=mid:0\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:x\r\n", "prohibited"),
        ("t=0 0\r\n", "t=0 0\r\na=key-mgmt:mikey x\r\n", "prohibited"),
        ("a=fmtp:97 apt=96", "a=fmtp:97 apt=44", "isn't there"),
        ("a=extmap:2 ", "a=extmap:1 ", "share an id"),
        ("a=mid:1\r\n", "a=mid:1\r\na=simulcast:send x\r\n", "no a=rid"),
        ("a=rtpmap:8 PCMA/8000", "a=rtpmap:96 PCMA/8000", "two formats"),
        ("a=extmap:14 ", "a=extmap:1 ", "two extensions"),
    ],
)  # fmt: skip
def test_contents_that_make_no_sense(old: str, new: str, match: str) -> None:
    refused(Party(), "offer", changed(OFFER, old, new), match)


@pytest.mark.parametrize(
    ("prefix", "match"), [("a=ice-ufrag", "ICE"), ("a=ice-pwd", "ICE"), ("a=fingerprint", "fingerprint"), ("a=setup",
    "setup"), ("a=rtcp-mux", "multiplexed")],
)  # fmt: skip
def test_mandatory_attributes(prefix: str, match: str) -> None:
    refused(Party(), "offer", without(OFFER, prefix), match)


@pytest.mark.parametrize("line", ["a=ice-ufrag:abc", "a=ice-ufrag:" + "a" * 257, "a=ice-pwd:" + "a" * 21])
def test_the_length_of_ice_credentials(line: str) -> None:
    prefix = line.partition(":")[0]
    text = changed(without(OFFER, prefix), "t=0 0\r\n", f"t=0 0\r\n{line}\r\n")
    refused(Party(), "offer", text, "wrong length")


def test_rtcp_mux_only_needs_rtcp_mux() -> None:
    text = without(OFFER, "a=rtcp-mux\r")
    refused(Party(rtcp_mux_policy=RtcpMuxPolicy.NEGOTIATE), "offer", text, "without a=rtcp-mux")


def test_a_rejected_or_unknown_section_needs_nothing() -> None:
    party = Party()
    party.hear("offer", without(OFFER, "a=x") + "m=image 9 udptl t38\r\na=mid:9\r\nm=audio 0 RTP/AVP 0\r\na=mid:8\r\n")
    assert [section.rejected for section in party.state.sections] == [False, False, False, False, True]


def test_media_bundled_into_data_needs_no_rtcp_mux_there() -> None:
    one, other = connected()
    one.add("audio")
    other.hear("offer", without(one.offer(), "a=rtcp-mux"))


# --- against what was before --------------------------------------------------------------------------------


def test_a_reoffer_keeps_its_sections() -> None:
    one, other = connected("audio", "video")
    offer = one.offer()
    dropped = changed(offer[: offer.index("m=application")], "BUNDLE 0 1 2", "BUNDLE 0 1")
    refused(other, "offer", dropped, "where there were 3")
    refused(other, "offer", changed(changed(offer, "a=mid:1", "a=mid:7"), "0 1 2", "0 7 2"), "became")
    refused(other, "offer", changed(changed(offer, "m=audio", "m=video"), "opus", "VP8"), "was audio, is video")


def test_back_to_back_offers_are_judged_as_if_answered() -> None:
    """W3C "set a session description", step 4.4."""
    party = Party()
    party.hear("offer", OFFER)
    refused(party, "offer", changed(OFFER[: OFFER.index("m=application")], "BUNDLE 0 1 2", "BUNDLE 0 1"), "where there")
    party.hear("offer", OFFER)


def test_rtcp_mux_is_not_taken_back() -> None:
    one, other = connected("audio", rtcp_mux_policy=RtcpMuxPolicy.NEGOTIATE)
    refused(other, "offer", without(one.offer(), "a=rtcp-mux"), "taken back")


def answering() -> tuple[Party, str]:
    """An offerer that waits, and the answer it should get."""
    one, other = pair()
    for kind in ("audio", "video"):
        one.add(kind)
    other.hear("offer", one.data().offer())
    return one, other.answer()


@pytest.mark.parametrize(
    ("old", "new", "match"),
    [
        ("a=setup:active", "a=setup:actpass", "actpass"),
        ("m=audio 9 UDP/TLS/RTP/SAVPF", "m=audio 9 RTP/AVP", "answers"),
        ("a=mid:0", "a=mid:7", "answers '0'"),
        ("a=rtcp-fb:96 nack\r", "a=rtcp-fb:96 x-new\r", "was not offered"),
        ("a=mid:1\r\n", "a=mid:1\r\na=group:BUNDLE 1\r\n", ""),
    ],
)
def test_answers_that_do_not_fit(old: str, new: str, match: str) -> None:
    one, answer = answering()
    text = changed(answer, old, new)
    if match:
        refused(one, "answer", text, match)
    else:
        one.hear("answer", text)


@pytest.mark.parametrize(
    ("offered", "answered"),
    [("sendonly", "sendonly"), ("sendonly", "sendrecv"), ("recvonly", "recvonly"), ("inactive", "sendonly")],
)
def test_an_answer_keeps_within_the_offered_direction(offered: str, answered: str) -> None:
    """RFC 3264 section 6.1, provisional answers too."""
    one, other = pair()
    one.add("audio", direction=Direction(offered))
    other.hear("offer", one.offer())
    answer = other.answer()
    wider = without(answer, *(f"a={direction}" for direction in Direction)) + f"a={answered}\r\n"
    for kind in ("pranswer", "answer"):
        refused(one, kind, wider, f"a={answered} answers a={offered}")
    one.hear("answer", without(wider, f"a={answered}") + "a=inactive\r\n")
    assert one.only.current_direction is Direction.INACTIVE


def test_an_answer_has_as_many_sections() -> None:
    one, answer = answering()
    refused(one, "answer", changed(answer[: answer.index("m=application")], "0 1 2", "0 1"), "2 m-sections answer 3")


def test_an_answer_has_the_mids_of_the_offer() -> None:
    one, answer = answering()
    refused(
        one, "answer", changed(changed(answer, "a=mid:0", "a=mid:7"), "BUNDLE 0 1 2", "BUNDLE 7 1 2"), "answers '0'"
    )


def test_an_answer_without_mids_is_taken() -> None:
    one, other = pair()
    one.add("audio")
    other.hear("offer", without(one.offer(), "a=group"))
    one.hear("answer", without(other.answer(), "a=mid"))
    assert one.only.mid == "0"


def test_an_answer_bundles_only_what_was_offered() -> None:
    one, other = pair(bundle_policy=BundlePolicy.MAX_COMPAT)
    for kind in ("audio", "video"):
        one.add(kind)
    other.hear("offer", changed(one.offer(), "a=group:BUNDLE 0 1", "a=group:BUNDLE 0\r\na=group:BUNDLE 1"))
    separate = other.answer()
    assert [group.mids for group in sdp.parse(separate).groups if group.semantics == "BUNDLE"] == [("0",), ("1",)]
    assert len(other.state.transports) == 2
    one.hear("answer", separate)
    apart = Party("apart", bundle_policy=BundlePolicy.MAX_COMPAT)
    for kind in ("audio", "video"):
        apart.add(kind)
    text = changed(apart.create_offer(), "a=group:BUNDLE 0 1", "a=group:BUNDLE 0")
    apart.state = replace(apart.state, last_created_offer=text)
    apart.set(jsep.Side.LOCAL, "offer", text)
    refused(
        apart, "answer", changed(separate, "a=group:BUNDLE 0\r\na=group:BUNDLE 1", "a=group:BUNDLE 0 1"), "not offered"
    )


def test_a_rejected_section_cannot_be_accepted() -> None:
    one, other = connected("audio", "video")
    one.stop(one.state.transceivers[0].key)
    other.hear("offer", one.offer())
    answer = other.answer()
    refused(one, "answer", changed(answer, "m=audio 0", "m=audio 9"), "accepted")


def test_rids_are_not_renegotiated_by_an_answer() -> None:
    one, other = pair()
    one.add("video", rids=("h", "l"))
    other.hear("offer", one.offer())
    answer = other.answer()
    refused(one, "answer", changed(answer, "a=mid:0\r\n", "a=mid:0\r\na=rid:x recv\r\n"), "was not offered")
    one.hear("answer", changed(answer, "a=mid:0\r\n", "a=mid:0\r\na=rid:h recv\r\na=rid:y send\r\n"))


def test_an_ice_restart_must_be_answered_with_new_credentials() -> None:
    one, other = connected("audio")
    old = other.state.current_local
    assert old is not None
    one.offer(ice_restart=True)
    refused(one, "answer", old.sdp, "old credentials")


def test_new_credentials_need_a_restart() -> None:
    one, other = connected("audio")
    other.hear("offer", one.offer())
    answer = other.answer()
    ufrag = sdp.parse(answer).session.first(sdp.ICE_UFRAG)
    refused(one, "answer", changed(answer, f"a=ice-ufrag:{ufrag}", "a=ice-ufrag:abcd"), "without an ICE restart")


def test_a_new_dtls_association_needs_a_restart() -> None:
    """RFC 9429 sections 5.8.3 and 5.11."""
    one, other = connected("audio")
    offer = one.offer()
    fingerprint = next(line for line in offer.split("\r\n") if line.startswith("a=fingerprint"))
    refused(other, "offer", changed(offer, fingerprint, OTHER_PRINT), "without an ICE restart")
    other.hear("offer", offer)
    answer = other.answer()
    refused(one, "answer", changed(answer, fingerprint, OTHER_PRINT), "without an ICE restart")


def test_the_roles_of_a_running_association_stay() -> None:
    one, other = connected("audio")
    other.hear("offer", one.offer())
    refused(one, "answer", changed(other.answer(), "a=setup:active", "a=setup:passive"), "turn its roles")


def test_an_offer_keeps_the_roles_of_a_running_association() -> None:
    """RFC 9429 section 5.8.3: a=setup is consistent with the role of an association that is continued."""
    one, other = connected("audio")
    offer = one.offer()
    # the answerer was active, so the offerer is the DTLS server
    refused(other, "offer", changed(offer, "a=setup:actpass", "a=setup:active"), "turns the roles")
    other.hear("offer", changed(offer, "a=setup:actpass", "a=setup:passive"))
