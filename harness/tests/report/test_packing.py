from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from harness.report.packing import pack, unpack


@given(st.lists(st.text()))
def test_packed_pages_come_back_and_are_safe_in_a_script_element(texts: list[str]) -> None:
    pages = [(f"case/{number}", text.encode("utf-8", "replace").decode()) for number, text in enumerate(texts)]
    blocks = list(pack(pages))
    assert [page for block in blocks for page in unpack(block).items()] == pages
    assert all(re.fullmatch("[A-Za-z0-9+/=]+", block.packed) for block in blocks)


def test_many_pages_make_several_blocks() -> None:
    blocks = list(pack((f"case/{number}", "x" * 100_000) for number in range(20)))
    assert [len(block.names) for block in blocks] == [6, 6, 6, 2]
