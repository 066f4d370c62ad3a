"""The SSRCs of what we send, and the lines that announce them."""

from __future__ import annotations

from peer import jsep, sdp

from .party import Party, pair


def announced(text: str) -> tuple[set[int], tuple[sdp.SsrcGroup, ...]]:
    section = sdp.parse(text).media[0]
    return {row.ssrc for row in section.all(sdp.SSRC_ATTRIBUTE)}, section.all(sdp.SSRC_GROUP)


def test_an_offer_announces_the_stream_and_its_repair() -> None:
    one, other = pair()
    one.add("video")
    offer = one.offer()
    (stream,) = jsep.sent_streams(one.state.configuration, one.only)
    group = sdp.SsrcGroup("FID", (stream.ssrc, stream.rtx_ssrc))
    assert announced(offer) == ({stream.ssrc, stream.rtx_ssrc}, (group,))
    other.hear("offer", offer)
    assert other.only.receive.ssrc_groups == (group,)
    assert other.only.receive.ssrcs == group.ssrcs


def test_audio_has_no_repair_stream() -> None:
    one = Party()
    one.add("audio")
    (stream,) = jsep.sent_streams(one.state.configuration, one.only)
    assert announced(one.offer()) == ({stream.ssrc}, ())


def test_what_is_not_sent_is_not_announced() -> None:
    one = Party()
    one.add("video", "recvonly")
    assert announced(one.offer()) == (set(), ())


def test_simulcast_goes_by_rids() -> None:
    one = Party()
    one.add("video", rids=("a", "b"))
    assert announced(one.offer()) == (set(), ())
    streams = jsep.sent_streams(one.state.configuration, one.only)
    assert [stream.rid for stream in streams] == ["a", "b"]
    assert len({ssrc for stream in streams for ssrc in (stream.ssrc, stream.rtx_ssrc)}) == 4


def test_ssrcs_stay_through_renegotiation_and_differ_between_transceivers_and_connections() -> None:
    one, other = pair()
    one.add("video")
    first = announced(one.offer())
    other.hear("offer", one.state.pending_local.sdp if one.state.pending_local else "")
    one.hear("answer", other.answer())
    assert announced(one.offer()) == first
    both = Party("both")
    both.add("video")
    both.add("video")
    streams = [jsep.sent_streams(both.state.configuration, two)[0] for two in both.state.transceivers]
    assert len({stream.ssrc for stream in streams} | {next(iter(first[0]))}) == 3
