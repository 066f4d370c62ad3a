"""Codec matching, payload types, what is offered and what is answered."""

from __future__ import annotations

from dataclasses import replace

import pytest

from peer import sdp
from peer.jsep import Codec, Direction, Kind, NegotiatedCodec, Transceiver
from peer.jsep.capabilities import AUDIO, FLEXFEC, VIDEO
from peer.jsep.codecs import (
    PayloadTypes,
    PayloadTypesExhausted,
    answered,
    codecs_of,
    is_media,
    matches,
    offered,
    parameters,
    wanted,
)


def video(name: str, fmtp: str | None = None) -> Codec:
    return Codec(f"video/{name}", 90000, None, fmtp)


def formats(codecs: tuple[NegotiatedCodec, ...]) -> list[tuple[int, str]]:
    return [(one.payload_type, one.codec.name) for one in codecs]


def test_the_mandatory_codecs_are_there() -> None:
    """RFC 7874 section 3, RFC 7742 section 5."""
    assert {"opus", "PCMU", "PCMA", "telephone-event", "CN", "G722"} <= {one.name for one in AUDIO.codecs}
    assert {"VP8", "VP9", "H264", "AV1", "rtx", "red", "ulpfec", "flexfec-03"} <= {one.name for one in VIDEO.codecs}


def test_fmtp_as_a_dictionary() -> None:
    assert parameters("A=1; b = x ;0-15;;=3") == {"a": "1", "b": "x", "0-15": ""}
    assert parameters(None) == {}


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        (video("VP8"), video("vp8"), True), (video("VP8"), video("VP9"), False), (video("VP8"), Codec("video/VP8",
        48000), False), (Codec("audio/opus", 48000, 2), Codec("audio/opus", 48000, 2, "stereo=1"), True),
        (Codec("audio/opus", 48000, 2), Codec("audio/opus", 48000), False), (Codec("audio/PCMU", 8000),
        Codec("audio/PCMU", 8000, 1), True), (video("VP9"), video("VP9", "profile-id=0"), True), (video("VP9",
        "profile-id=2"), video("VP9", "profile-id=0"), False), (video("AV1", "level-idx=5;profile=0;tier=0"),
        video("AV1"), True), (video("AV1", "profile=1"), video("AV1"), False), (video("H265", "level-id=93"),
        video("H265", "level-id=180;profile-id=1;tx-mode=srst"), True), (video("H264",
        "packetization-mode=1;profile-level-id=42e01f"), video("H264", "packetization-mode=1;profile-level-id=42c034"),
        True), (video("H264", "packetization-mode=1;profile-level-id=42e01f"), video("H264",
        "profile-level-id=42e01f"), False), (video("H264", "profile-level-id=42001f"), video("H264",
        "profile-level-id=42e01f"), False), (video("H264", "profile-level-id=4de01f"), video("H264",
        "profile-level-id=42e01f"), True), (video("H264", "profile-level-id=64001f"), video("H264",
        "profile-level-id=640c1f"), False), (video("H264"), video("H264", "profile-level-id=42001f"), True),
        (video("H264", "profile-level-id=F4001f"), video("H264", "profile-level-id=f4001f"), True), (video("H264",
        "profile-level-id=zz"), video("H264", "profile-level-id=zz"), True), (video("rtx", "apt=96"), video("rtx",
        "apt=98"), False),
    ],
)  # fmt: skip
def test_matching(first: Codec, second: Codec, same: bool) -> None:
    assert matches(first, second) is same
    assert matches(second, first) is same


def test_what_is_media() -> None:
    assert is_media(video("VP8"))
    assert not any(is_media(one) for one in (video("rtx"), video("red"), Codec("audio/CN", 8000), FLEXFEC))


# --- reading ------------------------------------------------------------------------------------------------


def test_formats_are_read_in_the_order_of_the_m_line() -> None:
    media = sdp.Media(
        (
            "m=audio 9 RTP/AVP 0 111 77 9",
            "a=rtpmap:111 opus/48000/2",
            "a=fmtp:111 minptime=10",
            "a=rtcp-fb:* nack",
            "a=rtcp-fb:111 transport-cc",
            "a=rtpmap:9 G722/8000",
        )
    )
    static, opus, g722 = codecs_of(media)
    assert (static.payload_type, static.codec.name, static.codec.channels) == (0, "PCMU", 1)
    assert (opus.codec.channels, opus.codec.fmtp, opus.codec.feedback) == (2, "minptime=10", ("nack", "transport-cc"))
    assert g722.codec.channels == 1


def test_video_has_no_channels() -> None:
    media = sdp.Media(("m=video 9 RTP/AVP 26 96", "a=rtpmap:96 VP8/90000/x"))
    assert [one.codec.channels for one in codecs_of(media)] == [None, None]


# --- payload types ------------------------------------------------------------------------------------------


def test_a_format_keeps_its_number() -> None:
    numbers = PayloadTypes.of([NegotiatedCodec(100, video("VP8"))])
    assert numbers.assign(VIDEO.codecs[0]).payload_type == 100


def test_a_number_is_never_given_twice() -> None:
    numbers = PayloadTypes.of([NegotiatedCodec(96, video("VP9", "profile-id=2"))])
    vp8 = numbers.assign(VIDEO.codecs[0])
    assert vp8.payload_type == 97
    assert numbers.assign(video("other")).payload_type == 98
    assert numbers.assign(video("near"), near=110).payload_type == 111
    assert numbers.assign(video("low"), near=45).payload_type == 46


def test_numbers_run_out() -> None:
    numbers = PayloadTypes(dict.fromkeys(range(128), ("x",)))
    with pytest.raises(PayloadTypesExhausted):
        numbers.assign(video("VP8"))


# --- offers -------------------------------------------------------------------------------------------------


def test_every_primary_codec_and_red_has_its_rtx_and_its_own_number() -> None:
    listed = offered(VIDEO.codecs, PayloadTypes({}))
    numbers = [one.payload_type for one in listed]
    assert len(set(numbers)) == len(numbers)
    repaired = {one.associated for one in listed if one.codec.name == "rtx"}
    assert repaired == {one.payload_type for one in listed if is_media(one.codec) or one.codec.name == "red"}
    assert formats(listed)[:2] == [(96, "VP8"), (97, "rtx")]


def test_no_rtx_without_rtx_among_the_codecs() -> None:
    assert formats(offered([VIDEO.codecs[0]], PayloadTypes({}))) == [(96, "VP8")]


def test_audio_red_protects_opus() -> None:
    listed = offered(AUDIO.codecs, PayloadTypes({}))
    assert formats(listed)[:2] == [(111, "opus"), (63, "red")]
    assert listed[1].codec.fmtp == "111/111"
    red, opus = AUDIO.codecs[1], AUDIO.codecs[0]
    assert formats(offered([red, opus], PayloadTypes({}))) == [(63, "red"), (111, "opus")]
    assert formats(offered([red, AUDIO.codecs[3]], PayloadTypes({}))) == [(0, "PCMU")]


def test_the_most_recent_answer_sets_the_order() -> None:
    before = (NegotiatedCodec(98, video("VP9", "profile-id=0")),)
    listed = offered(VIDEO.codecs, PayloadTypes({}), before=before)
    assert formats(listed)[0] == (98, "VP9")
    assert formats(offered(VIDEO.codecs, PayloadTypes({}), before=before, reorder=False))[0] == (96, "VP8")


def test_preferences_order_and_filter() -> None:
    preferred = (video("VP9", "profile-id=2"), video("nobody"), video("VP8"))
    one = Transceiver(1, Kind.VIDEO, preferred_codecs=preferred)
    assert [codec.name for codec in wanted(one, VIDEO, Direction.SENDRECV)] == ["VP9", "VP8"]
    assert wanted(replace(one, preferred_codecs=()), VIDEO, Direction.RECVONLY) == VIDEO.codecs
    sent = tuple(codec for codec in VIDEO.codecs if codec != FLEXFEC)
    assert wanted(replace(one, preferred_codecs=()), VIDEO, Direction.SENDRECV) == sent


def test_direction_filters() -> None:
    capabilities = replace(
        VIDEO, codecs=(replace(VIDEO.codecs[0], sends=False), replace(VIDEO.codecs[2], receives=False))
    )
    one = Transceiver(1, Kind.VIDEO)
    names = {direction: [codec.name for codec in wanted(one, capabilities, direction)] for direction in Direction}
    assert names == {"sendrecv": [], "sendonly": ["VP9"], "recvonly": ["VP8"], "inactive": ["VP8", "VP9"]}


# --- answers ------------------------------------------------------------------------------------------------

THEIRS = (
    NegotiatedCodec(120, replace(video("VP8", "max-fs=12288"), feedback=("nack", "x-own"))),
    NegotiatedCodec(121, video("rtx", "apt=120")),
    NegotiatedCodec(122, video("VP9")),
    NegotiatedCodec(123, video("rtx", "apt=122")),
    NegotiatedCodec(124, video("THEORA")),
    NegotiatedCodec(125, video("rtx", "apt=124")),
)


def test_an_answer_has_the_common_formats_under_the_numbers_of_the_offer() -> None:
    result = answered(VIDEO.codecs, THEIRS, preferred=False)
    assert formats(result) == [(120, "VP8"), (121, "rtx"), (122, "VP9"), (123, "rtx")]
    assert result[0].codec.feedback == ("nack",)
    assert result[0].codec.fmtp is None
    assert result[1].codec.fmtp == "apt=120"


def test_an_answer_follows_our_preferences() -> None:
    ours = (video("VP9"), video("rtx"), video("VP8"))
    assert formats(answered(ours, THEIRS, preferred=True)) == [(122, "VP9"), (123, "rtx"), (120, "VP8"), (121, "rtx")]


def test_nothing_in_common_but_rtx_is_nothing() -> None:
    assert answered((video("rtx"), video("red")), (*THEIRS, NegotiatedCodec(99, video("red"))), preferred=False) == ()


@pytest.mark.parametrize(
    ("offer", "answer"),
    [
        ("level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e00b", "42e01f"),
        ("packetization-mode=1;profile-level-id=42e00b", "42e00b"),
        ("level-asymmetry-allowed=0;packetization-mode=1;profile-level-id=42c014", "42c014"),
        ("packetization-mode=1;profile-level-id=42e01f", "42e01f"),
        ("packetization-mode=1;profile-level-id=42e034", "42e01f"),
        ("packetization-mode=1;profile-level-id=42f00b", "42f00b"),
        ("packetization-mode=0", "42000a"),
        (None, "42000a"),
    ],
)
def test_an_answered_h264_level_is_not_above_the_offered_but_where_both_allow_asymmetry(
    offer: str | None, answer: str
) -> None:
    """RFC 6184 section 8.2.2."""
    (one,) = answered(VIDEO.codecs, (NegotiatedCodec(97, video("H264", offer)),), preferred=False)
    assert parameters(one.codec.fmtp)["profile-level-id"] == answer


@pytest.mark.parametrize(
    ("local", "remote", "answer"),
    [
        ("42e00b", "42f00b", "42f00b"),  # level 1b is below 1.1
        ("42f00b", "42e00a", "42e00a"),  # and above 1
        ("42f00b", "42e00b", "42f00b"),
        ("64000b", "640009", "640009"),  # High says 1b otherwise
        ("64000a", "640009", "64000a"),
    ],
)
def test_h264_level_1b_stands_between_1_and_1_1(local: str, remote: str, answer: str) -> None:
    ours = video("H264", f"level-asymmetry-allowed=1;profile-level-id={local}")
    theirs = NegotiatedCodec(97, video("H264", f"profile-level-id={remote}"))
    (one,) = answered((ours,), (theirs,), preferred=False)
    assert parameters(one.codec.fmtp) == {"level-asymmetry-allowed": "1", "profile-level-id": answer}
