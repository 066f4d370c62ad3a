"""Relayed candidates: an allocation on a TURN server (RFC 8656), by aioice's client over UDP, TCP or TLS."""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from aioice import stun as aioice_stun
from aioice import turn

from peer.errors import DecodeError
from peer.ice.agent import Address, Path
from peer.ice.agent.context import Transform, identity
from peer.ice.edge.reflexive import StunFailure
from peer.ice.edge.servers import ServerUrl
from peer.ice.edge.udp import Batch
from peer.trace import Direction, Entry, Layer, Sink
from peer.wire import stun

__all__ = ["Relay"]

_TRY_ALTERNATE: Final = 300
_STALE_NONCE: Final = 438
_ALTERNATES_LIMIT: Final = 3
"""How often one server may send us to the next: they could send us round in circles."""
_BUFFER_SIZE: Final = 1 << 21
_TRAILERS: Final = (stun.AttributeType.MESSAGE_INTEGRITY, stun.AttributeType.FINGERPRINT)


class _Seam(turn.TurnClientMixin):
    """What aioice's client says goes through our transform, and what both sides say to the trace."""

    transform: Transform = staticmethod(identity)
    trace: Sink | None = None
    alternate: Address | None = None

    async def request_with_retry(self, request: aioice_stun.Message) -> tuple[aioice_stun.Message, tuple[str, int]]:
        """As aioice's, but a nonce may be stale although it has only just been given (RFC 8489 section 9.2.5)."""
        try:
            return await super().request_with_retry(request)
        except aioice_stun.TransactionFailed as failure:
            if failure.response.error_code != _STALE_NONCE or "NONCE" not in failure.response.attributes:
                raise
            self.nonce = failure.response.attributes["NONCE"]
            request.transaction_id = os.urandom(12)
            return await super().request_with_retry(request)

    def send_stun(self, message: aioice_stun.Message, addr: tuple[str, int]) -> None:
        said = stun.parse(bytes(message))
        # Integrity is computed again, so that whoever changes the message doesn't break it without wanting to.
        key = self.integrity_key if stun.AttributeType.MESSAGE_INTEGRITY in said else None
        kept = tuple(one for one in said.attributes if one.type not in _TRAILERS)
        fingerprint = stun.AttributeType.FINGERPRINT in said
        for out in self.transform(replace(said, attributes=kept, integrity_key=key, fingerprint=fingerprint)):
            data = out if isinstance(out, bytes) else out.serialize()
            self._note(Direction.SENT, out if isinstance(out, stun.Message) else None, data, addr)
            self._send(data)

    def datagram_received(self, data: bytes | str, addr: tuple[str, int]) -> None:
        if isinstance(data, bytes) and stun.is_stun(data):
            try:
                heard = stun.parse(data)
            except DecodeError:
                self._note(Direction.DISCARDED, None, data, addr)
                return
            self._note(Direction.RECEIVED, heard, data, addr)
            alternate = heard.address(stun.AttributeType.ALTERNATE_SERVER)
            if heard.error is not None and heard.error.code == _TRY_ALTERNATE and alternate is not None:
                self.alternate = Address(*alternate)
        super().datagram_received(data, addr)

    def _note(self, direction: Direction, message: stun.Message | None, data: bytes, addr: tuple[str, int]) -> None:
        if self.trace is not None:
            now = asyncio.get_running_loop().time()
            self.trace(Entry(now, Layer.TURN, direction, message, data, str(Address(*addr[:2]))))


class _Udp(_Seam, turn.TurnClientUdpProtocol):
    pass


class _Tcp(_Seam, turn.TurnClientTcpProtocol):
    pass


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
        transform: Transform = identity,
        trace: Sink | None = None,
    ) -> Relay:
        """Ask a server for an allocation, and whomever it names instead of itself. Raises `StunFailure`."""
        relay = cls(deliver, lost)

        def client(server: tuple[str, int]) -> _Udp | _Tcp:
            made = (_Tcp if url.transport == "tcp" else _Udp)(
                server, username, credential, turn.DEFAULT_ALLOCATION_LIFETIME, turn.DEFAULT_CHANNEL_REFRESH_TIME
            )
            made.transform, made.trace = transform, trace
            return made

        server = Address(url.host, url.port)
        try:
            async with asyncio.timeout(timeout):
                for _ in range(_ALTERNATES_LIMIT):
                    alternate = await relay._ask(server, url, client, tls)
                    if alternate is None:
                        return relay
                    server = alternate
        except aioice_stun.TransactionFailed as failure:
            code, text = failure.response.attributes.get("ERROR-CODE", (500, ""))
            raise StunFailure(code, text) from None
        except (aioice_stun.TransactionTimeout, TimeoutError):
            raise StunFailure(701, "TURN allocate request timed out.") from None
        except (OSError, ssl.SSLError) as error:
            raise StunFailure(701, f"TURN server can't be reached: {error.strerror or error}") from None
        raise StunFailure(_TRY_ALTERNATE, "TURN servers that name one another.")

    async def _ask(
        self,
        server: Address,
        url: ServerUrl,
        client: Callable[[tuple[str, int]], _Udp | _Tcp],
        tls: ssl.SSLContext | None,
    ) -> Address | None:
        """Ask one server: None when it has given an allocation, else whom it names instead."""
        inner = await _connected(server, url, client, tls)
        transport = turn.TurnTransport(inner)
        try:
            await transport._connect(self)
        except BaseException as failure:
            inner.transport.close()  # else its socket would leak
            if isinstance(failure, aioice_stun.TransactionFailed) and inner.alternate is not None:
                return inner.alternate
            raise
        self._transport = transport
        self.address = Address(*transport.get_extra_info("sockname")[:2])
        related = transport.get_extra_info("related_address")
        self.mapped = Address(*related[:2]) if related else None
        return None

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


async def _connected(
    server: Address, url: ServerUrl, client: Callable[[tuple[str, int]], _Udp | _Tcp], tls: ssl.SSLContext | None
) -> _Udp | _Tcp:
    """A client with a socket towards a server."""
    loop = asyncio.get_running_loop()
    made = client(server)
    if url.transport == "tcp":
        secure: ssl.SSLContext | bool | None = (tls if tls is not None else True) if url.is_secure else None
        name = url.host if url.is_secure else None
        await loop.create_connection(lambda: made, server.host, server.port, ssl=secure, server_hostname=name)
    else:
        await loop.create_datagram_endpoint(lambda: made, remote_addr=server)
        made.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER_SIZE)
    return made
