"""peer.sctp.schedulers: RFC 8260 section 3, seen in the order in which fragments leave."""

import pytest

from peer.sctp.outbound import Message, OutboundQueue
from peer.sctp.schedulers import Scheduling


def push(queue: OutboundQueue, stream: int, size: int, *, priority: int = 256) -> None:
    record = queue.stream(stream)
    record.priority = priority
    queue.push(Message(record, 51, bytes(size), unordered=False, max_retransmits=None, expires=None))


def order(queue: OutboundQueue, fragment: int = 100, *, packet: int = 1) -> list[int]:
    """The stream of each fragment that leaves, `packet` fragments a packet."""
    found: list[int] = []
    while queue.buffered:
        queue.begin_packet()
        for _ in range(packet):
            message = queue.next()
            if message is None:
                break
            found.append(message.stream.id)
            queue.took(message, min(fragment, message.size - message.offset))
    return found


def queue(scheduling: Scheduling, *, interleaving: bool = False) -> OutboundQueue:
    queue = OutboundQueue(scheduling)
    queue.interleaving = interleaving
    return queue


def test_first_come_first_served() -> None:
    q = queue(Scheduling.FIRST_COME_FIRST_SERVED)
    for stream in (2, 1, 2, 1):
        push(q, stream, 100)
    assert order(q) == [2, 1, 2, 1]


def test_round_robin_takes_turns_message_by_message() -> None:
    q = queue(Scheduling.ROUND_ROBIN)
    for stream in (1, 1, 1, 2, 2):
        push(q, stream, 200)
    assert order(q) == [1, 1, 2, 2, 1, 1, 2, 2, 1, 1]


def test_round_robin_with_interleaving_takes_turns_fragment_by_fragment() -> None:
    q = queue(Scheduling.ROUND_ROBIN, interleaving=True)
    push(q, 1, 300)
    push(q, 2, 300)
    assert order(q) == [1, 2, 1, 2, 1, 2]


def test_round_robin_per_packet_keeps_to_one_stream_in_a_packet() -> None:
    q = queue(Scheduling.ROUND_ROBIN_PER_PACKET)
    for stream in (1, 1, 1, 1, 2, 2):
        push(q, stream, 100)
    assert order(q, packet=3) == [1, 1, 1, 2, 2, 1]


def test_priority_is_strict() -> None:
    q = queue(Scheduling.PRIORITY)
    push(q, 1, 100, priority=128)
    push(q, 1, 100, priority=128)
    push(q, 2, 100, priority=1024)
    push(q, 2, 100, priority=1024)
    assert order(q) == [2, 2, 1, 1]


def test_priority_with_interleaving_overtakes_a_large_message() -> None:
    q = queue(Scheduling.PRIORITY, interleaving=True)
    push(q, 1, 300, priority=128)
    first = q.next()
    assert first is not None
    q.took(first, 100)
    push(q, 2, 100, priority=1024)
    assert order(q) == [2, 1, 1]


def test_fair_gives_every_stream_the_same_bytes() -> None:
    q = queue(Scheduling.FAIR)
    for _ in range(20):
        push(q, 1, 100)
        push(q, 2, 300)
    first = order(q)[:24]
    assert first.count(1) == pytest.approx(12, abs=2)  # fragments of 100 bytes


def test_weighted_fair_gives_bytes_by_weight() -> None:
    q = queue(Scheduling.WEIGHTED_FAIR)
    for _ in range(100):
        push(q, 1, 100, priority=256)
        push(q, 2, 100, priority=1024)
    first = order(q)[:50]
    assert first.count(2) == pytest.approx(40, abs=2)


def test_a_stream_that_was_silent_does_not_save_up() -> None:
    q = queue(Scheduling.WEIGHTED_FAIR)
    for _ in range(50):
        push(q, 1, 100)
    for _ in range(40):
        message = q.next()
        assert message is not None
        q.took(message, 100)
    for _ in range(10):
        push(q, 2, 100)
    assert order(q)[:10].count(2) == 5
