"""Every kind of edit changes bytes, at any position, and says nothing about empty ones."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.fuzz.edits import KINDS, apply, edits


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_changes_something(kind: str) -> None:
    data = bytes(range(20))
    assert any(apply(data, [[kind, at, 77]]) != data for at in (1, 7))


@given(st.binary(max_size=40), st.lists(edits, max_size=5))
def test_any_edit_fits_any_bytes(data: bytes, changes: list[list[object]]) -> None:
    assert len(apply(data, changes)) <= (len(data) + 4096) * 4**5
