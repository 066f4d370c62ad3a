"""Endpoints: whoever plays scripts. The reference peer, Chromium, Firefox, and what a user adds."""

from harness.endpoints.base import Endpoint, Stack
from harness.endpoints.proxies import DataChannel, PeerConnection, Proxy
from harness.endpoints.stacks import KNOWN, Stacks
from harness.errors import EndpointCrashed, EndpointError, EndpointTimeout, NotFound, Thrown

__all__ = [
    "KNOWN",
    "DataChannel",
    "Endpoint",
    "EndpointCrashed",
    "EndpointError",
    "EndpointTimeout",
    "NotFound",
    "PeerConnection",
    "Proxy",
    "Stack",
    "Stacks",
    "Thrown",
]
