"""Counting what a matcher finds in a recorded session."""

from __future__ import annotations

from harness.capture.matcher import Matcher
from harness.tests.capture.recorded import shared
from harness.verdict import Ledger


def numbers(session: str, matcher: Matcher) -> list[int]:
    """The frames in which it matches."""
    return [hit.number for hit in shared(session).wire(Ledger()).all(matcher)]
