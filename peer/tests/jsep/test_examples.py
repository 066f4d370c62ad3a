"""The three examples of RFC 9429 section 7, reproduced: same flow, same configuration, same text.

Our own words differ where the example doesn't follow its own section 5 (or says less than it may); `NOT_OURS` and
`NOT_THEIRS` are the lines left out of the comparison, each with its reason. The order of formats and of lines in a
section is free.
"""

from __future__ import annotations

import re

import pytest

from peer import jsep, sdp
from peer.jsep import BundlePolicy, Capabilities, Codec, Direction, HeaderExtension, IceCredentials, Side
from peer.jsep.capabilities import MID_URI, RID_URI
from peer.tests.sdp import corpus

from .party import Party, pair, without

LEVEL = "urn:ietf:params:rtp-hdrext:ssrc-audio-level"
AUDIO = Capabilities(
    (
        Codec("audio/opus", 48000, 2, None, (), 96),
        Codec("audio/PCMU", 8000, 1, None, (), 0),
        Codec("audio/PCMA", 8000, 1, None, (), 8),
        Codec("audio/telephone-event", 8000, 1, "0-15", (), 97),
        Codec("audio/telephone-event", 48000, 1, "0-15", (), 98),
    ),
    (HeaderExtension(MID_URI, 1), HeaderExtension(LEVEL, 2)),
)
VP8 = Codec("video/VP8", 90000, None, None, ("ccm fir", "nack", "nack pli"), 100)
H264 = Codec("video/H264", 90000, None, "packetization-mode=1;profile-level-id=42e01f", (), 101)
RTX = Codec("video/rtx", 90000)
FEC = Codec("video/flexfec", 90000, None, None, (), 104)
EXTENSIONS = (HeaderExtension(MID_URI, 1), HeaderExtension(RID_URI, 3))
VIDEO = Capabilities((VP8, H264, RTX), EXTENSIONS)

# extmap-allow-mixed is a later extension that we offer; a=rtcp is a MUST of section 5.2.1, and of no use in the
# examples
NOT_OURS = ("a=extmap-allow-mixed", "a=rtcp:")
# rtcp-mux-only MUST NOT stand in a re-offer (5.2.2), though B2 and C2 have it; imageattr is for decoders that have
# limits
NOT_THEIRS = ("a=imageattr", "a=rtcp:", "a=rtcp-mux-only")


def example(name: str) -> str:
    return corpus.read(f"rfc9429/{name}")


def party(name: str, policy: BundlePolicy, video: Capabilities = VIDEO) -> Party:
    """A party configured like the author of an example."""
    description = sdp.parse(example(name))
    section = description.media[0]
    made = Party(
        name,
        audio=AUDIO,
        video=video,
        bundle_policy=policy,
        session_level=False,
        fingerprints=section.all(sdp.FINGERPRINT),
        max_message_size=65536,
    )
    origin = (description.session.find("o=") or "").split(" ")
    made.configure(session_id=int(origin[1]), tls_id=section.first(sdp.TLS_ID), announces_ssrcs=False)
    return made


def normal(text: str, mids: dict[str, str], leave_out: tuple[str, ...]) -> list[list[str]]:
    """The sections as sorted lines; mids renamed, formats sorted, credentials and default addresses taken out."""
    text = without(text, *leave_out, "a=ice-ufrag", "a=ice-pwd", "c=", "a=candidate", "a=end-of-candidates")
    for ours, theirs in mids.items():
        text = re.sub(rf"^a=mid:{ours}\r$", f"a=mid:{theirs}\r", text, flags=re.MULTILINE)
        text = re.sub(rf"^(a=group:.*) {ours}\b", rf"\1 {theirs}", text, flags=re.MULTILINE)
        text = re.sub(rf"^(a=group:.*) {ours}\b", rf"\1 {theirs}", text, flags=re.MULTILINE)
    blocks = re.split(r"(?m)^(?=m=)", text)
    return [sorted(_line(line) for line in block.split("\r\n") if line) for block in blocks]


def _line(line: str) -> str:
    if not line.startswith("m="):
        return line
    fields = line.split(" ")
    port = "0" if fields[1] == "0" else "9"
    return " ".join([fields[0], port, fields[2], *sorted(fields[3:])])


def same(ours: str, name: str, mids: dict[str, str], *more: str) -> None:
    assert normal(ours, mids, (*NOT_OURS, "a=rtcp-mux-only", *more)) == normal(example(name), {}, (*NOT_THEIRS, *more))


def credentials(text: str) -> list[IceCredentials | None]:
    """The credentials of each section that has its own."""
    description = sdp.parse(text)
    return [
        IceCredentials(ufrag, pwd)
        if (ufrag := media.first(sdp.ICE_UFRAG)) and (pwd := media.first(sdp.ICE_PWD))
        else None
        for media in description.media
    ]


def carriers(text: str) -> list[bool]:
    return [one is not None for one in credentials(text)]


# --- 7.1 ----------------------------------------------------------------------------------------------------

AV = {"0": "a1", "1": "v1"}


def test_simple_example() -> None:
    alice = party("offer-A1", BundlePolicy.BALANCED)
    for kind in ("audio", "video"):
        alice.add(kind, streams=("47017fee-b6c1-4162-929c-a25110252400",))
    offer = alice.offer()
    same(offer, "offer-A1", AV)
    assert carriers(offer) == carriers(example("offer-A1")) == [True, True]
    assert len({one.credentials for one in alice.state.transports}) == 2

    bob = party("answer-A1", BundlePolicy.BALANCED)
    bob.hear("offer", example("offer-A1"))
    for one in bob.state.transceivers:
        bob.change(one.key, direction=Direction.SENDRECV, stream_ids=("61317484-2ed4-49d7-9eb7-1414322a7aae",))
    answer = bob.answer()
    same(answer, "answer-A1", {})
    assert carriers(answer) == carriers(example("answer-A1")) == [True, False]
    alice.hear("answer", re.sub("a=mid:a1", "a=mid:0", re.sub("a=mid:v1", "a=mid:1", _renamed(example("answer-A1")))))
    assert [one.current_direction for one in alice.state.transceivers] == ["sendrecv", "sendrecv"]


def _renamed(text: str) -> str:
    return text.replace("BUNDLE a1 v1", "BUNDLE 0 1").replace("LS a1 v1", "LS 0 1")


# --- 7.2 ----------------------------------------------------------------------------------------------------


def test_detailed_example() -> None:
    alice = party("offer-B1", BundlePolicy.MAX_BUNDLE)
    alice.add("audio", streams=("57017fee-b6c1-4162-929c-a25110252400",))
    offer = alice.data().offer()
    same(offer, "offer-B1", {"0": "a1", "1": "d1"})
    assert carriers(offer) == carriers(example("offer-B1")) == [True, False]

    bob = party("answer-B1", BundlePolicy.MAX_BUNDLE, Capabilities((VP8, H264, RTX, FEC), EXTENSIONS))
    bob.add("audio", streams=("71317484-2ed4-49d7-9eb7-1414322a7aae",))
    bob.data().hear("offer", example("offer-B1"))
    answer = bob.answer()
    same(answer, "answer-B1", {})

    for stream, rids in (("71317484", ("1", "2", "3")), ("81317484", ())):
        bob.add("video", streams=(f"{stream}-2ed4-49d7-9eb7-1414322a7aae",), rids=rids)
    second = bob.offer()
    same(second, "offer-B2", {"0": "v1", "1": "v2"})
    assert carriers(second) == carriers(example("offer-B2")) == [True, False, False, False]


def test_detailed_example_second_answer() -> None:
    alice = party("answer-B2", BundlePolicy.MAX_BUNDLE)
    bob = party("answer-B1", BundlePolicy.MAX_BUNDLE, Capabilities((VP8, H264, RTX, FEC), EXTENSIONS))
    alice.add("audio", streams=("57017fee-b6c1-4162-929c-a25110252400",))
    offer = alice.data().offer()
    bob.add("audio", streams=("71317484-2ed4-49d7-9eb7-1414322a7aae",))
    bob.hear("offer", offer)
    alice.hear("answer", bob.answer())
    for stream, rids in (("71317484", ("1", "2", "3")), ("81317484", ())):
        bob.add("video", streams=(f"{stream}-2ed4-49d7-9eb7-1414322a7aae",), rids=rids)
    alice.hear("offer", bob.offer())
    second = alice.answer()
    # setup:passive keeps the roles, the video sections are recvonly
    same(second, "answer-B2", {"0": "a1", "1": "d1", "2": "v1", "3": "v2"})


# --- 7.3 ----------------------------------------------------------------------------------------------------


def test_early_transport_warmup_example() -> None:
    alice = party("offer-C1", BundlePolicy.MAX_BUNDLE)
    for kind in ("audio", "video"):
        alice.add(kind, streams=("bbce3ba6-abfc-ac63-d00a-e15b286f8fce",))
    offer = alice.offer()
    same(offer, "offer-C1", AV)

    bob = party("answer-C1", BundlePolicy.MAX_BUNDLE)
    bob.hear("offer", offer)
    for one in bob.state.transceivers:
        bob.change(one.key, direction=Direction.SENDONLY, stream_ids=("751f239e-4ae0-c549-aa3d-890de772998b",))
    answer = bob.answer()
    same(answer, "answer-C1", AV)
    alice.hear("answer", answer)
    assert [one.current_direction for one in alice.state.transceivers] == ["recvonly", "recvonly"]

    for one in bob.state.transceivers:
        bob.change(one.key, direction=Direction.SENDRECV)
    second = bob.offer()
    same(second, "offer-C2", AV)
    alice.hear("offer", second)
    last = alice.answer()
    same(last, "answer-C2", AV)
    bob.hear("answer", last)
    assert [one.current_direction for one in bob.state.transceivers] == ["sendrecv", "sendrecv"]


@pytest.mark.parametrize("name", [name for name in corpus.NAMES if name.startswith("rfc9429/offer")])
def test_every_offer_of_the_examples_is_answered(name: str) -> None:
    _, answerer = pair()
    answerer.hear("offer", corpus.read(name))
    answerer.set(Side.LOCAL, "answer", answerer.create_answer())
    assert answerer.state.signaling == jsep.SignalingState.STABLE
