"""TCP candidates (RFC 6544): passive ones listen, active ones call; datagrams are framed as RFC 4571 says."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Coroutine
from typing import Any, Final

from peer.ice.agent import Address, Path
from peer.ice.edge.udp import Batch

__all__ = ["ACTIVE_PORT", "ActiveTcp", "PassiveTcp", "split_frames"]

ACTIVE_PORT: Final = 9
"""RFC 6544 section 4.5: an active candidate has no port of its own yet, and says 9."""
_WAITING_LIMIT: Final = 64
_CONNECTIONS_LIMIT: Final = 256
_BACKLOG_LIMIT: Final = 1 << 22


def split_frames(buffer: bytearray) -> list[bytes]:
    """Take the complete frames off the front of a buffer: two bytes of length, then the datagram (RFC 4571)."""
    frames = []
    offset = 0
    while len(buffer) - offset >= 2:
        end = offset + 2 + int.from_bytes(buffer[offset : offset + 2], "big")
        if end > len(buffer):
            break
        frames.append(bytes(buffer[offset + 2 : end]))
        offset = end
    del buffer[:offset]
    return frames


class _Connection(asyncio.Protocol):
    """One TCP connection. `local` is the base the agent knows, which for an active candidate isn't the real port."""

    def __init__(
        self, local: Address, deliver: Callable[[Batch], None], changed: Callable[[_Connection], None]
    ) -> None:
        self._local = local
        self._deliver = deliver
        self._changed = changed
        self._buffer = bytearray()
        self._transport: asyncio.Transport | None = None
        self.remote = Address("", 0)
        self.is_open = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if not isinstance(transport, asyncio.Transport):
            raise TypeError("a stream transport was expected")
        self._transport = transport
        self.remote = Address(*transport.get_extra_info("peername")[:2])
        raw = transport.get_extra_info("socket")
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.is_open = True
        self._changed(self)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        path = Path(self._local, self.remote, "tcp")
        batch = [(frame, path) for frame in split_frames(self._buffer)]
        if batch:
            self._deliver(batch)

    def connection_lost(self, exc: Exception | None) -> None:
        self.is_open = False
        self._changed(self)

    def send(self, data: bytes) -> None:
        if self._transport is None or len(data) > 0xFFFF:
            return
        if self._transport.get_write_buffer_size() < _BACKLOG_LIMIT:
            self._transport.write(len(data).to_bytes(2, "big") + data)

    def close(self) -> None:
        if self._transport is not None:
            self._transport.abort()


class PassiveTcp:
    """A listening socket; what comes in is answered on the same connection."""

    def __init__(self, host: str, deliver: Callable[[Batch], None]) -> None:
        """Binds at once. Raises `OSError` when the address can't be bound."""
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._socket = socket.socket(family, socket.SOCK_STREAM)
        try:
            self._socket.setblocking(False)
            self._socket.bind((host, 0))
            self._socket.listen()
        except OSError:
            self._socket.close()
            raise
        self.address = Address(host, self._socket.getsockname()[1])
        self._deliver = deliver
        self._connections: dict[Address, _Connection] = {}
        self._server: asyncio.Server | None = None

    async def serve(self) -> None:
        """Accept connections from now on."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: _Connection(self.address, self._deliver, self._changed), sock=self._socket
        )

    def _changed(self, connection: _Connection) -> None:
        if not connection.is_open:
            self._connections.pop(connection.remote, None)
        elif len(self._connections) < _CONNECTIONS_LIMIT:
            self._connections[connection.remote] = connection
        else:
            connection.close()

    def send(self, data: bytes, remote: Address) -> None:
        connection = self._connections.get(remote)
        if connection is not None:
            connection.send(data)

    def close(self) -> None:
        if self._server is not None:
            self._server.close()
        self._socket.close()
        for connection in list(self._connections.values()):
            connection.close()
        self._connections.clear()


class ActiveTcp:
    """Calls whoever something is sent to, from one address; what is sent meanwhile waits for the connection."""

    def __init__(
        self, host: str, deliver: Callable[[Batch], None], start: Callable[[Coroutine[Any, Any, None]], None]
    ) -> None:
        self.address = Address(host, ACTIVE_PORT)
        self._deliver = deliver
        self._start = start
        self._connections: dict[Address, _Connection] = {}
        self._waiting: dict[Address, list[bytes]] = {}

    def send(self, data: bytes, remote: Address) -> None:
        connection = self._connections.get(remote)
        if connection is not None:
            connection.send(data)
            return
        calling = remote in self._waiting
        if not calling and len(self._waiting) + len(self._connections) >= _CONNECTIONS_LIMIT:
            return
        waiting = self._waiting.setdefault(remote, [])
        if len(waiting) < _WAITING_LIMIT:
            waiting.append(data)
        if not calling:
            self._start(self._call(remote))

    async def _call(self, remote: Address) -> None:
        loop = asyncio.get_running_loop()
        try:
            await loop.create_connection(
                lambda: _Connection(self.address, self._deliver, self._changed),
                remote.host,
                remote.port,
                local_addr=(self.address.host, 0),
            )
        except OSError:
            self._waiting.pop(remote, None)  # the next check calls again

    def _changed(self, connection: _Connection) -> None:
        if not connection.is_open:
            self._connections.pop(connection.remote, None)
            return
        self._connections[connection.remote] = connection
        for data in self._waiting.pop(connection.remote, []):
            connection.send(data)

    def close(self) -> None:
        self._waiting.clear()
        for connection in list(self._connections.values()):
            connection.close()
        self._connections.clear()
