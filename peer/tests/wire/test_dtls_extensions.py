"""Extensions there and back, in the bytes that the RFCs draw."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from peer.errors import DecodeError
from peer.wire import dtls_extensions as ext
from peer.wire.buffer import Reader, Writer
from peer.wire.dtls_extensions import Extension, KeyShareEntry, UseSrtp

CASES: list[tuple[Extension, str, Callable[[bytes], Any], Any]] = [
    (ext.supported_groups((0x11EC, 29)), "0004 11ec 001d", ext.parse_supported_groups, (0x11EC, 29)),
    (ext.signature_algorithms((0x0403,)), "0002 0403", ext.parse_signature_algorithms, (0x0403,)),
    (ext.supported_versions((0xFEFC, 0xFEFD)), "04 fefc fefd", ext.parse_supported_versions, (0xFEFC, 0xFEFD)),
    (ext.selected_version(0xFEFC), "fefc", ext.parse_selected_version, 0xFEFC),
    (ext.ec_point_formats(), "01 00", ext.parse_ec_point_formats, b"\x00"),
    (ext.record_size_limit(16_385), "4001", ext.parse_record_size_limit, 16_385),
    (ext.cookie(b"abc"), "0003 616263", ext.parse_cookie, b"abc"),
    (ext.connection_id(b"abc"), "03 616263", ext.parse_connection_id, b"abc"),
    (ext.renegotiation_info(), "00", ext.parse_renegotiation_info, b""),
    (ext.retry_key_share(29), "001d", ext.parse_retry_key_share, 29),
    (
        ext.server_key_share(KeyShareEntry(29, b"k")),
        "001d 0001 6b",
        ext.parse_server_key_share,
        KeyShareEntry(29, b"k"),
    ),
    (
        ext.client_key_share([KeyShareEntry(29, b"k"), KeyShareEntry(23, b"")]),
        "0009 001d 0001 6b 0017 0000",
        ext.parse_client_key_share,
        (KeyShareEntry(29, b"k"), KeyShareEntry(23, b"")),
    ),
    (UseSrtp((7, 1), b"m").extension(), "0004 0007 0001 01 6d", UseSrtp.parse, UseSrtp((7, 1), b"m")),
]


@pytest.mark.parametrize(("extension", "data", "parse", "value"), CASES, ids=lambda x: getattr(x, "__name__", ""))
def test_there_and_back(extension: Extension, data: str, parse: Callable[[bytes], Any], value: Any) -> None:
    assert extension.data == bytes.fromhex(data)
    assert parse(extension.data) == value
    for length in range(len(extension.data)):
        with pytest.raises(DecodeError):
            parse(extension.data[:length])
    with pytest.raises(DecodeError):
        parse(extension.data + b"\x00")


def test_an_empty_list_is_none() -> None:
    with pytest.raises(DecodeError):
        ext.parse_supported_groups(b"\x00\x00")


def test_a_list_keeps_order_and_the_unknown() -> None:
    listed = (Extension(0x0A0A, b"?"), ext.extended_master_secret())
    writer = Writer()
    ext.push_extensions(writer, listed)
    assert ext.pull_extensions(Reader(bytes(writer))) == listed
    assert ext.find(listed, 0x0A0A) == b"?"
    assert ext.find(listed, 1) is None


def test_the_same_type_twice() -> None:
    writer = Writer()
    ext.push_extensions(writer, (Extension(5), Extension(5)))
    with pytest.raises(DecodeError):
        ext.pull_extensions(Reader(bytes(writer)))
