"""Capture at full speed: a thread that moves raw packets, bytes and times only, from the ring to whoever listens."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import time
from collections.abc import Callable, Sequence
from typing import Final, Self, TypeAlias

from harness.capture.ring import RawPacket, Ring

__all__ = ["MARKER", "Listener", "Sniffer", "opened", "probe"]

Listener: TypeAlias = Callable[[Sequence[RawPacket]], None]
"""Called in the capture thread with each batch. It must not block and must not raise."""

MARKER: Final = b"peerproof capture marker "
_POLL_MS: Final = 100


class Sniffer:
    """The capture of one network namespace: start it once, attach a listener per case.

    Raises OSError from `start` when raw sockets are refused. `dropped` counts what the kernel threw away since `start`.
    """

    def __init__(self) -> None:
        self._listeners: tuple[Listener, ...] = ()
        self._ring: Ring | None = None
        self._thread: threading.Thread | None = None
        self._stopping = False
        self._awaited: dict[bytes, threading.Event] = {}
        self._lock = threading.Lock()
        self._dropped = 0

    @property
    def dropped(self) -> int:
        with self._lock:
            if self._ring is not None:
                self._dropped += self._ring.dropped()
            return self._dropped

    def start(self) -> None:
        if self._thread is not None:
            return
        self._ring = Ring()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, args=(self._ring,), name="capture", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the capture; what was already in the ring is delivered first."""
        if self._thread is None or self._ring is None:
            return
        self.sync()
        self._stopping = True
        self._ring.wake()
        self._thread.join()
        with self._lock:
            self._dropped += self._ring.dropped()
            self._ring.close()
            self._ring = None
        self._thread = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def attach(self, listener: Listener) -> None:
        self._listeners = (*self._listeners, listener)

    def detach(self, listener: Listener) -> None:
        self._listeners = tuple(each for each in self._listeners if each != listener)

    def sync(self, timeout: float = 5.0) -> bool:
        """Wait until everything sent before this call has been delivered to the listeners.

        A marked datagram sent over the loopback interface is the proof: packets leave the ring in order. False when it
        did not come back in `timeout` seconds.
        """
        if self._thread is None:
            return False
        token = MARKER + os.urandom(12)
        seen = self._awaited[token] = threading.Event()
        try:
            with contextlib.suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
                sock.bind(("127.0.0.1", 0))
                sock.sendto(token, sock.getsockname())
            return seen.wait(timeout)
        finally:
            del self._awaited[token]

    def _run(self, ring: Ring) -> None:
        while not self._stopping:
            packets = ring.read(_POLL_MS)
            if not packets:
                continue
            for listener in self._listeners:
                listener(packets)
            if self._awaited:
                self._settle(packets)

    def _settle(self, packets: Sequence[RawPacket]) -> None:
        markers = {data[28:] for _, data in packets if data[28:].startswith(MARKER)}
        for token, event in list(self._awaited.items()):
            if token in markers:
                event.set()


def opened() -> tuple[Sniffer | None, str]:
    """A running sniffer that was seen to work, or None; and a sentence that says why (not)."""
    try:
        sniffer = Sniffer()
        sniffer.start()
    except PermissionError:
        return None, "raw sockets are refused (CAP_NET_RAW is missing): run as root or with that capability"
    except (OSError, AttributeError) as error:
        return None, f"raw sockets are not available here: {error}"
    began = time.monotonic()
    if not sniffer.sync():
        sniffer.stop()
        return None, "a raw socket was opened, but a datagram over the loopback interface was not seen on it"
    return sniffer, f"AF_PACKET works: a datagram was seen after {(time.monotonic() - began) * 1000:.0f} ms"


def probe() -> tuple[bool, str]:
    """Whether packets can be captured here, and a sentence that says why (not). For `doctor`."""
    sniffer, reason = opened()
    if sniffer is not None:
        sniffer.stop()
    return sniffer is not None, reason
