"""The kernel's receive ring by itself; `test_sniffer` has what it is for."""

from __future__ import annotations

import socket
import threading
import time

import pytest

from harness.capture.ring import Ring
from harness.capture.sniffer import probe

ALLOWED, REASON = probe()
pytestmark = pytest.mark.skipif(not ALLOWED, reason=f"unsupported here: {REASON}")


def test_a_packet_comes_out_of_the_ring() -> None:
    ring = Ring()
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.bind(("127.0.0.1", 0))
            sock.sendto(b"into the ring", sock.getsockname())
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline:
            if any(data.endswith(b"into the ring") for _, data in ring.read(100)):
                break
        else:
            pytest.fail("the packet was not seen")
        assert ring.dropped() == 0
    finally:
        ring.close()


def test_waking_ends_a_wait() -> None:
    ring = Ring()
    alarm = threading.Timer(0.05, ring.wake)
    try:
        began = time.monotonic()
        alarm.start()
        while not ring.read(5_000):
            if time.monotonic() - began >= 0.04:
                break
        assert time.monotonic() - began < 4
    finally:
        alarm.join()  # other traffic may have ended the wait: a ring that is closed can't be woken
        ring.close()


def test_a_closed_ring_frees_its_descriptors() -> None:
    for _ in range(50):
        Ring().close()
