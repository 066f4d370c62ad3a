"""The forwarder's part in the descriptions: one section with rids becomes many with mids, and back."""

from __future__ import annotations

from harness.matrix.rows.simulcast import gathered, spread

RIDS = ("q", "h")
MID = "urn:ietf:params:rtp-hdrext:sdes:mid"
RID = "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id"
REPAIRED = "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id"
SESSION = ["v=0", "a=group:BUNDLE 0 1"]
VIDEO = [
    "m=video 9 UDP/TLS/RTP/SAVPF 96 97",
    "a=rtpmap:96 VP8/90000",
    "a=rtpmap:97 rtx/90000",
    "a=fmtp:97 apt=96",
    "a=mid:0",
    f"a=extmap:4 {MID}",
    f"a=extmap:10 {RID}",
    f"a=extmap:11 {REPAIRED}",
    "a=rid:q send",
    "a=rid:h send",
    "a=simulcast:send q;h",
]
DATA = ["m=application 9 UDP/DTLS/SCTP webrtc-datachannel", "a=mid:1"]


def text(*parts: list[str]) -> str:
    return "".join(f"{line}\r\n" for part in parts for line in part)


def test_the_offer_has_a_section_for_each_rid() -> None:
    common = ["m=video 9 UDP/TLS/RTP/SAVPF 96", "a=rtpmap:96 VP8/90000", f"a=extmap:10 {MID}"]
    q, h = ([*common, f"a=mid:{rid}", f"a=msid:{rid} {rid}"] for rid in RIDS)
    assert spread(text(SESSION, VIDEO, DATA), RIDS) == text(["v=0", "a=group:BUNDLE q h 1"], q, h, DATA)


def test_the_answer_has_one_section_that_receives_simulcast() -> None:
    section = ["m=video 9 UDP/TLS/RTP/SAVPF 96", "a=rtpmap:96 VP8/90000", f"a=extmap:10 {MID}"]
    answer = text(["v=0", "a=group:BUNDLE q h 1"], *([*section, f"a=mid:{rid}", "a=recvonly"] for rid in RIDS), DATA)
    joined = [*section[:2], f"a=extmap:10 {RID}", "a=recvonly", "a=mid:0"]
    joined += ["a=rid:q recv", "a=rid:h recv", "a=simulcast:recv q;h"]
    assert gathered(answer, text(SESSION, VIDEO, DATA), RIDS) == text(SESSION, joined, DATA)
