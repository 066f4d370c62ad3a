"""What a case is written with, besides the fixtures of `harness.plugin`.

@clause("RFC8445-7.2.2-M1")
async def test_checks_carry_the_priority(connect, peer, endpoint, wire):
    await connect(peer, endpoint)
    wire.expect(stun.binding_request(priority=True), sender=endpoint)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

import pytest
from _pytest.outcomes import Skipped

from harness.endpoints.base import Endpoint
from harness.endpoints.proxies import DataChannel, PeerConnection
from harness.endpoints.reference import Reference
from harness.errors import Thrown
from harness.signaling import Hearer, Signaling
from harness.verdict import Verdict, check

if TYPE_CHECKING:
    from peer.api import Seams

__all__ = ["Connection", "Undecided", "check", "clause", "connect", "inconclusive", "throws", "unsupported"]


def clause(*identities: str) -> pytest.MarkDecorator:
    """The clauses a case judges, by registry id. What an assertion in the case doesn't cite itself, it judges these
    by.
    """
    return pytest.mark.clause(*identities)


class Undecided(Skipped):
    """A case that ends without judging. pytest shows it as skipped, the report by its verdict."""

    def __init__(self, verdict: Verdict, reason: str) -> None:
        super().__init__(f"{verdict.value}: {reason}")
        self.verdict = verdict


def unsupported(reason: str) -> NoReturn:
    """The endpoint declares that it lacks what the case needs. Never a way around a failure."""
    raise Undecided(Verdict.UNSUPPORTED, reason)


def inconclusive(reason: str) -> NoReturn:
    """What the case rests on did not happen, so it can't judge."""
    raise Undecided(Verdict.INCONCLUSIVE, reason)


@contextmanager
def throws(name: str, *, clause: str | None = None) -> Iterator[None]:
    """That the calls within throw, or are rejected with, an error of this name ("InvalidStateError", "TypeError")."""
    try:
        yield
    except Thrown as thrown:
        check(thrown.name == name, f"expected {name}, it threw {thrown}", clause=clause)
    else:
        check(False, f"expected {name}, nothing was thrown", clause=clause)


@dataclass(slots=True)
class Connection:
    """Two connections that negotiated. `channel` is the offerer's end of a channel they opened; None when none was
    asked for.
    """

    offerer: PeerConnection
    answerer: PeerConnection
    signaling: Signaling
    offer: str
    answer: str
    channel: DataChannel | None = None

    async def other_channel(self) -> DataChannel:
        """The answerer's end of the next channel the offerer opened in-band, open."""
        return await (await self.answerer.datachannel()).opened()

    async def established(self, timeout: float = 15.0) -> Connection:
        """Wait until both sides are connected and the channel, if there is one, is open."""
        await self.offerer.wait_for(connectionState="connected", timeout=timeout)
        await self.answerer.wait_for(connectionState="connected", timeout=timeout)
        if self.channel is not None:
            await self.channel.opened(timeout)
        return self


async def connect(
    offerer: Endpoint | PeerConnection,
    answerer: Endpoint | PeerConnection,
    *,
    trickle: bool = True,
    channel: str | None = "channel",
    wait: bool = True,
    configuration: Mapping[str, Any] | None = None,
    seams: Seams | None = None,
    hear: Hearer | None = None,
) -> Connection:
    """Connect two endpoints (or connections they have made), and wait until it stands unless `wait` is false.

    `seams` bend the reference peer: the offering one when both are.
    """
    here = await _connection(offerer, configuration, seams)
    spent = isinstance(offerer, Reference)
    there = await _connection(answerer, configuration, None if spent else seams)
    opened = None if channel is None else await here.createDataChannel(channel)
    signaling = Signaling(here, there, trickle=trickle, hear=hear)
    offer, answer = await signaling.negotiate()
    made = Connection(here, there, signaling, offer["sdp"], answer["sdp"], opened)
    return await made.established() if wait else made


async def _connection(
    side: Endpoint | PeerConnection, configuration: Mapping[str, Any] | None, seams: Seams | None
) -> PeerConnection:
    if isinstance(side, PeerConnection):
        return side
    if isinstance(side, Reference):
        return await side.peer_connection(configuration, seams=seams)
    return await side.peer_connection(configuration)
