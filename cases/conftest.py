"""`--planted`: run every case against a reference peer that has the case's own fault, to see it red."""

from __future__ import annotations

import asyncio
import importlib
from itertools import groupby
from typing import Any

import pytest

from cases.planting import Fault
from cases.rtp.speaking import PATIENCE
from harness.capture.wire import Wire
from harness.endpoints import player
from harness.endpoints.base import Endpoint
from harness.endpoints.reference import Reference


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--planted", action="store_true", help="plant each case's own fault; every case must turn red")


def fault_of(case: str) -> Fault:
    """What `cases/<folder>/faults.py` says of a case. Raises `UsageError` when it says nothing."""
    folder = case.rpartition("/")[0]
    faults: dict[str, Fault] = importlib.import_module(f"{folder.replace('/', '.')}.faults").FAULTS
    if case not in faults:
        raise pytest.UsageError(f"{folder}/faults.py has no fault that turns {case} red")
    return faults[case]


@pytest.fixture(autouse=True)
def planted(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Give the endpoint under test the fault of this case, when asked to."""
    if not request.config.getoption("--planted"):
        return
    fault = fault_of(request.node.nodeid.partition("[")[0])
    endpoint = request.getfixturevalue("endpoint")
    if not isinstance(endpoint, Reference):
        raise pytest.UsageError("--planted needs --endpoints reference")
    endpoint.seams = fault.seams
    until, wait_for, within = Endpoint.until, Wire.wait_for, player._within

    async def hurried_until(self: Endpoint, look: Any, timeout: float, waited_for: Any) -> Any:
        return await until(self, look, min(timeout, fault.patience), waited_for)

    async def hurried_wait_for(self: Wire, matcher: Any, *, timeout: float = 2.0, **options: Any) -> Any:
        return await wait_for(self, matcher, timeout=min(timeout, fault.patience), **options)

    async def hurried_within(promise: asyncio.Future[Any], timeout: float) -> Any:
        return await within(promise, min(timeout, fault.patience))

    monkeypatch.setattr(Endpoint, "until", hurried_until)
    monkeypatch.setattr(player, "_within", hurried_within)
    monkeypatch.setattr(Wire, "wait_for", hurried_wait_for)
    monkeypatch.setattr("cases.rtp.speaking.PATIENCE", min(PATIENCE, fault.patience))
    if fault.patch is not None:
        fault.patch(monkeypatch)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--planted"):
        # The sanity cases fail too, and would decide for their siblings: they go last in their files.
        files = list(dict.fromkeys(item.path for item in items))
        items.sort(key=lambda item: files.index(item.path))
        items[:] = [item for _, members in groupby(items, lambda item: item.path) for item in [*members][::-1]]
