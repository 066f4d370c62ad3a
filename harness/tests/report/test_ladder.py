from __future__ import annotations

import json

from harness.report.evidence import Ladder, Layer, Row
from harness.report.ladder import Fold, Mark, draw, fold


def data(number: int, label: str = "DATA tsn {} 1200 bytes") -> Row:
    return Row(number / 1000, "a", "b", "sctp", label.format(number), number)


def test_what_repeats_is_folded_and_what_is_cited_is_not() -> None:
    rows = [data(number) for number in range(1, 51)]
    items = fold(rows, frozenset({30}))
    assert items[:4] == rows[:4]
    assert [len(item) for item in items if isinstance(item, list)] == [25, 20]
    assert rows[29] in items


def test_a_row_with_a_note_and_a_lone_repeat_stay() -> None:
    rows = [data(number) for number in range(5)]
    assert fold(rows, frozenset()) == rows
    noted = Row(1, "a", "b", "sctp", "DATA tsn 9 1200 bytes", 9, note="retransmitted")
    assert noted in fold([*rows, *rows, noted], frozenset())


def test_numbers_do_not_make_a_row_new_but_words_do() -> None:
    rows = [data(number, "chunk {} " + "abcdefghij"[number]) for number in range(10)]
    assert fold(rows, frozenset()) == rows


def test_the_data_of_the_page_names_lanes_by_number() -> None:
    rows = (
        Row(0.001, "a", "b", "stun", "out", 1, (Layer("UDP", (("port", "9"),)),), b"\x00\xff"),
        Row(0.0025, "b", "a", "stun", "back", 2),
        Row(0.003, "b", "b", "event", "state", None),
        Row(0.004, "x", "b", "dtls", "stranger", 3, note="late"),
    )
    data = json.loads(draw(Ladder(("a", "b"), rows), {2: Mark(True, ("RFC1-1-M1",))}).to_json())
    assert data["lanes"] == ["a", "b"]
    assert data["steps"] == [
        [1.0, 1, 0, 1, "stun", "out", 0, {"layers": [["UDP", [["port", "9"]]]], "hex": "00ff", "size": 2}],
        [2.5, 2, 1, 0, "stun", "back", 2, {"clauses": ["RFC1-1-M1"]}],
        [3.0, 0, 1, 1, "event", "state", 0, 0],
        [4.0, 3, -1, 1, "dtls", "stranger", 0, {"note": "late"}],
    ]


def test_without_details_only_marked_frames_keep_layers_and_bytes() -> None:
    rows = tuple(Row(number, "a", "b", "stun", "x" * number, number, data=bytes(600)) for number in (1, 2))
    drawing = draw(Ladder(("a", "b"), rows), {2: Mark(False, ("C",))})
    first, second = json.loads(drawing.to_json(details=False))["steps"]
    assert drawing.detailed == 2
    assert first[7] == 0
    assert (len(second[7]["hex"]), second[7]["size"]) == (1024, 600)


def test_a_very_long_conversation_is_cut_around_what_matters() -> None:
    rows = tuple(
        Row(number, "a", "b", "k", "abcdefghij"[number % 10] * (number % 97 + 1), number) for number in range(5000)
    )
    drawing = draw(Ladder(("a", "b"), rows), {2500: Mark(False, ("X",))})
    assert len(drawing.steps) < 410
    assert 2500 in drawing.frames
    assert drawing.hidden == 5000 - sum(isinstance(step, Row) for step in drawing.steps)


def test_a_fold_says_how_many_and_what() -> None:
    rows = [data(number) for number in range(1, 11)]
    (folded,) = [step for step in draw(Ladder(("a", "b"), tuple(rows)), {}).steps if isinstance(step, Fold)]
    assert folded == Fold(6, 5, 10, "sctp DATA x 6")
    assert draw(Ladder(), {}).steps == ()
