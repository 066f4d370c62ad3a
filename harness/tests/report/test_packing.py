from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from harness.report.packing import pack, unpack


@given(st.text())
def test_a_packed_page_comes_back_and_is_safe_in_a_script_element(text: str) -> None:
    text = text.encode("utf-8", "replace").decode()
    packed = pack(text)
    assert unpack(packed) == text
    assert re.fullmatch("[A-Za-z0-9+/=]+", packed)
