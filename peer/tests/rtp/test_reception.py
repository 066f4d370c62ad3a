from __future__ import annotations

from peer.rtp.reception import Reception


def fed(numbers: list[int], *, rate: int = 8000) -> Reception:
    reception = Reception(rate)
    for place, number in enumerate(numbers):
        reception.receive(number & 0xFFFF, place * 160, place * 0.02)
    return reception


def test_numbers_are_extended_over_a_wrap() -> None:
    reception = Reception(8000)
    extended = [reception.receive(number & 0xFFFF, 0, 0.0) for number in range(65530, 65546)]
    values = [one[0] for one in extended if one is not None]
    assert [later - values[0] for later in values] == list(range(16))
    assert reception.lost == 0
    assert reception.block(5, 1.0).highest_sequence_number == 65545


def test_loss_is_what_was_expected_and_did_not_come() -> None:
    reception = fed([1, 2, 3, 6, 7, 10])
    assert reception.lost == 4
    block = reception.block(5, 1.0)
    assert (block.packets_lost, block.fraction_lost) == (4, 4 * 256 // 10)
    assert block.highest_sequence_number == 10


def test_the_fraction_is_of_the_interval_alone() -> None:
    reception = fed([1, 2, 4])
    assert reception.block(5, 1.0).fraction_lost == 64
    for number in range(5, 9):
        reception.receive(number, 0, 1.0)
    block = reception.block(5, 2.0)
    assert (block.fraction_lost, block.packets_lost) == (0, 1)


def test_duplicates_make_loss_negative() -> None:
    reception = fed([1, 2, 2, 3])
    assert reception.lost == -1
    assert reception.block(5, 1.0).fraction_lost == 0


def test_one_wild_packet_changes_nothing_and_a_second_begins_anew() -> None:
    reception = fed([1, 2, 3])
    assert reception.receive(30000, 0, 0.1) is None
    assert reception.receive(4, 0, 0.1) is not None
    assert reception.receive(30000, 0, 0.1) is None
    placed = reception.receive(30001, 0, 0.1)
    assert placed is not None
    assert placed[1]
    assert reception.lost == 0


def test_jitter_is_zero_for_an_even_flow_and_the_mean_deviation_for_an_uneven_one() -> None:
    assert fed(list(range(50))).jitter == 0
    reception = Reception(8000)
    for number in range(500):
        reception.receive(number, number * 160, number * 0.02 + (0.008 if number % 2 else 0))
    assert abs(reception.jitter - 0.008) < 0.0005


def test_jitter_survives_a_wrap_of_the_timestamp() -> None:
    reception = Reception(8000)
    for number in range(50):
        reception.receive(number, (0xFFFFFFFF - 3000 + number * 160) & 0xFFFFFFFF, number * 0.02)
    assert reception.jitter < 1e-6


def test_a_block_tells_when_the_last_sender_report_came() -> None:
    reception = fed([1, 2])
    assert reception.block(5, 1.0).lsr == 0
    reception.reported(0x0123_4567_89AB_CDEF, 2.0)
    block = reception.block(5, 2.5)
    assert block.lsr == 0x4567_89AB
    assert block.dlsr == 32768
