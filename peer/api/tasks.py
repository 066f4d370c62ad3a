"""The event loop a W3C text speaks of, on asyncio: promises, "queue a task", and the operations chain.

One queued task changes slots, fires events and settles the promise together. The queue gives asyncio one turn after
every task, so a continuation (`await pc.setLocalDescription()`) runs before the next task, as a microtask does in a
page; and since a task never runs but from the loop, nothing moves while the caller's own code runs between two
awaits.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any, Final, Self, TypeVar

from peer.api.errors import InvalidStateError

__all__ = ["OperationsChain", "Promise", "TaskQueue", "report"]

T = TypeVar("T")
U = TypeVar("U")


class Promise(asyncio.Future[T]):
    """An awaitable that may be settled already when the call that returns it returns.

    `resolve` and `reject` do nothing when it is settled (or its waiter was cancelled). A rejection nobody looks at is
    silent.
    """

    def __init__(self) -> None:
        super().__init__(loop=asyncio.get_running_loop())
        self._reactions: list[Callable[[Promise[T]], None]] = []

    @classmethod
    def resolved(cls, value: T) -> Self:
        promise = cls()
        promise.resolve(value)
        return promise

    @classmethod
    def rejected(cls, error: BaseException) -> Self:
        promise = cls()
        promise.reject(error)
        return promise

    def resolve(self, value: T) -> None:
        if not self.done():
            self.set_result(value)
            self._run_reactions()

    def reject(self, error: BaseException) -> None:
        if not self.done():
            self.set_exception(error)
            self.exception()  # looked at: asyncio has nothing to complain of when nobody awaits it
            self._run_reactions()

    def react(self, reaction: Callable[[Promise[T]], None]) -> None:
        """Run `reaction(self)` in the very task that settles this promise; at once when it is settled."""
        if self.done():
            reaction(self)
        else:
            self._reactions.append(reaction)

    def and_then(self, step: Callable[[T], Promise[U]]) -> Promise[U]:
        """The promise of `step(value)` upon fulfilment; rejected as this one is."""
        outcome: Promise[U] = Promise()

        def fulfilled(source: Promise[T]) -> None:
            if source.failure is not None:
                outcome.reject(source.failure)
            elif not source.cancelled():
                step(source.result()).react(lambda inner: chain_settlement(inner, outcome))

        self.react(fulfilled)
        return outcome

    def _run_reactions(self) -> None:
        reactions, self._reactions = self._reactions, []
        for reaction in reactions:
            reaction(self)

    @property
    def failure(self) -> BaseException | None:
        """The reason it was rejected for; None when it is pending, fulfilled or cancelled."""
        return self.exception() if self.done() and not self.cancelled() else None


def chain_settlement(source: Promise[T], target: Promise[T]) -> None:
    """Settle `target` as `source` was. `source` is settled."""
    error = source.failure
    if error is not None:
        target.reject(error)
    elif not source.cancelled():
        target.resolve(source.result())


def report(message: str, error: BaseException) -> None:
    """Report an exception as a page's console does: to the loop's exception handler, not to the code that happened to
    run.
    """
    asyncio.get_running_loop().call_exception_handler({"message": message, "exception": error})


# When this many tasks wait, deliveries of messages begin to share turns: one more a turn for each so many.
BACKLOG: Final = 32


class TaskQueue:
    """First in, first out; one task a turn of the loop.

    But a flood of messages must not pile up because each waits for a turn of its own, while every turn reads more of
    them from the network: the longer the queue, the more deliveries in a row share one. No other task ever does.
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._tasks: deque[tuple[Callable[[], None], bool]] = deque()
        self._scheduled = False

    def queue(self, task: Callable[[], None], *, delivery: bool = False) -> None:
        """Queue `task`: it runs from the loop, never inside this call. `delivery`: it hands over one message."""
        self._tasks.append((task, delivery))
        if not self._scheduled:
            self._scheduled = True
            self._loop.call_soon(self._run)

    def __len__(self) -> int:
        return len(self._tasks)

    def _run(self) -> None:
        tasks = self._tasks
        more = len(tasks) // BACKLOG
        while True:
            task, delivery = tasks.popleft()
            try:
                task()
            except Exception as error:  # noqa: BLE001 - the outermost frame: whatever it raises is reported, none lost
                report("exception in a queued task", error)
            if not (delivery and more and tasks and tasks[0][1]):
                break
            more -= 1
        # Scheduled after whatever the task settled, so continuations go first.
        if tasks:
            self._loop.call_soon(self._run)
        else:
            self._scheduled = False


class OperationsChain:
    """webrtc-pc section 4.4.1.2, "chain an asynchronous operation"."""

    def __init__(self, is_closed: Callable[[], bool], update_negotiation_needed: Callable[[], None]) -> None:
        self._operations: deque[tuple[Callable[[], Promise[Any]], Promise[Any]]] = deque()
        self._is_closed = is_closed
        self._update_negotiation_needed = update_negotiation_needed
        self.update_on_empty = False  # [[UpdateNegotiationNeededFlagOnEmptyChain]]

    def __len__(self) -> int:
        return len(self._operations)

    def chain(self, operation: Callable[[], Promise[T]]) -> Promise[T]:
        if self._is_closed():  # step 2
            return Promise.rejected(InvalidStateError("the connection is closed"))
        promise: Promise[T] = Promise()
        self._operations.append((operation, promise))  # step 5
        if len(self._operations) == 1:  # step 6
            self._execute()
        return promise

    def _execute(self) -> None:
        """Run operations from the head while they settle at once; else go on when the head settles."""
        while self._operations:
            operation, promise = self._operations[0]
            inner = operation()
            if not inner.done():
                inner.react(partial(self._settled, promise))
                return
            if not self._finish(inner, promise):
                return
        self._emptied()

    def _settled(self, promise: Promise[Any], inner: Promise[Any]) -> None:
        if self._finish(inner, promise):
            self._execute()

    def _finish(self, inner: Promise[Any], promise: Promise[Any]) -> bool:
        if self._is_closed():  # step 7.1: after close nothing settles
            return False
        chain_settlement(inner, promise)  # steps 7.2 and 7.3
        self._operations.popleft()  # step 7.4.2
        return True

    def _emptied(self) -> None:
        if self.update_on_empty:  # steps 7.4.4 to 7.4.6
            self.update_on_empty = False
            self._update_negotiation_needed()
