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


@pytest.mark.parametrize("value", ["text", b"bytes", 5, 1.5, True])
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
    assert webidl.string(5) == webidl.string(5.0) == "5"
    assert [webidl.string(one) for one in (True, 1.5, -math.inf, math.inf, math.nan)] == [
        "true",
        "1.5",
        "-Infinity",
        "Infinity",
        "NaN",
    ]
    assert webidl.string([1, None, "b"]) == "1,,b"
    assert webidl.string({}) == "[object Object]"
    assert webidl.string("a\ud800b") == "a\ufffdb"
    assert webidl.string("\U0001f600") == "\U0001f600"


@pytest.mark.parametrize(
    ("value", "expected"), [(0, 0), (65535, 65535), (7.9, 7), (True, 1), ("5", 5), (None, 0), (" ", 0), ("0x10", 16)]
)
def test_enforce_range(value: Any, expected: int) -> None:
    assert webidl.integer(value, "x", 0, 65535) == expected


@pytest.mark.parametrize("value", [-1, 65536, math.nan, math.inf, "five", "0xg", {}])
def test_enforce_range_refuses(value: Any) -> None:
    with pytest.raises(TypeError):
        webidl.integer(value, "x", 0, 65535)


@pytest.mark.parametrize(("value", "expected"), [(65537, 1), (-1, 65535), (math.nan, 0), (math.inf, 0), (3.9, 3)])
def test_modulo(value: float, expected: int) -> None:
    assert webidl.unsigned(value, "x", 16) == expected


def test_doubles() -> None:
    assert webidl.double(1, "x") == webidl.double("1.0", "x") == 1.0
    for value in (math.nan, math.inf, "one", "Infinity"):
        with pytest.raises(TypeError):
            webidl.double(value, "x")


def test_booleans() -> None:
    assert [webidl.boolean(one) for one in (None, 0, 0.0, math.nan, "", False)] == [False] * 6
    assert [webidl.boolean(one) for one in (1, "0", [], {}, b"", object())] == [True] * 6


def test_longs() -> None:
    assert [webidl.long(one) for one in (5, -5, 1 << 31, (1 << 32) + 1)] == [5, -5, -(1 << 31), 1]


def test_dictionaries_are_converted_member_by_member() -> None:
    conversions = {
        "b": webidl.boolean,
        "a": webidl.nullable(webidl.unsigned_short),
        "c": webidl.sequence_of(webidl.long),
    }
    assert webidl.dictionary({"a": None, "c": ("1", 2)}, "X", conversions) == {"a": None, "c": [1, 2]}
    assert webidl.dictionary(None, "X", conversions) == {}
    assert webidl.dictionary([], "X", conversions) == {}
    with pytest.raises(TypeError, match="X: b is required"):
        webidl.dictionary({}, "X", conversions, required=("b",))
    with pytest.raises(TypeError, match=r"X\.c: "):
        webidl.dictionary({"c": 5}, "X", conversions)


def test_interfaces_and_enumerations_as_conversions() -> None:
    assert webidl.one_of(Color)("red") is Color.RED
    init = Init()
    assert webidl.interface("Init")(init) is init
    values: tuple[Any, ...] = (None, 5, {})
    for value in values:
        with pytest.raises(TypeError):
            webidl.interface("Init")(value)
