"""The event loop of a W3C text on asyncio."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

import pytest

from peer.api.errors import InvalidStateError
from peer.api.tasks import OperationsChain, Promise, TaskQueue
from peer.tests.api.connecting import reported


async def test_a_rejected_promise_is_done_at_once_and_silent_when_nobody_looks() -> None:
    promise: Promise[None] = Promise.rejected(InvalidStateError("x"))
    assert promise.done()
    with pytest.raises(InvalidStateError):
        await promise
    del promise
    Promise.rejected(InvalidStateError("y"))
    await asyncio.sleep(0)
    assert reported() == []


async def test_settling_twice_does_nothing() -> None:
    promise: Promise[int] = Promise()
    promise.resolve(1)
    promise.resolve(2)
    promise.reject(ValueError())
    assert await promise == 1


async def test_a_promise_whose_waiter_gave_up_can_still_be_settled() -> None:
    promise: Promise[int] = Promise()
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(promise, 0.001)
    promise.resolve(1)
    assert promise.cancelled()


async def test_reactions_run_in_the_task_that_settles() -> None:
    promise: Promise[int] = Promise()
    seen: list[Any] = []
    promise.react(lambda done: seen.append(done.result()))
    promise.resolve(7)
    assert seen == [7]
    promise.react(lambda done: seen.append("late"))
    assert seen == [7, "late"]


async def test_and_then_follows_fulfilment_and_rejection() -> None:
    first: Promise[int] = Promise()
    chained = first.and_then(lambda value: Promise.resolved(value + 1))
    first.resolve(1)
    assert chained.done()
    assert await chained == 2
    refused: Promise[int] = Promise.rejected(ValueError("no"))
    failed = refused.and_then(lambda value: Promise.resolved(value))
    assert isinstance(failed.failure, ValueError)
    inner = Promise.resolved(1).and_then(lambda _: Promise[int].rejected(KeyError("k")))
    assert isinstance(inner.failure, KeyError)


async def test_a_queued_task_never_runs_inside_the_call_that_queues_it() -> None:
    queue, seen = TaskQueue(), []
    queue.queue(lambda: seen.append(1))
    assert seen == []
    await asyncio.sleep(0)
    assert seen == [1]


async def test_a_continuation_runs_before_the_next_task() -> None:
    queue, log = TaskQueue(), []
    promise: Promise[None] = Promise()

    async def wait() -> None:
        await promise
        log.append("continuation")

    waiting = asyncio.ensure_future(wait())
    await asyncio.sleep(0)

    def first() -> None:
        log.append("first")
        promise.resolve(None)

    queue.queue(first)
    queue.queue(lambda: log.append("second"))
    await waiting
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert log == ["first", "continuation", "second"]


async def test_an_exception_in_a_task_is_reported_and_the_next_runs() -> None:
    queue, log = TaskQueue(), []

    def broken() -> None:
        raise ValueError("ours")

    queue.queue(broken)
    queue.queue(lambda: log.append("next"))
    for _ in range(3):
        await asyncio.sleep(0)
    assert log == ["next"]
    assert reported() == [ValueError]


class Chain:
    """A chain whose owner can be closed."""

    def __init__(self) -> None:
        self.closed = False
        self.updates = 0
        self.chain = OperationsChain(lambda: self.closed, self._update)

    def _update(self) -> None:
        self.updates += 1


async def test_operations_run_one_at_a_time_in_order() -> None:
    owner, log = Chain(), []
    inner: list[Promise[int]] = [Promise(), Promise()]

    def operation(number: int) -> Promise[int]:
        log.append(number)
        return inner[number]

    first = owner.chain.chain(lambda: operation(0))
    second = owner.chain.chain(lambda: operation(1))
    assert log == [0]  # the first executes at the call
    inner[0].resolve(10)
    assert first.done()
    assert log == [0, 1]
    inner[1].reject(ValueError())
    assert isinstance(second.failure, ValueError)
    assert len(owner.chain) == 0


async def test_an_operation_that_rejects_at_once_leaves_the_chain_empty() -> None:
    owner = Chain()
    promise: Promise[None] = owner.chain.chain(lambda: Promise.rejected(InvalidStateError("now")))
    assert isinstance(promise.failure, InvalidStateError)
    assert len(owner.chain) == 0


async def test_a_closed_connection_rejects_without_running() -> None:
    owner = Chain()
    owner.closed = True
    promise: Promise[None] = owner.chain.chain(lambda: pytest.fail("ran"))
    assert isinstance(promise.failure, InvalidStateError)


async def test_nothing_settles_after_close() -> None:
    owner = Chain()
    inner: Promise[None] = Promise()
    promise = owner.chain.chain(lambda: inner)
    waiting: Promise[None] = owner.chain.chain(lambda: pytest.fail("ran"))
    owner.closed = True
    inner.resolve(None)
    assert not promise.done()
    assert not waiting.done()


async def test_the_negotiation_flag_is_updated_once_the_chain_is_empty() -> None:
    owner = Chain()
    inner: Promise[None] = Promise()
    owner.chain.chain(lambda: inner)
    owner.chain.update_on_empty = True
    assert owner.updates == 0
    inner.resolve(None)
    assert owner.updates == 1
    assert not owner.chain.update_on_empty


async def test_a_flood_of_messages_shares_turns_but_nothing_else_does() -> None:
    queue = TaskQueue()
    turns: list[list[str]] = [[]]
    for number in range(320):
        queue.queue(partial(lambda name: turns[-1].append(name), f"message {number}"), delivery=True)
    queue.queue(lambda: turns[-1].append("task"))
    queue.queue(lambda: turns[-1].append("message last"), delivery=True)
    while len(queue):
        await asyncio.sleep(0)
        turns.append([])
    assert [entry for turn in turns for entry in turn] == [
        *(f"message {number}" for number in range(320)),
        "task",
        "message last",
    ]
    assert len(turns[0]) == 11  # the first, and one for each 32 that waited
    assert ["task"] in turns
    assert max(map(len, turns)) == 11


async def test_a_few_messages_have_a_turn_each() -> None:
    queue = TaskQueue()
    log: list[int] = []
    for number in range(31):
        queue.queue(partial(log.append, number), delivery=True)
    await asyncio.sleep(0)
    assert log == [0]
