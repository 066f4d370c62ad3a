"""The reference peer's own account: its trace, and the packets it stands for where raw sockets are refused."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final

from harness.capture.addresses import Address, AddressBook
from harness.capture.datagram import made_up
from harness.capture.keylog import KeyLog
from harness.capture.ring import RawPacket
from peer.trace import Direction, Entry, Layer, Secret

__all__ = ["Tap"]

_KEPT: Final = 200_000


class Tap:
    """Listens to the traces of the endpoints that run in this process.

    Secrets go into the key log, local addresses into the address book. `entries` keeps what each layer said, up to a
    bound; `discarded` counts what came after. With `emit`, each datagram becomes a packet: everything sent by a tapped
    endpoint, and everything received from one that isn't tapped, so that nothing is there twice.
    """

    def __init__(self, book: AddressBook, keylog: KeyLog, emit: Callable[[RawPacket], None] | None = None) -> None:
        self._book = book
        self._keylog = keylog
        self._emit = emit
        self._local: set[Address] = set()
        self._offset: float | None = None
        self.entries: list[tuple[str, Entry]] = []
        self.discarded = 0

    def sink(self, endpoint: str) -> Callable[[Entry | Secret], None]:
        """What to give a peer as its `trace`."""

        def listen(said: Entry | Secret) -> None:
            if isinstance(said, Secret):
                self._keylog.add(said.line)
                return
            if said.layer is Layer.DATAGRAM:
                self._datagram(endpoint, said)
            if len(self.entries) < _KEPT:
                self.entries.append((endpoint, said))
            else:
                self.discarded += 1

        return listen

    def _datagram(self, endpoint: str, entry: Entry) -> None:
        path = _path(entry.message)
        if path is None:
            return
        local, remote = path
        if local not in self._local:
            self._local.add(local)
            self._book.assign(endpoint, local.host, local.port)
        if self._emit is None:
            return
        if entry.direction is Direction.SENT:
            source, destination = local, remote
        elif remote in self._local:
            return
        else:
            source, destination = remote, local
        if self._offset is None:
            self._offset = time.time() - entry.time
        datagram = made_up(source, destination, entry.data)
        self._emit((round((entry.time + self._offset) * 1e9), datagram.header + datagram.payload))


def _path(message: Any) -> tuple[Address, Address] | None:
    """Local and remote address of a datagram's trace entry: its message is a path, or something that has one."""
    path = getattr(message, "path", message)
    local, remote = getattr(path, "local", None), getattr(path, "remote", None)
    if local is None or remote is None:
        return None
    return Address(str(local.host), int(local.port)), Address(str(remote.host), int(remote.port))
