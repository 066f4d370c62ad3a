"""Names of candidates by multicast DNS (draft-ietf-mmusic-mdns-ice-candidates), on aioice's responder."""

from __future__ import annotations

import asyncio
import contextlib

from aioice import mdns

__all__ = ["MdnsResolver"]


class MdnsResolver:
    """Looks up .local names. The multicast socket is opened with the first one, and shared by all."""

    def __init__(self) -> None:
        self._opening: asyncio.Task[mdns.MDnsProtocol] | None = None
        self._closed = False

    async def resolve(self, name: str, timeout: float = 1.0) -> str | None:
        """The IP literal behind a name; None when it isn't an mDNS name or nobody answers in `timeout` seconds."""
        if self._closed or not mdns.is_mdns_hostname(name):
            return None
        if self._opening is None:
            self._opening = asyncio.ensure_future(mdns.create_mdns_protocol())
        try:
            protocol = await asyncio.shield(self._opening)
        except OSError:
            return None  # multicast isn't allowed here
        return await protocol.resolve(name, timeout)

    def close(self) -> None:
        self._closed = True
        if self._opening is not None:
            self._opening.add_done_callback(_close_protocol)


def _close_protocol(opening: asyncio.Task[mdns.MDnsProtocol]) -> None:
    with contextlib.suppress(OSError, asyncio.CancelledError):
        protocol = opening.result()
        asyncio.ensure_future(protocol.close())  # noqa: RUF006 - it has nothing to wait for but its own socket
