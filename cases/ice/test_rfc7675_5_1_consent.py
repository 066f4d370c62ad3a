"""RFC 7675 section 5.1: consent is asked for again and again, and without it nothing is sent.

The 30 seconds of the specification are real. So they run once: all endpoints connect at the same time, each over two
connections, of which one grants consent and the other withholds it, and the cases judge what was seen.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field
from typing import Literal

import pytest
import pytest_asyncio

from harness.capture.match import dtls, stun
from harness.capture.recording import Capture
from harness.capture.wire import Hit, Wire
from harness.cases import check, clause, connect, inconclusive
from harness.endpoints.base import Endpoint
from harness.endpoints.reference import Reference
from harness.endpoints.stacks import Stacks, parse_names
from harness.scene import Scene
from harness.verdict import Ledger
from peer.api import Seams
from peer.wire.stun import Class, Message

CHECK = stun.binding_request()
DURATION = 33


@dataclass(slots=True)
class Consent:
    """The peer's: while it is withheld, no check is answered."""

    withheld: bool = False

    def __call__(self, message: Message) -> Iterable[Message]:
        return () if self.withheld and message.message_class is Class.SUCCESS else (message,)


@dataclass(slots=True)
class Vigil:
    """One connection of the endpoint under test that is watched for as long as consent lasts."""

    scene: Scene
    endpoint: Endpoint
    peer: Endpoint
    grants: bool
    #: The last answer before consent was withheld.
    granted: float = 0.0
    #: What timers of this machine were late, at most, in seconds, with a margin.
    late: float = 0.5
    _kept: asyncio.Task[None] | None = field(default=None)

    def begin(self) -> None:
        if self._kept is None:
            self._kept = asyncio.create_task(self._keep())

    async def ended(self) -> None:
        if self._kept is not None:
            await self._kept

    async def stopped(self) -> None:
        if self._kept is not None:
            self._kept.cancel()
            await asyncio.gather(self._kept, return_exceptions=True)
        await self.scene.close()

    async def _keep(self) -> None:
        consent = Consent()
        made = await connect(self.peer, self.endpoint, seams=Seams(stun=consent), hear=self.scene.hear)
        other = await made.other_channel()
        if self.grants:
            return
        consent.withheld = True
        self.granted = self.scene.wire.all(stun.binding_success(), sender=self.peer)[-1].time
        for _ in range(DURATION):  # the 30 seconds are what is judged: no event shortens them
            await other.send("still allowed?")
            asked = time.monotonic()
            await asyncio.sleep(1.0)
            # The endpoint's timers are no better than ours: what this machine keeps us waiting, it may keep them.
            self.late = max(self.late, 4 * (time.monotonic() - asked - 1.0))


def _scope(fixture_name: str, config: pytest.Config) -> Literal["function", "module"]:
    # A planted fault is the case's own, and so is its vigil then.
    return "function" if config.getoption("--planted") else "module"


class Vigils:
    """All of a run, by endpoint and by whether consent is granted; each made when it is first asked for."""

    def __init__(self, stacks: Stacks, capture: Capture) -> None:
        self._stacks = stacks
        self._capture = capture
        self._made: dict[tuple[str, bool], Vigil] = {}

    async def get(self, name: str, grants: bool) -> Vigil:
        if (name, grants) not in self._made:
            scene = Scene(self._stacks, self._capture, Ledger())
            peer, endpoint = await scene.endpoint("reference"), await scene.endpoint(name)
            self._made[name, grants] = Vigil(scene, endpoint, peer, grants)
        return self._made[name, grants]

    async def close(self) -> None:
        for vigil in reversed(self._made.values()):
            await vigil.stopped()


@pytest_asyncio.fixture(loop_scope="session", scope=_scope)
async def vigils(stacks: Stacks, capture: Capture) -> AsyncIterator[Vigils]:
    made = Vigils(stacks, capture)
    yield made
    await made.close()


@pytest_asyncio.fixture(loop_scope="session")
async def watched(request: pytest.FixtureRequest, vigils: Vigils) -> Vigil:
    """The vigil of this case, which may not have begun."""
    return await vigils.get(request.node.callspec.params["endpoint"], "withheld" not in request.fixturenames)


@pytest.fixture
def kept_scene(watched: Vigil) -> Scene:
    return watched.scene


@pytest.fixture
def endpoint(request: pytest.FixtureRequest, watched: Vigil) -> Endpoint:
    return watched.endpoint


@pytest.fixture
def peer(watched: Vigil) -> Endpoint:
    return watched.peer


@pytest_asyncio.fixture(loop_scope="session")
async def granted(request: pytest.FixtureRequest, vigils: Vigils, watched: Vigil) -> Vigil:
    """The vigil of this case, begun, with consent."""
    return await _begun(request.config, vigils, watched)


@pytest_asyncio.fixture(loop_scope="session")
async def withheld(request: pytest.FixtureRequest, vigils: Vigils, watched: Vigil) -> Vigil:
    """The vigil of this case, begun, that withholds consent for longer than the 30 seconds."""
    return await _begun(request.config, vigils, watched)


async def _begun(config: pytest.Config, vigils: Vigils, watched: Vigil) -> Vigil:
    """All begin together: but a planted fault is one case's own, and another worker has the other endpoints."""
    watched.begin()
    if config.getoption("--planted"):
        return watched
    among = [watched.endpoint.stack] if hasattr(config, "workerinput") else parse_names(config.getoption("--endpoints"))
    for name in among:
        for grants in (True, False):
            (await vigils.get(name, grants)).begin()
    return watched


async def consent_check(wire: Wire, endpoint: Endpoint, after: Hit | float) -> Hit:
    """The endpoint's next check after that."""
    return await wire.wait_for(CHECK, sender=endpoint, after=after, timeout=8.0)


async def settled(wire: Wire) -> float:
    """A moment at which the check list is concluded: 2 s after the nomination."""
    return (await wire.wait_for(stun.binding_request(use_candidate=True), timeout=5.0)).time + 2.0


async def test_sanity_checks_go_on_after_the_connection_stands(
    peer: Reference, endpoint: Endpoint, wire: Wire, granted: Vigil
) -> None:
    await granted.ended()
    await consent_check(wire, endpoint, await settled(wire))


@clause("RFC7675-5.1-M3", "RFC7675-5.1-M4")
async def test_the_period_between_consent_checks_is_4_seconds_at_least(
    peer: Reference, endpoint: Endpoint, wire: Wire, granted: Vigil
) -> None:
    await granted.ended()
    first = await consent_check(wire, endpoint, await settled(wire))
    second = await consent_check(wire, endpoint, first)
    gap = second.time - first.time
    check(gap >= 3.99, f"a consent check {gap:.2f} s after the last", frames=(first.number, second.number))


@clause("RFC7675-5.1-M5")
async def test_each_consent_check_is_a_transaction_of_its_own(
    peer: Reference, endpoint: Endpoint, wire: Wire, granted: Vigil
) -> None:
    await granted.ended()
    first = await consent_check(wire, endpoint, await settled(wire))
    second = await consent_check(wire, endpoint, first)
    same = first.packet.transaction_id == second.packet.transaction_id
    check(not same, "two consent checks are one transaction", frames=(first.number, second.number))


@pytest.mark.timeout(90)
@clause("RFC7675-5.1-M2")
async def test_30_seconds_without_consent_end_the_transmission(
    peer: Reference, endpoint: Endpoint, wire: Wire, withheld: Vigil
) -> None:
    await withheld.ended()
    end = withheld.granted + 30.0 + withheld.late
    # Our own timers were measured. What comes late from another process that had no time says nothing of who sent it.
    waiting = 0.0 if isinstance(endpoint, Reference) else os.getloadavg()[0] / (os.cpu_count() or 1)
    if withheld.late > 2.0 or (waiting > 3.0 and wire.all(dtls.anything(), sender=endpoint, after=end)):
        inconclusive(f"timers are {withheld.late / 4:.1f} s late, {waiting:.1f} processes wait for each processor")
    wire.never(dtls.anything(), sender=endpoint, after=end)
    wire.expect(dtls.anything(), sender=endpoint, after=withheld.granted + 1.0)
