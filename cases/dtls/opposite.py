"""Handshakes against an opponent who breaks the rules: what the cases about alerts are written in.

    async def test_a_client_refuses_a_suite_that_it_did_not_offer(client: Opposite) -> None:
        await client.refuses("illegal_parameter", changed(ServerHello, cipher_suite=0x1304), dtls=DTLS_1_3)

`client` and `server` say which part the endpoint under test plays; the reference peer opposite is the one bent. What
the endpoint did is read from the wire (its alert) and from its connectionState.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from cases.bending import Bend
from cases.dtls.intruder import goes_on
from harness.capture.match import dtls
from harness.capture.matcher import Matcher
from harness.capture.wire import Wire
from harness.cases import Connection, check
from harness.endpoints.base import Endpoint
from harness.endpoints.proxies import DataChannel
from harness.endpoints.reference import Reference
from harness.errors import EndpointTimeout, Thrown
from peer import sdp
from peer.api import Seams
from peer.dtls import Version

__all__ = ["DTLS_1_2", "DTLS_1_3", "Connect", "Opposite", "with_another_fingerprint"]

Connect: TypeAlias = Callable[..., Awaitable[Connection]]

DTLS_1_2: Final[Mapping[str, Any]] = {"versions": (Version.DTLS12,)}
DTLS_1_3: Final[Mapping[str, Any]] = {"versions": (Version.DTLS13,)}
_PATIENCE: Final = 3.0
_FATAL: Final = dtls.alert(fatal=True)
_POLL: Final = 0.004


def with_another_fingerprint(description: sdp.SessionDescription) -> str:
    """A description whose fingerprints are those of no certificate."""

    def other(line: str) -> str:
        return line[:-5] + ("00:00" if not line.endswith("00:00") else "11:11")

    lines = sdp.serialize(description).split("\r\n")
    return "\r\n".join(other(line) if line.startswith("a=fingerprint:") else line for line in lines)


@dataclass(frozen=True, slots=True)
class Opposite:
    """The endpoint under test in one role, the reference peer in the other."""

    endpoint: Endpoint
    peer: Reference
    wire: Wire
    connect: Connect
    is_client: bool

    async def meets(
        self, bend: Bend | None = None, *, dtls: Mapping[str, Any], wait: bool = True, **seams: Any
    ) -> Connection:
        """Connects them, with our side bent: `bend` takes its handshake messages."""
        bent = Seams(dtls=dtls, dtls_handshake=bend, **seams)
        if self.is_client:  # who answers is active, and so the client
            return await self.connect(self.peer, self.endpoint, seams=bent, wait=wait)
        return await self.connect(self.endpoint, await self.peer.peer_connection(seams=bent), wait=wait)

    async def goes_on(self, bend: Bend | None = None, *, dtls: Mapping[str, Any], **seams: Any) -> Connection:
        """The handshake completes all the same, and messages pass both ways."""
        made = await self.meets(bend, dtls=dtls, **seams)
        await goes_on(made)
        return made

    async def refuses(
        self, alerts: str | tuple[str, ...], bend: Bend | None = None, *, dtls: Mapping[str, Any], **seams: Any
    ) -> None:
        """The endpoint ends the handshake with one of these alerts."""
        await self.ends(await self.meets(bend, dtls=dtls, wait=False, **seams), alerts)

    async def ends(self, made: Connection, alerts: str | tuple[str, ...], *, patience: float = _PATIENCE) -> None:
        """The endpoint says one of these alerts, and its connection is over.

        Stops looking as soon as the endpoint connects instead, or ends without a word.
        """
        own = made.answerer if self.is_client else made.offerer
        before, end = own.connectionState, time.monotonic() + patience
        while self.wire.first(dtls.alert(fatal=True), sender=self.endpoint) is None and time.monotonic() < end:
            if own.connectionState in {"connected", "failed", "closed"} - {before}:
                break
            await asyncio.sleep(_POLL)
        wanted = (alerts,) if isinstance(alerts, str) else alerts
        self.wire.expect(dtls.alert(*wanted, fatal=True), sender=self.endpoint)
        try:
            await own.wait_for(connectionState=("failed", "closed"), timeout=patience)
        except EndpointTimeout:
            check(False, f"expected the connection to fail after the alert, it is {own.connectionState}")

    async def completes_or_ends(self, bend: Bend | None = None, *, dtls: Mapping[str, Any], **seams: Any) -> None:
        """The handshake completes, or the endpoint says a fatal alert: no clause tells which, but one of the two.

        That it neither hangs nor fails without a word is RFC 5246 section 7.2.2 and RFC 8446 section 6.2.
        """
        made = await self.meets(bend, dtls=dtls, wait=False, **seams)
        own = made.answerer if self.is_client else made.offerer
        with contextlib.suppress(EndpointTimeout):
            if await own.wait_for(connectionState=("connected", "failed", "closed"), timeout=_PATIENCE) == "connected":
                await goes_on(await made.established())
                return
        self.wire.expect(_FATAL, sender=self.endpoint)

    async def says(self, made: Connection, wanted: Matcher) -> None:
        """The endpoint says this; stops looking when its connection is over."""
        own, end = made.answerer if self.is_client else made.offerer, time.monotonic() + _PATIENCE
        while self.wire.first(wanted, sender=self.endpoint) is None and time.monotonic() < end:
            if own.connectionState in {"failed", "closed"}:
                break
            await asyncio.sleep(_POLL)
        self.wire.expect(wanted, sender=self.endpoint)

    async def completes_or_is_over(self, *, dtls: Mapping[str, Any], **seams: Any) -> None:
        """The handshake completes, or the connection is over, with or without a word: it doesn't hang."""
        made = await self.meets(dtls=dtls, wait=False, **seams)
        own = made.answerer if self.is_client else made.offerer
        try:
            await own.wait_for(connectionState=("connected", "failed", "closed"), timeout=_PATIENCE)
        except EndpointTimeout:
            check(False, f"expected the connection to be there or over, it is {own.connectionState}")

    async def channels(self, made: Connection) -> tuple[DataChannel, DataChannel]:
        """Our end of the channel and the endpoint's."""
        assert made.channel is not None
        here, there = made.channel, await made.other_channel()
        return (here, there) if self.is_client else (there, here)

    async def keeps_or_ends(self, made: Connection, say: Callable[[], None]) -> None:
        """The endpoint drops what `say` has our side send and goes on, or it says a fatal alert and ends it.

        RFC 9147 section 4.5.2 leaves both open for a record that is invalid; to end without a word it does not.
        """
        ours, theirs = await self.channels(made)
        say()
        own = made.answerer if self.is_client else made.offerer
        arrives = asyncio.ensure_future(_word(theirs, "what follows"))
        with contextlib.suppress(Thrown):  # its alert may be here already
            await ours.send("what goes along")
            await ours.send("what follows")
        while not arrives.done():
            said = self.wire.first(dtls.alert(), sender=self.endpoint) is not None
            if said or own.connectionState in {"failed", "closed"}:
                break
            await asyncio.sleep(_POLL)
        arrives.cancel()
        if (await asyncio.gather(arrives, return_exceptions=True))[0] is True:
            check(True, "")
        else:
            self.wire.expect(dtls.alert(fatal=True), sender=self.endpoint)


async def _word(channel: DataChannel, word: str) -> bool:
    while await channel.receive(timeout=_PATIENCE) != word:
        pass
    return True
