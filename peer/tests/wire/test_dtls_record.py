"""Records and ACKs there and back; whatever the bytes, DecodeError or records."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from peer.errors import DecodeError
from peer.wire.dtls_record import (
    Ack,
    CiphertextRecord,
    ContentType,
    Record,
    RecordNumber,
    iterate_records,
    parse_datagram,
)


def test_a_plaintext_record() -> None:
    data = bytes.fromhex("16 fefd 0001 000000000203 0003") + b"abc"
    assert parse_datagram(data) == (Record(22, 0xFEFD, 1, 0x203, b"abc"),)
    assert Record(22, 0xFEFD, 1, 0x203, b"abc").serialize() == data


def test_a_record_with_a_connection_id_of_12() -> None:
    """RFC 9146 section 4: the id stands before the length."""
    record = Record(ContentType.TLS12_CID, 0xFEFD, 1, 2, b"abc", b"four")
    assert record.serialize() == bytes.fromhex("19 fefd 0001 000000000002") + b"four\x00\x03abc"
    assert parse_datagram(record.serialize(), 4) == (record,)


@pytest.mark.parametrize(
    ("header", "epoch", "cid", "sequence", "size", "length"),
    [
        ("20 07", 0, b"", 7, 1, False),
        ("29 0102", 1, b"", 0x102, 2, False),
        ("26 07 0003", 2, b"", 7, 1, True),
        ("2f 0102 0003", 3, b"", 0x102, 2, True),
        ("3f 63696400 0102 0003", 3, b"cid\x00", 0x102, 2, True),
        ("31 63696400 09", 1, b"cid\x00", 9, 1, False),
    ],
)
def test_each_form_of_the_unified_header(
    header: str, epoch: int, cid: bytes, sequence: int, size: int, length: bool
) -> None:
    data = bytes.fromhex(header) + b"abc"
    (record,) = parse_datagram(data, len(cid))
    assert record == CiphertextRecord(bytes.fromhex(header), epoch, cid, sequence, size, length, b"abc")
    assert record.serialize() == data


def test_several_records_in_a_datagram() -> None:
    plain, cipher = Record(22, 0xFEFD, 0, 0, b"abc"), bytes.fromhex("2f 0102 0003") + b"abc"
    records = parse_datagram(plain.serialize() + cipher + cipher)
    assert [type(record) for record in records] == [Record, CiphertextRecord, CiphertextRecord]
    assert b"".join(record.serialize() for record in records) == plain.serialize() + cipher + cipher


@pytest.mark.parametrize("data", [b"\x00", b"\x13" * 20, b"\x1b" * 20, b"\x40" * 20, b"\x16\xfe\xfd"])
def test_what_is_no_record(data: bytes) -> None:
    with pytest.raises(DecodeError):
        parse_datagram(data)


def test_a_record_that_is_too_long() -> None:
    with pytest.raises(DecodeError):
        parse_datagram(Record(23, 0xFEFD, 1, 0, bytes(18_433)).serialize())
    with pytest.raises(DecodeError):
        parse_datagram(b"\x20\x00" + bytes(18_433))
    parse_datagram(Record(23, 0xFEFD, 1, 0, bytes(18_432)).serialize())


def test_what_stands_before_a_bad_record_can_be_used() -> None:
    good = Record(22, 0xFEFD, 0, 0, b"abc")
    records = iterate_records(good.serialize() + b"\x16\xfe")
    assert next(records) == good
    with pytest.raises(DecodeError):
        next(records)


@given(st.binary(max_size=80), st.integers(0, 8))
def test_any_bytes(data: bytes, size: int) -> None:
    try:
        records = parse_datagram(data, size)
    except DecodeError:
        return
    assert b"".join(record.serialize() for record in records) == data


def test_an_ack() -> None:
    ack = Ack((RecordNumber(2, 3), RecordNumber(3, 1 << 40)))
    assert ack.serialize() == bytes.fromhex("0020 0000000000000002 0000000000000003 0000000000000003 0000010000000000")
    assert Ack.parse(ack.serialize()) == ack
    assert Ack.parse(b"\x00\x00") == Ack(())
    for length in range(len(ack.serialize())):
        with pytest.raises(DecodeError):
            Ack.parse(ack.serialize()[:length])
