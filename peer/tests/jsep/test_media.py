"""The media steps of W3C "set a session description" (step 11): directions, tracks, encodings, parameters."""

from __future__ import annotations

import pytest

from peer import jsep, sdp
from peer.jsep import Codec, Direction, Encoding
from peer.jsep import effects as fx

from .party import Party, changed, connected, media, negotiate, pair, without

# --- tracks and streams -------------------------------------------------------------------------------------


def test_a_track_fires_once_with_its_streams() -> None:
    one, other = pair()
    one.add("audio", streams=("s", "t"))
    offer = one.offer()
    other.hear("offer", offer)
    key = other.only.key
    assert other.one(fx.TrackFired) == fx.TrackFired(key, ("s", "t"))
    assert [effect.stream_id for effect in other.all(fx.StreamTrackAdded)] == ["s", "t"]
    other.answer()
    assert other.all(fx.TrackFired) == []
    assert other.only.current_direction is Direction.RECVONLY
    assert other.only.fired_direction is Direction.RECVONLY
    assert other.only.receptive


def test_a_changed_stream_fires_again() -> None:
    one, other = connected("audio")
    one.change(one.state.transceivers[0].key, stream_ids=("other",))
    other.hear("offer", one.offer())
    assert other.one(fx.StreamTrackRemoved).stream_id == "stream"
    assert other.one(fx.StreamTrackAdded).stream_id == "other"
    assert other.one(fx.TrackFired).stream_ids == ("other",)


def test_a_dropped_stream_alone_does_not_fire() -> None:
    one, other = pair()
    one.add("audio", streams=("s", "t"))
    negotiate(one, other)
    one.change(one.only.key, stream_ids=("s",))
    other.hear("offer", one.offer())
    assert other.one(fx.StreamTrackRemoved).stream_id == "t"
    assert other.all(fx.TrackFired) == []


@pytest.mark.parametrize("direction", [Direction.RECVONLY, Direction.INACTIVE])
def test_an_offer_that_stops_sending_mutes(direction: Direction) -> None:
    one, other = connected("audio")
    one.change(one.state.transceivers[0].key, direction=direction)
    other.hear("offer", one.offer())
    key = other.state.transceivers[0].key
    assert other.one(fx.TrackMuted).transceiver == key
    assert other.one(fx.StreamTrackRemoved).transceiver == key
    assert not other.transceiver(key).receptive


def test_our_own_answer_mutes_what_it_no_longer_receives() -> None:
    one, other = connected("audio")
    key = other.state.transceivers[0].key
    other.change(key, direction=Direction.INACTIVE)
    other.hear("offer", one.offer())
    assert other.all(fx.TrackMuted) == []
    other.answer()
    assert other.one(fx.TrackMuted).transceiver == key
    assert other.one(fx.StreamTrackRemoved).stream_id == "stream"
    assert other.transceiver(key).receive.codecs == ()


def test_a_section_without_msid_belongs_to_one_default_stream() -> None:
    """RFC 9429 section 5.8.2."""
    offerer = Party("offerer")
    offerer.add("audio")
    offerer.add("video")
    party = Party()
    party.hear("offer", without(offerer.offer(), "a=msid"))
    first, second = (effect.stream_ids for effect in party.all(fx.TrackFired))
    assert first == second
    assert len(first[0]) == 32


def test_no_stream_is_no_stream() -> None:
    offerer = Party("offerer")
    offerer.add("audio", streams=())
    party = Party()
    party.hear("offer", offerer.offer())
    assert party.one(fx.TrackFired).stream_ids == ()


def test_a_rejecting_answer_stops() -> None:
    one, other = pair()
    one.add("audio")
    one.add("video")
    offer = one.offer()
    other.configure(video=jsep.Capabilities())
    other.hear("offer", offer)
    one.hear("answer", other.answer())
    assert one.one(fx.TransceiverStopped).transceiver == one.one(fx.TransceiverRemoved).transceiver
    assert len(one.state.transceivers) == 1
    # and on the side that rejected there is nothing left to negotiate either
    assert len(other.state.transceivers) == 1
    assert not jsep.negotiation_needed(other.state)


def test_an_answer_to_a_stopping_transceiver_stops_it() -> None:
    one, other = connected("audio", "video")
    key = one.state.transceivers[0].key
    one.stop(key)
    other.hear("offer", one.offer())
    assert not one.transceiver(key).stopped
    assert other.one(fx.TransceiverStopped)
    one.hear("answer", other.answer())
    assert one.one(fx.TransceiverStopped).transceiver == key


def test_a_stopped_transceiver_stays_as_it_is() -> None:
    one, other = connected("audio", "video")
    key = other.state.transceivers[0].key
    one.stop(one.state.transceivers[0].key)
    other.hear("offer", one.offer())
    stopped = other.transceiver(key)
    other.answer("pranswer")
    assert other.transceiver(key).current_direction is stopped.current_direction is None


# --- encodings ----------------------------------------------------------------------------------------------

RECEIVING = "a=rid:h recv\r\na=rid:m recv\r\na=simulcast:recv h;m\r\n"


def simulcasting(answer_lines: str) -> Party:
    one, other = pair()
    one.add("video", rids=("h", "m", "l"))
    other.hear("offer", one.offer())
    one.hear("answer", changed(other.answer(), "a=mid:0\r\n", f"a=mid:0\r\n{answer_lines}"))
    return one


@pytest.mark.parametrize(("lines", "rids"), [(RECEIVING, ["h", "m"]), ("", ["h"])])
def test_an_answer_prunes_the_layers_it_does_not_want(lines: str, rids: list[str]) -> None:
    party = simulcasting(lines)
    assert [encoding.rid for encoding in party.only.encodings] == rids
    assert list(party.only.send.rids) == rids


def test_paused_layers() -> None:
    party = simulcasting(changed(RECEIVING, "h;m", "h;~m"))
    assert party.only.send.paused_rids == ("m",)


def test_our_answer_prunes_too() -> None:
    offerer, party = pair()
    offerer.add("video")
    offer = changed(offerer.offer(), "a=mid:0\r\n", f"a=mid:0\r\n{RECEIVING}")
    party.add("video")
    party.hear("offer", offer)
    party.answer()
    assert [encoding.rid for encoding in party.only.encodings] == ["h", "m"]
    without_m = changed(offer, "a=rid:m recv\r\na=simulcast:recv h;m", "a=simulcast:recv h")
    party.hear("offer", without_m)
    party.answer()
    assert [encoding.rid for encoding in party.only.encodings] == ["h"]


def test_an_envelope_is_not_replaced() -> None:
    offerer, party = pair()
    offerer.add("video")
    party.add("video", rids=("a", "b"))
    party.hear("offer", changed(offerer.offer(), "a=mid:0\r\n", f"a=mid:0\r\n{RECEIVING}"))
    assert [encoding.rid for encoding in party.only.encodings] == ["a", "b"]


def test_an_encoding_loses_a_codec_that_was_not_negotiated() -> None:
    """W3C step 14.2."""
    one, other = pair()
    one.add("audio")
    one.change(one.only.key, encodings=(Encoding(codec=Codec("audio/PCMU", 8000, 1)),))
    negotiate(one, other)
    assert one.only.encodings[0].codec is not None
    one.change(one.only.key, encodings=(Encoding(codec=Codec("audio/none", 8000, 1)), Encoding()))
    negotiate(one, other)
    assert [encoding.codec for encoding in one.only.encodings] == [None]


# --- negotiated parameters ----------------------------------------------------------------------------------


def test_codecs_are_sent_with_the_numbers_of_the_other_side() -> None:
    one, other = pair()
    one.add("audio")
    other.hear("offer", one.offer())
    answer = changed(other.answer(), "111", "100")
    one.hear("answer", answer)
    assert one.only.send.codecs[0].payload_type == 100
    assert one.only.receive.codecs == ()
    assert other.only.receive.codecs[0].payload_type == 111
    assert other.only.send.codecs[0].payload_type == 111


def test_formats_are_sent_as_the_other_side_says_them() -> None:
    one, other = pair()
    one.add("audio")
    other.hear("offer", changed(one.offer(), "a=fmtp:111 minptime=10;useinbandfec=1", "a=fmtp:111 stereo=1"))
    answer = other.answer()
    assert (other.only.send.codecs[0].codec.fmtp, other.only.receive.codecs[0].codec.fmtp) == (
        "stereo=1",
        "minptime=10;useinbandfec=1",
    )
    one.hear("answer", without(answer, "a=fmtp:111"))
    assert one.only.send.codecs[0].codec.fmtp is None


def test_receive_codecs_follow_the_direction() -> None:
    one, other = connected("audio")
    key = one.state.transceivers[0].key
    other.change(other.state.transceivers[0].key, direction=Direction.SENDRECV)
    negotiate(one, other)
    assert one.transceiver(key).receive.codecs
    assert one.transceiver(key).current_direction is Direction.SENDRECV


def test_extensions_are_those_both_know() -> None:
    one, other = pair()
    one.add("audio")
    offer = changed(one.offer(), "a=extmap:1 ", "a=extmap:9 urn:nobody\r\na=extmap:1 ")
    other.hear("offer", offer)
    other.answer()
    assert [row.id for row in other.only.send.extensions] == [1, 2, 3, 4]
    assert [row.id for row in other.only.receive.extensions] == [1, 2, 3, 4]


def test_extensions_have_directions() -> None:
    """RFC 8285 section 7, and Firefox's a=extmap:2/recvonly."""
    one, other = pair()
    one.add("audio")
    offer = changed(changed(one.offer(), "a=extmap:1 ", "a=extmap:1/recvonly "), "a=extmap:2 ", "a=extmap:2/sendonly ")
    other.hear("offer", offer)
    answer = other.answer()
    assert [(row.id, row.direction) for row in media(answer).all(sdp.EXTMAP)][:2] == [(1, "sendonly"), (2, "recvonly")]
    assert [row.id for row in other.only.send.extensions] == [1, 3, 4]
    assert [row.id for row in other.only.receive.extensions] == [2, 3, 4]


def test_extensions_of_the_session_hold_for_its_sections() -> None:
    one, other = pair()
    one.add("audio")
    offer = changed(
        without(one.offer(), "a=extmap:"), "t=0 0\r\n", "t=0 0\r\na=extmap:5 urn:ietf:params:rtp-hdrext:sdes:mid\r\n"
    )
    other.hear("offer", offer)
    other.answer()
    assert [row.id for row in other.only.send.extensions] == [5]


def test_a_bundled_section_has_the_rtcp_of_its_tag() -> None:
    one, other = pair(session_level=False)
    one.add("audio")
    one.add("video")
    negotiate(one, other)
    negotiate(one, other)
    for party in (one, other):
        assert all(transceiver.send.reduced_size_rtcp for transceiver in party.state.transceivers)
        assert all(transceiver.send.rtcp_mux for transceiver in party.state.transceivers)


@pytest.mark.parametrize(
    ("lines", "rate"),
    [("b=TIAS:64000\r\nb=AS:1\r\n", 64000), ("b=AS:100\r\n", 79000), ("b=AS:1\r\n", 0), ("", None)],
)
def test_bandwidth(lines: str, rate: int | None) -> None:
    """RFC 9429 section 5.10: TIAS, else AS * 1000 * 0.95 - 50 * 40 * 8."""
    one, other = pair()
    one.add("audio")
    head, tail = one.offer().split("c=IN IP4 0.0.0.0\r\n", 1)
    other.hear("offer", f"{head}c=IN IP4 0.0.0.0\r\n{lines}{tail}")
    other.answer()
    assert other.only.send.max_bitrate == rate


@pytest.mark.parametrize(("level", "total"), [("s=-\r\n", 512_000), ("c=IN IP4 0.0.0.0\r\n", None)])
def test_bandwidth_in_all(level: str, total: int | None) -> None:
    """RFC 9429 section 5.10: CT counts at session level alone, AS there not at all. What was said survives."""
    one, other = pair()
    one.add("audio")
    text = one.offer().replace(level, f"{level}b=CT:512\r\nb=AS:100\r\n", 1)
    other.hear("offer", text)
    other.answer()
    assert other.only.send.total_bitrate == total
    assert other.only.send.max_bitrate == (None if total else 79_000)
    heard = other.state.current_remote
    assert heard is not None
    assert heard.sdp == text


def test_packet_times_and_sources() -> None:
    one, other = pair()
    one.configure(announces_ssrcs=False)
    one.add("audio")
    lines = "a=ptime:20\r\na=ssrc:1 cname:x\r\na=ssrc:1 msid:s t\r\na=ssrc:2 cname:x\r\n"
    other.hear("offer", changed(one.offer(), "a=mid:0\r\n", f"a=mid:0\r\n{lines}"))
    assert other.only.receive.ssrcs == (1, 2)
    other.answer()
    assert (other.only.send.ptime, other.only.send.maxptime, other.only.receive.ssrcs) == (20, 120, (1, 2))
    assert other.only.send.reduced_size_rtcp
    assert other.only.send.extmap_allow_mixed


@pytest.mark.parametrize(
    ("offer_wish", "answer_wish", "preferred", "suppresses"),
    [
        (True, True, "audio/opus", True),
        (None, None, "audio/opus", False),
        (True, False, "audio/opus", False),
        (None, None, "audio/PCMU", True),
        (False, None, "audio/PCMU", False),
        (None, False, "audio/PCMU", False),
    ],
)
def test_silence_suppression(
    offer_wish: bool | None, answer_wish: bool | None, preferred: str, suppresses: bool
) -> None:
    one, other = pair()
    key = one.add("audio")
    codecs = [codec for codec in one.state.configuration.audio.codecs if codec.mime_type in (preferred, "audio/CN")]
    one.change(key, preferred_codecs=tuple(codecs))
    other.hear("offer", one.offer(voice_activity_detection=offer_wish))
    one.hear("answer", other.answer(voice_activity_detection=answer_wish))
    assert one.only.send.silence_suppression is suppresses
    assert other.only.send.silence_suppression is suppresses


def test_nothing_to_send_suppresses_nothing() -> None:
    one, other = connected("audio")
    one.configure(audio=jsep.Capabilities())
    other.add("audio")
    offer = other.offer()
    one.hear("offer", offer)
    one.answer("pranswer")
    assert not one.state.transceivers[-1].send.silence_suppression
