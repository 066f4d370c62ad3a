from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from harness.report.evidence import read_evidence


def write(tmp_path: Path, name: str, text: str | bytes) -> Path:
    path = tmp_path / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def test_rows_are_ordered_by_time_and_lanes_completed(tmp_path: Path) -> None:
    rows = [
        {"t": 2, "from": "b", "to": "c", "kind": "stun", "label": "two", "frame": "7", "hex": "00ff"},
        {"t": 1.5, "from": "a", "kind": "event", "label": "one", "layers": [{"name": "UDP", "fields": [["port", 9]]}]},
    ]
    write(tmp_path, "l", json.dumps({"lanes": ["a", "b"], "rows": rows}))
    ladder = read_evidence(tmp_path, {"ladder": "l"}).ladder
    assert ladder.lanes == ("a", "b", "c")
    assert [(row.label, row.source, row.target, row.frame) for row in ladder.rows] == [
        ("one", "a", "a", None),
        ("two", "b", "c", 7),
    ]
    assert [row.time for row in ladder.rows] == [0.0, 0.5]
    assert ladder.rows[0].layers[0].fields == (("port", "9"),)
    assert ladder.rows[1].data == b"\x00\xff"


def test_a_trace_skips_lines_it_cannot_read_and_keeps_what_it_does_not_know(tmp_path: Path) -> None:
    lines = (
        '{"t": 0.5, "endpoint": "a", "what": "call", "name": "x", "value": {"n": 1}, "states": {"s": "t"}, "extra": 2}'
    )
    write(tmp_path, "t", lines + '\n[1]\n{"torn')
    (entry,) = read_evidence(tmp_path, {"trace": "t"}).trace
    assert (entry.time, entry.endpoint, entry.value, entry.states) == (0.5, "a", '{"n": 1} extra=2', {"s": "t"})


def test_only_states_that_changed_stay_and_calls_and_events_agree_on_names(tmp_path: Path) -> None:
    entries = [
        {"t": 0, "endpoint": "a", "what": "call", "states": {"pc1": {"signalingState": "stable", "x": "1"}}},
        {"t": 1, "endpoint": "a", "what": "event", "on": "pc1", "states": {"signalingState": "stable"}},
        {"t": 2, "endpoint": "a", "what": "event", "on": "pc1", "states": {"signalingState": "closed"}},
        {"t": 3, "endpoint": "b", "what": "event", "on": "pc1", "states": {"signalingState": "closed"}},
    ]
    write(tmp_path, "t", "\n".join(json.dumps(entry) for entry in entries))
    assert [entry.states for entry in read_evidence(tmp_path, {"trace": "t"}).trace] == [
        {"pc1.signalingState": "stable", "pc1.x": "1"},
        {},
        {"pc1.signalingState": "closed"},
        {"pc1.signalingState": "closed"},
    ]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b'{"rows": 5}',
        b'{"rows": [{}]}',
        b'{"rows": [{"t": "x", "from": "a", "kind": "k", "label": "l"}]}',
        b'{"rows": [{"t": 1, "from": "a", "kind": "k", "label": "l", "hex": "zz"}]}',
        b"\xff\xfe\x00",
        b"[" * 100_000,
    ],
)
def test_a_corrupt_artefact_is_reported_and_skipped(tmp_path: Path, content: bytes) -> None:
    write(tmp_path, "l", content)
    evidence = read_evidence(tmp_path, {"ladder": "l"})
    assert evidence.ladder.rows == ()
    assert len(evidence.problems) == 1


@pytest.mark.parametrize("content", [b"", b"junk", gzip.compress(b"{}", mtime=0)[:-3], gzip.compress(b"[]", mtime=0)])
def test_a_torn_archive_is_reported_and_skipped(tmp_path: Path, content: bytes) -> None:
    write(tmp_path, "l.gz", content)
    assert len(read_evidence(tmp_path, {"ladder": "l.gz"}).problems) == 1


def test_a_bomb_is_not_unpacked(tmp_path: Path) -> None:
    write(tmp_path, "l.gz", gzip.compress(bytes(65 << 20), 1))
    assert "too large" in read_evidence(tmp_path, {"ladder": "l.gz"}).problems[0]


def test_nothing_outside_of_the_run_is_read(tmp_path: Path) -> None:
    inside = tmp_path / "run"
    inside.mkdir()
    write(tmp_path, "secret", "v=0")
    for path in ("../secret", str(tmp_path / "secret"), "missing"):
        evidence = read_evidence(inside, {"offer_sdp": path})
        assert evidence.offer == ""
        assert len(evidence.problems) == 1


def test_images_are_shown_as_they_are(tmp_path: Path) -> None:
    write(tmp_path, "m", json.dumps([{"name": "video-0", "caption": "<VP8>", "type": "image/png"}]))
    write(tmp_path, "video-0.png", b"\x89PNG")
    evidence = read_evidence(tmp_path, {"media": "m", "video-0": "video-0.png"})
    assert [(image.caption, image.url) for image in evidence.images] == [("<VP8>", "data:image/png;base64,iVBORw==")]


@pytest.mark.parametrize(
    "listed", [{"name": "x"}, {"name": "x", "caption": "", "type": "image/png"}, {"type": "text/html"}]
)
def test_images_that_are_not_there_are_a_problem_in_words(tmp_path: Path, listed: dict[str, str]) -> None:
    write(tmp_path, "m", json.dumps([listed]))
    evidence = read_evidence(tmp_path, {"media": "m", "x": "../x"})
    assert evidence.images == ()
    assert "media (m) can't be shown" in evidence.problems[0]
