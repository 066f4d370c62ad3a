"""From frames to items, on sessions of real browsers."""

from __future__ import annotations

from typing import Any

import pytest

from harness.capture.addresses import Address, AddressBook
from harness.capture.datagram import made_up
from harness.capture.dissector import Dissector, _inside_application_data
from harness.capture.frame import Frame
from harness.capture.items import Item, Part
from harness.capture.keylog import KeyLog
from harness.capture.kinds import Kind
from harness.capture.layers import dcep, dtls, sctp
from harness.capture.layers import dtls_handshake as hs
from harness.tests.capture.recorded import DATA_12, DATA_13, NAMES, load, shared


@pytest.mark.parametrize("name", NAMES)
def test_every_record_of_a_session_with_secrets_is_opened(name: str) -> None:
    items = [item for several in shared(name).items() for item in several]
    assert not [item for item in items if item.part in (Part.CLOSED, Part.OTHER)]
    assert {item.opened for item in items if item.protected} == {True}


def test_without_secrets_only_what_travels_in_clear_is_seen() -> None:
    recording = load(DATA_13)
    recording.keylog._secrets.clear()
    recording.keylog.generation += 1
    parts = {item.part for several in recording.items() for item in several}
    assert parts == {Part.STUN, Part.FRAGMENT, Part.HANDSHAKE, Part.CLOSED}


def test_a_secret_that_comes_late_opens_what_was_closed() -> None:
    recording = load(DATA_12)
    lines = recording.keylog.lines
    recording.keylog._secrets.clear()
    recording.keylog.generation += 1
    closed = [
        number for number, items in enumerate(recording.items()) if any(item.part is Part.CLOSED for item in items)
    ]
    for line in lines:
        recording.keylog.add(line)
    opened = recording.items()
    assert closed
    assert not any(item.part is Part.CLOSED for number in closed for item in opened[number])


def test_a_handshake_that_changes_its_path_is_one_conversation() -> None:
    # In this session the ClientHello travels over IPv4 and the answer over IPv6.
    recording = shared(DATA_13)
    recording.items()
    paths = {(frame.source.host, frame.destination.host) for frame in recording.frames if frame.kind is Kind.DTLS}
    assert len(paths) > 1
    (conversation,) = recording.dissector.conversations
    assert (conversation.version, conversation.cipher_suite) == (0xFEFC, 0x1301)


def test_items_go_from_the_outside_in() -> None:
    opened = next(items for items in shared(DATA_12).items() if any(item.part is Part.DCEP for item in items))
    assert [item.part for item in opened] == [Part.APPLICATION_DATA, Part.SCTP, Part.CHUNK, Part.DCEP]
    assert opened[3].inside is opened[2]
    assert opened[2].inside is opened[1]
    assert opened[1].inside is opened[0]


def test_two_connections_of_one_pair_of_addresses_are_told_apart() -> None:
    first, second = load(DATA_12), load(DATA_13)
    mixed = load(DATA_12)
    for line in second.keylog.lines:
        mixed.keylog.add(line)
    # The second session as if it had followed on the addresses of the first: only DTLS, so that no ufrag tells them
    # apart.
    addresses = {frame.sender: frame.source for frame in first.frames if frame.kind is Kind.DTLS}
    later = [
        (frame.nanoseconds, frame, addresses[{"offerer": "answerer", "answerer": "offerer"}[frame.sender or ""]])
        for frame in second.frames
        if frame.kind is Kind.DTLS
    ]

    for nanoseconds, frame, source in later:
        target = next(address for address in addresses.values() if address != source)
        datagram = made_up(source, target, frame.payload)
        mixed._batch([(nanoseconds, datagram.header + datagram.payload)])
    items = [item for several in mixed.items() for item in several]
    assert len(mixed.dissector.conversations) == 2
    assert not [item for item in items if item.part is Part.CLOSED]
    assert sum(item.part is Part.DCEP for item in items) == 4


def opening(label: bytes, sizes: list[int], kind: type[sctp.Data | sctp.IData]) -> list[Item]:
    """What is seen when a DATA_CHANNEL_OPEN is sent in chunks of these sizes."""
    message, items = bytes(dcep.DataChannelOpen(label=label)), list[Item]()
    messages: dict[int, Any] = {}
    start, tsn = 0, 2**32 - 1
    for size in sizes:
        data, ends = message[start : start + size], start + size >= len(message)
        fields = {"ppid" if kind is sctp.Data else "ppid_or_fsn": 50 if start == 0 else 7}
        chunk = kind(tsn=tsn, stream=3, beginning=int(start == 0), ending=int(ends), data=data, **fields)
        packet = Item(Part.APPLICATION_DATA, 0, bytes(sctp.SCTP(chunks=[chunk])), protected=True, opened=True)
        items += _inside_application_data(packet, messages)
        start, tsn = start + size, tsn + 1 & 0xFFFFFFFF
    return [item for item in items if item.part is Part.DCEP]


@pytest.mark.parametrize("kind", [sctp.Data, sctp.IData])
def test_an_open_with_a_long_label_is_put_together(kind: type[sctp.Data | sctp.IData]) -> None:
    label = b"x" * 3000
    (whole,) = opening(label, [1100, 1100, 1100], kind)
    assert whole.packet.label == label
    assert opening(b"short", [100], kind)[0].packet.label == b"short"


def test_an_open_that_misses_a_chunk_is_not_seen() -> None:
    assert opening(b"x" * 3000, [1100, 1100], sctp.Data) == []


def test_two_connections_side_by_side_are_told_apart_by_their_paths() -> None:
    """Without BUNDLE there may be two transports between the same ufrags, with their handshakes at the same time."""
    book, keylog = AddressBook(), KeyLog()
    dissector = Dissector(book, keylog)
    ends = [(Address("127.0.0.1", port), Address("127.0.0.1", port + 1)) for port in (1000, 2000)]
    for here, there in ends:
        book.learn_username(here, there, "theirs:mine")
    frames: list[Frame] = []

    def send(source: Address, target: Address, message: hs.Message) -> None:
        body = bytes(message)
        fragment = dtls.HandshakeFragment(
            type=body[0], length=len(body) - 12, message_seq=message.message_seq, body=body[12:]
        )
        record = bytes(dtls.DTLS(records=[dtls.Plaintext(body=[fragment])]))
        frames.append(Frame(len(frames) + 1, len(frames), made_up(source, target, record), book))

    for number, (here, there) in enumerate(ends):
        send(here, there, hs.ClientHello(random=bytes([number]) * 32))
    for number, (here, there) in enumerate(ends):
        send(there, here, hs.ServerHello(random=bytes([number]) * 32, cipher_suite=0xC02B + number))
    items = dissector.items(frames)
    assert not any(item.again for several in items for item in several)
    assert [(each.client_random, each.cipher_suite) for each in dissector.conversations] == [
        (bytes(32), 0xC02B),
        (b"\1" * 32, 0xC02C),
    ]


def test_a_late_record_of_an_older_connection_is_opened_by_that_one() -> None:
    recording = load(DATA_12)
    frames = list(recording.frames)
    path = next(frame for frame in frames if frame.kind is Kind.DTLS).datagram
    hello = hs.ClientHello(random=b"new" + bytes(29))
    fragment = dtls.HandshakeFragment(length=len(bytes(hello)) - 12, body=bytes(hello)[12:])
    record = bytes(dtls.DTLS(records=[dtls.Plaintext(body=[fragment])]))
    late = next(
        number for number, items in enumerate(recording.items()) if any(item.part is Part.DCEP for item in items)
    )
    frames.insert(late, Frame(0, 0, made_up(path.source, path.destination, record), recording.book))
    items = Dissector(recording.book, recording.keylog).items(frames)
    assert any(item.part is Part.DCEP for item in items[late + 1])
