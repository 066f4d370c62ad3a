"""Web IDL's conversions."""

from __future__ import annotations

import copy
import json
import math
from enum import StrEnum
from typing import Any

import pytest

from peer.api import webidl


class Color(StrEnum):
    RED = "red"


def test_a_dictionary_reads_by_attribute_and_key() -> None:
    dictionary = webidl.Dictionary(sdp="v=0", type="offer")
    assert dictionary.sdp == dictionary["sdp"] == "v=0"
    assert dictionary.missing is None
    dictionary.sdp = "v=1"
    assert dictionary.toJSON() == {"sdp": "v=1", "type": "offer"}
    del dictionary.sdp
    assert "sdp" not in dictionary
    assert json.loads(json.dumps(dictionary)) == {"type": "offer"}
    assert copy.deepcopy(dictionary) == dictionary
    with pytest.raises(AttributeError):
        dictionary.__nothing__  # noqa: B018 - the access is the test


class Init:
    sdp = "v=0"


@pytest.mark.parametrize(
    ("value", "expected"),
    [(None, {}), ({"sdp": "v=0", "other": 1}, {"sdp": "v=0"}), (Init(), {"sdp": "v=0"}), ({}, {})],
)
def test_members(value: Any, expected: dict[str, str]) -> None:
    assert webidl.members(value, ("sdp", "type"), "X") == expected


@pytest.mark.parametrize("value", ["text", b"bytes", 5, 1.5, True, [], (), set()])
def test_what_is_no_dictionary(value: Any) -> None:
    with pytest.raises(TypeError):
        webidl.members(value, ("sdp",), "X")


def test_sequences() -> None:
    assert webidl.sequence((1, 2), "x") == [1, 2]
    for value in ("ab", b"ab", {"a": 1}, 5, None):
        with pytest.raises(TypeError):
            webidl.sequence(value, "x")


def test_enumerations_and_strings() -> None:
    assert webidl.enumeration(Color, "red", "color") is Color.RED
    with pytest.raises(TypeError):
        webidl.enumeration(Color, "blue", "color")
    assert webidl.string(None) == "null"
    assert webidl.string(5) == "5"
    assert webidl.string("a\ud800b") == "a\ufffdb"
    assert webidl.string("\U0001f600") == "\U0001f600"


@pytest.mark.parametrize(("value", "expected"), [(0, 0), (65535, 65535), (7.9, 7), (True, 1)])
def test_enforce_range(value: float, expected: int) -> None:
    assert webidl.integer(value, "x", 0, 65535) == expected


@pytest.mark.parametrize("value", [-1, 65536, math.nan, math.inf, "5", None])
def test_enforce_range_refuses(value: Any) -> None:
    with pytest.raises(TypeError):
        webidl.integer(value, "x", 0, 65535)


@pytest.mark.parametrize(("value", "expected"), [(65537, 1), (-1, 65535), (math.nan, 0), (math.inf, 0), (3.9, 3)])
def test_modulo(value: float, expected: int) -> None:
    assert webidl.unsigned(value, "x", 16) == expected


def test_doubles() -> None:
    assert webidl.double(1, "x") == 1.0
    for value in (math.nan, math.inf, "1"):
        with pytest.raises(TypeError):
            webidl.double(value, "x")
