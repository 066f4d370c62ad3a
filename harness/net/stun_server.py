"""A STUN server for tests: it tells the truth, a lie, an error, or nothing."""

from __future__ import annotations

from dataclasses import dataclass, field

from peer.errors import DecodeError
from peer.ice.agent import Address
from peer.ice.edge import Batch, IceServer, ServerUrl
from peer.ice.edge.udp import UdpSocket
from peer.wire import stun

__all__ = ["StunServer"]


@dataclass(slots=True)
class StunServer:
    """Answers Binding requests on a UDP port of `host`. Needs a running event loop.

    `mapped` is told to everybody instead of their own address; `error` refuses; `deaf` ignores that many requests
    first. `requests` holds what came, with the address it came from.
    """

    host: str = "127.0.0.1"
    mapped: Address | None = None
    error: stun.ErrorCode | None = None
    deaf: int = 0
    requests: list[tuple[stun.Message, Address]] = field(default_factory=list)
    _socket: UdpSocket = field(init=False)

    def __post_init__(self) -> None:
        self._socket = UdpSocket(self.host, self._receive)

    @property
    def address(self) -> Address:
        return self._socket.address

    @property
    def ice_server(self) -> IceServer:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return IceServer((ServerUrl.parse(f"stun:{host}:{self.address.port}"),))

    def _receive(self, batch: Batch) -> None:
        for data, path in batch:
            try:
                request = stun.parse(data)
            except DecodeError:
                continue
            if request.method == stun.Method.BINDING and request.message_class is stun.Class.REQUEST:
                self.requests.append((request, path.remote))
                self._answer(request, path.remote)

    def _answer(self, request: stun.Message, source: Address) -> None:
        if len(self.requests) <= self.deaf:
            return
        if self.error is not None:
            kind, attribute = stun.Class.ERROR, stun.Attribute(stun.AttributeType.ERROR_CODE, self.error)
        else:
            mapped = self.mapped if self.mapped is not None else source
            kind, attribute = stun.Class.SUCCESS, stun.Attribute(stun.AttributeType.XOR_MAPPED_ADDRESS, mapped)
        answer = stun.Message(request.method, kind, request.transaction_id, (attribute,), fingerprint=True)
        self._socket.send(answer.serialize(), source)

    def close(self) -> None:
        self._socket.close()
