"""Each row of the attribute table: what its grammar takes, what that becomes, how it is written."""

from __future__ import annotations

from typing import Any

import pytest

from peer import sdp

ROWS: list[tuple[sdp.Attribute[Any], str, Any]] = [
    (sdp.GROUP, "BUNDLE 0 1", sdp.Group("BUNDLE", ("0", "1"))),
    (sdp.GROUP, "BUNDLE", sdp.Group("BUNDLE")),
    (sdp.MID, "a1", "a1"),
    (sdp.ICE_UFRAG, "8hhY", "8hhY"),
    (sdp.ICE_OPTIONS, "trickle ice2", ("trickle", "ice2")),
    (sdp.FINGERPRINT, "SHA-256 aa:bb", sdp.Fingerprint("sha-256", "AA:BB")),
    (sdp.SETUP, "actpass", sdp.Setup.ACTPASS),
    (sdp.TLS_ID, "91bbf309c0990a6bec11e38ba2933cee", "91bbf309c0990a6bec11e38ba2933cee"),
    (sdp.IDENTITY, "eyJpZHAiOnt9fQ== ext=1", "eyJpZHAiOnt9fQ== ext=1"),
    (sdp.SCTP_PORT, "5000", 5000),
    (sdp.MAX_MESSAGE_SIZE, "0", 0),
    (sdp.SCTPMAP, "5000 webrtc-datachannel 1024", "5000 webrtc-datachannel 1024"),
    (sdp.RTPMAP, "111 opus/48000/2", sdp.Rtpmap(111, "opus", 48000, "2")),
    (sdp.RTPMAP, "0 PCMU/8000", sdp.Rtpmap(0, "PCMU", 8000)),
    (sdp.FMTP, "97 apt=96", sdp.Fmtp("97", "apt=96")),
    (sdp.RTCP_FB, "* nack pli", sdp.RtcpFeedback("*", "nack pli")),
    (sdp.RTCP, "9 IN IP4 0.0.0.0", "9 IN IP4 0.0.0.0"),
    (sdp.RTCP_MUX, "", True),
    (sdp.PTIME, "20", 20.0),
    (sdp.MAXPTIME, "0.5", 0.5),
    (sdp.EXTMAP, "2/recvonly urn:x a=b c", sdp.Extmap(2, "urn:x", "recvonly", "a=b c")),
    (sdp.EXTMAP, "1 urn:x", sdp.Extmap(1, "urn:x")),
    (sdp.MSID, "{a} {b}", sdp.Msid("{a}", "{b}")),
    (sdp.MSID, "-", sdp.Msid("-")),
    (sdp.SSRC_ATTRIBUTE, "1 cname:{x y}", sdp.SsrcAttribute(1, "cname", "{x y}")),
    (sdp.SSRC_ATTRIBUTE, "1 flag", sdp.SsrcAttribute(1, "flag")),
    (sdp.SSRC_GROUP, "FID 1 2", sdp.SsrcGroup("FID", (1, 2))),
    (sdp.RID_LINE, "h send pt=97;max-width=1280", sdp.Rid("h", "send", "pt=97;max-width=1280")),
    (sdp.RID_LINE, "l recv", sdp.Rid("l", "recv")),
    (
        sdp.SIMULCAST,
        "send 1,~4;2 recv c",
        sdp.Simulcast(
            send=((sdp.SimulcastStream("1"), sdp.SimulcastStream("4", paused=True)), (sdp.SimulcastStream("2"),)),
            recv=((sdp.SimulcastStream("c"),),),
        ),
    ),
    (sdp.SIMULCAST, "recv c", sdp.Simulcast(recv=((sdp.SimulcastStream("c"),),))),
    (
        sdp.IMAGEATTR,
        "97 send [x=800,y=640,sar=1.1,q=0.6] [x=[480:16:800],y=[320:16:640]] recv *",
        sdp.ImageAttributes("97", "send [x=800,y=640,sar=1.1,q=0.6] [x=[480:16:800],y=[320:16:640]] recv *"),
    ),
    (sdp.FRAMERATE, "29.97", "29.97"),
    (sdp.CANDIDATE, "1 1 udp 1 ::1 9 typ host generation 0", "1 1 udp 1 ::1 9 typ host generation 0"),
    (sdp.REMOTE_CANDIDATES, "1 ::1 9 2 ::1 10", "1 ::1 9 2 ::1 10"),
]


@pytest.mark.parametrize(("attribute", "text", "value"), ROWS, ids=[f"{row[0].name}:{row[1]}" for row in ROWS])
def test_a_value_is_read(attribute: sdp.Attribute[Any], text: str, value: Any) -> None:
    match = attribute.pattern.fullmatch(text)
    assert match is not None
    assert attribute.build(match) == value


_OTHER_FORM = {"ice-options", "fingerprint", "ptime"}
_SAME_FORM = [row for row in ROWS if row[0].name not in _OTHER_FORM]


@pytest.mark.parametrize(
    ("attribute", "text", "value"), _SAME_FORM, ids=[f"{row[0].name}:{row[1]}" for row in _SAME_FORM]
)
def test_a_value_is_written_as_it_was_read(attribute: sdp.Attribute[Any], text: str, value: Any) -> None:
    expected = f"a={attribute.name}:{text}" if text else f"a={attribute.name}"
    assert attribute.line(value) == expected


def test_fingerprints_are_written_in_one_form() -> None:
    assert sdp.FINGERPRINT.line(sdp.Fingerprint("sha-256", "AA:BB")) == "a=fingerprint:sha-256 AA:BB"


@pytest.mark.parametrize(
    ("attribute", "text"),
    [
        (sdp.GROUP, ""),
        (sdp.MID, "a b"),
        (sdp.ICE_UFRAG, "a-b"),
        (sdp.FINGERPRINT, "sha-256 AAB"),
        (sdp.TLS_ID, "short"),
        (sdp.SCTP_PORT, "65536"),
        (sdp.MAX_MESSAGE_SIZE, "-1"),
        (sdp.RTPMAP, "128 opus/48000"),
        (sdp.RTPMAP, "1 opus"),
        (sdp.FMTP, "97"),
        (sdp.RTCP_FB, "* "),
        (sdp.EXTMAP, "1/up urn:x"),
        (sdp.SSRC_ATTRIBUTE, "x cname:y"),
        (sdp.RID_LINE, "h both"),
        (sdp.SIMULCAST, "send"),
        (sdp.SIMULCAST, "send rid=a"),
        (sdp.IMAGEATTR, "97 [x=1]"),
        (sdp.CANDIDATE, "1 1 udp 1 ::1 9 host"),
    ],
)
def test_a_wrong_value_does_not_match(attribute: sdp.Attribute[Any], text: str) -> None:
    assert attribute.pattern.fullmatch(text) is None


def test_every_row_stands_under_its_own_name() -> None:
    assert all(name == row.name for name, row in sdp.ATTRIBUTES.items())
    assert {"group", "mid", "candidate", "extmap", "msid", "simulcast", "imageattr"} < set(sdp.ATTRIBUTES)
