"""Endpoints for the harness's own tests: a page of each browser, made once and reset for each test."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from harness.endpoints import KNOWN, Endpoint, Stacks

_PAGES: dict[str, Endpoint] = {}


@pytest_asyncio.fixture(loop_scope="session", params=KNOWN)
async def any_endpoint(request: pytest.FixtureRequest, stacks: Stacks) -> AsyncIterator[Endpoint]:
    """Each endpoint there is, as new."""
    name: str = request.param
    if name not in _PAGES:
        _PAGES[name] = await stacks.endpoint(name)
    yield _PAGES[name]
    await _PAGES[name].reset()
