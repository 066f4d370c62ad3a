"""W3C webrtc-pc sections 4.4.1.1 and 4.4.1.6: the constructor, and what a configuration may say and change."""

from __future__ import annotations

from typing import Any

import pytest

from harness.cases import check, clause, throws
from harness.endpoints.base import Endpoint

USER = {"username": "case", "credential": "secret"}


def with_server(**server: Any) -> dict[str, Any]:
    return {"iceServers": [server]}


async def test_sanity_the_constructor_takes_nothing(endpoint: Endpoint) -> None:
    pc = await endpoint.peer_connection()
    configuration = await pc.getConfiguration()
    check(configuration["bundlePolicy"] == "balanced", f"bundlePolicy is {configuration['bundlePolicy']}")


@clause("W3C-validate-an-ICE-server-URL-2")
@pytest.mark.parametrize(
    "url",
    [
        "relative",
        "https://case.example",
        "stun://case.example/path",
        "stun:case.example?transport=udp",
        "stun:a@case.example",
    ],
)
async def test_urls_that_are_no_ice_servers_are_syntax_errors(endpoint: Endpoint, url: str) -> None:
    with throws("SyntaxError"):
        await endpoint.peer_connection(with_server(urls=url, **USER))


@clause("W3C-validate-an-ICE-server-URL-6")
async def test_an_unknown_transport_is_a_syntax_error(endpoint: Endpoint) -> None:
    with throws("SyntaxError"):
        await endpoint.peer_connection(with_server(urls="turn:case.example?transport=pigeon", **USER))


@clause("W3C-validate-an-ICE-server-URL-7")
@pytest.mark.parametrize("given", [{}, {"username": "case"}, {"credential": "secret"}], ids=["neither", "user", "word"])
async def test_a_turn_server_needs_both_credentials(endpoint: Endpoint, given: dict[str, str]) -> None:
    with throws("InvalidAccessError"):
        await endpoint.peer_connection(with_server(urls="turn:case.example", **given))


@clause("W3C-set-a-configuration-6.3")
async def test_a_server_needs_a_url(endpoint: Endpoint) -> None:
    with throws("SyntaxError"):
        await endpoint.peer_connection(with_server(urls=[]))


@clause("W3C-set-a-configuration-3.4")
async def test_the_bundle_policy_can_not_change(endpoint: Endpoint) -> None:
    pc = await endpoint.peer_connection({"bundlePolicy": "max-compat"})
    with throws("InvalidModificationError"):
        await pc.setConfiguration({"bundlePolicy": "max-bundle"})
    kept = (await pc.getConfiguration())["bundlePolicy"]
    check(kept == "max-compat", f"bundlePolicy is {kept}")


@clause("W3C-set-a-configuration-3.6")
async def test_the_pool_size_can_not_change_after_a_local_description(endpoint: Endpoint) -> None:
    pc = await endpoint.peer_connection({"iceCandidatePoolSize": 0})
    await pc.setConfiguration({"iceCandidatePoolSize": 1})
    await pc.createDataChannel("case")
    await pc.setLocalDescription()
    with throws("InvalidModificationError"):
        await pc.setConfiguration({"iceCandidatePoolSize": 2})


@clause("W3C-RTCPeerConnection.setConfiguration-2")
async def test_a_closed_connection_is_not_configured(endpoint: Endpoint) -> None:
    pc = await endpoint.peer_connection()
    await pc.close()
    with throws("InvalidStateError"):
        await pc.setConfiguration({})


@clause("W3C-RTCPeerConnection.getConfiguration-M1")
async def test_the_configuration_given_is_the_configuration_read(endpoint: Endpoint) -> None:
    server = {"urls": ["stun:case.example:3478"]}
    pc = await endpoint.peer_connection({"iceServers": [server], "iceTransportPolicy": "relay"})
    read = await pc.getConfiguration()
    urls = [one["urls"] for one in read["iceServers"]]
    check(urls == [server["urls"]], f"the URLs are {urls}")
    check(read["iceTransportPolicy"] == "relay", f"iceTransportPolicy is {read['iceTransportPolicy']}")
