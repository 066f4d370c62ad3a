"""The registry of rows."""

from __future__ import annotations

import pytest

from harness.matrix.rows import ROWS, parse_rows


def test_the_first_row_is_data_and_is_always_played() -> None:
    assert next(iter(ROWS)) == "data"
    assert ROWS["data"].by_default
    assert ROWS["data"].as_case


def test_every_row_says_what_it_is_about() -> None:
    assert all(name == row.name and row.about for name, row in ROWS.items())


def test_rows_are_named_by_name_and_played_in_order() -> None:
    assert [row.name for row in parse_rows("all")] == list(ROWS)
    assert [row.name for row in parse_rows(" data ,")] == ["data"]
    assert {row.name for row in parse_rows(None)} == {row.name for row in ROWS.values() if row.by_default}


@pytest.mark.parametrize("text", ["daten", "data,daten", "", ","])
def test_a_name_that_is_no_row_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="there are data"):
        parse_rows(text)
