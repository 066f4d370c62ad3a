"""Each refusal carries the W3C name it becomes."""

from __future__ import annotations

import pytest

from peer import jsep
from peer.errors import PeerError


@pytest.mark.parametrize(
    ("error", "name"),
    [
        (jsep.InvalidState("x"), "InvalidStateError"),
        (jsep.InvalidAccess("x"), "InvalidAccessError"),
        (jsep.InvalidModification("x"), "InvalidModificationError"),
        (jsep.SdpSyntax("x", line=3), "RTCError"),
        (jsep.OperationFailed("x"), "OperationError"),
    ],
)
def test_names(error: jsep.JsepError, name: str) -> None:
    assert error.name == name
    assert isinstance(error, PeerError)


def test_a_syntax_error_knows_its_line() -> None:
    assert jsep.SdpSyntax("x", line=3).line == 3
