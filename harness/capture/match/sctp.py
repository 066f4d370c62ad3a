"""SCTP chunks inside DTLS. They are seen where the secrets of the connection are known."""

from __future__ import annotations

from typing import Any, Final

from harness.capture.items import Part
from harness.capture.layers import sctp
from harness.capture.layers.base import type_of
from harness.capture.matcher import Matcher, fields

__all__ = [
    "abort",
    "chunk",
    "cookie_ack",
    "cookie_echo",
    "data",
    "error",
    "forward_tsn",
    "heartbeat",
    "heartbeat_ack",
    "i_data",
    "init",
    "init_ack",
    "packet",
    "reconfig",
    "sack",
    "shutdown",
    "shutdown_ack",
    "shutdown_complete",
]

_TYPES: Final = {name: code for code, name in sctp.CHUNK_TYPES.items()}


def packet() -> Matcher:
    """A whole SCTP packet; its scapy packet has the common header and `chunks`."""
    return Matcher("an SCTP packet", frozenset({Part.SCTP}))


def chunk(name: str) -> Matcher:
    """A chunk by its name in the RFC: "COOKIE ECHO"."""
    if name not in _TYPES:
        raise ValueError(f"no chunk is called {name!r}; known are {', '.join(_TYPES)}")
    return _chunk(name, {})


def _chunk(name: str, wanted: dict[str, Any]) -> Matcher:
    return fields(f"an SCTP {name} chunk", Part.CHUNK, {_TYPES[name]}, wanted)


def _initiation(
    name: str, outbound: int | None, inbound: int | None, supports: tuple[str, ...], forward_tsn: bool | None
) -> Matcher:
    codes = [_TYPES[each] for each in supports]

    def supported(packet: Any) -> bool:
        listed: list[int] = next(
            (
                each.chunk_types
                for each in packet.parameters
                if type_of(each) == 0x8008 and "chunk_types" in each.fields
            ),
            [],
        )
        return all(code in listed for code in codes)

    return _chunk(
        name,
        {
            "outbound_streams": (outbound, lambda packet: packet.outbound_streams),
            "inbound_streams": (inbound, lambda packet: packet.inbound_streams),
            f"supports {' and '.join(supports)}": (True if supports else None, supported),
            "forward_tsn": (forward_tsn, lambda packet: any(type_of(each) == 0xC000 for each in packet.parameters)),
        },
    )


def init(
    *,
    outbound_streams: int | None = None,
    inbound_streams: int | None = None,
    supports: tuple[str, ...] = (),
    forward_tsn: bool | None = None,
) -> Matcher:
    """INIT. `supports` names chunks its Supported Extensions lists, `forward_tsn` asks for Forward-TSN-Supported."""
    return _initiation("INIT", outbound_streams, inbound_streams, supports, forward_tsn)


def init_ack(
    *,
    outbound_streams: int | None = None,
    inbound_streams: int | None = None,
    supports: tuple[str, ...] = (),
    forward_tsn: bool | None = None,
) -> Matcher:
    """INIT ACK, as `init`."""
    return _initiation("INIT ACK", outbound_streams, inbound_streams, supports, forward_tsn)


def data(
    *,
    stream: int | None = None,
    ppid: int | None = None,
    unordered: bool | None = None,
    beginning: bool | None = None,
    ending: bool | None = None,
    tsn: int | None = None,
    payload: bytes | None = None,
) -> Matcher:
    """A DATA chunk."""
    return _chunk(
        "DATA",
        {
            "stream": (stream, lambda packet: packet.stream),
            "ppid": (ppid, lambda packet: packet.ppid),
            "unordered": (unordered, lambda packet: bool(packet.unordered)),
            "beginning": (beginning, lambda packet: bool(packet.beginning)),
            "ending": (ending, lambda packet: bool(packet.ending)),
            "tsn": (tsn, lambda packet: packet.tsn),
            "payload": (payload, lambda packet: bytes(packet.data)),
        },
    )


def i_data(*, stream: int | None = None) -> Matcher:
    """An I-DATA chunk (RFC 8260)."""
    return _chunk("I-DATA", {"stream": (stream, lambda packet: packet.stream)})


def sack(*, cumulative_tsn: int | None = None) -> Matcher:
    return _chunk("SACK", {"cumulative_tsn": (cumulative_tsn, lambda packet: packet.cumulative_tsn)})


def heartbeat() -> Matcher:
    return chunk("HEARTBEAT")


def heartbeat_ack() -> Matcher:
    return chunk("HEARTBEAT ACK")


def _with_cause(name: str, cause: int | None) -> Matcher:
    matcher = _chunk(name, {})
    if cause is None:
        return matcher
    words = f"with cause {cause} ({sctp.CAUSES.get(cause, 'unknown')})"
    return matcher.where(lambda packet: any(type_of(each) == cause for each in packet.parameters), words)


def abort(*, cause: int | None = None) -> Matcher:
    """ABORT, with an error cause of this code where given."""
    return _with_cause("ABORT", cause)


def error(*, cause: int | None = None) -> Matcher:
    """ERROR, with an error cause of this code where given."""
    return _with_cause("ERROR", cause)


def shutdown() -> Matcher:
    return chunk("SHUTDOWN")


def shutdown_ack() -> Matcher:
    return chunk("SHUTDOWN ACK")


def shutdown_complete() -> Matcher:
    return chunk("SHUTDOWN COMPLETE")


def cookie_echo() -> Matcher:
    return chunk("COOKIE ECHO")


def cookie_ack() -> Matcher:
    return chunk("COOKIE ACK")


def reconfig(*, resets: int | None = None, response: bool | None = None) -> Matcher:
    """RE-CONFIG (RFC 6525). `resets`: asks to reset this stream; `response`: has a Re-configuration Response."""
    return _chunk(
        "RE-CONFIG",
        {
            f"resets stream {resets}": (
                None if resets is None else True,
                lambda packet: any(
                    type_of(each) == 13 and resets in each.fields.get("streams", ()) for each in packet.parameters
                ),
            ),
            "response": (response, lambda packet: any(type_of(each) == 16 for each in packet.parameters)),
        },
    )


def forward_tsn() -> Matcher:
    return chunk("FORWARD TSN")
