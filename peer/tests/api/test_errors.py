"""W3C's errors."""

from __future__ import annotations

import pytest

from peer.api import errors


@pytest.mark.parametrize(
    ("error", "name", "code"),
    [
        (errors.AbortError(), "AbortError", 20),
        (errors.InvalidAccessError(), "InvalidAccessError", 15),
        (errors.InvalidCharacterError(), "InvalidCharacterError", 5),
        (errors.InvalidModificationError(), "InvalidModificationError", 13),
        (errors.InvalidStateError(), "InvalidStateError", 11),
        (errors.NotReadableError(), "NotReadableError", 0),
        (errors.NotSupportedError(), "NotSupportedError", 9),
        (errors.OperationError(), "OperationError", 0),
        (errors.SyntaxError_(), "SyntaxError", 12),
        (errors.UnknownError(), "UnknownError", 0),
        (errors.DOMException("m", "DataCloneError"), "DataCloneError", 25),
        (errors.RTCError({"errorDetail": "sctp-failure"}), "OperationError", 0),
    ],
)
def test_names_and_codes(error: errors.DOMException, name: str, code: int) -> None:
    assert (error.name, error.code, errors.error_name(error)) == (name, code, name)


def test_messages() -> None:
    assert str(errors.InvalidStateError("closed")) == "InvalidStateError: closed"
    assert str(errors.InvalidStateError()) == "InvalidStateError"
    assert errors.error_name(TypeError()) == "TypeError"
    assert errors.error_name(errors.RangeError()) == "RangeError"


def test_rtc_error_attributes() -> None:
    error = errors.RTCError({"errorDetail": "sdp-syntax-error", "sdpLineNumber": 3}, "line 3")
    assert (error.errorDetail, error.sdpLineNumber, error.message) == ("sdp-syntax-error", 3, "line 3")
    assert (error.sctpCauseCode, error.receivedAlert, error.sentAlert) == (None, None, None)
    for init in ({}, {"errorDetail": "no such detail"}):
        with pytest.raises(TypeError):
            errors.RTCError(init)
