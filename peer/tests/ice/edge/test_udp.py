"""The UDP socket, on loopback."""

from __future__ import annotations

import asyncio
import socket

import pytest

from peer.ice.agent import Address
from peer.ice.edge.udp import Batch, UdpSocket


class Catcher:
    def __init__(self) -> None:
        self.batches: list[Batch] = []
        self.arrived = asyncio.Event()

    def __call__(self, batch: Batch) -> None:
        self.batches.append(batch)
        self.arrived.set()

    @property
    def data(self) -> list[bytes]:
        return [data for batch in self.batches for data, _ in batch]

    async def until(self, count: int) -> None:
        async with asyncio.timeout(5):
            while len(self.data) < count:
                self.arrived.clear()
                await self.arrived.wait()


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
async def test_datagrams_arrive_in_batches_with_the_path_from_the_receivers_side(host: str) -> None:
    caught = Catcher()
    a, b = UdpSocket(host, Catcher()), UdpSocket(host, caught)
    for index in range(100):
        a.send(bytes([index]), b.address)
    await caught.until(100)
    assert caught.data == [bytes([index]) for index in range(100)]
    assert len(caught.batches) < 100
    path = caught.batches[0][0][1]
    assert (path.local, path.remote, path.protocol) == (b.address, a.address, "udp")
    a.close()
    b.close()


async def test_what_the_network_refuses_is_lost_and_the_socket_lives_on() -> None:
    caught = Catcher()
    a, b = UdpSocket("127.0.0.1", caught), UdpSocket("127.0.0.1", Catcher())
    a.send(b"x" * 70_000, b.address)  # longer than UDP allows
    a.send(b"into the void", Address("127.0.0.1", 1))
    await asyncio.sleep(0.01)  # an ICMP error comes back
    b.send(b"alive", a.address)
    await caught.until(1)
    assert caught.data == [b"alive"]
    a.close()
    b.close()


async def test_a_full_buffer_queues_and_the_order_stays() -> None:
    caught = Catcher()
    a, b = UdpSocket("127.0.0.1", Catcher()), UdpSocket("127.0.0.1", caught)

    class Full:
        """Stands in for a socket whose buffer is full at first."""

        def __init__(self, real: socket.socket) -> None:
            self.real = real
            self.full = True

        def sendto(self, data: bytes, address: tuple[str, int]) -> int:
            if self.full:
                raise BlockingIOError
            return self.real.sendto(data, address)

        def __getattr__(self, name: str) -> object:
            return getattr(self.real, name)

    full = Full(a._socket)
    a._socket = full  # type: ignore[assignment]  # a fake for one test
    for index in range(5):
        a.send(bytes([index]), b.address)
    full.full = False
    await caught.until(5)
    assert caught.data == [bytes([index]) for index in range(5)]
    a.close()
    b.close()


async def test_an_address_that_is_not_ours_cannot_be_bound() -> None:
    with pytest.raises(OSError, match="assign"):
        UdpSocket("203.0.113.77", Catcher())


async def test_close_is_final_and_may_be_repeated() -> None:
    udp = UdpSocket("127.0.0.1", Catcher())
    udp.close()
    udp.close()
    udp.send(b"late", Address("127.0.0.1", 9))
