"""Capture files, read by another program: tshark."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from harness.capture.addresses import Address, AddressBook
from harness.capture.datagram import made_up
from harness.capture.export import decrypted, exported_pdu, wire
from harness.capture.frame import Frame
from harness.capture.items import Item, Part
from harness.capture.pcapng import Link, read
from harness.tests.capture.recorded import MEDIA_12, NAMES, load, shared

needs_tshark = pytest.mark.skipif(shutil.which("tshark") is None, reason="unsupported here: tshark is not installed")
# tshark 4.0 can't put a handshake message together that is sent a second time in fragments; the packets are as browsers
# sent them.
KNOWN = "New fragment overlaps old data (retransmission?)"


def tshark(path: Path, *fields: str) -> list[list[str]]:
    """The fields of every frame."""
    command = ["tshark", "-r", str(path), "-T", "fields", *(part for field in fields for part in ("-e", field))]
    out = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return [line.split("\t") for line in out.splitlines()]


@needs_tshark
@pytest.mark.parametrize("name", NAMES)
def test_tshark_finds_nothing_malformed_and_agrees_on_what_each_frame_is(name: str, tmp_path: Path) -> None:
    recording = load(name)
    recording.save(tmp_path)
    for file in ("wire.pcapng", "wire.decrypted.pcapng"):
        rows = tshark(tmp_path / file, "frame.number", "frame.protocols", "_ws.expert.message", "_ws.expert.severity")
        assert len(rows) == len(recording.frames)
        complaints = [row for row in rows if row[2] and row[2] != KNOWN]
        assert not complaints
    protocols = [row[1].split(":") for row in rows]
    for items, seen in zip(recording.items(), protocols, strict=True):
        parts = {item.part for item in items}
        for part, protocol in (
            (Part.SCTP, "sctp"),
            (Part.RTP, "rtp"),
            (Part.RTCP, "rtcp"),
            (Part.STUN, "stun"),
            (Part.DCEP, "rtcdc"),
        ):
            assert (part in parts) is (protocol in seen), (items, seen)


@needs_tshark
def test_tshark_reads_the_same_values_in_the_clear(tmp_path: Path) -> None:
    recording = load(MEDIA_12)
    recording.save(tmp_path)
    rows = tshark(
        tmp_path / "wire.decrypted.pcapng",
        "rtp.ssrc",
        "rtp.seq",
        "sctp.chunk_type",
        "ipv6.src",
        "exported_pdu.src_port",
    )
    for items, (ssrc, sequence, chunks, _, port) in zip(recording.items(), rows, strict=True):
        if items[0].part is Part.RTP:
            packet = items[0].packet
            assert (int(ssrc, 16), int(sequence)) == (packet.ssrc, packet.sequence)
            assert int(port) > 0
        types = [str(item.code) for item in items if item.part is Part.CHUNK]
        assert [each for each in chunks.split(",") if each] == types


@needs_tshark
def test_the_secrets_inside_open_dtls_12_for_tshark_itself(tmp_path: Path) -> None:
    load(MEDIA_12).save(tmp_path)
    rows = tshark(tmp_path / "wire.pcapng", "frame.protocols", "data.data")
    inside = [bytes.fromhex(data) for protocols, data in rows if protocols.endswith("dtls:data")]
    assert b"hello" in b"".join(inside)
    assert len(inside) > 10


def test_frame_n_is_frame_n_and_what_is_more_comes_at_the_end() -> None:
    book = AddressBook()
    ends = Address("127.0.0.1", 1), Address("127.0.0.1", 2)
    frames = [Frame(number, number, made_up(*ends, b"captured"), book) for number in (1, 2)]
    twice = tuple(Item(Part.SCTP, 0, data, protected=True, opened=True) for data in (b"first", b"second"))
    closed = (Item(Part.RTP, 0, b"sealed", protected=True),)
    packets = read(decrypted(frames, [twice, closed], [], {2: ["here"]})).packets
    assert [packet.link for packet in packets] == [Link.UPPER_PDU, Link.RAW_IP, Link.UPPER_PDU]
    assert packets[0].data.endswith(b"first")
    assert (packets[1].data, packets[1].comments) == (frames[1].data, ("here",))
    assert packets[2].data.endswith(b"second")
    assert packets[2].comments == ("was also in frame 1",)


def test_the_capture_itself_holds_all_frames_as_they_were() -> None:
    recording = shared(MEDIA_12)
    contents = read(wire(recording.frames, recording.keylog.tls_lines, {1: ("a", "b")}))
    assert [packet.data for packet in contents.packets] == [frame.data for frame in recording.frames]
    assert contents.packets[0].comments == ("a", "b")
    assert list(contents.secrets) == recording.keylog.tls_lines


def test_the_tags_of_an_inner_packet_are_aligned() -> None:
    frame = shared(MEDIA_12).frames[0]
    for protocol in ("sctp", "rtp", "rtcp"):
        assert (len(exported_pdu(protocol, frame, b"")) % 4) == 0


@needs_tshark
def test_tshark_reads_a_brief_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recording = load(MEDIA_12)
    monkeypatch.setattr("harness.capture.export._WHOLE", 20_000)
    recording.save(tmp_path, brief=True)
    cut = 0
    for file in ("wire.pcapng", "wire.decrypted.pcapng"):
        rows = tshark(tmp_path / file, "frame.number", "frame.len", "frame.cap_len")
        assert [int(number) for number, *_ in rows] == list(range(1, len(recording.frames) + 1))
        cut += sum(captured != length for _, length, captured in rows)
    assert cut
