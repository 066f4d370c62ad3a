"""The reference peer as an endpoint, with its seams and its trace within reach."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any, TypeAlias
from weakref import WeakSet

import peer.api
from harness.endpoints.base import Endpoint, Stack
from harness.endpoints.player import Player
from harness.endpoints.proxies import PeerConnection
from harness.errors import EndpointError
from harness.script.steps import Step
from harness.script.trace import Entry
from peer.api import Seams
from peer.trace import Entry as Traced
from peer.trace import Secret

__all__ = ["Reference", "ReferenceStack", "Tap"]

#: Called with everything the peer's layers report.
Tap: TypeAlias = Callable[[Traced | Secret], None]


class Reference(Endpoint):
    """The reference peer.

    `taps` hear what its layers say: messages before encryption and after decryption, and secrets. `seams` bend every
    connection that is made without seams of its own.
    """

    def __init__(self, name: str, build: str = "") -> None:
        super().__init__(name, "reference", build)
        self.taps: list[Tap] = []
        self.seams = Seams()
        self._given: Seams | None = None
        self._player = Player(self._construct, self._deliver)

    async def peer_connection(
        self, configuration: Mapping[str, Any] | None = None, *, seams: Seams | None = None
    ) -> PeerConnection:
        """`new RTCPeerConnection(configuration)`, bent by `seams`."""
        self._given = seams
        try:
            return await super().peer_connection(configuration)
        finally:
            self._given = None

    def native(self, proxy: PeerConnection) -> peer.api.RTCPeerConnection:
        """The connection itself, for what a page doesn't have."""
        connection: peer.api.RTCPeerConnection = self._player.native(proxy.handle)
        return connection

    async def _perform(self, steps: Sequence[Step], *, stream: bool, quiet: bool) -> list[Entry]:
        return await self._player.play(steps, stream=stream, quiet=quiet)

    def _construct(self, interface: str, args: tuple[Any, ...]) -> Any:
        kind = getattr(peer.api, interface, None)
        if not isinstance(kind, type):
            raise ReferenceError(f"no interface {interface}")
        if interface != "RTCPeerConnection":
            return kind(*args)
        seams = self._given or self.seams
        return kind(*args, seams=replace(seams, trace=self._heard(seams.trace)))

    def _heard(self, also: Tap | None) -> Tap:
        def sink(entry: Traced | Secret) -> None:
            for tap in self.taps:
                tap(entry)
            if also is not None:
                also(entry)

        return sink

    async def reset(self) -> None:
        await super().reset()
        self._player.reset()

    async def close(self) -> None:
        self._player.reset()
        self.lose(EndpointError(f"{self.name} is closed"))


class ReferenceStack(Stack):
    """Makes reference peers."""

    name = "reference"

    def __init__(self) -> None:
        # Weak: an endpoint holds all that it was heard to say, and a session makes thousands.
        self._made: WeakSet[Reference] = WeakSet()

    async def start(self) -> None:
        self.build = _build()

    async def endpoint(self, name: str | None = None) -> Reference:
        await self.start()
        made = Reference(name or self.name, self.build)
        self._made.add(made)
        return made

    async def stop(self) -> None:
        for made in list(self._made):
            await made.close()
        self._made.clear()


@cache
def _build() -> str:
    """Parsed once: the metadata of a distribution are as long as its README."""
    try:
        return f"peerproof {version('peerproof')}"
    except PackageNotFoundError:
        return "peerproof (not installed)"
