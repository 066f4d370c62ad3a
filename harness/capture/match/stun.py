"""STUN messages and connectivity checks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from harness.capture.frame import Frame
from harness.capture.items import Item, Part
from harness.capture.layers import stun
from harness.capture.layers.stun import Class, Method, message_type
from harness.capture.matcher import Matcher, fields

if TYPE_CHECKING:
    from harness.capture.wire import Hit

__all__ = [
    "binding_indication",
    "binding_request",
    "binding_success",
    "check",
    "error",
    "message",
    "request",
    "success",
]


def _present(kind: type[stun.Attribute]) -> Any:
    return lambda packet: packet.find(kind) is not None


def _value(kind: type[stun.Attribute], name: str) -> Any:
    def read(packet: Any) -> Any:
        attribute = packet.find(kind)
        value = None if attribute is None else attribute.getfieldval(name)
        return value.decode("utf-8", "replace") if isinstance(value, bytes) else value

    return read


def _verified(matcher: Matcher, password: str | None, fingerprint: bool | None) -> Matcher:
    """Also compare MESSAGE-INTEGRITY (under this password) and FINGERPRINT."""
    if password is None and fingerprint is None:
        return matcher
    words = matcher.words
    words += " with a MESSAGE-INTEGRITY that verifies" if password is not None else ""
    if fingerprint is not None:
        words += f" with{'' if fingerprint else 'out'} a right FINGERPRINT"
    inner = matcher.test

    def test(frame: Frame, item: Item) -> bool:
        if inner is not None and not inner(frame, item):
            return False
        if password is not None and not stun.integrity_is_valid(item.data, password):
            return False
        return fingerprint is None or stun.fingerprint_is_valid(item.data) is fingerprint

    return replace(matcher, words=words, test=test)


def message(
    method: Method | None = None, message_class: Class | None = None, *, attributes: Iterable[type[stun.Attribute]] = ()
) -> Matcher:
    """Any STUN message, or those of a method and class, that have all of `attributes`."""
    needed = tuple(attributes)
    words = "a STUN message" if method is None and message_class is None else "a STUN"
    words += f" {method.name.lower()}" if method is not None else ""
    words += f" {message_class.name.lower()}" if message_class is not None else ""
    words += f" with {', '.join(str(each._name or each.name) for each in needed)}" if needed else ""
    codes = [
        message_type(each, kind)
        for each in (Method if method is None else (method,))
        for kind in (Class if message_class is None else (message_class,))
    ]
    matcher = Matcher(
        words, frozenset({Part.STUN}), None if method is None and message_class is None else frozenset(codes)
    )
    if not needed:
        return matcher
    return replace(matcher, test=lambda _, item: all(item.packet.find(kind) is not None for kind in needed))


def binding_request(
    *,
    use_candidate: bool | None = None,
    controlling: bool | None = None,
    controlled: bool | None = None,
    username: str | None = None,
    priority: int | None = None,
    tie_breaker: int | None = None,
    has_username: bool | None = None,
    has_priority: bool | None = None,
    has_integrity: bool | None = None,
    has_fingerprint: bool | None = None,
    password: str | None = None,
    fingerprint: bool | None = None,
) -> Matcher:
    """A Binding request: a connectivity check, a consent check, a keepalive to a STUN server.

    `has_...` ask for the presence of an attribute; `password` that MESSAGE-INTEGRITY verifies under it, `fingerprint`
    that FINGERPRINT is right.
    """

    def tie(packet: Any) -> Any:
        role = packet.find(stun.IceControlling) or packet.find(stun.IceControlled)
        return None if role is None else role.tie_breaker

    matcher = fields(
        "a STUN Binding request",
        Part.STUN,
        {message_type(Method.BINDING, Class.REQUEST)},
        {
            "use_candidate": (use_candidate, _present(stun.UseCandidate)),
            "controlling": (controlling, _present(stun.IceControlling)),
            "controlled": (controlled, _present(stun.IceControlled)),
            "username": (username, _value(stun.Username, "username")),
            "priority": (priority, _value(stun.Priority, "priority")),
            "tie_breaker": (tie_breaker, tie),
            "has_username": (has_username, _present(stun.Username)),
            "has_priority": (has_priority, _present(stun.Priority)),
            "has_integrity": (has_integrity, _present(stun.MessageIntegrity)),
            "has_fingerprint": (has_fingerprint, _present(stun.Fingerprint)),
        },
    )
    return _verified(matcher, password, fingerprint)


check = binding_request
"""A connectivity check is a Binding request (RFC 8445 section 7.2)."""


def _answer(words: str, method: Method, message_class: Class, to: Hit | None, wanted: dict[str, Any]) -> Matcher:
    identifier = None if to is None else to.packet.transaction_id
    matcher = fields(words, Part.STUN, {message_type(method, message_class)}, wanted)
    if to is None:
        return matcher
    return matcher.where(lambda packet: packet.transaction_id == identifier, f"to frame {to.number}")


def binding_success(
    *,
    to: Hit | None = None,
    has_mapped_address: bool | None = None,
    has_integrity: bool | None = None,
    password: str | None = None,
    fingerprint: bool | None = None,
) -> Matcher:
    """A Binding success response; `to` (what `expect` gave for a request) asks for the same transaction."""
    wanted = {
        "has_mapped_address": (has_mapped_address, _present(stun.XorMappedAddress)),
        "has_integrity": (has_integrity, _present(stun.MessageIntegrity)),
    }
    matcher = _answer("a STUN Binding success response", Method.BINDING, Class.SUCCESS, to, wanted)
    return _verified(matcher, password, fingerprint)


def error(
    code: int | None = None,
    *,
    method: Method = Method.BINDING,
    to: Hit | None = None,
    password: str | None = None,
    fingerprint: bool | None = None,
) -> Matcher:
    """An error response, of any code or this one."""

    def read(packet: Any) -> Any:
        attribute = packet.find(stun.ErrorCode)
        return None if attribute is None else attribute.code

    reason = f" {code} ({stun.ERROR_REASONS[code]})" if code in stun.ERROR_REASONS else ""
    matcher = _answer(f"a STUN error response{reason}", method, Class.ERROR, to, {"code": (code, read)})
    return _verified(matcher, password, fingerprint)


def binding_indication() -> Matcher:
    """A Binding indication: a keepalive (RFC 8445 section 11)."""
    return message(Method.BINDING, Class.INDICATION)


def request(method: Method) -> Matcher:
    """A request of a method, for TURN."""
    return message(method, Class.REQUEST)


def success(method: Method, *, to: Hit | None = None) -> Matcher:
    """A success response of a method, for TURN."""
    return _answer(f"a STUN {method.name.lower()} success response", method, Class.SUCCESS, to, {})
