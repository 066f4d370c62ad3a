"""peer.sctp.outbound: queues and numbers."""

from peer.sctp.outbound import Message, OutboundQueue, OutboundStream


def message(stream: OutboundStream, size: int) -> Message:
    return Message(stream, 51, bytes(size), unordered=False, max_retransmits=None, expires=None)


def test_a_message_keeps_its_turn_until_its_last_fragment_has_left() -> None:
    queue = OutboundQueue()
    queue.push(message(queue.stream(1), 250))
    queue.push(message(queue.stream(2), 100))
    first = queue.next()
    assert first is not None
    assert first.stream.id == 1
    queue.took(first, 100)
    assert queue.next() is first
    queue.took(first, 150)
    second = queue.next()
    assert second is not None
    assert second.stream.id == 2


def test_buffered_counts_what_has_not_left() -> None:
    queue = OutboundQueue()
    queue.push(message(queue.stream(1), 250))
    queue.push(message(queue.stream(1), 50))
    first = queue.next()
    assert first is not None
    queue.took(first, 100)
    assert (queue.buffered, queue.stream(1).buffered) == (200, 200)
    queue.drop_rest(first)
    assert queue.buffered == 50


def test_a_held_stream_waits_until_it_is_released() -> None:
    queue = OutboundQueue()
    queue.hold(queue.stream(1))
    queue.push(message(queue.stream(1), 10))
    assert queue.next() is None
    queue.release(queue.stream(1))
    assert queue.next() is not None


def test_sequence_numbers_wrap_and_restart() -> None:
    stream = OutboundStream(1)
    stream.next_ssn = 0xFFFF
    assert [stream.next_number(unordered=False, interleaving=False) for _ in range(2)] == [0xFFFF, 0]
    stream.restart_numbers()
    assert stream.next_number(unordered=False, interleaving=False) == 0


def test_with_interleaving_ordered_and_unordered_messages_count_apart() -> None:
    stream = OutboundStream(1)
    numbers = [stream.next_number(unordered=u, interleaving=True) for u in (False, True, False, True)]
    assert numbers == [0, 0, 1, 1]


def test_clearing_drops_everything() -> None:
    queue = OutboundQueue()
    queue.push(message(queue.stream(1), 250))
    queue.next()
    queue.clear()
    assert (queue.buffered, queue.next()) == (0, None)
    queue.push(message(queue.stream(1), 5))
    assert queue.next() is not None
