"""The legacy callback forms of webrtc-pc section 4.4.3.1: a promise on top of a promise."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from peer.api.tasks import Promise, report

__all__ = ["with_callbacks"]


def with_callbacks(
    method: Callable[[], Promise[Any]], *callbacks: Callable[..., Any] | None, plain: bool = False
) -> Promise[Any]:
    """Without callbacks the promise of `method`. With two: call the one that fits upon settlement, and return a promise
    of None.

    `plain`: the success callback takes no argument. Raises nothing; anything but two callables is a rejected TypeError,
    and `method` isn't called.
    """
    if not callbacks:
        return method()
    if len(callbacks) < 2 or not all(callable(callback) for callback in callbacks[:2]):
        return Promise.rejected(TypeError("the legacy form takes a success and a failure callback"))
    success, failure = callbacks[0], callbacks[1]
    promise = method()

    def settled(future: asyncio.Future[Any]) -> None:
        if future.cancelled() or success is None or failure is None:
            return
        error = future.exception()
        try:
            if error is not None:
                failure(error)
            elif plain:
                success()
            else:
                success(future.result())
        except Exception as raised:  # noqa: BLE001 - what a callback raises is reported, as an event listener's is
            report("exception in a legacy callback", raised)

    promise.add_done_callback(settled)  # runs as a microtask does: after the task, before the next
    return Promise.resolved(None)
