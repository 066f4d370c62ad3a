"""Alerts: two bytes, known or not."""

from __future__ import annotations

import pytest

from peer.errors import DecodeError
from peer.wire.dtls_alert import Alert, AlertDescription, AlertLevel


def test_there_and_back() -> None:
    alert = Alert(AlertLevel.FATAL, AlertDescription.BAD_CERTIFICATE)
    assert alert.serialize() == b"\x02\x2a"
    assert Alert.parse(b"\x02\x2a") == alert
    assert alert.name == "bad_certificate"
    assert Alert.parse(b"\x07\xfe").name == "alert 254"


@pytest.mark.parametrize("data", [b"", b"\x02", b"\x02\x2a\x00"])
def test_other_sizes(data: bytes) -> None:
    with pytest.raises(DecodeError):
        Alert.parse(data)
