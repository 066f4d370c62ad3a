"""A UDP socket on the event loop: read until dry, deliver in batches, send at once."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import sys
from collections import deque
from collections.abc import Callable
from typing import Final, TypeAlias

from peer.ice.agent import Address, Path

__all__ = ["Batch", "UdpSocket", "link_mtu"]

Batch: TypeAlias = list[tuple[bytes, Path]]

_DATAGRAM_SIZE: Final = 65_535
"""The allocator cuts a buffer of this size down as fast as one of 2 KiB; one of 256 KiB is mapped each time."""
_BATCH_LIMIT: Final = 256
"""Datagrams read before other sockets and timers get their turn."""
_QUEUE_LIMIT: Final = 4096
_BUFFER_SIZE: Final = 1 << 21
_KNOWN_PATHS: Final = 1024
# <linux/in.h> and <linux/in6.h>: the MTU of the route a connected socket takes. The `socket` module lacks them.
_IP_MTU: Final = 14
_IPV6_MTU: Final = 24


class UdpSocket:
    """Bound to one address. `deliver` gets all datagrams that were waiting, in one list."""

    def __init__(self, host: str, deliver: Callable[[Batch], None], *, port: int = 0) -> None:
        """Binds at once. Raises `OSError` when the address can't be bound."""
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._socket = socket.socket(family, socket.SOCK_DGRAM)
        try:
            self._socket.setblocking(False)
            for option in (socket.SO_RCVBUF, socket.SO_SNDBUF):
                self._socket.setsockopt(socket.SOL_SOCKET, option, _BUFFER_SIZE)
            if family == socket.AF_INET6:
                self._socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            self._socket.bind((host, port))
        except OSError:
            self._socket.close()
            raise
        self.address = Address(host, self._socket.getsockname()[1])
        self._deliver = deliver
        self._paths: dict[tuple[str, int] | tuple[str, int, int, int], Path] = {}
        self._waiting: deque[tuple[bytes, Address]] = deque()
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._socket.fileno(), self._read)
        self._open = True

    def _read(self) -> None:
        batch: Batch = []
        receive, paths = self._socket.recvfrom, self._paths
        try:
            for _ in range(_BATCH_LIMIT):
                data, source = receive(_DATAGRAM_SIZE)
                path = paths.get(source)
                if path is None:
                    path = self._new_path(source)
                batch.append((data, path))
        except (BlockingIOError, InterruptedError):
            pass
        except OSError:
            # ECONNREFUSED and its like: an ICMP error for something sent earlier. The checks find out by themselves.
            pass
        if batch:
            self._deliver(batch)

    def _new_path(self, source: tuple[str, int] | tuple[str, int, int, int]) -> Path:
        if len(self._paths) >= _KNOWN_PATHS:
            self._paths.clear()
        path = Path(self.address, Address(source[0].split("%", 1)[0], source[1]), "udp")
        self._paths[source] = path
        return path

    def send(self, data: bytes, remote: Address) -> None:
        """Send one datagram. What the network refuses is lost, as datagrams may be."""
        if self._waiting:
            self._enqueue(data, remote)
            return
        try:
            self._socket.sendto(data, remote)
        except (BlockingIOError, InterruptedError):
            self._enqueue(data, remote)
            self._loop.add_writer(self._socket.fileno(), self._flush)
        except OSError:
            pass

    def _enqueue(self, data: bytes, remote: Address) -> None:
        if len(self._waiting) < _QUEUE_LIMIT and self._open:
            self._waiting.append((data, remote))

    def _flush(self) -> None:
        while self._waiting:
            data, remote = self._waiting[0]
            try:
                self._socket.sendto(data, remote)
            except (BlockingIOError, InterruptedError):
                return
            except OSError:
                pass
            self._waiting.popleft()
        self._loop.remove_writer(self._socket.fileno())

    def close(self) -> None:
        if not self._open:
            return
        self._open = False
        self._waiting.clear()
        with contextlib.suppress(RuntimeError):  # the loop may be closed already
            self._loop.remove_reader(self._socket.fileno())
            self._loop.remove_writer(self._socket.fileno())
        self._socket.close()


def link_mtu(path: Path) -> int | None:
    """The largest IP packet that the first link of a path takes, as the kernel has it. None where it can't say."""
    level, option = (socket.IPPROTO_IPV6, _IPV6_MTU) if ":" in path.local.host else (socket.IPPROTO_IP, _IP_MTU)
    family = socket.AF_INET6 if ":" in path.local.host else socket.AF_INET
    if sys.platform != "linux":
        return None
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as route:
            route.bind((path.local.host, 0))
            route.connect(path.remote)
            return route.getsockopt(level, option)
    except OSError:
        return None
