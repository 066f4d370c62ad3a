from __future__ import annotations

import pytest

from harness.clauses.model import Level
from harness.clauses.statement import digest, level_of, normalise, sentences


@pytest.mark.parametrize(
    ("sentence", "level"),
    [
        ("An agent MUST do it.", Level.MUST),
        ("It SHOULD, but MUST NOT always.", Level.MUST),
        ("It is NOT RECOMMENDED.", Level.SHOULD),
        ("It MAY, this is OPTIONAL.", Level.MAY),
        ("You must know.", None),
        ("MUSTARD is MAYHEM.", None),
        ('The key words "MUST", "SHOULD" and "MAY" are to be interpreted as described in RFC 2119.', None),
    ],
)
def test_the_highest_keyword_gives_the_level(sentence: str, level: Level | None) -> None:
    assert level_of(sentence) is level


@pytest.mark.parametrize(
    ("paragraph", "expected"),
    [
        ("One MUST. Two SHOULD.", ["One MUST.", "Two SHOULD."]),
        ("See e.g. Section 5. Then (i.e. later) go.", ["See e.g. Section 5.", "Then (i.e. later) go."]),
        ('He said "MUST." Then left', ['He said "MUST."', "Then left"]),
        ("Use RFC 5.2 and 1.3.", ["Use RFC 5.2 and 1.3."]),
        ("It MUST be so: a, b.", ["It MUST be so: a, b."]),
    ],
)
def test_paragraphs_split_into_sentences(paragraph: str, expected: list[str]) -> None:
    assert list(sentences(paragraph)) == expected


def test_layout_does_not_change_a_hash() -> None:
    assert digest("It  MUST\n say \u201cyes\u201d.") == digest('It MUST say "yes".')
    assert digest("It MUST.") != digest("It MUST NOT.")
    assert normalise(" a\u00a0 b ") == "a b"
