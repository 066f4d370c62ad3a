"""DTLS records and handshake messages."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from harness.capture.items import Part
from harness.capture.layers.base import type_of
from harness.capture.layers.dtls import ALERTS, HANDSHAKE_TYPES
from harness.capture.matcher import Matcher, fields

__all__ = [
    "ack",
    "alert",
    "anything",
    "application_data",
    "change_cipher_spec",
    "client_hello",
    "finished",
    "fragment",
    "handshake",
    "protected",
    "server_hello",
]

_EVERYTHING: Final = frozenset(
    {
        Part.HANDSHAKE,
        Part.FRAGMENT,
        Part.CHANGE_CIPHER_SPEC,
        Part.ALERT,
        Part.ACK,
        Part.APPLICATION_DATA,
        Part.CLOSED,
    }
)
_TYPES: Final = {name: code for code, name in HANDSHAKE_TYPES.items()}
_ALERT_CODES: Final = {name: code for code, name in ALERTS.items()}
_APPLICATION_DATA: Final = 23
_USE_SRTP: Final = 14


def anything() -> Matcher:
    """Any DTLS record, opened or not."""
    return Matcher("a DTLS record", _EVERYTHING)


def handshake(name: str | None = None, *, retransmitted: bool | None = None, message_seq: int | None = None) -> Matcher:
    """A whole handshake message, put together from its fragments, in the frame that completes it.

    `name` is its name in the RFC, "ServerHello"; `retransmitted` asks whether it had been complete before.
    """
    if name is not None and name not in _TYPES and name != "HelloRetryRequest":
        raise ValueError(f"no handshake message is called {name!r}; known are {', '.join(sorted(_TYPES))}")
    codes = None if name is None else {_TYPES["ServerHello" if name == "HelloRetryRequest" else name]}
    matcher = fields(
        f"a DTLS {name or 'handshake message'}",
        Part.HANDSHAKE,
        codes,
        {"message_seq": (message_seq, lambda packet: packet.message_seq)},
    )
    if name in ("ServerHello", "HelloRetryRequest"):
        matcher = replace(matcher, test=_and(matcher.test, lambda _, item: item.packet.title == name))
    if retransmitted is not None:
        words = f"{matcher.words} ({'sent again' if retransmitted else 'sent the first time'})"
        matcher = replace(matcher, words=words, test=_and(matcher.test, lambda _, item: item.again is retransmitted))
    return matcher


def _and(first: Any, second: Any) -> Any:
    return second if first is None else lambda frame, item: first(frame, item) and second(frame, item)


def _values(extension: int, field: str) -> Any:
    def read(packet: Any) -> list[int]:
        found = packet.extension(extension)
        return [] if found is None or field not in found.fields else list(found.fields[field])

    return read


def client_hello(
    *,
    offers_suite: int | None = None,
    offers_version: int | None = None,
    offers_group: int | None = None,
    offers_srtp: bool | None = None,
    srtp_profile: int | None = None,
    extension: int | None = None,
    retransmitted: bool | None = None,
) -> Matcher:
    """A ClientHello. `extension` asks that one of this type is there."""

    def has(number: int | None, read: Any) -> tuple[bool | None, Any]:
        return (None if number is None else True, lambda packet: number in read(packet))

    matcher = handshake("ClientHello", retransmitted=retransmitted)
    wanted = {
        f"offers suite {offers_suite or 0:#06x}": has(offers_suite, lambda packet: packet.cipher_suites),
        f"offers version {offers_version or 0:#06x}": has(offers_version, _values(43, "versions")),
        f"offers group {offers_group or 0:#06x}": has(offers_group, _values(10, "groups")),
        "offers use_srtp": (offers_srtp, lambda packet: packet.extension(_USE_SRTP) is not None),
        f"offers SRTP profile {srtp_profile or 0:#06x}": has(srtp_profile, _values(_USE_SRTP, "profiles")),
        f"has extension {extension or 0}": has(extension, lambda packet: [type_of(each) for each in packet.extensions]),
    }
    asked = fields(matcher.words, Part.HANDSHAKE, matcher.codes, wanted)
    return (
        asked
        if matcher.test is None
        else replace(asked, test=_and(matcher.test, asked.test) if asked.test else matcher.test)
    )


def server_hello(*, suite: int | None = None, version: int | None = None, srtp_profile: int | None = None) -> Matcher:
    """A ServerHello that isn't a HelloRetryRequest; `version` is the one negotiated, 0xfefd or 0xfefc."""
    matcher = handshake("ServerHello")
    asked = fields(
        matcher.words,
        Part.HANDSHAKE,
        matcher.codes,
        {
            "suite": (suite, lambda packet: packet.cipher_suite),
            "version": (version, lambda packet: packet.negotiated_version),
            "srtp_profile": (srtp_profile, lambda packet: (_values(_USE_SRTP, "profiles")(packet) or [None])[0]),
        },
    )
    return replace(asked, test=_and(matcher.test, asked.test) if asked.test else matcher.test)


def finished() -> Matcher:
    """A Finished that could be opened: needs the secrets."""
    return handshake("Finished")


def fragment(name: str | None = None) -> Matcher:
    """A handshake fragment that completes no message."""
    return Matcher(
        f"a fragment of a {name or 'handshake message'}",
        frozenset({Part.FRAGMENT}),
        None if name is None else frozenset({_TYPES[name]}),
    )


def change_cipher_spec() -> Matcher:
    return Matcher("a ChangeCipherSpec", frozenset({Part.CHANGE_CIPHER_SPEC}))


def alert(*names: str, fatal: bool | None = None) -> Matcher:
    """An alert in clear or opened, by its name in the RFC, "handshake_failure", or one of several; none means any."""
    if unknown := [name for name in names if name not in _ALERT_CODES]:
        raise ValueError(f"no alert is called {unknown[0]!r}; known are {', '.join(sorted(_ALERT_CODES))}")
    codes = {_ALERT_CODES[name] for name in names} or None
    words = f"an alert {' or '.join(names)}".rstrip()
    return fields(words, Part.ALERT, codes, {"fatal": (fatal, lambda packet: packet.level == 2)})


def ack() -> Matcher:
    """An ACK of DTLS 1.3."""
    return Matcher("a DTLS ACK", frozenset({Part.ACK}))


def application_data() -> Matcher:
    """An application data record, opened or (DTLS 1.2) closed."""

    def test(_: Any, item: Any) -> bool:
        return item.part is Part.APPLICATION_DATA or item.code == _APPLICATION_DATA

    return Matcher("DTLS application data", frozenset({Part.APPLICATION_DATA, Part.CLOSED}), test=test)


def protected() -> Matcher:
    """A record that travelled encrypted, opened or not."""
    return Matcher("a protected DTLS record", _EVERYTHING, test=lambda _, item: item.protected)
