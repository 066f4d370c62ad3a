"""Relayed candidates: an allocation on a TURN server (RFC 8656), by aioice's client over UDP, TCP or TLS."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from typing import Any

from aioice import stun as aioice_stun
from aioice import turn

from peer.ice.agent import Address, Path
from peer.ice.edge.reflexive import StunFailure
from peer.ice.edge.servers import ServerUrl
from peer.ice.edge.udp import Batch

__all__ = ["Relay"]


class Relay(asyncio.DatagramProtocol):
    """One allocation. `address` is the relayed address, `mapped` how the server sees us.

    Permissions, channels and refreshing are aioice's: it binds a channel for every peer something is sent to.
    """

    def __init__(self, deliver: Callable[[Batch], None], lost: Callable[[Relay], None]) -> None:
        self._deliver = deliver
        self._lost = lost
        self._transport: turn.TurnTransport | None = None
        self._closed = False
        self.address = Address("0.0.0.0", 0)  # noqa: S104 - not bound: overwritten once the server has told
        self.mapped: Address | None = None

    @classmethod
    async def allocate(
        cls,
        url: ServerUrl,
        username: str | None,
        credential: str | None,
        *,
        deliver: Callable[[Batch], None],
        lost: Callable[[Relay], None],
        tls: ssl.SSLContext | None = None,
        timeout: float = 9.5,
    ) -> Relay:
        """Ask a server for an allocation. Raises `StunFailure`."""
        secure: ssl.SSLContext | bool = (tls if tls is not None else True) if url.is_secure else False
        try:
            async with asyncio.timeout(timeout):
                transport, protocol = await turn.create_turn_endpoint(
                    lambda: cls(deliver, lost),
                    (url.host, url.port),
                    username,
                    credential,
                    ssl=secure,
                    transport=url.transport,
                )
        except aioice_stun.TransactionFailed as failure:
            code, text = failure.response.attributes.get("ERROR-CODE", (500, ""))
            raise StunFailure(code, text) from None
        except (aioice_stun.TransactionTimeout, TimeoutError):
            raise StunFailure(701, "TURN allocate request timed out.") from None
        except (OSError, ssl.SSLError) as error:
            raise StunFailure(701, f"TURN server can't be reached: {error.strerror or error}") from None
        relay = protocol
        relay._transport = transport
        relay.address = Address(*transport.get_extra_info("sockname")[:2])
        related = transport.get_extra_info("related_address")
        relay.mapped = Address(*related[:2]) if related else None
        return relay

    def datagram_received(self, data: bytes, addr: tuple[Any, ...]) -> None:
        if not self._closed:
            self._deliver([(data, Path(self.address, Address(addr[0], addr[1])))])

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._closed:
            self._closed = True
            self._lost(self)

    def send(self, data: bytes, remote: Address) -> None:
        if self._transport is not None and not self._closed:
            self._transport.sendto(data, remote)

    def close(self) -> None:
        """Give the allocation back."""
        self._closed = True
        if self._transport is not None:
            self._transport.close()
