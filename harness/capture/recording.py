"""The capture of one case, and the one place that decides how packets are captured.

with Capture.open() as capture:                       # once a run; capture.method is "af_packet" or "tap"
    with capture.record() as recording:               # once a case
        peer = RTCPeerConnection(trace=recording.sink("reference"))
        recording.book.learn_description("chromium", sdp)
        ...
        wire = recording.wire(ledger)
        recording.save(folder)
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final, Self

from harness.capture import export, pcapng
from harness.capture.addresses import AddressBook
from harness.capture.datagram import Datagram, from_ip
from harness.capture.dissector import Dissector
from harness.capture.frame import Frame, username_of
from harness.capture.items import Item
from harness.capture.keylog import KeyLog
from harness.capture.kinds import Kind, classify
from harness.capture.pcapng import Link
from harness.capture.ring import RawPacket
from harness.capture.sniffer import MARKER, Sniffer, opened
from harness.capture.tap import Tap
from harness.capture.wire import Statistics, Wire
from harness.results import Artefact
from harness.verdict import Ledger
from peer.trace import Entry, Secret

__all__ = ["Capture", "Recording", "Statistics"]

_DEFAULT_LIMIT: Final = 256 * 1024 * 1024
_DNS: Final = 53
_MDNS: Final = 5353
_STUN: Final = 3478


class Recording:
    """The packets of one case, its address book, its secrets and its traces. Get one from `Capture.record`.

    Other WebRTC sessions may run on the same machine at the same time. As soon as the address book knows a ufrag, only
    packets from or to an endpoint in the book are frames (and mDNS, where a candidate asks for it); before, everything
    that looks like WebRTC is. The decision is made once, when `frames` is first looked at after the packet came in: so
    tell the book before looking.
    """

    def __init__(self, sniffer: Sniffer | None, limit: int = _DEFAULT_LIMIT) -> None:
        self.book = AddressBook()
        self.keylog = KeyLog()
        self.tap = Tap(self.book, self.keylog, self._one if sniffer is None else None)
        self.dissector = Dissector(self.book, self.keylog)
        self._sniffer = sniffer
        self._limit = limit
        self._size = 0
        self._beyond = 0
        self._raw: list[RawPacket] = []
        self._lock = threading.Lock()
        self._frames: list[Frame] = []
        self._dropped_before = sniffer.dropped if sniffer else 0
        self._dropped: int | None = None
        if sniffer is not None:
            # What was sent before this moment may still be in the kernel's ring: it belongs to the case before.
            sniffer.sync()
            sniffer.attach(self._batch)

    @classmethod
    def load(cls, data: bytes) -> Self:
        """A recording from a `wire.pcapng` as `save` writes it: its IP packets and its secrets. Raises DecodeError."""
        contents = pcapng.read(data)
        recording = cls(None)
        for line in contents.secrets:
            recording.keylog.add(line)
        recording._batch([(each.nanoseconds, each.data) for each in contents.packets if each.link is Link.RAW_IP])
        return recording

    @property
    def method(self) -> str:
        return "tap" if self._sniffer is None else "af_packet"

    def sink(self, endpoint: str) -> Callable[[Entry | Secret], None]:
        """The trace sink for an endpoint of that name that runs in this process."""
        return self.tap.sink(endpoint)

    @property
    def frames(self) -> Sequence[Frame]:
        """All frames delivered so far, in order. Call `sync` first where the last few milliseconds matter."""
        with self._lock:
            fresh, self._raw = self._raw, []
            for nanoseconds, data in fresh:
                datagram = from_ip(data)
                if datagram is not None and self._is_ours(datagram):
                    self._frames.append(Frame(len(self._frames) + 1, nanoseconds, datagram, self.book))
        return self._frames

    def items(self) -> Sequence[tuple[Item, ...]]:
        """The messages in each of `frames`."""
        return self.dissector.items(self.frames)

    def wire(self, ledger: Ledger) -> Wire:
        """Assertions over these frames."""
        return Wire(self, ledger)

    def save(
        self, directory: Path, comments: Mapping[int, Sequence[str]] | None = None, *, brief: bool = False
    ) -> dict[str, Path]:
        """Write `wire.pcapng`, `wire.decrypted.pcapng` and `keys.log` into `directory`; returns their paths by name.

        `comments` are shown by Wireshark at the frames of these numbers; `brief` is for a case that passed (`export`).
        """
        self.sync()
        items, secrets = self.items(), self.keylog.tls_lines
        contents = {
            Artefact.PCAPNG: export.wire(self._frames, secrets, comments, brief=brief),
            Artefact.DECRYPTED_PCAPNG: export.decrypted(self._frames, items, secrets, comments, brief=brief),
            Artefact.KEYS: "".join(f"{line}\n" for line in self.keylog.lines).encode(),
        }
        written: dict[str, Path] = {}
        for artefact, content in contents.items():
            written[artefact.value] = directory / artefact.file_name
            written[artefact.value].write_bytes(content)
        return written

    def sync(self) -> None:
        """Wait until every packet sent before this call is in `frames`."""
        if self._sniffer is not None and self._dropped is None:
            self._sniffer.sync()

    @property
    def statistics(self) -> Statistics:
        dropped = self._dropped
        if dropped is None:
            dropped = self._sniffer.dropped - self._dropped_before if self._sniffer else 0
        return Statistics(len(self.frames), dropped, self._beyond)

    def close(self) -> None:
        """Stop adding packets; what there is stays."""
        if self._sniffer is not None and self._dropped is None:
            self._sniffer.sync()
            self._sniffer.detach(self._batch)
            self._dropped = self._sniffer.dropped - self._dropped_before

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _one(self, packet: RawPacket) -> None:
        self._batch((packet,))

    def _batch(self, packets: Sequence[RawPacket]) -> None:
        size = sum(len(data) for _, data in packets)
        if self._size + size > self._limit:
            self._beyond += len(packets)
            return
        self._size += size
        with self._lock:
            self._raw.extend(packets)

    def _is_ours(self, datagram: Datagram) -> bool:
        source, destination = datagram.source, datagram.destination
        if datagram.payload.startswith(MARKER):
            return False
        kind = classify(datagram.payload)
        if kind is Kind.STUN and (username := username_of(datagram.payload)) is not None:
            self.book.learn_username(source, destination, username)
        if self.book.owner(source) is not None or self.book.owner(destination) is not None:
            return True
        ports = {source.port, destination.port}
        if self.book.has_sessions or _DNS in ports:
            return _MDNS in ports and self.book.uses_mdns
        return kind is not Kind.OTHER or bool(ports & {_MDNS, _STUN})


class Capture:
    """How packets are captured in this process: `method` is "af_packet" or "tap", `reason` says why."""

    def __init__(self, sniffer: Sniffer | None, reason: str) -> None:
        self._sniffer = sniffer
        self.reason = reason

    @classmethod
    def open(cls, *, prefer_tap: bool = False) -> Capture:
        """Capture from the network where that is allowed, else from the peer's trace."""
        if prefer_tap:
            return cls(None, "the peer's datagram tap was asked for")
        return cls(*opened())

    @property
    def method(self) -> str:
        return "tap" if self._sniffer is None else "af_packet"

    def record(self, *, limit: int = _DEFAULT_LIMIT) -> Recording:
        """Begin the recording of a case. `limit` bounds its memory, in bytes of packets: the rest is counted."""
        return Recording(self._sniffer, limit)

    def close(self) -> None:
        if self._sniffer is not None:
            self._sniffer.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
