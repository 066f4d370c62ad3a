"""Matchers for DCEP."""

from __future__ import annotations

import pytest

from harness.capture.items import Item, Part
from harness.capture.match import dcep
from harness.capture.matcher import Matcher
from harness.tests.capture.match.found import numbers
from harness.tests.capture.recorded import DATA_13, shared


@pytest.mark.parametrize(
    ("matcher", "frames"),
    [
        (dcep.message(), [22, 25]),
        (dcep.open(), [22]),
        (dcep.open(label="hé", protocol="", channel_type=0, priority=0, reliability=0), [22]),
        (dcep.open(label="he"), []),
        (dcep.open(protocol="x"), []),
        (dcep.open(channel_type=0x80), []),
        (dcep.open(priority=1), []),
        (dcep.open(reliability=1), []),
        (dcep.ack(), [25]),
    ],
)
def test_each_matcher_finds_its_messages(matcher: Matcher, frames: list[int]) -> None:
    assert numbers(DATA_13, matcher) == frames


def test_a_torn_open_is_an_open_without_properties() -> None:
    torn = Item(Part.DCEP, 3, b"\x03\x00")
    frame = shared(DATA_13).frames[0]
    assert dcep.open().matches(frame, torn)
    assert not dcep.open(label="").matches(frame, torn)
    assert not dcep.open(priority=256).matches(frame, torn)
