"""Capture at full speed, on the loopback interface of this machine. Needs raw sockets."""

from __future__ import annotations

import socket
import struct
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from harness.capture import sniffer as sniffing
from harness.capture.datagram import from_ip
from harness.capture.ring import RawPacket, Ring
from harness.capture.sniffer import Sniffer, probe

ALLOWED, REASON = probe()
needs_raw_sockets = pytest.mark.skipif(not ALLOWED, reason=f"unsupported here: {REASON}")


@pytest.fixture
def sniffer() -> Iterator[Sniffer]:
    with Sniffer() as running:
        yield running


def payloads(packets: list[RawPacket], port: int) -> list[bytes]:
    datagrams = [from_ip(data) for _, data in packets]
    return [each.payload for each in datagrams if each is not None and each.destination.port == port]


@pytest.fixture(params=["127.0.0.1", "::1"])
def target(request: pytest.FixtureRequest) -> Iterator[socket.socket]:
    family = socket.AF_INET6 if ":" in request.param else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as sock:
        try:
            sock.bind((request.param, 0))
        except OSError as error:
            pytest.skip(f"unsupported here: {request.param} can't be bound: {error}")
        yield sock


@needs_raw_sockets
def test_each_datagram_on_loopback_is_seen_once_and_in_order(sniffer: Sniffer, target: socket.socket) -> None:
    seen: list[RawPacket] = []
    sniffer.attach(seen.extend)
    sent = [number.to_bytes(2, "big") for number in range(500)]
    for each in sent:
        target.sendto(each, target.getsockname())
    assert sniffer.sync()
    assert payloads(seen, target.getsockname()[1]) == sent
    assert sniffer.dropped == 0


@needs_raw_sockets
def test_timestamps_are_the_kernels(sniffer: Sniffer, target: socket.socket) -> None:
    seen: list[RawPacket] = []
    sniffer.attach(seen.extend)
    before = time.time_ns()
    target.sendto(b"now", target.getsockname())
    after = time.time_ns()
    assert sniffer.sync()
    port = target.getsockname()[1]
    (stamp,) = [each[0] for each in seen if payloads([each], port)]
    # The kernel reads a coarser clock than time_ns may: allow a tick.
    assert before - 10_000_000 <= stamp <= after + 10_000_000


@needs_raw_sockets
def test_tcp_is_left_out(sniffer: Sniffer) -> None:
    seen: list[RawPacket] = []
    sniffer.attach(seen.extend)
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as client:
        client.sendall(b"not a datagram")
    assert sniffer.sync()
    assert not [data for _, data in seen if from_ip(data) is None]


@needs_raw_sockets
def test_a_detached_listener_hears_no_more(sniffer: Sniffer, target: socket.socket) -> None:
    seen: list[RawPacket] = []
    sniffer.attach(seen.extend)
    sniffer.detach(seen.extend)
    target.sendto(b"late", target.getsockname())
    assert sniffer.sync()
    assert not seen


SENDER = """
import socket, sys, time
out = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
target = ("127.0.0.1", int(sys.argv[1]))
data, count = bytes(1000), int(sys.argv[2])
began = time.perf_counter()
for number in range(count):
    out.sendto(number.to_bytes(4, "big") + data, target)
print(count / (time.perf_counter() - began))
"""


@needs_raw_sockets
def test_nothing_is_lost_at_the_rate_one_process_can_send(sniffer: Sniffer) -> None:
    seen: list[RawPacket] = []
    sniffer.attach(seen.extend)
    count = 100_000
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as target:
        target.bind(("127.0.0.1", 0))
        port = target.getsockname()[1]
        command = [sys.executable, "-c", SENDER, str(port), str(count)]
        rate = float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        assert sniffer.sync(5.0)
        numbers = [struct.unpack_from("!I", each)[0] for each in payloads(seen, port)]
    assert numbers == list(range(count)), f"at {rate:.0f} packets/s"
    assert sniffer.dropped == 0


@needs_raw_sockets
def test_stopping_twice_and_starting_again_is_fine(target: socket.socket) -> None:
    sniffer = Sniffer()
    for _ in range(2):
        seen: list[RawPacket] = []
        sniffer.attach(seen.extend)
        sniffer.start()
        sniffer.start()
        target.sendto(b"again", target.getsockname())
        sniffer.stop()
        sniffer.stop()
        assert payloads(seen, target.getsockname()[1]) == [b"again"]
        sniffer.detach(seen.extend)
    assert not sniffer.sync()


def refuse(error: OSError) -> type[Ring]:
    class Refused(Ring):
        def __init__(self) -> None:
            raise error

    return Refused


@pytest.mark.parametrize(
    ("error", "words"),
    [(PermissionError(1, "not permitted"), "CAP_NET_RAW"), (OSError(97, "Address family not supported"), "family")],
)
def test_where_raw_sockets_are_refused_the_reason_is_told(
    monkeypatch: pytest.MonkeyPatch, error: OSError, words: str
) -> None:
    monkeypatch.setattr(sniffing, "Ring", refuse(error))
    possible, reason = probe()
    assert not possible
    assert words in reason


def test_a_capture_that_sees_nothing_is_no_capture(monkeypatch: pytest.MonkeyPatch) -> None:
    class Blind(Sniffer):
        def start(self) -> None: ...

        def sync(self, timeout: float = 5.0) -> bool:
            return False

    monkeypatch.setattr(sniffing, "Sniffer", Blind)
    possible, reason = probe()
    assert not possible
    assert "not seen" in reason
