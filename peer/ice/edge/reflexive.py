"""Asking a STUN server how it sees us (RFC 8489 section 6.2.1), over the socket of a host candidate."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from typing import Final

from peer.errors import DecodeError
from peer.ice.agent import Address, timing
from peer.wire import stun

__all__ = ["ReflexiveQuery", "StunFailure"]

_ALLOWED: Final = frozenset({int(stun.AttributeType.MAPPED_ADDRESS), int(stun.AttributeType.XOR_MAPPED_ADDRESS)})


class StunFailure(Exception):
    """A server that refused or didn't answer: `code` as in W3C's icecandidateerror."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(f"{code} {text}")
        self.code, self.text = code, text


class ReflexiveQuery:
    """One Binding request to one server, sent again until an answer comes or `timeout` seconds have gone by.

    The owner of the socket offers every STUN datagram to `take`, which says whether it was the answer.
    """

    def __init__(self, send: Callable[[bytes], None], timeout: float) -> None:
        message = stun.Message(stun.Method.BINDING, stun.Class.REQUEST, os.urandom(12), fingerprint=True)
        self._data = message.serialize()
        self._transaction_id = message.transaction_id
        self._send = send
        self._timeout = timeout
        self._answer: asyncio.Future[stun.Message] = asyncio.get_running_loop().create_future()

    def take(self, data: bytes) -> bool:
        """Whether a datagram is the answer to this query; then it is consumed."""
        if data[8:20] != self._transaction_id:
            return False
        try:
            message = stun.parse(data)
        except DecodeError:
            return False
        if message.message_class not in (stun.Class.SUCCESS, stun.Class.ERROR):
            return False
        if not self._answer.done():
            self._answer.set_result(message)
        return True

    async def run(self) -> Address:
        """The mapped address. Raises `StunFailure`."""
        try:
            async with asyncio.timeout(self._timeout):
                message = await self._ask()
        except TimeoutError:
            raise StunFailure(701, "STUN binding request timed out.") from None
        if message.message_class is stun.Class.ERROR:
            error = message.error or stun.ErrorCode(500, "no ERROR-CODE")
            raise StunFailure(error.code, error.reason)
        if message.mapped_address is None or message.unknown_required(_ALLOWED):
            raise StunFailure(701, "STUN server answered without a mapped address.")
        return Address(*message.mapped_address)

    async def _ask(self) -> stun.Message:
        wait = timing.RTO_MINIMUM
        for attempt in range(timing.RC):
            self._send(self._data)
            last = attempt == timing.RC - 1
            done, _ = await asyncio.wait([self._answer], timeout=timing.RM * timing.RTO_MINIMUM if last else wait)
            if done:
                return self._answer.result()
            wait *= 2
        raise TimeoutError
