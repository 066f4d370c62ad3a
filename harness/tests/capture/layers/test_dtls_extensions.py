"""TLS extensions: the right class for what the bytes are, by who says it."""

from __future__ import annotations

from typing import Any

import pytest

from harness.capture.layers import dtls_extensions as ext
from harness.capture.layers import dtls_handshake as hs
from harness.capture.layers.base import rebuilt


def first(data: bytes, *, from_client: bool) -> Any:
    """The extension as it is read inside a ClientHello, or in an answer to one."""
    hello = hs.ClientHello if from_client else hs.EncryptedExtensions
    return hs.dissect(bytes(hello(extensions=[ext.Extension(data)])), dtls13=True).extensions[0]


@pytest.mark.parametrize(
    ("data", "from_client", "expected"),
    [
        ("002b 0003 02fefc", True, ext.SupportedVersionsOffered),
        ("002b 0002 fefc", True, ext.Extension),
        ("002b 0002 fefc", False, ext.SupportedVersionSelected),
        ("002b 0003 02fefc", False, ext.Extension),
        ("0033 0009 0007 001d 0003 616263", True, ext.KeyShareOffered),
        ("0033 0002 0000", True, ext.KeyShareOffered),
        ("0033 0003 0007 00", True, ext.Extension),
        ("0033 0007 001d 0003 616263", False, ext.KeyShareSelected),
        ("0033 0002 001d", False, ext.KeyShareRetry),
        ("0033 0003 001d00", False, ext.Extension),
        ("000e 0005 0002 0007 00", True, ext.UseSrtp),
        ("000e 0006 0002 0007 01 aa", True, ext.UseSrtp),
        ("000e 0004 0002 0007", True, ext.Extension),
        ("000e 0002 0000", True, ext.Extension),
        ("000a 0004 0002 001d", True, ext.SupportedGroups),
        ("000a 0003 0001 00", True, ext.Extension),
        ("0017 0000", True, ext.ExtendedMasterSecret),
        ("0017 0001 00", True, ext.Extension),
        ("ff01 0001 00", True, ext.RenegotiationInfo),
        ("ff01 0001 01", True, ext.Extension),
        ("0a0a 0001 00", True, ext.Extension),
    ],
)
def test_bytes_that_fit_give_the_class_and_others_keep_their_bytes(
    data: str, from_client: bool, expected: type[ext.Extension]
) -> None:
    raw = bytes.fromhex(data.replace(" ", ""))
    extension = first(raw, from_client=from_client)
    assert type(extension) is expected
    assert rebuilt(extension) == raw


def test_an_extension_has_the_name_of_its_registry() -> None:
    assert first(bytes.fromhex("000e00050002000700"), from_client=True).title == "use_srtp"
    assert first(bytes.fromhex("0a0a0000"), from_client=True).title == "extension 0x0a0a"
