"""What went over no network, as files: a run in virtual time, or a single packet, as pcapng and as a transcript."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from harness.capture import pcapng
from harness.capture.addresses import Address, AddressBook
from harness.capture.datagram import made_up
from harness.capture.export import exported_pdu
from harness.capture.frame import Frame
from harness.capture.pcapng import Link, Packet
from harness.results import Artefact
from peer.testing import Step

__all__ = ["BENT", "WATCHED", "files_of_packet", "files_of_run"]

#: The two sides of a run, by name.
BENT: Final = "bent"
WATCHED: Final = "watched"
_HOSTS: Final = {BENT: Address("192.0.2.1", 5000), WATCHED: Address("198.51.100.1", 5000)}
_OTHER: Final = {BENT: WATCHED, WATCHED: BENT}
# The most a UDP datagram holds, and the most lines that are worth reading.
_LONGEST: Final = 65_000
_MOST: Final = 5_000


def files_of_run(
    transcript: Sequence[Step], secrets: Iterable[str] = (), *, inner: str | None = None
) -> Mapping[str, str | bytes]:
    """`wire.pcapng` and `transcript.txt` of what the sides BENT and WATCHED said to each other.

    `secrets` are key log lines. `inner` is Wireshark's name of the protocol where datagrams are not those of UDP.
    """
    kept = transcript[:_MOST]
    packets = [
        _packet(step.side, step.data, step.time, inner, step.note)
        for step in kept
        if step.what in ("sent", "lost") and step.data
    ]
    return {
        Artefact.PCAPNG.file_name: pcapng.write(packets, secrets=list(dict.fromkeys(secrets))),
        "transcript.txt": "".join(f"{step}\n" for step in kept),
    }


def files_of_packet(data: bytes, protocol: str, comment: str) -> Mapping[str, str | bytes]:
    """`wire.pcapng` with one packet of a protocol that Wireshark knows by name."""
    return {Artefact.PCAPNG.file_name: pcapng.write([_packet(BENT, data, 0.0, protocol, comment)])}


def _packet(sender: str, data: bytes, time: float, inner: str | None, note: str) -> Packet:
    comments = [note] if note else []
    if len(data) > _LONGEST:
        comments.append(f"cut: it had {len(data)} bytes")
        data = data[:_LONGEST]
    around = b"" if inner else data
    frame = Frame(0, round(time * 1e9), made_up(_HOSTS[sender], _HOSTS[_OTHER[sender]], around), AddressBook())
    if inner is None:
        return Packet(frame.nanoseconds, frame.data, comments=tuple(comments))
    return Packet(frame.nanoseconds, exported_pdu(inner, frame, data), Link.UPPER_PDU, tuple(comments))
