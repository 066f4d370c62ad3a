"""The capture of a case."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from harness.capture import recording as recording_module
from harness.capture.addresses import Address
from harness.capture.datagram import made_up
from harness.capture.layers.stun import STUN as STUN_LAYER
from harness.capture.layers.stun import Username
from harness.capture.match import stun
from harness.capture.pcapng import read
from harness.capture.recording import Capture, Recording
from harness.capture.ring import RawPacket
from harness.capture.sniffer import MARKER, probe
from harness.results import Artefact
from harness.tests.capture.recorded import DATA_13, load
from harness.verdict import Ledger
from peer.ice.agent.path import Address as PeerAddress
from peer.ice.agent.path import Path as IcePath
from peer.trace import Direction, Entry, Layer

ALLOWED, REASON = probe()
A, B = Address("127.0.0.1", 1111), Address("127.0.0.1", 2222)
STUN = bytes.fromhex("000100002112a442") + bytes(12)


def packet(source: Address, destination: Address, payload: bytes, at: int = 0) -> RawPacket:
    datagram = made_up(source, destination, payload)
    return at, datagram.header + payload


def frames_of(*packets: RawPacket, knows: Address | None = None) -> list[bytes]:
    recording = Recording(None)
    if knows is not None:
        recording.book.assign("known", knows.host, knows.port)
    recording._batch(packets)
    return [frame.payload for frame in recording.frames]


def test_frames_are_numbered_from_one() -> None:
    recording = Recording(None)
    recording._batch([packet(A, B, STUN, 5), packet(B, A, STUN, 7)])
    assert [(frame.number, frame.nanoseconds) for frame in recording.frames] == [(1, 5), (2, 7)]
    assert str(recording.frames[0]) == "frame 1: 127.0.0.1:1111 > 127.0.0.1:2222 stun (20 bytes)"
    assert recording.frames[0].packet.summary()


def test_noise_is_left_out_unless_it_is_somebodys() -> None:
    dns, marker = Address("127.0.0.1", 53), MARKER + b"x" * 12
    assert frames_of(packet(A, B, b"noise")) == []
    assert frames_of(packet(A, B, b"noise"), knows=B) == [b"noise"]
    assert frames_of(packet(A, dns, b"\x16dns query")) == []
    assert frames_of(packet(A, B, marker), knows=A) == []
    assert frames_of(packet(A, Address("224.0.0.251", 5353), b"mdns")) == [b"mdns"]


def test_the_sessions_of_others_are_left_out_once_ours_is_known() -> None:
    recording = Recording(None)
    recording.book.learn_description("offerer", "a=ice-ufrag:ours\r\na=candidate:1 1 udp 1 127.0.0.1 1111 typ host\r\n")
    stranger = Address("127.0.0.1", 3333)
    check = bytes(STUN_LAYER(attributes=[Username(username=b"ours:theirs")]))
    foreign = bytes(STUN_LAYER(attributes=[Username(username=b"x:y")]))
    recording._batch(
        [packet(stranger, B, foreign), packet(B, stranger, STUN), packet(Address("::1", 9), Address("::1", 8), check)]
    )
    recording._batch([packet(stranger, A, b"\x16dtls"), packet(Address("::1", 9), stranger, b"\x80rtp")])
    assert [frame.payload for frame in recording.frames] == [check, b"\x16dtls"]


def test_memory_is_bounded_and_what_came_later_is_counted() -> None:
    recording = Recording(None, limit=100)
    recording._batch([packet(A, B, STUN)])
    recording._batch([packet(A, B, STUN), packet(A, B, STUN)])
    assert recording.statistics.beyond_limit == 2
    assert not recording.statistics.is_complete
    assert recording.statistics.frames == 1


def test_what_was_saved_is_loaded(tmp_path: Path) -> None:
    recording = load(DATA_13)
    written = recording.save(tmp_path, comments={3: ["a clause failed here"]})
    assert set(written) == {Artefact.PCAPNG, Artefact.DECRYPTED_PCAPNG, Artefact.KEYS}
    again = Recording.load((tmp_path / "wire.pcapng").read_bytes())
    assert [frame.data for frame in again.frames] == [frame.data for frame in recording.frames]
    assert again.keylog.lines == recording.keylog.lines == (tmp_path / "keys.log").read_text().splitlines()
    assert read((tmp_path / "wire.decrypted.pcapng").read_bytes()).packets[2].comments == ("a clause failed here",)


def test_a_brief_file_has_the_headers_of_most_packets_and_every_frame(tmp_path: Path) -> None:
    recording = Recording(None)
    recording._batch([packet(A, B, b"\x17" + bytes(1000)) for _ in range(300)])
    recording.save(tmp_path, comments={250: ["a clause was judged here"]}, brief=True)
    for file in ("wire.pcapng", "wire.decrypted.pcapng"):
        kept = read((tmp_path / file).read_bytes()).packets
        assert len(kept) == 300
        assert {len(each.data) for each in kept[:100]} == {len(kept[249].data)} == {1029}
        assert {(len(each.data), each.size) for each in (*kept[200:249], *kept[250:])} == {(128, 1029)}
        assert (tmp_path / file).stat().st_size < 200_000
    recording.save(tmp_path)
    assert all(
        len(each.data) == 1029 and not each.size for each in read((tmp_path / "wire.pcapng").read_bytes()).packets
    )


def test_where_raw_sockets_are_refused_the_peers_tap_is_the_capture(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recording_module, "opened", lambda: (None, "raw sockets are refused"))
    with Capture.open() as capture, capture.record() as recording:
        assert (capture.method, capture.reason, recording.method) == ("tap", "raw sockets are refused", "tap")
        path = IcePath(PeerAddress("127.0.0.1", 1111), PeerAddress("127.0.0.1", 2222))
        recording.sink("reference")(Entry(0.0, Layer.DATAGRAM, Direction.SENT, path, STUN))
        wire = recording.wire(Ledger())
        assert wire.expect(stun.binding_request(), sender="reference").number == 1
    assert recording.statistics.is_complete


def test_the_tap_can_be_asked_for() -> None:
    assert Capture.open(prefer_tap=True).method == "tap"


@pytest.mark.skipif(not ALLOWED, reason=f"unsupported here: {REASON}")
def test_each_case_has_its_own_frames() -> None:
    with Capture.open() as capture, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        counts = []
        for number in range(3):
            with capture.record() as recording:
                recording.book.assign("me", *sock.getsockname())
                for _ in range(number):
                    sock.sendto(STUN, sock.getsockname())
            sock.sendto(STUN, sock.getsockname())
            counts.append(sum(frame.sender == "me" for frame in recording.frames))
        assert counts == [0, 1, 2]
