from __future__ import annotations

from harness.report.evidence import Ladder, Row
from harness.report.ladder import Mark, draw, fold


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


def test_arrows_run_from_lane_to_lane() -> None:
    rows = (
        Row(0.001, "a", "b", "stun", "out", 1),
        Row(0.002, "b", "a", "stun", "back", 2),
        Row(0.003, "b", "b", "event", "state", None),
        Row(0.004, "x", "y", "dtls", "strangers", 3),
    )
    drawing = draw(Ladder(("a", "b"), rows), {2: Mark(True, ("RFC1-1-M1",))})
    out, back, event, strangers = drawing.steps
    assert (out.x1, out.x2) == (back.x2, back.x1)
    assert out.x1 < out.x2
    assert event.x1 == event.x2 == drawing.lanes[1].x
    assert strangers.x1 == strangers.x2
    assert back.description == "frame 2, 2.0 ms, b to a: stun back; broken: RFC1-1-M1"
    assert out.mark is None


def test_a_very_long_conversation_is_cut_around_what_matters() -> None:
    rows = tuple(
        Row(number, "a", "b", "k", "abcdefghij"[number % 10] * (number % 97 + 1), number) for number in range(5000)
    )
    drawing = draw(Ladder(("a", "b"), rows), {2500: Mark(False, ("X",))})
    assert len(drawing.steps) < 410
    assert any(step.row and step.row.frame == 2500 for step in drawing.steps)
    assert drawing.hidden == 5000 - sum(step.row is not None for step in drawing.steps)


def test_one_lane_and_none() -> None:
    assert len(draw(Ladder(("a",), (Row(0, "a", "a", "event", "x"),)), {}).lanes) == 1
    assert draw(Ladder(), {}).steps == ()
