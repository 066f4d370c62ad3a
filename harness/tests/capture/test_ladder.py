"""Rows of the ladder."""

from __future__ import annotations

import json

from harness.capture.ladder import rows
from harness.tests.capture.recorded import DATA_12, MEDIA_13, shared

LANES = ("offerer", "answerer")


def test_a_row_is_what_the_report_draws() -> None:
    recording = shared(DATA_12)
    made = rows(recording, recording.frames[0].time, LANES)
    assert len(made) == len(recording.frames)
    hello = made[4]
    assert (hello["from"], hello["to"], hello["kind"], hello["label"], hello["frame"]) == (
        "answerer",
        "offerer",
        "dtls",
        "ClientHello",
        5,
    )
    assert hello["t"] == round(recording.frames[4].time - recording.frames[0].time, 6)
    assert hello["hex"] == recording.frames[4].payload.hex()
    assert [layer["name"] for layer in hello["layers"]] == ["UDP", "ClientHello"]
    fields = dict(hello["layers"][1]["fields"])
    assert fields["version"] == "DTLS 1.2"
    assert "SRTP_AEAD_AES_128_GCM" in fields["use_srtp"]
    assert {row["kind"] for row in made} == {"stun", "dtls", "sctp", "dcep"}
    json.dumps(made)


def test_media_is_folded_and_no_frame_is_lost() -> None:
    recording = shared(MEDIA_13)
    made = rows(recording, 0.0, LANES)
    assert len(made) < 120
    folded = [row for row in made if row["label"].startswith("...")]
    assert sum(int(row["label"].split()[1]) for row in folded) + len(made) - len(folded) == len(recording.frames)
    whole = [row["t"] for row in made if "hex" in row]
    assert whole == sorted(whole)


def test_a_frame_a_verdict_rests_on_is_never_folded() -> None:
    recording = shared(MEDIA_13)
    hidden = {frame.number for frame in recording.frames} - {row["frame"] for row in rows(recording, 0.0)}
    for number in sorted(hidden)[::40]:
        shown = [row for row in rows(recording, 0.0, keep=[number]) if row["frame"] == number]
        assert shown
        assert shown[0]["layers"]


def test_frames_of_nobody_asked_for_are_left_out() -> None:
    assert rows(shared(DATA_12), 0.0, ("somebody else",)) == []


def test_an_end_nobody_owns_is_an_address() -> None:
    from harness.capture.recording import Recording
    from harness.tests.capture.recorded import SESSIONS

    recording = Recording.load((SESSIONS / DATA_12 / "wire.pcapng").read_bytes())
    assert rows(recording, 0.0)[0]["from"] == "192.0.2.2:37297"
