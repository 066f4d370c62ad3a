"""The lines of sections: shapes that offers and answers alone don't reach."""

from __future__ import annotations

from peer import sdp
from peer.jsep import Direction, IceCredentials, Kind, NegotiatedCodec, Transceiver
from peer.jsep.capabilities import AUDIO
from peer.jsep.write import (
    NO_CANDIDATE,
    SimulcastLines,
    TransportLines,
    draw_credentials,
    lip_sync_groups,
    media_section,
    rtcp_lines,
    silence,
)
from peer.testing import Entropy

OPUS = NegotiatedCodec(111, AUDIO.codecs[0])
NOISE = NegotiatedCodec(13, AUDIO.codecs[5])
PCMU = NegotiatedCodec(0, AUDIO.codecs[3])


def test_credentials_are_long_enough_and_of_ice_characters() -> None:
    """RFC 8839 section 5.4."""
    drawn = draw_credentials(Entropy(1))
    assert len(drawn.ufrag) >= 4
    assert len(drawn.pwd) >= 22
    assert sdp.ICE_PWD.pattern.fullmatch(drawn.pwd)
    assert drawn != draw_credentials(Entropy(2))


def section(kind: str = "video", streams: tuple[str, ...] | None = None, *, allow_mixed: bool = False) -> list[str]:
    return media_section(
        media=kind,
        proto="UDP/TLS/RTP/SAVPF",
        mid=None,
        direction=Direction.RECVONLY,
        codecs=(),
        extensions=(),
        address=NO_CANDIDATE,
        stream_ids=streams,
        allow_mixed=allow_mixed,
    )


def test_an_m_line_is_followed_by_its_c_line() -> None:
    assert section()[1] == "c=IN IP4 0.0.0.0"
    assert not any(line.startswith(("a=mid", "a=msid", "a=maxptime")) for line in section())


def test_no_stream_is_said_with_a_hyphen() -> None:
    assert "a=msid:-" in section(streams=())
    assert "a=extmap-allow-mixed" in section(allow_mixed=True)
    assert "a=maxptime:120" in section("audio")


def test_one_rid_makes_no_simulcast() -> None:
    assert SimulcastLines("send", ("h",)).lines == ("a=rid:h send",)
    assert SimulcastLines("recv", ("h", "l")).lines[-1] == "a=simulcast:recv h;l"


def test_rtcp_lines_follow_the_policy() -> None:
    lines = TransportLines(IceCredentials("u", "p"), sdp.Setup.ACTIVE, rtcp_mux=False, rtcp_rsize=False)
    assert rtcp_lines(lines) == ["a=rtcp:9 IN IP4 0.0.0.0"]
    lines = TransportLines(IceCredentials("u", "p"), sdp.Setup.ACTIVE, rtcp_port=False, rtcp_mux_only=True)
    assert rtcp_lines(lines) == ["a=rtcp-mux", "a=rtcp-mux-only", "a=rtcp-rsize"]


def test_silence_suppression() -> None:
    """RFC 9429 section 5.2.3.2."""
    codecs = (OPUS, PCMU, NOISE)
    assert silence(codecs, None) == codecs
    wished, refused = silence(codecs, True), silence(codecs, False)
    assert [one.codec.name for one in wished] == ["opus", "PCMU", "CN"]
    assert [one.codec.name for one in refused] == ["opus", "PCMU"]
    assert wished[0].codec.fmtp == "minptime=10;useinbandfec=1;usedtx=1"
    assert refused[0].codec.fmtp == "minptime=10;useinbandfec=1;usedtx=0"


def test_lip_sync_groups() -> None:
    one = Transceiver(1, Kind.AUDIO, stream_ids=("s", "t"))
    other = Transceiver(2, Kind.VIDEO, stream_ids=("s",))
    alone = Transceiver(3, Kind.VIDEO, stream_ids=("u",))
    groups = lip_sync_groups([("0", one), ("1", other), ("2", alone)])
    assert groups == [sdp.Group("LS", ("0", "1"))]
    kept = lip_sync_groups([("0", one), ("1", other)], [("0", "1"), ("2",), ("1", "2")])
    assert kept == [sdp.Group("LS", ("0", "1")), sdp.Group("LS", ("1", "2"))]
