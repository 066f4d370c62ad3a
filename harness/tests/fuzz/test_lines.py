"""Which lines of the peer a campaign reached."""

from __future__ import annotations

import sys

from harness.fuzz.lines import LineCoverage
from peer import sdp


def test_lines_are_counted_kept_and_joined() -> None:
    lines = LineCoverage()
    assert lines.figures() == {}
    with lines.watching():
        sdp.parse("v=0\r\no=- 0 0 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n")
    assert sys.gettrace() is None
    reached, all_of = lines.figures()["lines of the peer"]
    assert 10 < reached < all_of
    again = LineCoverage(lines.serialized())
    again.add({"sdp/parse.py": [10**6], "no/such.py": [1]})
    assert again.figures() == lines.figures()


def test_who_traces_already_is_left_alone() -> None:
    def tracer(*_: object) -> None:
        return None

    before = sys.gettrace()
    sys.settrace(tracer)
    try:
        with LineCoverage().watching():
            assert sys.gettrace() is tracer
    finally:
        sys.settrace(before)
