from __future__ import annotations

import pytest

from cases.dtls.opposite import Connect, Opposite
from harness.capture.wire import Wire
from harness.endpoints.base import Endpoint
from harness.endpoints.reference import Reference


@pytest.fixture
def client(connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire) -> Opposite:
    """The endpoint under test, as DTLS client."""
    return Opposite(endpoint, peer, wire, connect, is_client=True)


@pytest.fixture
def server(connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire) -> Opposite:
    """The endpoint under test, as DTLS server."""
    return Opposite(endpoint, peer, wire, connect, is_client=False)


@pytest.fixture(params=["client", "server"])
def either(
    request: pytest.FixtureRequest, connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> Opposite:
    """The endpoint under test, in each role."""
    return Opposite(endpoint, peer, wire, connect, is_client=request.param == "client")
