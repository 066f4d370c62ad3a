"""Work that takes longer than an event loop can wait: threads, and one lane through them for each stream."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Protocol, TypeVar

__all__ = ["Inline", "Lane", "Pool", "Threads"]

T = TypeVar("T")


class Pool(Protocol):
    """Who runs the jobs of a connection."""

    def run(self, job: Callable[[], T], done: Callable[[Future[T]], None]) -> None:
        """Run `job` elsewhere, then `done` with its outcome on the event loop."""

    def close(self) -> None:
        """Nothing is run and nothing is done any more."""


class Threads:
    """A pool of threads that exist only once there was a job."""

    def __init__(self, loop: asyncio.AbstractEventLoop, workers: int = 2) -> None:
        self._loop = loop
        self._workers = workers
        self._executor: ThreadPoolExecutor | None = None
        self._closed = False

    def run(self, job: Callable[[], T], done: Callable[[Future[T]], None]) -> None:
        if self._closed:
            return
        if self._executor is None:
            self._executor = ThreadPoolExecutor(self._workers, thread_name_prefix="media")

        def finished(future: Future[T]) -> None:
            if not future.cancelled() and not self._closed:
                try:
                    self._loop.call_soon_threadsafe(arrived, future)
                except RuntimeError:
                    return  # the loop was closed over a connection that wasn't

        def arrived(future: Future[T]) -> None:
            if not self._closed:
                done(future)

        self._executor.submit(job).add_done_callback(finished)

    def close(self) -> None:
        self._closed = True
        if self._executor is not None:
            self._executor.shutdown(wait=False, cancel_futures=True)


class Inline:
    """No threads: for virtual time."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._closed = False

    def run(self, job: Callable[[], T], done: Callable[[Future[T]], None]) -> None:
        def both() -> None:
            if not self._closed:
                future: Future[T] = Future()
                future.set_result(job())
                done(future)

        self._loop.call_soon(both)

    def close(self) -> None:
        self._closed = True


class Lane:
    """One stream's jobs, one after the other: an encoder or decoder is never used by two threads."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._jobs: deque[tuple[Callable[[], Any], Callable[[Any], None]]] = deque()
        self._running = False

    def __len__(self) -> int:
        """How many jobs are not done yet."""
        return len(self._jobs) + self._running

    def run(self, job: Callable[[], T], done: Callable[[T], None]) -> None:
        self._jobs.append((job, done))
        if not self._running:
            self._next()

    def clear(self) -> None:
        """Forget the jobs that have not begun."""
        self._jobs.clear()

    def _next(self) -> None:
        if not self._jobs:
            return
        job, done = self._jobs.popleft()
        self._running = True

        def finished(future: Future[Any]) -> None:
            self._running = False
            try:
                done(future.result())
            finally:
                self._next()

        self._pool.run(job, finished)
