"""Every test of this folder ends without an exception that was only reported."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from peer.tests.api.connecting import failures


@pytest.fixture(autouse=True)
async def _nothing_is_reported() -> AsyncIterator[None]:
    failures.clear()
    loop = asyncio.get_running_loop()
    before = loop.get_exception_handler()

    def collect(_: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        failures.append(context)

    loop.set_exception_handler(collect)
    yield
    loop.set_exception_handler(before)
    assert failures == []
