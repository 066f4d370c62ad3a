"""The peer's trace as a witness and as a capture."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from harness.capture.addresses import Address, AddressBook
from harness.capture.datagram import from_ip
from harness.capture.keylog import KeyLog
from harness.capture.ring import RawPacket
from harness.capture.tap import Tap
from peer.ice.agent.path import Address as PeerAddress
from peer.ice.agent.path import Path, Transmission
from peer.trace import Direction, Entry, Layer, Secret

HERE, THERE = PeerAddress("127.0.0.1", 1000), PeerAddress("127.0.0.1", 2000)
PATH = Path(HERE, THERE)


def datagram(direction: Direction, message: object, data: bytes = b"data", time: float = 1.0) -> Entry:
    return Entry(time, Layer.DATAGRAM, direction, message, data)


@dataclass
class Setting:
    book: AddressBook
    keylog: KeyLog
    packets: list[RawPacket]
    tap: Tap


@pytest.fixture
def setting() -> Setting:
    book, keylog, packets = AddressBook(), KeyLog(), list[RawPacket]()
    return Setting(book, keylog, packets, Tap(book, keylog, packets.append))


def test_secrets_go_into_the_key_log(setting: Setting) -> None:
    setting.tap.sink("reference")(Secret(0.0, f"CLIENT_RANDOM {'00' * 32} {'11' * 48}"))
    assert len(setting.keylog.lines) == 1


def test_a_datagram_becomes_a_packet_and_names_its_owner(setting: Setting) -> None:
    setting.tap.sink("reference")(datagram(Direction.SENT, Transmission(b"data", PATH)))
    setting.tap.sink("reference")(datagram(Direction.RECEIVED, PATH, b"answer", time=1.5))
    (first, one), (second, two) = setting.packets
    sent, received = from_ip(one), from_ip(two)
    assert sent is not None
    assert received is not None
    assert (sent.source.port, sent.destination.port, sent.payload) == (1000, 2000, b"data")
    assert (received.source.port, received.destination.port, received.payload) == (2000, 1000, b"answer")
    assert second - first == 500_000_000
    assert setting.book.owner(Address("127.0.0.1", 1000)) == "reference"


def test_between_two_tapped_endpoints_each_datagram_is_there_once(setting: Setting) -> None:
    a, b = setting.tap.sink("a"), setting.tap.sink("b")
    b(datagram(Direction.SENT, PATH.reversed(), b"0"))
    a(datagram(Direction.SENT, PATH, b"1"))
    b(datagram(Direction.RECEIVED, PATH.reversed(), b"1"))
    a(datagram(Direction.RECEIVED, PATH, b"0"))
    assert [data[-1:] for _, data in setting.packets] == [b"0", b"1"]


def test_an_entry_without_a_path_is_kept_and_makes_no_packet(setting: Setting) -> None:
    setting.tap.sink("reference")(datagram(Direction.DISCARDED, None))
    setting.tap.sink("reference")(Entry(1.0, Layer.STUN, Direction.SENT, None, b"x"))
    assert not setting.packets
    assert len(setting.tap.entries) == 2


def test_beside_a_real_capture_no_packets_are_made() -> None:
    book = AddressBook()
    Tap(book, KeyLog()).sink("reference")(datagram(Direction.SENT, PATH))
    assert book.owner(Address("127.0.0.1", 1000)) == "reference"


def test_memory_is_bounded(setting: Setting, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.capture.tap._KEPT", 3)
    for _ in range(5):
        setting.tap.sink("reference")(Entry(1.0, Layer.STUN, Direction.SENT, None, b"x"))
    assert (len(setting.tap.entries), setting.tap.discarded) == (3, 2)
