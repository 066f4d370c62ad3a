"""A TURN server for cases (RFC 8656, by UDP): it relays, and errs where it is told to.

server = TurnServer(refuse=lambda request: ErrorCode(486, "Allocation Quota Reached"))
pc = await endpoint.peer_connection({"iceServers": [server.ice_server], "iceTransportPolicy": "relay"})
...
server.requests[0].message                    # what came, in order, indications too
server.close()
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

from peer.errors import DecodeError
from peer.ice.agent import Address
from peer.ice.edge import Batch
from peer.ice.edge.udp import UdpSocket
from peer.wire import stun
from peer.wire.stun import Attribute, AttributeType, Class, ErrorCode, Message, Method

__all__ = ["Asked", "TurnServer"]

REALM: Final = "peerproof.test"
USERNAME: Final = "peer"
PASSWORD: Final = "a password for everybody"  # noqa: S105 - guards nothing
_CHANNELS: Final = range(0x4000, 0x5000)
_ALLOCATIONS_LIMIT: Final = 64
_KEPT_LIMIT: Final = 4096


@dataclass(frozen=True, slots=True)
class Asked:
    """What a client said: `authentic` when its MESSAGE-INTEGRITY is right and its nonce is the present one."""

    message: Message
    source: Address
    authentic: bool

    @property
    def method(self) -> int:
        return self.message.method

    def value(self, kind: AttributeType) -> Any:
        """The value of an attribute, None where there is none."""
        found = self.message.find(kind)
        return found.value if found is not None else None


@dataclass(slots=True)
class _Allocation:
    """What a client was given. Permissions are by host, channels by number."""

    socket: UdpSocket
    permitted: set[str] = field(default_factory=set)
    channels: dict[int, Address] = field(default_factory=dict)


@dataclass(slots=True)
class TurnServer:
    """Listens on a UDP port of `host`. Needs a running event loop.

    `stale` says of an authentic request whether the nonce has just become stale. `refuse` may give one an error
    instead of its answer; with 300 goes `alternate`. `answer` changes what is answered (a message, or bytes).
    `lifetime` is what every allocation is given, in seconds. Nothing expires.
    """

    host: str = "127.0.0.1"
    lifetime: int = 600
    refuse: Callable[[Message], ErrorCode | None] = lambda _: None
    alternate: Address | None = None
    stale: Callable[[Message], bool] = lambda _: False
    answer: Callable[[Message], Iterable[Message | bytes]] = lambda message: (message,)
    requests: list[Asked] = field(default_factory=list)
    _nonce: str = field(default_factory=lambda: os.urandom(8).hex())
    _allocations: dict[Address, _Allocation] = field(default_factory=dict)
    _news: asyncio.Event = field(default_factory=asyncio.Event)
    _socket: UdpSocket = field(init=False)

    def __post_init__(self) -> None:
        self._socket = UdpSocket(self.host, self._receive)

    @property
    def address(self) -> Address:
        return self._socket.address

    @property
    def url(self) -> str:
        return f"turn:{self.host}:{self.address.port}?transport=udp"

    @property
    def ice_server(self) -> dict[str, Any]:
        """For `iceServers`."""
        return {"urls": [self.url], "username": USERNAME, "credential": PASSWORD}

    @property
    def relayed(self) -> list[Address]:
        """The addresses that are allocated now."""
        return [allocation.socket.address for allocation in self._allocations.values()]

    def asked(self, method: Method, *, authentic: bool | None = None) -> list[Asked]:
        """What came of one method, in order."""
        return [one for one in self.requests if one.method == method and authentic in (None, one.authentic)]

    async def hear(self, method: Method, look: Callable[[Asked], bool], timeout: float = 5.0) -> Asked:
        """The first authentic request of a method that `look` is true of. Raises `TimeoutError`."""
        async with asyncio.timeout(timeout):
            while True:
                for one in self.asked(method, authentic=True):
                    if look(one):
                        return one
                self._news.clear()
                await self._news.wait()

    def close(self) -> None:
        self._socket.close()
        for allocation in self._allocations.values():
            allocation.socket.close()
        self._allocations.clear()

    # -- from clients ------------------------------------------------------------------------------------------------

    def _receive(self, batch: Batch) -> None:
        for data, path in batch:
            if len(data) >= 4 and 0x40 <= data[0] < 0x50:
                self._forward_channel(data, path.remote)
                continue
            try:
                message = stun.parse(data)
            except DecodeError:
                continue
            if len(self.requests) < _KEPT_LIMIT:
                self.requests.append(Asked(message, path.remote, self._refusal(message, data) is None))
                self._news.set()
            if message.message_class is Class.REQUEST:
                self._judge(message, data, path.remote)
            elif message.message_class is Class.INDICATION and message.method == Method.SEND:
                self._forward_indication(message, path.remote)

    @property
    def _key(self) -> bytes:
        return stun.long_term_key(USERNAME, REALM, PASSWORD)

    def _refusal(self, message: Message, data: bytes) -> ErrorCode | None:
        """RFC 8489 section 9.2.4; a Binding needs no credentials."""
        if message.method == Method.BINDING:
            return None
        nonce = message.find(AttributeType.NONCE)
        if not stun.has_valid_integrity(data, self._key) or nonce is None:
            return ErrorCode(401, "Unauthenticated")
        return ErrorCode(438, "Stale Nonce") if nonce.value != self._nonce else None

    def _judge(self, message: Message, data: bytes, client: Address) -> None:
        challenge = self._refusal(message, data)
        if challenge is None and self.stale(message):
            self._nonce = os.urandom(8).hex()
            challenge = self._refusal(message, data)
        error = challenge or self.refuse(message)
        if error is not None:
            attributes = [Attribute(AttributeType.ERROR_CODE, error)]
            if challenge is not None:
                attributes += [Attribute(AttributeType.REALM, REALM), Attribute(AttributeType.NONCE, self._nonce)]
            if error.code == 300 and self.alternate is not None:
                attributes.append(Attribute(AttributeType.ALTERNATE_SERVER, self.alternate))
            self._respond(message, client, Class.ERROR, attributes, signed=challenge is None)
            return
        attributes = [Attribute(AttributeType.XOR_MAPPED_ADDRESS, client)]
        allocation = self._allocations.get(client)
        peer = message.address(AttributeType.XOR_PEER_ADDRESS)
        match message.method:
            case Method.ALLOCATE:
                if len(self._allocations) >= _ALLOCATIONS_LIMIT:
                    return
                attributes += self._allocate(client)
            case Method.REFRESH:
                lifetime = message.find(AttributeType.LIFETIME)
                ended = lifetime is not None and lifetime.value == 0
                if ended and allocation is not None:
                    self._allocations.pop(client).socket.close()
                attributes = [Attribute(AttributeType.LIFETIME, 0 if ended else self.lifetime)]
            case Method.CREATE_PERMISSION | Method.CHANNEL_BIND if allocation is not None and peer is not None:
                allocation.permitted.add(peer.host)
                number = message.find(AttributeType.CHANNEL_NUMBER)
                if number is not None and isinstance(number.value, int) and number.value in _CHANNELS:
                    allocation.channels[number.value] = Address(*peer)
                attributes = []
        self._respond(message, client, Class.SUCCESS, attributes, signed=message.method != Method.BINDING)

    def _allocate(self, client: Address) -> list[Attribute]:
        if client not in self._allocations:
            relayed = UdpSocket(self.host, partial(self._from_peers, client))
            self._allocations[client] = _Allocation(relayed)
        return [
            Attribute(AttributeType.XOR_RELAYED_ADDRESS, self._allocations[client].socket.address),
            Attribute(AttributeType.LIFETIME, self.lifetime),
        ]

    def _respond(
        self, request: Message, client: Address, kind: Class, attributes: list[Attribute], *, signed: bool
    ) -> None:
        key = self._key if signed else None
        answer = Message(request.method, kind, request.transaction_id, tuple(attributes), integrity_key=key)
        for out in self.answer(answer):
            self._socket.send(bytes(out), client)

    # -- data --------------------------------------------------------------------------------------------------------

    def _forward_indication(self, message: Message, client: Address) -> None:
        allocation = self._allocations.get(client)
        peer, data = message.address(AttributeType.XOR_PEER_ADDRESS), message.find(AttributeType.DATA)
        if allocation is None or peer is None or data is None or peer.host not in allocation.permitted:
            return
        if isinstance(data.value, bytes):
            allocation.socket.send(data.value, Address(*peer))

    def _forward_channel(self, data: bytes, client: Address) -> None:
        allocation = self._allocations.get(client)
        number, length = int.from_bytes(data[:2], "big"), int.from_bytes(data[2:4], "big")
        if allocation is not None and number in allocation.channels:
            allocation.socket.send(data[4 : 4 + length], allocation.channels[number])

    def _from_peers(self, client: Address, batch: Batch) -> None:
        allocation = self._allocations.get(client)
        for data, path in batch:
            if allocation is None or path.remote.host not in allocation.permitted:
                continue
            number = next((one for one, peer in allocation.channels.items() if peer == path.remote), None)
            if number is not None:
                self._socket.send(number.to_bytes(2, "big") + len(data).to_bytes(2, "big") + data, client)
                continue
            attributes = (
                Attribute(AttributeType.XOR_PEER_ADDRESS, path.remote),
                Attribute(AttributeType.DATA, data),
            )
            indication = Message(Method.DATA, Class.INDICATION, os.urandom(12), attributes)
            self._socket.send(indication.serialize(), client)
