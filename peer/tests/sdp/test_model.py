"""The model: lines in order, typed looks, what an m-section inherits from the session."""

from __future__ import annotations

from peer import sdp

from . import corpus

CHROMIUM = sdp.parse(corpus.CHROMIUM_OFFER)
FIREFOX = sdp.parse(corpus.FIREFOX_OFFER)


def test_the_fields_of_an_m_line() -> None:
    audio, video, data = CHROMIUM.media
    assert (audio.media, audio.proto, audio.mid) == ("audio", "UDP/TLS/RTP/SAVPF", "0")
    assert audio.port > 9
    assert audio.formats[:3] == ("111", "63", "9")
    assert video.media == "video"
    assert data.formats == ("webrtc-datachannel",)
    assert sdp.Media(("m=audio 9/2 RTP/AVP 0",)).port == 9


def test_line_numbers_count_from_the_top_of_the_text() -> None:
    lines = corpus.CHROMIUM_OFFER.split("\r\n")
    assert CHROMIUM.session.line == 1
    assert [lines[media.line - 1] for media in CHROMIUM.media] == [media.lines[0] for media in CHROMIUM.media]


def test_attributes_are_typed() -> None:
    audio = CHROMIUM.media[0]
    assert audio.all(sdp.RTPMAP)[0] == sdp.Rtpmap(111, "opus", 48000, "2")
    assert audio.first(sdp.SETUP) is sdp.Setup.ACTPASS
    assert audio.has(sdp.RTCP_MUX)
    assert not audio.has(sdp.BUNDLE_ONLY)
    assert audio.count(sdp.RTPMAP) == 8
    assert audio.first(sdp.RID_LINE) is None
    assert CHROMIUM.groups == (sdp.Group("BUNDLE", ("0", "1", "2")),)


def test_a_section_inherits_from_the_session_what_it_does_not_say() -> None:
    audio = FIREFOX.media[0]
    fingerprint = FIREFOX.session.first(sdp.FINGERPRINT)
    assert audio.first(sdp.FINGERPRINT) is None
    assert FIREFOX.inherited(audio, sdp.FINGERPRINT) == fingerprint
    assert FIREFOX.inherited_all(audio, sdp.FINGERPRINT) == (fingerprint,)
    assert FIREFOX.inherited(audio, sdp.MID) == "0"
    assert CHROMIUM.inherited_all(CHROMIUM.media[0], sdp.FINGERPRINT) == CHROMIUM.media[0].all(sdp.FINGERPRINT)


def test_sections_are_found_by_mid() -> None:
    assert CHROMIUM.index_of("2") == 2
    assert CHROMIUM.index_of("nobody") is None


def test_other_lines_are_found_by_prefix() -> None:
    block = sdp.Block(("v=0", "b=AS:30", "b=TIAS:64000"))
    assert block.find("b=TIAS:") == "64000"
    assert block.find("b=CT:") is None


def test_blocks_are_changed_by_making_new_ones() -> None:
    audio = CHROMIUM.media[0]
    changed = audio.with_lines([*audio.lines, "a=x-mine:1"])
    assert changed.lines[-1] == "a=x-mine:1"
    assert isinstance(changed, sdp.Media)
    assert audio.lines[-1] != "a=x-mine:1"
    assert sdp.Block(()).with_lines(["v=0"]).lines == ("v=0",)


def test_a_block_without_attributes_is_asked_twice() -> None:
    block = sdp.Block(("v=0",))
    assert block.all(sdp.MID) == ()
    assert block.all(sdp.MID) == ()


def test_a_value_put_in_by_hand_that_does_not_match_is_left_out() -> None:
    assert sdp.Block(("a=setup:maybe", "a=setup:active")).all(sdp.SETUP) == (sdp.Setup.ACTIVE,)
