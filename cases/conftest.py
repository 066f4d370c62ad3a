"""`--planted`: run every case against a reference peer that has the case's own fault, to see it red."""

from __future__ import annotations

import functools
import importlib

import pytest

from cases.planting import Fault
from harness.cases import Connection
from harness.endpoints.proxies import DataChannel, Proxy
from harness.endpoints.reference import Reference

# A planted fault often keeps two endpoints from connecting: no need to wait for it as long as for a slow machine.
PATIENCE = 2.0


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
    for kind, method in (
        (Connection, "established"),
        (Proxy, "wait_for"),
        (DataChannel, "receive"),
    ):
        hurried = functools.partialmethod(getattr(kind, method), timeout=PATIENCE)
        monkeypatch.setattr(kind, method, hurried)
    if fault.patch is not None:
        fault.patch(monkeypatch)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--planted"):
        # The sanity cases fail too, and would decide for their siblings: they go last.
        items.reverse()
