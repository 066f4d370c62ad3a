"""RFC 8445 section 9: restarts change the credentials, not the roles, and don't cost a byte."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeAlias

from cases.reading import Said
from harness.capture.match import stun
from harness.capture.wire import Wire
from harness.cases import Connection, check, clause
from harness.endpoints.base import Endpoint
from harness.endpoints.reference import Reference

Connect: TypeAlias = Callable[..., Awaitable[Connection]]

RESTART = {"iceRestart": True}


def credentials(sdp: str) -> tuple[str, str]:
    said = Said.of(sdp)
    return said.everywhere("ice-ufrag")[0], said.everywhere("ice-pwd")[0]


async def test_sanity_a_second_offer_without_restart_keeps_the_credentials(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    made = await connect(endpoint, peer)
    again = await made.offerer.createOffer()
    check(credentials(made.offer) == credentials(again["sdp"]), "the credentials changed without a restart")


@clause("RFC8445-9-M2")
async def test_an_offer_that_restarts_changes_both_credentials(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    made = await connect(endpoint, peer)
    again = await made.offerer.createOffer(RESTART)
    for name, before, after in zip(("ufrag", "pwd"), credentials(made.offer), credentials(again["sdp"]), strict=True):
        check(before != after, f"ice-{name} is {after!r} before and after the restart")


@clause("RFC8445-9-M2")
async def test_an_answer_to_a_restart_changes_both_credentials(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    made = await connect(peer, endpoint)
    _, answer = await made.signaling.negotiate(options=RESTART)
    for name, before, after in zip(("ufrag", "pwd"), credentials(made.answer), credentials(answer["sdp"]), strict=True):
        check(before != after, f"ice-{name} is {after!r} before and after the restart")


@clause("RFC8445-7.2.2-M1", "RFC8445-9-M2")
async def test_after_a_restart_checks_use_the_new_credentials(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    made = await connect(peer, endpoint)
    offer, answer = await made.signaling.negotiate(options=RESTART)
    (theirs, password), (ours, _) = credentials(offer["sdp"]), credentials(answer["sdp"])
    renewed = stun.binding_request(username=f"{theirs}:{ours}", password=password)
    await wire.wait_for(renewed, sender=endpoint, timeout=5.0)


@clause("RFC8445-12.1-M1")
async def test_data_flow_before_while_and_after_a_restart(
    connect: Connect, peer: Reference, endpoint: Endpoint, wire: Wire
) -> None:
    made = await connect(peer, endpoint)
    other = await made.other_channel()
    assert made.channel is not None
    await made.offerer.setLocalDescription(await made.offerer.createOffer(RESTART))
    await other.send("while the restart waits for its answer")
    check(await made.channel.receive() == "while the restart waits for its answer", "data were lost during the restart")
    await made.offerer.setLocalDescription({"type": "rollback"})
    await made.signaling.negotiate(options=RESTART)
    await other.send("after the restart")
    check(await made.channel.receive() == "after the restart", "data were lost after the restart")
