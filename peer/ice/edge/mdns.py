"""Names of candidates by multicast DNS (draft-ietf-mmusic-mdns-ice-candidates), on aioice's responder."""

from __future__ import annotations

import asyncio

from aioice import mdns

__all__ = ["Mdns"]


class Mdns:
    """Looks up and publishes .local names. The multicast socket is opened when it is first needed."""

    def __init__(self) -> None:
        self._opening: asyncio.Future[mdns.MDnsProtocol] | None = None

    @property
    def is_open(self) -> bool:
        return self._opening is not None

    async def _protocol(self) -> mdns.MDnsProtocol | None:
        """None where multicast isn't allowed."""
        if self._opening is None:
            self._opening = asyncio.ensure_future(mdns.create_mdns_protocol())
        try:
            return await asyncio.shield(self._opening)
        except OSError:
            return None

    async def resolve(self, name: str, timeout: float = 1.0) -> str | None:
        """The IP literal behind a name; None when it isn't an mDNS name or nobody answers in `timeout` seconds."""
        if not mdns.is_mdns_hostname(name):
            return None
        protocol = await self._protocol()
        return None if protocol is None else await protocol.resolve(name, timeout)

    async def publish(self, host: str) -> str | None:
        """Make up a name for an address and answer for it; None where multicast isn't allowed."""
        protocol = await self._protocol()
        if protocol is None:
            return None
        name = mdns.create_mdns_hostname()
        await protocol.publish(name, host)
        return name

    async def close(self) -> None:
        """Close the multicast socket, if it was opened."""
        opening, self._opening = self._opening, None
        if opening is None:
            return
        try:
            protocol = await opening
        except OSError:
            return
        await protocol.close()
